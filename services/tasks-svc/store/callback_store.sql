-- Callbacks: from the log into the outbox, out of it, and what operators see.

-- name: callback_cursor_get
-- index: primary key
select seq
from callback_cursor
where shard = $1;

-- name: callback_targets
-- index: callback_target_by_shard
select sid, kind, workspace_sid, name, url, fallback_url, filter, change
from callback_target
where shard = $1
  and change > $2
order by change;

-- name: callback_target_drop
-- index: callback_target_by_workspace
delete from callback_target
where workspace_sid = $1;

-- name: callback_dispatch
-- The cursor moves only from where the reader found it, and only then is anything written.
-- index: primary key of callback_cursor; callback_open, callback_sid
with moved as (
    insert into callback_cursor as c (shard, seq)
    values ($1::integer, $3::bigint)
    on conflict (shard) do update
    set seq = excluded.seq
    where c.seq = $2::bigint
    returning 1
), added as (
    insert into callback (sid, shard, kind, state, account_sid, workspace_sid, task_sid, worker_sid,
                          reservation_sid, event_sid, event_type, object_key, url, fallback_url,
                          parameters, created_at, expires_at, next_attempt_at)
    select r.sid, $1::integer, r.kind,
           case when row_number() over (partition by r.object_key order by r.place) > 1
                     or exists (select 1
                                from callback o
                                where o.object_key = r.object_key
                                  and o.state in ('queued', 'waiting', 'sending'))
                then 'queued'
                else 'waiting' end,
           r.account_sid, r.workspace_sid, r.task_sid, r.worker_sid, r.reservation_sid, r.event_sid,
           r.event_type, r.object_key, r.url, r.fallback_url, r.parameters::json,
           $4::timestamptz, $5::timestamptz, $4::timestamptz
    from unnest($6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
                $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[],
                $18::text[])
         with ordinality
         as r (sid, kind, account_sid, workspace_sid, task_sid, worker_sid, reservation_sid,
               event_sid, event_type, object_key, url, fallback_url, parameters, place)
    where exists (select 1 from moved)
    order by r.place
    on conflict (sid) do nothing
    returning 1
)
select (select count(*) from moved), (select count(*) from added);

-- name: callback_due
-- Which URLs have something waiting, and since when: one step in the index per URL.
-- index: callback_waiting
with recursive u as (
    (select kind, url, next_attempt_at
     from callback
     where shard = $1::integer
       and state = 'waiting'
     order by kind, url, next_attempt_at
     limit 1)
    union all
    select n.kind, n.url, n.next_attempt_at
    from u
    cross join lateral (select kind, url, next_attempt_at
                        from callback
                        where shard = $1::integer
                          and state = 'waiting'
                          and (kind, url) > (u.kind, u.url)
                        order by kind, url, next_attempt_at
                        limit 1) as n
)
select kind, url, next_attempt_at
from u
limit 1000;

-- name: callback_claim
-- index: callback_waiting; primary key; primary key of reservation
with picked as (
    select w.id
    from unnest($2::text[], $3::text[], $4::bigint[]) as u (kind, url, room)
    cross join lateral (select c.id
                        from callback c
                        where c.shard = $1::integer
                          and c.state = 'waiting'
                          and c.kind = u.kind
                          and c.url = u.url
                          and c.next_attempt_at <= $5::timestamptz
                        order by c.next_attempt_at, c.id
                        limit u.room
                        for update skip locked) as w
)
update callback
set state = 'sending',
    claimed_by = $6
from picked
where callback.id = picked.id
returning callback.id, callback.sid, callback.kind, callback.account_sid, callback.workspace_sid,
          callback.reservation_sid, callback.event_type, callback.url, callback.fallback_url,
          callback.parameters::text, callback.attempts, callback.expires_at, callback.object_key,
          case when callback.kind = 'assignment'
               then (select r.state from reservation r where r.sid = callback.reservation_sid) end;

-- name: callback_record
-- What became of those sent; those that others have claimed meanwhile are left alone.
-- index: callback_sending, or primary key
update callback c
set state = r.state,
    next_attempt_at = coalesce(r.next_attempt_at, c.next_attempt_at),
    claimed_by = '',
    attempts = r.attempts,
    last_attempt_at = case when r.attempts > c.attempts then $2::timestamptz
                           else c.last_attempt_at end,
    last_url = r.last_url,
    last_status = r.last_status,
    last_error = r.last_error,
    last_body = r.last_body,
    took_ms = r.took_ms,
    instruction = r.instruction,
    alert_code = r.alert_code,
    alert = r.alert,
    ended_at = case when r.state <> 'waiting' then $2::timestamptz end
from unnest($3::bigint[], $4::text[], $5::timestamptz[], $6::bigint[], $7::text[], $8::bigint[],
            $9::text[], $10::text[], $11::bigint[], $12::text[], $13::bigint[], $14::text[])
     as r (id, state, next_attempt_at, attempts, last_url, last_status, last_error, last_body,
           took_ms, instruction, alert_code, alert)
