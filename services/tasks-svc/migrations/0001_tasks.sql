-- Tasks, reservations, the event log, shard leases, and this service's own last copy of what it
-- routes by. Rows of task and reservation hold all that the engine needs to go on where it was.

-- Who runs a shard. event_seq and row_seq are the engine's counters as of the last commit.
create table shard_lease (
    shard integer primary key,
    shard_count integer not null,
    owner text not null,
    epoch bigint not null,
    -- the owner's session holds the advisory lock: when the lock is free, that session is gone
    is_session_held boolean not null,
    expires_at timestamptz not null,
    event_seq bigint not null default 0,
    row_seq bigint not null default 0
);

-- How far the relay has come; events up to here are stored by JetStream.
create table relay_cursor (
    shard integer primary key,
    published_seq bigint not null default 0
);

-- First statement of every batch: a shard that lost its lease writes nothing. Renews the lease.
create function shard_guard(the_shard integer, the_epoch bigint, ttl_ms bigint, last_event bigint,
                            last_row bigint)
returns void
language plpgsql
as $$
begin
    update shard_lease
    set expires_at = clock_timestamp() + ttl_ms * interval '1 millisecond',
        event_seq = greatest(event_seq, last_event),
        row_seq = greatest(row_seq, last_row)
    where shard = the_shard and epoch = the_epoch;
    if not found then
        raise exception 'shard % has another owner', the_shard using errcode = 'TR001';
    end if;
end
$$;

-- Takes a shard if it is free: never taken, expired, ours already, or its session is gone.
-- The epoch is 0 when somebody else runs it.
create function shard_take(the_shard integer, the_count integer, the_owner text, ttl_ms bigint,
                           out taken_epoch bigint, out taken_event_seq bigint,
                           out taken_row_seq bigint)
language plpgsql
as $$
declare
    has_lock boolean := pg_try_advisory_lock(hashtext('taskrouter.shard'), the_shard);
    lease shard_lease;
begin
    insert into shard_lease (shard, shard_count, owner, epoch, is_session_held, expires_at)
    values (the_shard, the_count, '', 0, false, '-infinity')
    on conflict (shard) do nothing;
    insert into relay_cursor (shard) values (the_shard) on conflict (shard) do nothing;
    select * into lease from shard_lease where shard = the_shard for update;
    if lease.owner <> the_owner and lease.expires_at > clock_timestamp()
       and not (has_lock and lease.is_session_held) then
        if has_lock then
            perform pg_advisory_unlock(hashtext('taskrouter.shard'), the_shard);
        end if;
        taken_epoch := 0;
        return;
    end if;
    update shard_lease
    set owner = the_owner,
        shard_count = the_count,
        epoch = epoch + 1,
        is_session_held = has_lock,
        expires_at = clock_timestamp() + ttl_ms * interval '1 millisecond'
    where shard = the_shard;
    taken_epoch := lease.epoch + 1;
    taken_event_seq := lease.event_seq;
    taken_row_seq := lease.row_seq;
end
$$;

create table task (
    sid text primary key,
    shard integer not null,
    account_sid text not null,
    workspace_sid text not null,
    state text not null check (state in ('pending', 'reserved', 'assigned', 'wrapping', 'completed',
                                         'canceled')),
    version bigint not null,
    attributes json not null, -- json keeps the text as the caller wrote it
    priority bigint not null,
    reason text not null,
    timeout_s bigint not null,
    task_queue_sid text not null,
    task_channel_sid text not null,
    workflow_sid text not null,
    ignore_capacity boolean not null,
    routing_target text not null,
    worker_sid text not null,
    call_id text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    virtual_start_at timestamptz,
    queue_entered_at timestamptz,
    assigned_at timestamptz,
    ended_at timestamptz,
    workflow_version bigint not null,
    filter_index integer not null,
    target_index integer not null,
    filter_base_at timestamptz,
    step_deadline_at timestamptz, -- null: the step has no end
    assignment_count integer not null,
    redrive text not null check (redrive in ('none', 'attributes', 'document')),
    sequence bigint not null,
    purged_at timestamptz,  -- no longer routed; hidden from lists
    deleted_at timestamptz  -- and gone for everybody but history
)
with (fillfactor = 80);

-- lists: live tasks of a workspace by SID, narrowed by each filter
create index task_live on task (workspace_sid, sid) where purged_at is null;
create index task_by_state on task (workspace_sid, state, sid) where purged_at is null;
create index task_by_queue on task (workspace_sid, task_queue_sid, sid) where purged_at is null;
create index task_by_workflow on task (workspace_sid, workflow_sid, sid) where purged_at is null;
create index task_by_worker on task (workspace_sid, worker_sid, sid)
    where purged_at is null and worker_sid <> '';
create index task_by_priority on task (workspace_sid, priority, sid) where purged_at is null;
create index task_by_channel on task (workspace_sid, task_channel_sid, sid)
    where purged_at is null;
