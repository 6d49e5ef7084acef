-- Which queues a workflow names: a queue is not deleted while one does. Every SID of a queue in the
-- document counts.

alter table workflow add column queue_sids text[] not null default '{}';

create function workflow_note_queues()
returns trigger
language plpgsql
as $$
begin
    new.queue_sids := array(select distinct m[1]
                            from regexp_matches(new.configuration, 'WQ[0-9a-fA-F]{32}', 'g') m);
    return new;
end
$$;

create trigger workflow_queues
before insert or update of configuration on workflow
for each row execute function workflow_note_queues();

update workflow set configuration = configuration;

create index workflow_by_queue on workflow using gin (queue_sids);
