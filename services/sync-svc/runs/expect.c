#include <string.h>

#include "base/map.h"
#include "message_fields.h"
#include "put.h"

typedef Taskrouter__Common__V1__MirrorResult wire_result;

/* What a resource may hang on; the first is what it is a part of, if it is there at all. */
static const char *const part_of[] = {"worker_sid", "task_sid"};
static const char *const refers_to[] = {
    "activity_sid",         "task_channel_sid",         "task_queue_sid",          "workflow_sid",
    "worker_sid",           "reservation_activity_sid", "assignment_activity_sid", "task_sid",
    "default_activity_sid", "timeout_activity_sid",
};

enum { REFERENCES = ARRAY_LEN(refers_to) };

/* The refused ones of a batch and what they refer to. */
struct expecting {
    struct report *report;
    const struct mirror_batch *batch;
    struct str *sids; /* REFERENCES for each */
    bool *are_new;    /* likewise */
    size_t *indexes;  /* into the batch */
    size_t count;
};

static bool is_refused(const wire_result *result)
{
    return result->outcome == TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_CONFLICTING;
}

/* Of this step, which is not stored yet. */
static void mark_unstored(const struct expecting *expecting)
{
    const struct report *report = expecting->report;
    struct map created;
    map_init(&created);
    for (size_t i = 0; i < report->item_count; i++) {
        if (report->items[i].outcome == OUTCOME_CREATED)
            (void)map_put(&created, str_from(report->items[i].sid), &report->items[i]);
    }
    for (size_t i = 0; i < expecting->count * REFERENCES; i++) {
        if (expecting->sids[i].len > 0 && map_get(&created, expecting->sids[i]) != NULL)
            expecting->are_new[i] = true;
    }
    map_fini(&created);
}

static enum err_code try_created(struct job *job, struct call *call, void *ctx, struct err *err)
{
    const struct expecting *expecting = ctx;
    return progress_store_created(job->writer.pool, call, job->run.sid, expecting->sids,
                                  expecting->count * REFERENCES, expecting->are_new, err);
}

/* Whether it hangs on something new; *out_is_part: on what it is a part of. */
static bool hangs_on_new(const struct expecting *expecting, size_t which, bool *out_is_part)
{
    bool is_new = false;
    *out_is_part = false;
    for (size_t i = 0; i < REFERENCES; i++) {
        if (!expecting->are_new[which * REFERENCES + i])
            continue;
        is_new = true;
        for (size_t k = 0; k < ARRAY_LEN(part_of); k++)
            *out_is_part |= strcmp(refers_to[i], part_of[k]) == 0;
    }
    return is_new;
}

struct looking {
    enum twilio_resource resource;
    const ProtobufCMessage *item;
    bool is_there;
};

static enum err_code try_look(struct job *job, struct call *call, void *ctx, struct err *err)
{
    struct looking *looking = ctx;
    ProtobufCMessage *ours = NULL;
    enum twilio_resource resource = looking->resource;
    enum err_code code =
        mirror_get(job->options->host->as_service[mirror_owner(resource)], call, resource,
                   job->run.workspace_sid, field_text(looking->item, "worker_sid"),
                   field_text(looking->item, "sid"), &ours, err);
    looking->is_there = code == ERR_OK;
    if (code != ERR_NOT_FOUND)
        return code;
    err_clear(err);
    return ERR_OK;
}

static enum err_code become(struct report *report, bool is_there, wire_result *result,
                            struct err *err)
{
    result->outcome = is_there ? TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_UPDATED
                               : TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_CREATED;
    result->detail = arena_strdup(report->arena, "");
    return result->detail == NULL ? call_no_room(err) : ERR_OK;
}

enum err_code expect_result(struct report *report, enum twilio_resource resource,
                            const ProtobufCMessage *item, wire_result *result, struct err *err)
{
    struct looking looking = {.resource = resource, .item = item};
    enum err_code code = job_insist(report->job, report->arena, try_look, &looking, err);
    return code == ERR_OK ? become(report, looking.is_there, result, err) : code;
}

/* A worker channel, or a reservation, of something new is new; of others their owner knows. */
static enum err_code expect_one(const struct expecting *expecting, size_t which,
                                wire_result *result, struct err *err)
{
    bool is_part = false;
    const struct mirror_batch *batch = expecting->batch;
    if (!hangs_on_new(expecting, which, &is_part))
        return ERR_OK;
    if (is_part)
        return become(expecting->report, false, result, err);
    return expect_result(expecting->report, batch->resource,
                         batch->items[expecting->indexes[which]], result, err);
}

enum err_code expect_results(struct report *report, const struct mirror_batch *batch,
                             wire_result **results, struct err *err)
{
    struct arena *arena = report->arena;
    struct expecting expecting = {.report = report, .batch = batch};
    expecting.indexes = ARENA_ARRAY(arena, size_t, batch->count);
    for (size_t i = 0; i < batch->count && expecting.indexes != NULL; i++) {
        if (is_refused(results[i]))
            expecting.indexes[expecting.count++] = i;
    }
    if (expecting.count == 0)
        return ERR_OK;
    expecting.sids = ARENA_ARRAY(arena, struct str, expecting.count * REFERENCES);
    expecting.are_new = ARENA_ARRAY(arena, bool, expecting.count *REFERENCES);
    if (expecting.sids == NULL || expecting.are_new == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < expecting.count * REFERENCES; i++)
        expecting.sids[i] = str_from(
            field_text(batch->items[expecting.indexes[i / REFERENCES]], refers_to[i % REFERENCES]));
    enum err_code code = job_insist(report->job, arena, try_created, &expecting, err);
    if (code == ERR_OK)
        mark_unstored(&expecting);
    for (size_t i = 0; i < expecting.count && code == ERR_OK; i++)
        code = expect_one(&expecting, i, results[expecting.indexes[i]], err);
    return code;
}
