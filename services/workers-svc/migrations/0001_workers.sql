-- Workspaces, activities, workers and what differs from the defaults on their channels.

create table workspace (
    sid text primary key,
    account_sid text not null,
    friendly_name text not null,
    provider text not null check (provider in ('LOCAL', 'TWILIO')),
    default_activity_sid text not null,
    timeout_activity_sid text not null,
    event_callback_url text not null default '',
    events_filter text not null default '',
    multi_task_enabled boolean not null default true,
    prioritize_queue_order text not null check (prioritize_queue_order in ('FIFO', 'LIFO')),
    time_zone text not null default 'UTC',
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create index workspace_by_account on workspace (account_sid, sid);
create unique index workspace_friendly_name on workspace (account_sid, lower(friendly_name));

create table activity (
    sid text primary key,
    account_sid text not null,
    workspace_sid text not null references workspace (sid) on delete cascade,
    friendly_name text not null,
    available boolean not null,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create index activity_by_workspace on activity (workspace_sid, sid);
create unique index activity_friendly_name on activity (workspace_sid, lower(friendly_name));

create table worker (
    sid text primary key,
    account_sid text not null,
    workspace_sid text not null references workspace (sid) on delete cascade,
    friendly_name text not null,
    attributes jsonb not null,
    -- the text as the caller wrote it: what is read back, key order and all
    attributes_text text not null,
    activity_sid text not null references activity (sid),
    user_sid text not null default '',
    version bigint not null default 1,
    created_at timestamptz not null,
    status_changed_at timestamptz not null,
    updated_at timestamptz not null
);

create index worker_by_workspace on worker (workspace_sid, sid);
create index worker_by_activity on worker (activity_sid);
create unique index worker_friendly_name on worker (workspace_sid, lower(friendly_name));

-- fed by task-channel events of queues-svc
create table task_channel_copy (
    sid text primary key,
    workspace_sid text not null,
    unique_name text not null,
    version bigint not null,
    is_deleted boolean not null default false
);

create index task_channel_copy_by_workspace on task_channel_copy (workspace_sid, sid);

-- a worker has a channel for every task channel; a row exists where it differs from capacity 1,
-- available
create table worker_channel (
    worker_sid text not null references worker (sid) on delete cascade,
    task_channel_sid text not null,
    configured_capacity integer not null check (configured_capacity between 0 and 50),
    available boolean not null,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (worker_sid, task_channel_sid)
);

create table outbox (
    seq bigserial primary key,
    event_sid text not null unique,
    subject text not null,
    payload text not null,
    created_at timestamptz not null default now(),
    published_at timestamptz
);

create index outbox_unpublished on outbox (seq) where published_at is null;
create index outbox_published_at on outbox (published_at) where published_at is not null;

create table idempotency (
    account_sid text not null,
    method text not null,
    key text not null,
    request_hash text not null,
    reply bytea,
    created_at timestamptz not null default now(),
    primary key (account_sid, method, key)
);

create index idempotency_created_at on idempotency (created_at);

-- The guide's tables, for people with the read-only role.
create view "Activity" as
select sid as "id",
       sid as "twilioActivitySid",
       workspace_sid as "workspaceSid",
       friendly_name as "friendlyName",
       available as "available",
       created_at as "createdAt",
       updated_at as "updatedAt"
from activity;

create view "Worker" as
select w.sid as "id",
       w.sid as "twilioWorkerSid",
       nullif(w.user_sid, '') as "userId",
       w.workspace_sid as "workspaceSid",
       w.friendly_name as "friendlyName",
       w.attributes as "attributes",
       w.activity_sid as "activitySid",
       a.available as "available",
       w.created_at as "createdAt",
       w.updated_at as "updatedAt"
from worker w
join activity a on a.sid = w.activity_sid;

do $$
begin
    if exists (select 1 from pg_roles where rolname = 'taskrouter_reader') then
        grant select on "Activity", "Worker" to taskrouter_reader;
    end if;
end
$$;
