-- name: redirect_put
-- index: primary key
insert into bridge_redirect (reservation_sid, version, workspace_sid, task_sid, worker_sid,
                             call_sid, url, is_pending, state, detail, is_settled, due_at,
                             created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, 'recorded', '', true, $9, $9, $9)
on conflict (reservation_sid) do update
set version = excluded.version,
    call_sid = excluded.call_sid,
    url = excluded.url,
    is_pending = excluded.is_pending,
    state = excluded.state,
    detail = excluded.detail,
    is_settled = excluded.is_settled,
    due_at = excluded.due_at,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at
where bridge_redirect.version < excluded.version;

-- name: redirect_take
-- index: bridge_redirect_due
update bridge_redirect
set state = 'asking',
    due_at = $2,
    updated_at = $1
where reservation_sid = (select reservation_sid
                         from bridge_redirect
                         where state = 'recorded'
                           and due_at <= $1
                         order by due_at
                         limit 1
                         for update skip locked)
returning reservation_sid, version, workspace_sid, task_sid, worker_sid, call_sid, url, is_pending,
          state, detail, is_settled, due_at, created_at;

-- name: redirect_overdue
-- index: bridge_redirect_due
select reservation_sid, version, workspace_sid, task_sid, worker_sid, call_sid, url, is_pending,
       state, detail, is_settled, due_at, created_at
from bridge_redirect
where state = 'asking'
  and due_at <= $1
order by due_at
limit 1;

-- name: redirect_unsettled
-- index: bridge_redirect_due; put off, so that nobody else takes it meanwhile
update bridge_redirect
set due_at = $2,
    updated_at = $1
where reservation_sid = (select reservation_sid
                         from bridge_redirect
                         where not is_settled
                           and due_at <= $1
                         order by due_at
                         limit 1
                         for update skip locked)
returning reservation_sid, version, workspace_sid, task_sid, worker_sid, call_sid, url, is_pending,
          state, detail, is_settled, due_at, created_at;

-- name: redirect_of_call
-- index: bridge_redirect_call
select reservation_sid, version, workspace_sid, task_sid, worker_sid, call_sid, url, is_pending,
       state, detail, is_settled, due_at, created_at
from bridge_redirect
where call_sid = $1
order by created_at desc
limit 1;

-- name: redirect_move
-- index: primary key
update bridge_redirect
set state = $4,
    detail = $5,
    due_at = $6,
    is_settled = $7,
    updated_at = $8
where reservation_sid = $1
  and version = $2
  and state = $3;

-- name: redirect_accept
-- index: primary key; what follows from one that is done is due for the jobs at $3
update bridge_redirect
set is_pending = false,
    is_settled = is_settled and state not in ('done', 'unknown'),
    due_at = case when state in ('done', 'unknown') then $3 else due_at end,
    updated_at = $2
where reservation_sid = $1
  and is_pending
returning reservation_sid, version, workspace_sid, task_sid, worker_sid, call_sid, url, is_pending,
          state, detail, is_settled, due_at, created_at;

-- name: redirect_prune
-- a few at a time, so that no lock is held long; index: bridge_redirect_age
delete from bridge_redirect
where reservation_sid in (select reservation_sid
                          from bridge_redirect
                          where created_at < $1
                          order by created_at
                          limit $2);
