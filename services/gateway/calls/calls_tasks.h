/* What tasks.c and texts.c make of tasks alike. */
#pragma once

#include "calls_int.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"

enum tasks_due_kind {
    TASKS_DUE_VOICEMAIL,
    TASKS_DUE_CALLBACK,
    TASKS_DUE_TEXT,
    TASKS_DUE_COUNT,
};

/* When it has to be done, by the business hours of the row's line. */
enum err_code tasks_due(struct calls *calls, const struct call *call, const struct phone_call *row,
                        enum tasks_due_kind kind, int64_t at_us, int64_t *out_due_us,
                        struct err *err) MUST_CHECK;

/* The wanted task channel where the workspace has it, else "default". */
enum err_code tasks_channel(struct calls *calls, const struct call *call, const char *workspace_sid,
                            const char *wanted, const char **out, struct err *err) MUST_CHECK;

/* What rules make of the message that was left with the call. */
struct said {
    bool has_priority;
    int64_t priority;
    const char *workflow_sid; /* "": where it goes is not theirs to say; so the next */
    const char *task_queue_sid;
};

/* Asks them, when there is a message in writing: *attributes get what they and keywords add.
 * Errors: those of routing-svc. */
enum err_code tasks_said(struct calls *calls, const struct call *call, const struct phone_call *row,
                         const char *channel, const char **attributes, struct said *out,
                         struct err *err) MUST_CHECK;

/* Says that the rules were asked, and which applied. */
enum err_code tasks_rules_put(const struct plan *plan, struct arena *arena,
                              Taskrouter__Tasks__V1__CreateTaskRequest *request,
                              struct err *err) MUST_CHECK;

/* "2026-11-27T10:00:00Z"; "" when the arena is full. */
const char *tasks_time_text(struct arena *arena, int64_t at_us);

/* The beginning of a text, whole characters. */
const char *tasks_shown(struct arena *arena, const char *text, size_t max_chars);
