-- Durations of a whole workspace over a month read a hundred thousand stays: from the index alone.
create index stat_span_within_day on stat_span (workspace_sid, to_at, from_at)
    include (activity_sid) where not is_long;
create index stat_span_long_ended on stat_span (workspace_sid, to_at, from_at)
    include (activity_sid) where is_long;
drop index stat_span_by_workspace;
drop index stat_span_long;
