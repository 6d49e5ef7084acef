-- Tasks and reservations that Twilio routes.

-- name: mirror_tasks_read
-- index: primary keys
select t.sid, t.account_sid, t.workspace_sid, t.state, t.version, t.attributes::text, t.priority,
       t.reason, t.timeout_s, t.task_queue_sid, t.task_channel_sid, t.workflow_sid,
       t.ignore_capacity, t.routing_target, t.worker_sid, t.call_id, t.created_at, t.updated_at,
       t.virtual_start_at, t.queue_entered_at, t.assigned_at, t.ended_at, t.workflow_version,
       t.filter_index, t.target_index, t.filter_base_at, t.step_deadline_at, t.assignment_count,
       t.redrive, t.sequence, coalesce(q.name, ''), coalesce(c.name, ''), coalesce(f.name, ''),
       t.observed_at, t.purged_at is not null, t.deleted_at is not null
from task t
left join config_copy q on q.sid = t.task_queue_sid
left join config_copy c on c.sid = t.task_channel_sid
left join config_copy f on f.sid = t.workflow_sid
where t.sid = any ($1::text[])
   or t.sid = any (array (select r.task_sid
                          from reservation r
                          where r.sid = any ($2::text[])));

-- name: mirror_reservations_read
-- index: primary key, reservation_by_task
select r.sid, r.account_sid, r.workspace_sid, r.task_sid, r.worker_sid, r.state, r.version,
       r.timeout_s, r.task_queue_sid, r.task_channel_sid, r.workflow_sid, r.previous_activity_sid,
       r.instruction, r.instruction_data, r.created_at, r.updated_at, r.expires_at, r.sequence,
       coalesce(w.name, ''), r.observed_at
from (select a.*
      from reservation a
      where a.sid = any ($2::text[])
      union all
      select b.*
      from reservation b
      where b.task_sid = any ($1::text[])
        and b.observed_at is not null
        and b.state in ('pending', 'accepted', 'wrapping', 'completed')
        and not b.sid = any ($2::text[])) r
left join config_copy w on w.sid = r.worker_sid;

-- name: mirror_events_read
-- index: primary key
select 'EV' || replace(e.sid::text, '-', '')
from mirror_event e
where e.sid = any ($1::text[]::uuid[]);

-- name: mirror_tasks_write
-- index: primary key
insert into task (sid, shard, account_sid, workspace_sid, state, version, attributes, priority,
                  reason, timeout_s, task_queue_sid, task_channel_sid, workflow_sid,
                  ignore_capacity, routing_target, worker_sid, call_id, created_at, updated_at,
                  virtual_start_at, queue_entered_at, assigned_at, ended_at, workflow_version,
                  filter_index, target_index, filter_base_at, step_deadline_at, assignment_count,
                  redrive, sequence, observed_at, mirror_purge_at, purged_at, deleted_at)
select r.sid, $1::integer, r.account_sid, r.workspace_sid, r.state, r.version, r.attributes::json,
       r.priority, r.reason, r.timeout_s, r.task_queue_sid, r.task_channel_sid, r.workflow_sid,
       r.ignore_capacity, r.routing_target, r.worker_sid, r.call_id, r.created_at, r.updated_at,
       r.virtual_start_at, r.queue_entered_at, r.assigned_at, r.ended_at, r.workflow_version,
       r.filter_index::integer, r.target_index::integer, r.filter_base_at, r.step_deadline_at,
       r.assignment_count::integer, r.redrive, r.sequence, r.observed_at, r.mirror_purge_at,
       r.deleted_at, r.deleted_at
