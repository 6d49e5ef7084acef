-- name: webhook_insert
-- rows in the order given; answers the ordinals of those that were there before, with their answers
-- index: webhook_by_key
with given as (
    select *
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                $8::text[], $9::text[], $10::timestamptz[], $11::timestamptz[], $12::bigint[],
                $13::text[], $14::text[])
        with ordinality as g (sid, kind, key, lane, state, account_sid, workspace_sid, event_type,
                              parameters, occurred_at, received_at, answer_status, answer_type,
                              answer, ordinal)
), made as (
    insert into webhook (sid, kind, key, lane, state, account_sid, workspace_sid, event_type,
                         parameters, occurred_at, received_at, answer_status, answer_type, answer)
    select sid, kind, key, lane, state, account_sid, workspace_sid, event_type, parameters,
           occurred_at, received_at, answer_status::integer, answer_type, answer
    from given
    order by ordinal
    on conflict (kind, key) do nothing
    returning sid, lane
), lanes as (
    insert into webhook_lane (lane, next_at)
    select distinct lane, now()
    from made
    where lane <> ''
    order by lane
    on conflict (lane) do update
    set generation = webhook_lane.generation + 1
)
select g.ordinal, w.sid is not null, coalesce(w.answer_status, 0)::bigint,
       coalesce(w.answer_type, ''), coalesce(w.answer, '')
from given g
left join webhook w on w.kind = g.kind and w.key = g.key
where not exists (select from made m where m.sid = g.sid)
order by g.ordinal;

-- name: webhook_answered
-- index: webhook_by_key
select answer_status::bigint, answer_type, answer
from webhook
where kind = $1
  and key = $2;

-- name: webhook_claim
-- lanes that are due, and the first rows of each, all in all about so many bytes. Not waited for on
-- disk, as in webhook_end: what is lost with the server is done again, which changes nothing.
-- index: webhook_lane_due, webhook_waiting
with relaxed as materialized (
    select set_config('synchronous_commit', 'off', true) as setting
), due as (
    select lane
    from webhook_lane
    where next_at <= now()
      and (select setting from relaxed) = 'off'
    order by next_at
    limit $1
    for update skip locked
), claimed as (
    update webhook_lane l
    set next_at = now() + $3::bigint * interval '1 microsecond'
    from due
    where l.lane = due.lane
    returning l.lane, l.generation, l.failures
), rows as (
    select w.*,
           coalesce(sum(octet_length(w.parameters)) over (order by w.place, w.lane, w.occurred_at, w.seq
               rows between unbounded preceding and 1 preceding), 0) as bytes_before
    from (
        select c.lane, w.sid, w.parameters, w.received_at, w.attempts, w.kind, w.occurred_at, w.seq,
               row_number() over (partition by c.lane order by w.occurred_at, w.seq) as place
        from claimed c
        cross join lateral (
            select sid, parameters, received_at, attempts, kind, occurred_at, seq
            from webhook
            where lane = c.lane
              and state = 'waiting'
            order by occurred_at, seq
            limit $2
        ) w
    ) w
)
select c.lane, c.generation, c.failures::bigint, r.sid, r.parameters, r.received_at,
       r.attempts::bigint, r.kind
from claimed c
left join rows r on r.lane = c.lane and r.bytes_before < $4
order by c.lane, r.occurred_at, r.seq;

-- name: webhook_end
-- Rows get their outcome; lanes that are empty and that nobody has put anything into since they were
-- claimed go, the others are given back, to rest for so many microseconds. (What this statement
-- ended is still waiting in its own snapshot, hence the except; what comes while it runs has raised
-- the generation.)
-- index: the unique one of sid; primary key, webhook_waiting
with relaxed as materialized (
    select set_config('synchronous_commit', 'off', true) as setting
), given as (
    select *
    from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[])
        as g (sid, state, attempts, outcome, detail)
), ended as (
    update webhook w
    set state = g.state,
        attempts = g.attempts,
        outcome = g.outcome,
        detail = g.detail,
        ended_at = case when g.state = 'waiting' then null else now() end
    from given g
    where w.sid = g.sid
      and w.state = 'waiting'
      and (select setting from relaxed) = 'off'
), locked as materialized ( -- in the order in which rows are put into lanes
    select lane
    from webhook_lane
    where lane = any ($6::text[])
    order by lane
    for update
), lanes as (
    select l.*
    from locked
    join unnest($6::text[], $7::bigint[], $8::bigint[], $9::bigint[])
        as l (lane, generation, rest, failures) on l.lane = locked.lane
), dropped as (
    delete from webhook_lane l
    using lanes g
    where l.lane = g.lane
      and l.generation = g.generation
      and not exists (select from webhook w
                      where w.lane = l.lane
                        and w.state = 'waiting'
                        and not exists (select from given
                                        where given.sid = w.sid
                                          and given.state <> 'waiting'))
    returning l.lane
)
update webhook_lane l
set next_at = now() + g.rest * interval '1 microsecond',
    failures = g.failures::integer
from lanes g
where l.lane = g.lane
  and not exists (select from dropped d where d.lane = l.lane);

-- name: webhook_get
-- index: the unique one of sid
select sid, kind, state, account_sid, workspace_sid, event_type, lane, parameters, occurred_at,
       received_at, ended_at, attempts::bigint, outcome, detail
from webhook
where sid = $1;

-- name: webhook_list
-- newest first; index: the unique one of sid, of dead ones webhook_dead
select sid, kind, state, account_sid, workspace_sid, event_type, lane, parameters, occurred_at,
       received_at, ended_at, attempts::bigint, outcome, detail
from webhook
where ($1 = '' or sid < $1)
  and ($2::text is null or state = $2)
  and ($3::text is null or kind = $3)
order by sid desc
limit $4;

-- name: webhook_replay
-- index: the unique one of sid
with again as (
    update webhook
    set state = 'waiting', attempts = 0, ended_at = null, outcome = '', detail = ''
    where sid = $1
      and state = 'dead'
    returning lane
)
insert into webhook_lane (lane, next_at)
select lane, now()
from again
on conflict (lane) do update
set generation = webhook_lane.generation + 1;

-- name: webhook_replay_all
-- index: webhook_dead
with again as (
    update webhook
    set state = 'waiting', attempts = 0, ended_at = null, outcome = '', detail = ''
    where sid in (select sid
                  from webhook
                  where state = 'dead'
                  order by sid
                  limit $1
                  for update skip locked)
    returning lane
), lanes as (
    insert into webhook_lane (lane, next_at)
    select distinct lane, now()
    from again
    order by lane
    on conflict (lane) do update
    set generation = webhook_lane.generation + 1
)
select count(*)
from again;

-- name: webhook_counts
-- index: webhook_by_age
select (select count(*) from webhook where state = 'waiting'),
       (select count(*) from webhook where state = 'dead'),
       (select min(received_at) from webhook where state = 'waiting'),
       (select max(received_at) from webhook);

-- name: webhook_prune
-- a few at a time, so that no lock is held long; index: webhook_by_age
delete from webhook
where sid in (select sid
              from webhook
              where state = $1
                and received_at < $2
              order by received_at
              limit $3);
