-- Task queues, task channels, and this service's own copy of the workspaces they belong to.

create table workspace_copy (
    sid text primary key,
    account_sid text not null,
    friendly_name text not null,
    version bigint not null,
    deleted_at timestamptz
);

create table task_queue (
    sid text primary key,
    account_sid text not null,
    workspace_sid text not null references workspace_copy (sid),
    friendly_name text not null,
    target_workers text not null,
    max_reserved_workers integer not null check (max_reserved_workers between 1 and 50),
    task_order text not null check (task_order in ('FIFO', 'LIFO')),
    reservation_activity_sid text not null default '',
    assignment_activity_sid text not null default '',
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

-- lists page by (workspace, sid); names are unique within a workspace whatever their case
create index task_queue_by_workspace on task_queue (workspace_sid, sid);
create unique index task_queue_friendly_name on task_queue (workspace_sid, lower(friendly_name));

create table task_channel (
    sid text primary key,
    account_sid text not null,
    workspace_sid text not null references workspace_copy (sid),
    friendly_name text not null,
    unique_name text not null,
    channel_optimized_routing boolean not null default false,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create index task_channel_by_workspace on task_channel (workspace_sid, sid);
create unique index task_channel_unique_name on task_channel (workspace_sid, unique_name);

create table outbox (
    seq bigserial primary key,
    event_sid text not null unique,
    subject text not null,
    payload text not null,
    created_at timestamptz not null default now(),
    published_at timestamptz
);

create index outbox_unpublished on outbox (seq) where published_at is null;
create index outbox_published on outbox (published_at) where published_at is not null;

create table idempotency (
    account_sid text not null,
    method text not null,
    key text not null,
    request_hash text not null,
    reply bytea,
    created_at timestamptz not null default now(),
    primary key (account_sid, method, key)
);

create index idempotency_by_age on idempotency (created_at);
