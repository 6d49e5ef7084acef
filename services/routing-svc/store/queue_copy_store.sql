-- name: queue_copy_missing
-- index: primary key; of these SIDs, the ones that are no live queue of the workspace here
select wanted.sid
from unnest($2::text[]) as wanted (sid)
left join queue_copy q
    on q.sid = wanted.sid and q.workspace_sid = $1 and not q.is_deleted
where q.sid is null;

-- name: queue_copy_put
-- index: primary key; an older version changes nothing
insert into queue_copy (sid, workspace_sid, version, is_deleted)
values ($1, $2, $3, $4)
on conflict (sid) do update
set version = excluded.version,
    is_deleted = excluded.is_deleted
where queue_copy.version < excluded.version;

-- name: queue_copy_delete_all
-- index: queue_copy_by_workspace
delete from queue_copy
where workspace_sid = $1;
