-- What lies below a deleted workspace goes, a few rows at a time.

-- A deleted workspace, from the moment that the router heard of it until nothing is left. It waits
-- until every reader of the log has passed its end. Looked over again later for what came late.
create table workspace_removal (
    workspace_sid text primary key,
    shard integer not null,
    log_seq bigint not null, -- the log's end then, or later
    passes integer not null default 0,
    next_at timestamptz not null default now()
);

create index workspace_removal_next on workspace_removal (shard, next_at);

create function workspace_removal_note()
returns trigger
language plpgsql
as $$
begin
    if new.is_deleted then
        insert into workspace_removal (workspace_sid, shard, log_seq)
        select new.sid, new.shard, coalesce((select l.event_seq
                                             from shard_lease l
                                             where l.shard = new.shard), 0)
        on conflict (workspace_sid) do nothing;
    else
        delete from workspace_removal where workspace_sid = new.sid; -- a mirror's came back
    end if;
    return null;
end
$$;

create trigger workspace_removal_note
after insert or update on config_copy
for each row
when (new.kind = 'workspace')
execute function workspace_removal_note();

insert into workspace_removal (workspace_sid, shard, log_seq)
select c.sid, c.shard, coalesce(l.event_seq, 0)
from config_copy c
left join shard_lease l on l.shard = c.shard
where c.kind = 'workspace' and c.is_deleted;

-- Ended tasks of a workspace, which no other index finds.
create index task_purged_by_workspace on task (workspace_sid, sid) where purged_at is not null;

-- The next resources of a deleted workspace whose rows are removed, the workspace itself aside.
create function removal_children(the_workspace text)
returns table (sid text)
language sql
stable
as $$
    select c.sid
    from config_copy c
    where c.workspace_sid = the_workspace
      and c.kind in ('activity', 'channel', 'queue', 'workflow', 'worker')
    order by c.kind, lower(c.name)
    limit 100;
$$;
