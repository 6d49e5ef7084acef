-- What was synchronised when, and this service's own copy of the workspaces.

create table workspace_copy (
    sid text primary key,
    account_sid text not null,
    friendly_name text not null,
    version bigint not null,
    deleted_at timestamptz
);

create table run (
    sid text primary key,
    account_sid text not null,
    workspace_sid text not null references workspace_copy (sid),
    state text not null check (state in ('RUNNING', 'CLEAN', 'PARTIAL', 'FAILED')),
    kinds text[] not null,
    dry_run boolean not null,
    detail text not null default '',
    started_at timestamptz not null,
    ended_at timestamptz
);

create index run_by_workspace on run (workspace_sid, sid);

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
