-- Statistics of the past.

-- ---- the projection ----

-- name: stat_cursor_make
insert into stat_cursor (shard)
values ($1)
on conflict (shard) do nothing;

-- name: stat_cursor_lock
-- index: primary key; one counts at a time, whoever owns the shard. The round need not be on disk at
-- once: sums and cursor are lost together, and counted again
select seq, set_config('synchronous_commit', 'off', true)
from stat_cursor
where shard = $1
for update;

-- name: stat_cursor_set
-- index: primary key
update stat_cursor
set seq = $2
where shard = $1;

-- name: stat_buckets_of
-- index: primary key
select k.place, b.reservations_created, b.reservations_accepted, b.reservations_rejected,
       b.reservations_timed_out, b.reservations_canceled, b.reservations_rescinded,
       b.tasks_created, b.tasks_entered, b.tasks_moved, b.tasks_canceled, b.tasks_completed,
       b.tasks_deleted, b.tasks_timed_out_in_workflow, b.accepted_sum, b.accepted_min,
       b.accepted_max, b.in_queue_sum, b.in_queue_min, b.in_queue_max, b.canceled_sum,
       b.canceled_min, b.canceled_max, b.accepted_waits, b.canceled_waits
from unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[])
     with ordinality as k (sid, level, at, task_channel_sid, place)
cross join lateral (select *
                    from stat_bucket s
                    where s.sid = k.sid
                      and s.level = k.level::smallint
                      and s.at = k.at
                      and s.task_channel_sid = k.task_channel_sid
                    offset 0) as b;

-- name: stat_buckets_put
-- index: primary key
insert into stat_bucket (sid, level, at, task_channel_sid, workspace_sid, reservations_created,
                         reservations_accepted, reservations_rejected, reservations_timed_out,
                         reservations_canceled, reservations_rescinded, tasks_created,
                         tasks_entered, tasks_moved, tasks_canceled, tasks_completed, tasks_deleted,
                         tasks_timed_out_in_workflow, accepted_sum, accepted_min, accepted_max,
                         in_queue_sum, in_queue_min, in_queue_max, canceled_sum, canceled_min,
                         canceled_max, accepted_waits, canceled_waits)
select r.sid, r.level::smallint, r.at, r.task_channel_sid, r.workspace_sid, r.c1, r.c2, r.c3, r.c4,
       r.c5, r.c6, r.c7, r.c8, r.c9, r.c10, r.c11, r.c12, r.c13, r.w1, r.w2, r.w3, r.w4, r.w5, r.w6,
       r.w7, r.w8, r.w9, r.accepted_waits, r.canceled_waits
from unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::bigint[],
            $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[],
            $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[],
            $18::bigint[], $19::bigint[], $20::bigint[], $21::bigint[], $22::bigint[],
            $23::bigint[], $24::bigint[], $25::bigint[], $26::bigint[], $27::bigint[],
            $28::text[], $29::text[])
     as r (sid, level, at, task_channel_sid, workspace_sid, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10,
           c11, c12, c13, w1, w2, w3, w4, w5, w6, w7, w8, w9, accepted_waits, canceled_waits)
on conflict (sid, level, at, task_channel_sid) do update
set reservations_created = excluded.reservations_created,
    reservations_accepted = excluded.reservations_accepted,
    reservations_rejected = excluded.reservations_rejected,
    reservations_timed_out = excluded.reservations_timed_out,
    reservations_canceled = excluded.reservations_canceled,
    reservations_rescinded = excluded.reservations_rescinded,
    tasks_created = excluded.tasks_created,
    tasks_entered = excluded.tasks_entered,
    tasks_moved = excluded.tasks_moved,
    tasks_canceled = excluded.tasks_canceled,
    tasks_completed = excluded.tasks_completed,
    tasks_deleted = excluded.tasks_deleted,
    tasks_timed_out_in_workflow = excluded.tasks_timed_out_in_workflow,
    accepted_sum = excluded.accepted_sum,
    accepted_min = excluded.accepted_min,
    accepted_max = excluded.accepted_max,
    in_queue_sum = excluded.in_queue_sum,
    in_queue_min = excluded.in_queue_min,
    in_queue_max = excluded.in_queue_max,
    canceled_sum = excluded.canceled_sum,
    canceled_min = excluded.canceled_min,
    canceled_max = excluded.canceled_max,
    accepted_waits = excluded.accepted_waits,
    canceled_waits = excluded.canceled_waits;

-- name: stat_spans_last
-- index: primary key, backwards
select s.worker_sid, s.from_at, nullif(s.to_at, 'infinity'), s.workspace_sid, s.activity_sid,
       s.worker_version
