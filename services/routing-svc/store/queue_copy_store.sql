-- name: queue_copy_missing
-- index: primary key; of these SIDs, the ones that are no live queue of the workspace here
select wanted.sid
from unnest($2::text[]) as wanted (sid)
left join queue_copy q
    on q.sid = wanted.sid and q.workspace_sid = $1 and not q.is_deleted
where q.sid is null;

-- name: queue_copy_put
-- index: primary keys; an older version changes nothing, nor does an event that comes after the
-- workspace's deletion
insert into queue_copy (sid, workspace_sid, version, is_deleted)
select $1::text, $2::text, $3::bigint, $4::boolean
where not exists (select 1 from workspace_copy where sid = $2 and deleted_at is not null)
on conflict (sid) do update
set version = excluded.version,
    is_deleted = excluded.is_deleted
where queue_copy.version < excluded.version;

-- name: queue_copy_delete_all
-- index: queue_copy_by_workspace
delete from queue_copy
where workspace_sid = $1;

-- name: queue_copy_gone
-- index: primary key; of these SIDs, the ones that were queues and are no more
select sid
from queue_copy
where sid = any($1::text[])
  and is_deleted;

-- name: queue_copy_hold
-- index: primary key; the live queues among these, none of which is deleted until the transaction
-- ends
select sid
from queue_copy
where sid = any($2::text[])
  and workspace_sid = $1
  and not is_deleted
order by sid
for share;
