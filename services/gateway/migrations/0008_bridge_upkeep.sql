-- Legs that nobody needs any more: the caller has left while the worker's telephone rings; old ones.

alter table bridge_leg add column is_unwanted boolean not null default false;

create index bridge_leg_age on bridge_leg (created_at);
