-- Writes at Twilio, recorded before Twilio hears of them, and the processes that make them.

create table writer (
    sid text primary key,
    seen_at timestamptz not null
);

create table intent (
    sid text primary key,
    account_sid text not null,
    workspace_sid text not null,
    method text not null,
    idempotency_key text,
    request_hash text not null,
    request bytea not null,
    parent_sid text not null,
    is_create boolean not null,
    resource_sid text not null,
    state text not null check (state in ('OPEN', 'ANSWERED', 'DONE', 'UNDONE', 'GIVEN_UP')),
    holder text,
    epoch bigint not null default 1,
    looks bigint not null default 0,
    detail text not null default '',
    reply bytea,
    created_at timestamptz not null default now(),
    sent_at timestamptz not null default now(),
    due_at timestamptz not null default now(),
    settled_at timestamptz
);

create unique index intent_key on intent (account_sid, method, idempotency_key)
    where idempotency_key is not null;
-- two creates never take the same resource for theirs
create unique index intent_created on intent (resource_sid) where is_create and resource_sid <> '';
create index intent_unsettled on intent (due_at) where state in ('OPEN', 'ANSWERED');
create index intent_settled on intent (settled_at) where settled_at is not null;
