/* The resources that answer the browser SDK's requests, from the services. */
#include <string.h>

#include "base/macros.h"
#include "base/parse.h"
#include "eb_request.h"
#include "gateway.h"
#include "jx/jx.h"
#include "payload.h"
#include "pbjson/pbjson.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"
#include "upstream.h"

enum { PAGE_MAX = 1000, RESERVATIONS_MAX = 100 };

/* ---- from the services ---- */

/* proto3 JSON of a message: what payload.h reads. */
static enum err_code json_of(const ProtobufCMessage *message, json_t **out, struct err *err)
{
    struct buf text;
    struct jx_limits limits = {.max_bytes = 4 << 20};
    buf_init(&text, 4 << 20);
    enum err_code code = pbjson_encode(message, &pbjson_canonical, &text, err);
    if (code == ERR_OK)
        code = jx_parse_object(buf_str(&text), &limits, out, err);
    buf_fini(&text);
    return code;
}

/* The request's text fields are char *: the arena's copies. */
static char *own(struct call *call, const char *text)
{
    return arena_strdup(call->arena, text);
}

#define ASK(peer_, service, method_, request_, reply_, out_)                                       \
    upstream_call(gateway, call, peer_, "/taskrouter." service "/" method_, &(request_).base,      \
                  &reply_##__descriptor, (ProtobufCMessage **)(out_), err)

static enum err_code show_worker(struct gateway *gateway, struct call *call,
                                 const struct eb_request *request, json_t **out, struct err *err)
{
    AUTO(jx_cleanup) json_t *json = NULL;
    ProtobufCMessage *reply = NULL;
    Taskrouter__Workers__V1__GetWorkerRequest ask;
    taskrouter__workers__v1__get_worker_request__init(&ask);
    ask.workspace_sid = own(call, request->workspace_sid);
    ask.sid = own(call, request->sids[0]);
    enum err_code code = ASK(PEER_WORKERS, "workers.v1.Workers", "GetWorker", ask,
                             taskrouter__workers__v1__worker, &reply);
    if (code == ERR_OK)
        code = json_of(reply, &json, err);
    if (code == ERR_OK)
        *out = payload_worker(json);
    return code;
}

static enum err_code task_json(struct gateway *gateway, struct call *call, const char *workspace,
                               const char *sid, json_t **out, struct err *err)
{
    ProtobufCMessage *reply = NULL;
    Taskrouter__Tasks__V1__GetTaskRequest ask;
    taskrouter__tasks__v1__get_task_request__init(&ask);
    ask.workspace_sid = own(call, workspace);
    ask.sid = own(call, sid);
    enum err_code code =
        ASK(PEER_TASKS, "tasks.v1.Tasks", "GetTask", ask, taskrouter__tasks__v1__task, &reply);
    return code == ERR_OK ? json_of(reply, out, err) : code;
}

static enum err_code show_task(struct gateway *gateway, struct call *call,
                               const struct eb_request *request, json_t **out, struct err *err)
{
    AUTO(jx_cleanup) json_t *json = NULL;
    enum err_code code =
        task_json(gateway, call, request->workspace_sid, request->sids[0], &json, err);
    if (code == ERR_OK)
        *out = payload_task(json);
    return code;
}

/* With its task, which may be gone already: then it has none of its members. */
static enum err_code with_task(struct gateway *gateway, struct call *call, const char *workspace,
                               const json_t *reservation, json_t **out, struct err *err)
{
    AUTO(jx_cleanup) json_t *task = NULL;
    enum err_code code =
        task_json(gateway, call, workspace, jx_get_text(reservation, "taskSid", ""), &task, err);
    if (code != ERR_OK && code != ERR_NOT_FOUND)
        return code;
    err_clear(err);
    *out = payload_reservation(reservation, task);
    return ERR_OK;
}

static enum err_code show_reservation(struct gateway *gateway, struct call *call,
                                      const struct eb_request *request, json_t **out,
                                      struct err *err)
{
    AUTO(jx_cleanup) json_t *json = NULL;
    ProtobufCMessage *reply = NULL;
    Taskrouter__Tasks__V1__GetReservationRequest ask;
    taskrouter__tasks__v1__get_reservation_request__init(&ask);
    ask.workspace_sid = own(call, request->workspace_sid);
    ask.sid = own(call, request->sids[1]);
    enum err_code code = ASK(PEER_TASKS, "tasks.v1.Tasks", "GetReservation", ask,
                             taskrouter__tasks__v1__reservation, &reply);
    if (code == ERR_OK)
        code = json_of(reply, &json, err);
    if (code == ERR_OK && strcmp(jx_get_text(json, "workerSid", ""), request->sids[0]) != 0)
        code = ERR_SET(err, ERR_NOT_FOUND, "RESERVATION_NOT_FOUND",
                       "the worker has no such reservation");
    return code == ERR_OK ? with_task(gateway, call, request->workspace_sid, json, out, err) : code;
}

static enum err_code show_channel(struct gateway *gateway, struct call *call,
                                  const struct eb_request *request, json_t **out, struct err *err)
{
    AUTO(jx_cleanup) json_t *json = NULL;
    ProtobufCMessage *reply = NULL;
    Taskrouter__Workers__V1__GetWorkerChannelRequest ask;
    taskrouter__workers__v1__get_worker_channel_request__init(&ask);
    ask.workspace_sid = own(call, request->workspace_sid);
    ask.worker_sid = own(call, request->sids[0]);
    ask.channel = own(call, request->sids[1]);
    enum err_code code = ASK(PEER_WORKERS, "workers.v1.Workers", "GetWorkerChannel", ask,
                             taskrouter__workers__v1__worker_channel, &reply);
    if (code == ERR_OK)
        code = json_of(reply, &json, err);
    if (code == ERR_OK)
        *out = payload_channel(json);
    return code;
}

/* ---- lists: {"contents", "after_sid"}; the SID is our cursor, opaque to the SDK ---- */

static int32_t page_size(const struct eb_request *request, int32_t most)
{
    int64_t size = most;
    (void)parse_i64(http_params_get(&request->params, "PageSize"), 1, most, &size);
    return (int32_t)size;
}

static char *cursor_of(struct call *call, const struct eb_request *request)
{
    struct str after = http_params_get(&request->params, "AfterSid");
    return own(call, after.ptr == NULL ? "" : after.ptr);
}

/* Takes contents. */
static json_t *page_of(json_t *contents, const json_t *reply)
{
    const char *next = jx_get_text(reply, "nextCursor", "");
    return json_pack("{s:o, s:o}", "contents", contents, "after_sid",
                     next[0] == '\0' ? json_null() : json_string(next));
}

static json_t *shown_items(const json_t *reply, json_t *(*shape)(const json_t *item))
{
    const json_t *items = jx_get(reply, "items");
    json_t *contents = json_array();
    for (size_t i = 0; i < json_array_size(items); i++)
        (void)json_array_append_new(contents, shape(json_array_get(items, i)));
    return contents;
}

static enum err_code show_activities(struct gateway *gateway, struct call *call,
                                     const struct eb_request *request, json_t **out,
                                     struct err *err)
{
    AUTO(jx_cleanup) json_t *json = NULL;
    ProtobufCMessage *reply = NULL;
    Taskrouter__Workers__V1__ListActivitiesRequest ask;
    taskrouter__workers__v1__list_activities_request__init(&ask);
    ask.workspace_sid = own(call, request->workspace_sid);
    ask.page_size = page_size(request, PAGE_MAX);
    ask.cursor = cursor_of(call, request);
    enum err_code code = ASK(PEER_WORKERS, "workers.v1.Workers", "ListActivities", ask,
                             taskrouter__workers__v1__list_activities_response, &reply);
    if (code == ERR_OK)
        code = json_of(reply, &json, err);
    if (code == ERR_OK)
        *out = page_of(shown_items(json, payload_activity), json);
    return code;
}

static enum err_code show_channels(struct gateway *gateway, struct call *call,
                                   const struct eb_request *request, json_t **out, struct err *err)
{
    AUTO(jx_cleanup) json_t *json = NULL;
    ProtobufCMessage *reply = NULL;
    Taskrouter__Workers__V1__ListWorkerChannelsRequest ask;
    taskrouter__workers__v1__list_worker_channels_request__init(&ask);
    ask.workspace_sid = own(call, request->workspace_sid);
    ask.worker_sid = own(call, request->sids[0]);
    ask.page_size = page_size(request, PAGE_MAX);
    ask.cursor = cursor_of(call, request);
    enum err_code code = ASK(PEER_WORKERS, "workers.v1.Workers", "ListWorkerChannels", ask,
                             taskrouter__workers__v1__list_worker_channels_response, &reply);
    if (code == ERR_OK)
        code = json_of(reply, &json, err);
    if (code == ERR_OK)
        *out = page_of(shown_items(json, payload_channel), json);
    return code;
}

static enum err_code with_tasks(struct gateway *gateway, struct call *call, const char *workspace,
                                const json_t *reply, json_t **out, struct err *err)
{
    const json_t *items = jx_get(reply, "items");
    json_t *contents = json_array();
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < json_array_size(items) && code == ERR_OK; i++) {
        json_t *shown = NULL;
        code = with_task(gateway, call, workspace, json_array_get(items, i), &shown, err);
        if (code == ERR_OK)
            (void)json_array_append_new(contents, shown);
    }
    if (code != ERR_OK) {
        json_decref(contents);
        return code;
    }
    *out = page_of(contents, reply);
    return ERR_OK;
}

