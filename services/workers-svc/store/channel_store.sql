-- name: worker_channel_list
-- index: worker primary key, task_channel_copy_by_workspace, worker_channel primary key; worker by
-- worker. In a mirrored workspace Twilio says which channels a worker has, with which SIDs.
select w.account_sid, w.workspace_sid, w.sid, c.sid, c.unique_name,
       coalesce(o.configured_capacity, 1), coalesce(o.available, true), coalesce(o.version, 1),
       coalesce(o.created_at, w.created_at), coalesce(o.updated_at, w.created_at), coalesce(o.sid, '')
from worker w
join task_channel_copy c on c.workspace_sid = w.workspace_sid and not c.is_deleted
left join worker_channel o on o.worker_sid = w.sid and o.task_channel_sid = c.sid
join workspace s on s.sid = w.workspace_sid
where w.sid = any($1::text[])
  and (s.provider = 'LOCAL' or o.worker_sid is not null)
order by w.sid, c.sid;

-- name: worker_channel_put
-- index: primary key
insert into worker_channel (worker_sid, task_channel_sid, configured_capacity, available, version,
                            created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (worker_sid, task_channel_sid) do update
set configured_capacity = excluded.configured_capacity,
    available = excluded.available,
    version = excluded.version,
    updated_at = excluded.updated_at;

-- name: task_channel_copy_put
-- index: primary keys; an older version changes nothing, nor does an event that comes after the
-- workspace's deletion
insert into task_channel_copy (sid, workspace_sid, unique_name, version, is_deleted)
select $1::text, $2::text, $3::text, $4::bigint, $5::boolean
where exists (select 1 from workspace where sid = $2 and vanished_at is null)
on conflict (sid) do update
set unique_name = excluded.unique_name,
    version = excluded.version,
    is_deleted = excluded.is_deleted
where task_channel_copy.version < excluded.version;
