-- Reads of the event log. A workspace is in one shard, which its copy names.

-- name: event_bounds
-- index: event_batch_by_time, event_batch_by_key for late ones; 0 and null: no bound
select coalesce((select c.shard
                 from config_copy c
                 where c.sid = $1), 0) as shard,
       case when $2::timestamptz is not null then
           coalesce((select b.first_seq - 1
                     from event_batch b
                     where b.shard = (select c.shard from config_copy c where c.sid = $1)
                       and b.at >= $2::timestamptz - interval '10 minutes'
                     order by b.at
                     limit 1), 9223372036854775806)
       else 0 end as low,
       case when $3::timestamptz is not null then
           greatest(0,
                    (select b.last_seq
                     from event_batch b
                     where b.shard = (select c.shard from config_copy c where c.sid = $1)
                       and b.at <= $3::timestamptz + interval '10 minutes'
                     order by b.at desc
                     limit 1),
                    (select max(b.last_seq)
                     from event_batch b
                     where b.shard = (select c.shard from config_copy c where c.sid = $1)
                       and b.keys @> array[$4::bigint]
                       and b.oldest_at <= $3::timestamptz))
       else 9223372036854775806 end as high;

-- name: event_scan
-- index: primary key; every batch of a stretch, with its payload where it may hold what is sought
select b.last_seq, b.first_seq,
       case when b.keys @> $5::bigint[] then b.payload end
from event_batch b
where b.shard = $1::integer
  and b.last_seq > $2
  and b.first_seq <= $3
  and b.part = 0
order by b.last_seq
limit $4;

-- name: event_scan_newest
-- index: primary key, backwards from the batch that holds $3
select b.last_seq, b.first_seq,
       case when b.keys @> $5::bigint[] then b.payload end
from event_batch b
where b.shard = $1::integer
  and b.last_seq > $2
  and b.last_seq <= coalesce((select min(c.last_seq)
                              from event_batch c
                              where c.shard = $1::integer
                                and c.last_seq >= $3), $3)
  and b.part = 0
order by b.last_seq desc
limit $4;

-- name: event_find
-- index: event_batch_by_key; for what is rare
with found as materialized (
    select b.last_seq
    from event_batch b
    where b.shard = $1::integer
      and b.keys @> $5::bigint[]
      and b.last_seq > $2
      and b.first_seq <= $3
      and b.part = 0)
select b.last_seq, b.first_seq, b.payload
from (select f.last_seq
      from found f
      order by f.last_seq
      limit $4) f
join event_batch b on b.shard = $1::integer and b.last_seq = f.last_seq and b.part = 0
order by b.last_seq;

-- name: event_find_newest
-- index: event_batch_by_key
with found as materialized (
    select b.last_seq
    from event_batch b
    where b.shard = $1::integer
      and b.keys @> $5::bigint[]
      and b.last_seq > $2
      and b.first_seq <= $3
      and b.part = 0)
select b.last_seq, b.first_seq, b.payload
from (select f.last_seq
      from found f
      order by f.last_seq desc
      limit $4) f
join event_batch b on b.shard = $1::integer and b.last_seq = f.last_seq and b.part = 0
order by b.last_seq desc;

-- name: event_by_sid
-- index: event_batch_by_time for ours, whose SID has the time of the batch, event_batch_by_key else
select b.first_seq, b.payload
from event_batch b
where b.at >= $2
  and b.at <= $3
  and b.part = 0
union all
select b.first_seq, b.payload
from event_batch b
where b.keys @> array[$1::bigint]
  and b.part = 0
limit 16;

-- name: event_after
-- index: primary key
select b.first_seq, b.payload
from event_batch b
where b.shard = $1::integer
  and b.last_seq > $2
  and b.part = 0
order by b.last_seq
limit $3;

-- name: event_merge_keys
-- what is new in event_batch_by_key; need not be on disk: the log is
select set_config('synchronous_commit', 'off', true),
       gin_clean_pending_list('event_batch_by_key'::regclass);
