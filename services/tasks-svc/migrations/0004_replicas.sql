-- Several processes of tasks-svc: who they are, where they serve, and how they divide the shards.

-- A process that runs, or ran a moment ago. Its session holds the advisory lock of its instance, so
-- that a crash is seen at once.
create table replica (
    instance text primary key,
    address text not null, -- where the others reach its gRPC server
    is_leaving boolean not null,
    expires_at timestamptz not null
);

-- The owner's session holds the advisory lock of (shard, epoch) while session_epoch is the epoch.
alter table shard_lease
    add column address text not null default '',
    add column session_epoch bigint not null default 0,
    add column backend_pid integer not null default 0,
    add column successor text not null default '', -- the instance it is handed to; '' = nobody
    add column is_successor_warm boolean not null default false;

-- Whether a session holds the advisory lock of two numbers.
create function is_lock_held(first_key integer, second_key integer)
returns boolean
language sql
as $$
    select exists (select 1
                   from pg_locks
                   where locktype = 'advisory'
                     and database = (select oid from pg_database where datname = current_database())
                     and classid = (first_key::bigint & 4294967295)::oid
                     and objid = (second_key::bigint & 4294967295)::oid
                     and objsubid = 2
                     and granted);
$$;

create function shard_lock_key(the_shard integer)
returns integer
language sql
immutable
as $$
    select hashtext('taskrouter.shard ' || the_shard);
$$;

-- "I am here", and the others; forgets those gone for a minute.
create function replica_beat(the_instance text, the_address text, leaving boolean, ttl_ms bigint)
returns void
language plpgsql
as $$
begin
    perform pg_try_advisory_lock(hashtext('taskrouter.replica'), hashtext(the_instance))
    where not is_lock_held(hashtext('taskrouter.replica'), hashtext(the_instance));
    insert into replica (instance, address, is_leaving, expires_at)
    values (the_instance, the_address, leaving,
            clock_timestamp() + ttl_ms * interval '1 millisecond')
    on conflict (instance) do update
    set address = excluded.address,
        is_leaving = excluded.is_leaving,
        expires_at = excluded.expires_at;
    delete from replica where expires_at < clock_timestamp() - interval '1 minute';
end
$$;

-- Takes a shard if it is free. The epoch is 0 when somebody else runs it, -1 when its row is locked
-- just now: by its owner's commit, or by somebody else who takes it.
create function shard_claim(the_shard integer, the_count integer, the_owner text, the_address text,
                            ttl_ms bigint, out taken_epoch bigint, out taken_event_seq bigint,
                            out taken_row_seq bigint)
language plpgsql
as $$
declare
    lease shard_lease;
begin
    insert into shard_lease (shard, shard_count, owner, epoch, is_session_held, expires_at)
    values (the_shard, the_count, '', 0, false, '-infinity')
    on conflict (shard) do nothing;
    insert into relay_cursor (shard) values (the_shard) on conflict (shard) do nothing;
    select * into lease from shard_lease where shard = the_shard for update skip locked;
    if not found then
        taken_epoch := -1;
        return;
    end if;
    if lease.owner <> the_owner and lease.expires_at > clock_timestamp()
       and not (lease.session_epoch = lease.epoch
                and not is_lock_held(shard_lock_key(the_shard), lease.epoch::integer)) then
        taken_epoch := 0;
        return;
    end if;
    if lease.owner = the_owner and lease.session_epoch = lease.epoch
       and lease.backend_pid = pg_backend_pid() then
        perform pg_advisory_unlock(shard_lock_key(the_shard), lease.epoch::integer);
    end if;
    taken_epoch := lease.epoch + 1;
    taken_event_seq := lease.event_seq;
    taken_row_seq := lease.row_seq;
    update shard_lease
    set owner = the_owner,
        address = the_address,
        shard_count = the_count,
        epoch = taken_epoch,
        is_session_held = false, -- of the way before: never by the new one's lock
        session_epoch = case
                            when pg_try_advisory_lock(shard_lock_key(the_shard),
                                                      taken_epoch::integer) then taken_epoch
                            else 0
                        end,
        backend_pid = pg_backend_pid(),
        successor = '',
        is_successor_warm = false,
        expires_at = clock_timestamp() + ttl_ms * interval '1 millisecond'
    where shard = the_shard;
end
$$;

-- The shards as the leases have them; a shard nobody ever took is free.
create function shard_look(the_count integer)
returns table (shard integer, owner text, address text, epoch bigint, event_seq bigint,
               is_free boolean, left_ms bigint, successor text, is_successor_warm boolean)
language sql
as $$
    select s.shard,
           coalesce(l.owner, ''),
           coalesce(l.address, ''),
           coalesce(l.epoch, 0),
           coalesce(l.event_seq, 0),
           l.shard is null
           or l.expires_at <= clock_timestamp()
           or (l.session_epoch = l.epoch
               and not is_lock_held(shard_lock_key(l.shard), l.epoch::integer)),
           case
               when l.expires_at > clock_timestamp()
                   then (extract(epoch from l.expires_at - clock_timestamp()) * 1000)::bigint
               else 0
           end,
           coalesce(l.successor, ''),
           coalesce(l.is_successor_warm, false)
    from generate_series(0, the_count - 1) as s (shard)
    left join shard_lease l on l.shard = s.shard
    order by s.shard;
$$;

create function replica_look()
returns table (instance text, address text, is_leaving boolean)
language sql
as $$
    select r.instance, r.address, r.is_leaving
    from replica r
    where r.expires_at > clock_timestamp()
      and is_lock_held(hashtext('taskrouter.replica'), hashtext(r.instance))
    order by r.instance;
$$;

-- Ends the session of an owner whose lease is over but whose transaction still holds the row: it
-- hangs in the middle of a batch, which nothing of will be kept.
create function shard_evict(the_shard integer)
returns boolean
language sql
as $$
    select pg_terminate_backend(backend_pid)
    from shard_lease
    where shard = the_shard
      and backend_pid > 0
      and expires_at <= clock_timestamp();
$$;
