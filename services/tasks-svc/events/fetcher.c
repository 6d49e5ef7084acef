#include "fetcher.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/queue.h"
#include "log/log.h"
#include "rpc/client.h"
#include "rpc/pb.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "taskrouter/routing/v1/routing.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

enum {
    FETCHER_THREADS = 2,
    FETCHER_QUEUE = 1024,
    FETCH_BUDGET_S = 30, /* a caller may have gone by then; the next one finds it done */
    FETCH_ARENA_BYTES = 256 << 20,
    CHUNK = 200,
    PAGE_SIZE = 500,
};

struct fetcher {
    struct shell *shell;
    struct rpc_client *workers;
    struct rpc_client *queues;
    struct rpc_client *routing;
    struct queue *queue;
    pthread_t threads[FETCHER_THREADS];
};

/* One fetch: changes collected until they are put into the shard. */
struct fetch {
    struct fetcher *fetcher;
    struct call *call;
    struct sid workspace_sid;
    bool is_mirrored; /* of all changes: Twilio routes the workspace */
    struct config_change changes[CHUNK];
    size_t count;
};

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the workspace needs too much memory to be fetched");
}

static enum err_code put_all(struct fetch *fetch, struct err *err)
{
    if (fetch->count == 0)
        return ERR_OK;
    struct shard_op op = {
        .call = fetch->call,
        .workspace_sid = fetch->workspace_sid,
        .changes = fetch->changes,
        .change_count = fetch->count,
    };
    fetch->count = 0;
    return shell_run(fetch->fetcher->shell, &op, err);
}

static enum err_code add(struct fetch *fetch, const ProtobufCMessage *resource, struct err *err)
{
    if (fetch->count == CHUNK) {
        enum err_code code = put_all(fetch, err);
        if (code != ERR_OK)
            return code;
    }
    struct config_change *change = &fetch->changes[fetch->count++];
    enum err_code code = config_change_make(fetch->call->arena, resource, false, change, err);
    change->is_mirrored = fetch->is_mirrored;
    return code;
}

static char *workspace_text(struct fetch *fetch)
{
    return fetch->workspace_sid.text;
}

/* ---- lists: every service pages alike, so one row describes each ---- */

struct list_row {
    const char *path;
    const ProtobufCMessageDescriptor *request;
    const ProtobufCMessageDescriptor *reply;
};

static const struct list_row list_activities = {
    "/taskrouter.workers.v1.Workers/ListActivities",
    &taskrouter__workers__v1__list_activities_request__descriptor,
    &taskrouter__workers__v1__list_activities_response__descriptor,
};
static const struct list_row list_channels = {
    "/taskrouter.queues.v1.Queues/ListTaskChannels",
    &taskrouter__queues__v1__list_task_channels_request__descriptor,
    &taskrouter__queues__v1__list_task_channels_response__descriptor,
};
static const struct list_row list_queues = {
    "/taskrouter.queues.v1.Queues/ListTaskQueues",
    &taskrouter__queues__v1__list_task_queues_request__descriptor,
    &taskrouter__queues__v1__list_task_queues_response__descriptor,
};
static const struct list_row list_workflows = {
    "/taskrouter.routing.v1.Routing/ListWorkflows",
    &taskrouter__routing__v1__list_workflows_request__descriptor,
    &taskrouter__routing__v1__list_workflows_response__descriptor,
};

/* The place of a member that all these messages have, by proto name. */
static void *member(ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    INVARIANT(field != NULL);
    return (char *)message + field->offset;
}

static size_t item_count(ProtobufCMessage *reply)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(reply->descriptor, "items");
    INVARIANT(field != NULL);
    return *(size_t *)(void *)((char *)reply + field->quantifier_offset);
}

