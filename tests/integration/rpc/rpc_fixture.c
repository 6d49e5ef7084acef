#include "rpc_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

static enum err_code gate_pass(struct fixture *f)
{
    lock_take(&f->lock);
    f->blocked++;
    cond_broadcast(&f->changed);
    while (!f->is_gate_open)
        cond_wait(&f->changed, &f->lock);
    lock_drop(&f->lock);
    return ERR_OK;
}

static enum err_code until_deadline(struct fixture *f, const struct call *call, struct err *err)
{
    lock_take(&f->lock);
    while (call_left_us(call) > 0)
        (void)cond_wait_until(&f->changed, &f->lock, call->deadline_mono_us);
    lock_drop(&f->lock);
    return call_check(call, err);
}

static enum err_code relay(struct fixture *f, struct call *call, task_queue **out, struct err *err)
{
    get_request request;
    taskrouter__queues__v1__get_task_queue_request__init(&request);
    char who[] = "who";
    char missing[] = "missing";
    request.sid = call->who.role == ROLE_AGENT ? missing : who;
    lock_take(&f->lock); /* the sanitizer cannot see that the request came after the peer was set */
    struct rpc_client *peer = f->peer;
    lock_drop(&f->lock);
    return RPC_CALL(peer, call, QUEUES "GetTaskQueue", &request.base,
                    taskrouter__queues__v1__task_queue, out, err);
}

static enum err_code get_queue(void *app, struct call *call, const get_request *request,
                               task_queue **out, struct err *err)
{
    struct fixture *f = app;
    const char *sid = request->sid;
    if (strcmp(sid, "missing") == 0)
        return ERR_SET(err, ERR_NOT_FOUND, "TASK_QUEUE_NOT_FOUND", "there is no queue %s", sid);
    if (strcmp(sid, "field") == 0)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "NAME_TOO_LONG", "friendly_name",
                         "friendly_name may have 64 characters; \"é\" is one");
    if (strcmp(sid, "internal") == 0)
        return ERR_SET(err, ERR_INTERNAL, "DISK_ON_FIRE", "secret table layout");
    if (strcmp(sid, "slow") == 0)
        return until_deadline(f, call, err);
    if (strcmp(sid, "relay") == 0)
        return relay(f, call, out, err);
    if (strcmp(sid, "block") == 0)
        (void)gate_pass(f);
    task_queue *queue = PB_NEW(call->arena, taskrouter__queues__v1__task_queue);
    if (strcmp(sid, "greedy") == 0) {
        while (arena_alloc(call->arena, 1 << 20) != NULL)
            continue;
        return ERR_OK; /* no reply could be made */
    }
    if (queue == NULL)
        return ERR_OK;
    queue->sid = arena_strdup(call->arena, sid);
    queue->workspace_sid = arena_strdup(call->arena, request->workspace_sid);
    queue->friendly_name =
        arena_printf(call->arena, "%s %s %s %s %s", role_name(call->who.role), call->who.actor_sid,
                     call->who.account_sid, call->who.worker_sid, call->who.workspace_sid);
    queue->target_workers = arena_strdup(call->arena, call->request_id);
    queue->account_sid = arena_strdup(call->arena, call->traceparent);
    queue->version = call_left_us(call);
    *out = queue;
    return ERR_OK;
}

struct pending {
    struct rpc_reply *reply;
    struct call *call;
    const Taskrouter__Queues__V1__CreateTaskQueueRequest *request;
};

static void *answer_later(void *arg)
{
    struct pending *pending = arg;
    struct rpc_reply *reply = pending->reply;
    const char *name = pending->request->friendly_name;
    if (name[0] == '\0') {
        struct err err;
        (void)ERR_FIELD(&err, ERR_INVALID_ARGUMENT, "NAME_MISSING", "friendly_name",
                        "friendly_name is needed");
        rpc_reply_fail(reply, &err);
        return NULL;
    }
    task_queue *queue = PB_NEW(pending->call->arena, taskrouter__queues__v1__task_queue);
    queue->friendly_name = arena_strdup(pending->call->arena, name);
    rpc_reply_finish(reply, strcmp(name, "empty") == 0 ? NULL : &queue->base);
    return NULL;
}

static void create_queue(void *app, struct call *call,
                         const Taskrouter__Queues__V1__CreateTaskQueueRequest *request,
                         struct rpc_reply *reply)
{
    (void)app;
    struct pending *pending = ARENA_NEW(call->arena, struct pending);
    *pending = (struct pending){reply, call, request};
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, answer_later, pending);
    INVARIANT(failed == 0);
    (void)pthread_detach(thread);
}

