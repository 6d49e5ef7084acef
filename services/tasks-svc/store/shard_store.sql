-- Taking a shard, and loading it.

-- name: shard_take_lease
-- index: primary key of shard_lease
select taken_epoch, taken_event_seq, taken_row_seq
from shard_claim($1::integer, $2::integer, $3::text, $4::text, $5::bigint);

-- name: shard_session
-- a transaction that its process no longer drives holds nobody up for long
select set_config('idle_in_transaction_session_timeout', $1::bigint::text, false);

-- name: shard_release
-- index: primary key; the successor need not wait
update shard_lease
set expires_at = '-infinity'
where shard = $1
  and epoch = $2;

-- name: shard_name_successor
-- index: primary key
update shard_lease
set successor = $3,
    is_successor_warm = false
where shard = $1
  and epoch = $2;

-- name: shard_successor_warm
-- index: primary key
update shard_lease
set is_successor_warm = true
where shard = $1
  and successor = $2;

-- name: shard_is_given
-- index: primary key
select expires_at <= clock_timestamp(), is_successor_warm
from shard_lease
where shard = $1
  and successor = $2;

-- name: shard_count_get
-- a handful of rows
select max(shard_count)
from shard_lease;

-- name: shard_load_configs
-- index: config_copy_by_shard
select sid, account_sid, workspace_sid, is_deleted, document::text, version
from config_copy
where shard = $1
  and kind = $2
  and sid > $3
order by sid
limit $4;

-- name: shard_configs_named
-- index: primary key of config_copy
select sid, account_sid, workspace_sid, is_deleted, document::text, version, kind
from config_copy
where shard = $1
  and sid = any ($2::text[]);

-- name: shard_load_documents
-- index: primary key of workflow_document; those that tasks just read are the first to name
select d.workflow_sid, d.version, d.configuration
from unnest($2::text[], $3::bigint[]) as named (workflow_sid, version)
join workflow_document d on d.workflow_sid = named.workflow_sid and d.version = named.version
where d.shard = $1
order by d.workflow_sid, d.version;

-- name: shard_load_tasks
-- index: task_by_sequence; tasks of mirrored workspaces have the number 0, before all others
select sid, account_sid, workspace_sid, state, version, attributes, priority, reason,
       timeout_s, task_queue_sid, task_channel_sid, workflow_sid, ignore_capacity, routing_target,
       worker_sid, call_id, created_at, updated_at, virtual_start_at, queue_entered_at, assigned_at,
       ended_at, workflow_version, filter_index, target_index, filter_base_at, step_deadline_at,
       assignment_count, redrive, sequence
from task
where shard = $1
  and purged_at is null
  and sequence > $2
order by sequence
limit $3;

-- name: shard_load_reservations
-- index: reservation_by_task
select sid, account_sid, workspace_sid, task_sid, worker_sid, state, version, timeout_s,
       task_queue_sid, task_channel_sid, workflow_sid, previous_activity_sid, instruction,
       instruction_data, created_at, updated_at, expires_at, sequence
from reservation
where task_sid = any ($1::text[])
order by sequence;

-- name: shard_load_idle
-- index: primary key
select worker_sid, task_channel_sid, sequence
from worker_idle
where shard = $1
  and (worker_sid, task_channel_sid) > ($2, $3)
order by worker_sid, task_channel_sid
limit $4;

-- name: shard_load_overrides
-- few rows
select worker_sid, workspace_sid, activity_sid, worker_version, at
from worker_override
where shard = $1
order by worker_sid;

-- name: shard_last_event
-- index: primary key of event_batch
select b.last_seq, b.part, b.at
from event_batch b
where b.shard = $1
order by b.last_seq desc, b.part desc
limit 1;

-- name: shard_counters
-- index: primary key; with the rows of a snapshot
select l.event_seq, l.row_seq
from shard_lease l
where l.shard = $1
  and set_config('idle_in_transaction_session_timeout', '60s', true) is not null;

-- name: shard_commits
-- index: primary key of event_batch; what was committed behind a place in the log
select b.last_seq, b.part, b.first_seq, b.at, b.payload, b.journal
from event_batch b
where b.shard = $1
  and (b.last_seq, b.part) > ($2, $3::integer)
order by b.last_seq, b.part
limit $4;

-- name: shard_load_repeats
-- index: idempotency_created_at; the newest, for the memory of keys
select account_sid, method, key, request_hash, created_at
from idempotency
where shard = $1
order by created_at desc
limit $2;

-- name: shard_repeats_since
-- index: idempotency_created_at; what was used since then, and then
select account_sid, method, key, request_hash, created_at
from idempotency
where shard = $1
  and created_at >= $2
order by created_at
limit $3;

-- name: shard_repeat_get
-- index: primary key
select request_hash, reply
from idempotency
where shard = $1
  and account_sid = $2
  and method = $3
  and key = $4;

-- name: shard_cursor_get
-- index: primary key
select published_seq
from relay_cursor
where shard = $1;

-- name: shard_cursor_set
-- index: primary key; need not be on disk at once: an older one only repeats some events
update relay_cursor
set published_seq = $2
where shard = $1
  and published_seq < $2
  and set_config('synchronous_commit', 'off', true) is not null;
