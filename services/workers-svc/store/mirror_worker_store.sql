-- Workers and their channels as mirror_store.sql.

-- name: mirror_worker_find
-- index: primary keys, worker_friendly_name
select w.sid, w.account_sid, w.workspace_sid, w.friendly_name, w.attributes_text, w.activity_sid,
       b.friendly_name, b.available, w.user_sid, w.version, w.created_at, w.status_changed_at,
       w.updated_at, w.vanished_at is not null, w.observed_at,
       lower(w.friendly_name), lower(i.friendly_name), coalesce(h.sid, ''),
       coalesce(a.friendly_name, ''), coalesce(a.available, false),
       a.sid is not null and a.vanished_at is null, a.vanished_at is not null,
       jsonb_or_null(i.attributes) is not null
from unnest($2::text[], $3::text[], $4::text[], $5::text[]) with ordinality
     as i (sid, friendly_name, attributes, activity_sid, nth)
left join worker w on w.sid = i.sid
left join activity b on b.sid = w.activity_sid
left join worker h on h.workspace_sid = $1
                  and lower(h.friendly_name) = lower(i.friendly_name)
                  and h.vanished_at is null
left join activity a on a.sid = i.activity_sid and a.workspace_sid = $1
order by i.nth;

-- name: mirror_worker_park
-- index: primary key
update worker
set friendly_name = chr(1) || sid
where sid = any ($1::text[]);

-- name: mirror_worker_put
-- index: primary key; the user stays
insert into worker (sid, account_sid, workspace_sid, friendly_name, attributes, attributes_text,
                    activity_sid, version, created_at, status_changed_at, updated_at, observed_at)
select sid, $1, $2, friendly_name, attributes::jsonb, attributes, activity_sid, version,
       created_at, status_changed_at, updated_at, $11::timestamptz
from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::timestamptz[],
            $9::timestamptz[], $10::timestamptz[])
     as i (sid, friendly_name, attributes, activity_sid, version, created_at, status_changed_at,
           updated_at)
on conflict (sid) do update
set friendly_name = excluded.friendly_name,
    attributes = excluded.attributes,
    attributes_text = excluded.attributes_text,
    activity_sid = excluded.activity_sid,
    version = excluded.version,
    created_at = excluded.created_at,
    status_changed_at = excluded.status_changed_at,
    updated_at = excluded.updated_at,
    observed_at = excluded.observed_at,
    vanished_at = null;

-- name: mirror_worker_vanish
-- index: primary key
update worker
set vanished_at = coalesce(vanished_at, $2),
    observed_at = $2,
    version = version + case when vanished_at is null then 1 else 0 end
where sid = any ($1::text[]);

-- name: mirror_worker_touch
-- index: primary key; consumers see a newer worker when its channels have changed
update worker
set version = version + 1
where sid = any ($1::text[]);

-- name: mirror_channel_find
-- index: primary keys
select w.sid is not null, c.sid is not null, coalesce(c.unique_name, ''), o.worker_sid is not null,
       coalesce(o.sid, ''), coalesce(o.configured_capacity, 1), coalesce(o.available, true),
       coalesce(o.version, 0), o.created_at, o.updated_at, o.observed_at
from unnest($2::text[], $3::text[]) with ordinality as i (worker_sid, task_channel_sid, nth)
left join worker w on w.sid = i.worker_sid and w.workspace_sid = $1 and w.vanished_at is null
left join task_channel_copy c on c.sid = i.task_channel_sid and c.workspace_sid = $1
                             and not c.is_deleted
left join worker_channel o on o.worker_sid = i.worker_sid
                          and o.task_channel_sid = i.task_channel_sid
order by i.nth;

-- name: mirror_channel_put
-- index: primary key
insert into worker_channel (sid, worker_sid, task_channel_sid, configured_capacity, available,
                            version, created_at, updated_at, observed_at)
select sid, worker_sid, task_channel_sid, configured_capacity, available, version, created_at,
       updated_at, $9::timestamptz
from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::boolean[], $6::bigint[],
            $7::timestamptz[], $8::timestamptz[])
     as i (sid, worker_sid, task_channel_sid, configured_capacity, available, version, created_at,
           updated_at)
on conflict (worker_sid, task_channel_sid) do update
set sid = excluded.sid,
    configured_capacity = excluded.configured_capacity,
    available = excluded.available,
    version = excluded.version,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at,
    observed_at = excluded.observed_at;
