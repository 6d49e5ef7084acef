/*
 * What was decided to do with a call, as it is kept with its row: a repeated webhook, or one that
 * comes after a crash, goes on with it instead of deciding again. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* Names are PLAN_<first column>: name in the stored text. */
#define PLAN_STEPS(X)                                                                              \
    X(MENU, "menu")           /* the caller is asked to press a key */                             \
    X(QUEUE, "queue")         /* waits for a worker */                                             \
    X(VOICEMAIL, "voicemail") /* is asked to leave a message */                                    \
    X(TRANSFER, "transfer")                                                                        \
    X(HANG_UP, "hang_up")

enum plan_step {
    PLAN_NONE,
#define X(name, text) PLAN_##name,
    PLAN_STEPS(X)
#undef X
        PLAN_STEP_COUNT,
};

enum { PLAN_MESSAGES_MAX = 20, PLAN_RULES_MAX = 64 };

struct plan_rule {
    const char *sid;
    const char *name;
    int64_t version;
};

/* Texts are borrowed and never NULL ("" = none). */
struct plan {
    enum plan_step step;
    bool is_twilio;                          /* of a workspace that Twilio routes */
    const char *messages[PLAN_MESSAGES_MAX]; /* heard first: texts, or URLs of sounds */
    size_t message_count;
    const char *last_words;   /* of VOICEMAIL the greeting, of HANG_UP what is said before */
    const char *target;       /* of TRANSFER */
    const char *attributes;   /* of the task, JSON object */
    const char *workflow_sid; /* at most one of these three is needed */
    const char *task_queue_sid;
    const char *worker_sid;
    bool has_priority;
    bool has_timeout;
    int64_t priority;
    int64_t timeout_s;
    struct plan_rule rules[PLAN_RULES_MAX]; /* that decided */
    size_t rule_count;
    const char *language;
    const char *music;
    bool announces; /* position and estimated wait, while waiting */
    bool records;   /* the conversation */
};

/* Everything empty. */
void plan_init(struct plan *plan, enum plan_step step);

/* Errors: RESOURCE_EXHAUSTED. */
enum err_code plan_write(const struct plan *plan, struct arena *arena, const char **out,
                         struct err *err) MUST_CHECK;

/* Errors: DATA_LOSS BAD_PLAN for what was not written so; RESOURCE_EXHAUSTED. */
enum err_code plan_read(const char *text, struct arena *arena, struct plan *out,
                        struct err *err) MUST_CHECK;
