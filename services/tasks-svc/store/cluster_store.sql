-- Processes of this service, and which shards they run.

-- name: replica_beat
-- index: primary key of replica; need not be on disk: nobody lives on after the server has crashed
select set_config('synchronous_commit', 'off', true),
       replica_beat($1::text, $2::text, $3::boolean, $4::bigint);

-- name: replica_list
-- a handful of rows
select instance, address, is_leaving
from replica_look();

-- name: replica_shards
-- index: primary key of shard_lease
select shard, owner, address, epoch, event_seq, is_free, left_ms, successor, is_successor_warm
from shard_look($1::integer);

-- name: replica_leave
-- index: primary key
delete from replica
where instance = $1;

-- name: replica_evict
-- index: primary key
select shard_evict($1::integer);
