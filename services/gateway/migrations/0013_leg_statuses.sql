-- What the applications that instructed a worker's call are told of its status (status_callback_url):
-- written when the provider tells us, and tried until it has arrived.

create table bridge_status (
    id bigint generated always as identity primary key,
    reservation_sid text not null, -- its statuses are told one after another
    provider_call_sid text not null,
    status text not null,
    workspace_sid text not null,
    url text not null,
    is_get boolean not null,
    parameters text not null, -- JSON object of texts
    state text not null check (state in ('waiting', 'sent', 'dead')),
    attempts bigint not null default 0,
    detail text not null default '', -- of the last failure
    due_at timestamptz not null,     -- waiting: not tried before
    created_at timestamptz not null,
    unique (provider_call_sid, status)
);

create index bridge_status_due on bridge_status (due_at) where state = 'waiting';
create index bridge_status_open on bridge_status (reservation_sid, id) where state = 'waiting';
create index bridge_status_url on bridge_status (url) where state = 'waiting';
create index bridge_status_age on bridge_status (created_at);
