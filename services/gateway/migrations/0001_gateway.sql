-- Users, API tokens, the audit log, and the outbox of the gateway's own events.

create table user_account (
    sid text primary key,
    account_sid text not null,
    email text not null,
    name text not null,
    role text not null check (role in ('viewer', 'agent', 'supervisor', 'admin')),
    department text not null default '',
    quickbase_user_id text not null default '',
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create index user_account_by_account on user_account (account_sid, sid);
create unique index user_account_email on user_account (account_sid, lower(email));

-- Only the hash of a token is kept. A hash is unique among live tokens: a configured token may come
-- back after it was replaced.
create table api_token (
    sid text primary key,
    account_sid text not null,
    friendly_name text not null,
    token_hash text not null,
    role text not null check (role in ('viewer', 'agent', 'supervisor', 'admin')),
    worker_sid text not null default '',
    workspace_sid text not null default '',
    user_sid text references user_account (sid),
    is_bootstrap boolean not null default false,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
);

create index api_token_by_account on api_token (account_sid, sid);
create index api_token_by_hash on api_token (token_hash);
create unique index api_token_live_hash on api_token (token_hash) where revoked_at is null;
create unique index api_token_bootstrap on api_token (is_bootstrap)
    where is_bootstrap and revoked_at is null;

-- One row per request that changed, or tried to change, something.
create table audit_log (
    id bigserial primary key,
    at timestamptz not null,
    account_sid text not null,
    actor_sid text not null,
    actor_role text not null,
    action text not null,
    path text not null,
    workspace_sid text not null,
    resource_sid text not null,
    request_id text not null,
    peer text not null,
    outcome text not null
);

create index audit_log_by_account on audit_log (account_sid, at);
create index audit_log_by_age on audit_log (at);

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
