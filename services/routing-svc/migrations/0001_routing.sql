-- Workflows with every document they have had, and this service's own copies of workspaces and queues.

create table workspace_copy (
    sid text primary key,
    account_sid text not null,
    friendly_name text not null,
    version bigint not null,
    deleted_at timestamptz
);

-- which queues a document may name; fed by task-queue events of queues-svc
create table queue_copy (
    sid text primary key,
    workspace_sid text not null,
    version bigint not null,
    is_deleted boolean not null default false
);

create index queue_copy_by_workspace on queue_copy (workspace_sid);

create table workflow (
    sid text primary key,
    account_sid text not null,
    workspace_sid text not null references workspace_copy (sid),
    friendly_name text not null,
    configuration text not null,
    configuration_version bigint not null default 1,
    assignment_callback_url text not null default '',
    fallback_assignment_callback_url text not null default '',
    task_reservation_timeout integer not null check (task_reservation_timeout between 1 and 86400),
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create index workflow_by_workspace on workflow (workspace_sid, sid);
create unique index workflow_friendly_name on workflow (workspace_sid, lower(friendly_name));

create table workflow_version (
    workflow_sid text not null references workflow (sid) on delete cascade,
    configuration_version bigint not null,
    configuration text not null,
    author_sid text not null,
    created_at timestamptz not null,
    primary key (workflow_sid, configuration_version)
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
