-- name: activity_insert
insert into activity (sid, account_sid, workspace_sid, friendly_name, available, version,
                      created_at, updated_at)
values ($1, $2, $3, $4, $5, 1, $6, $6);

-- name: activity_get
-- index: primary key
select sid, account_sid, workspace_sid, friendly_name, available, version, created_at, updated_at
from activity
where sid = $2 and workspace_sid = $1 and vanished_at is null;

-- name: activity_get_for_update
-- index: primary key
select sid, account_sid, workspace_sid, friendly_name, available, version, created_at, updated_at
from activity
where sid = $2 and workspace_sid = $1 and vanished_at is null
for update;

-- name: activity_list
-- index: activity_by_workspace
select sid, account_sid, workspace_sid, friendly_name, available, version, created_at, updated_at
from activity
where workspace_sid = $1
  and sid > $2
  and vanished_at is null
  and ($4::text is null or lower(friendly_name) = lower($4))
  and ($5::boolean is null or available = $5)
order by sid
limit $3;

-- name: activity_update
-- index: primary key; the caller holds the row lock
update activity
set friendly_name = $2,
    version = $3,
    updated_at = $4
where sid = $1;

-- name: activity_delete
-- index: primary key
delete from activity
where sid = $1;

-- name: activity_is_used
-- index: worker_by_activity, workspace primary key
select exists (select 1 from worker where activity_sid = $1),
       exists (select 1 from workspace
               where sid = $2 and (default_activity_sid = $1 or timeout_activity_sid = $1));
