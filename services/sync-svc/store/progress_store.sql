-- name: run_insert_kinds
insert into run_kind (run_sid, kind, position, state)
select $1, kind, position, 'WAITING'
from unnest($2::text[]) with ordinality as names (kind, position);

-- name: run_kinds
-- index: primary key
select run_sid, kind, state, seen, total, created, updated, unchanged, vanished, conflicting, linked,
       error, cursor, started_at, ended_at
from run_kind
where run_sid = any ($1::text[])
order by run_sid, position;

-- name: run_touch
-- index: primary key; the guard of every other write of who makes the run, and its lock
update run
set revision = revision + 1,
    lease_until = greatest(lease_until, now() + $3 * interval '1 millisecond')
where sid = $1 and epoch = $2 and state = 'RUNNING'
returning cancel_asked;

-- name: run_forget_seen
-- index: primary key
delete from run_seen
where run_sid = $1;

-- name: run_kind_begin
-- index: primary key
update run_kind
set state = 'RUNNING',
    started_at = coalesce(started_at, now()),
    error = '',
    ended_at = null
where run_sid = $1 and kind = $2;

-- name: run_kind_end
-- index: primary key
update run_kind
set state = $3,
    error = $4,
    ended_at = now()
where run_sid = $1 and kind = $2;

-- name: run_kind_step
-- index: primary key
update run_kind
set seen = seen + $3,
    created = created + $4,
    updated = updated + $5,
    unchanged = unchanged + $6,
    vanished = vanished + $7,
    conflicting = conflicting + $8,
    linked = linked + $9,
    total = coalesce($10, total),
    cursor = $11
where run_sid = $1 and kind = $2;

-- name: run_add_items
insert into run_item (run_sid, kind, sid, friendly_name, outcome, fields, detail)
select $1, $2, sid, friendly_name, outcome, fields, detail
from unnest($3::text[], $4::text[], $5::text[], $6::jsonb[], $7::text[]) with ordinality
     as items (sid, friendly_name, outcome, fields, detail, position)
order by position;

-- name: run_count_items
-- index: primary key
select count(*)
from run_item
where run_sid = $1;

-- name: run_add_seen
insert into run_seen (run_sid, kind, sid)
select $1, $2, sid
from unnest($3::text[]) as sids (sid)
on conflict do nothing;

-- name: run_unseen
-- index: primary key; those of the SIDs given that the run has not met, in their order
select given.position - 1
from unnest($3::text[]) with ordinality as given (sid, position)
where not exists (select from run_seen s
                  where s.run_sid = $1 and s.kind = $2 and s.sid = given.sid)
order by given.position;

-- name: run_seen_after
-- index: primary key
select sid
from run_seen
where run_sid = $1 and kind = $2 and sid > $3
order by sid
limit $4;

-- name: run_seen_count
-- index: primary key
select count(*)
from run_seen
where run_sid = $1 and kind = $2;

-- name: run_last_checked
-- index: run_by_workspace; when the last full look at a kind began that came to its end
select max(k.started_at)
from run r
join run_kind k on k.run_sid = r.sid
where r.workspace_sid = $1 and not r.dry_run and not r.light and k.kind = $2 and k.state = 'DONE';

-- name: run_items
-- index: primary key
select kind, sid, friendly_name, outcome, fields::text, detail, seq
from run_item
where run_sid = $1
  and seq > $2
  and outcome <> 'UNCHANGED' -- one that was settled
  and ($3::text is null or kind = $3)
  and ($4::text is null or outcome = $4)
order by seq
limit $5;

-- name: run_created
-- index: run_item_created; which of the SIDs the run has found to be new, by their place
select given.position - 1
from unnest($2::text[]) with ordinality as given (sid, position)
where exists (select from run_item i
              where i.run_sid = $1 and i.sid = given.sid and i.outcome = 'CREATED');

-- name: run_vanished
-- index: primary key; which of the SIDs the run has found to be gone, by their place
select given.position - 1
from unnest($2::text[]) with ordinality as given (sid, position)
where exists (select from run_item i
              where i.run_sid = $1 and i.sid = given.sid and i.outcome = 'VANISHED');

-- name: run_unsettled
-- index: primary key; conflicts of a kind, and on demand what changes its name, behind them
select sid, outcome
from run_item
where run_sid = $1 and kind = $2
  and (outcome = 'CONFLICTING'
       or $3 and outcome = 'UPDATED'
          and (fields @> '[{"name": "friendly_name"}]' or fields @> '[{"name": "unique_name"}]'))
order by outcome = 'CONFLICTING' desc, seq
limit $4;

-- name: run_settle
-- index: primary key
update run_item i
set outcome = s.outcome,
    fields = s.fields,
    detail = s.detail
from unnest($3::text[], $4::text[], $5::jsonb[], $6::text[]) as s (sid, outcome, fields, detail)
where i.run_sid = $1 and i.kind = $2 and i.sid = s.sid and i.outcome = 'CONFLICTING';