static enum err_code list_queues(void *app, struct call *call,
                                 const Taskrouter__Queues__V1__ListTaskQueuesRequest *request,
                                 Taskrouter__Queues__V1__ListTaskQueuesResponse **out,
                                 struct err *err)
{
    (void)app;
    (void)call;
    (void)request;
    (void)out; /* NULL: an empty reply */
    (void)err;
    return ERR_OK;
}

static enum err_code update_queue(void *app, struct call *call,
                                  const Taskrouter__Queues__V1__UpdateTaskQueueRequest *request,
                                  task_queue **out, struct err *err)
{
    (void)app;
    (void)call;
    (void)request;
    (void)out;
    (void)err;
    return ERR_OK;
}

static enum err_code get_channel(void *app, struct call *call,
                                 const Taskrouter__Queues__V1__GetTaskChannelRequest *request,
                                 Taskrouter__Queues__V1__TaskChannel **out, struct err *err)
{
    (void)app;
    (void)call;
    (void)request;
    (void)out;
    (void)err;
    return ERR_OK;
}

static enum err_code create_channel(void *app, struct call *call,
                                    const Taskrouter__Queues__V1__CreateTaskChannelRequest *request,
                                    Taskrouter__Queues__V1__TaskChannel **out, struct err *err)
{
    (void)app;
    (void)call;
    (void)request;
    (void)out;
    (void)err;
    return ERR_OK;
}

static enum err_code export_workers(void *app, struct call *call, const export_request *request,
                                    struct rpc_stream *stream, struct err *err)
{
    struct fixture *f = app;
    int count = (int)strlen(request->workspace_sid); /* one worker for each character */
    bool is_endless = strcmp(request->workspace_sid, "endless") == 0;
    enum err_code code = ERR_OK;
    for (int i = 0; code == ERR_OK && (is_endless || i < count); i++) {
        struct arena_mark mark = arena_mark(call->arena);
        Taskrouter__Workers__V1__Worker *worker =
            PB_NEW(call->arena, taskrouter__workers__v1__worker);
        worker->friendly_name = arena_printf(call->arena, "worker %d %02048d", i, i);
        code = rpc_stream_send(stream, &worker->base, err);
        arena_rewind(call->arena, mark);
        lock_take(&f->lock);
        f->streamed += code == ERR_OK ? 1 : 0;
        cond_broadcast(&f->changed);
        lock_drop(&f->lock);
    }
    if (code == ERR_OK && strcmp(request->workspace_sid, "abc!") == 0)
        code = ERR_FIELD(err, ERR_FAILED_PRECONDITION, "NO_MORE", "workspace_sid", "that was all");
    lock_take(&f->lock);
    f->streamed_code = code;
    cond_broadcast(&f->changed);
    lock_drop(&f->lock);
    return code;
}

static enum err_code update_channel(void *app, struct call *call,
                                    const Taskrouter__Queues__V1__UpdateTaskChannelRequest *request,
                                    Taskrouter__Queues__V1__TaskChannel **out_reply,
                                    struct err *err)
{
    (void)app;
    (void)call;
    (void)request;
    (void)out_reply; /* empty */
    (void)err;
    return ERR_OK;
}

static const struct rpc_method queue_methods[] = {
    RPC_UNARY("GetTaskQueue", get_queue, get_request, task_queue, 2000, ROLE_VIEWER, 0),
    RPC_ASYNC("CreateTaskQueue", create_queue, Taskrouter__Queues__V1__CreateTaskQueueRequest, 2000,
              ROLE_VIEWER),
    RPC_UNARY("ListTaskQueues", list_queues, Taskrouter__Queues__V1__ListTaskQueuesRequest,
              Taskrouter__Queues__V1__ListTaskQueuesResponse, 500, ROLE_VIEWER, RPC_INLINE),
    RPC_UNARY("UpdateTaskQueue", update_queue, Taskrouter__Queues__V1__UpdateTaskQueueRequest,
              task_queue, 2000, ROLE_SUPERVISOR, 0),
    RPC_UNARY("GetTaskChannel", get_channel, Taskrouter__Queues__V1__GetTaskChannelRequest,
              Taskrouter__Queues__V1__TaskChannel, 2000, ROLE_NONE, 0),
    RPC_UNARY("CreateTaskChannel", create_channel, Taskrouter__Queues__V1__CreateTaskChannelRequest,
              Taskrouter__Queues__V1__TaskChannel, 2000, ROLE_SERVICE, 0),
    RPC_UNARY("UpdateTaskChannel", update_channel, Taskrouter__Queues__V1__UpdateTaskChannelRequest,
              Taskrouter__Queues__V1__TaskChannel, 2000, ROLE_SUPERVISOR, RPC_FORWARDED),
};
static const struct rpc_method worker_methods[] = {
    RPC_STREAM("ExportWorkers", export_workers, export_request, 0, ROLE_VIEWER),
};

