-- Calls, and the phone lines that they come in on.

create table phone_line (
    sid text primary key,
    account_sid text not null,
    workspace_sid text not null,
    phone_number text not null, -- E.164
    friendly_name text not null,
    greeting text not null,
    voicemail_greeting text not null,
    wait_music_url text not null,
    after_hours text not null check (after_hours in ('voicemail', 'transfer', 'hang_up', 'enqueue')),
    after_hours_target text not null,
    after_hours_message text not null,
    department text not null,
    workflow_sid text not null,
    menu jsonb, -- null: none
    language text not null,
    announce_position boolean not null,
    record_calls boolean not null,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create unique index phone_line_number on phone_line (phone_number);
create index phone_line_by_workspace on phone_line (workspace_sid, sid);

create table phone_call (
    sid text primary key,
    account_sid text not null,
    workspace_sid text not null, -- '': not found out yet
    call_sid text not null,      -- the provider's
    direction text not null check (direction in ('inbound', 'outbound')),
    status text not null check (status in ('pending', 'ringing', 'in_progress', 'completed',
        'failed', 'missed', 'voicemail')),
    from_number text not null,
    to_number text not null,
    customer_sid text not null,
    customer_name text not null,
    task_sid text not null,
    worker_sid text not null,
    line_sid text not null,
    started_at timestamptz not null,
    answered_at timestamptz, -- by a person
    ended_at timestamptz,
    duration_s bigint not null,
    recording_url text not null,
    recording_sid text not null,
    recording_duration_s bigint not null,
    transcription text not null,
    due_at timestamptz,
    follow_up_task_sid text not null,
    menu_path text not null,
    plan text not null,        -- JSON: what was decided to do with it; '': nothing yet
    plan_no integer not null,  -- how often; whoever replaces a plan names the one he read
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create unique index phone_call_by_call on phone_call (call_sid);
create index phone_call_by_workspace on phone_call (workspace_sid, sid desc);
create index phone_call_by_from on phone_call (workspace_sid, from_number, sid desc);
create index phone_call_by_customer on phone_call (workspace_sid, customer_sid, sid desc)
    where customer_sid <> '';
create index phone_call_by_task on phone_call (task_sid) where task_sid <> '';
create index phone_call_by_follow_up on phone_call (follow_up_task_sid) where follow_up_task_sid <> '';
create index phone_call_by_age on phone_call (created_at);

-- The chat task of a conversation by text messages; one is open at a time.
create table text_conversation (
    sid text primary key,
    workspace_sid text not null,
    from_number text not null,
    to_number text not null,
    number bigint not null, -- how many tasks it has had
    task_sid text not null, -- the newest; '': not made yet
    message_sids text[] not null, -- the newest that have been taken in, so that none is twice
    updated_at timestamptz not null
);

create unique index text_conversation_by_numbers on text_conversation (from_number, to_number);

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

-- Which kinds there are is domain/webhook.h's to say.
alter table webhook drop constraint webhook_kind_check;
