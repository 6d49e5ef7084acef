-- Statements of libs/db itself.

-- name: db_begin
begin

-- name: db_begin_repeatable_read
begin isolation level repeatable read

-- name: db_begin_serializable
begin isolation level serializable

-- name: db_begin_snapshot
begin isolation level repeatable read read only

-- name: db_commit
commit

-- name: db_rollback
rollback

-- name: db_ping
select 1

-- name: db_schema_exists
select has_schema_privilege(oid, 'create')
from pg_namespace
where nspname = $1

-- name: db_advisory_lock
select pg_advisory_lock(hashtextextended($1, 0))

-- name: db_migrations_create
create table if not exists schema_migrations (
    number int primary key,
    name text not null,
    hash text not null,
    applied_at timestamptz not null default now()
)

-- name: db_migrations_exist
select to_regclass('schema_migrations') is not null

-- name: db_migrations_list
select number, hash
from schema_migrations
order by number

-- name: db_migrations_insert
insert into schema_migrations (number, name, hash)
values ($1, $2, $3)

-- The row is the lock: a twin waits here for the first transaction's end.
-- name: db_idempotency_claim
insert into idempotency (account_sid, method, key, request_hash)
values ($1, $2, $3, $4)
on conflict (account_sid, method, key) do nothing

-- name: db_idempotency_get
select request_hash, reply
from idempotency
where account_sid = $1
  and method = $2
  and key = $3

-- name: db_idempotency_finish
update idempotency
set reply = $4
where account_sid = $1
  and method = $2
  and key = $3

-- index idempotency_created_at
-- name: db_idempotency_prune
delete from idempotency
where created_at < now() - $1 * interval '1 microsecond'

-- name: db_limit_lock
-- Held until the transaction ends; who waits for it sees what the one before made.
select pg_advisory_xact_lock(hashtext($1::text), hashtext($2::text));
