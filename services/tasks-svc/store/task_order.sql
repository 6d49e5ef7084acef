-- Lists of tasks in other orders than by SID, and with expressions. A stretch of the order is read
-- whatever is in it, each row with whether it satisfies the filters, so that what one statement costs
-- is bounded; attributes come with those that do.

-- name: task_scan
-- index: task_by_workspace
select t.sid, t.account_sid, t.workspace_sid, t.state, t.version,
       case when s.is_match then t.attributes::text else '{}' end, t.priority,
       t.reason, t.timeout_s, t.task_queue_sid, t.task_channel_sid, t.workflow_sid,
       t.ignore_capacity, t.routing_target, t.worker_sid, t.call_id, t.created_at, t.updated_at,
       t.virtual_start_at, t.queue_entered_at, t.assigned_at, t.ended_at, t.workflow_version,
       t.filter_index, t.target_index, t.filter_base_at, t.step_deadline_at, t.assignment_count,
       t.redrive, t.sequence, coalesce(q.name, ''), coalesce(c.name, ''), coalesce(f.name, ''),
       s.is_match
from (select t.sid,
             ($4::text[] is null or t.state = any ($4))
             and ($5::text is null or t.workflow_sid = $5)
             and ($6::text is null or t.task_queue_sid = $6)
             and ($7::bigint[] is null or t.priority = any ($7))
             and ($8::text is null or t.worker_sid = $8)
             and ($9::text is null or t.task_channel_sid = $9)
             and ($10::text is null or t.routing_target = $10) as is_match
      from (select u.sid
            from (
       (select t.sid
        from task t
        where t.workspace_sid = $1
          and t.purged_at is null
          and not t.is_busy
          and t.sid > $2
        order by t.sid
        limit $3)
       union all
       (select t.sid
        from task t
        where t.workspace_sid = $1
          and t.purged_at is null
          and t.is_busy
          and t.sid > $2
        order by t.sid
        limit $3)
       ) u
            order by u.sid
            limit $3) u
      join task t on t.sid = u.sid) s
join task t on t.sid = s.sid
left join config_copy q on q.sid = t.task_queue_sid
left join config_copy c on c.sid = t.task_channel_sid
left join config_copy f on f.sid = t.workflow_sid
order by t.sid;

-- name: task_scan_desc
-- index: task_by_workspace, backwards
select t.sid, t.account_sid, t.workspace_sid, t.state, t.version,
       case when s.is_match then t.attributes::text else '{}' end, t.priority,
       t.reason, t.timeout_s, t.task_queue_sid, t.task_channel_sid, t.workflow_sid,
       t.ignore_capacity, t.routing_target, t.worker_sid, t.call_id, t.created_at, t.updated_at,
       t.virtual_start_at, t.queue_entered_at, t.assigned_at, t.ended_at, t.workflow_version,
       t.filter_index, t.target_index, t.filter_base_at, t.step_deadline_at, t.assignment_count,
       t.redrive, t.sequence, coalesce(q.name, ''), coalesce(c.name, ''), coalesce(f.name, ''),
       s.is_match
from (select t.sid,
             ($4::text[] is null or t.state = any ($4))
             and ($5::text is null or t.workflow_sid = $5)
             and ($6::text is null or t.task_queue_sid = $6)
             and ($7::bigint[] is null or t.priority = any ($7))
             and ($8::text is null or t.worker_sid = $8)
             and ($9::text is null or t.task_channel_sid = $9)
             and ($10::text is null or t.routing_target = $10) as is_match
      from (select u.sid
            from (
       (select t.sid
        from task t
        where t.workspace_sid = $1
          and t.purged_at is null
          and not t.is_busy
          and ($2::text = '' or t.sid < $2)
        order by t.sid desc
        limit $3)
       union all
       (select t.sid
        from task t
        where t.workspace_sid = $1
          and t.purged_at is null
          and t.is_busy
          and ($2::text = '' or t.sid < $2)
        order by t.sid desc
        limit $3)
       ) u
            order by u.sid desc
            limit $3) u
      join task t on t.sid = u.sid) s
