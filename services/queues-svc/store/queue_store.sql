-- name: queue_insert
insert into task_queue (sid, account_sid, workspace_sid, friendly_name, target_workers,
                        max_reserved_workers, task_order, reservation_activity_sid,
                        assignment_activity_sid, version, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $10);

-- name: queue_get
-- index: primary key
select sid, account_sid, workspace_sid, friendly_name, target_workers, max_reserved_workers,
       task_order, reservation_activity_sid, assignment_activity_sid, version, created_at,
       updated_at
from task_queue
where sid = $2 and workspace_sid = $1;

-- name: queue_get_for_update
-- index: primary key
select sid, account_sid, workspace_sid, friendly_name, target_workers, max_reserved_workers,
       task_order, reservation_activity_sid, assignment_activity_sid, version, created_at,
       updated_at
from task_queue
where sid = $2 and workspace_sid = $1
for update;

-- name: queue_list
-- index: task_queue_by_workspace
select sid, account_sid, workspace_sid, friendly_name, target_workers, max_reserved_workers,
       task_order, reservation_activity_sid, assignment_activity_sid, version, created_at,
       updated_at
from task_queue
where workspace_sid = $1
  and sid > $2
  and ($4::text is null or lower(friendly_name) = lower($4))
order by sid
limit $3;

-- name: queue_update
-- index: primary key; the caller holds the row lock
update task_queue
set friendly_name = $2,
    target_workers = $3,
    max_reserved_workers = $4,
    task_order = $5,
    reservation_activity_sid = $6,
    assignment_activity_sid = $7,
    version = $8,
    updated_at = $9
where sid = $1;

-- name: queue_delete
-- index: primary key
delete from task_queue
where sid = $1;

-- name: queue_delete_all
-- index: task_queue_by_workspace
delete from task_queue
where workspace_sid = $1;
