-- name: workspace_copy_get
-- index: primary key
select sid, account_sid, friendly_name, version, deleted_at is not null, provider
from workspace_copy
where sid = $1;

-- name: workspace_copy_put
-- index: primary key; an older version changes nothing, the same one only a row that does not know
-- its provider. What was deleted stays so, unless Twilio has it again.
insert into workspace_copy (sid, account_sid, friendly_name, version, deleted_at, provider)
values ($1, $2, $3, $4, case when $5 then now() end, $6)
on conflict (sid) do update
set account_sid = excluded.account_sid,
    friendly_name = excluded.friendly_name,
    version = excluded.version,
    deleted_at = excluded.deleted_at,
    provider = excluded.provider
where (workspace_copy.version < excluded.version
       or (workspace_copy.version = excluded.version and workspace_copy.provider is null))
  and (workspace_copy.deleted_at is null or excluded.provider = 'TWILIO')
returning xmax = 0; -- inserted, not updated

-- name: workspace_copy_hold
-- index: primary key; shared, so that creations go on side by side while a deletion waits
select sid
from workspace_copy
where sid = $1
  and deleted_at is null
for share;

-- name: workspace_copy_lock
-- index: primary key; not against foreign keys
select sid
from workspace_copy
where sid = $1
  and deleted_at is null
for no key update;
