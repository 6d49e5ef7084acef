-- name: limit_queue_nth
-- index: task_queue_by_workspace; no more entries than the limit
select 1
from task_queue
where workspace_sid = $1
order by sid
offset $2::bigint - 1
limit 1;

-- name: limit_channel_nth
-- index: task_channel_by_workspace; no more entries than the limit
select 1
from task_channel
where workspace_sid = $1
order by sid
offset $2::bigint - 1
limit 1;
