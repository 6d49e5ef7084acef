-- name: call_insert
-- index: phone_call_by_call
insert into phone_call (sid, account_sid, workspace_sid, call_sid, direction, status, from_number,
                        to_number, customer_sid, customer_name, task_sid, worker_sid, line_sid,
                        started_at, duration_s, recording_url, recording_sid,
                        recording_duration_s, transcription, follow_up_task_sid, menu_path, plan,
                        plan_no, version, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, '', '', '', '', $9, $10, 0, '', '', 0, '', '', '', '', 0, 1,
        $11, $11)
on conflict (call_sid) do nothing;

-- name: call_get
-- index: primary key or phone_call_by_call
select sid, account_sid, workspace_sid, call_sid, direction, status, from_number, to_number,
       customer_sid, customer_name, task_sid, worker_sid, line_sid, started_at, answered_at,
       ended_at, duration_s, recording_url, recording_sid, recording_duration_s, transcription,
       due_at, follow_up_task_sid, menu_path, plan, plan_no::bigint, version, created_at, updated_at
from phone_call
where (sid = $2 or call_sid = $2)
  and ($1 = '' or workspace_sid = $1);

-- name: call_get_for_update
-- index: primary key or phone_call_by_call
select sid, account_sid, workspace_sid, call_sid, direction, status, from_number, to_number,
       customer_sid, customer_name, task_sid, worker_sid, line_sid, started_at, answered_at,
       ended_at, duration_s, recording_url, recording_sid, recording_duration_s, transcription,
       due_at, follow_up_task_sid, menu_path, plan, plan_no::bigint, version, created_at, updated_at
from phone_call
where sid = $1 or call_sid = $1
for update;

-- name: call_of_task
-- index: phone_call_by_task, phone_call_by_follow_up
select sid, account_sid, workspace_sid, call_sid, direction, status, from_number, to_number,
       customer_sid, customer_name, task_sid, worker_sid, line_sid, started_at, answered_at,
       ended_at, duration_s, recording_url, recording_sid, recording_duration_s, transcription,
       due_at, follow_up_task_sid, menu_path, plan, plan_no::bigint, version, created_at, updated_at
from phone_call
where (task_sid = $1 and task_sid <> '')
   or (follow_up_task_sid = $1 and follow_up_task_sid <> '')
limit 1;

-- name: call_update
-- index: primary key; the caller holds the row lock
update phone_call
set status = $2,
    task_sid = $3,
    worker_sid = $4,
    answered_at = $5,
    ended_at = $6,
    duration_s = $7,
    recording_url = $8,
    recording_sid = $9,
    recording_duration_s = $10,
    transcription = $11,
    due_at = $12,
    follow_up_task_sid = $13,
    version = $14,
    updated_at = $15
where sid = $1;

-- name: call_plan
-- index: primary key; nothing where somebody was first
update phone_call
set account_sid = $2,
    workspace_sid = $3,
    line_sid = $4,
    customer_sid = $5,
    customer_name = $6,
    menu_path = $7,
    plan = $8,
    plan_no = plan_no + 1,
    version = version + 1,
    updated_at = $10
where sid = $1
  and plan_no = $9::bigint;

-- name: call_list
-- index: phone_call_by_workspace, or that of the filter
select sid, account_sid, workspace_sid, call_sid, direction, status, from_number, to_number,
       customer_sid, customer_name, task_sid, worker_sid, line_sid, started_at, answered_at,
       ended_at, duration_s, recording_url, recording_sid, recording_duration_s, transcription,
       due_at, follow_up_task_sid, menu_path, plan, plan_no::bigint, version, created_at, updated_at
from phone_call
where workspace_sid = $1
  and ($2 = '' or sid < $2)
  and ($3::text is null or status = $3)
  and ($4::text is null or from_number = $4)
  and ($5::text is null or (customer_sid = $5 and customer_sid <> ''))
  and ($6::text is null or (task_sid = $6 and task_sid <> '')
                        or (follow_up_task_sid = $6 and follow_up_task_sid <> ''))
order by sid desc
limit $7;

-- name: call_prune
-- a few at a time, so that no lock is held long; index: phone_call_by_age
delete from phone_call
where sid in (select sid
              from phone_call
              where created_at < $1
              order by created_at
              limit $2);
