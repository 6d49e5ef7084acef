-- Reads of the event log.

-- name: event_get
-- index: event_sid
select seq, sid, account_sid, workspace_sid, type, resource_type, resource_sid, resource_version,
       task_sid, worker_sid, reservation_sid, task_queue_sid, workflow_sid, occurred_at, actor_sid,
       request_id, source, data::text, extras::text
from event
where sid = $2
  and workspace_sid = $1;

-- name: event_list
-- index: event_by_workspace, or the event_by_… of the filter given
select seq, sid, account_sid, workspace_sid, type, resource_type, resource_sid, resource_version,
       task_sid, worker_sid, reservation_sid, task_queue_sid, workflow_sid, occurred_at, actor_sid,
       request_id, source, data::text, extras::text
from event
where workspace_sid = $1
  and seq > $2
  and ($4::text is null or type = $4)
  and ($5::text is null or (task_sid = $5 and task_sid <> ''))
  and ($6::text is null or (worker_sid = $6 and worker_sid <> ''))
  and ($7::text is null or (reservation_sid = $7 and reservation_sid <> ''))
  and ($8::text is null or (task_queue_sid = $8 and task_queue_sid <> ''))
  and ($9::text is null or (workflow_sid = $9 and workflow_sid <> ''))
  and ($10::timestamptz is null or occurred_at >= $10)
  and ($11::timestamptz is null or occurred_at <= $11)
order by seq
limit $3;

-- name: event_list_newest
-- index: event_by_workspace, backwards, or the event_by_… of the filter given
select seq, sid, account_sid, workspace_sid, type, resource_type, resource_sid, resource_version,
       task_sid, worker_sid, reservation_sid, task_queue_sid, workflow_sid, occurred_at, actor_sid,
       request_id, source, data::text, extras::text
from event
where workspace_sid = $1
  and seq < $2
  and ($4::text is null or type = $4)
  and ($5::text is null or (task_sid = $5 and task_sid <> ''))
  and ($6::text is null or (worker_sid = $6 and worker_sid <> ''))
  and ($7::text is null or (reservation_sid = $7 and reservation_sid <> ''))
  and ($8::text is null or (task_queue_sid = $8 and task_queue_sid <> ''))
  and ($9::text is null or (workflow_sid = $9 and workflow_sid <> ''))
  and ($10::timestamptz is null or occurred_at >= $10)
  and ($11::timestamptz is null or occurred_at <= $11)
order by seq desc
limit $3;

-- name: event_last_seq
-- index: event_by_workspace
select coalesce(max(seq), 0)
from event
where workspace_sid = $1;

-- name: event_exists
-- index: event_sid
select 1
from event
where sid = $1;

-- name: event_after
-- index: primary key
select seq, sid, account_sid, workspace_sid, type, resource_type, resource_sid, resource_version,
       task_sid, worker_sid, reservation_sid, task_queue_sid, workflow_sid, occurred_at, actor_sid,
       request_id, source, data::text, extras::text
from event
where shard = $1
  and seq > $2
order by seq
limit $3;
