-- A reservation may be instructed again: a newer instruction calls the worker once more when the earlier call is over.

alter table bridge_leg
    add column version bigint not null default 0, -- the reservation's, when it was instructed so
    add column attempt bigint not null default 1; -- told apart by its webhooks
