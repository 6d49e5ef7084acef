-- Who routes a workspace: LOCAL or TWILIO. Null: not told yet; workers-svc is asked when it is used.

alter table workspace_copy add column provider text check (provider in ('LOCAL', 'TWILIO'));
