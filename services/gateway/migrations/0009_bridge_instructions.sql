-- Instructions besides dequeue and conference: the worker's call follows a document of the application
-- (call), or the caller's does (redirect). What follows from a leg is done until it is.

alter table bridge_leg
    add column url text not null default '',               -- of call; '': a document of ours
    add column keeps_task boolean not null default false,  -- failed: nobody could be called at all
    add column is_settled boolean not null default true;   -- false: done again at due_at

create index bridge_leg_unsettled on bridge_leg (due_at) where not is_settled;

create table bridge_redirect (
    reservation_sid text primary key,
    version bigint not null, -- the reservation's, when it was instructed: a later one replaces it
    workspace_sid text not null,
    task_sid text not null,
    worker_sid text not null,
    call_sid text not null, -- CA…, the provider's, of phone_call
    url text not null,
    is_pending boolean not null, -- the reservation is
    state text not null check (state in ('recorded', 'asking', 'done', 'failed', 'unknown')),
    detail text not null,           -- why not
    is_settled boolean not null,
    due_at timestamptz not null,    -- recorded: not tried before; asking: given up then
    created_at timestamptz not null, -- of this version
    updated_at timestamptz not null
);

create index bridge_redirect_due on bridge_redirect (due_at) where state in ('recorded', 'asking') or not is_settled;
create index bridge_redirect_call on bridge_redirect (call_sid);
create index bridge_redirect_age on bridge_redirect (created_at);
