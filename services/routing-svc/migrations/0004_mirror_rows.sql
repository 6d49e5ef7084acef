-- Workflows that Twilio has too: when it was asked last, and tombstones of what it has no longer.
-- Names are unique among the living.

alter table workflow add column observed_at timestamptz, add column vanished_at timestamptz;
drop index workflow_friendly_name;
create unique index workflow_friendly_name on workflow (workspace_sid, lower(friendly_name))
    where vanished_at is null;

-- what vanished before we heard of it
create table mirror_gone (
    sid text primary key,
    workspace_sid text not null,
    observed_at timestamptz not null
);

create index mirror_gone_by_workspace on mirror_gone (workspace_sid);
