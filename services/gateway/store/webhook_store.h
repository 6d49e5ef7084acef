/* Rows of the inbox of webhooks, and the lanes in which they are worked on (domain/webhook.h). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "db/db.h"
#include "webhook.h"

/* What was answered, and is again when the webhook is repeated. Texts are borrowed. */
struct webhook_answer {
    int64_t status;
    const char *type; /* content type; "" = none */
    struct str body;
};

/* A row to insert; texts are borrowed. */
struct webhook_new {
    const char *sid; /* WH… */
    enum webhook_kind kind;
    struct webhook_facts facts;
    struct str parameters; /* JSON: [["name", "value"], …] */
    int64_t received_at_us;
    struct webhook_answer answer;
    bool is_repeat; /* set: it was there before, and answer is that of the first time */
};

/* What was answered to the webhook with this key; *out_found false: it has not come yet. */
enum err_code webhook_store_answer(struct db_pool *pool, struct call *call, enum webhook_kind kind,
                                   const char *key, struct webhook_answer *out, bool *out_found,
                                   struct err *err) MUST_CHECK;

/* All or none, in one statement; answers of repeats live in the call's arena. Of one that came at
 * the same moment the answer may not be seen: then it stays as given. */
enum err_code webhook_store_insert(struct db_pool *pool, struct call *call,
                                   struct webhook_new *const *rows, size_t count,
                                   struct err *err) MUST_CHECK;

/* A lane that is ours for a while. */
struct webhook_lane {
    const char *lane;
    int64_t generation;
    int64_t failures;  /* in a row, before this turn */
    int64_t rest_us;   /* for webhook_store_end: until its next turn; 0 = at once */
    bool is_of_others; /* the consumer's: it has rows that are no events */
};

/* A row of a lane with something to do. */
struct webhook_due {
    struct webhook_lane *lane; /* of the claim */
    const char *sid;
    struct str parameters;
    int64_t received_at_us;
    int64_t attempts;
    enum webhook_kind kind;
};

/* What a claim takes at most. */
struct webhook_limits {
    size_t lanes;
    size_t rows;  /* of a lane */
    size_t bytes; /* of parameters; the row that goes beyond them is the last */
    int64_t lease_us;
};

struct webhook_claim {
    struct webhook_lane *lanes;
    size_t lane_count;
    struct webhook_due *rows; /* neighbours when of one lane, in its order */
    size_t row_count;
};

/* Takes lanes that are due, those that have been so for longest, and their first rows that wait. */
enum err_code webhook_store_claim(struct db_pool *pool, struct call *call,
                                  const struct webhook_limits *limits, struct webhook_claim *out,
                                  struct err *err) MUST_CHECK;

/* What became of a row. */
struct webhook_end {
    const char *sid;
    enum webhook_state state; /* WAITING: it failed and stays */
    int64_t attempts;
    const char *outcome; /* "updated"; of a failure the error's reason */
    const char *detail;
};

/* Writes the ends and gives the lanes back. */
enum err_code webhook_store_end(struct db_pool *pool, struct call *call,
                                const struct webhook_end *ends, size_t count,
                                const struct webhook_lane *lanes, size_t lane_count,
                                struct err *err) MUST_CHECK;

/* For people. */
struct webhook_row {
    const char *sid;
    enum webhook_kind kind;
    enum webhook_state state;
    const char *account_sid;
    const char *workspace_sid;
    const char *event_type;
    const char *lane;
    struct str parameters;
    int64_t occurred_at_us;
    int64_t received_at_us;
    int64_t ended_at_us;
    int64_t attempts;
    const char *outcome;
    const char *detail;
};

/* Errors: NOT_FOUND WEBHOOK_NOT_FOUND. */
enum err_code webhook_store_get(struct db_pool *pool, struct call *call, const char *sid,
                                struct webhook_row *out, struct err *err) MUST_CHECK;

/* Newest first, those before `before` ("" = from the newest); NONE = all. */
enum err_code webhook_store_list(struct db_pool *pool, struct call *call, const char *before,
                                 enum webhook_state state, enum webhook_kind kind, size_t limit,
                                 struct webhook_row **out, size_t *out_count,
                                 struct err *err) MUST_CHECK;

/* Has a dead one wait again; *out_done false: it was not dead. */
enum err_code webhook_store_replay(struct db_pool *pool, struct call *call, const char *sid,
                                   bool *out_done, struct err *err) MUST_CHECK;
/* The same of the oldest dead ones. */
enum err_code webhook_store_replay_all(struct db_pool *pool, struct call *call, size_t limit,
                                       int64_t *out_count, struct err *err) MUST_CHECK;

struct webhook_counts {
    int64_t waiting;
    int64_t dead;
    int64_t oldest_us; /* received_at of the oldest that waits; 0: none waits */
    int64_t newest_us; /* of all; 0: there is none */
};
enum err_code webhook_store_counts(struct db_pool *pool, struct call *call,
                                   struct webhook_counts *out, struct err *err) MUST_CHECK;

/* Removes up to limit rows of the state that came before then. */
enum err_code webhook_store_prune(struct db_pool *pool, struct call *call, enum webhook_state state,
                                  int64_t before_us, size_t limit, int64_t *out_removed,
                                  struct err *err) MUST_CHECK;
