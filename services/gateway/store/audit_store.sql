-- name: audit_insert
insert into audit_log (at, account_sid, actor_sid, actor_role, action, path, workspace_sid,
                       resource_sid, request_id, peer, outcome)
select *
from unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
            $7::text[], $8::text[], $9::text[], $10::text[], $11::text[]);

-- name: audit_prune
-- index: audit_log_by_age
delete from audit_log
where at < $1;
