-- Workspaces that Twilio routes: rows of their tasks and reservations as last observed. Rows of our
-- own have null in all of these columns, so that none of their changes touches an index of these.

alter table task add column observed_at timestamptz;     -- null: routed here
alter table task add column mirror_purge_at timestamptz; -- ended: when it leaves the lists
alter table reservation add column observed_at timestamptz;
alter table reservation add column is_mirror_open boolean; -- pending, accepted or wrapping, else null

-- their SIDs do not hold the time
create index task_mirror_by_created on task (workspace_sid, created_at, sid)
    where observed_at is not null and purged_at is null;
create index task_mirror_purge on task (mirror_purge_at) where mirror_purge_at is not null;
create index reservation_mirror_open on reservation (workspace_sid, worker_sid)
    where is_mirror_open;

-- The SIDs of Twilio's events that were applied, without their letters: each counts once. Kept for
-- eight days; Twilio repeats an event for a day.
create table mirror_event (
    sid uuid primary key,
    shard integer not null,
    applied_at timestamptz not null
)
with (fillfactor = 100);

create index mirror_event_by_time on mirror_event (applied_at);

-- The event URL of a workspace that Twilio routes is the one that Twilio calls: we do not as well.
create or replace function callback_target_put(c config_copy)
returns void
language sql
as $$
    insert into callback_target (sid, shard, kind, workspace_sid, name, url, fallback_url, filter,
                                 change)
    values (c.sid, c.shard, c.kind, c.workspace_sid, c.name,
            case
                when c.kind = 'workflow' then coalesce(c.document ->> 'assignmentCallbackUrl', '')
                when c.document ->> 'provider' = 'PROVIDER_TWILIO' then ''
                else coalesce(c.document ->> 'eventCallbackUrl', '')
            end,
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
