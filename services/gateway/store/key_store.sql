-- name: key_insert
insert into api_key (sid, account_sid, friendly_name, role, secret, created_at)
values ($1, $2, $3, $4, $5, $6);

-- name: key_get
-- index: primary key
select k.sid, k.account_sid, k.friendly_name, k.role, k.secret, k.created_at, k.revoked_at,
       k.last_used_at, a.suspended_at is not null
from api_key k
join account a on a.sid = k.account_sid
where k.sid = $1;

-- name: key_get_for_update
-- index: primary key
select k.sid, k.account_sid, k.friendly_name, k.role, k.secret, k.created_at, k.revoked_at,
       k.last_used_at, a.suspended_at is not null
from api_key k
join account a on a.sid = k.account_sid
where k.sid = $1
  and ($2::text is null or k.account_sid = $2)
for update of k;

-- name: key_list
-- index: api_key_by_account
select k.sid, k.account_sid, k.friendly_name, k.role, k.secret, k.created_at, k.revoked_at,
       k.last_used_at, a.suspended_at is not null
from api_key k
join account a on a.sid = k.account_sid
where k.account_sid = $1
  and k.sid > $2
order by k.sid
limit $3;

-- name: key_revoke
-- index: primary key; the caller holds the row lock
update api_key
set revoked_at = $2, secret = null
where sid = $1;

-- name: key_touch
-- index: primary key
update api_key
set last_used_at = $2
where sid = $1;
