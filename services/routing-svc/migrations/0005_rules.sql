-- Routing rules with every version they have had, keywords, and a number per workspace that grows
-- with whatever a decision depends on, so that a process can tell whether its compiled copy is old.

create table rule (
    sid text primary key,
    account_sid text not null,
    workspace_sid text not null references workspace_copy (sid),
    name text not null,
    description text not null,
    priority integer not null check (priority between 0 and 1000),
    is_enabled boolean not null,
    condition text not null, -- '': always
    conditions text not null, -- the flat list, as it was written; '': it was not
    actions jsonb not null,
    valid_from timestamptz,
    valid_until timestamptz,
    labels text[] not null,
    target_sids text[] not null, -- queues, workers and workflows of the actions
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

-- the order of evaluation
create index rule_by_order on rule (workspace_sid, (-priority), created_at, sid);
create unique index rule_name on rule (workspace_sid, lower(name));
create index rule_by_target on rule using gin (target_sids);

-- of deleted rules too, which may come back
create table rule_version (
    rule_sid text not null,
    version bigint not null,
    workspace_sid text not null,
    account_sid text not null,
    name text not null,
    description text not null,
    priority integer not null,
    is_enabled boolean not null,
    condition text not null,
    conditions text not null,
    actions jsonb not null,
    valid_from timestamptz,
    valid_until timestamptz,
    labels text[] not null,
    rule_created_at timestamptz not null,
    created_at timestamptz not null,
    is_deletion boolean not null,
    author_sid text not null,
    author_type text not null,
    comment text not null,
    primary key (rule_sid, version)
);

create index rule_version_by_workspace on rule_version (workspace_sid);

-- apart from the rules, so that counting never waits for who changes one
create table rule_counter (
    rule_sid text primary key,
    workspace_sid text not null,
    match_count bigint not null,
    last_matched_at timestamptz not null
);

create index rule_counter_by_workspace on rule_counter (workspace_sid);

create table keyword (
    sid text primary key,
    account_sid text not null,
    workspace_sid text not null references workspace_copy (sid),
    phrases text[] not null,
    department text not null,
    priority text not null,
    confidence double precision not null,
    is_enabled boolean not null,
    description text not null,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create index keyword_by_workspace on keyword (workspace_sid, sid);

create table decision_revision (
    workspace_sid text primary key,
    revision bigint not null
);

create function decision_note_change()
returns trigger
language plpgsql
as $$
begin
    if tg_op <> 'INSERT' then
        insert into decision_revision values (old.workspace_sid, 1)
        on conflict (workspace_sid) do update set revision = decision_revision.revision + 1;
        return null;
    end if;
    insert into decision_revision values (new.workspace_sid, 1)
    on conflict (workspace_sid) do update set revision = decision_revision.revision + 1;
    return null;
end
$$;

create trigger rule_changed
after insert or update or delete on rule
for each row execute function decision_note_change();

create trigger keyword_changed
after insert or update or delete on keyword
for each row execute function decision_note_change();

-- a rule that names a queue which is gone has no destination
create trigger queue_copy_gone
after update of is_deleted on queue_copy
for each row when (old.is_deleted <> new.is_deleted)
execute function decision_note_change();
