-- name: rule_insert
insert into rule (sid, account_sid, workspace_sid, name, description, priority, is_enabled,
                  condition, conditions, actions, valid_from, valid_until, labels, target_sids,
                  version, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17);

-- name: rule_get
-- index: primary key
select r.sid, r.account_sid, r.workspace_sid, r.name, r.description, r.priority, r.is_enabled,
       r.condition, r.conditions, r.actions, r.valid_from, r.valid_until, r.labels, r.version,
       r.created_at, r.updated_at, coalesce(c.match_count, 0), c.last_matched_at
from rule r
left join rule_counter c on c.rule_sid = r.sid
where r.sid = $2 and r.workspace_sid = $1;

-- name: rule_get_for_update
-- index: primary key
select r.sid, r.account_sid, r.workspace_sid, r.name, r.description, r.priority, r.is_enabled,
       r.condition, r.conditions, r.actions, r.valid_from, r.valid_until, r.labels, r.version,
       r.created_at, r.updated_at, coalesce(c.match_count, 0), c.last_matched_at
from rule r
left join rule_counter c on c.rule_sid = r.sid
where r.sid = $2 and r.workspace_sid = $1
for update of r;

-- name: rule_list
-- In the order of evaluation, after the key ($2, $3, $4).
-- index: rule_by_order
select r.sid, r.account_sid, r.workspace_sid, r.name, r.description, r.priority, r.is_enabled,
       r.condition, r.conditions, r.actions, r.valid_from, r.valid_until, r.labels, r.version,
       r.created_at, r.updated_at, coalesce(c.match_count, 0), c.last_matched_at
from rule r
left join rule_counter c on c.rule_sid = r.sid
where r.workspace_sid = $1
  and (-r.priority, r.created_at, r.sid) > ($2::bigint, $3::timestamptz, $4::text)
  and ($6::boolean is null or r.is_enabled = $6)
  and ($7::text is null or r.labels @> array[$7::text])
  and ($8::text is null or r.target_sids @> array[$8::text])
  and ($9::text is null or r.target_sids @> array[$9::text])
order by -r.priority, r.created_at, r.sid
limit $5;

-- name: rule_update
-- index: primary key; the caller holds the row lock
update rule
set name = $2,
    description = $3,
    priority = $4,
    is_enabled = $5,
    condition = $6,
    conditions = $7,
    actions = $8,
    valid_from = $9,
    valid_until = $10,
    labels = $11,
    target_sids = $12,
    version = $13,
    updated_at = $14
where sid = $1;

-- name: rule_delete
-- index: primary key
delete from rule
where sid = $1;

-- name: rule_naming
-- index: rule_by_target; the first rule by name that has the target
select name
from rule
where target_sids @> array[$2::text]
  and workspace_sid = $1
order by name
limit 1;

-- name: rule_delete_all
-- index: rule_by_order
delete from rule
where workspace_sid = $1;

-- name: rule_version_delete_all
-- index: rule_version_by_workspace
delete from rule_version
where workspace_sid = $1;

-- name: rule_counter_delete_all
-- index: rule_counter_by_workspace
delete from rule_counter
where workspace_sid = $1;

-- name: decision_revision_delete
-- index: primary key
delete from decision_revision
where workspace_sid = $1;

-- name: rule_version_insert
insert into rule_version (rule_sid, version, workspace_sid, account_sid, name, description,
                          priority, is_enabled, condition, conditions, actions, valid_from,
                          valid_until, labels, rule_created_at, created_at, is_deletion,
                          author_sid, author_type, comment)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20);

-- name: rule_version_list
-- Newest first, those before $3.
-- index: primary key
select rule_sid, account_sid, workspace_sid, name, description, priority, is_enabled, condition,
       conditions, actions, valid_from, valid_until, labels, version, rule_created_at, created_at,
       is_deletion, author_sid, author_type, comment
from rule_version
where rule_sid = $2
  and workspace_sid = $1
  and version < $3
order by version desc
limit $4;

-- name: rule_version_prune
-- a few at a time, so that no lock is held long; what a rule is now stays; index: rule_version_age
delete from rule_version
where (rule_sid, version) in (select v.rule_sid, v.version
                              from rule_version v
                              where v.created_at < $1
                                and not exists (select 1
                                                from rule r
                                                where r.sid = v.rule_sid
                                                  and r.version = v.version)
                              order by v.created_at
                              limit $2);

-- name: rule_counter_add
-- index: primary keys; rules that are gone meanwhile count no more
insert into rule_counter (rule_sid, workspace_sid, match_count, last_matched_at)
select r.sid, r.workspace_sid, seen.matches, seen.last_at
from unnest($1::text[], $2::bigint[], $3::timestamptz[]) as seen (sid, matches, last_at)
join rule r on r.sid = seen.sid
order by r.sid
on conflict (rule_sid) do update
set match_count = rule_counter.match_count + excluded.match_count,
    last_matched_at = greatest(rule_counter.last_matched_at, excluded.last_matched_at);

-- name: decision_revision_get
-- index: primary keys; no row: the workspace is not known or gone
select coalesce(d.revision, 0), w.account_sid, w.friendly_name,
       coalesce(w.provider = 'TWILIO', false)
from workspace_copy w
left join decision_revision d on d.workspace_sid = w.sid
where w.sid = $1
  and w.deleted_at is null;
