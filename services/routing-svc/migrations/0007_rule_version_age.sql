-- Old versions are removed by their age.

create index rule_version_age on rule_version (created_at);
