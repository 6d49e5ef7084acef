-- What a batch writes: one statement per table.

-- name: batch_guard
-- index: primary key of shard_lease
select shard_guard($1::integer, $2::bigint, $3::bigint, $4::bigint, $5::bigint);

-- name: batch_renew
-- index: primary key of shard_lease. The guard of a batch without rows, which need not be on disk:
-- the server that would lose it ends our session too, and then the shard is free and we are refused
select set_config('synchronous_commit', 'off', true),
       shard_guard($1::integer, $2::bigint, $3::bigint, $4::bigint, $5::bigint);

-- name: batch_replan
-- index: none. The plans of this session: one that was made while a table was next to empty walks
-- through all of it, until autovacuum has looked at it again
discard plans;

-- name: batch_tasks
-- index: primary key
insert into task (sid, shard, account_sid, workspace_sid, state, version, attributes, priority,
                  reason, timeout_s, task_queue_sid, task_channel_sid, workflow_sid,
                  ignore_capacity, routing_target, worker_sid, call_id, created_at, updated_at,
                  virtual_start_at, queue_entered_at, assigned_at, ended_at, workflow_version,
                  filter_index, target_index, filter_base_at, step_deadline_at, assignment_count,
                  redrive, sequence)
select r.sid, $1::integer, r.account_sid, r.workspace_sid, r.state, r.version, r.attributes::json,
       r.priority, r.reason, r.timeout_s, r.task_queue_sid, r.task_channel_sid, r.workflow_sid,
       r.ignore_capacity, r.routing_target, r.worker_sid, r.call_id, r.created_at, r.updated_at,
       r.virtual_start_at, r.queue_entered_at, r.assigned_at, r.ended_at, r.workflow_version,
       r.filter_index::integer, r.target_index::integer, r.filter_base_at, r.step_deadline_at,
       r.assignment_count::integer, r.redrive, r.sequence
from unnest($2::batch_task[]) as r;

-- name: batch_tasks_changed
-- index: primary key; $1 the shard, as for new ones
update task t
set state = r.state,
    version = r.version,
    attributes = case
        when r.attributes = t.attributes::text then t.attributes
        else r.attributes::json
    end,
    priority = r.priority,
    reason = r.reason,
    task_queue_sid = r.task_queue_sid,
    task_channel_sid = r.task_channel_sid,
    ignore_capacity = r.ignore_capacity,
    worker_sid = r.worker_sid,
    updated_at = r.updated_at,
    virtual_start_at = r.virtual_start_at,
    queue_entered_at = r.queue_entered_at,
    assigned_at = r.assigned_at,
    ended_at = r.ended_at,
    workflow_version = r.workflow_version,
    filter_index = r.filter_index::integer,
    target_index = r.target_index::integer,
    filter_base_at = r.filter_base_at,
    step_deadline_at = r.step_deadline_at,
    assignment_count = r.assignment_count::integer,
    redrive = r.redrive
from unnest($2::batch_task[]) as r
where t.sid = r.sid
  and t.shard = $1;

-- name: batch_reservations
-- index: primary key
insert into reservation (sid, shard, account_sid, workspace_sid, task_sid, worker_sid, state,
                         version, timeout_s, task_queue_sid, task_channel_sid, workflow_sid,
                         previous_activity_sid, instruction, instruction_data, created_at,
                         updated_at, expires_at, sequence)
select r.sid, $1::integer, r.account_sid, r.workspace_sid, r.task_sid, r.worker_sid, r.state,
       r.version, r.timeout_s, r.task_queue_sid, r.task_channel_sid, r.workflow_sid,
       r.previous_activity_sid, r.instruction, r.instruction_data, r.created_at, r.updated_at,
       r.expires_at, r.sequence
from unnest($2::batch_reservation[]) as r;

-- name: batch_reservations_changed
-- index: primary key
update reservation t
set state = r.state,
    version = r.version,
    previous_activity_sid = r.previous_activity_sid,
    instruction = r.instruction,
    instruction_data = r.instruction_data,
    updated_at = r.updated_at,
    expires_at = r.expires_at
from unnest($2::batch_reservation[]) as r
where t.sid = r.sid
  and t.shard = $1;

-- name: batch_idle
-- index: primary key
insert into worker_idle (worker_sid, task_channel_sid, shard, sequence)
select r.worker_sid, r.task_channel_sid, $1::integer, max(r.sequence)
from unnest($2::text[], $3::text[], $4::bigint[]) as r (worker_sid, task_channel_sid, sequence)
group by r.worker_sid, r.task_channel_sid
on conflict (worker_sid, task_channel_sid) do update
set sequence = greatest(worker_idle.sequence, excluded.sequence);

-- name: batch_purge
-- index: primary key
update task
set purged_at = $2,
    deleted_at = case when p.is_gone then $2::timestamptz end
from unnest($1::text[], $3::boolean[]) as p (sid, is_gone)
where task.sid = p.sid;

-- name: batch_override_put
-- index: primary key
insert into worker_override (worker_sid, shard, workspace_sid, activity_sid, worker_version, at)
values ($1, $2, $3, $4, $5, $6)
on conflict (worker_sid) do update
set activity_sid = excluded.activity_sid,
    worker_version = excluded.worker_version,
    at = excluded.at;

-- name: batch_override_delete
-- index: primary key
delete from worker_override
where worker_sid = $1;

-- name: batch_configs
-- index: primary key; an older word never replaces a newer one
insert into config_copy (sid, kind, shard, account_sid, workspace_sid, name, version, is_deleted,
                         document)
select r.sid, r.kind, $1::integer, r.account_sid, r.workspace_sid, r.name, r.version, r.is_deleted,
       r.document::json
from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
            $8::boolean[], $9::text[])
     as r (sid, kind, account_sid, workspace_sid, name, version, is_deleted, document)
on conflict (sid) do update
set account_sid = excluded.account_sid,
    name = excluded.name,
    version = excluded.version,
    is_deleted = excluded.is_deleted,
    -- a deletion may come without its workflow's document, which tasks go on with
    document = case
                   when excluded.is_deleted and excluded.kind = 'workflow' then config_copy.document
                   else excluded.document
               end
where config_copy.version < excluded.version;

-- name: batch_document
-- index: primary key
insert into workflow_document (workflow_sid, version, shard, configuration)
values ($1, $2, $3, $4)
on conflict (workflow_sid, version) do nothing;

-- name: batch_events
insert into event_batch (shard, last_seq, part, first_seq, at, oldest_at, epoch, keys, payload,
                         journal)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: batch_repeat
insert into idempotency (shard, account_sid, method, key, request_hash, reply)
values ($1, $2, $3, $4, $5, $6);
