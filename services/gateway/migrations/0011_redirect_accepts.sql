-- What follows when a redirect was not done, or nobody ever told of it, and its reservation is accepted.

alter table bridge_redirect
    add column accepts boolean not null default false,  -- the instruction accepts the reservation itself
    add column is_away boolean not null default false;  -- an earlier one of the reservation was done
