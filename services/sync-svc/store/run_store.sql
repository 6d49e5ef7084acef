-- name: run_insert
-- index: run_one_at_a_time
insert into run (sid, account_sid, workspace_sid, state, kinds, dry_run, light, cause, started_at)
values ($1, $2, $3, 'RUNNING', $4, $5, $6, $7, now())
on conflict (workspace_sid) where state = 'RUNNING' do nothing;

-- name: run_running
-- index: run_one_at_a_time
select sid, cause, dry_run
from run
where workspace_sid = $1 and state = 'RUNNING';

-- name: run_get
-- index: primary key
select sid, account_sid, workspace_sid, state, kinds, dry_run, detail, started_at, ended_at, light,
       cause, revision
from run
where sid = $2 and workspace_sid = $1;

-- name: run_list
-- index: run_by_workspace; newest first, because SIDs are ordered by time
select sid, account_sid, workspace_sid, state, kinds, dry_run, detail, started_at, ended_at, light,
       cause, revision
from run
where workspace_sid = $1 and ($2::text is null or sid < $2)
order by sid desc
limit $3;

-- name: run_claim
-- index: run_one_at_a_time
update run
set epoch = epoch + 1,
    takes = takes + 1,
    lease_until = now() + $2 * interval '1 millisecond',
    revision = revision + 1
where sid = (select r.sid
             from run r
             where r.state = 'RUNNING' and r.lease_until <= now() and r.account_sid = $1
             order by r.started_at
             limit 1
             for update skip locked)
returning sid, account_sid, workspace_sid, state, kinds, dry_run, detail, started_at, ended_at,
          light, cause, revision, epoch, takes, cancel_asked;

-- name: run_renew
-- index: primary key
update run
set lease_until = now() + $3 * interval '1 millisecond'
where sid = $1 and epoch = $2 and state = 'RUNNING'
returning cancel_asked;

-- name: run_release
-- index: primary key
update run
set lease_until = now(),
    takes = takes - 1
where sid = $1 and epoch = $2 and state = 'RUNNING';

-- name: run_end
-- index: primary key
update run
set state = $3,
    detail = $4,
    ended_at = now(),
    revision = revision + 1
where sid = $1 and epoch = $2 and state = 'RUNNING';

-- name: run_cancel
-- index: primary key; one that nobody makes just now has ended with this
update run
set cancel_asked = true,
    state = case when lease_until <= now() then 'FAILED' else state end,
    detail = case when lease_until <= now() then $3 else detail end,
    ended_at = case when lease_until <= now() then now() end,
    revision = revision + 1
where sid = $2 and workspace_sid = $1 and state = 'RUNNING';

-- name: run_delete_all
-- index: run_by_workspace
delete from run
where workspace_sid = $1;

-- name: run_prune
-- reads all of them, once an hour; light runs are many and say little
delete from run
where state <> 'RUNNING'
  and ended_at < now() - case when light then interval '2 days' else interval '90 days' end;
