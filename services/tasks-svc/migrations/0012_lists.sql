-- Lists by the time a task counts from, by what its attributes say, and by its routing target. Of
-- waiting tasks only, as in 0010: a task that is born with an offer costs nothing here.

create index task_by_start on task (workspace_sid, (coalesce(virtual_start_at, created_at)), sid)
    where purged_at is null and not is_busy;

create index task_by_target on task (workspace_sid, routing_target, sid)
    where purged_at is null and not is_busy and routing_target <> '';

-- What jsonb cannot hold, numbers with an exponent of four digits, gets a mark that every look-up
-- asks for too; a text that merely looks so is looked at once more than needed.
create index task_by_attributes on task using gin
    ((case when attributes::text ~ '[eE][+-]?[0-9]{4}' then '{"": true}'::jsonb
           else attributes::jsonb end) jsonb_path_ops)
    with (fastupdate = on, gin_pending_list_limit = 256)
    where purged_at is null and not is_busy;