where c.id = r.id
  and c.state = 'sending'
  and c.claimed_by = $1;

-- name: callback_promote_next
-- Of each object: the first that has not ended may go, if it waited for others.
-- index: callback_open; primary key
update callback
set state = 'waiting',
    next_attempt_at = $2::timestamptz
from unnest($1::text[]) as k (object_key)
cross join lateral (select o.id, o.state
                    from callback o
                    where o.object_key = k.object_key
                      and o.state in ('queued', 'waiting', 'sending')
                    order by o.id
                    limit 1) as first
where callback.id = first.id
  and first.state = 'queued';

-- name: callback_reclaim
-- What another process was sending when it lost the shard is sent again.
-- index: callback_sending
update callback
set state = 'waiting',
    next_attempt_at = $3::timestamptz,
    claimed_by = ''
where shard = $1::integer
  and state = 'sending'
  and claimed_by <> $2;

-- name: callback_unclaim
-- index: callback_sending
update callback
set state = 'waiting',
    claimed_by = ''
where shard = $1::integer
  and state = 'sending'
  and claimed_by = $2;

-- name: callback_promote
-- Heads that nobody promoted: their predecessor ended in another process, or too old.
-- index: callback_queued, callback_open
update callback
set state = 'waiting',
    next_attempt_at = $2::timestamptz
where id in (select min(q.id)
             from callback q
             where q.shard = $1::integer
               and q.state = 'queued'
             group by q.object_key
             having not exists (select 1
                                from callback o
                                where o.object_key = q.object_key
                                  and o.state in ('waiting', 'sending')));

-- name: callback_expire
-- The oldest first, so many at a time.
-- index: callback_expiring
update callback
set state = 'dead',
    last_error = case when last_error = '' then 'not sent in time' else last_error end,
    ended_at = $2::timestamptz
where id in (select id
             from callback
             where shard = $1::integer
               and kind = 'event'
               and state in ('queued', 'waiting')
               and expires_at <= $2::timestamptz
             order by expires_at
             limit $3::bigint
             for update skip locked);

-- name: callback_forget
-- index: callback_ended
delete from callback
where id in (select id
             from callback
             where state = $1
               and ended_at < $2::timestamptz
             order by ended_at
             limit 1000);

-- name: callback_counts
-- index: callback_dead; callback_open
select coalesce(sum(1) filter (where state = 'dead'), 0)::bigint,
       coalesce(sum(1) filter (where state <> 'dead'), 0)::bigint,
       min(created_at) filter (where state <> 'dead')
from callback
where state in ('queued', 'waiting', 'sending', 'dead');

-- name: callback_get
-- index: callback_sid
select id, sid, kind, state, account_sid, workspace_sid, task_sid, worker_sid, reservation_sid,
       event_sid, event_type, url, fallback_url, parameters::text, created_at, expires_at,
       next_attempt_at, attempts, last_attempt_at, last_url, last_status, last_error, last_body,
       took_ms, instruction, alert_code, alert, ended_at
from callback
where workspace_sid = $1
  and sid = $2;

-- name: callback_list
-- newest first
-- index: callback_by_workspace, callback_dead or callback_by_task
select id, sid, kind, state, account_sid, workspace_sid, task_sid, worker_sid, reservation_sid,
       event_sid, event_type, url, fallback_url, parameters::text, created_at, expires_at,
       next_attempt_at, attempts, last_attempt_at, last_url, last_status, last_error, last_body,
       took_ms, instruction, alert_code, alert, ended_at
from callback
where workspace_sid = $1
  and id < $2
  and ($4::text is null or state = $4)
  and ($5::text is null or kind = $5)
  and ($6::text is null or url = $6)
  and ($7::text is null or (task_sid = $7 and task_sid <> ''))
order by id desc
limit $3;

-- name: callback_resend
-- sid null: the oldest dead ones of the workspace, so many. Of those about one object the first goes
-- first and the rest line up behind it. What was sent about it since stays sent.
-- index: callback_dead, callback_sid; callback_open
with dead as (
    select id, object_key, row_number() over (partition by object_key order by id) as place
    from (select id, object_key
          from callback
          where workspace_sid = $1
            and ($2::text is null or sid = $2)
            and state = 'dead'
            and kind = 'event'
          order by id
          limit $5::bigint
          for update skip locked) as d
)
update callback
set state = case when dead.place > 1
                      or exists (select 1
                                 from callback o
                                 where o.object_key = dead.object_key
                                   and o.state in ('queued', 'waiting', 'sending'))
                 then 'queued'
                 else 'waiting' end,
    attempts = 0,
    next_attempt_at = $3::timestamptz,
    expires_at = $4::timestamptz,
    ended_at = null
from dead
where callback.id = dead.id;
