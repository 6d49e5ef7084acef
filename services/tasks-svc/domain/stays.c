#include "stays.h"

#include <string.h>

static void stay_begin(struct stay *stay, const struct stat_move *move, int64_t from_us)
{
    stay->span = (struct stat_span){
        .worker_sid = move->worker_sid,
        .workspace_sid = move->workspace_sid,
        .activity_sid = move->activity_sid,
        .from_us = from_us,
        .worker_version =
            move->version > stay->span.worker_version ? move->version : stay->span.worker_version,
    };
    stay->is_known = true;
    stay->is_changed = true;
}

static void stay_appear(struct stay *stay, const struct stat_move *move)
{
    bool has_since = move->since_us != 0 && move->since_us < move->at_us;
    int64_t from_us = has_since && !stay->is_known ? move->since_us : move->at_us;
    /* the router speaks of workers who are there */
    if (!sid_is_set(&move->activity_sid) || (stay->is_known && move->version == 0))
        return;
    stay_begin(stay, move, from_us > stay->span.to_us ? from_us : stay->span.to_us);
}

bool stay_move(struct stay *stay, const struct stat_move *move, struct stat_span *out_ended)
{
    struct stat_span *span = &stay->span;
    bool is_gone = !sid_is_set(&move->activity_sid);
    if (stay->is_known && move->version != 0 && move->version <= span->worker_version)
        return false;
    if (!stay->is_known || span->to_us != 0) {
        stay_appear(stay, move);
        return false;
    }
    if (move->version != 0)
        span->worker_version = move->version;
    stay->is_changed = true;
    if (strcmp(span->activity_sid.text, move->activity_sid.text) == 0)
        return false;
    if (move->at_us <= span->from_us && !is_gone) { /* no time between: it counts for nothing */
        span->activity_sid = move->activity_sid;
        return false;
    }
    span->to_us = move->at_us > span->from_us ? move->at_us : span->from_us + 1;
    *out_ended = *span;
    stay->is_changed = false;
    if (!is_gone)
        stay_begin(stay, move, span->to_us);
    return true;
}