from unnest($2::batch_task[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[])
     as r (sid, account_sid, workspace_sid, state, version, attributes, priority, reason,
           timeout_s, task_queue_sid, task_channel_sid, workflow_sid, ignore_capacity,
           routing_target, worker_sid, call_id, created_at, updated_at, virtual_start_at,
           queue_entered_at, assigned_at, ended_at, workflow_version, filter_index, target_index,
           filter_base_at, step_deadline_at, assignment_count, redrive, sequence, observed_at,
           mirror_purge_at, deleted_at)
on conflict (sid) do update
set state = excluded.state,
    version = excluded.version,
    attributes = excluded.attributes,
    priority = excluded.priority,
    reason = excluded.reason,
    timeout_s = excluded.timeout_s,
    task_queue_sid = excluded.task_queue_sid,
    task_channel_sid = excluded.task_channel_sid,
    workflow_sid = excluded.workflow_sid,
    ignore_capacity = excluded.ignore_capacity,
    routing_target = excluded.routing_target,
    worker_sid = excluded.worker_sid,
    call_id = excluded.call_id,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at,
    virtual_start_at = excluded.virtual_start_at,
    queue_entered_at = excluded.queue_entered_at,
    ended_at = excluded.ended_at,
    observed_at = excluded.observed_at,
    mirror_purge_at = case when task.purged_at is null then excluded.mirror_purge_at end,
    purged_at = coalesce(task.purged_at, excluded.purged_at),
    deleted_at = coalesce(task.deleted_at, excluded.deleted_at)
where task.observed_at is not null;

-- name: mirror_reservations_write
-- index: primary key
insert into reservation (sid, shard, account_sid, workspace_sid, task_sid, worker_sid, state,
                         version, timeout_s, task_queue_sid, task_channel_sid, workflow_sid,
                         previous_activity_sid, instruction, instruction_data, created_at,
                         updated_at, expires_at, sequence, observed_at, is_mirror_open)
select r.sid, $1::integer, r.account_sid, r.workspace_sid, r.task_sid, r.worker_sid, r.state,
       r.version, r.timeout_s, r.task_queue_sid, r.task_channel_sid, r.workflow_sid,
       r.previous_activity_sid, r.instruction, r.instruction_data, r.created_at, r.updated_at,
       r.expires_at, r.sequence, r.observed_at, nullif(r.is_mirror_open, false)
from unnest($2::batch_reservation[], $3::timestamptz[], $4::boolean[])
     as r (sid, account_sid, workspace_sid, task_sid, worker_sid, state, version, timeout_s,
           task_queue_sid, task_channel_sid, workflow_sid, previous_activity_sid, instruction,
           instruction_data, created_at, updated_at, expires_at, sequence, observed_at,
           is_mirror_open)
on conflict (sid) do update
set state = excluded.state,
    version = excluded.version,
    task_sid = excluded.task_sid,
    worker_sid = excluded.worker_sid,
    timeout_s = excluded.timeout_s,
    task_queue_sid = excluded.task_queue_sid,
    task_channel_sid = excluded.task_channel_sid,
    workflow_sid = excluded.workflow_sid,
    instruction = excluded.instruction,
    instruction_data = excluded.instruction_data,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at,
    observed_at = excluded.observed_at,
    is_mirror_open = excluded.is_mirror_open
where reservation.observed_at is not null;

-- name: mirror_events_write
insert into mirror_event (sid, shard, applied_at)
select e.sid, $1::integer, $3
from unnest($2::text[]::uuid[]) as e (sid);

-- name: mirror_purge
-- index: task_mirror_purge
update task t
set purged_at = now(),
    mirror_purge_at = null
from (select o.sid
      from task o
      where o.mirror_purge_at < $2
        and o.shard = $1::integer
      order by o.mirror_purge_at
      limit $3) old
where t.sid = old.sid
  and t.mirror_purge_at < $2;

-- name: mirror_forget
-- index: mirror_event_by_time
delete from mirror_event e
using (select o.sid
       from mirror_event o
       where o.applied_at < $2
         and o.shard = $1::integer
       order by o.applied_at
       limit $3) old
where e.sid = old.sid;

-- name: mirror_loads
-- index: reservation_mirror_open; what workers have on their channels, by the tasks' channels
select r.worker_sid, t.task_channel_sid, count(*) filter (where r.state = 'accepted'), count(*),
       coalesce(max(case
           when c.value is not null then coalesce((c.value ->> 'configuredCapacity')::bigint, 0)
       end), 1)
from reservation r
join task t on t.sid = r.task_sid
left join config_copy w on w.sid = r.worker_sid
left join lateral json_array_elements(w.document -> 'channels') c
          on c.value ->> 'taskChannelSid' = t.task_channel_sid
where r.workspace_sid = $1
  and r.worker_sid = any ($2::text[])
  and r.is_mirror_open
group by r.worker_sid, t.task_channel_sid
order by r.worker_sid, t.task_channel_sid;

-- name: mirror_now
-- index: task_by_workspace; the tasks under way, which a workspace has no more of than are in its lists
select t.task_queue_sid, t.workflow_sid, t.state, t.priority, count(*), min(t.created_at),
       (array_agg(t.sid order by t.created_at, t.sid))[1],
       min(coalesce(t.queue_entered_at, t.created_at)),
       (array_agg(t.sid order by coalesce(t.queue_entered_at, t.created_at), t.sid))[1]
from task t
where t.workspace_sid = $1
  and t.purged_at is null
  and t.state in ('pending', 'reserved', 'assigned', 'wrapping')
  and ($2::text is null or t.task_channel_sid = $2)
group by t.task_queue_sid, t.workflow_sid, t.state, t.priority
order by t.priority;

-- name: mirror_configs
-- index: config_copy_by_name
select c.sid, c.account_sid, c.workspace_sid, c.document::text, c.version
from config_copy c
where c.workspace_sid = $1
  and c.kind = $2
  and not c.is_deleted
order by lower(c.name)
limit $3;
