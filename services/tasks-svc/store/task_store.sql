-- Reads of tasks and reservations.

-- name: task_get
-- index: primary key
select t.sid, t.account_sid, t.workspace_sid, t.state, t.version, t.attributes::text, t.priority,
       t.reason, t.timeout_s, t.task_queue_sid, t.task_channel_sid, t.workflow_sid,
       t.ignore_capacity, t.routing_target, t.worker_sid, t.call_id, t.created_at, t.updated_at,
       t.virtual_start_at, t.queue_entered_at, t.assigned_at, t.ended_at, t.workflow_version,
       t.filter_index, t.target_index, t.filter_base_at, t.step_deadline_at, t.assignment_count,
       t.redrive, t.sequence, coalesce(q.name, ''), coalesce(c.name, ''), coalesce(f.name, '')
from task t
left join config_copy q on q.sid = t.task_queue_sid
left join config_copy c on c.sid = t.task_channel_sid
left join config_copy f on f.sid = t.workflow_sid
where t.sid = $2
  and t.workspace_sid = $1
  and t.deleted_at is null;

-- name: task_list
-- index: task_live, task_waiting or task_busy by state and worker, or the task_by_… of the filter
select t.sid, t.account_sid, t.workspace_sid, t.state, t.version, t.attributes::text, t.priority,
       t.reason, t.timeout_s, t.task_queue_sid, t.task_channel_sid, t.workflow_sid,
       t.ignore_capacity, t.routing_target, t.worker_sid, t.call_id, t.created_at, t.updated_at,
       t.virtual_start_at, t.queue_entered_at, t.assigned_at, t.ended_at, t.workflow_version,
       t.filter_index, t.target_index, t.filter_base_at, t.step_deadline_at, t.assignment_count,
       t.redrive, t.sequence, coalesce(q.name, ''), coalesce(c.name, ''), coalesce(f.name, '')
from task t
left join config_copy q on q.sid = t.task_queue_sid
left join config_copy c on c.sid = t.task_channel_sid
left join config_copy f on f.sid = t.workflow_sid
where t.workspace_sid = $1
  and t.purged_at is null
  and t.sid > $2
  and ($4::text[] is null or t.state = any ($4))
  and ($12::boolean is null or t.is_busy = $12)
  and ($5::text is null or t.workflow_sid = $5)
  and ($6::text is null or t.task_queue_sid = $6)
  and ($7::bigint is null or t.priority = $7)
  and ($8::text is null or (t.worker_sid = $8 and t.worker_sid <> ''))
  and ($9::text is null or t.task_channel_sid = $9 or c.name = $9)
  and ($10::text is null or lower(f.name) = lower($10))
  and ($11::text is null or lower(q.name) = lower($11))
order by t.sid
limit $3;

-- name: reservation_get
-- index: primary key
select r.sid, r.account_sid, r.workspace_sid, r.task_sid, r.worker_sid, r.state, r.version,
       r.timeout_s, r.task_queue_sid, r.task_channel_sid, r.workflow_sid, r.previous_activity_sid,
       r.instruction, r.instruction_data, r.created_at, r.updated_at, r.expires_at, r.sequence,
       coalesce(w.name, '')
from reservation r
left join config_copy w on w.sid = r.worker_sid
where r.sid = $2
  and r.workspace_sid = $1;

-- name: reservation_list
-- index: reservation_by_workspace, or the reservation_by_… of the filter given
select r.sid, r.account_sid, r.workspace_sid, r.task_sid, r.worker_sid, r.state, r.version,
       r.timeout_s, r.task_queue_sid, r.task_channel_sid, r.workflow_sid, r.previous_activity_sid,
       r.instruction, r.instruction_data, r.created_at, r.updated_at, r.expires_at, r.sequence,
       coalesce(w.name, '')
from reservation r
left join config_copy w on w.sid = r.worker_sid
where r.workspace_sid = $1
  and r.sid > $2
  and ($4::text is null or r.task_sid = $4)
  and ($5::text is null or r.worker_sid = $5)
  and ($6::text[] is null or r.state = any ($6))
order by r.sid
limit $3;

-- name: task_state_counts
-- index: task_waiting (nothing but the index), task_busy
select 'pending', count(*)
from task
where purged_at is null
  and not is_busy
union all
select state, count(*)
from task
where purged_at is null
  and is_busy
group by state;

-- name: worker_available_count
-- index: config_copy_by_shard
select count(*)
from config_copy w
left join worker_override o on o.worker_sid = w.sid and o.worker_version >= w.version
join config_copy a on a.sid = coalesce(o.activity_sid, w.document ->> 'activitySid')
where w.kind = 'worker'
  and not w.is_deleted
  and a.kind = 'activity'
  and not a.is_deleted
  and a.document ->> 'available' = 'true';

-- name: workspace_account
-- index: primary key
select account_sid
from config_copy
where sid = $1
  and kind = 'workspace'
  and not is_deleted;
