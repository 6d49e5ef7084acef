/*
 * Calls of the telephone, and what news of the provider make of them: whatever comes late, twice or
 * in another order, a call that is over stays over. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* Names are PHONE_CALL_<first column>: name in the database and on the wire. */
#define PHONE_CALL_STATUSES(X)                                                                     \
    X(PENDING, "pending")                                                                          \
    X(RINGING, "ringing")         /* nobody has answered: it waits, or hears a message */          \
    X(IN_PROGRESS, "in_progress") /* somebody has */                                               \
    X(COMPLETED, "completed")                                                                      \
    X(FAILED, "failed")                                                                            \
    X(MISSED, "missed") /* the caller hung up before anybody answered */                           \
    X(VOICEMAIL, "voicemail")

enum phone_call_status {
    PHONE_CALL_NONE,
#define X(name, text) PHONE_CALL_##name,
    PHONE_CALL_STATUSES(X)
#undef X
        PHONE_CALL_STATUS_COUNT,
};

const char *phone_call_status_name(enum phone_call_status status);
enum phone_call_status phone_call_status_from(struct str name); /* NONE when unknown */

/* Texts are borrowed and never NULL; times are 0 when it has not happened. */
struct phone_call {
    const char *sid; /* CL… */
    const char *account_sid;
    const char *workspace_sid; /* "": not found out yet */
    const char *call_sid;      /* the provider's */
    bool is_outbound;
    enum phone_call_status status;
    const char *from_number; /* E.164, or as it came where it is none */
    const char *to_number;
    const char *customer_sid;
    const char *customer_name;
    const char *task_sid;
    const char *worker_sid; /* who it was connected with */
    const char *line_sid;
    int64_t started_at_us;
    int64_t answered_at_us; /* by a person */
    int64_t ended_at_us;
    int64_t duration_s;
    const char *recording_url;
    const char *recording_sid;
    int64_t recording_duration_s;
    const char *transcription;
    int64_t due_at_us; /* of its follow-up task */
    const char *follow_up_task_sid;
    const char *menu_path; /* digits pressed */
    const char *plan;      /* JSON (calls/plan.h); "": none yet */
    int64_t plan_no;
    int64_t version;
    int64_t created_at_us;
    int64_t updated_at_us;
};

/* COMPLETED, FAILED, MISSED and VOICEMAIL. */
bool phone_call_is_over(const struct phone_call *call);

/*
 * The provider says that the call has this status ("in-progress", "completed", …) since then.
 * duration_s: as it says, else negative. True when something changed. A call that ends unanswered
 * is MISSED; one whose end was known keeps it, but learns its duration.
 */
bool phone_call_hear_status(struct phone_call *call, struct str provider_status, int64_t at_us,
                            int64_t duration_s);

/* Somebody talks with the caller now: a worker, or "" for who was reached by a transfer. False: it
 * was over, or was answered before. */
bool phone_call_answer(struct phone_call *call, const char *worker_sid, int64_t at_us);

/* A recording of the caller's message is there: of a call that nobody answered it makes a
 * voicemail, also after it was held for missed. False when it is known. */
bool phone_call_hear_message(struct phone_call *call, const char *recording_sid, const char *url,
                             int64_t duration_s);

/* A recording of the conversation. */
bool phone_call_hear_recording(struct phone_call *call, const char *recording_sid, const char *url,
                               int64_t duration_s);