join task t on t.sid = s.sid
left join config_copy q on q.sid = t.task_queue_sid
left join config_copy c on c.sid = t.task_channel_sid
left join config_copy f on f.sid = t.workflow_sid
order by t.sid desc;

-- name: task_scan_start
-- index: task_by_start, of others task_by_workspace; $12: 0, or how equal times go by priority
select t.sid, t.account_sid, t.workspace_sid, t.state, t.version,
       case when s.is_match then t.attributes::text else '{}' end, t.priority,
       t.reason, t.timeout_s, t.task_queue_sid, t.task_channel_sid, t.workflow_sid,
       t.ignore_capacity, t.routing_target, t.worker_sid, t.call_id, t.created_at, t.updated_at,
       t.virtual_start_at, t.queue_entered_at, t.assigned_at, t.ended_at, t.workflow_version,
       t.filter_index, t.target_index, t.filter_base_at, t.step_deadline_at, t.assignment_count,
       t.redrive, t.sequence, coalesce(q.name, ''), coalesce(c.name, ''), coalesce(f.name, ''),
       s.is_match
from (select t.sid,
             ($4::text[] is null or t.state = any ($4))
             and ($5::text is null or t.workflow_sid = $5)
             and ($6::text is null or t.task_queue_sid = $6)
             and ($7::bigint[] is null or t.priority = any ($7))
             and ($8::text is null or t.worker_sid = $8)
             and ($9::text is null or t.task_channel_sid = $9)
             and ($10::text is null or t.routing_target = $10) as is_match
      from (select u.sid
            from (
                (select t.sid, coalesce(t.virtual_start_at, t.created_at) as start_at, t.priority
                 from task t
                 where t.workspace_sid = $1
                   and t.purged_at is null
                   and not t.is_busy
                   and ($11::timestamptz is null
                        or (coalesce(t.virtual_start_at, t.created_at), $12::bigint * t.priority,
                            t.sid) > ($11, $13::bigint, $2))
                 order by coalesce(t.virtual_start_at, t.created_at), ($12::bigint * t.priority), t.sid
                 limit $3)
                union all
                (select t.sid, coalesce(t.virtual_start_at, t.created_at) as start_at, t.priority
                 from task t
                 where t.workspace_sid = $1
                   and t.purged_at is null
                   and t.is_busy
                   and ($11::timestamptz is null
                        or (coalesce(t.virtual_start_at, t.created_at), $12::bigint * t.priority,
                            t.sid) > ($11, $13::bigint, $2))
                 order by coalesce(t.virtual_start_at, t.created_at), ($12::bigint * t.priority), t.sid
                 limit $3)
                ) u
            order by u.start_at, ($12::bigint * u.priority), u.sid
            limit $3) u
      join task t on t.sid = u.sid) s
join task t on t.sid = s.sid
left join config_copy q on q.sid = t.task_queue_sid
left join config_copy c on c.sid = t.task_channel_sid
left join config_copy f on f.sid = t.workflow_sid
order by coalesce(t.virtual_start_at, t.created_at), ($12::bigint * t.priority), t.sid;

-- name: task_scan_start_desc
-- index: task_by_start, backwards, of others task_by_workspace; $12: 0, or how equal times go by priority
select t.sid, t.account_sid, t.workspace_sid, t.state, t.version,
       case when s.is_match then t.attributes::text else '{}' end, t.priority,
       t.reason, t.timeout_s, t.task_queue_sid, t.task_channel_sid, t.workflow_sid,
       t.ignore_capacity, t.routing_target, t.worker_sid, t.call_id, t.created_at, t.updated_at,
       t.virtual_start_at, t.queue_entered_at, t.assigned_at, t.ended_at, t.workflow_version,
       t.filter_index, t.target_index, t.filter_base_at, t.step_deadline_at, t.assignment_count,
       t.redrive, t.sequence, coalesce(q.name, ''), coalesce(c.name, ''), coalesce(f.name, ''),
       s.is_match
