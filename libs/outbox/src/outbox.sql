-- name: outbox_insert
insert into outbox (event_sid, subject, payload)
values ($1, $2, $3)

-- numbered in the order of the arrays
-- name: outbox_insert_many
insert into outbox (event_sid, subject, payload)
select sid, subject, payload
from unnest($1::text[], $2::text[], $3::text[]) with ordinality as e (sid, subject, payload, nth)
order by nth

-- One relay per schema; held until the session ends.
-- name: outbox_try_lock
select pg_try_advisory_lock(hashtextextended('taskrouter.outbox.' || current_schema(), 0))

-- index outbox_unpublished; $1 rows, cut after $2 bytes of payload
-- name: outbox_next
select seq, event_sid, subject, payload, created_at
from (
    select seq, event_sid, subject, payload, created_at,
           sum(octet_length(payload)) over (order by seq) - octet_length(payload) as bytes_before
    from (
        select seq, event_sid, subject, payload, created_at
        from outbox
        where published_at is null
        order by seq
        limit $1
    ) as oldest
) as batch
where bytes_before < $2
order by seq

-- primary key
-- name: outbox_mark
update outbox
set published_at = now()
where seq = any ($1::bigint[])

-- index outbox_unpublished; counts no further than $1
-- name: outbox_pending
select count(*)
from (
    select 1
    from outbox
    where published_at is null
    limit $1
) as waiting

-- index outbox_published_at
-- name: outbox_prune
delete from outbox
where seq in (
    select seq
    from outbox
    where published_at < now() - $1 * interval '1 second'
    order by published_at
    limit $2
)