bool fixture_open(struct fixture *f, const struct rpc_server_config *config,
                  const struct rpc_client_tls *tls)
{
    struct rpc_server_config plain = {.auth = {.service_token = SERVICE_TOKEN}};
    if (config != NULL)
        plain = *config;
    plain.listen = "127.0.0.1:0";
    memset(f, 0, sizeof *f);
    f->streamed_code = (enum err_code) - 1;
    lock_init(&f->lock, "fixture", 100);
    cond_init(&f->changed);
    f->arena = arena_new(32 << 20);
    fixture_call(&f->call, f->arena, 5000);
    if (rpc_server_open(&plain, &f->server, &f->err) != ERR_OK) {
        CHECK_TEXT(f->err.detail, "the server opens");
        return false;
    }
    struct rpc_service queues = {&taskrouter__queues__v1__queues__descriptor, queue_methods,
                                 ARRAY_LEN(queue_methods)};
    struct rpc_service workers = {&taskrouter__workers__v1__workers__descriptor, worker_methods,
                                  ARRAY_LEN(worker_methods)};
    rpc_server_add(f->server, &queues, f);
    rpc_server_add(f->server, &workers, f);
    if (rpc_server_start(f->server, &f->err) != ERR_OK) {
        CHECK_TEXT(f->err.detail, "the server starts");
        return false;
    }
    rpc_server_set_serving(f->server, true);
    (void)snprintf(f->target, sizeof f->target, "127.0.0.1:%d", rpc_server_port(f->server));
    struct rpc_client_config client = {.target = f->target,
                                       .peer = "queues-svc",
                                       .self = "tests",
                                       .token = SERVICE_TOKEN,
                                       .tls = tls};
    f->client = rpc_client_new(&client);
    return true;
}

void fixture_close(struct fixture *f)
{
    if (f->server != NULL)
        fixture_gate_open(f);
    rpc_server_close(f->server);
    rpc_client_free(f->client);
    rpc_client_free(f->peer);
    arena_free(f->arena);
    lock_fini(&f->lock);
    cond_fini(&f->changed);
}

void fixture_peer_open(struct fixture *f)
{
    struct rpc_client *peer = fixture_client(f, SERVICE_TOKEN);
    lock_take(&f->lock);
    f->peer = peer;
    lock_drop(&f->lock);
}

struct rpc_client *fixture_client(const struct fixture *f, const char *token)
{
    struct rpc_client_config config = {
        .target = f->target, .peer = "queues-svc", .self = "tests", .token = token};
    return rpc_client_new(&config);
}

void fixture_call(struct call *call, struct arena *arena, int timeout_ms)
{
    call_init(call, arena, "test", timeout_ms * US_PER_MS);
    call->who = (struct identity){ROLE_ADMIN, "US1", "AC1", "WK1", "WS1"};
}

enum err_code fixture_get(struct fixture *f, struct rpc_client *client, const char *sid,
                          task_queue **out_queue)
{
    get_request request;
    taskrouter__queues__v1__get_task_queue_request__init(&request);
    request.sid = arena_strdup(f->arena, sid);
    return RPC_CALL(client, &f->call, QUEUES "GetTaskQueue", &request.base,
                    taskrouter__queues__v1__task_queue, out_queue, &f->err);
}

void fixture_gate_open(struct fixture *f)
{
    lock_take(&f->lock);
    f->is_gate_open = true;
    cond_broadcast(&f->changed);
    lock_drop(&f->lock);
}

bool fixture_wait(struct fixture *f, const int *value, int at_least)
{
    int64_t until = clock_mono_us() + 5 * US_PER_S;
    bool is_in_time = true;
    lock_take(&f->lock);
    while (*value < at_least && is_in_time)
        is_in_time = cond_wait_until(&f->changed, &f->lock, until);
    bool is_reached = *value >= at_least;
    lock_drop(&f->lock);
    return is_reached;
}
