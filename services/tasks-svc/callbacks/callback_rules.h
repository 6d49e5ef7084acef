/*
 * What callbacks go by, without I/O: which events are wanted, how long to wait before the next
 * attempt, and what an answer to an assignment callback says.
 * Source: the reference's sections 11, 12 and 17.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* Whether an events_filter wants the event: all of Twilio's catalogue when it is empty, else the
 * types that it names. Our own events have to be named. */
bool callback_is_wanted(struct str filter, const char *event_type);

/* Before the attempt after that many: first_ms doubled each time, at most ten minutes, of which
 * chance (any number) takes up to half. */
int64_t callback_backoff_ms(int64_t first_ms, int64_t attempts, uint64_t chance);

enum callback_answer_kind {
    CALLBACK_ANSWER_NONE,        /* nothing to do: the application acts by itself */
    CALLBACK_ANSWER_INSTRUCTION, /* to be carried out */
    CALLBACK_ANSWER_WARNING,     /* an operator should know; nothing is done */
};

struct callback_answer {
    enum callback_answer_kind kind;
    struct str instruction; /* its name */
    int64_t alert_code;     /* of a warning */
    const char *alert;      /* its words; a literal */
};

/* Reads an answer with status 200. The result lives in the arena. Errors: RESOURCE_EXHAUSTED. */
enum err_code callback_answer_read(struct arena *arena, struct str content_type, struct str body,
                                   struct callback_answer *out, struct err *err) MUST_CHECK;