from (select t.sid,
             ($4::text[] is null or t.state = any ($4))
             and ($5::text is null or t.workflow_sid = $5)
             and ($6::text is null or t.task_queue_sid = $6)
             and ($7::bigint[] is null or t.priority = any ($7))
             and ($8::text is null or t.worker_sid = $8)
             and ($9::text is null or t.task_channel_sid = $9)
             and ($10::text is null or t.routing_target = $10) as is_match
      from (select u.sid
            from (
                (select t.sid, coalesce(t.virtual_start_at, t.created_at) as start_at, t.priority
                 from task t
                 where t.workspace_sid = $1
                   and t.purged_at is null
                   and not t.is_busy
                   and ($11::timestamptz is null
                        or (coalesce(t.virtual_start_at, t.created_at), $12::bigint * t.priority,
                            t.sid) < ($11, $13::bigint, $2))
                 order by coalesce(t.virtual_start_at, t.created_at) desc, ($12::bigint * t.priority) desc, t.sid desc
                 limit $3)
                union all
                (select t.sid, coalesce(t.virtual_start_at, t.created_at) as start_at, t.priority
                 from task t
                 where t.workspace_sid = $1
                   and t.purged_at is null
                   and t.is_busy
                   and ($11::timestamptz is null
                        or (coalesce(t.virtual_start_at, t.created_at), $12::bigint * t.priority,
                            t.sid) < ($11, $13::bigint, $2))
                 order by coalesce(t.virtual_start_at, t.created_at) desc, ($12::bigint * t.priority) desc, t.sid desc
                 limit $3)
                ) u
            order by u.start_at desc, ($12::bigint * u.priority) desc, u.sid desc
            limit $3) u
      join task t on t.sid = u.sid) s
join task t on t.sid = s.sid
left join config_copy q on q.sid = t.task_queue_sid
left join config_copy c on c.sid = t.task_channel_sid
left join config_copy f on f.sid = t.workflow_sid
order by coalesce(t.virtual_start_at, t.created_at) desc, ($12::bigint * t.priority) desc, t.sid desc;

-- name: task_scan_created
-- index: task_mirror_by_created; of workspaces that Twilio routes: their SIDs do not hold the time
select t.sid, t.account_sid, t.workspace_sid, t.state, t.version,
       case when s.is_match then t.attributes::text else '{}' end, t.priority,
       t.reason, t.timeout_s, t.task_queue_sid, t.task_channel_sid, t.workflow_sid,
       t.ignore_capacity, t.routing_target, t.worker_sid, t.call_id, t.created_at, t.updated_at,
       t.virtual_start_at, t.queue_entered_at, t.assigned_at, t.ended_at, t.workflow_version,
       t.filter_index, t.target_index, t.filter_base_at, t.step_deadline_at, t.assignment_count,
       t.redrive, t.sequence, coalesce(q.name, ''), coalesce(c.name, ''), coalesce(f.name, ''),
       s.is_match
from (select t.sid,
             ($4::text[] is null or t.state = any ($4))
             and ($5::text is null or t.workflow_sid = $5)
             and ($6::text is null or t.task_queue_sid = $6)
             and ($7::bigint[] is null or t.priority = any ($7))
             and ($8::text is null or t.worker_sid = $8)
             and ($9::text is null or t.task_channel_sid = $9)
             and ($10::text is null or t.routing_target = $10) as is_match
      from (select t.sid
            from task t
            where t.workspace_sid = $1
              and t.purged_at is null
              and t.observed_at is not null
              and ($11::timestamptz is null or (t.created_at, t.sid) > ($11, $2))
            order by t.created_at, t.sid
            limit $3) u
      join task t on t.sid = u.sid) s
join task t on t.sid = s.sid
left join config_copy q on q.sid = t.task_queue_sid
left join config_copy c on c.sid = t.task_channel_sid
left join config_copy f on f.sid = t.workflow_sid
order by t.created_at, t.sid;

