-- name: run_get
-- index: primary key
select sid, account_sid, workspace_sid, state, kinds, dry_run, detail, started_at, ended_at
from run
where sid = $2 and workspace_sid = $1;

-- name: run_list
-- index: run_by_workspace; newest first, because SIDs are ordered by time
select sid, account_sid, workspace_sid, state, kinds, dry_run, detail, started_at, ended_at
from run
where workspace_sid = $1 and ($2::text is null or sid < $2)
order by sid desc
limit $3;

-- name: run_delete_all
-- index: run_by_workspace
delete from run
where workspace_sid = $1;
