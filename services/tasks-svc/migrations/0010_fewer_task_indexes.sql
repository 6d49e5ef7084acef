-- A task that is offered as it comes was in eight indexes, each some 3 us and 160 bytes of log a
-- life: now in three. Only waiting tasks can be so many that a list of few of them needs an index
-- of its own; the others are bounded by what workers hold and by the purge, and lists walk them.

create index task_by_workspace on task (workspace_sid, is_busy, sid) where purged_at is null;

drop index task_live;
drop index task_waiting;
drop index task_busy;
drop index task_by_channel; -- a list may name a channel by its name, so it never helped

drop index task_by_queue;
drop index task_by_workflow;
drop index task_by_priority;
create index task_by_queue on task (workspace_sid, task_queue_sid, sid)
    where purged_at is null and not is_busy;
create index task_by_workflow on task (workspace_sid, workflow_sid, sid)
    where purged_at is null and not is_busy;
create index task_by_priority on task (workspace_sid, priority, sid)
    where purged_at is null and not is_busy;
