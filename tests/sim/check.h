/*
 * What must hold, looked at from the rows and the log alone: eligibility, order and capacity are
 * worked out by brute force from the store's copies of the facts, never from the engine's
 * structures. Events are checked one by one, as they change the store; the world is checked when
 * a batch is committed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "engine/engine.h"
#include "store.h"

/* One call of the engine within a batch. */
struct sim_call {
    struct engine_command command; /* kind NONE: a tick, or a load */
    int64_t now_us;
    int64_t version; /* config: of the word, also of a deletion */
    bool is_load;
    bool is_passed_on; /* false: the shell kept an old word from the engine */
    enum err_code code;
    const char *reason; /* of a refusal */
    struct sid subject;
    const struct engine_effect *before; /* the last effect before the call; NULL = none */
    const struct engine_effect *last;
};

struct check {
    struct store *store;
    struct engine_config config; /* with its defaults filled in */
    struct buf failure;          /* empty: all is well */
    bool is_order_unsure;        /* a document changed without an event: order is not looked at */
    bool is_fresh;               /* the counts of workers are right */
    struct sid *entered;         /* tasks that entered a step in the call in hand */
    size_t entered_count, entered_capacity;
    uint64_t offers; /* looked at so far: says that something was checked */
};

void check_init(struct check *check, struct store *store, const struct engine_config *config);
void check_fini(struct check *check);

/* Says what is wrong; only the first word counts. */
void check_fail(struct check *check, const char *format, ...) PRINTF_LIKE(2, 3);
bool check_has_failed(const struct check *check);

/* A call's events in order, applied to the store. effects: of its batch. */
void check_call(struct check *check, const struct sim_call *call,
                const struct engine_effects *effects);

/* The batch's rows, applied to the store and compared with what the events said. */
void check_rows(struct check *check, const struct engine_effects *effects);

/* After a commit: nothing that can be offered waits, nobody holds too much, nothing is overdue at
 * now_us, and the engine's memory says what the rows say. */
void check_world(struct check *check, const struct engine *engine, int64_t now_us);
