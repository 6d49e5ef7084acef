-- What comes from Twilio: when it was seen there, tombstones of what is gone. And users of workers.

-- observed_at: of the state that is here; null: not put by a mirror. vanished_at: a tombstone, which
-- only a later Put sees.
alter table workspace
    add column observed_at timestamptz,
    add column vanished_at timestamptz;
alter table activity
    add column observed_at timestamptz,
    add column vanished_at timestamptz;
alter table worker
    add column observed_at timestamptz,
    add column vanished_at timestamptz;

-- sid: Twilio's; null: derived, as all of ours are
alter table worker_channel
    add column sid text,
    add column observed_at timestamptz;

-- a tombstone's name is free
drop index workspace_friendly_name;
create unique index workspace_friendly_name on workspace (account_sid, lower(friendly_name))
    where vanished_at is null;
drop index activity_friendly_name;
create unique index activity_friendly_name on activity (workspace_sid, lower(friendly_name))
    where vanished_at is null;
drop index worker_friendly_name;
create unique index worker_friendly_name on worker (workspace_sid, lower(friendly_name))
    where vanished_at is null;

-- one worker per user; a tombstone's user counts, and is taken from it when he is linked anew
create unique index worker_user on worker (workspace_sid, user_sid) where user_sid <> '';

-- What vanished before we ever knew it: news of it that are older come too late. Kept for a day.
create table mirror_gone (
    sid text primary key,
    workspace_sid text not null references workspace (sid) on delete cascade,
    observed_at timestamptz not null
);

create index mirror_gone_by_workspace on mirror_gone (workspace_sid, observed_at);

-- Tells texts that can be stored from others, where one of many must not fail all of them.
create function jsonb_or_null(value text) returns jsonb
language plpgsql immutable
as $$
begin
    return value::jsonb;
exception
    when data_exception or program_limit_exceeded then
        return null;
end
$$;

create or replace view "Activity" as
select sid as "id",
       sid as "twilioActivitySid",
       workspace_sid as "workspaceSid",
       friendly_name as "friendlyName",
       available as "available",
       created_at as "createdAt",
       updated_at as "updatedAt"
from activity
where vanished_at is null;

create or replace view "Worker" as
select w.sid as "id",
       w.sid as "twilioWorkerSid",
       nullif(w.user_sid, '') as "userId",
       w.workspace_sid as "workspaceSid",
       w.friendly_name as "friendlyName",
       w.attributes as "attributes",
       w.activity_sid as "activitySid",
       a.available as "available",
       w.created_at as "createdAt",
       w.updated_at as "updatedAt"
from worker w
join activity a on a.sid = w.activity_sid
where w.vanished_at is null;
