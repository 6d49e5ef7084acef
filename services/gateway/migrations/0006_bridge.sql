-- Workers who are called for a waiting call: what was begun is written before it is done.

create table bridge_leg (
    reservation_sid text primary key, -- a reservation is dialled once
    call_sid text not null,           -- CL…, of phone_call
    task_sid text not null,
    worker_sid text not null,
    workspace_sid text not null,
    is_pending boolean not null, -- the reservation is accepted when the worker answers
    to_address text not null,    -- '': the worker's contact_uri
    from_number text not null,   -- '': the number that was called
    timeout_s bigint not null,   -- of ringing; 0: the provider's
    state text not null check (state in ('recorded', 'placing', 'ringing', 'answered', 'ended',
        'failed')),
    provider_call_sid text not null, -- '': not known
    detail text not null,            -- why it failed
    due_at timestamptz not null,     -- recorded: not tried before; placing: given up then
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create index bridge_leg_due on bridge_leg (state, due_at) where state in ('recorded', 'placing');
