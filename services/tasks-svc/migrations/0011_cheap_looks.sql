-- The looks at the leases, ten a second in every process, were planned anew each time and went
-- through all locks once per shard and process. In plpgsql the plans are kept, and one look at the
-- locks serves all rows. (shard_lock_key is written out: a call of it costs as much as the rest.)

create or replace function is_lock_held(first_key integer, second_key integer)
returns boolean
language plpgsql
as $$
begin
    return exists (select 1
                   from pg_locks
                   where locktype = 'advisory'
                     and database = (select oid from pg_database where datname = current_database())
                     and classid = (first_key::bigint & 4294967295)::oid
                     and objid = (second_key::bigint & 4294967295)::oid
                     and objsubid = 2
                     and granted);
end
$$;

create or replace function shard_look(the_count integer)
returns table (shard integer, owner text, address text, epoch bigint, event_seq bigint,
               is_free boolean, left_ms bigint, successor text, is_successor_warm boolean)
language plpgsql
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
    return query
    with held as materialized (
        select k.classid, k.objid
        from pg_locks k
        where k.locktype = 'advisory'
          and k.database = (select d.oid from pg_database d where d.datname = current_database())
          and k.objsubid = 2
          and k.granted)
    select s.shard,
           coalesce(l.owner, ''),
           coalesce(l.address, ''),
           coalesce(l.epoch, 0),
           coalesce(l.event_seq, 0),
           l.shard is null
           or l.expires_at <= clock_timestamp()
           or (l.session_epoch = l.epoch
               and not exists (
                   select 1
                   from held h
                   where h.classid = (hashtext('taskrouter.shard ' || l.shard)::bigint & 4294967295)::oid
                     and h.objid = (l.epoch & 4294967295)::oid)),
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
end
$$;

create or replace function replica_look()
returns table (instance text, address text, is_leaving boolean)
language plpgsql
as $$
#variable_conflict use_column
begin
    return query
    with held as materialized (
        select k.objid
        from pg_locks k
        where k.locktype = 'advisory'
          and k.database = (select d.oid from pg_database d where d.datname = current_database())
          and k.classid = (hashtext('taskrouter.replica')::bigint & 4294967295)::oid
          and k.objsubid = 2
          and k.granted)
    select r.instance, r.address, r.is_leaving
    from replica r
    where r.expires_at > clock_timestamp()
      and exists (select 1
                  from held h
                  where h.objid = (hashtext(r.instance)::bigint & 4294967295)::oid)
    order by r.instance;
end
$$;
