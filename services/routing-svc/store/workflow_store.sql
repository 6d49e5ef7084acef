-- name: workflow_insert
insert into workflow (sid, account_sid, workspace_sid, friendly_name, configuration,
                      configuration_version, assignment_callback_url,
                      fallback_assignment_callback_url, task_reservation_timeout, version,
                      created_at, updated_at)
values ($1, $2, $3, $4, $5, 1, $6, $7, $8, 1, $9, $9);

-- name: workflow_version_insert
insert into workflow_version (workflow_sid, configuration_version, configuration, author_sid,
                              created_at)
values ($1, $2, $3, $4, $5);

-- name: workflow_get
-- index: primary key
select sid, account_sid, workspace_sid, friendly_name, configuration, configuration_version,
       assignment_callback_url, fallback_assignment_callback_url, task_reservation_timeout,
       version, created_at, updated_at
from workflow
where sid = $2 and workspace_sid = $1 and vanished_at is null;

-- name: workflow_get_for_update
-- index: primary key
select sid, account_sid, workspace_sid, friendly_name, configuration, configuration_version,
       assignment_callback_url, fallback_assignment_callback_url, task_reservation_timeout,
       version, created_at, updated_at
from workflow
where sid = $2 and workspace_sid = $1 and vanished_at is null
for update;

-- name: workflow_list
-- Of those, no more than have documents of some 4 MB together; found says how many there were.
-- index: workflow_by_workspace, or workflow_by_queue
select sid, account_sid, workspace_sid, friendly_name, configuration, configuration_version,
       assignment_callback_url, fallback_assignment_callback_url, task_reservation_timeout,
       version, created_at, updated_at, found
from (select p.*,
             sum(octet_length(configuration)) over (order by sid rows unbounded preceding)
                 - octet_length(configuration) as bytes_before,
             count(*) over () as found
      from (select sid, account_sid, workspace_sid, friendly_name, configuration,
                   configuration_version, assignment_callback_url,
                   fallback_assignment_callback_url, task_reservation_timeout, version, created_at,
                   updated_at
            from workflow
            where workspace_sid = $1
              and vanished_at is null
              and sid > $2
              and ($4::text is null or lower(friendly_name) = lower($4))
              and ($5::text is null or queue_sids @> array[$5::text])
            order by sid
            limit $3) p) w
where bytes_before < 4000000
order by sid;

-- name: workflow_update
-- index: primary key; the caller holds the row lock
update workflow
set friendly_name = $2,
    configuration = $3,
    configuration_version = $4,
    assignment_callback_url = $5,
    fallback_assignment_callback_url = $6,
    task_reservation_timeout = $7,
    version = $8,
    updated_at = $9
where sid = $1;

-- name: workflow_delete
-- index: primary key
delete from workflow
where sid = $1;

-- name: workflow_delete_all
-- index: workflow_by_workspace
delete from workflow
where workspace_sid = $1
  and observed_at is null;

-- name: workflow_bury_all
-- index: workflow_by_workspace; what Twilio had may come back with its workspace
update workflow
set vanished_at = now(),
    version = version + 1
where workspace_sid = $1
  and vanished_at is null;

-- name: workflow_mirror_find
-- index: primary key; names folded as by the unique index, '' of tombstones
select sid, account_sid, workspace_sid, friendly_name, configuration, configuration_version,
       assignment_callback_url, fallback_assignment_callback_url, task_reservation_timeout,
       version, created_at, updated_at, observed_at, vanished_at is not null,
       case when vanished_at is null then lower(friendly_name) else '' end
from workflow
where sid = any($1::text[])
order by sid
for update;

-- name: workflow_mirror_names
-- index: workflow_friendly_name; of each name its folded form and who has it
select lower(wanted.name), coalesce(w.sid, '')
from unnest($2::text[]) with ordinality as wanted (name, n)
left join workflow w
    on w.workspace_sid = $1 and w.vanished_at is null
    and lower(w.friendly_name) = lower(wanted.name)
order by wanted.n;

-- name: workflow_mirror_put
-- index: primary key; a tombstone comes back
insert into workflow (sid, account_sid, workspace_sid, friendly_name, configuration,
                      configuration_version, assignment_callback_url,
                      fallback_assignment_callback_url, task_reservation_timeout, version,
                      created_at, updated_at, observed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (sid) do update
set friendly_name = excluded.friendly_name,
    configuration = excluded.configuration,
    configuration_version = excluded.configuration_version,
    assignment_callback_url = excluded.assignment_callback_url,
    fallback_assignment_callback_url = excluded.fallback_assignment_callback_url,
    task_reservation_timeout = excluded.task_reservation_timeout,
    version = excluded.version,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at,
    observed_at = excluded.observed_at,
    vanished_at = null;

-- name: workflow_mirror_observe
-- index: primary key; null: the date that it has
update workflow w
set observed_at = $2,
    created_at = coalesce(seen.created_at, w.created_at),
    updated_at = coalesce(seen.updated_at, w.updated_at)
from unnest($1::text[], $3::timestamptz[], $4::timestamptz[]) as seen (sid, created_at, updated_at)
where w.sid = seen.sid;

-- name: workflow_mirror_park
-- index: primary key; their names are free for others of the same transaction; nobody can have such
-- a name
update workflow
set friendly_name = chr(1) || sid
where sid = any($1::text[]);

-- name: workflow_mirror_vanish
-- index: primary key
update workflow
set vanished_at = now(),
    observed_at = $3,
    version = $2
where sid = $1;

-- name: workflow_version_list
-- Newest first; by bytes as workflow_list.
-- index: primary key
select configuration_version, configuration, author_sid, created_at, found
from (select p.*,
             sum(octet_length(configuration))
                 over (order by configuration_version desc rows unbounded preceding)
                 - octet_length(configuration) as bytes_before,
             count(*) over () as found
      from (select configuration_version, configuration, author_sid, created_at
            from workflow_version
            where workflow_sid = $1 and configuration_version < $2
            order by configuration_version desc
            limit $3) p) v
where bytes_before < 4000000
order by configuration_version desc;

-- name: workflow_hold
-- index: primary key; it is not deleted until the transaction ends
select 1
from workflow
where sid = $2 and workspace_sid = $1 and vanished_at is null
for key share;
