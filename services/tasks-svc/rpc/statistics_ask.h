/* What a request for statistics asks, checked: which range, channel, thresholds, workers. */
#pragma once

#include "base/call.h"
#include "base/err.h"
#include "figures.h"
#include "stat_range.h"
#include "taskrouter/tasks/v1/statistics.pb-c.h"
#include "tasks.h"

enum { SPLITS_MAX = 16 };

/* The parts of a request that all kinds share. */
struct stat_fields {
    const char *workspace_sid;
    int64_t minutes; /* 0: default_minutes */
    int64_t default_minutes;
    const Google__Protobuf__Timestamp *start;
    const Google__Protobuf__Timestamp *end;
    const char *channel;
    const int64_t *splits;
    size_t split_count;
    int64_t unit_us; /* what the range is rounded to; at least a minute */
};

struct stat_ask {
    const char *account_sid;
    int64_t now_us;
    int64_t start_us; /* rounded outward */
    int64_t end_us;
    const char *channel_sid; /* NULL: all */
    const int64_t *splits;
    size_t split_count;
};

/* Checks access too. Errors: INVALID_ARGUMENT with field; for a start before what is kept
 * STATISTICS_TOO_OLD (Twilio's 14241); CHANNEL_NOT_FOUND. */
enum err_code stat_ask_from(struct tasks *tasks, struct call *call,
                            const struct stat_fields *fields, struct stat_ask *out,
                            struct err *err) MUST_CHECK;

/* The workspace must have it: NOT_FOUND QUEUE_NOT_FOUND and so on, of the field. */
enum err_code stat_ask_resource(struct tasks *tasks, struct call *call, const char *workspace_sid,
                                const char *field, const char *sid, struct err *err) MUST_CHECK;