static enum err_code fetch_list(struct fetch *fetch, struct rpc_client *client,
                                const struct list_row *row, struct err *err)
{
    const char *cursor = "";
    do {
        ProtobufCMessage *request = pb_new(fetch->call->arena, row->request);
        char *cursor_copy = arena_strdup(fetch->call->arena, cursor);
        if (request == NULL || cursor_copy == NULL)
            return no_room(err);
        *(char **)member(request, "workspace_sid") = workspace_text(fetch);
        *(int32_t *)member(request, "page_size") = PAGE_SIZE;
        *(char **)member(request, "cursor") = cursor_copy;
        ProtobufCMessage *reply = NULL;
        enum err_code code =
            rpc_call(client, fetch->call, row->path, request, row->reply, &reply, err);
        if (code != ERR_OK)
            return code;
        ProtobufCMessage *const *items = *(ProtobufCMessage *const **)member(reply, "items");
        for (size_t i = 0; i < item_count(reply) && code == ERR_OK; i++)
            code = add(fetch, items[i], err);
        if (code != ERR_OK)
            return code;
        cursor = *(char *const *)member(reply, "next_cursor");
    } while (cursor[0] != '\0');
    return ERR_OK;
}

/* ---- single things ---- */

static enum err_code fetch_workflow(struct fetch *fetch, const struct sid *sid,
                                    bool re_evaluate_tasks, struct err *err)
{
    Taskrouter__Routing__V1__GetWorkflowRequest *request =
        PB_NEW(fetch->call->arena, taskrouter__routing__v1__get_workflow_request);
    char *copy = arena_strdup(fetch->call->arena, sid->text);
    if (request == NULL || copy == NULL)
        return no_room(err);
    request->workspace_sid = workspace_text(fetch);
    request->sid = copy;
    Taskrouter__Routing__V1__Workflow *workflow = NULL;
    enum err_code code =
        RPC_CALL(fetch->fetcher->routing, fetch->call, "/taskrouter.routing.v1.Routing/GetWorkflow",
                 &request->base, taskrouter__routing__v1__workflow, &workflow, err);
    if (code == ERR_NOT_FOUND)
        return ERR_OK; /* the engine says so to whoever asked */
    if (code == ERR_OK)
        code = add(fetch, &workflow->base, err);
    if (code == ERR_OK)
        fetch->changes[fetch->count - 1].command.workflow.re_evaluate_tasks = re_evaluate_tasks;
    return code;
}

static enum err_code fetch_queue(struct fetch *fetch, const struct sid *sid, struct err *err)
{
    Taskrouter__Queues__V1__GetTaskQueueRequest *request =
        PB_NEW(fetch->call->arena, taskrouter__queues__v1__get_task_queue_request);
    char *copy = arena_strdup(fetch->call->arena, sid->text);
    if (request == NULL || copy == NULL)
        return no_room(err);
    request->workspace_sid = workspace_text(fetch);
    request->sid = copy;
    Taskrouter__Queues__V1__TaskQueue *queue = NULL;
    enum err_code code =
        RPC_CALL(fetch->fetcher->queues, fetch->call, "/taskrouter.queues.v1.Queues/GetTaskQueue",
                 &request->base, taskrouter__queues__v1__task_queue, &queue, err);
    if (code == ERR_NOT_FOUND)
        return ERR_OK;
    return code == ERR_OK ? add(fetch, &queue->base, err) : code;
}

static enum err_code fetch_workers(struct fetch *fetch, const char *after_sid, size_t limit,
                                   struct err *err)
{
    Taskrouter__Workers__V1__ExportWorkersRequest *request =
        PB_NEW(fetch->call->arena, taskrouter__workers__v1__export_workers_request);
    char *after = arena_strdup(fetch->call->arena, after_sid);
    if (request == NULL || after == NULL)
        return no_room(err);
    request->workspace_sid = workspace_text(fetch);
    request->after_sid = after;
    struct rpc_client_stream *stream = NULL;
    enum err_code code = rpc_client_stream_open(
        fetch->fetcher->workers, fetch->call, "/taskrouter.workers.v1.Workers/ExportWorkers",
        &request->base, &taskrouter__workers__v1__worker__descriptor, &stream, err);
    if (code != ERR_OK)
        return code;
    struct arena_mark mark = arena_mark(fetch->call->arena);
    for (size_t i = 0; i < limit && code == ERR_OK; i++) {
        ProtobufCMessage *worker = NULL;
        code = rpc_client_stream_next(stream, fetch->call->arena, &worker, err);
        if (code != ERR_OK || worker == NULL)
            break;
        code = add(fetch, worker, err);
        if (code == ERR_OK && fetch->count == CHUNK) {
            code = put_all(fetch, err);
            arena_rewind(fetch->call->arena, mark);
        }
    }
    rpc_client_stream_close(stream);
    return code == ERR_OK ? put_all(fetch, err) : code;
}

