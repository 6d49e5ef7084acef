-- name: schedule_keep
-- index: primary key; a workspace that is new here, and intervals that have become shorter
insert into schedule (workspace_sid, cause, next_at)
select w.sid, $2, now() + $3 * interval '1 millisecond'
from workspace_copy w
where w.account_sid = $1 and w.provider = 'TWILIO' and w.deleted_at is null
on conflict (workspace_sid, cause) do update
set next_at = excluded.next_at
where schedule.next_at > excluded.next_at;

-- name: schedule_due
-- one that is over long since is due once
select s.workspace_sid
from schedule s
join workspace_copy w on w.sid = s.workspace_sid
where w.account_sid = $1 and w.provider = 'TWILIO' and w.deleted_at is null
  and s.cause = $2 and s.next_at <= now()
order by s.next_at
limit 1
for update of s skip locked;

-- name: schedule_set
-- index: primary key
update schedule
set next_at = now() + $3 * interval '1 millisecond'
where workspace_sid = $1 and cause = $2;

-- name: schedule_forget
-- index: primary key
delete from schedule
where workspace_sid = $1;
