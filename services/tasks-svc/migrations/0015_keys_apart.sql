-- What is new in the index of the log's keys is merged twice a second by a job (jobs/log_keys.c), on
-- a connection of its own. The router's commits, which met the old limit every second or two and then
-- waited some 50 ms for the merge, do it themselves only when that job is far behind.
alter index event_batch_by_key set (gin_pending_list_limit = 4096);
