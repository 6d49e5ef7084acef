-- name: text_insert
-- index: text_conversation_by_numbers
insert into text_conversation (sid, workspace_sid, from_number, to_number, number, task_sid,
                               message_sids, updated_at)
values ($1, $2, $3, $4, 0, '', '{}', $5)
on conflict (from_number, to_number) do nothing;

-- name: text_get
-- index: text_conversation_by_numbers
select sid, workspace_sid, from_number, to_number, number, task_sid, coalesce(message_sids[1], '')
from text_conversation
where from_number = $1
  and to_number = $2;

-- name: text_update
-- index: primary key
update text_conversation
set workspace_sid = $2,
    number = $3,
    task_sid = $4,
    message_sids = array[$5::text],
    updated_at = $6
where sid = $1;

-- name: text_prune
-- a few at a time, so that no lock is held long; index: text_conversation_age
delete from text_conversation
where sid in (select sid
              from text_conversation
              where updated_at < $1
              order by updated_at
              limit $2);
