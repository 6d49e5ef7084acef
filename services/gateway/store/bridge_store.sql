-- name: leg_insert
-- index: primary key
insert into bridge_leg (reservation_sid, call_sid, task_sid, worker_sid, workspace_sid, is_pending,
                        to_address, from_number, timeout_s, is_conference, options, state,
                        provider_call_sid, detail, due_at, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'recorded', '', '', $12, $12, $12)
on conflict (reservation_sid) do nothing;

-- name: leg_get
-- index: primary key
select reservation_sid, call_sid, task_sid, worker_sid, workspace_sid, is_pending, to_address,
       from_number, timeout_s, state, provider_call_sid, detail, due_at, created_at,
       is_conference, options, caller
from bridge_leg
where reservation_sid = $1;

-- name: leg_take
-- index: bridge_leg_due
update bridge_leg
set state = 'placing',
    due_at = $2,
    updated_at = $1
where reservation_sid = (select reservation_sid
                         from bridge_leg
                         where state = 'recorded'
                           and due_at <= $1
                         order by due_at
                         limit 1
                         for update skip locked)
returning reservation_sid, call_sid, task_sid, worker_sid, workspace_sid, is_pending, to_address,
          from_number, timeout_s, state, provider_call_sid, detail, due_at, created_at,
          is_conference, options, caller;

-- name: leg_overdue
-- index: bridge_leg_due
select reservation_sid, call_sid, task_sid, worker_sid, workspace_sid, is_pending, to_address,
       from_number, timeout_s, state, provider_call_sid, detail, due_at, created_at,
       is_conference, options, caller
from bridge_leg
where state = 'placing'
  and due_at <= $1
order by due_at
limit 1;

-- name: leg_move
-- index: primary key
update bridge_leg
set state = $3,
    provider_call_sid = case when $4 = '' then provider_call_sid else $4 end,
    detail = $5,
    due_at = $6,
    updated_at = $7
where reservation_sid = $1
  and state = $2;

-- name: leg_asked
-- index: bridge_leg_call
select reservation_sid, call_sid, task_sid, worker_sid, workspace_sid, is_pending, to_address,
       from_number, timeout_s, state, provider_call_sid, detail, due_at, created_at,
       is_conference, options, caller
from bridge_leg
where call_sid = $1
  and caller = 'asked'
limit 1;

-- name: leg_caller_move
-- index: primary key
update bridge_leg
set caller = $3,
    updated_at = $4
where reservation_sid = $1
  and caller = $2;
