-- name: workflow_insert
insert into workflow (sid, account_sid, workspace_sid, friendly_name, configuration,
                      configuration_version, assignment_callback_url,
                      fallback_assignment_callback_url, task_reservation_timeout, version,
                      created_at, updated_at)
values ($1, $2, $3, $4, $5, 1, $6, $7, $8, 1, $9, $9);

-- name: workflow_version_insert
insert into workflow_version (workflow_sid, configuration_version, configuration, author_sid,
                              created_at)
values ($1, $2, $3, $4, $5);

-- name: workflow_get
-- index: primary key
select sid, account_sid, workspace_sid, friendly_name, configuration, configuration_version,
       assignment_callback_url, fallback_assignment_callback_url, task_reservation_timeout,
       version, created_at, updated_at
from workflow
where sid = $2 and workspace_sid = $1;

-- name: workflow_get_for_update
-- index: primary key
select sid, account_sid, workspace_sid, friendly_name, configuration, configuration_version,
       assignment_callback_url, fallback_assignment_callback_url, task_reservation_timeout,
       version, created_at, updated_at
from workflow
where sid = $2 and workspace_sid = $1
for update;

-- name: workflow_list
-- index: workflow_by_workspace, or workflow_by_queue
select sid, account_sid, workspace_sid, friendly_name, configuration, configuration_version,
       assignment_callback_url, fallback_assignment_callback_url, task_reservation_timeout,
       version, created_at, updated_at
from workflow
where workspace_sid = $1
  and sid > $2
  and ($4::text is null or lower(friendly_name) = lower($4))
  and ($5::text is null or queue_sids @> array[$5::text])
order by sid
limit $3;

-- name: workflow_update
-- index: primary key; the caller holds the row lock
update workflow
set friendly_name = $2,
    configuration = $3,
    configuration_version = $4,
    assignment_callback_url = $5,
    fallback_assignment_callback_url = $6,
    task_reservation_timeout = $7,
    version = $8,
    updated_at = $9
where sid = $1;

-- name: workflow_delete
-- index: primary key
delete from workflow
where sid = $1;

-- name: workflow_delete_all
-- index: workflow_by_workspace
delete from workflow
where workspace_sid = $1;

-- name: workflow_version_list
-- index: primary key; newest first
select configuration_version, configuration, author_sid, created_at
from workflow_version
where workflow_sid = $1 and configuration_version < $2
order by configuration_version desc
limit $3;
