-- The event log, packed: one row per commit instead of one per event. The payload is written by
-- eventlog/event_pack.c, which also reads the JSON form made here from the rows of the old table.

create table event_batch (
    shard integer not null,
    last_seq bigint not null,          -- of the events within; first_seq..last_seq without a gap
    part integer not null default 0,   -- not 0: no event in it, only a journal behind last_seq
    first_seq bigint not null,
    at timestamptz not null,           -- the router's time of the commit
    oldest_at timestamptz not null,    -- of its events: other services' may come late
    epoch bigint not null,             -- the lease it was written under
    keys bigint[] not null,            -- what is told of: see event_key()
    payload bytea not null,
    journal bytea,
    primary key (shard, last_seq, part)
);

-- Compact already: compressing it once more costs time and saves little.
alter table event_batch alter column payload set storage external;
alter table event_batch alter column journal set storage external;

-- A short pending list: it is read through by every look-up, and merged by the router's commits.
create index event_batch_by_key on event_batch using gin (keys)
    with (fastupdate = on, gin_pending_list_limit = 256);
create index event_batch_by_time on event_batch (at);

-- As event_key() in eventlog/event_pack.c: the time-ordered half of a SID, so that the index stays
-- local, and FNV-1a of any other text.
create function event_key(the_text text)
returns bigint
language plpgsql
immutable
as $$
declare
    hash numeric := 14695981039346656037;
    bytes bytea := convert_to(the_text, 'UTF8');
begin
    if the_text ~ '^[A-Z]{2}[0-9a-f]{32}$' then
        return ('x' || substr(the_text, 3, 16))::bit(64)::bigint;
    end if;
    for i in 0 .. length(bytes) - 1 loop
        hash := hash - mod(hash, 256) + (mod(hash, 256)::integer # get_byte(bytes, i));
        hash := mod(hash * 1099511628211, 18446744073709551616);
    end loop;
    if hash >= 9223372036854775808 then
        hash := hash - 18446744073709551616;
    end if;
    return hash::bigint;
end
$$;

create table event_type_key as
select t.type, event_key(t.type) as key
from (select distinct e.type from event e) t;

do $$
declare
    the_shard integer;
    the_seq bigint;
begin
    for the_shard, the_seq in
        select e.shard, (e.seq - 1) / 64
        from event e
        group by e.shard, (e.seq - 1) / 64
    loop
        insert into event_batch (shard, last_seq, first_seq, at, oldest_at, epoch, keys, payload)
        select the_shard, max(e.seq), min(e.seq), max(e.occurred_at), min(e.occurred_at), 0,
               (select array_agg(distinct k.key)
                from event f
                cross join lateral (
                    select event_key(v.text) as key
                    from (values (f.workspace_sid), (f.task_sid), (f.worker_sid),
                                 (f.reservation_sid), (f.task_queue_sid), (f.workflow_sid),
                                 (f.sid)) v (text)
                    where v.text <> ''
                    union all
                    select t.key from event_type_key t where t.type = f.type) k
                where f.shard = the_shard and f.seq between the_seq * 64 + 1 and the_seq * 64 + 64),
               convert_to(json_agg(json_build_array(
                   e.sid, e.account_sid, e.workspace_sid, e.type, e.resource_type, e.resource_sid,
                   e.resource_version, e.task_sid, e.worker_sid, e.reservation_sid,
                   e.task_queue_sid, e.workflow_sid,
                   (extract(epoch from e.occurred_at) * 1000000)::bigint, e.actor_sid,
                   e.request_id, e.source, e.data::text, e.extras::text) order by e.seq)::text,
                   'UTF8')
        from event e
        where e.shard = the_shard
          and e.seq between the_seq * 64 + 1 and the_seq * 64 + 64;
    end loop;
end
$$;

drop table event_type_key;
drop table event;
drop function event_key(text);
