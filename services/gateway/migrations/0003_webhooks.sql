-- The inbox of Twilio's webhooks: stored before they are answered, worked on afterwards.

create table webhook (
    seq bigserial primary key,
    sid text not null unique,
    kind text not null check (kind in ('event', 'assignment', 'voice', 'voice_status', 'recording',
        'transcription', 'sms', 'message_status')),
    key text not null,  -- what a repeat has in common with the first; unique among its kind
    lane text not null, -- the task, worker or resource in whose order it is worked on
    state text not null check (state in ('waiting', 'done', 'dead', 'kept')),
    account_sid text not null,
    workspace_sid text not null,
    event_type text not null,
    parameters text not null, -- JSON: [["name", "value"], ...], as sent
    occurred_at timestamptz not null, -- as it says itself, else received_at
    received_at timestamptz not null,
    answer_status integer not null,
    answer_type text not null,
    answer text not null,
    attempts integer not null default 0,
    ended_at timestamptz, -- when it became done or dead
    outcome text not null default '',
    detail text not null default ''
);

create unique index webhook_by_key on webhook (kind, key);
create index webhook_waiting on webhook (lane, occurred_at, seq) where state = 'waiting';
create index webhook_dead on webhook (sid) where state = 'dead';
create index webhook_by_age on webhook (state, received_at);
create index webhook_received on webhook (received_at);

-- One row for each lane with something to do. Consumers take lanes, not rows, so that what is about
-- one thing is done in order whoever does it.
create table webhook_lane (
    lane text primary key,
    next_at timestamptz not null, -- not before this: a consumer has it, or it rests after a failure
    generation bigint not null default 1, -- grows with each row put into it
    failures integer not null default 0 -- in a row
);

create index webhook_lane_due on webhook_lane (next_at);
