-- Changes of a live row touch no index: a life of a task wrote some forty entries of indexes, now the
-- ones of its two new rows and its purge.

-- Waiting or not is all that a list by status needs: the waiting tasks are many, the others are
-- bounded by what the workers can hold and by the purge. It changes seldom, so it may be in indexes.
alter table task add column is_busy boolean generated always as (state <> 'pending') stored;

drop index task_by_state;
drop index task_by_worker;
create index task_waiting on task (workspace_sid, sid) where purged_at is null and not is_busy;
create index task_busy on task (workspace_sid, sid) where purged_at is null and is_busy;
create index task_by_purge on task (purged_at) where purged_at is not null; -- the end of history

drop index reservation_by_state;

-- Up to where every reader of the log has come: what lies behind may be needed yet. A new reader
-- with a cursor has to be added here.
create function event_floor(the_shard integer)
returns bigint
language sql
stable
as $$
    select least(coalesce((select c.published_seq from relay_cursor c where c.shard = the_shard), 0),
                 coalesce((select c.seq from stat_cursor c where c.shard = the_shard), 0),
                 coalesce((select c.seq from callback_cursor c where c.shard = the_shard), 0))
$$;

-- Room for two more versions of every row on its page; they are pruned as it is used again.
alter table task set (fillfactor = 45);
alter table reservation set (fillfactor = 45);

-- Batches made from the old log hold events of long before: marked as those of late events are
-- (EVENT_KEY_LATE), so that lists by time find them.
update event_batch
set keys = array_append(keys, (309888202134530049)::bigint)
where epoch = 0
  and oldest_at < at - interval '10 minutes';
