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
where workspace_sid = $1 and (sid = $2 or unique_name = $2);

-- name: channel_get_for_update
-- index: primary key or task_channel_unique_name
select sid, account_sid, workspace_sid, friendly_name, unique_name, channel_optimized_routing,
       version, created_at, updated_at
from task_channel
where workspace_sid = $1 and (sid = $2 or unique_name = $2)
for update;

-- name: channel_list
-- index: task_channel_by_workspace
select sid, account_sid, workspace_sid, friendly_name, unique_name, channel_optimized_routing,
       version, created_at, updated_at
from task_channel
where workspace_sid = $1 and sid > $2
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
where workspace_sid = $1;
