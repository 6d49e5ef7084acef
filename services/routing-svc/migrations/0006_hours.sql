-- Business hours: schedules, and whom each is for.

-- null: not told yet; workers-svc is asked when it is needed
alter table workspace_copy add column time_zone text;

create table schedule (
    sid text primary key,
    account_sid text not null,
    workspace_sid text not null references workspace_copy (sid),
    name text not null,
    time_zone text not null, -- '': the workspace's
    hours jsonb not null, -- weeklySchedule, holidays and specialHours as in hours.proto
    is_default boolean not null,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create index schedule_by_workspace on schedule (workspace_sid, sid);
create unique index schedule_name on schedule (workspace_sid, lower(name));
create unique index schedule_default on schedule (workspace_sid) where is_default;

-- a task queue (its SID) or phone line (E.164) has one schedule at most
create table schedule_claim (
    workspace_sid text not null,
    kind text not null check (kind in ('QUEUE', 'LINE')),
    value text not null,
    schedule_sid text not null references schedule (sid) on delete cascade,
    position bigint not null, -- as it was given
    primary key (workspace_sid, kind, value)
);

create index schedule_claim_by_schedule on schedule_claim (schedule_sid, kind, position);

-- decisions depend on all of it; whoever changes a row by hand has another search path
alter function decision_note_change() set search_path from current;

create trigger schedule_changed
after insert or update or delete on schedule
for each row execute function decision_note_change();

create function decision_note_zone()
returns trigger
language plpgsql
set search_path from current
as $$
begin
    insert into decision_revision values (new.sid, 1)
    on conflict (workspace_sid) do update set revision = decision_revision.revision + 1;
    return null;
end
$$;

create trigger workspace_copy_zone
after update of time_zone on workspace_copy
for each row when (old.time_zone is distinct from new.time_zone and new.deleted_at is null)
execute function decision_note_zone();
