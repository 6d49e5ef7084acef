-- name: writer_beat
insert into writer (sid, seen_at)
values ($1, now())
on conflict (sid) do update set seen_at = excluded.seen_at;

-- name: writer_end
delete from writer
where sid = $1 or seen_at < now() - interval '1 day';

-- name: intent_insert
-- index: intent_key, intent_turn. Nothing while the key is another record's, or the turn.
insert into intent (sid, account_sid, workspace_sid, method, idempotency_key, request_hash, request,
                    parent_sid, is_create, resource_sid, state, holder, turn_sid)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'OPEN', $11, $12)
on conflict do nothing
returning epoch, created_at, sent_at;

-- name: intent_by_key
-- index: intent_key
select sid, account_sid, workspace_sid, method, idempotency_key, request_hash, request, parent_sid,
       is_create, resource_sid, state, holder, epoch, looks, detail, reply, created_at, sent_at,
       hope_from, settled_at
from intent
where account_sid = $1 and method = $2 and idempotency_key = $3;

-- name: intent_claim
-- index: primary key. One that nobody works on, or whose holder is dead.
update intent i
set holder = $2, epoch = i.epoch + 1, looks = i.looks + 1
where i.sid = $1 and i.state in ('OPEN', 'ANSWERED', 'UNDONE')
  and (i.holder is null
       or not exists (select from writer w
                      where w.sid = i.holder and w.seen_at > now() - interval '5 seconds'))
returning sid, account_sid, workspace_sid, method, idempotency_key, request_hash, request, parent_sid,
          is_create, resource_sid, state, holder, epoch, looks, detail, reply, created_at, sent_at,
          hope_from, settled_at;

-- name: intent_claim_due
-- index: intent_unsettled
update intent i
set holder = $1, epoch = i.epoch + 1, looks = i.looks + 1
where i.sid in (
    select d.sid
    from intent d
    where d.state in ('OPEN', 'ANSWERED') and d.due_at <= now()
      and (d.holder is null
           or not exists (select from writer w
                          where w.sid = d.holder and w.seen_at > now() - interval '5 seconds'))
    order by d.due_at
    limit $2
    for update skip locked)
returning sid, account_sid, workspace_sid, method, idempotency_key, request_hash, request, parent_sid,
          is_create, resource_sid, state, holder, epoch, looks, detail, reply, created_at, sent_at,
          hope_from, settled_at;

-- name: intent_yield_turn
-- index: intent_turn. Of one that nobody works on: what became of it is being found out.
update intent i
set turn_sid = null
where i.turn_sid = $1
  and (i.holder is null
       or not exists (select from writer w
                      where w.sid = i.holder and w.seen_at > now() - interval '5 seconds'));

-- name: intent_resend
-- index: primary key. Refused by intent_turn while the turn is another record's.
update intent
set state = 'OPEN', sent_at = now(), looks = 0, detail = '', resource_sid = $4, settled_at = null,
    turn_sid = $5
where sid = $1 and holder = $2 and epoch = $3;

-- name: intent_answered
-- index: primary key
update intent
set state = 'ANSWERED', resource_sid = $4
where sid = $1 and holder = $2 and epoch = $3;

-- name: intent_settle
-- index: primary key
update intent
set state = $4, detail = $5, reply = $6, holder = null, turn_sid = null, settled_at = now()
where sid = $1 and holder = $2 and epoch = $3;

-- name: intent_release
-- index: primary key
update intent
set holder = null, detail = $4, due_at = now() + $5 * interval '1 millisecond'
where sid = $1 and holder = $2 and epoch = $3;

-- name: intent_remove
-- index: primary key
delete from intent
where sid = $1 and holder = $2 and epoch = $3;

-- name: intent_taken
-- index: intent_created. Which of these resources a create has taken for its own.
select resource_sid
from intent
where is_create and resource_sid <> '' and resource_sid = any ($1::text[]);

-- name: intent_has_twin
-- index: intent_unsettled. The same create by somebody else, who waits for Twilio's first answer.
select exists (
    select
    from intent i
    join writer w on w.sid = i.holder and w.seen_at > now() - interval '5 seconds'
    where i.state = 'OPEN' and i.looks = 0 and i.method = $1 and i.workspace_sid = $2
      and i.request = $3 and i.sid <> $4);

-- name: intent_prune
-- index: intent_settled
delete from intent
where settled_at < now() - case state when 'GIVEN_UP' then interval '30 days' else interval '1 day' end
  and settled_at < now() - interval '1 day';

-- name: intent_counts
select count(*) filter (where state in ('OPEN', 'ANSWERED') and looks > 0),
       count(*) filter (where state = 'GIVEN_UP')
from intent
where state in ('OPEN', 'ANSWERED') or (settled_at is not null and state = 'GIVEN_UP');

-- name: intent_get
-- index: primary key. $3: those of workspaces that were to be made, too.
select sid, account_sid, workspace_sid, method, idempotency_key, request_hash, request, parent_sid,
       is_create, resource_sid, state, holder, epoch, looks, detail, reply, created_at, sent_at,
       hope_from, settled_at
from intent
where sid = $1 and (workspace_sid = $2 or ($3 and workspace_sid = ''));

-- name: intent_list
-- index: intent_troubled; newest first, because SIDs are ordered by time. Without the requests.
select sid, account_sid, workspace_sid, method, idempotency_key, request_hash, ''::bytea, parent_sid,
       is_create, resource_sid, state, holder, epoch, looks, detail, null::bytea, created_at, sent_at,
       hope_from, settled_at
from intent
where state in ('OPEN', 'ANSWERED', 'GIVEN_UP')
  and (workspace_sid = $1 or ($2 and workspace_sid = ''))
  and ($3::text is null or sid < $3)
  and ($4::text is null or state = $4)
order by sid desc
limit $5;

-- name: intent_retry
-- index: primary key
update intent
set state = case when is_create and resource_sid <> '' then 'ANSWERED' else 'OPEN' end,
    looks = 0, due_at = now(), hope_from = now(), settled_at = null
where sid = $1 and (workspace_sid = $2 or ($3 and workspace_sid = '')) and state = 'GIVEN_UP';

-- name: intent_dismiss
-- index: primary key
delete from intent
where sid = $1 and (workspace_sid = $2 or ($3 and workspace_sid = '')) and state = 'GIVEN_UP';