-- recovery
create index task_by_sequence on task (shard, sequence) where purged_at is null;
-- the guide's query
create index task_by_created_at on task (created_at) where call_id <> '';

create table reservation (
    sid text primary key,
    shard integer not null,
    account_sid text not null,
    workspace_sid text not null,
    task_sid text not null,
    worker_sid text not null,
    state text not null check (state in ('pending', 'accepted', 'rejected', 'timeout', 'canceled',
                                         'rescinded', 'wrapping', 'completed')),
    version bigint not null,
    timeout_s bigint not null,
    task_queue_sid text not null,
    task_channel_sid text not null,
    workflow_sid text not null,
    previous_activity_sid text not null, -- single-tasking: where the worker was before the offer
    instruction text not null,
    instruction_data text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    expires_at timestamptz,
    sequence bigint not null
)
with (fillfactor = 80);

create index reservation_by_workspace on reservation (workspace_sid, sid);
-- with the workspace, as lists name it: without statistics the planner would take the one above
create index reservation_by_task on reservation (task_sid, workspace_sid, sid);
create index reservation_by_worker on reservation (workspace_sid, worker_sid, sid);
create index reservation_by_state on reservation (workspace_sid, state, sid);

-- The idle order of workers: their last reservation on each channel.
create table worker_idle (
    worker_sid text not null,
    task_channel_sid text not null,
    shard integer not null,
    sequence bigint not null,
    primary key (worker_sid, task_channel_sid)
)
with (fillfactor = 60);

-- Activities the router moved workers to, until workers-svc says so itself.
create table worker_override (
    worker_sid text primary key,
    shard integer not null,
    workspace_sid text not null,
    activity_sid text not null,
    worker_version bigint not null,
    at timestamptz not null
);

-- The last copy of what others own: document is the proto3 JSON of the resource.
create table config_copy (
    sid text primary key,
    kind text not null check (kind in ('workspace', 'activity', 'channel', 'queue', 'workflow',
                                       'worker')),
    shard integer not null,
    account_sid text not null,
    workspace_sid text not null,
    name text not null,
    version bigint not null,
    is_deleted boolean not null default false,
    document json not null
);

create index config_copy_by_shard on config_copy (shard, kind, sid);
create index config_copy_by_name on config_copy (workspace_sid, kind, lower(name));

-- Every document a workflow has had here: tasks go on with the one they entered.
create table workflow_document (
    workflow_sid text not null,
    version bigint not null,
    shard integer not null,
    configuration text not null,
    primary key (workflow_sid, version)
);

-- What happened, in order and without a gap per shard. Rows of other services' events (source) are
-- kept for the history and not published again.
create table event (
    shard integer not null,
    seq bigint not null,
    sid text not null,
    account_sid text not null,
    workspace_sid text not null,
    type text not null,
    resource_type text not null,
    resource_sid text not null,
    resource_version bigint not null,
    task_sid text not null default '',
    worker_sid text not null default '',
    reservation_sid text not null default '',
    task_queue_sid text not null default '',
    workflow_sid text not null default '',
    occurred_at timestamptz not null,
    actor_sid text not null,
    request_id text not null,
    source text not null,
    data json not null,   -- proto3 JSON of the taskrouter.events.v1 message, as published
    extras json not null, -- strings that event_data has beside those in data
    primary key (shard, seq)
);

create unique index event_sid on event (sid);
create index event_by_workspace on event (workspace_sid, seq);
create index event_by_type on event (workspace_sid, type, seq);
create index event_by_time on event (workspace_sid, occurred_at, seq);
create index event_by_task on event (task_sid, seq) where task_sid <> '';
create index event_by_worker on event (worker_sid, seq) where worker_sid <> '';
create index event_by_reservation on event (reservation_sid, seq) where reservation_sid <> '';
create index event_by_queue on event (task_queue_sid, seq) where task_queue_sid <> '';
create index event_by_workflow on event (workflow_sid, seq) where workflow_sid <> '';

create table idempotency (
    account_sid text not null,
    method text not null,
    key text not null,
    shard integer not null,
    request_hash text not null,
    reply bytea not null,
    created_at timestamptz not null default now(),
    primary key (shard, account_sid, method, key)
);

create index idempotency_created_at on idempotency (created_at);

-- The guide's table, for people with the read-only role.
create view "Task" as
select sid as "id",
       sid as "twilioTaskSid",
       nullif(call_id, '') as "callId",
       workspace_sid as "workspaceSid",
       nullif(task_queue_sid, '') as "taskQueueSid",
       nullif(workflow_sid, '') as "workflowSid",
       attributes::jsonb as "attributes",
       priority as "priority",
       upper(state) as "assignmentStatus",
       nullif(worker_sid, '') as "workerId",
       created_at as "createdAt",
       updated_at as "updatedAt"
from task
where deleted_at is null;

do $$
begin
    if exists (select 1 from pg_roles where rolname = 'taskrouter_reader') then
        grant select on "Task" to taskrouter_reader;
    end if;
end
$$;
