-- name: user_insert
insert into user_account (sid, account_sid, email, name, role, department, quickbase_user_id,
                          version, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8);

-- name: user_get
-- index: primary key or user_account_email
select sid, account_sid, email, name, role, department, quickbase_user_id, version, created_at,
       updated_at
from user_account
where account_sid = $1
  and ($2::text is null or sid = $2)
  and ($3::text is null or lower(email) = lower($3));

-- name: user_list
-- index: user_account_by_account
select sid, account_sid, email, name, role, department, quickbase_user_id, version, created_at,
       updated_at
from user_account
where account_sid = $1 and sid > $2
order by sid
limit $3;
