-- name: keyword_insert
insert into keyword (sid, account_sid, workspace_sid, phrases, department, priority, confidence,
                     is_enabled, description, version, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $10);

-- name: keyword_get
-- index: primary key
select sid, account_sid, workspace_sid, phrases, department, priority, confidence, is_enabled,
       description, version, created_at, updated_at
from keyword
where sid = $2 and workspace_sid = $1;

-- name: keyword_get_for_update
-- index: primary key
select sid, account_sid, workspace_sid, phrases, department, priority, confidence, is_enabled,
       description, version, created_at, updated_at
from keyword
where sid = $2 and workspace_sid = $1
for update;

-- name: keyword_list
-- index: keyword_by_workspace
select sid, account_sid, workspace_sid, phrases, department, priority, confidence, is_enabled,
       description, version, created_at, updated_at
from keyword
where workspace_sid = $1
  and sid > $2
  and ($4::text is null or department = $4)
order by sid
limit $3;

-- name: keyword_update
-- index: primary key; the caller holds the row lock
update keyword
set phrases = $2,
    department = $3,
    priority = $4,
    confidence = $5,
    is_enabled = $6,
    description = $7,
    version = $8,
    updated_at = $9
where sid = $1;

-- name: keyword_delete
-- index: primary key
delete from keyword
where sid = $1;

-- name: keyword_delete_all
-- index: keyword_by_workspace
delete from keyword
where workspace_sid = $1;
