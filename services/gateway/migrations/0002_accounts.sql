-- Accounts with their auth tokens, and API keys. Secrets are sealed (libs/crypt/seal.h) with a key
-- that is in no database: they are needed again, to sign callbacks and to check worker tokens.

create table account (
    sid text primary key,
    friendly_name text not null,
    auth_token bytea,           -- null: the configured account, whose token is in the configuration
    secondary_auth_token bytea, -- null: none
    suspended_at timestamptz,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table api_key (
    sid text primary key,
    account_sid text not null references account (sid),
    friendly_name text not null,
    role text not null check (role in ('viewer', 'agent', 'supervisor', 'admin')),
    secret bytea, -- null once revoked
    created_at timestamptz not null,
    revoked_at timestamptz,
    last_used_at timestamptz,
    check ((secret is null) = (revoked_at is not null))
);

create index api_key_by_account on api_key (account_sid, sid);
