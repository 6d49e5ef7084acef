-- name: queue_insert
insert into task_queue (sid, account_sid, workspace_sid, friendly_name, target_workers,
                        max_reserved_workers, task_order, reservation_activity_sid,
                        assignment_activity_sid, version, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $10);

-- name: queue_get
-- index: primary key; so are the names
select q.sid, q.account_sid, q.workspace_sid, q.friendly_name, q.target_workers,
       q.max_reserved_workers, q.task_order, q.reservation_activity_sid, q.assignment_activity_sid,
       q.version, q.created_at, q.updated_at, coalesce(r.friendly_name, ''),
       coalesce(a.friendly_name, '')
from task_queue q
left join activity_copy r on r.sid = q.reservation_activity_sid
left join activity_copy a on a.sid = q.assignment_activity_sid
where q.sid = $2 and q.workspace_sid = $1 and q.vanished_at is null;

-- name: queue_get_for_update
-- Locked first, joined afterwards: who waited for the lock would join by the activities that the
-- queue had before.
-- index: primary key; so are the names
with q as (
    select sid, account_sid, workspace_sid, friendly_name, target_workers, max_reserved_workers,
           task_order, reservation_activity_sid, assignment_activity_sid, version, created_at,
           updated_at
    from task_queue
    where sid = $2 and workspace_sid = $1 and vanished_at is null
    for update
)
select q.sid, q.account_sid, q.workspace_sid, q.friendly_name, q.target_workers,
       q.max_reserved_workers, q.task_order, q.reservation_activity_sid, q.assignment_activity_sid,
       q.version, q.created_at, q.updated_at, coalesce(r.friendly_name, ''),
       coalesce(a.friendly_name, '')
from q
left join activity_copy r on r.sid = q.reservation_activity_sid
left join activity_copy a on a.sid = q.assignment_activity_sid;

-- name: queue_list
-- index: task_queue_by_workspace, or task_queue_friendly_name, task_queue_by_activity and
-- task_queue_by_assignment for the filters
select q.sid, q.account_sid, q.workspace_sid, q.friendly_name, q.target_workers,
       q.max_reserved_workers, q.task_order, q.reservation_activity_sid, q.assignment_activity_sid,
       q.version, q.created_at, q.updated_at, coalesce(r.friendly_name, ''),
       coalesce(a.friendly_name, '')
from task_queue q
left join activity_copy r on r.sid = q.reservation_activity_sid
left join activity_copy a on a.sid = q.assignment_activity_sid
where q.workspace_sid = $1
  and q.vanished_at is null
  and q.sid > $2
  and ($4::text is null or lower(q.friendly_name) = lower($4))
  and ($5::text is null or (q.reservation_activity_sid = $5 and q.reservation_activity_sid <> '')
                        or (q.assignment_activity_sid = $5 and q.assignment_activity_sid <> ''))
  and $6::timestamptz is null
order by q.sid
limit $3;

-- name: queue_list_by_updated
-- index: task_queue_by_updated
select q.sid, q.account_sid, q.workspace_sid, q.friendly_name, q.target_workers,
       q.max_reserved_workers, q.task_order, q.reservation_activity_sid, q.assignment_activity_sid,
       q.version, q.created_at, q.updated_at, coalesce(r.friendly_name, ''),
       coalesce(a.friendly_name, '')
from task_queue q
left join activity_copy r on r.sid = q.reservation_activity_sid
left join activity_copy a on a.sid = q.assignment_activity_sid
where q.workspace_sid = $1
  and q.vanished_at is null
  and ($6::timestamptz is null or (q.updated_at, q.sid) > ($6, $2))
  and ($4::text is null or lower(q.friendly_name) = lower($4))
  and ($5::text is null or (q.reservation_activity_sid = $5 and q.reservation_activity_sid <> '')
                        or (q.assignment_activity_sid = $5 and q.assignment_activity_sid <> ''))
order by q.updated_at, q.sid
limit $3;

-- name: queue_list_by_updated_desc
-- index: task_queue_by_updated, backwards
select q.sid, q.account_sid, q.workspace_sid, q.friendly_name, q.target_workers,
       q.max_reserved_workers, q.task_order, q.reservation_activity_sid, q.assignment_activity_sid,
       q.version, q.created_at, q.updated_at, coalesce(r.friendly_name, ''),
       coalesce(a.friendly_name, '')
