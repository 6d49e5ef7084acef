-- name: host_has_keys
select to_regclass('idempotency') is not null;
