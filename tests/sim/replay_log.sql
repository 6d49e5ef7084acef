-- What the replay reads of a shard.

-- name: replay_batches
-- index: primary key
select last_seq, part, first_seq, epoch, payload, journal
from event_batch
where shard = $1
  and (last_seq, part) > ($2, $3::integer)
order by last_seq, part
limit $4;
