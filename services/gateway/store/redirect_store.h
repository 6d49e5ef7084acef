/* Rows of redirects: callers sent to a document of the application. Texts live in the call's arena.
 */
#pragma once

#include <stdbool.h>

#include "base/call.h"
#include "bridge_redirect.h"
#include "db/db.h"

/* Inserts it, to be done at once, or puts it in the place of an older one of its reservation;
 * unless is_repeatable, only of one that says something else. *out_is_new false: this one, or a
 * newer one, is there. */
enum err_code redirect_store_put(struct db_pool *pool, struct call *call,
                                 const struct bridge_redirect *redirect, bool is_repeatable,
                                 bool *out_is_new, struct err *err) MUST_CHECK;

/* Takes the next one that is to be done: it is ASKING now, until until_us, and whoever took it
 * asks. *out_found false: there is none; so the next three. */
enum err_code redirect_store_take(struct db_pool *pool, struct call *call, int64_t until_us,
                                  struct bridge_redirect *out, bool *out_found,
                                  struct err *err) MUST_CHECK;

/* One that is ASKING and overdue. */
enum err_code redirect_store_overdue(struct db_pool *pool, struct call *call,
                                     struct bridge_redirect *out, bool *out_found,
                                     struct err *err) MUST_CHECK;

/* One whose state has not had its consequences yet, and is due: the caller's until until_us. */
enum err_code redirect_store_unsettled(struct db_pool *pool, struct call *call, int64_t until_us,
                                       struct bridge_redirect *out, bool *out_found,
                                       struct err *err) MUST_CHECK;

/* The newest of the call (CA…). */
enum err_code redirect_store_of_call(struct db_pool *pool, struct call *call, const char *call_sid,
                                     struct bridge_redirect *out, bool *out_found,
                                     struct err *err) MUST_CHECK;

/* Writes state, detail, due_at_us and is_settled where version and state still are the redirect's
 * and `from`, and reads is_pending, which may have changed meanwhile. *out_is_done false: they are
 * not; so the next. */
enum err_code redirect_store_move(struct db_pool *pool, struct call *call,
                                  struct bridge_redirect *redirect, enum redirect_state from,
                                  bool *out_is_done, struct err *err) MUST_CHECK;

/* Its state has had its consequences, if version, state and is_pending still are the redirect's. */
enum err_code redirect_store_settled(struct db_pool *pool, struct call *call,
                                     const struct bridge_redirect *redirect,
                                     struct err *err) MUST_CHECK;

/* The reservation of the one that says the same is not pending any more. What follows from that now
 * is for the jobs at until_us, unless it is said to be settled before. */
enum err_code redirect_store_accept(struct db_pool *pool, struct call *call,
                                    const struct bridge_redirect *redirect, int64_t until_us,
                                    struct bridge_redirect *out, bool *out_is_done,
                                    struct err *err) MUST_CHECK;

/* Removes at most limit of those that were made before. */
enum err_code redirect_store_prune(struct db_pool *pool, struct call *call, int64_t older_than_us,
                                   int64_t limit, int64_t *out_removed, struct err *err) MUST_CHECK;
