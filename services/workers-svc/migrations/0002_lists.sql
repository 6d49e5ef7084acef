-- Lists by what workers do, and by what their attributes say.

-- with the SID: a page of an activity's workers is read in order
drop index worker_by_activity;
create index worker_by_activity on worker (activity_sid, sid);

create index worker_by_status on worker (workspace_sid, status_changed_at, sid);
create index worker_by_attributes on worker using gin (attributes jsonb_path_ops);
