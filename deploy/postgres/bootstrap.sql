-- Makes the database, one login role and one schema per service, and the read-only role.
-- Idempotent; run as a superuser, connected to any database:
--   psql -X -v ON_ERROR_STOP=1 -f deploy/postgres/bootstrap.sql \
--        -v workers_password=… -v queues_password=… -v routing_password=… -v tasks_password=…
--        -v sync_password=… -v gateway_password=… -v reader_password=… [-v database=taskrouter]
-- A password that is not given is left as it is (none for a new role, which then needs peer or
-- trust authentication). Tables come later, from "<service> --migrate" as the service's own role.

\set ON_ERROR_STOP on
\set QUIET on
set client_min_messages = warning;
\if :{?database}
\else
    \set database taskrouter
\endif

select format('create database %I encoding ''UTF8'' lc_collate ''C'' template template0', :'database')
where not exists (select from pg_database where datname = :'database') \gexec
\connect :database
set client_min_messages = warning;

-- Roles: may log in and nothing else.
select format('create role %I', 'taskrouter_' || name)
from unnest(array['workers', 'queues', 'routing', 'tasks', 'sync', 'gateway', 'reader']) as name
where not exists (select from pg_roles where rolname = 'taskrouter_' || name) \gexec

select format('alter role %I login nosuperuser nocreatedb nocreaterole noreplication nobypassrls',
              'taskrouter_' || name)
from unnest(array['workers', 'queues', 'routing', 'tasks', 'sync', 'gateway', 'reader']) as name
\gexec

\if :{?workers_password}
    alter role taskrouter_workers password :'workers_password';
\endif
\if :{?queues_password}
    alter role taskrouter_queues password :'queues_password';
\endif
\if :{?routing_password}
    alter role taskrouter_routing password :'routing_password';
\endif
\if :{?tasks_password}
    alter role taskrouter_tasks password :'tasks_password';
\endif
\if :{?sync_password}
    alter role taskrouter_sync password :'sync_password';
\endif
\if :{?gateway_password}
    alter role taskrouter_gateway password :'gateway_password';
\endif
\if :{?reader_password}
    alter role taskrouter_reader password :'reader_password';
\endif

-- Nobody but these roles gets in, and nobody writes outside a schema of their own.
select format('revoke all on database %I from public', :'database') \gexec
revoke all on schema public from public;
select format('grant connect on database %I to %I', :'database', 'taskrouter_' || name)
from unnest(array['workers', 'queues', 'routing', 'tasks', 'sync', 'gateway', 'reader']) as name
\gexec

-- One schema per service, owned by its role, reached by nobody else. The reader may look into each
-- schema, but reads only what a migration grants it ("grant select on … to taskrouter_reader").
select format('create schema if not exists %I authorization %I', name, 'taskrouter_' || name)
from unnest(array['workers', 'queues', 'routing', 'tasks', 'sync', 'gateway']) as name
\gexec
select format('alter schema %I owner to %I', name, 'taskrouter_' || name)
from unnest(array['workers', 'queues', 'routing', 'tasks', 'sync', 'gateway']) as name
\gexec
select format('revoke all on schema %I from public', name)
from unnest(array['workers', 'queues', 'routing', 'tasks', 'sync', 'gateway']) as name
\gexec
select format('grant usage on schema %I to taskrouter_reader', name)
from unnest(array['workers', 'queues', 'routing', 'tasks', 'sync', 'gateway']) as name
\gexec
select format('alter role %I in database %I set search_path = %I', 'taskrouter_' || name,
              :'database', name)
from unnest(array['workers', 'queues', 'routing', 'tasks', 'sync', 'gateway']) as name
\gexec
select format('alter role taskrouter_reader in database %I set search_path = %s', :'database',
              'tasks, workers, queues, routing, sync, gateway') \gexec
select format('alter role taskrouter_reader in database %I set default_transaction_read_only = on',
              :'database') \gexec
