-- name: account_insert
insert into account (sid, friendly_name, auth_token, created_at, updated_at)
values ($1, $2, $3, $4, $4);

-- name: account_adopt
-- the configured account: a row to refer to, without a token
insert into account (sid, friendly_name, created_at, updated_at)
values ($1, $2, $3, $3)
on conflict (sid) do nothing;

-- name: account_get
-- index: primary key
select sid, friendly_name, auth_token, secondary_auth_token, suspended_at, version, created_at,
       updated_at
from account
where sid = $1;

-- name: account_get_for_update
-- index: primary key
select sid, friendly_name, auth_token, secondary_auth_token, suspended_at, version, created_at,
       updated_at
from account
where sid = $1
for update;

-- name: account_list
-- index: primary key
select sid, friendly_name, auth_token, secondary_auth_token, suspended_at, version, created_at,
       updated_at
from account
where sid > $1
  and ($2::text is null or sid = $2)
order by sid
limit $3;

-- name: account_update
-- index: primary key; the caller holds the row lock
update account
set friendly_name = $2, auth_token = $3, secondary_auth_token = $4, suspended_at = $5, version = $6,
    updated_at = $7
where sid = $1;
