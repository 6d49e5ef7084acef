-- name: redirect_put
-- index: primary key; a reservation that was accepted stays so, whatever is heard late
insert into bridge_redirect (reservation_sid, version, workspace_sid, task_sid, worker_sid,
                             call_sid, url, is_pending, accepts, state, detail, is_settled, due_at,
                             created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'recorded', '', true, $10, $10, $10)
on conflict (reservation_sid) do update
set version = excluded.version,
    call_sid = excluded.call_sid,
    url = excluded.url,
    is_pending = bridge_redirect.is_pending and excluded.is_pending,
    accepts = excluded.accepts,
    is_away = (bridge_redirect.is_away or bridge_redirect.state = 'done')
        and bridge_redirect.call_sid = excluded.call_sid,
    state = excluded.state,
    detail = excluded.detail,
    is_settled = excluded.is_settled,
    due_at = excluded.due_at,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at
where bridge_redirect.version < excluded.version
  and ($11 or (bridge_redirect.call_sid, bridge_redirect.url) <> (excluded.call_sid, excluded.url));

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
          state, detail, is_settled, due_at, created_at, accepts, is_away;

-- name: redirect_overdue
-- index: bridge_redirect_due
select reservation_sid, version, workspace_sid, task_sid, worker_sid, call_sid, url, is_pending,
       state, detail, is_settled, due_at, created_at, accepts, is_away
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
          state, detail, is_settled, due_at, created_at, accepts, is_away;

-- name: redirect_of_call
-- index: bridge_redirect_call
select reservation_sid, version, workspace_sid, task_sid, worker_sid, call_sid, url, is_pending,
       state, detail, is_settled, due_at, created_at, accepts, is_away
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
  and state = $3
returning is_pending;

-- name: redirect_settled
-- index: primary key; not when it was accepted meanwhile
update bridge_redirect
set is_settled = true
where reservation_sid = $1
  and version = $2
  and state = $3
  and is_pending = $4;

-- name: redirect_accept
-- index: primary key; what follows from one that is over is due for the jobs at $5
update bridge_redirect
set is_pending = false,
    is_settled = is_settled and state in ('recorded', 'asking'),
    due_at = case when state in ('recorded', 'asking') then due_at else $5 end,
    updated_at = $4
where reservation_sid = $1
  and call_sid = $2
  and url = $3
  and is_pending
returning reservation_sid, version, workspace_sid, task_sid, worker_sid, call_sid, url, is_pending,
          state, detail, is_settled, due_at, created_at, accepts, is_away;

-- name: redirect_prune
-- a few at a time, so that no lock is held long; index: bridge_redirect_age
delete from bridge_redirect
where reservation_sid in (select reservation_sid
                          from bridge_redirect
                          where created_at < $1
                          order by created_at
                          limit $2);