from task_queue q
left join activity_copy r on r.sid = q.reservation_activity_sid
left join activity_copy a on a.sid = q.assignment_activity_sid
where q.workspace_sid = $1
  and q.vanished_at is null
  and ($6::timestamptz is null or (q.updated_at, q.sid) < ($6, $2))
  and ($4::text is null or lower(q.friendly_name) = lower($4))
  and ($5::text is null or (q.reservation_activity_sid = $5 and q.reservation_activity_sid <> '')
                        or (q.assignment_activity_sid = $5 and q.assignment_activity_sid <> ''))
order by q.updated_at desc, q.sid desc
limit $3;

-- name: activity_copy_put
-- index: primary keys; an older version changes nothing, nor does an event that comes after the
-- workspace's deletion
insert into activity_copy (sid, workspace_sid, friendly_name, version, is_deleted)
select $1::text, $2::text, $3::text, $4::bigint, $5::boolean
where not exists (select 1 from workspace_copy where sid = $2 and deleted_at is not null)
on conflict (sid) do update
set friendly_name = excluded.friendly_name,
    version = excluded.version,
    is_deleted = excluded.is_deleted
where activity_copy.version < excluded.version;

-- name: activity_copy_delete_all
-- index: activity_copy_by_workspace
delete from activity_copy
where workspace_sid = $1;

-- name: queue_update
-- index: primary key; the caller holds the row lock
update task_queue
set friendly_name = $2,
    target_workers = $3,
    max_reserved_workers = $4,
    task_order = $5,
    reservation_activity_sid = $6,
    assignment_activity_sid = $7,
    version = $8,
    updated_at = $9
where sid = $1;

-- name: queue_delete
-- index: primary key
delete from task_queue
where sid = $1;

-- name: queue_delete_all
-- index: task_queue_by_workspace
delete from task_queue
where workspace_sid = $1
  and observed_at is null;

-- name: queue_bury_all
-- index: task_queue_by_workspace; what Twilio had may come back with its workspace
update task_queue
set vanished_at = now(),
    version = version + 1
where workspace_sid = $1
  and vanished_at is null;

-- name: queue_mirror_find
-- index: primary key; names folded as by the unique index, '' of tombstones
select sid, account_sid, workspace_sid, friendly_name, target_workers, max_reserved_workers,
       task_order, reservation_activity_sid, assignment_activity_sid, version, created_at,
       updated_at, '', '', observed_at, vanished_at is not null,
       case when vanished_at is null then lower(friendly_name) else '' end
from task_queue
where sid = any($1::text[])
order by sid
for update;

-- name: queue_mirror_names
-- index: task_queue_friendly_name; of each name its folded form and who has it
select lower(wanted.name), coalesce(q.sid, '')
from unnest($2::text[]) with ordinality as wanted (name, n)
left join task_queue q
    on q.workspace_sid = $1 and q.vanished_at is null
    and lower(q.friendly_name) = lower(wanted.name)
order by wanted.n;

-- name: queue_mirror_put
-- index: primary key; a tombstone comes back
insert into task_queue (sid, account_sid, workspace_sid, friendly_name, target_workers,
                        max_reserved_workers, task_order, reservation_activity_sid,
                        assignment_activity_sid, version, created_at, updated_at, observed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (sid) do update
set friendly_name = excluded.friendly_name,
    target_workers = excluded.target_workers,
    max_reserved_workers = excluded.max_reserved_workers,
    task_order = excluded.task_order,
    reservation_activity_sid = excluded.reservation_activity_sid,
    assignment_activity_sid = excluded.assignment_activity_sid,
    version = excluded.version,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at,
    observed_at = excluded.observed_at,
    vanished_at = null;

-- name: queue_mirror_observe
-- index: primary key; null: the date that it has
update task_queue q
set observed_at = $2,
    created_at = coalesce(seen.created_at, q.created_at),
    updated_at = coalesce(seen.updated_at, q.updated_at)
from unnest($1::text[], $3::timestamptz[], $4::timestamptz[]) as seen (sid, created_at, updated_at)
where q.sid = seen.sid;

-- name: queue_mirror_park
-- index: primary key; their names are free for others of the same transaction; nobody can have such
-- a name
update task_queue
set friendly_name = chr(1) || sid
where sid = any($1::text[]);

-- name: queue_mirror_vanish
-- index: primary key
update task_queue
set vanished_at = now(),
    observed_at = $3,
    version = $2
where sid = $1;
