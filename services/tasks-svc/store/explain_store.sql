-- Reads for explanations.

-- name: explain_offer_at
-- index: reservation_by_worker, backwards from the reservation that is explained
select created_at
from reservation
where workspace_sid = $1
  and worker_sid = $2
  and sid < $3
  and sequence = $4
order by sid desc
limit 1;