/* The export begins after a SID: the one just before makes the worker itself come first. */
static enum err_code fetch_worker(struct fetch *fetch, const struct sid *sid, struct err *err)
{
    static const char digits[] = "0123456789abcdef";
    struct sid before = *sid;
    for (size_t i = SID_LEN; i > 2; i--) {
        const char *at = strchr(digits, before.text[i - 1]);
        if (at == NULL || *at == '\0')
            return ERR_OK;
        if (at != digits) {
            before.text[i - 1] = at[-1];
            break;
        }
        before.text[i - 1] = 'f';
    }
    return fetch_workers(fetch, before.text, 1, err);
}

/* ---- a whole workspace ---- */

static enum err_code get_workspace(struct fetch *fetch,
                                   Taskrouter__Workers__V1__Workspace **out_workspace,
                                   struct err *err)
{
    Taskrouter__Workers__V1__GetWorkspaceRequest *request =
        PB_NEW(fetch->call->arena, taskrouter__workers__v1__get_workspace_request);
    if (request == NULL)
        return no_room(err);
    request->sid = workspace_text(fetch);
    enum err_code code = RPC_CALL(fetch->fetcher->workers, fetch->call,
                                  "/taskrouter.workers.v1.Workers/GetWorkspace", &request->base,
                                  taskrouter__workers__v1__workspace, out_workspace, err);
    if (code == ERR_NOT_FOUND)
        return ERR_FIELD(err, ERR_NOT_FOUND, "WORKSPACE_NOT_FOUND", "workspace_sid",
                         "there is no workspace %s", workspace_text(fetch));
    return code;
}

/* The workspace itself goes in last: until then it counts as unknown, so that a fetch that fails
 * half-way is done again. */
static enum err_code fetch_workspace(struct fetch *fetch, struct err *err)
{
    struct fetcher *fetcher = fetch->fetcher;
    Taskrouter__Workers__V1__Workspace *workspace = NULL;
    enum err_code code = get_workspace(fetch, &workspace, err);
    fetch->is_mirrored =
        code == ERR_OK && workspace->provider == TASKROUTER__WORKERS__V1__PROVIDER__PROVIDER_TWILIO;
    if (code == ERR_OK)
        code = fetch_list(fetch, fetcher->workers, &list_activities, err);
    if (code == ERR_OK)
        code = fetch_list(fetch, fetcher->queues, &list_channels, err);
    if (code == ERR_OK)
        code = fetch_list(fetch, fetcher->queues, &list_queues, err);
    if (code == ERR_OK)
        code = fetch_list(fetch, fetcher->routing, &list_workflows, err);
    if (code == ERR_OK)
        code = put_all(fetch, err);
    if (code == ERR_OK)
        code = fetch_workers(fetch, "", SIZE_MAX, err);
    if (code == ERR_OK)
        code = add(fetch, &workspace->base, err);
    if (code == ERR_OK)
        code = put_all(fetch, err);
    return code;
}

static enum err_code fetch_parts(struct fetch *fetch, const struct fetch_job *job, struct err *err)
{
    struct fetcher *fetcher = fetch->fetcher;
    const unsigned queues =
        SHARD_UNKNOWN_QUEUE | SHARD_UNKNOWN_DOCUMENT_QUEUES | SHARD_UNKNOWN_WORKFLOW;
    enum err_code code = ERR_OK;
    if (sid_is_set(&job->queue_sid))
        code = fetch_queue(fetch, &job->queue_sid, err);
    else if ((job->unknown & queues) != 0)
        code = fetch_list(fetch, fetcher->queues, &list_queues, err);
    if (code == ERR_OK && (job->unknown & SHARD_UNKNOWN_ACTIVITY) != 0)
        code = fetch_list(fetch, fetcher->workers, &list_activities, err);
    if (code == ERR_OK && (job->unknown & SHARD_UNKNOWN_CHANNEL) != 0)
        code = fetch_list(fetch, fetcher->queues, &list_channels, err);
    if (code == ERR_OK && (job->unknown & SHARD_UNKNOWN_WORKFLOW) != 0)
        code = sid_is_set(&job->workflow_sid)
                   ? fetch_workflow(fetch, &job->workflow_sid, job->re_evaluate_tasks, err)
                   : fetch_list(fetch, fetcher->routing, &list_workflows, err);
    if (code == ERR_OK && (job->unknown & SHARD_UNKNOWN_WORKER) != 0)
        code = fetch_worker(fetch, &job->worker_sid, err);
    return code == ERR_OK ? put_all(fetch, err) : code;
}

