-- Callbacks: HTTP requests to the URLs of workspaces (every event) and workflows (every offer). One
-- row each, written from the event log by a reader with a cursor of its own, and sent by workers
-- outside the router.

-- How far the log was turned into callbacks. What happened before there were callbacks is history.
create table callback_cursor (
    shard integer primary key,
    seq bigint not null
);

insert into callback_cursor (shard, seq)
select shard, event_seq
from shard_lease;

-- The URLs, out of config_copy; change grows with every change, so that a reader can ask for news.
create table callback_target (
    sid text primary key, -- of the workspace or workflow
    shard integer not null,
    kind text not null check (kind in ('workspace', 'workflow')),
    workspace_sid text not null,
    name text not null,
    url text not null,          -- "": none
    fallback_url text not null, -- workflows
    filter text not null,       -- workspaces: event types, "" = all
    change bigint not null
);

create index callback_target_by_shard on callback_target (shard, change);
create index callback_target_by_workspace on callback_target (workspace_sid);

create sequence callback_change;

create function callback_target_put(c config_copy)
returns void
language sql
as $$
    insert into callback_target (sid, shard, kind, workspace_sid, name, url, fallback_url, filter,
                                 change)
    values (c.sid, c.shard, c.kind, c.workspace_sid, c.name,
            coalesce(c.document ->> case c.kind when 'workspace' then 'eventCallbackUrl'
                                    else 'assignmentCallbackUrl' end, ''),
            coalesce(c.document ->> 'fallbackAssignmentCallbackUrl', ''),
            coalesce(c.document ->> 'eventsFilter', ''),
            nextval('callback_change'))
    on conflict (sid) do update
    set name = excluded.name,
        url = excluded.url,
        fallback_url = excluded.fallback_url,
        filter = excluded.filter,
        change = excluded.change;
$$;

create function callback_target_note()
returns trigger
language plpgsql
as $$
begin
    perform callback_target_put(new);
    return null;
end
$$;

create trigger callback_target_note
after insert or update on config_copy
for each row
when (new.kind in ('workspace', 'workflow'))
execute function callback_target_note();

do $$
begin
    perform callback_target_put(c) from config_copy c where c.kind in ('workspace', 'workflow');
end
$$;

create table callback (
    id bigint generated always as identity primary key, -- grows in the order of the log
    sid text not null,                                  -- CB…, from the event and the kind
    shard integer not null,
    kind text not null check (kind in ('event', 'assignment')),
    -- queued: behind an earlier one about the same object. dead: given up, may be sent again.
    -- dropped: an assignment whose offer had ended before it could be sent.
    state text not null check (state in ('queued', 'waiting', 'sending', 'delivered', 'dead',
                                         'dropped')),
    account_sid text not null,
    workspace_sid text not null,
    task_sid text not null,
    worker_sid text not null,
    reservation_sid text not null,
    event_sid text not null,
    event_type text not null,
    object_key text not null, -- callbacks with the same key are sent one after another
    url text not null,
    fallback_url text not null,
    parameters json not null, -- object of strings, as sent
    created_at timestamptz not null,
    expires_at timestamptz not null, -- not tried again after this
    next_attempt_at timestamptz not null,
    claimed_by text not null default '', -- the process that sends it
    attempts integer not null default 0,
    last_attempt_at timestamptz,
    last_url text not null default '',
    last_status integer not null default 0, -- 0: no answer
    last_error text not null default '',
    last_body text not null default '',
    took_ms bigint not null default 0,
    instruction text not null default '', -- of the answer
    alert_code integer not null default 0, -- Twilio's debugger code; 0 = none or without a code
    alert text not null default '',
    ended_at timestamptz
)
with (fillfactor = 70);

create unique index callback_sid on callback (sid);
-- what is due, by kind and URL
create index callback_waiting on callback (shard, kind, url, next_attempt_at, id)
    where state = 'waiting';
create index callback_sending on callback (shard) where state = 'sending';
-- order per object
create index callback_open on callback (object_key, id)
    where state in ('queued', 'waiting', 'sending');
create index callback_ended on callback (state, ended_at) where ended_at is not null;
-- lists
create index callback_by_workspace on callback (workspace_sid, id);
create index callback_dead on callback (workspace_sid, id) where state = 'dead';
create index callback_by_task on callback (task_sid, id) where task_sid <> '';