-- name: task_scan_created_desc
-- index: task_mirror_by_created, backwards
select t.sid, t.account_sid, t.workspace_sid, t.state, t.version,
       case when s.is_match then t.attributes::text else '{}' end, t.priority,
       t.reason, t.timeout_s, t.task_queue_sid, t.task_channel_sid, t.workflow_sid,
       t.ignore_capacity, t.routing_target, t.worker_sid, t.call_id, t.created_at, t.updated_at,
       t.virtual_start_at, t.queue_entered_at, t.assigned_at, t.ended_at, t.workflow_version,
       t.filter_index, t.target_index, t.filter_base_at, t.step_deadline_at, t.assignment_count,
       t.redrive, t.sequence, coalesce(q.name, ''), coalesce(c.name, ''), coalesce(f.name, ''),
       s.is_match
from (select t.sid,
             ($4::text[] is null or t.state = any ($4))
             and ($5::text is null or t.workflow_sid = $5)
             and ($6::text is null or t.task_queue_sid = $6)
             and ($7::bigint[] is null or t.priority = any ($7))
             and ($8::text is null or t.worker_sid = $8)
             and ($9::text is null or t.task_channel_sid = $9)
             and ($10::text is null or t.routing_target = $10) as is_match
      from (select t.sid
            from task t
            where t.workspace_sid = $1
              and t.purged_at is null
              and t.observed_at is not null
              and ($11::timestamptz is null or (t.created_at, t.sid) < ($11, $2))
            order by t.created_at desc, t.sid desc
            limit $3) u
      join task t on t.sid = u.sid) s
join task t on t.sid = s.sid
left join config_copy q on q.sid = t.task_queue_sid
left join config_copy c on c.sid = t.task_channel_sid
left join config_copy f on f.sid = t.workflow_sid
order by t.created_at desc, t.sid desc;

-- name: task_rows
-- index: primary key; those named, in no order
select t.sid, t.account_sid, t.workspace_sid, t.state, t.version,
       t.attributes::text, t.priority,
       t.reason, t.timeout_s, t.task_queue_sid, t.task_channel_sid, t.workflow_sid,
       t.ignore_capacity, t.routing_target, t.worker_sid, t.call_id, t.created_at, t.updated_at,
       t.virtual_start_at, t.queue_entered_at, t.assigned_at, t.ended_at, t.workflow_version,
       t.filter_index, t.target_index, t.filter_base_at, t.step_deadline_at, t.assignment_count,
       t.redrive, t.sequence, coalesce(q.name, ''), coalesce(c.name, ''), coalesce(f.name, ''),
       ($4::text[] is null or t.state = any ($4))
       and ($5::text is null or t.workflow_sid = $5)
       and ($6::text is null or t.task_queue_sid = $6)
       and ($7::bigint[] is null or t.priority = any ($7))
       and ($8::text is null or t.worker_sid = $8)
       and ($9::text is null or t.task_channel_sid = $9)
       and ($10::text is null or t.routing_target = $10)
from task t
left join config_copy q on q.sid = t.task_queue_sid
left join config_copy c on c.sid = t.task_channel_sid
left join config_copy f on f.sid = t.workflow_sid
where t.workspace_sid = $1
  and t.purged_at is null
  and t.sid = any ($2::text[])
limit $3;

