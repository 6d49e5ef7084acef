-- name: leg_insert
-- index: primary key; $15: it may take the place of an older one that is over
insert into bridge_leg (reservation_sid, call_sid, task_sid, worker_sid, workspace_sid, is_pending,
                        to_address, from_number, timeout_s, is_conference, options, url, version,
                        state, provider_call_sid, detail, due_at, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $13, $14, 'recorded', '', '', $12, $12, $12)
on conflict (reservation_sid) do update
set call_sid = excluded.call_sid,
    is_pending = bridge_leg.is_pending and excluded.is_pending,
    to_address = excluded.to_address,
    from_number = excluded.from_number,
    timeout_s = excluded.timeout_s,
    is_conference = excluded.is_conference,
    options = excluded.options,
    url = excluded.url,
    version = excluded.version,
    attempt = bridge_leg.attempt + 1,
    state = excluded.state,
    provider_call_sid = excluded.provider_call_sid,
    detail = excluded.detail,
    caller = '',
    is_unwanted = false,
    keeps_task = false,
    is_settled = true,
    due_at = excluded.due_at,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at
where $15
  and bridge_leg.version < excluded.version
  and bridge_leg.state in ('failed', 'ended');

-- name: leg_get
-- index: primary key
select reservation_sid, call_sid, task_sid, worker_sid, workspace_sid, is_pending, to_address,
       from_number, timeout_s, state, provider_call_sid, detail, due_at, created_at,
       is_conference, options, caller, is_unwanted, url, keeps_task, is_settled, version,
       attempt
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
          is_conference, options, caller, is_unwanted, url, keeps_task, is_settled, version,
          attempt;

-- name: leg_overdue
-- index: bridge_leg_due
select reservation_sid, call_sid, task_sid, worker_sid, workspace_sid, is_pending, to_address,
       from_number, timeout_s, state, provider_call_sid, detail, due_at, created_at,
       is_conference, options, caller, is_unwanted, url, keeps_task, is_settled, version,
       attempt
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
    keeps_task = $8,
    is_settled = $9,
    updated_at = $7
where reservation_sid = $1
  and state = $2
  and attempt = $10
returning is_pending;

-- name: leg_asked
-- index: bridge_leg_call
select reservation_sid, call_sid, task_sid, worker_sid, workspace_sid, is_pending, to_address,
       from_number, timeout_s, state, provider_call_sid, detail, due_at, created_at,
       is_conference, options, caller, is_unwanted, url, keeps_task, is_settled, version,
       attempt
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

-- name: leg_unwanted
-- index: bridge_leg_call
update bridge_leg
set is_unwanted = true,
    is_settled = is_settled and state <> 'ringing',
    due_at = case when state = 'ringing' then $4 else due_at end,
    updated_at = $3
where call_sid = $1
  and ($2 = '' or task_sid = $2)
  and state in ('recorded', 'placing', 'ringing')
  and not is_unwanted
returning reservation_sid, call_sid, task_sid, worker_sid, workspace_sid, is_pending, to_address,
          from_number, timeout_s, state, provider_call_sid, detail, due_at, created_at,
          is_conference, options, caller, is_unwanted, url, keeps_task, is_settled, version,
          attempt;

-- name: leg_gone
-- index: primary key
update bridge_leg
set is_unwanted = true,
    is_settled = is_settled and state <> 'ringing',
    due_at = case when state = 'ringing' then $3 else due_at end,
    updated_at = $2
where reservation_sid = $1
  and state in ('recorded', 'placing', 'ringing')
  and not is_unwanted
returning reservation_sid, call_sid, task_sid, worker_sid, workspace_sid, is_pending, to_address,
          from_number, timeout_s, state, provider_call_sid, detail, due_at, created_at,
          is_conference, options, caller, is_unwanted, url, keeps_task, is_settled, version,
          attempt;

-- name: leg_accept
-- index: primary key; what follows now (bridge.c, on_accepted) is not done yet, and due for the jobs at $3
update bridge_leg
set is_pending = false,
    is_settled = is_settled
        and not (case when url = '' then state = 'failed' else state in ('answered', 'ended') end),
    due_at = case
        when case when url = '' then state = 'failed' else state in ('answered', 'ended') end then $3
        else due_at
    end,
    updated_at = $2
where reservation_sid = $1
  and is_pending
returning reservation_sid, call_sid, task_sid, worker_sid, workspace_sid, is_pending, to_address,
          from_number, timeout_s, state, provider_call_sid, detail, due_at, created_at,
          is_conference, options, caller, is_unwanted, url, keeps_task, is_settled, version,
          attempt;

-- name: leg_unsettled
-- index: bridge_leg_unsettled; put off, so that nobody else takes it meanwhile
update bridge_leg
set due_at = $2,
    updated_at = $1
where reservation_sid = (select reservation_sid
                         from bridge_leg
                         where not is_settled
                           and due_at <= $1
                         order by due_at
                         limit 1
                         for update skip locked)
returning reservation_sid, call_sid, task_sid, worker_sid, workspace_sid, is_pending, to_address,
          from_number, timeout_s, state, provider_call_sid, detail, due_at, created_at,
          is_conference, options, caller, is_unwanted, url, keeps_task, is_settled, version,
          attempt;

-- name: leg_settled
-- index: primary key; not when it was accepted meanwhile
update bridge_leg
set is_settled = true
where reservation_sid = $1
  and state = $2
  and is_pending = $3
  and attempt = $4;

-- name: leg_count
-- index: bridge_leg_call
select count(*)
from bridge_leg
where call_sid = $1;

-- name: leg_prune
-- a few at a time, so that no lock is held long; index: bridge_leg_age
delete from bridge_leg
where reservation_sid in (select reservation_sid
                          from bridge_leg
                          where created_at < $1
                          order by created_at
                          limit $2);
