#include "base/clock.h"
#include "ingest_int.h"
#include "log/log.h"
#include "message_fields.h"
#include "mirror.h"
#include "upstream.h"

enum { STATUS_OK = 200, STATUS_NOT_FOUND = 404, PAGE_SIZE = 100 };

/* ---- asking ---- */

/* *out_body empty: 404. */
static enum err_code ask(struct ingesting *in, const char *path, struct str *out_body,
                         struct err *err)
{
    struct upstream_reply reply;
    *out_body = (struct str){NULL, 0};
    if (path == NULL)
        return call_no_room(err);
    enum err_code code = upstream_call(
        in->ingest->options.upstream, in->call,
        &(struct upstream_request){.method = HTTPC_GET, .path = str_from(path)}, &reply, err);
    in->has_asked = true;
    if (code != ERR_OK || reply.status == STATUS_NOT_FOUND)
        return code;
    if (reply.status != STATUS_OK)
        return ERR_SET(err, ERR_UNAVAILABLE, "UPSTREAM_UNEXPECTED",
                       "Twilio answered %d to a request for a resource: %.200s", reply.status,
                       reply.message);
    *out_body = reply.body;
    return ERR_OK;
}

static enum err_code ask_one(struct ingesting *in, enum twilio_resource resource, const char *sid,
                             ProtobufCMessage **out, struct err *err)
{
    struct arena *arena = in->call->arena;
    struct str body = {NULL, 0};
    *out = NULL;
    enum err_code code =
        ask(in, twilio_path(arena, resource, in->form->workspace_sid, NULL, sid), &body, err);
    return code == ERR_OK && body.ptr != NULL ? twilio_read(arena, resource, body, out, err) : code;
}

/* ---- storing ---- */

enum err_code ingest_put(struct ingesting *in, enum twilio_resource resource,
                         ProtobufCMessage *item, int64_t observed_at_us, ingest_result **out,
                         struct err *err)
{
    ingest_result **results = NULL;
    const struct mirror_batch batch = {
        .resource = resource,
        .workspace_sid = in->form->workspace_sid,
        .items = &item,
        .count = 1,
        .observed_at_us = observed_at_us,
    };
    enum err_code code = mirror_put(in->ingest->options.host, in->call, &batch, &results, err);
    if (code != ERR_OK)
        return code;
    *out = results[0];
    if (results[0]->outcome == TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_CONFLICTING)
        LOG_WARN(in->call, "a resource of Twilio cannot be stored beside what we have",
                 LOG_STR("sid", field_text(item, "sid")), LOG_STR("detail", results[0]->detail));
    else
        known_add(in->ingest->known, field_text(item, "sid"));
    return ERR_OK;
}

enum err_code ingest_ours(struct ingesting *in, enum twilio_resource resource,
                          const char *parent_sid, const char *sid, ProtobufCMessage **out,
                          struct err *err)
{
    struct rpc_client *owner = in->ingest->options.host->as_service[mirror_owner(resource)];
    enum err_code code =
        mirror_get(owner, in->call, resource, in->form->workspace_sid, parent_sid, sid, out, err);
    if (code != ERR_NOT_FOUND)
        return code;
    err_clear(err);
    *out = NULL;
    return ERR_OK;
}

/* ---- what a resource refers to ---- */

static const struct {
    enum twilio_resource of;
    const char *field;
    enum twilio_resource to;
} references[] = {
    {TWILIO_WORKER,         "activity_sid",             TWILIO_ACTIVITY    },
    {TWILIO_TASK_QUEUE,     "reservation_activity_sid", TWILIO_ACTIVITY    },
    {TWILIO_TASK_QUEUE,     "assignment_activity_sid",  TWILIO_ACTIVITY    },
    {TWILIO_WORKER_CHANNEL, "task_channel_sid",         TWILIO_TASK_CHANNEL},
    {TWILIO_TASK,           "workflow_sid",             TWILIO_WORKFLOW    },
    {TWILIO_TASK,           "task_queue_sid",           TWILIO_TASK_QUEUE  },
    {TWILIO_TASK,           "task_channel_sid",         TWILIO_TASK_CHANNEL},
};

/* Goes no further than to activities, which refer to nothing. */
static enum err_code ensure_references(struct ingesting *in, enum twilio_resource resource,
                                       const ProtobufCMessage *item, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < ARRAY_LEN(references) && code == ERR_OK; i++)
        if (references[i].of == resource)
            code = ingest_ensure(in, references[i].to, field_text(item, references[i].field), err);
    return code;
}

enum err_code ingest_fetch(struct ingesting *in, enum twilio_resource resource, const char *sid,
                           ingest_result **out, struct err *err)
{
    ProtobufCMessage *item = NULL;
    int64_t asked_at_us = clock_now_us();
    *out = NULL;
    enum err_code code = ask_one(in, resource, sid, &item, err);
    if (code != ERR_OK || item == NULL)
        return code;
    code = ensure_references(in, resource, item, err);
    return code == ERR_OK ? ingest_put(in, resource, item, asked_at_us, out, err) : code;
}

static bool is_news(const ingest_result *result)
{
    return result->outcome == TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_CREATED ||
           result->outcome == TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_UPDATED;
}

enum err_code ingest_fetch_channels(struct ingesting *in, const char *worker_sid,
                                    ingest_result **out, struct err *err)
{
    struct arena *arena = in->call->arena;
    struct str body = {NULL, 0};
    struct twilio_page page = {.items = NULL};
    int64_t asked_at_us = clock_now_us();
    const char *path =
        twilio_path(arena, TWILIO_WORKER_CHANNEL, in->form->workspace_sid, worker_sid, NULL);
    *out = NULL;
    if (path != NULL)
        path = arena_printf(arena, "%s?PageSize=%d", path, PAGE_SIZE);
    enum err_code code = ask(in, path, &body, err);
    if (code == ERR_OK && body.ptr != NULL)
        code = twilio_read_page(arena, TWILIO_WORKER_CHANNEL, body, &page, err);
    for (size_t i = 0; i < page.count && code == ERR_OK; i++) {
        ingest_result *result = NULL;
        ProtobufCMessage *item = page.items[i].message;
        if (item == NULL)
            continue;
        code = ensure_references(in, TWILIO_WORKER_CHANNEL, item, err);
        if (code == ERR_OK)
            code = ingest_put(in, TWILIO_WORKER_CHANNEL, item, asked_at_us, &result, err);
        if (code == ERR_OK && (*out == NULL || !is_news(*out)))
            *out = result;
    }
    return code;
}

enum err_code ingest_ensure(struct ingesting *in, enum twilio_resource resource, const char *sid,
                            struct err *err)
{
    ProtobufCMessage *ours = NULL;
    ingest_result *result = NULL;
    if (sid[0] == '\0' || known_has(in->ingest->known, sid))
        return ERR_OK;
    enum err_code code = ingest_ours(in, resource, NULL, sid, &ours, err);
    if (code == ERR_OK && ours == NULL)
        code = ingest_fetch(in, resource, sid, &result, err);
    if (code == ERR_OK && ours == NULL && result != NULL && resource == TWILIO_WORKER)
        code = ingest_fetch_channels(in, sid, &result, err);
    if (code == ERR_OK)
        known_add(in->ingest->known, sid); /* or Twilio has it no more */
    return code;
}
