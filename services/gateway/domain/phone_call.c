#include "phone_call.h"

#include <string.h>

#include "base/clock.h"
#include "base/macros.h"

static const char *const status_names[PHONE_CALL_STATUS_COUNT] = {[PHONE_CALL_NONE] = "",
#define X(name, text) [PHONE_CALL_##name] = (text),
                                                                  PHONE_CALL_STATUSES(X)
#undef X
};

const char *phone_call_status_name(enum phone_call_status status)
{
    return status_names[status];
}

enum phone_call_status phone_call_status_from(struct str name)
{
    for (int i = PHONE_CALL_NONE + 1; i < PHONE_CALL_STATUS_COUNT; i++)
        if (str_eq_text(name, status_names[i]))
            return (enum phone_call_status)i;
    return PHONE_CALL_NONE;
}

bool phone_call_is_over(const struct phone_call *call)
{
    switch (call->status) {
    case PHONE_CALL_COMPLETED:
    case PHONE_CALL_FAILED:
    case PHONE_CALL_MISSED:
    case PHONE_CALL_VOICEMAIL:
        return true;
    case PHONE_CALL_NONE:
    case PHONE_CALL_PENDING:
    case PHONE_CALL_RINGING:
    case PHONE_CALL_IN_PROGRESS:
    case PHONE_CALL_STATUS_COUNT:
        break;
    }
    return false;
}

/* What a provider's word says of a call that is not answered. "in-progress" is no news: the
 * provider's machine has taken it, nobody of ours. */
static enum phone_call_status status_of(struct str provider_status)
{
    static const struct {
        const char *word;
        enum phone_call_status status;
    } rows[] = {
        {"queued",      PHONE_CALL_PENDING  },
        {"initiated",   PHONE_CALL_PENDING  },
        {"ringing",     PHONE_CALL_RINGING  },
        {"in-progress", PHONE_CALL_RINGING  },
        {"completed",   PHONE_CALL_COMPLETED},
        {"no-answer",   PHONE_CALL_MISSED   },
        {"canceled",    PHONE_CALL_MISSED   },
        {"busy",        PHONE_CALL_FAILED   },
        {"failed",      PHONE_CALL_FAILED   },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq_text(provider_status, rows[i].word))
            return rows[i].status;
    return PHONE_CALL_NONE;
}

static enum phone_call_status end_of(const struct phone_call *call, enum phone_call_status heard)
{
    if (call->answered_at_us != 0 || heard == PHONE_CALL_FAILED)
        return heard == PHONE_CALL_MISSED ? PHONE_CALL_COMPLETED : heard;
    if (call->is_outbound)
        return heard;
    return call->recording_sid[0] != '\0' ? PHONE_CALL_VOICEMAIL : PHONE_CALL_MISSED;
}

bool phone_call_hear_status(struct phone_call *call, struct str provider_status, int64_t at_us,
                            int64_t duration_s)
{
    enum phone_call_status heard = status_of(provider_status);
    struct phone_call probe = {.status = heard};
    if (phone_call_is_over(call)) {
        bool is_news = phone_call_is_over(&probe) && duration_s > 0 && call->duration_s == 0;
        if (is_news)
            call->duration_s = duration_s;
        return is_news;
    }
    if (phone_call_is_over(&probe)) {
        call->status = end_of(call, heard);
        call->ended_at_us = at_us > call->started_at_us ? at_us : call->started_at_us;
        call->duration_s =
            duration_s >= 0 ? duration_s : (call->ended_at_us - call->started_at_us) / US_PER_S;
        return true;
    }
    if (heard <= call->status)
        return false;
    call->status = heard;
    return true;
}

bool phone_call_answer(struct phone_call *call, const char *worker_sid, int64_t at_us)
{
    if (phone_call_is_over(call) || call->answered_at_us != 0)
        return false;
    call->status = PHONE_CALL_IN_PROGRESS;
    call->answered_at_us = at_us;
    call->worker_sid = worker_sid;
    return true;
}

bool phone_call_hear_message(struct phone_call *call, const char *recording_sid, const char *url,
                             int64_t duration_s)
{
    if (call->answered_at_us == 0 &&
        (call->status == PHONE_CALL_MISSED || call->status == PHONE_CALL_COMPLETED))
        call->status = PHONE_CALL_VOICEMAIL;
    return phone_call_hear_recording(call, recording_sid, url, duration_s);
}

bool phone_call_hear_recording(struct phone_call *call, const char *recording_sid, const char *url,
                               int64_t duration_s)
{
    if (strcmp(call->recording_sid, recording_sid) == 0)
        return false;
    call->recording_sid = recording_sid;
    call->recording_url = url;
    call->recording_duration_s = duration_s;
    return true;
}
