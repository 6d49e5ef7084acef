#include <string.h>

#include "base/clock.h"
#include "log/log.h"
#include "message_fields.h"
#include "mirror.h"
#include "svc/mirror.h"
#include "writes_int.h"

enum { KEEP_TRIES = 3 };

typedef Taskrouter__Common__V1__MirrorResult mirror_result_wire;

static enum err_code fail_not_stored(const struct write *w, const char *why, struct err *err)
{
    return ERR_SET(err, ERR_UNAVAILABLE, "NOT_STORED_YET",
                   "Twilio has carried this out (%s %s), but it could not be stored here yet and "
                   "will be by itself; do not repeat it unless with the same idempotency key: %s",
                   twilio_noun(w->op->resource), w->sid, why);
}

static enum err_code put_one(const struct write *w, enum twilio_resource resource,
                             ProtobufCMessage *item, int64_t observed_at_us,
                             mirror_result_wire **out, struct err *err)
{
    mirror_result_wire **results = NULL;
    const char *workspace_sid =
        resource == TWILIO_WORKSPACE ? field_text(item, "sid") : field_text(item, "workspace_sid");
    enum err_code code = mirror_put(w->writes->options.host, w->call,
                                    &(struct mirror_batch){.resource = resource,
                                                           .workspace_sid = workspace_sid,
                                                           .items = &item,
                                                           .count = 1,
                                                           .observed_at_us = observed_at_us},
                                    &results, err);
    if (code == ERR_OK)
        *out = results[0];
    return code;
}

/* Something made at Twilio itself, which we have not heard of: it is read and put first. */
static enum err_code put_unknown(struct write *w, enum twilio_resource resource, const char *sid,
                                 struct err *err)
{
    ProtobufCMessage *item = NULL;
    mirror_result_wire *result = NULL;
    int64_t at_us = clock_now_us();
    const char *path =
        sid[0] == '\0' ? NULL : twilio_path(w->call->arena, resource, w->workspace_sid, "", sid);
    if (path == NULL)
        return ERR_OK;
    enum err_code code = upstream_get(w->writes, w->call, resource, path, &item, NULL, err);
    if (code != ERR_OK || item == NULL)
        return code;
    return put_one(w, resource, item, at_us, &result, err);
}

/* What the resource names; a conflict may be due to it. */
static enum err_code put_named(struct write *w, struct err *err)
{
    static const struct {
        const char *field;
        enum twilio_resource resource;
    } named[] = {
        {"activity_sid",             TWILIO_ACTIVITY    },
        {"default_activity_sid",     TWILIO_ACTIVITY    },
        {"reservation_activity_sid", TWILIO_ACTIVITY    },
        {"assignment_activity_sid",  TWILIO_ACTIVITY    },
        {"task_channel_sid",         TWILIO_TASK_CHANNEL},
        {"task_queue_sid",           TWILIO_TASK_QUEUE  },
        {"workflow_sid",             TWILIO_WORKFLOW    },
        {"worker_sid",               TWILIO_WORKER      },
        {"task_sid",                 TWILIO_TASK        },
    };
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < ARRAY_LEN(named) && code == ERR_OK; i++)
        code = put_unknown(w, named[i].resource, field_text(w->resource, named[i].field), err);
    return code;
}

/* With what is ours of the request, where that was carried out. Reads again what is older than our
 * row. *out NULL: it is gone, and so is the row. */
static enum err_code store(struct write *w, bool is_told, const mirror_result_wire **out,
                           struct err *err)
{
    for (int i = 0; i < KEEP_TRIES; i++) {
        mirror_result_wire *result = NULL;
        if (is_told)
            write_add_ours(w->call->arena, w->op, w->request, w->resource);
        enum err_code code =
            put_one(w, w->op->resource, w->resource, w->observed_at_us, &result, err);
        if (code != ERR_OK)
            return code;
        *out = result;
        if (result->outcome == MIRROR_STALE) /* something newer came in between: read it again */
            code = write_fetch(w, err);
        else if (result->outcome == MIRROR_CONFLICTING)
            code = put_named(w, err);
        else
            return ERR_OK;
        if (code != ERR_OK)
            return code;
        if (w->is_gone) { /* and already deleted again */
            write_vanish(w);
            *out = NULL;
            return ERR_OK;
        }
    }
    return ERR_OK;
}

static enum err_code keep_resource(struct write *w, struct err *err)
{
    const mirror_result_wire *result = NULL;
    struct err why = {.code = ERR_OK};
    if (store(w, true, &result, &why) != ERR_OK)
        return fail_not_stored(w, why.detail, err);
    /* STALE: newer than anything we can say */
    return result != NULL && result->outcome == MIRROR_CONFLICTING
               ? fail_not_stored(w, result->detail, err)
               : ERR_OK;
}

enum err_code write_keep_seen(struct write *w, struct err *err)
{
    const mirror_result_wire *result = NULL;
    enum err_code code = store(w, false, &result, err);
    if (code != ERR_OK || result == NULL)
        return code;
    if (result->outcome == MIRROR_STALE)
        return ERR_SET(err, ERR_ABORTED, "VERSION_MISMATCH",
                       "the resource changes while it is looked at; read it again and repeat the "
                       "change");
    if (result->outcome == MIRROR_CONFLICTING)
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "NOT_IN_STEP",
                       "what Twilio has is not what is here, and could not be stored, so no "
                       "version can be told: %s",
                       result->detail);
    return ERR_OK;
}

