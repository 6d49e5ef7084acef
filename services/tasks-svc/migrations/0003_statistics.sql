-- Statistics of the past, folded from the event log: figures per minute, hour and day, and the times
-- that workers spent in their activities. Rows and cursor move in one transaction.

-- How far the log is counted.
create table stat_cursor (
    shard integer primary key,
    seq bigint not null default 0
);

-- What happened to one workspace, queue, workflow or worker (sid) in one channel. Every level has
-- everything, so that a range is read as few rows as possible: minutes at its edges, days between.
-- Waits are in milliseconds; split waits ("5:3 8:1" = three of 5 whole seconds, one of 8) are not
-- kept per day.
create table stat_bucket (
    sid text not null,
    level smallint not null, -- 1 minute, 2 hour, 3 day
    at timestamptz not null, -- where it begins
    task_channel_sid text not null,
    workspace_sid text not null,
    reservations_created bigint not null,
    reservations_accepted bigint not null,
    reservations_rejected bigint not null,
    reservations_timed_out bigint not null,
    reservations_canceled bigint not null,
    reservations_rescinded bigint not null,
    tasks_created bigint not null,
    tasks_entered bigint not null,
    tasks_moved bigint not null,
    tasks_canceled bigint not null,
    tasks_completed bigint not null,
    tasks_deleted bigint not null,
    tasks_timed_out_in_workflow bigint not null,
    accepted_sum bigint not null, -- from creation
    accepted_min bigint not null,
    accepted_max bigint not null,
    in_queue_sum bigint not null, -- until accepted, from entering the queue
    in_queue_min bigint not null,
    in_queue_max bigint not null,
    canceled_sum bigint not null, -- from creation
    canceled_min bigint not null,
    canceled_max bigint not null,
    accepted_waits text not null,
    canceled_waits text not null,
    primary key (sid, level, at, task_channel_sid)
)
with (fillfactor = 70);

-- retention
create index stat_bucket_by_time on stat_bucket (level, at);

-- A worker's stay in an activity. The last one of a worker who is there has to_at 'infinity'.
create table stat_span (
    worker_sid text not null,
    from_at timestamptz not null,
    to_at timestamptz not null,
    workspace_sid text not null,
    activity_sid text not null,
    worker_version bigint not null, -- the newest told; older words come late and are ignored
    is_long boolean not null,       -- not within one day
    primary key (worker_sid, from_at)
)
with (fillfactor = 80);

create index stat_span_by_worker on stat_span (worker_sid, to_at, from_at) where not is_long;
create index stat_span_long_by_worker on stat_span (worker_sid, to_at, from_at) where is_long;
create index stat_span_by_workspace on stat_span (workspace_sid, to_at, from_at) where not is_long;
create index stat_span_long on stat_span (workspace_sid, to_at, from_at) where is_long;
-- retention
create index stat_span_ended on stat_span (to_at);

-- The stays within one day, by workspace and by worker (sid).
create table stat_stay (
    sid text not null,
    day timestamptz not null,
    activity_sid text not null,
    spans bigint not null,
    total_ms bigint not null,
    min_ms bigint not null,
    max_ms bigint not null,
    primary key (sid, day, activity_sid)
);

-- retention
create index stat_stay_by_day on stat_stay (day);
