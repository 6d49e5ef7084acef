-- name: workspace_copy_get
-- index: primary key
select sid, account_sid, friendly_name, version, deleted_at is not null
from workspace_copy
where sid = $1;

-- name: workspace_copy_put
-- index: primary key; an older version changes nothing
insert into workspace_copy (sid, account_sid, friendly_name, version, deleted_at)
values ($1, $2, $3, $4, case when $5 then now() end)
on conflict (sid) do update
set account_sid = excluded.account_sid,
    friendly_name = excluded.friendly_name,
    version = excluded.version,
    deleted_at = excluded.deleted_at
where workspace_copy.version < excluded.version
  and workspace_copy.deleted_at is null
returning xmax = 0; -- inserted, not updated

-- name: workspace_copy_hold
-- index: primary key; shared, so that creations go on side by side while a deletion waits
select sid
from workspace_copy
where sid = $1
  and deleted_at is null
for share;
