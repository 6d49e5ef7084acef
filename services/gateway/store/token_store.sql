-- name: token_insert
insert into api_token (sid, account_sid, friendly_name, token_hash, role, worker_sid, workspace_sid,
                       user_sid, is_bootstrap, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: token_by_hash
-- index: api_token_by_hash; the live one first
select sid, account_sid, friendly_name, role, worker_sid, workspace_sid, coalesce(user_sid, ''),
       created_at, expires_at, revoked_at, last_used_at, token_hash,
       exists (select 1 from account a where a.sid = account_sid and a.suspended_at is not null)
from api_token
where token_hash = $1
order by revoked_at desc nulls first
limit 1;

-- name: token_get_for_update
-- index: primary key
select sid, account_sid, friendly_name, role, worker_sid, workspace_sid, coalesce(user_sid, ''),
       created_at, expires_at, revoked_at, last_used_at, token_hash
from api_token
where account_sid = $1 and sid = $2
for update;

-- name: token_list
-- index: api_token_by_account
select sid, account_sid, friendly_name, role, worker_sid, workspace_sid, coalesce(user_sid, ''),
       created_at, expires_at, revoked_at, last_used_at, token_hash
from api_token
where account_sid = $1
  and sid > $2
  and ($3::text is null or workspace_sid = $3)
order by sid
limit $4;

-- name: token_revoke
-- index: primary key; the caller holds the row lock
update api_token
set revoked_at = $2
where sid = $1;

-- name: token_touch
-- index: primary key
update api_token
set last_used_at = $2
where sid = $1;

-- name: token_bootstrap_get
-- index: api_token_bootstrap
select sid, account_sid, friendly_name, role, worker_sid, workspace_sid, coalesce(user_sid, ''),
       created_at, expires_at, revoked_at, last_used_at, token_hash
from api_token
where is_bootstrap and revoked_at is null
for update;

-- name: token_hash_revoke
-- index: api_token_live_hash
update api_token
set revoked_at = $2
where token_hash = $1 and revoked_at is null;

-- name: token_bootstrap_lock
-- replicas that start together change it one after the other
select pg_advisory_xact_lock(hashtextextended('taskrouter gateway bootstrap token', 0))::text;
