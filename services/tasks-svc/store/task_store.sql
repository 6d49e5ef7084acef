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
-- index: waiting ones by task_by_workspace or the task_by_… of the filter, others by the former;
-- names by config_copy_by_name
select t.sid, t.account_sid, t.workspace_sid, t.state, t.version, t.attributes::text, t.priority,
       t.reason, t.timeout_s, t.task_queue_sid, t.task_channel_sid, t.workflow_sid,
       t.ignore_capacity, t.routing_target, t.worker_sid, t.call_id, t.created_at, t.updated_at,
       t.virtual_start_at, t.queue_entered_at, t.assigned_at, t.ended_at, t.workflow_version,
       t.filter_index, t.target_index, t.filter_base_at, t.step_deadline_at, t.assignment_count,
       t.redrive, t.sequence, coalesce(q.name, ''), coalesce(c.name, ''), coalesce(f.name, '')
from (
      (select sid, account_sid, workspace_sid, state, version, attributes, priority, reason, timeout_s,
              task_queue_sid, task_channel_sid, workflow_sid, ignore_capacity, routing_target, worker_sid,
              call_id, created_at, updated_at, virtual_start_at, queue_entered_at, assigned_at, ended_at,
              workflow_version, filter_index, target_index, filter_base_at, step_deadline_at,
              assignment_count, redrive, sequence
       from task
       where workspace_sid = $1
         and purged_at is null
         and not is_busy
         and $12::boolean is not true
         and sid > $2
         and ($4::text[] is null or state = any ($4))
         and ($5::text is null or workflow_sid = $5)
         and ($6::text is null or task_queue_sid = $6)
         and ($7::bigint is null or priority = $7)
         and ($8::text is null or (worker_sid = $8 and worker_sid <> ''))
         and ($9::text is null or task_channel_sid = $9
              or task_channel_sid = any (array (select k.sid
                                                from config_copy k
                                                where k.workspace_sid = $1
                                                  and k.kind = 'channel'
                                                  and lower(k.name) = lower($9)
                                                  and k.name = $9)))
         and ($10::text is null
              or workflow_sid = any (array (select k.sid
                                            from config_copy k
                                            where k.workspace_sid = $1
                                              and k.kind = 'workflow'
                                              and lower(k.name) = lower($10))))
         and ($11::text is null
              or task_queue_sid = any (array (select k.sid
                                              from config_copy k
                                              where k.workspace_sid = $1
                                                and k.kind = 'queue'
                                                and lower(k.name) = lower($11))))
       order by sid
       limit $3)
      union all
      (select sid, account_sid, workspace_sid, state, version, attributes, priority, reason, timeout_s,
              task_queue_sid, task_channel_sid, workflow_sid, ignore_capacity, routing_target, worker_sid,
              call_id, created_at, updated_at, virtual_start_at, queue_entered_at, assigned_at, ended_at,
              workflow_version, filter_index, target_index, filter_base_at, step_deadline_at,
              assignment_count, redrive, sequence
       from task
       where workspace_sid = $1
         and purged_at is null
         and is_busy
         and $12::boolean is not false
         and sid > $2
         and ($4::text[] is null or state = any ($4))
         and ($5::text is null or workflow_sid = $5)
         and ($6::text is null or task_queue_sid = $6)
         and ($7::bigint is null or priority = $7)
         and ($8::text is null or (worker_sid = $8 and worker_sid <> ''))
         and ($9::text is null or task_channel_sid = $9
              or task_channel_sid = any (array (select k.sid
                                                from config_copy k
                                                where k.workspace_sid = $1
                                                  and k.kind = 'channel'
                                                  and lower(k.name) = lower($9)
                                                  and k.name = $9)))
         and ($10::text is null
              or workflow_sid = any (array (select k.sid
                                            from config_copy k
                                            where k.workspace_sid = $1
                                              and k.kind = 'workflow'
                                              and lower(k.name) = lower($10))))
         and ($11::text is null
              or task_queue_sid = any (array (select k.sid
                                              from config_copy k
                                              where k.workspace_sid = $1
                                                and k.kind = 'queue'
                                                and lower(k.name) = lower($11))))
       order by sid
       limit $3)
     ) t
left join config_copy q on q.sid = t.task_queue_sid
left join config_copy c on c.sid = t.task_channel_sid
left join config_copy f on f.sid = t.workflow_sid
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
-- index: task_by_workspace, nothing but it for the waiting
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

-- name: workspace_is_mirrored
-- index: primary key
select document ->> 'provider' = 'PROVIDER_TWILIO'
from config_copy
where sid = $1
  and kind = 'workspace';
