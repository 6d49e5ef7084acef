/*
 * Rows of intents, and of the processes that work on them. Whoever changes one names itself and the
 * epoch it holds: one that was taken over meanwhile changes nothing and gets ABORTED INTENT_LOST.
 * Texts live in the call's arena.
 */
#pragma once

#include <stddef.h>

#include "base/call.h"
#include "db/db.h"
#include "intent.h"

/* The process lives: for five seconds nobody takes over what it holds. */
enum err_code writer_store_beat(struct db_pool *pool, struct call *call, const char *writer_sid,
                                struct err *err) MUST_CHECK;
/* It ends. Also forgets those that are long dead. */
enum err_code writer_store_end(struct db_pool *pool, struct call *call, const char *writer_sid,
                               struct err *err) MUST_CHECK;

/* Fills epoch and times; state OPEN, held by intent->holder, with the turn of intent->turn_sid
 * until it is settled. *out_is_new false: the key was used before, or the turn is another's, and
 * nothing was written. */
enum err_code intent_store_insert(struct db_pool *pool, struct call *call, struct intent *intent,
                                  bool *out_is_new, struct err *err) MUST_CHECK;

/* *out_is_there false: there is none. */
enum err_code intent_store_by_key(struct db_pool *pool, struct call *call, const char *account_sid,
                                  const char *method, const char *key, struct intent *out,
                                  bool *out_is_there, struct err *err) MUST_CHECK;

/* Takes one that is not settled (or UNDONE) and that no living process holds. *out_is_taken false:
 * it cannot be had. */
enum err_code intent_store_claim(struct db_pool *pool, struct call *call, const char *sid,
                                 const char *writer_sid, struct intent *out, bool *out_is_taken,
                                 struct err *err) MUST_CHECK;

/* The same for what is due, at most limit. */
enum err_code intent_store_claim_due(struct db_pool *pool, struct call *call,
                                     const char *writer_sid, size_t limit, struct intent **out,
                                     size_t *out_count, struct err *err) MUST_CHECK;

/* Takes the turn from one that nobody works on. *out_is_free false: it is not to be had so. */
enum err_code intent_store_yield_turn(struct db_pool *pool, struct call *call, const char *turn_sid,
                                      bool *out_is_free, struct err *err) MUST_CHECK;

/* Twilio is told (again) from now on. Errors: ALREADY_EXISTS: the turn is another's. */
enum err_code intent_store_resend(struct db_pool *pool, struct call *call,
                                  const struct intent *intent, struct err *err) MUST_CHECK;

/* Errors: ALREADY_EXISTS: another create has the resource. */
enum err_code intent_store_answered(struct db_pool *pool, struct call *call,
                                    const struct intent *intent, const char *resource_sid,
                                    struct err *err) MUST_CHECK;

/* DONE, UNDONE or GIVEN_UP; nobody holds it any more. reply {NULL, 0}: none. */
enum err_code intent_store_settle(struct db_pool *pool, struct call *call,
                                  const struct intent *intent, enum intent_state state,
                                  const char *detail, struct str reply, struct err *err) MUST_CHECK;

/* Nobody holds it; it is looked at again after that time. */
enum err_code intent_store_release(struct db_pool *pool, struct call *call,
                                   const struct intent *intent, const char *detail, int64_t wait_ms,
                                   struct err *err) MUST_CHECK;

/* Twilio surely has not done it, and its caller knows. */
enum err_code intent_store_remove(struct db_pool *pool, struct call *call,
                                  const struct intent *intent, struct err *err) MUST_CHECK;

/* is_taken[i]: some create has made the resource sids[i]. */
enum err_code intent_store_taken(struct db_pool *pool, struct call *call, const struct str *sids,
                                 size_t count, bool *is_taken, struct err *err) MUST_CHECK;

/* Whether the same create is under way for somebody else: what it has made cannot be told from what
 * this one has. */
enum err_code intent_store_has_twin(struct db_pool *pool, struct call *call,
                                    const struct intent *intent, bool *out_has_twin,
                                    struct err *err) MUST_CHECK;

enum err_code intent_store_prune(struct db_pool *pool, struct call *call,
                                 struct err *err) MUST_CHECK;

/* Of those whose outcome is being looked for, and of those given up. */
enum err_code intent_store_counts(struct db_pool *pool, struct call *call, int64_t *out_unsettled,
                                  int64_t *out_given_up, struct err *err) MUST_CHECK;

/* ---- for operators ---- */

/* Which writes somebody may see. */
struct intent_scope {
    const char *workspace_sid;
    bool sees_new_workspaces; /* those that were to make one as well */
};

/* Errors: NOT_FOUND WRITE_NOT_FOUND. */
enum err_code intent_store_get(struct db_pool *pool, struct call *call,
                               const struct intent_scope *scope, const char *sid,
                               struct intent *out, struct err *err) MUST_CHECK;

/* OPEN, ANSWERED and GIVEN_UP ones, newest first, without requests and replies; state INTENT_NONE:
 * all of them. after: the last SID of the page before, or "". */
enum err_code intent_store_list(struct db_pool *pool, struct call *call,
                                const struct intent_scope *scope, const char *after,
                                enum intent_state state, size_t limit, struct intent **out,
                                size_t *out_count, struct err *err) MUST_CHECK;

/* One that was given up is found out about again, or forgotten. Errors: FAILED_PRECONDITION
 * WRITE_NOT_GIVEN_UP, also when there is none. */
enum err_code intent_store_retry(struct db_pool *pool, struct call *call,
                                 const struct intent_scope *scope, const char *sid,
                                 struct err *err) MUST_CHECK;
enum err_code intent_store_dismiss(struct db_pool *pool, struct call *call,
                                   const struct intent_scope *scope, const char *sid,
                                   struct err *err) MUST_CHECK;
