-- name: worker_insert
insert into worker (sid, account_sid, workspace_sid, friendly_name, attributes, attributes_text,
                    activity_sid, user_sid, version, created_at, status_changed_at, updated_at)
values ($1, $2, $3, $4, $5::text::jsonb, $5::text, $6, $7, 1, $8, $8, $8);

-- name: worker_get
-- index: primary key
select w.sid, w.account_sid, w.workspace_sid, w.friendly_name, w.attributes_text,
       w.activity_sid, a.friendly_name, a.available, w.user_sid, w.version, w.created_at,
       w.status_changed_at, w.updated_at
from worker w
join activity a on a.sid = w.activity_sid
where w.sid = $2 and w.workspace_sid = $1;

-- name: worker_get_for_update
-- index: primary key
select w.sid, w.account_sid, w.workspace_sid, w.friendly_name, w.attributes_text,
       w.activity_sid, a.friendly_name, a.available, w.user_sid, w.version, w.created_at,
       w.status_changed_at, w.updated_at
from worker w
join activity a on a.sid = w.activity_sid
where w.sid = $2 and w.workspace_sid = $1
for update of w;

-- name: worker_list
-- index: worker_by_workspace
select w.sid, w.account_sid, w.workspace_sid, w.friendly_name, w.attributes_text,
       w.activity_sid, a.friendly_name, a.available, w.user_sid, w.version, w.created_at,
       w.status_changed_at, w.updated_at
from worker w
join activity a on a.sid = w.activity_sid
where w.workspace_sid = $1
  and w.sid > $2
  and ($4::text is null or lower(w.friendly_name) = lower($4))
  and ($5::text is null or w.activity_sid = $5)
  and ($6::text is null or a.friendly_name = $6)
  and ($7::boolean is null or a.available = $7)
order by w.sid
limit $3;

-- name: worker_update
-- index: primary key; the caller holds the row lock
update worker
set friendly_name = $2,
    attributes = $3::text::jsonb,
    attributes_text = $3::text,
    activity_sid = $4,
    status_changed_at = $5,
    version = $6,
    updated_at = $7
where sid = $1;

-- name: worker_delete
-- index: primary key
delete from worker
where sid = $1;
