#include "put.h"

#include "message_fields.h"

enum { PIECE_ITEMS = 200, PIECE_BYTES = 2 << 20 };

/* ---- rows ---- */

/* A piece on its way. */
struct piece {
    struct mirror_batch batch;
    Taskrouter__Common__V1__MirrorResult **results;
};

static enum err_code try_put(struct job *job, struct call *call, void *ctx, struct err *err)
{
    struct piece *piece = ctx;
    return mirror_put(job->options->host, call, &piece->batch, &piece->results, err);
}

/* As many as one request may carry. */
static size_t piece_size(ProtobufCMessage *const *items, size_t count)
{
    size_t bytes = 0;
    size_t size = 0;
    while (size < count && size < PIECE_ITEMS) {
        bytes += protobuf_c_message_get_packed_size(items[size]);
        if (bytes > PIECE_BYTES && size > 0)
            break;
        size++;
    }
    return size;
}

enum err_code put_batch(struct report *report, const struct mirror_batch *batch,
                        Taskrouter__Common__V1__MirrorResult ***out_results, struct err *err)
{
    struct piece piece = {.batch = *batch};
    enum err_code code = job_insist(report->job, report->arena, try_put, &piece, err);
    if (code == ERR_OK && batch->is_dry_run)
        code = expect_results(report, batch, piece.results, err);
    *out_results = piece.results;
    return code;
}

static enum err_code put_piece(struct report *report, const struct mirror_batch *batch,
                               enum outcome *out_outcomes, struct err *err)
{
    Taskrouter__Common__V1__MirrorResult **results = NULL;
    enum err_code code = put_batch(report, batch, &results, err);
    for (size_t i = 0; i < batch->count && code == ERR_OK; i++) {
        report_add(report, results[i]);
        if (out_outcomes != NULL)
            out_outcomes[i] = (enum outcome)results[i]->outcome;
    }
    return code;
}

static void note_new(struct report *report, ProtobufCMessage *const *items, size_t count,
                     enum outcome *out_outcomes)
{
    for (size_t i = 0; i < count; i++) {
        report_note(report, arena_strdup(report->arena, field_text(items[i], "sid")),
                    arena_strdup(report->arena, field_text(items[i], "friendly_name")),
                    OUTCOME_CREATED, ""); /* the message may go before the report is stored */
        if (out_outcomes != NULL)
            out_outcomes[i] = OUTCOME_CREATED;
    }
}

enum err_code put_rows(struct report *report, enum twilio_resource resource,
                       ProtobufCMessage *const *items, size_t count, int64_t observed_at_us,
                       enum outcome *out_outcomes, struct err *err)
{
    const struct job *job = report->job;
    enum err_code code = ERR_OK;
    if (job->is_new) {
        note_new(report, items, count, out_outcomes);
        return ERR_OK;
    }
    for (size_t at = 0; at < count && code == ERR_OK;) {
        struct mirror_batch batch = {
            .resource = resource,
            .workspace_sid = job->run.workspace_sid,
            .items = items + at,
            .count = piece_size(items + at, count - at),
            .observed_at_us = observed_at_us,
            .is_dry_run = job->run.is_dry_run,
        };
        code = put_piece(report, &batch, out_outcomes == NULL ? NULL : out_outcomes + at, err);
        at += batch.count;
    }
    return code;
}

enum err_code put_page_items(struct report *report, enum twilio_resource resource,
                             struct twilio_item *const *items, size_t count, int64_t observed_at_us,
                             struct err *err)
{
    size_t readable = 0;
    ProtobufCMessage **messages = ARENA_ARRAY(report->arena, ProtobufCMessage *, count);
    if (messages == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++) {
        report_seen(report, items[i]->sid);
        if (items[i]->message != NULL)
            messages[readable++] = items[i]->message;
        else
            report_note(report, items[i]->sid, "", OUTCOME_CONFLICTING, items[i]->detail);
    }
    if (resource == TWILIO_TASK)
        return put_tasks(report, messages, readable, observed_at_us, err);
    return put_rows(report, resource, messages, readable, observed_at_us, NULL, err);
}

/* ---- lists that were read side by side ---- */

struct gathering {
    ProtobufCMessage **items;
    size_t count;
    int64_t observed_at_us; /* when the first of them was asked for */
};

static void gather(struct report *report, const struct fetch *list, bool are_met,
                   struct gathering *all)
{
    for (size_t i = 0; i < list->page.count; i++) {
        const struct twilio_item *item = &list->page.items[i];
        const char *sid = arena_strdup(report->arena, item->sid);
        if (are_met)
            report_seen(report, sid);
        if (item->message != NULL)
            all->items[all->count++] = item->message;
        else
            report_note(report, sid, "", OUTCOME_CONFLICTING,
                        arena_strdup(report->arena, item->detail));
    }
    if (list->observed_at_us < all->observed_at_us)
        all->observed_at_us = list->observed_at_us;
}

enum err_code put_lists(struct report *report, enum twilio_resource resource,
                        const struct fetch *lists, size_t count, bool are_met, struct err *err)
{
    size_t room = 0;
    struct gathering all = {.observed_at_us = INT64_MAX};
    for (size_t i = 0; i < count; i++)
        room += lists[i].is_gone ? 0 : lists[i].page.count;
    all.items = ARENA_ARRAY(report->arena, ProtobufCMessage *, room);
    if (all.items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++) {
        if (!lists[i].is_gone) /* what it is of went away meanwhile: the next run tells */
            gather(report, &lists[i], are_met, &all);
    }
    return put_rows(report, resource, all.items, all.count, all.observed_at_us, NULL, err);
}
