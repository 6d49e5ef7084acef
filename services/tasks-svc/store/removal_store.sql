-- What lies below a deleted workspace, at most $2 rows a statement. Rows are named by their place
-- (ctid), which holds for the statement.

-- name: removal_next
-- index: workspace_removal_next; once every reader of the log has passed the workspace's end
select r.workspace_sid
from workspace_removal r
where r.shard = $1::integer
  and r.next_at <= now()
  and r.log_seq <= event_floor($1::integer)
order by r.next_at
limit 1;

-- name: removal_lock
-- index: primary key; none when the workspace came back
select passes
from workspace_removal
where workspace_sid = $1
for update;

-- name: removal_callbacks
-- index: callback_by_workspace; what is still to be sent stays
delete from callback
where ctid = any (array(select c.ctid
                        from callback c
                        where c.workspace_sid = $1
                          and c.ended_at is not null
                        order by c.id
                        limit $2));

-- name: removal_reservations
-- index: reservation_by_workspace
delete from reservation
where ctid = any (array(select r.ctid
                        from reservation r
                        where r.workspace_sid = $1
                        order by r.sid
                        limit $2));

-- name: removal_tasks
-- index: task_purged_by_workspace, task_by_workspace
delete from task
where ctid = any (array((select t.ctid
                         from task t
                         where t.workspace_sid = $1
                           and t.purged_at is not null
                         order by t.sid
                         limit $2)
                        union all
                        (select t.ctid
                         from task t
                         where t.workspace_sid = $1
                           and t.purged_at is null
                         order by t.is_busy, t.sid
                         limit $2)));

-- name: removal_spans
-- index: stat_span_by_workspace, stat_span_long
delete from stat_span
where ctid = any (array((select s.ctid
                         from stat_span s
                         where s.workspace_sid = $1
                           and not s.is_long
                         order by s.to_at
                         limit $2)
                        union all
                        (select s.ctid
                         from stat_span s
                         where s.workspace_sid = $1
                           and s.is_long
                         order by s.to_at
                         limit $2)));

-- name: removal_buckets
-- index: primary key of stat_bucket, for the next resources and the workspace itself
delete from stat_bucket
where ctid = any (array(select b.ctid
                        from (select $1::text as sid
                              union all
                              select n.sid from removal_children($1) n) c
                        cross join lateral (select s.ctid
                                            from stat_bucket s
                                            where s.sid = c.sid
                                            order by s.level, s.at
                                            limit $2) b
                        limit $2));

-- name: removal_stays
-- index: primary key of stat_stay, likewise
delete from stat_stay
where ctid = any (array(select b.ctid
                        from (select $1::text as sid
                              union all
                              select n.sid from removal_children($1) n) c
                        cross join lateral (select s.ctid
                                            from stat_stay s
                                            where s.sid = c.sid
                                            order by s.day
                                            limit $2) b
                        limit $2));

-- name: removal_idle
-- index: primary key of worker_idle
delete from worker_idle
where ctid = any (array(select b.ctid
                        from removal_children($1) c
                        cross join lateral (select i.ctid
                                            from worker_idle i
                                            where i.worker_sid = c.sid
                                            limit $2) b
                        limit $2));

-- name: removal_overrides
-- index: primary key of worker_override
delete from worker_override
where worker_sid = any (array(select c.sid from removal_children($1) c limit $2));

-- name: removal_documents
-- index: primary key of workflow_document
delete from workflow_document
where ctid = any (array(select b.ctid
                        from removal_children($1) c
                        cross join lateral (select d.ctid
                                            from workflow_document d
                                            where d.workflow_sid = c.sid
                                            order by d.version
                                            limit $2) b
                        limit $2));

-- name: removal_targets
-- index: callback_target_by_workspace
delete from callback_target
where ctid = any (array(select t.ctid
                        from callback_target t
                        where t.workspace_sid = $1
                        limit $2));

-- name: removal_configs
-- index: primary key; last, because the others find by them what belongs to them
delete from config_copy
where sid = any (array(select c.sid from removal_children($1) c limit $2));

-- name: removal_passed
-- index: primary key
update workspace_removal
set passes = passes + 1,
    next_at = now() + case passes when 0 then interval '1 hour' else interval '1 day' end
where workspace_sid = $1;

-- name: removal_end
-- index: primary key, callback_by_workspace; the workspace's own row of config_copy stays: who it
-- was is not forgotten
delete from workspace_removal
where workspace_sid = $1
  and passes > 2
  and not exists (select 1 from callback where workspace_sid = $1);
