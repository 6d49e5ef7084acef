-- name: limit_workspace_nth
-- index: workspace_by_account; no more entries than the limit
select 1
from workspace
where account_sid = $1
  and vanished_at is null
order by sid
offset $2::bigint - 1
limit 1;

-- name: limit_activity_nth
-- index: activity_by_workspace; no more entries than the limit
select 1
from activity
where workspace_sid = $1
order by sid
offset $2::bigint - 1
limit 1;

-- name: limit_worker_nth
-- index: worker_by_workspace; no more entries than the limit
select 1
from worker
where workspace_sid = $1
order by sid
offset $2::bigint - 1
limit 1;

-- name: limit_active_worker_nth
-- index: activity_by_workspace, worker_by_activity; no more entries than the limit
select 1
from activity a
join worker w on w.activity_sid = a.sid
where a.workspace_sid = $1
  and a.available
offset $2::bigint - 1
limit 1;
