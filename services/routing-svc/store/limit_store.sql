-- name: limit_workflow_nth
-- index: workflow_by_workspace; no more entries than the limit
select 1
from workflow
where workspace_sid = $1
order by sid
offset $2::bigint - 1
limit 1;

-- name: limit_rule_nth
-- index: rule_by_order; no more entries than the limit
select 1
from rule
where workspace_sid = $1
offset $2::bigint - 1
limit 1;

-- name: limit_keyword_nth
-- index: keyword_by_workspace; no more entries than the limit
select 1
from keyword
where workspace_sid = $1
order by sid
offset $2::bigint - 1
limit 1;

-- name: limit_schedule_nth
-- index: schedule_by_workspace; no more entries than the limit
select 1
from schedule
where workspace_sid = $1
order by sid
offset $2::bigint - 1
limit 1;
