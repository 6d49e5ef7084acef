-- The end of history, a few rows at a time.

-- name: history_events_prune
-- index: primary key of event_batch: the oldest first
delete from event_batch b
using (select o.shard, o.last_seq, o.part
       from event_batch o
       where o.shard = $1::integer
         and o.last_seq <= event_floor($1::integer)
       order by o.last_seq, o.part
       limit $3) old
where b.shard = old.shard
  and b.last_seq = old.last_seq
  and b.part = old.part
  and b.at < $2;

-- name: history_tasks_old
-- index: task_by_purge
select sid
from task
where purged_at < $2
  and shard = $1::integer
order by purged_at
limit $3;

-- name: history_reservations_prune
-- index: reservation_by_task
delete from reservation
where task_sid = any ($1::text[]);

-- name: history_tasks_prune
-- index: primary key
delete from task
where sid = any ($1::text[]);
