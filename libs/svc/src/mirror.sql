-- name: mirror_gone_get
-- index: primary key
select sid, workspace_sid, observed_at
from mirror_gone
where sid = any($1::text[]);

-- name: mirror_gone_put
-- index: primary key; mirror_gone_by_workspace: news do not come so late as a day
with old as (
    delete from mirror_gone
    where workspace_sid = $2
      and observed_at < $3::timestamptz - interval '1 day'
      and sid <> all ($1::text[])
)
insert into mirror_gone (sid, workspace_sid, observed_at)
select distinct wanted.sid, $2::text, $3::timestamptz
from unnest($1::text[]) as wanted (sid)
on conflict (sid) do update
set observed_at = greatest(mirror_gone.observed_at, excluded.observed_at);

-- name: mirror_gone_delete
-- index: mirror_gone_by_workspace
delete from mirror_gone
where workspace_sid = $1;
