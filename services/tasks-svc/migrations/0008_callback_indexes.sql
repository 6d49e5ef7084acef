-- Housekeeping of callbacks finds what it looks for, however many others are open.

-- given up next
create index callback_expiring on callback (shard, expires_at)
    where kind = 'event' and state in ('queued', 'waiting');
-- heads that nobody let go
create index callback_queued on callback (shard, object_key, id) where state = 'queued';
