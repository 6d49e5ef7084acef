-- Lists by time, and the activities that queues name: this service's own copy of their names, fed by
-- activity events of workers-svc.

create index task_queue_by_updated on task_queue (workspace_sid, updated_at, sid);
create index task_queue_by_activity on task_queue (workspace_sid, reservation_activity_sid)
    where reservation_activity_sid <> '';
create index task_queue_by_assignment on task_queue (workspace_sid, assignment_activity_sid)
    where assignment_activity_sid <> '';

create table activity_copy (
    sid text primary key,
    workspace_sid text not null,
    friendly_name text not null,
    version bigint not null,
    is_deleted boolean not null default false
);

create index activity_copy_by_workspace on activity_copy (workspace_sid);
