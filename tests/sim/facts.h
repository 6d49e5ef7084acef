/* Who may take what, by brute force from the store's copies (check.c, and nothing of the engine).
 */
#pragma once

#include "store.h"

struct workflow_doc;
struct workflow_target;
struct workflow_filter;

/* Counts open reservations per worker and task and sets the workers' built-in fields. */
void facts_refresh(struct store *store);

struct store_config *facts_queue(const struct store *store, const struct sid *sid); /* or NULL */
const struct workflow_doc *facts_document(struct store *store, const struct sid *workflow_sid,
                                          int64_t version);
const struct workflow_filter *facts_filter(struct store *store, const struct task_row *row);
const struct workflow_target *facts_target(struct store *store, const struct task_row *row);
const struct expr_record *facts_task_record(struct store_task *task);

struct sid facts_activity(const struct store_config *worker);

/* Whether the worker qualifies for the task, free or not. */
bool facts_fits(struct store *store, struct store_task *task, struct store_config *worker);
/* Whether he could be given one more of the channel. */
bool facts_is_free(struct store *store, const struct store_config *worker,
                   const struct sid *channel_sid);
int32_t facts_capacity(const struct store_config *worker, const struct sid *channel_sid);

/* Pending or reserved, and nobody is asked at the moment. */
bool facts_waits(const struct store_task *task);

/* One clause that is no integer for anybody who fits, and the whole order is ignored. */
bool facts_order_is_off(struct store *store, struct store_task *task);

/* For a worker who could take both. */
bool facts_task_goes_first(const struct store *store, const struct task_row *a,
                           const struct task_row *b);
/* Which of two workers who fit is to be asked first. */
bool facts_worker_goes_first(struct store *store, struct store_task *task,
                             const struct store_config *a, const struct store_config *b);

/* skip_if of the task's step, as of now. */
bool facts_skips(struct store *store, struct store_task *task);
