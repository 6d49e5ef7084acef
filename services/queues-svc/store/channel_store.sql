-- name: channel_insert
insert into task_channel (sid, account_sid, workspace_sid, friendly_name, unique_name,
                          channel_optimized_routing, version, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, 1, $7, $7);

-- name: channel_insert_default
-- several replicas may meet a new workspace at once; the SID is derived, so one of them wins
insert into task_channel (sid, account_sid, workspace_sid, friendly_name, unique_name,
                          channel_optimized_routing, version, created_at, updated_at)
values ($1, $2, $3, $4, $5, false, 1, $6, $6)
on conflict do nothing;

-- name: channel_get
-- index: primary key or task_channel_unique_name
select sid, account_sid, workspace_sid, friendly_name, unique_name, channel_optimized_routing,
       version, created_at, updated_at
from task_channel
where workspace_sid = $1 and (sid = $2 or unique_name = $2) and vanished_at is null;

-- name: channel_get_for_update
-- index: primary key or task_channel_unique_name
select sid, account_sid, workspace_sid, friendly_name, unique_name, channel_optimized_routing,
       version, created_at, updated_at
from task_channel
where workspace_sid = $1 and (sid = $2 or unique_name = $2) and vanished_at is null
for update;

-- name: channel_list
-- index: task_channel_by_workspace
select sid, account_sid, workspace_sid, friendly_name, unique_name, channel_optimized_routing,
       version, created_at, updated_at
from task_channel
where workspace_sid = $1 and sid > $2 and vanished_at is null
order by sid
limit $3;

-- name: channel_update
-- index: primary key; the caller holds the row lock
update task_channel
set friendly_name = $2,
    channel_optimized_routing = $3,
    version = $4,
    updated_at = $5
where sid = $1;

-- name: channel_delete
-- index: primary key
delete from task_channel
where sid = $1;

-- name: channel_delete_all
-- index: task_channel_by_workspace
delete from task_channel
where workspace_sid = $1
  and observed_at is null;

-- name: channel_bury_all
-- index: task_channel_by_workspace; what Twilio had may come back with its workspace
update task_channel
set vanished_at = now(),
    version = version + 1
where workspace_sid = $1
  and vanished_at is null;

-- name: channel_mirror_find
-- index: primary key
select sid, account_sid, workspace_sid, friendly_name, unique_name, channel_optimized_routing,
       version, created_at, updated_at, observed_at, vanished_at is not null
from task_channel
where sid = any($1::text[])
order by sid
for update;

-- name: channel_mirror_names
-- index: task_channel_unique_name; who has each name
select coalesce(c.sid, '')
from unnest($2::text[]) with ordinality as wanted (name, n)
left join task_channel c
    on c.workspace_sid = $1 and c.vanished_at is null and c.unique_name = wanted.name
order by wanted.n;

-- name: channel_mirror_put
-- index: primary key; a tombstone comes back
insert into task_channel (sid, account_sid, workspace_sid, friendly_name, unique_name,
                          channel_optimized_routing, version, created_at, updated_at, observed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (sid) do update
set friendly_name = excluded.friendly_name,
    unique_name = excluded.unique_name,
    channel_optimized_routing = excluded.channel_optimized_routing,
    version = excluded.version,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at,
    observed_at = excluded.observed_at,
    vanished_at = null;

-- name: channel_mirror_observe
-- index: primary key; null: the date that it has
update task_channel c
set observed_at = $2,
    created_at = coalesce(seen.created_at, c.created_at),
    updated_at = coalesce(seen.updated_at, c.updated_at)
from unnest($1::text[], $3::timestamptz[], $4::timestamptz[]) as seen (sid, created_at, updated_at)
where c.sid = seen.sid;

-- name: channel_mirror_park
-- index: primary key; their names are free for others of the same transaction; nobody can have such
-- a name
update task_channel
set unique_name = chr(1) || sid
where sid = any($1::text[]);

-- name: channel_mirror_vanish
-- index: primary key
update task_channel
set vanished_at = now(),
    observed_at = $3,
    version = $2
where sid = $1;
