-- Workers and callers who meet in a conference: the caller is sent there when the worker has answered.

alter table bridge_leg
    add column is_conference boolean not null default false,
    add column options text not null default '', -- the instruction's parameters, JSON; '': none
    add column caller text not null default '' -- sent to the conference: '': not yet
        check (caller in ('', 'asked', 'joined', 'lost'));

create index bridge_leg_call on bridge_leg (call_sid);
