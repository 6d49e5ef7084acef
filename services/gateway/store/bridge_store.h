/* Rows of legs: workers called for a waiting call. Texts live in the call's arena. */
#pragma once

#include <stdbool.h>

#include "base/call.h"
#include "bridge_leg.h"
#include "db/db.h"

/* Inserts it, to be called at once; when it was instructed, also in the place of an older one of
 * its reservation that is over, as its next attempt. *out_is_new false: its reservation has one. */
enum err_code bridge_store_insert(struct db_pool *pool, struct call *call,
                                  const struct bridge_leg *leg, bool is_instructed,
                                  bool *out_is_new, struct err *err) MUST_CHECK;

/* Errors: NOT_FOUND LEG_NOT_FOUND. */
enum err_code bridge_store_get(struct db_pool *pool, struct call *call, const char *reservation_sid,
                               struct bridge_leg *out, struct err *err) MUST_CHECK;

/* Takes the next one that is to be called: it is PLACING now, until until_us, and whoever took it
 * calls. *out_found false: there is none. */
enum err_code bridge_store_take(struct db_pool *pool, struct call *call, int64_t until_us,
                                struct bridge_leg *out, bool *out_found,
                                struct err *err) MUST_CHECK;

/* One that is PLACING and overdue. */
enum err_code bridge_store_overdue(struct db_pool *pool, struct call *call, struct bridge_leg *out,
                                   bool *out_found, struct err *err) MUST_CHECK;

/* Writes state, provider_call_sid ("" keeps what is there), detail, due_at_us, keeps_task and
 * is_settled where state and attempt still are `from` and the leg's, and reads is_pending, which
 * may have changed meanwhile. *out_is_done false: it is not, nothing was written. */
enum err_code bridge_store_move(struct db_pool *pool, struct call *call, struct bridge_leg *leg,
                                enum leg_state from, bool *out_is_done, struct err *err) MUST_CHECK;

/* The one of the call (CL…) whose caller was ASKED into the conference. *out_found false: none. */
enum err_code bridge_store_asked(struct db_pool *pool, struct call *call, const char *call_sid,
                                 struct bridge_leg *out, bool *out_found,
                                 struct err *err) MUST_CHECK;

/* Writes `to` where caller still is leg->caller, which becomes it. *out_is_done false: it is not.
 */
enum err_code bridge_store_caller(struct db_pool *pool, struct call *call, struct bridge_leg *leg,
                                  enum leg_caller to, bool *out_is_done,
                                  struct err *err) MUST_CHECK;

/* Nobody waits for those of the call (CL…), and of the task where it is not "", that nobody has
 * answered: marks those that were not, and reads them. Those that ring are the caller's to end
 * until until_us, then they are not settled. */
enum err_code bridge_store_unwanted(struct db_pool *pool, struct call *call, const char *call_sid,
                                    const char *task_sid, int64_t until_us, struct bridge_leg **out,
                                    size_t *out_count, struct err *err) MUST_CHECK;

/* The same of the leg of a reservation that has ended. *out_is_done false: there is none; so the
 * next. */
enum err_code bridge_store_gone(struct db_pool *pool, struct call *call,
                                const char *reservation_sid, int64_t until_us,
                                struct bridge_leg *out, bool *out_is_done,
                                struct err *err) MUST_CHECK;

/* The reservation of its leg is not pending any more. What follows from that now is for the jobs at
 * until_us, unless it is said to be settled before. */
enum err_code bridge_store_accept(struct db_pool *pool, struct call *call,
                                  const char *reservation_sid, int64_t until_us,
                                  struct bridge_leg *out, bool *out_is_done,
                                  struct err *err) MUST_CHECK;

/* One whose state has not had its consequences yet, and is due: the caller's until until_us. */
enum err_code bridge_store_unsettled(struct db_pool *pool, struct call *call, int64_t until_us,
                                     struct bridge_leg *out, bool *out_found,
                                     struct err *err) MUST_CHECK;

/* It has had them, if its state, attempt and is_pending still are the leg's. */
enum err_code bridge_store_settled(struct db_pool *pool, struct call *call,
                                   const struct bridge_leg *leg, struct err *err) MUST_CHECK;

/* How often somebody was called for the call (CL…). */
enum err_code bridge_store_count(struct db_pool *pool, struct call *call, const char *call_sid,
                                 int64_t *out_count, struct err *err) MUST_CHECK;

/* Removes at most limit of those that were made before. */
enum err_code bridge_store_prune(struct db_pool *pool, struct call *call, int64_t older_than_us,
                                 int64_t limit, int64_t *out_removed, struct err *err) MUST_CHECK;