from unnest($1::text[]) as w (sid)
cross join lateral (select *
                    from stat_span x
                    where x.worker_sid = w.sid
                    order by x.from_at desc
                    limit 1) as s;

-- name: stat_spans_put
-- index: primary key; a to_at of null is 'infinity'
insert into stat_span (worker_sid, from_at, to_at, workspace_sid, activity_sid, worker_version,
                       is_long)
select r.worker_sid, r.from_at, coalesce(r.to_at, 'infinity'), r.workspace_sid, r.activity_sid,
       r.worker_version, r.is_long
from unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::text[], $6::bigint[],
            $7::boolean[])
     as r (worker_sid, from_at, to_at, workspace_sid, activity_sid, worker_version, is_long)
on conflict (worker_sid, from_at) do update
set to_at = excluded.to_at,
    activity_sid = excluded.activity_sid,
    worker_version = excluded.worker_version,
    is_long = excluded.is_long;

-- name: stat_stays_add
-- index: primary key
insert into stat_stay as s (sid, day, activity_sid, spans, total_ms, min_ms, max_ms)
select r.sid, r.day, r.activity_sid, count(*), sum(r.ms), min(r.ms), max(r.ms)
from unnest($1::text[], $2::timestamptz[], $3::text[], $4::bigint[])
     as r (sid, day, activity_sid, ms)
group by r.sid, r.day, r.activity_sid
order by r.sid, r.day, r.activity_sid
on conflict (sid, day, activity_sid) do update
set spans = s.spans + excluded.spans,
    total_ms = s.total_ms + excluded.total_ms,
    min_ms = least(s.min_ms, excluded.min_ms),
    max_ms = greatest(s.max_ms, excluded.max_ms);

-- ---- reads ----

-- name: stat_buckets_read
-- index: primary key. $1 sids; $2 levels, $3 from, $4 to: pieces of the range; $5 channel or null;
-- $6 with waits by length
select b.sid, b.at, b.reservations_created, b.reservations_accepted, b.reservations_rejected,
       b.reservations_timed_out, b.reservations_canceled, b.reservations_rescinded,
       b.tasks_created, b.tasks_entered, b.tasks_moved, b.tasks_canceled, b.tasks_completed,
       b.tasks_deleted, b.tasks_timed_out_in_workflow, b.accepted_sum, b.accepted_min,
       b.accepted_max, b.in_queue_sum, b.in_queue_min, b.in_queue_max, b.canceled_sum,
       b.canceled_min, b.canceled_max, b.accepted_waits, b.canceled_waits
from unnest($2::bigint[], $3::timestamptz[], $4::timestamptz[]) as p (level, from_at, to_at)
cross join unnest($1::text[]) as w (sid)
cross join lateral (select s.sid, s.at, s.reservations_created, s.reservations_accepted,
                           s.reservations_rejected, s.reservations_timed_out,
                           s.reservations_canceled, s.reservations_rescinded, s.tasks_created,
                           s.tasks_entered, s.tasks_moved, s.tasks_canceled, s.tasks_completed,
                           s.tasks_deleted, s.tasks_timed_out_in_workflow, s.accepted_sum,
                           s.accepted_min, s.accepted_max, s.in_queue_sum, s.in_queue_min,
                           s.in_queue_max, s.canceled_sum, s.canceled_min, s.canceled_max,
                           case when $6::boolean then s.accepted_waits else '' end
                               as accepted_waits,
                           case when $6::boolean then s.canceled_waits else '' end
                               as canceled_waits
                    from stat_bucket s
                    where s.sid = w.sid
                      and s.level = p.level::smallint
                      and s.at >= p.from_at
                      and s.at < p.to_at
                      and ($5::text is null or s.task_channel_sid = $5)
                    offset 0) as b;