/* Active: those that a worker still has something to do with. */
static enum err_code show_reservations(struct gateway *gateway, struct call *call,
                                       const struct eb_request *request, json_t **out,
                                       struct err *err)
{
    AUTO(jx_cleanup) json_t *json = NULL;
    ProtobufCMessage *reply = NULL;
    Taskrouter__Tasks__V1__ReservationStatus active[] = {
        TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_PENDING,
        TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_ACCEPTED,
        TASKROUTER__TASKS__V1__RESERVATION_STATUS__RESERVATION_STATUS_WRAPPING,
    };
    bool is_active = false;
    Taskrouter__Tasks__V1__ListReservationsRequest ask;
    taskrouter__tasks__v1__list_reservations_request__init(&ask);
    (void)parse_bool(http_params_get(&request->params, "Active"), &is_active);
    if (is_active) {
        ask.reservation_status = active;
        ask.n_reservation_status = ARRAY_LEN(active);
    }
    ask.workspace_sid = own(call, request->workspace_sid);
    ask.worker_sid = own(call, request->sids[0]);
    ask.page_size = page_size(request, RESERVATIONS_MAX); /* each brings its task */
    ask.cursor = cursor_of(call, request);
    enum err_code code = ASK(PEER_TASKS, "tasks.v1.Tasks", "ListReservations", ask,
                             taskrouter__tasks__v1__list_reservations_response, &reply);
    if (code == ERR_OK)
        code = json_of(reply, &json, err);
    return code == ERR_OK ? with_tasks(gateway, call, request->workspace_sid, json, out, err)
                          : code;
}

/* ---- which ---- */

typedef enum err_code show_fn(struct gateway *gateway, struct call *call,
                              const struct eb_request *request, json_t **out, struct err *err);

static show_fn *const shows[EB_KIND_COUNT] = {
    [EB_ACTIVITIES] = show_activities,
    [EB_WORKER] = show_worker,
    [EB_CHANNELS] = show_channels,
    [EB_CHANNEL] = show_channel,
    [EB_RESERVATIONS] = show_reservations,
    [EB_RESERVATION] = show_reservation,
    [EB_TASK] = show_task,
};

enum err_code eb_request_show(struct gateway *gateway, struct call *call,
                              const struct eb_request *request, json_t **out, struct err *err)
{
    return shows[request->kind](gateway, call, request, out, err);
}
