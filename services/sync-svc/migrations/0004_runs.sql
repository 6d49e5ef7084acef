-- Runs that are made, not only remembered: who makes one, how far each kind has got, what was found.

-- A dry run may look at a workspace that is not ours yet.
alter table run drop constraint run_workspace_sid_fkey;

update run set state = 'FAILED', ended_at = now() where state = 'RUNNING';

alter table run
    add column light boolean not null default false,
    add column cause text not null default 'manual',
    add column revision bigint not null default 1,   -- grows with every change, for those who watch
    add column epoch bigint not null default 0,      -- of who makes it: what an older one writes is refused
    add column lease_until timestamptz not null default now(), -- past: whoever comes goes on with it
    add column takes integer not null default 0,     -- how often somebody began or went on
    add column cancel_asked boolean not null default false;

create unique index run_one_at_a_time on run (workspace_sid) where state = 'RUNNING';

create table run_kind (
    run_sid text not null references run (sid) on delete cascade,
    kind text not null,
    position smallint not null,
    state text not null check (state in ('WAITING', 'RUNNING', 'DONE', 'FAILED')),
    seen bigint not null default 0,
    total bigint,
    created bigint not null default 0,
    updated bigint not null default 0,
    unchanged bigint not null default 0,
    vanished bigint not null default 0,
    conflicting bigint not null default 0,
    linked bigint not null default 0,
    error text not null default '',
    cursor text not null default '',
    started_at timestamptz,
    ended_at timestamptz,
    primary key (run_sid, kind)
);

create table run_item (
    run_sid text not null references run (sid) on delete cascade,
    seq bigint generated always as identity,
    kind text not null,
    sid text not null,
    friendly_name text not null,
    outcome text not null,
    fields jsonb not null,
    detail text not null,
    primary key (run_sid, seq)
);

-- A dry run looks for what it would have made.
create index run_item_created on run_item (run_sid, sid) where outcome = 'CREATED';

-- What a run that is under way has met, so that one that goes on counts nothing twice, and knows at
-- the end what has vanished.
create table run_seen (
    run_sid text not null references run (sid) on delete cascade,
    kind text not null,
    sid text not null,
    primary key (run_sid, kind, sid)
);

-- When a workspace is brought in step next, by itself.
create table schedule (
    workspace_sid text not null,
    cause text not null,
    next_at timestamptz not null,
    primary key (workspace_sid, cause)
);