-- name: task_find
-- index: of waiting tasks task_by_attributes or the task_by_… of the filter, of others task_by_workspace; which
-- tasks come into question, in no order, at most $3 of each kind. Attributes of others are not looked
-- at: they are few.
(select t.sid, t.priority, coalesce(t.virtual_start_at, t.created_at), t.created_at
from task t
where t.workspace_sid = $1
  and t.purged_at is null
  and not t.is_busy
  and ($12::boolean is null or not $12)
  and ($4::text[] is null or t.state = any ($4))
  and ($5::text is null or t.workflow_sid = $5)
  and ($6::text is null or t.task_queue_sid = $6)
  and ($7::bigint[] is null or t.priority = any ($7))
  and ($8::text is null or (t.worker_sid = $8 and t.worker_sid <> ''))
  and ($9::text is null or t.task_channel_sid = $9)
  and ($10::text is null or (t.routing_target = $10 and t.routing_target <> ''))
  and ($2::jsonb[] is null
       or (case when t.attributes::text ~ '[eE][+-]?[0-9]{4}' then '{"": true}'::jsonb
             else t.attributes::jsonb end) @> any (array_append($2, '{"": true}')))
  and ($11::jsonb[] is null
       or (case when t.attributes::text ~ '[eE][+-]?[0-9]{4}' then '{"": true}'::jsonb
             else t.attributes::jsonb end) @> any (array_append($11, '{"": true}')))
limit $3)
union all
(select t.sid, t.priority, coalesce(t.virtual_start_at, t.created_at), t.created_at
from task t
where t.workspace_sid = $1
  and t.purged_at is null
  and t.is_busy
  and ($12::boolean is null or $12)
  and ($4::text[] is null or t.state = any ($4))
  and ($5::text is null or t.workflow_sid = $5)
  and ($6::text is null or t.task_queue_sid = $6)
  and ($7::bigint[] is null or t.priority = any ($7))
  and ($8::text is null or (t.worker_sid = $8 and t.worker_sid <> ''))
  and ($9::text is null or t.task_channel_sid = $9)
  and ($10::text is null or (t.routing_target = $10 and t.routing_target <> ''))
limit $3);

-- name: task_levels
-- index: task_by_priority, of others task_by_workspace; the next $3 priorities that tasks have
with recursive level (priority, place) as (
    select least(
          (select min(t.priority)
           from task t
           where t.workspace_sid = $1
             and t.purged_at is null
             and not t.is_busy
             and ($2::bigint is null or t.priority > $2)),
          (select min(t.priority)
           from task t
           where t.workspace_sid = $1
             and t.purged_at is null
             and t.is_busy
             and ($2::bigint is null or t.priority > $2))), 1
    union all
    select least(
          (select min(t.priority)
           from task t
           where t.workspace_sid = $1
             and t.purged_at is null
             and not t.is_busy
             and t.priority > l.priority),
          (select min(t.priority)
           from task t
           where t.workspace_sid = $1
             and t.purged_at is null
             and t.is_busy
             and t.priority > l.priority)), l.place + 1
    from level l
    where l.priority is not null
      and l.place < $3::integer)
select priority
from level
where priority is not null
order by place;

-- name: task_levels_desc
-- index: task_by_priority, backwards, of others task_by_workspace; the next $3 priorities that tasks have
with recursive level (priority, place) as (
    select greatest(
          (select max(t.priority)
           from task t
           where t.workspace_sid = $1
             and t.purged_at is null
             and not t.is_busy
             and ($2::bigint is null or t.priority < $2)),
          (select max(t.priority)
           from task t
           where t.workspace_sid = $1
             and t.purged_at is null
             and t.is_busy
             and ($2::bigint is null or t.priority < $2))), 1
    union all
    select greatest(
          (select max(t.priority)
           from task t
           where t.workspace_sid = $1
             and t.purged_at is null
             and not t.is_busy
             and t.priority < l.priority),
          (select max(t.priority)
           from task t
           where t.workspace_sid = $1
             and t.purged_at is null
             and t.is_busy
             and t.priority < l.priority)), l.place + 1
    from level l
    where l.priority is not null
      and l.place < $3::integer)
select priority
from level
where priority is not null
order by place;

-- name: task_named
-- index: config_copy_by_name; the queue, channel or workflow of that name, a living one first. Of
-- channels there may be two whose unique names differ by case only.
select sid
from config_copy
where workspace_sid = $1
  and kind = $2
  and lower(name) = lower($3)
  and ($2 <> 'channel' or name = $3)
order by is_deleted, sid desc
limit 1;
