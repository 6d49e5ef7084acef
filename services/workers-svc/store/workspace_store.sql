-- name: workspace_insert
insert into workspace (sid, account_sid, friendly_name, provider, default_activity_sid,
                       timeout_activity_sid, event_callback_url, events_filter,
                       multi_task_enabled, prioritize_queue_order, time_zone, version, created_at,
                       updated_at, template)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, $12, $13);

-- name: workspace_get
-- index: primary key
select w.sid, w.account_sid, w.friendly_name, w.provider, w.default_activity_sid,
       coalesce(d.friendly_name, ''), w.timeout_activity_sid, coalesce(t.friendly_name, ''),
       w.event_callback_url, w.events_filter, w.multi_task_enabled, w.prioritize_queue_order,
       w.time_zone, w.version, w.created_at, w.updated_at, w.template
from workspace w
left join activity d on d.sid = w.default_activity_sid
left join activity t on t.sid = w.timeout_activity_sid
where w.sid = $1 and w.vanished_at is null;

-- name: workspace_get_for_update
-- locked first, joined afterwards: see worker_get_for_update
-- index: primary key
with w as (
    select sid, account_sid, friendly_name, provider, default_activity_sid, timeout_activity_sid,
           event_callback_url, events_filter, multi_task_enabled, prioritize_queue_order,
           time_zone, version, created_at, updated_at, template
    from workspace
    where sid = $1 and vanished_at is null
    for update
)
select w.sid, w.account_sid, w.friendly_name, w.provider, w.default_activity_sid,
       coalesce(d.friendly_name, ''), w.timeout_activity_sid, coalesce(t.friendly_name, ''),
       w.event_callback_url, w.events_filter, w.multi_task_enabled, w.prioritize_queue_order,
       w.time_zone, w.version, w.created_at, w.updated_at, w.template
from w
left join activity d on d.sid = w.default_activity_sid
left join activity t on t.sid = w.timeout_activity_sid;

-- name: workspace_list
-- index: workspace_by_account; $1 null lists all accounts (our own services)
select w.sid, w.account_sid, w.friendly_name, w.provider, w.default_activity_sid,
       coalesce(d.friendly_name, ''), w.timeout_activity_sid, coalesce(t.friendly_name, ''),
       w.event_callback_url, w.events_filter, w.multi_task_enabled, w.prioritize_queue_order,
       w.time_zone, w.version, w.created_at, w.updated_at, w.template
from workspace w
left join activity d on d.sid = w.default_activity_sid
left join activity t on t.sid = w.timeout_activity_sid
where ($1::text is null or w.account_sid = $1)
  and w.sid > $2
  and w.vanished_at is null
  and ($4::text is null or lower(w.friendly_name) = lower($4))
  and ($5::text is null or w.sid = $5)
order by w.sid
limit $3;

-- name: workspace_update
-- index: primary key; the caller holds the row lock
update workspace
set friendly_name = $2,
    default_activity_sid = $3,
    timeout_activity_sid = $4,
    event_callback_url = $5,
    events_filter = $6,
    prioritize_queue_order = $7,
    time_zone = $8,
    version = $9,
    updated_at = $10,
    multi_task_enabled = $11
where sid = $1;

-- name: workspace_delete_workers
-- index: worker_by_workspace; before the activities that they refer to
delete from worker
where workspace_sid = $1;

-- name: workspace_delete
-- index: primary key; activities and channels go with it
delete from workspace
where sid = $1;

-- name: workspace_delete_channels
-- index: task_channel_copy_by_workspace
delete from task_channel_copy
where workspace_sid = $1;
