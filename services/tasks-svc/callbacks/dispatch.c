#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/macros.h"
#include "callback_params.h"
#include "callback_rules.h"
#include "callbacks_int.h"
#include "event_store.h"
#include "mirror_apply.h"
#include "shard_store.h"

enum { ROUND_ROWS = 200 };

/* ---- places ---- */

static void place_free(struct callback_place *place)
{
    if (place == NULL)
        return;
    free(place->sid);
    free(place->workspace_sid);
    free(place->name);
    free(place->url);
    free(place->fallback_url);
    free(place->filter);
    free(place);
}

static struct callback_place *place_of(const struct callback_shard *shard, const char *sid)
{
    return map_get(&shard->places, str_from(sid));
}

static void place_put(struct callback_shard *shard, const struct callback_target *target)
{
    struct callback_place *place = xcalloc(1, sizeof *place);
    place->sid = xstrdup(target->sid);
    place->workspace_sid = xstrdup(target->workspace_sid);
    place->name = xstrdup(target->name);
    place->url = xstrdup(target->url);
    place->fallback_url = xstrdup(target->fallback_url);
    place->filter = xstrdup(target->filter);
    place->is_workflow = target->is_workflow;
    struct callback_place *before = map_put(&shard->places, str_from(place->sid), place);
    if (before != NULL && before->url[0] != '\0')
        shard->url_count--;
    if (place->url[0] != '\0')
        shard->url_count++;
    place_free(before);
}

static void drop_workspace(struct callback_shard *shard, const char *workspace_sid)
{
    size_t i = 0;
    while (i < shard->places.count) { /* a removal puts the last entry in its place */
        struct callback_place *place = shard->places.entries[i].value;
        if (strcmp(place->workspace_sid, workspace_sid) != 0) {
            i++;
            continue;
        }
        if (place->url[0] != '\0')
            shard->url_count--;
        (void)map_remove(&shard->places, str_from(place->sid));
        place_free(place);
    }
}

void dispatch_reset(struct callback_shard *shard)
{
    for (size_t i = 0; i < shard->places.count; i++)
        place_free(shard->places.entries[i].value);
    map_clear(&shard->places);
    shard->url_count = 0;
    shard->change = 0;
    shard->knows_cursor = false;
    shard->round_rows = ROUND_ROWS;
}

static enum err_code refresh(struct callbacks *callbacks, struct callback_shard *shard,
                             struct call *call, struct err *err)
{
    struct callback_target *targets = NULL;
    size_t count = 0;
    enum err_code code = callback_store_targets(callbacks->conn, call, shard->index, shard->change,
                                                &targets, &count, err);
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        place_put(shard, &targets[i]);
        shard->change = targets[i].change;
    }
    return code;
}

/* ---- from an entry to callbacks ---- */

struct round {
    struct callback_new *rows;
    size_t count;
    const char *gone; /* a workspace that was deleted; one is enough to look again */
};

/* What happens to a task is told in order; else what happens to a worker, or the thing itself. */
static const char *object_of(const struct event_row *row)
{
    if (row->task_sid[0] != '\0')
        return row->task_sid;
    return row->worker_sid[0] != '\0' ? row->worker_sid : row->resource_sid;
}

static struct callback_new new_row(const struct event_row *row, const char *kind)
{
    return (struct callback_new){
        .sid = sid_derive("CB", str_from(kind), str_from(row->sid)),
        .kind = kind,
        .account_sid = row->account_sid,
        .workspace_sid = row->workspace_sid,
        .task_sid = row->task_sid,
        .worker_sid = row->worker_sid,
        .reservation_sid = row->reservation_sid,
        .event_sid = row->sid,
        .event_type = row->type,
        .fallback_url = "",
    };
}

static enum err_code add_event(struct arena *arena, const struct event_row *row,
                               const struct callback_place *workspace, struct round *round,
                               struct err *err)
{
    struct callback_new *out = &round->rows[round->count];
    *out = new_row(row, CALLBACK_KIND_EVENT);
    out->object_key = object_of(row);
    out->url = workspace->url;
    round->count++;
    return callback_params_event(arena, row, workspace->name, &out->parameters, err);
}

static enum err_code add_assignment(struct arena *arena, const struct event_row *row,
                                    const struct callback_place *workflow,
                                    const struct callback_place *workspace, struct round *round,
                                    struct err *err)
{
    struct callback_new *out = &round->rows[round->count];
    *out = new_row(row, CALLBACK_KIND_ASSIGNMENT);
    out->object_key = row->reservation_sid; /* no event has it: beside all others */
    out->url = workflow->url;
    out->fallback_url = workflow->fallback_url;
    round->count++;
    return callback_params_assignment(arena, row, workspace == NULL ? "" : workspace->name,
                                      &out->parameters, err);
}