/* One kind of what something was born with. All of it is in one page. */
static enum err_code put_born(struct write *w, enum twilio_resource resource,
                              const char *workspace_sid, struct err *err)
{
    struct upstream_reply reply;
    struct twilio_page page;
    mirror_result_wire **results = NULL;
    int64_t at_us = clock_now_us();
    const char *path = twilio_path(w->call->arena, resource, workspace_sid, w->sid, NULL);
    if (path == NULL)
        return call_no_room(err);
    enum err_code code = upstream_call(
        w->writes->options.upstream, w->call,
        &(struct upstream_request){.method = HTTPC_GET, .path = str_from(path)}, &reply, err);
    if (code == ERR_OK)
        code = twilio_read_page(w->call->arena, resource, reply.body, &page, err);
    ProtobufCMessage **items =
        code == ERR_OK ? ARENA_ARRAY(w->call->arena, ProtobufCMessage *, page.count) : NULL;
    if (items == NULL)
        return code == ERR_OK ? call_no_room(err) : code;
    size_t count = 0;
    for (size_t i = 0; i < page.count; i++) {
        if (page.items[i].message != NULL)
            items[count++] = page.items[i].message;
    }
    return mirror_put(w->writes->options.host, w->call,
                      &(struct mirror_batch){.resource = resource,
                                             .workspace_sid = workspace_sid,
                                             .items = items,
                                             .count = count,
                                             .observed_at_us = at_us},
                      &results, err);
}

/* Workspaces come with activities and more, workers with channels. What cannot be had now comes
 * with the next sync. */
static void keep_born(struct write *w)
{
    static const struct {
        enum twilio_resource of;
        enum twilio_resource kind;
    } born[] = {
        {TWILIO_WORKSPACE, TWILIO_ACTIVITY      },
        {TWILIO_WORKSPACE, TWILIO_TASK_CHANNEL  },
        {TWILIO_WORKSPACE, TWILIO_TASK_QUEUE    },
        {TWILIO_WORKSPACE, TWILIO_WORKFLOW      },
        {TWILIO_WORKER,    TWILIO_WORKER_CHANNEL},
    };
    struct err err = {.code = ERR_OK};
    const char *workspace_sid = w->op->resource == TWILIO_WORKSPACE ? w->sid : w->workspace_sid;
    for (size_t i = 0; i < ARRAY_LEN(born); i++) {
        if (w->op->kind != WRITE_CREATE || w->op->resource != born[i].of)
            continue;
        err_clear(&err);
        if (put_born(w, born[i].kind, workspace_sid, &err) != ERR_OK)
            LOG_WARN(w->call, "what something was born with is left to the next sync",
                     LOG_STR("sid", w->sid), LOG_STR("kind", twilio_noun(born[i].kind)),
                     LOG_ERR(&err));
    }
}

static enum err_code keep_gone(struct write *w, struct err *err)
{
    struct err why = {.code = ERR_OK};
    mirror_result_wire **results = NULL;
    ProtobufCMessage *row = NULL;
    const char *sid = w->sid;
    struct rpc_client *owner = w->writes->options.host->as_service[mirror_owner(w->op->resource)];
    if (w->op->resource == TWILIO_WORKER_CHANNEL)
        return ERR_OK; /* goes with its worker */
    enum err_code code = ERR_OK;
    if (w->op->resource == TWILIO_TASK_CHANNEL) { /* it may be named by its unique name */
        code = mirror_get(owner, w->call, w->op->resource, w->workspace_sid, "", sid, &row, &why);
        if (code == ERR_NOT_FOUND)
            return ERR_OK;
        sid = code == ERR_OK ? field_text(row, "sid") : sid;
    }
    if (code == ERR_OK)
        code = mirror_vanish(
            w->writes->options.host, w->call,
            &(struct mirror_gone){
                .resource = w->op->resource,
                .workspace_sid = w->workspace_sid,
                .sids = &sid,
                .count = 1,
                .observed_at_us = w->observed_at_us,
                .is_deleted = w->op->kind == WRITE_DELETE && w->op->resource == TWILIO_TASK,
            },
            &results, &why);
    return code == ERR_OK || code == ERR_NOT_FOUND ? ERR_OK : fail_not_stored(w, why.detail, err);
}

enum err_code write_keep(struct write *w, struct err *err)
{
    if (w->is_gone)
        return keep_gone(w, err);
    enum err_code code = keep_resource(w, err);
    if (code == ERR_OK && !w->is_gone)
        keep_born(w);
    return code;
}

void write_vanish(struct write *w)
{
    struct err err = {.code = ERR_OK};
    if (keep_gone(w, &err) != ERR_OK)
        LOG_WARN(w->call, "what Twilio does not know any more is left to the next sync",
                 LOG_STR("sid", w->sid), LOG_ERR(&err));
}

enum err_code write_reply(struct write *w, ProtobufCMessage **out, struct err *err)
{
    struct err why = {.code = ERR_OK};
    *out = NULL;
    if (w->op->reply == NULL)
        return ERR_OK;
    enum err_code code = write_row(w, out, &why);
    if (code == ERR_NOT_FOUND)
        return ERR_SET(err, code, "UPSTREAM_NOT_FOUND", "it was done and is gone again: %s",
                       why.detail);
    return code == ERR_OK ? ERR_OK : fail_not_stored(w, why.detail, err);
}