static enum err_code run_fetch(struct fetch *fetch, const struct fetch_job *job, struct err *err)
{
    struct sid account;
    if ((job->unknown & SHARD_UNKNOWN_WORKSPACE) == 0)
        return fetch_parts(fetch, job, err);
    if (shell_workspace(fetch->fetcher->shell, job->workspace_sid.text, &account) !=
        SHELL_KNOWS_NOT)
        return ERR_OK; /* somebody else has fetched it meanwhile */
    return fetch_workspace(fetch, err);
}

enum err_code fetcher_run(struct fetcher *fetcher, struct call *call, const struct fetch_job *job,
                          struct err *err)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(FETCH_ARENA_BYTES);
    struct call own;
    call_init(&own, arena, "fetch", FETCH_BUDGET_S * US_PER_S);
    if (call != NULL && call->deadline_mono_us != 0 &&
        call->deadline_mono_us < own.deadline_mono_us)
        own.deadline_mono_us = call->deadline_mono_us;
    struct fetch *fetch = ARENA_NEW(arena, struct fetch);
    INVARIANT(fetch != NULL);
    fetch->fetcher = fetcher;
    fetch->call = &own;
    fetch->workspace_sid = job->workspace_sid;
    enum err_code code = run_fetch(fetch, job, err);
    /* texts of peers' errors live in the arena that ends here: none of them leaves */
    if (code == ERR_UNAVAILABLE && shell_is_elsewhere(err->reason))
        (void)ERR_SET(err, code, "ROUTER_ELSEWHERE",
                      "another process routes this workspace just now; try again");
    else if (code == ERR_NOT_FOUND) /* whatever list was asked for, there is no such workspace */
        (void)ERR_FIELD(err, code, "WORKSPACE_NOT_FOUND", "workspace_sid",
                        "there is no workspace %s", job->workspace_sid.text);
    else if (code != ERR_OK)
        (void)ERR_SET(
            err, code, "CONFIG_UNAVAILABLE",
            "the router does not know workspace %s yet and could not ask for it; try again",
            job->workspace_sid.text);
    return code;
}

/* ---- threads ---- */

static void *fetcher_main(void *ctx)
{
    struct fetcher *fetcher = ctx;
    struct fetch_job *job = NULL;
    while ((job = queue_pop(fetcher->queue, 0)) != NULL) {
        struct err err;
        err_clear(&err);
        enum err_code code = fetcher_run(fetcher, NULL, job, &err);
        job->resume(job, code, &err);
    }
    return NULL;
}

struct fetcher *fetcher_open(const struct fetcher_options *options)
{
    struct fetcher *fetcher = xcalloc(1, sizeof *fetcher);
    fetcher->shell = options->shell;
    fetcher->workers = options->workers;
    fetcher->queues = options->queues;
    fetcher->routing = options->routing;
    fetcher->queue = queue_new("fetcher", FETCHER_QUEUE);
    for (size_t i = 0; i < FETCHER_THREADS; i++) {
        int failed = pthread_create(&fetcher->threads[i], NULL, fetcher_main, fetcher);
        INVARIANT(failed == 0);
    }
    return fetcher;
}

void fetcher_close(struct fetcher *fetcher)
{
    if (fetcher == NULL)
        return;
    queue_close(fetcher->queue);
    for (size_t i = 0; i < FETCHER_THREADS; i++)
        (void)pthread_join(fetcher->threads[i], NULL);
    queue_free(fetcher->queue);
    free(fetcher);
}

bool fetcher_push(struct fetcher *fetcher, struct fetch_job *job)
{
    return queue_push(fetcher->queue, job);
}
