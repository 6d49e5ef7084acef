/*
 * grpc.health.v1: open to everybody and never behind the worker pool. A watcher is sent a status
 * when it comes and at each change; one message is under way per watcher, so a slow one sees the
 * latest state and costs no memory.
 */
#include <string.h>

#include "grpc/health/v1/health.pb-c.h"
#include "server_int.h"

static grpc_byte_buffer *status_pack(int status)
{
    Grpc__Health__V1__HealthCheckResponse response;
    grpc__health__v1__health_check_response__init(&response);
    response.status = (Grpc__Health__V1__HealthCheckResponse__ServingStatus)status;
    return message_pack(&response.base);
}

/* "" is the server as a whole; else a service with a method here. */
static bool is_served(const struct rpc_server *server, const char *service)
{
    size_t len = strlen(service);
    if (len == 0)
        return true;
    for (const struct method *method = server->methods; method != NULL; method = method->next) {
        if (strncmp(method->path + 1, service, len) == 0 && method->path[len + 1] == '/')
            return true;
    }
    return false;
}

static enum err_code service_read(struct server_call *call, const char **out_service,
                                  struct err *err)
{
    ProtobufCMessage *message = NULL;
    enum err_code code =
        message_unpack(call->payload, call->arena,
                       &grpc__health__v1__health_check_request__descriptor, &message, err);
    if (code == ERR_OK)
        *out_service = ((Grpc__Health__V1__HealthCheckRequest *)(void *)message)->service;
    return code;
}

static int status_now(bool is_serving)
{
    return is_serving ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
                      : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING;
}

void health_check(struct server_call *call)
{
    struct rpc_server *server = call->loop->server;
    const char *service = "";
    struct err err;
    enum err_code code = service_read(call, &service, &err);
    if (code == ERR_OK && !is_served(server, service))
        code =
            ERR_SET(&err, ERR_NOT_FOUND, "SERVICE_UNKNOWN", "there is no service %s here", service);
    lock_take(&server->watch_lock);
    int status = status_now(server->is_serving);
    lock_drop(&server->watch_lock);
    call_answer(call, code == ERR_OK ? status_pack(status) : NULL, code == ERR_OK ? NULL : &err);
}

/* Under watch_lock: a status that the watcher has not been sent. */
static bool has_news(const struct server_call *call)
{
    if (call->watch_status ==
        GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN)
        return false; /* for good: services are added before the start only */
    return call->watch_status != status_now(call->loop->server->is_serving);
}

/* Under watch_lock; true: there is something to send, which the caller does outside the lock. */
static bool watch_claim(struct server_call *call)
{
    bool is_ending = call->is_watch_gone || atomic_load(&call->loop->server->is_draining);
    if (call->is_watch_sending || call->is_watch_over || !(is_ending || has_news(call)))
        return false;
    call->is_watch_sending = true;
    return true;
}

/* Sends the news or, when there is none and the watch ends, the status. By who claimed it. */
static void watch_send(struct server_call *call)
{
    struct rpc_server *server = call->loop->server;
    struct batch batch;
    struct err err;
    batch_init(&batch);
    lock_take(&server->watch_lock);
    bool is_gone = call->is_watch_gone;
    bool is_over = is_gone || !has_news(call);
    if (is_over) {
        call->is_watch_over = true;
        list_remove(&call->watch_node);
        server->watch_count--;
    } else {
        call->watch_status = status_now(server->is_serving);
    }
    int status = call->watch_status;
    lock_drop(&server->watch_lock);
    if (!is_over) {
        call->outgoing = status_pack(status);
        batch_add_message(&batch, call->outgoing, 0);
        batch_go(&batch, call, &call->sent);
        return;
    }
    call->code = is_gone ? ERR_OK : ERR_UNAVAILABLE;
    (void)ERR_SET(&err, ERR_UNAVAILABLE, "SERVER_STOPPING", "the server is stopping");
    batch_add_status(&batch, call, &err);
    batch_go(&batch, call, &call->replied);
}

static void watch_advance(struct server_call *call)
{
    struct rpc_server *server = call->loop->server;
    lock_take(&server->watch_lock);
    bool is_mine = watch_claim(call);
    lock_drop(&server->watch_lock);
    if (is_mine)
        watch_send(call);
}

static void watch_sent(struct core_tag *tag, bool ok)
{
    struct server_call *call = CONTAINER_OF(tag, struct server_call, sent);
    struct rpc_server *server = call->loop->server;
    (void)ok; /* a lost caller shows in the close event */
    grpc_byte_buffer_destroy(TAKE(call->outgoing));
    lock_take(&server->watch_lock);
    call->is_watch_sending = false;
    lock_drop(&server->watch_lock);
    watch_advance(call);
}

static void watch_closed(struct core_tag *tag, bool ok)
{
    struct server_call *call = CONTAINER_OF(tag, struct server_call, closed);
    struct rpc_server *server = call->loop->server;
    (void)ok;
    lock_take(&server->watch_lock);
    call->is_watch_gone = true;
    lock_drop(&server->watch_lock);
    watch_advance(call);
    call_event_done(call);
}

void health_watch(struct server_call *call)
{
    struct rpc_server *server = call->loop->server;
    const char *service = "";
    struct err err;
    enum err_code code = service_read(call, &service, &err);
    lock_take(&server->watch_lock);
    bool has_room = code == ERR_OK && server->watch_count < MAX_WATCHERS;
    if (has_room) {
        server->watch_count++;
        call->is_watch_gone = false;
        call->is_watch_sending = true; /* until the first message is on its way */
        call->is_watch_over = false;
    }
    lock_drop(&server->watch_lock);
    if (!has_room) {
        if (code == ERR_OK)
            (void)ERR_SET(&err, ERR_RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS",
                          "%d watchers are here already; use Check", MAX_WATCHERS);
        call_answer(call, NULL, &err);
        return;
    }
    call->events_left = 2;
    call->sent.done = watch_sent;
    call->closed.done = watch_closed;
    bool is_unknown = !is_served(server, service);
    struct batch batch;
    batch_init(&batch);
    batch_add_close(&batch, call);
    batch_go(&batch, call, &call->closed);

    lock_take(&server->watch_lock);
    int status = is_unknown
                     ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN
                     : status_now(server->is_serving);
    call->watch_status = status;
    list_append(&server->watchers, &call->watch_node);
    lock_drop(&server->watch_lock);
    call->outgoing = status_pack(status);
    batch_init(&batch);
    batch_add_headers(&batch);
    batch_add_message(&batch, call->outgoing, 0);
    batch_go(&batch, call, &call->sent);
}

/* Claimed watchers cannot go away before we send: the loop recycles only what is not sending. */
static void watchers_advance(struct rpc_server *server)
{
    struct server_call *claimed = NULL;
    lock_take(&server->watch_lock);
    for (struct list_node *node = list_first(&server->watchers); node != NULL;
         node = list_next(&server->watchers, node)) {
        struct server_call *call = LIST_ENTRY(node, struct server_call, watch_node);
        if (watch_claim(call)) {
            call->watch_next = claimed;
            claimed = call;
        }
    }
    lock_drop(&server->watch_lock);
    while (claimed != NULL) {
        struct server_call *call = claimed;
        claimed = call->watch_next;
        watch_send(call);
    }
}

void rpc_server_set_serving(struct rpc_server *server, bool is_serving)
{
    lock_take(&server->watch_lock);
    server->is_serving = is_serving && !atomic_load(&server->is_draining);
    lock_drop(&server->watch_lock);
    watchers_advance(server);
}

void health_end(struct rpc_server *server)
{
    watchers_advance(server);
}
