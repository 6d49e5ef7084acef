#include "writes.h"

#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/macros.h"
#include "intent_store.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "taskrouter/routing/v1/routing.pb-c.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"
#include "writes_int.h"

enum { WRITES_LOCK_RANK = 340, ARENA_BYTES = 1 << 20 };

static const ProtobufCServiceDescriptor *const apis[WRITE_SERVICES] = {
    &taskrouter__workers__v1__workers__descriptor,
    &taskrouter__queues__v1__queues__descriptor,
    &taskrouter__routing__v1__routing__descriptor,
    &taskrouter__tasks__v1__tasks__descriptor,
};

/* A call that waits for a thread; in its arena. */
struct write_job {
    struct call *call;
    ProtobufCMessage *request;
    struct rpc_reply *reply;
};

/* ---- calls ---- */

static void fail(struct rpc_reply *reply, const struct err *err)
{
    struct err copy = *err; /* the call's memory ends with the answer */
    rpc_reply_fail(reply, &copy);
}

/* On the loop thread: handed on at once. */
static void write_rpc(void *app, struct call *call, const ProtobufCMessage *request,
                      struct rpc_reply *reply)
{
    struct writes *writes = app;
    struct err err = {.code = ERR_OK};
    struct write_job *job = ARENA_NEW(call->arena, struct write_job);
    if (job == NULL) {
        (void)call_no_room(&err);
        fail(reply, &err);
        return;
    }
    /* The request is the call's own copy: its defaults are filled in. */
    union {
        const ProtobufCMessage *shared;
        ProtobufCMessage *own;
    } as = {.shared = request};
    *job = (struct write_job){call, as.own, reply};
    if (queue_push(writes->jobs, job))
        return;
    (void)ERR_SET(&err, ERR_RESOURCE_EXHAUSTED, "QUEUE_FULL",
                  "too many writes wait for Twilio; try again in a second");
    fail(reply, &err);
}

static void serve(struct writes *writes, const struct write_job *job)
{
    struct err err = {.code = ERR_OK};
    ProtobufCMessage *answer = NULL;
    struct write w = {
        .writes = writes,
        .call = job->call,
        .op = write_op_find(job->call->name),
        .request = job->request,
        .key = "",
        .account_sid = "",
        .workspace_sid = "",
        .parent_sid = "",
        .sid = "",
        .if_match = "",
        .turn_sid = "",
        .etag = "",
    };
    INVARIANT(w.op != NULL);
    enum err_code code = call_check(job->call, &err);
    if (code == ERR_OK)
        code = write_run(&w, &answer, &err);
    if (code == ERR_OK)
        rpc_reply_finish(job->reply, answer);
    else
        fail(job->reply, &err);
}

static void *work(void *ctx)
{
    struct writes *writes = ctx;
    struct write_job *job = NULL;
    while ((job = queue_pop(writes->jobs, 0)) != NULL)
        serve(writes, job);
    return NULL;
}

/* ---- life ---- */

static void end_threads(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    struct writes *writes = ctx;
    if (writes->jobs == NULL)
        return;
    queue_close(writes->jobs);
    for (size_t i = 0; i < writes->thread_count; i++)
        (void)pthread_join(writes->threads[i], NULL);
    writes->thread_count = 0;
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct call call;
    struct err err = {.code = ERR_OK};
    call_init(&call, arena, "end", BOOK_MS * US_PER_MS);
    /* Best effort: others see soon enough that we are gone. */
    (void)(writer_store_end(writes->options.host->pool, &call, writes->sid.text, &err) == ERR_OK);
}

static void free_writes(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    struct writes *writes = ctx;
    if (writes->jobs != NULL)
        queue_free(writes->jobs);
    cond_fini(&writes->changed);
    lock_fini(&writes->lock);
    free(writes->threads);
    free(writes->methods);
    free(writes);
}

struct writes *writes_new(struct app *app)
{
    struct writes *writes = xcalloc(1, sizeof *writes);
    writes->app = app;
    writes->sid = sid_new("PR");
    lock_init(&writes->lock, "writes", WRITES_LOCK_RANK);
    cond_init(&writes->changed);
    app_on_close(app, APP_FREE, "writes", free_writes, writes);
    app_on_close(app, APP_FINISH_CALLS, "writes", end_threads, writes);
    return writes;
}

static size_t service_of(const char *rpc)
{
    for (size_t i = 0; i < WRITE_SERVICES; i++) {
        size_t len = strlen(apis[i]->name);
        if (strncmp(rpc + 1, apis[i]->name, len) == 0 && rpc[len + 1] == '/')
            return i;
    }
    INVARIANT(false); /* the table names no other service */
    return 0;
}

/* A method table of each service: of the writes alone, all served by the same handler. */
static void add_services(struct writes *writes)
{
    writes->methods = xcalloc(WRITE_SERVICES * write_op_count, sizeof *writes->methods);
    for (size_t i = 0; i < WRITE_SERVICES; i++)
        writes->services[i] = (struct rpc_service){.descriptor = apis[i],
                                                   .methods = writes->methods + i * write_op_count};
    for (size_t i = 0; i < write_op_count; i++) {
        const struct write_op *op = &write_ops[i];
        size_t at = service_of(op->rpc);
        struct rpc_service *service = &writes->services[at];
        writes->methods[at * write_op_count + service->method_count++] = (struct rpc_method){
            .name = strrchr(op->rpc, '/') + 1,
            .async = write_rpc,
            .budget_ms = WRITE_BUDGET_MS,
            .min_role = op->role,
            .flags = RPC_FORWARDED,
        };
    }
    for (size_t i = 0; i < WRITE_SERVICES; i++)
        rpc_server_add(writes->options.host->server, &writes->services[i], writes);
}

void writes_start(struct writes *writes, const struct writes_options *options)
{
    writes->options = *options;
    writes->jobs = queue_new("writes", options->queue);
    writes->threads = xcalloc(options->threads, sizeof *writes->threads);
    add_services(writes);
    for (size_t i = 0; i < options->threads; i++) {
        int failed = pthread_create(&writes->threads[i], NULL, work, writes);
        INVARIANT(failed == 0);
        writes->thread_count++;
    }
    writes_jobs_start(writes);
}