-- name: stat_durations_of_workspace
-- index: stat_span_long_ended, stat_span_within_day, primary key of stat_stay. $2 start, $3 end, $4
-- and $5: the whole days between (both the end when there are none), counted in stat_stay
with stays as (
    select activity_sid, least(to_at, $3::timestamptz) - greatest(from_at, $2::timestamptz) as stay
    from stat_span
    where workspace_sid = $1
      and is_long
      and to_at > $2::timestamptz
      and from_at < $3::timestamptz
    union all
    select activity_sid, least(to_at, $3::timestamptz) - greatest(from_at, $2::timestamptz)
    from stat_span
    where workspace_sid = $1
      and not is_long
      and to_at > $2::timestamptz
      and to_at <= $4::timestamptz
      and from_at < $3::timestamptz
    union all
    select activity_sid, least(to_at, $3::timestamptz) - greatest(from_at, $2::timestamptz)
    from stat_span
    where workspace_sid = $1
      and not is_long
      and to_at > $5::timestamptz
      and to_at <= $3::timestamptz + interval '1 day'
      and from_at < $3::timestamptz
), sums as (
    select activity_sid, count(*) as spans, extract(epoch from sum(stay)) * 1000 as total_ms,
           extract(epoch from min(stay)) * 1000 as min_ms,
           extract(epoch from max(stay)) * 1000 as max_ms
    from stays
    group by activity_sid
    union all
    select activity_sid, spans, total_ms, min_ms, max_ms
    from stat_stay
    where sid = $1
      and day >= $4::timestamptz
      and day < $5::timestamptz
)
select activity_sid, sum(spans)::bigint, sum(total_ms)::bigint, min(min_ms)::bigint,
       max(max_ms)::bigint
from sums
group by activity_sid
order by activity_sid;

-- name: stat_durations_of_workers
-- index: stat_span_long_by_worker, stat_span_by_worker, primary key of stat_stay; as above for some
-- workers
with stays as (
    select activity_sid, least(to_at, $3::timestamptz) - greatest(from_at, $2::timestamptz) as stay
    from stat_span
    where worker_sid = any ($1::text[])
      and is_long
      and to_at > $2::timestamptz
      and from_at < $3::timestamptz
    union all
    select activity_sid, least(to_at, $3::timestamptz) - greatest(from_at, $2::timestamptz)
    from stat_span
    where worker_sid = any ($1::text[])
      and not is_long
      and to_at > $2::timestamptz
      and to_at <= $4::timestamptz
      and from_at < $3::timestamptz
    union all
    select activity_sid, least(to_at, $3::timestamptz) - greatest(from_at, $2::timestamptz)
    from stat_span
    where worker_sid = any ($1::text[])
      and not is_long
      and to_at > $5::timestamptz
      and to_at <= $3::timestamptz + interval '1 day'
      and from_at < $3::timestamptz
), sums as (
    select activity_sid, count(*) as spans, extract(epoch from sum(stay)) * 1000 as total_ms,
           extract(epoch from min(stay)) * 1000 as min_ms,
           extract(epoch from max(stay)) * 1000 as max_ms
    from stays
    group by activity_sid
    union all
    select activity_sid, spans, total_ms, min_ms, max_ms
    from stat_stay
    where sid = any ($1::text[])
      and day >= $4::timestamptz
      and day < $5::timestamptz
)
select activity_sid, sum(spans)::bigint, sum(total_ms)::bigint, min(min_ms)::bigint,
       max(max_ms)::bigint
from sums
group by activity_sid
order by activity_sid;

-- name: stat_activities
-- index: config_copy_by_name
select sid, name
from config_copy
where workspace_sid = $1
  and kind = 'activity'
  and not is_deleted
order by sid;

-- name: stat_resource
-- index: primary key of config_copy
select kind, name
from config_copy
where sid = $2
  and workspace_sid = $1
  and not is_deleted;

-- name: stat_queues_among
-- index: primary key of config_copy
select sid
from config_copy
where sid = any ($2::text[])
  and workspace_sid = $1
  and kind = 'queue'
  and not is_deleted
order by sid;

-- name: stat_resource_named
-- index: config_copy_by_name
select sid
from config_copy
where workspace_sid = $1
  and kind = $2
  and lower(name) = lower($3)
  and ($2 <> 'channel' or name = $3) -- unique names have their case
  and not is_deleted
order by sid;

-- name: stat_queues
-- index: config_copy_by_name
select sid, name
from config_copy
where workspace_sid = $1
  and kind = 'queue'
  and not is_deleted
  and sid > $2
  and ($4::text is null or lower(name) = lower($4))
order by sid
limit $3;

-- ---- retention: some rows at a time ----

-- name: stat_buckets_prune
-- index: stat_bucket_by_time
delete from stat_bucket
where ctid in (select ctid
               from stat_bucket
               where level = $1::smallint
                 and at < $2
               limit 5000);

-- name: stat_spans_prune
-- index: stat_span_ended; $1 for those within a day, $2 for all
delete from stat_span
where ctid in (select ctid
               from stat_span
               where to_at < $1
                 and (not is_long or to_at < $2)
               limit 5000);

-- name: stat_stays_prune
-- index: stat_stay_by_day
delete from stat_stay
where ctid in (select ctid
               from stat_stay
               where day < $1
               limit 5000);
