-- name: schedule_insert
insert into schedule (sid, account_sid, workspace_sid, name, time_zone, hours, is_default, version,
                      created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8);

-- name: schedule_get
-- index: primary key
select sid, account_sid, workspace_sid, name, time_zone, hours, is_default, version, created_at,
       updated_at,
       array(select value from schedule_claim c
             where c.schedule_sid = s.sid and kind = 'QUEUE' order by position),
       array(select value from schedule_claim c
             where c.schedule_sid = s.sid and kind = 'LINE' order by position)
from schedule s
where sid = $2 and workspace_sid = $1;

-- name: schedule_get_for_update
-- index: primary key
select sid, account_sid, workspace_sid, name, time_zone, hours, is_default, version, created_at,
       updated_at,
       array(select value from schedule_claim c
             where c.schedule_sid = s.sid and kind = 'QUEUE' order by position),
       array(select value from schedule_claim c
             where c.schedule_sid = s.sid and kind = 'LINE' order by position)
from schedule s
where sid = $2 and workspace_sid = $1
for update;

-- name: schedule_list
-- Of those, no more than have hours of some MB together; found says how many there were.
-- index: schedule_by_workspace, schedule_claim_by_schedule
select sid, account_sid, workspace_sid, name, time_zone, hours, is_default, version, created_at,
       updated_at,
       array(select value from schedule_claim c
             where c.schedule_sid = w.sid and kind = 'QUEUE' order by position),
       array(select value from schedule_claim c
             where c.schedule_sid = w.sid and kind = 'LINE' order by position),
       found
from (select p.*,
             sum(octet_length(hours::text)) over (order by sid rows unbounded preceding)
                 - octet_length(hours::text) as bytes_before,
             count(*) over () as found
      from (select sid, account_sid, workspace_sid, name, time_zone, hours, is_default, version,
                   created_at, updated_at
            from schedule
            where workspace_sid = $1 and sid > $2
            order by sid
            limit $3) p) w
where bytes_before < 1000000
order by sid;

-- name: schedule_find
-- The line's, else the queue's, else the default.
-- index: primary key of schedule_claim; schedule_default
select sid, account_sid, workspace_sid, name, time_zone, hours, is_default, version, created_at,
       updated_at,
       array(select value from schedule_claim c
             where c.schedule_sid = s.sid and kind = 'QUEUE' order by position),
       array(select value from schedule_claim c
             where c.schedule_sid = s.sid and kind = 'LINE' order by position)
from (select schedule_sid, 1 as rank
      from schedule_claim
      where workspace_sid = $1 and kind = 'LINE' and value = $2
      union all
      select schedule_sid, 2
      from schedule_claim
      where workspace_sid = $1 and kind = 'QUEUE' and value = $3
      union all
      select sid, 3
      from schedule
      where workspace_sid = $1 and is_default) found
join schedule s on s.sid = found.schedule_sid
order by rank
limit 1;

-- name: schedule_update
-- index: primary key; the caller holds the row lock
update schedule
set name = $2,
    time_zone = $3,
    hours = $4,
    is_default = $5,
    version = $6,
    updated_at = $7
where sid = $1;

-- name: schedule_delete
-- index: primary key; its claims go with it
delete from schedule
where sid = $1;

-- name: schedule_delete_all
-- index: schedule_by_workspace
delete from schedule
where workspace_sid = $1;

-- name: schedule_claim_insert
insert into schedule_claim (workspace_sid, kind, value, schedule_sid, position)
select $1, $2, claimed.value, $3, claimed.n
from unnest($4::text[]) with ordinality as claimed (value, n);

-- name: schedule_claim_delete
-- index: schedule_claim_by_schedule
delete from schedule_claim
where schedule_sid = $1;

-- name: schedule_claim_taken
-- What another schedule has of these. index: primary keys; schedule_default
select c.kind, c.value, s.sid, s.name
from schedule_claim c
join schedule s on s.sid = c.schedule_sid
where c.workspace_sid = $1
  and c.schedule_sid <> $2
  and ((c.kind = 'QUEUE' and c.value = any($3::text[]))
       or (c.kind = 'LINE' and c.value = any($4::text[])))
union all
select 'DEFAULT', '', sid, name
from schedule
where workspace_sid = $1 and is_default and $5::boolean and sid <> $2
limit 1;

-- name: schedule_of_queue
-- index: primary key of schedule_claim
select schedule_sid
from schedule_claim
where workspace_sid = $1 and kind = 'QUEUE' and value = $2;

-- name: workspace_zone_get
-- index: primary key; null: not told yet
select time_zone
from workspace_copy
where sid = $1;

-- name: workspace_zone_put
-- index: primary key; what was asked for gives way to what an event told meanwhile
update workspace_copy
set time_zone = $2
where sid = $1 and ($3::boolean or time_zone is null);
