-- name: status_put
-- index: bridge_status_provider_call_sid_status_key
insert into bridge_status (reservation_sid, provider_call_sid, status, workspace_sid, url, is_get,
                           parameters, state, due_at, created_at)
values ($1, $2, $3, $4, $5, $6, $7, 'waiting', $8, $8)
on conflict (provider_call_sid, status) do nothing;

-- name: status_take
-- index: bridge_status_due, bridge_status_open
update bridge_status
set due_at = $2,
    attempts = attempts + 1
where id = (select s.id
            from bridge_status s
            where s.state = 'waiting'
              and s.due_at <= $1
              and not exists (select 1
                              from bridge_status o
                              where o.reservation_sid = s.reservation_sid
                                and o.state = 'waiting'
                                and o.id < s.id)
            order by s.due_at
            limit 1
            for update skip locked)
returning id, reservation_sid, provider_call_sid, status, workspace_sid, url, is_get, parameters,
          attempts;

-- name: status_end
-- index: primary key
update bridge_status
set state = $2,
    detail = $3
where id = $1
  and state = 'waiting';

-- name: status_rest
-- the others of its URL too: who is not there need not be asked again for each; index: primary key,
-- bridge_status_url
update bridge_status
set due_at = greatest($3, case when id = $1 then $3 else due_at end),
    detail = case when id = $1 then $4 else detail end
where url = $2
  and state = 'waiting';

-- name: status_prune
-- a few at a time, so that no lock is held long; index: bridge_status_age
delete from bridge_status
where id in (select id
             from bridge_status
             where created_at < $1
             order by created_at
             limit $2);
