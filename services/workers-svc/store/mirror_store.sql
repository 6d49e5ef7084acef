-- Put and Vanish of a mirror: one statement for all items of a request. The caller holds the
-- workspace's row, so that nobody else puts into it meanwhile.

-- ---- workspaces ----

-- name: mirror_workspace_lock
-- index: primary key; a tombstone too
select sid
from workspace
where sid = $1
for update;

-- name: mirror_workspace_find
-- index: primary key, workspace_friendly_name
select w.sid, w.account_sid, w.friendly_name, w.provider, w.default_activity_sid,
       w.timeout_activity_sid, w.event_callback_url, w.events_filter, w.multi_task_enabled,
       w.prioritize_queue_order, w.time_zone, w.version, w.created_at, w.updated_at, w.template,
       w.vanished_at is not null, w.observed_at, lower(w.friendly_name), lower(i.friendly_name),
       coalesce(h.sid, '')
from (select $1::text as sid, $2::text as account_sid, $3::text as friendly_name) i
left join workspace w on w.sid = i.sid
left join workspace h on h.account_sid = i.account_sid
                     and lower(h.friendly_name) = lower(i.friendly_name)
                     and h.vanished_at is null;

-- name: mirror_workspace_put
-- index: primary key; no row when another Put came first
insert into workspace (sid, account_sid, friendly_name, provider, default_activity_sid,
                       timeout_activity_sid, event_callback_url, events_filter,
                       multi_task_enabled, prioritize_queue_order, time_zone, version, created_at,
                       updated_at, observed_at)
values ($1, $2, $3, 'TWILIO', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
on conflict (sid) do update
set friendly_name = excluded.friendly_name,
    default_activity_sid = excluded.default_activity_sid,
    timeout_activity_sid = excluded.timeout_activity_sid,
    event_callback_url = excluded.event_callback_url,
    events_filter = excluded.events_filter,
    multi_task_enabled = excluded.multi_task_enabled,
    prioritize_queue_order = excluded.prioritize_queue_order,
    time_zone = excluded.time_zone,
    version = excluded.version,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at,
    observed_at = excluded.observed_at,
    vanished_at = null
where workspace.version = $15;

-- name: mirror_workspace_vanish
-- index: primary key
update workspace
set vanished_at = $3,
    observed_at = $3,
    version = $2
where sid = $1;

-- name: mirror_workspace_vanish_activities
-- index: activity_by_workspace; a later Put brings each of them back, as others have forgotten it
update activity
set vanished_at = $2,
    observed_at = $2,
    version = version + 1
where workspace_sid = $1
  and vanished_at is null;

-- name: mirror_workspace_vanish_workers
-- index: worker_by_workspace
update worker
set vanished_at = $2,
    observed_at = $2,
    version = version + 1
where workspace_sid = $1
  and vanished_at is null;

-- ---- activities ----

-- name: mirror_activity_find
-- index: primary keys, activity_friendly_name
select a.sid, a.account_sid, a.workspace_sid, a.friendly_name, a.available, a.version,
       a.created_at, a.updated_at, a.vanished_at is not null,
       a.observed_at, lower(a.friendly_name), lower(i.friendly_name),
       coalesce(h.sid, '')
from unnest($2::text[], $3::text[]) with ordinality as i (sid, friendly_name, nth)
left join activity a on a.sid = i.sid
left join activity h on h.workspace_sid = $1
                    and lower(h.friendly_name) = lower(i.friendly_name)
                    and h.vanished_at is null
order by i.nth;

-- name: mirror_activity_park
-- index: primary key; names of the request that change hands: nobody else has such a one
update activity
set friendly_name = chr(1) || sid
where sid = any ($1::text[]);

-- name: mirror_activity_put
-- index: primary key
insert into activity (sid, account_sid, workspace_sid, friendly_name, available, version,
                      created_at, updated_at, observed_at)
select sid, $1, $2, friendly_name, available, version, created_at, updated_at, $9::timestamptz
from unnest($3::text[], $4::text[], $5::boolean[], $6::bigint[], $7::timestamptz[],
            $8::timestamptz[])
     as i (sid, friendly_name, available, version, created_at, updated_at)
on conflict (sid) do update
set friendly_name = excluded.friendly_name,
    available = excluded.available,
    version = excluded.version,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at,
    observed_at = excluded.observed_at,
    vanished_at = null;

-- name: mirror_activity_vanish
-- index: primary key
update activity
set vanished_at = coalesce(vanished_at, $2),
    observed_at = $2,
    version = version + case when vanished_at is null then 1 else 0 end
where sid = any ($1::text[]);