static enum err_code add_row(struct callback_shard *shard, struct arena *arena,
                             const struct event_row *row, struct round *round, struct err *err)
{
    enum err_code code = ERR_OK;
    const struct callback_place *workspace = place_of(shard, row->workspace_sid);
    if (workspace != NULL && workspace->url[0] != '\0' &&
        callback_is_wanted(str_from(workspace->filter), row->type))
        code = add_event(arena, row, workspace, round, err);
    if (code == ERR_OK && strcmp(row->type, "reservation.created") == 0 &&
        !mirror_is_source(row->source)) { /* Twilio asks about its own */
        const struct callback_place *workflow = place_of(shard, row->workflow_sid);
        if (workflow != NULL && workflow->url[0] != '\0')
            code = add_assignment(arena, row, workflow, workspace, round, err);
    }
    if (strcmp(row->type, "workspace.deleted") == 0)
        round->gone = row->workspace_sid;
    return code;
}

/* ---- a round ---- */

static enum err_code write_round(struct callbacks *callbacks, struct callback_shard *shard,
                                 struct call *call, int64_t to_seq, const struct round *round,
                                 struct err *err)
{
    int64_t now_us = clock_now_us();
    enum err_code code = callback_store_dispatch(
        callbacks->conn, call, shard->index, shard->cursor, to_seq, round->rows, round->count,
        now_us, now_us + callbacks->options.max_age_ms * US_PER_MS, err);
    if (code != ERR_OK)
        return code;
    shard->cursor = to_seq;
    if (round->count > 0)
        shard->due_mono_us = 0;
    if (round->gone == NULL)
        return ERR_OK;
    drop_workspace(shard, round->gone);
    return callback_store_drop_targets(callbacks->conn, call, round->gone, err);
}

/* Nobody wants to be told: what happened so far is passed over unread. The end of the log is read
 * before the targets: whoever wants to know of it is among them. */
static enum err_code pass_over(struct callbacks *callbacks, struct callback_shard *shard,
                               struct call *call, struct err *err)
{
    const struct round nothing = {0};
    struct shard_place end = {0};
    enum err_code code = shard_store_place(callbacks->conn, call, shard->index, &end, err);
    if (code == ERR_OK)
        code = refresh(callbacks, shard, call, err);
    if (code == ERR_OK && shard->url_count == 0 && end.event_seq > shard->cursor)
        code = write_round(callbacks, shard, call, end.event_seq, &nothing, err);
    return code;
}

/* The end of one workspace ends the round: its URLs are gone for what follows. */
static enum err_code read_on(struct callbacks *callbacks, struct callback_shard *shard,
                             struct call *call, bool *out_more, struct err *err)
{
    struct event_row *rows = NULL;
    struct round round = {0};
    size_t count = 0;
    enum err_code code = event_store_after(callbacks->conn, call, shard->index, shard->cursor,
                                           shard->round_rows, &rows, &count, err);
    if (code == ERR_OK)
        code = refresh(callbacks, shard, call, err);
    if (code != ERR_OK || count == 0)
        return code;
    round.rows = ARENA_ARRAY(call->arena, struct callback_new, 2 * count);
    if (round.rows == NULL)
        return call_no_room(err);
    size_t taken = 0;
    while (taken < count && round.gone == NULL && code == ERR_OK)
        code = add_row(shard, call->arena, &rows[taken++], &round, err);
    if (code != ERR_OK)
        return code;
    *out_more = true;
    return write_round(callbacks, shard, call, rows[taken - 1].seq, &round, err);
}

enum err_code dispatch_round(struct callbacks *callbacks, struct callback_shard *shard,
                             struct call *call, bool *out_more, struct err *err)
{
    enum err_code code = ERR_OK;
    *out_more = false;
    if (!shard->knows_cursor)
        code = callback_store_cursor(callbacks->conn, call, shard->index, &shard->cursor, err);
    if (code != ERR_OK)
        return code;
    shard->knows_cursor = true;
    if (shard->url_count == 0)
        code = pass_over(callbacks, shard, call, err);
    if (code == ERR_OK && shard->url_count > 0)
        code = read_on(callbacks, shard, call, out_more, err);
    if (code == ERR_RESOURCE_EXHAUSTED && shard->round_rows > 1)
        shard->round_rows /= 2; /* large events must not stop it for ever */
    else if (code == ERR_OK)
        shard->round_rows = ROUND_ROWS;
    return code;
}
