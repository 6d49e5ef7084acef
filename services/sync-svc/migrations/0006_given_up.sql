-- Writes that were given up can be looked at and taken up again.

-- since when somebody tries to find out what became of it
alter table intent add column hope_from timestamptz not null default now();
update intent set hope_from = created_at;

create index intent_troubled on intent (sid) where state in ('OPEN', 'ANSWERED', 'GIVEN_UP');
