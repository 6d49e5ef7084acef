-- name: worker_insert
insert into worker (sid, account_sid, workspace_sid, friendly_name, attributes, attributes_text,
                    activity_sid, user_sid, version, created_at, status_changed_at, updated_at)
values ($1, $2, $3, $4, $5::text::jsonb, $5::text, $6, $7, 1, $8, $8, $8);

-- name: worker_get
-- index: primary key
select w.sid, w.account_sid, w.workspace_sid, w.friendly_name, w.attributes_text,
       w.activity_sid, a.friendly_name, a.available, w.user_sid, w.version, w.created_at,
       w.status_changed_at, w.updated_at
from worker w
join activity a on a.sid = w.activity_sid
where w.sid = $2 and w.workspace_sid = $1 and w.vanished_at is null;

-- name: worker_get_for_update
-- Locked first, joined afterwards: who waited for the lock would find a worker who was moved
-- meanwhile without his activity, and so not at all.
-- index: primary key
with w as (
    select sid, account_sid, workspace_sid, friendly_name, attributes_text, activity_sid, user_sid,
           version, created_at, status_changed_at, updated_at
    from worker
    where sid = $2 and workspace_sid = $1 and vanished_at is null
    for update
)
select w.sid, w.account_sid, w.workspace_sid, w.friendly_name, w.attributes_text,
       w.activity_sid, a.friendly_name, a.available, w.user_sid, w.version, w.created_at,
       w.status_changed_at, w.updated_at
from w
join activity a on a.sid = w.activity_sid;

-- name: worker_list
-- index: worker_by_workspace, worker_friendly_name, worker_user or worker_by_activity by the filter;
-- the primary key for those named in $8
select w.sid, w.account_sid, w.workspace_sid, w.friendly_name, w.attributes_text,
       w.activity_sid, a.friendly_name, a.available, w.user_sid, w.version, w.created_at,
       w.status_changed_at, w.updated_at
from worker w
join activity a on a.sid = w.activity_sid
where w.workspace_sid = $1
  and w.vanished_at is null
  and w.sid > $2
  and ($4::text is null or lower(w.friendly_name) = lower($4))
  and ($5::text is null or w.activity_sid = $5)
  and ($6::text is null or w.activity_sid = (select n.sid
                                             from activity n
                                             where n.workspace_sid = $1
                                               and n.vanished_at is null
                                               and lower(n.friendly_name) = lower($6)))
  and ($7::boolean is null or w.activity_sid = any (array(select n.sid
                                                          from activity n
                                                          where n.workspace_sid = $1
                                                            and n.available = $7)))
  and ($8::text[] is null or w.sid = any ($8))
  and ($10::text is null or w.user_sid = $10)
  and $9::timestamptz is null
order by w.sid
limit $3;

-- name: worker_list_by_status
-- index: worker_by_status; the primary key for those named in $8
select w.sid, w.account_sid, w.workspace_sid, w.friendly_name, w.attributes_text,
       w.activity_sid, a.friendly_name, a.available, w.user_sid, w.version, w.created_at,
       w.status_changed_at, w.updated_at
from worker w
join activity a on a.sid = w.activity_sid
where w.workspace_sid = $1
  and w.vanished_at is null
  and ($9::timestamptz is null or (w.status_changed_at, w.sid) > ($9, $2))
  and ($4::text is null or lower(w.friendly_name) = lower($4))
  and ($5::text is null or w.activity_sid = $5)
  and ($6::text is null or w.activity_sid = (select n.sid
                                             from activity n
                                             where n.workspace_sid = $1
                                               and n.vanished_at is null
                                               and lower(n.friendly_name) = lower($6)))
  and ($7::boolean is null or w.activity_sid = any (array(select n.sid
                                                          from activity n
                                                          where n.workspace_sid = $1
                                                            and n.available = $7)))
  and ($8::text[] is null or w.sid = any ($8))
  and ($10::text is null or w.user_sid = $10)
order by w.status_changed_at, w.sid
limit $3;

-- name: worker_list_by_status_desc
-- index: worker_by_status, backwards; the primary key for those named in $8
select w.sid, w.account_sid, w.workspace_sid, w.friendly_name, w.attributes_text,
       w.activity_sid, a.friendly_name, a.available, w.user_sid, w.version, w.created_at,
       w.status_changed_at, w.updated_at
from worker w
join activity a on a.sid = w.activity_sid
where w.workspace_sid = $1
  and w.vanished_at is null
  and ($9::timestamptz is null or (w.status_changed_at, w.sid) < ($9, $2))
  and ($4::text is null or lower(w.friendly_name) = lower($4))
  and ($5::text is null or w.activity_sid = $5)
  and ($6::text is null or w.activity_sid = (select n.sid
                                             from activity n
                                             where n.workspace_sid = $1
                                               and n.vanished_at is null
                                               and lower(n.friendly_name) = lower($6)))
  and ($7::boolean is null or w.activity_sid = any (array(select n.sid
                                                          from activity n
                                                          where n.workspace_sid = $1
                                                            and n.available = $7)))
  and ($8::text[] is null or w.sid = any ($8))
  and ($10::text is null or w.user_sid = $10)
order by w.status_changed_at desc, w.sid desc
limit $3;

-- name: worker_find
-- index: worker_by_attributes, or those of worker_list; which workers come into question, in no order
select w.sid
from worker w
where w.workspace_sid = $1
  and w.vanished_at is null
  and ($8::text is null or w.sid = $8)
  and ($4::text is null or lower(w.friendly_name) = lower($4))
  and ($5::text is null or w.activity_sid = $5)
  and ($6::text is null or w.activity_sid = (select n.sid
                                             from activity n
                                             where n.workspace_sid = $1
                                               and n.vanished_at is null
                                               and lower(n.friendly_name) = lower($6)))
  and ($7::boolean is null or w.activity_sid = any (array(select n.sid
                                                          from activity n
                                                          where n.workspace_sid = $1
                                                            and n.available = $7)))
  and ($2::jsonb[] is null or w.attributes @> any ($2))
  and ($9::jsonb[] is null or w.attributes @> any ($9))
  and ($10::text is null or w.user_sid = $10)
limit $3;

-- name: worker_update
-- index: primary key; the caller holds the row lock
update worker
set friendly_name = $2,
    attributes = $3::text::jsonb,
    attributes_text = $3::text,
    activity_sid = $4,
    status_changed_at = $5,
    version = $6,
    updated_at = $7
where sid = $1;

-- name: worker_set_user
-- index: primary key; the caller holds the row lock
update worker
set user_sid = $2,
    version = $3
where sid = $1;

-- name: worker_clear_user
-- index: primary key
update worker
set user_sid = ''
where sid = $1;

-- name: worker_by_user
-- index: worker_user; the caller holds the workspace
select sid, vanished_at is not null
from worker
where workspace_sid = $1 and user_sid = $2 and user_sid <> '';

-- name: worker_delete
-- index: primary key
delete from worker
where sid = $1;
