-- Rows that Twilio has too: when it was asked last, and tombstones of what it has no longer. Names
-- are unique among the living.

alter table task_queue add column observed_at timestamptz, add column vanished_at timestamptz;
drop index task_queue_friendly_name;
create unique index task_queue_friendly_name on task_queue (workspace_sid, lower(friendly_name))
    where vanished_at is null;

alter table task_channel add column observed_at timestamptz, add column vanished_at timestamptz;
drop index task_channel_unique_name;
create unique index task_channel_unique_name on task_channel (workspace_sid, unique_name)
    where vanished_at is null;

-- what vanished before we heard of it
create table mirror_gone (
    sid text primary key,
    workspace_sid text not null,
    observed_at timestamptz not null
);

create index mirror_gone_by_workspace on mirror_gone (workspace_sid);
