#include "rpc/server.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/macros.h"
#include "forward_int.h"
#include "log/log.h"
#include "server_int.h"

enum {
    DEFAULT_WORKERS = 4,
    DEFAULT_QUEUE_DEPTH = 256,
    DEFAULT_ARENA_BYTES = 16 << 20,
    DEFAULT_MESSAGE_BYTES = 4 << 20,
    DEFAULT_STREAMS = 64,
    DEFAULT_STREAM_QUEUE = 16,
    MAX_CONNECTION_CALLS = 1024, /* concurrent calls on one connection; HTTP/2 makes others wait */
};

static const struct metric_def calls_def = {
    .name = "taskrouter_rpc_server_calls_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "gRPC calls answered, by method and status code.",
    .labels = {"method", "code"},
    .max_series = 1000,
};
static const struct metric_def duration_def = {
    .name = "taskrouter_rpc_server_duration_seconds",
    .kind = METRIC_HISTOGRAM,
    .unit = "seconds",
    .help = "Time from a gRPC call's arrival to its last event.",
    .labels = {"method"},
};
static const struct metric_def in_flight_def = {
    .name = "taskrouter_rpc_server_in_flight",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "gRPC calls under way.",
};
static const struct metric_def queued_def = {
    .name = "taskrouter_rpc_server_queued",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "gRPC calls waiting for a worker.",
};

static void call_arm(struct rpc_loop *loop, struct method *method);

static size_t or_default(size_t value, size_t fallback)
{
    return value != 0 ? value : fallback;
}

/* ---- calls ---- */

static void call_free(struct server_call *call)
{
    grpc_metadata_array_destroy(&call->metadata);
    grpc_call_details_destroy(&call->details);
    arena_free(call->arena);
    free(call);
}

/* Back to the loop's free list, as good as new; the metadata array and the arena keep their room.
 */
static void call_recycle(struct server_call *call)
{
    struct rpc_loop *loop = call->loop;
    if (call->payload != NULL)
        grpc_byte_buffer_destroy(TAKE(call->payload));
    if (call->outgoing != NULL)
        grpc_byte_buffer_destroy(TAKE(call->outgoing));
    stream_free(TAKE(call->stream));
    if (call->core != NULL)
        grpc_call_unref(TAKE(call->core));
    call->metadata.count = 0;
    arena_reset(call->arena);
    if (loop->free_count >= FREE_CALLS_KEPT) {
        call_free(call);
        return;
    }
    call->next_free = loop->free_calls;
    loop->free_calls = call;
    loop->free_count++;
}

static void call_replied(struct core_tag *tag, bool ok)
{
    (void)ok; /* a caller that went away is no failure of ours */
    call_event_done(CONTAINER_OF(tag, struct server_call, replied));
}

static struct server_call *call_take(struct rpc_loop *loop)
{
    struct server_call *call = loop->free_calls;
    if (call != NULL) {
        loop->free_calls = call->next_free;
        loop->free_count--;
        return call;
    }
    call = xcalloc(1, sizeof *call);
    call->loop = loop;
    call->arena = arena_new(loop->server->arena_bytes);
    call->reply.magic = CALL_MAGIC;
    grpc_metadata_array_init(&call->metadata);
    grpc_call_details_init(&call->details);
    return call;
}

static void in_flight_drop(struct rpc_server *server)
{
    if (atomic_fetch_sub(&server->in_flight, 1) == 1 && atomic_load(&server->is_draining)) {
        lock_take(&server->lock);
        cond_broadcast(&server->changed);
        lock_drop(&server->lock);
    }
}

void call_event_done(struct server_call *call)
{
    if (--call->events_left > 0)
        return;
    struct method *method = call->method;
    metric_observe_us(method->duration, clock_mono_us() - call->started_mono_us);
    if (call->code == ERR_OK) {
        metric_inc(method->ok_calls);
    } else {
        struct metric *calls = metric_register(&calls_def);
        metric_inc(METRIC_SERIES(calls, method->path, err_code_name(call->code)));
    }
    struct rpc_server *server = call->loop->server;
    call_recycle(call);
    in_flight_drop(server);
}

static void call_begin(struct server_call *call)
{
    const struct rpc_method *row = call->method->row;
    int64_t budget_us = row == NULL ? 0 : (int64_t)row->budget_ms * US_PER_MS;
    call->started_mono_us = clock_mono_us();
    call->code = ERR_OK;
    call->was_cancelled = 0;
    call->is_identified = true;
    call->request = NULL;
    call->is_forwarded = false;
    call->has_service_token = false;
    call->is_relayed = false;
    call->replied.done = call_replied;
    call_init(&call->call, call->arena, call->method->path, budget_us);
    int64_t asked_us = timespec_mono_us(call->core_deadline);
    if (asked_us != 0 &&
        (call->call.deadline_mono_us == 0 || asked_us < call->call.deadline_mono_us))
        call->call.deadline_mono_us = asked_us;
    call_read_metadata(call);
}

static void call_refuse(struct server_call *call, const struct err *err)
{
    call_answer(call, NULL, err);
}

/* Loop thread: to where the row wants its handler to run. */
static void call_dispatch(struct server_call *call)
{
    struct rpc_server *server = call->loop->server;
    const struct rpc_method *row = call->method->row;
    struct err err;
    enum err_code code = ERR_OK;
    call->is_identified = identity_fast(call, &code, &err);
    if (call->is_identified && code != ERR_OK) {
        call_refuse(call, &err);
        return;
    }
    bool runs_here = row->async != NULL || (row->flags & RPC_INLINE) != 0;
    if (row->stream != NULL) {
        stream_start(call);
    } else if (runs_here && call->is_identified) {
        call_run(call);
    } else if (!queue_push(server->jobs, call)) {
        (void)ERR_SET(&err, ERR_RESOURCE_EXHAUSTED, "SERVER_BUSY",
                      "the server has no room for more calls now; try again in a second");
        call_refuse(call, &err);
    }
}

static void generic_serve(struct server_call *call)
{
    struct err err;
    (void)ERR_SET(&err, ERR_UNIMPLEMENTED, "METHOD_UNKNOWN", "there is no method %.200s here",
                  arena_str_dup(call->arena, slice_str(&call->details.method)));
    grpc_call_details_destroy(&call->details);
    grpc_call_details_init(&call->details);
    call_refuse(call, &err);
}

static void unimplemented_serve(struct server_call *call)
{
    struct err err;
    (void)ERR_SET(&err, ERR_UNIMPLEMENTED, "METHOD_UNIMPLEMENTED", "%s is not served here",
                  call->method->path);
    call_refuse(call, &err);
}

static void call_came(struct core_tag *tag, bool ok)
{
    struct server_call *call = CONTAINER_OF(tag, struct server_call, armed);
    if (!ok) { /* the server is shutting down */
        call_recycle(call);
        return;
    }
    (void)atomic_fetch_add(&call->loop->server->in_flight, 1);
    call_arm(call->loop, call->method);
    corker_call(call->loop->corker, call->core);
    call_begin(call);
    if (call->method->serve != NULL)
        call->method->serve(call);
    else
        call_dispatch(call);
}

static void call_arm(struct rpc_loop *loop, struct method *method)
{
    struct server_call *call = call_take(loop);
    grpc_call_error error = GRPC_CALL_OK;
    call->method = method;
    call->core_deadline = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    call->armed.done = call_came;
    TSAN_RELEASE(&call->armed);
    /* The slot may fire on another loop's thread before the call returns: nothing after it. */
    if (method->handle == NULL)
        error = grpc_server_request_call(loop->server->core, &call->core, &call->details,
                                         &call->metadata, loop->cq, loop->cq, &call->armed);
    else
        error = grpc_server_request_registered_call(
            loop->server->core, method->handle, &call->core, &call->core_deadline, &call->metadata,
            method->has_first_message ? &call->payload : NULL, loop->cq, loop->cq, &call->armed);
    INVARIANT(error == GRPC_CALL_OK);
}

/* ---- threads ---- */

/*
 * With a corker the loop asks without waiting until nothing is left, so that it knows where a burst
 * of events ends; then the corks are pulled and it waits.
 */
static void *loop_main(void *arg)
{
    struct rpc_loop *loop = arg;
    gpr_timespec never = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    gpr_timespec now = gpr_inf_past(GPR_CLOCK_MONOTONIC);
    bool is_bursting = false;
    for (;;) {
        grpc_event event = grpc_completion_queue_next(loop->cq, is_bursting ? now : never, NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            break;
        if (event.type == GRPC_QUEUE_TIMEOUT) {
            corker_flush(loop->corker);
            is_bursting = false;
            continue;
        }
        struct core_tag *tag = event.tag;
        TSAN_ACQUIRE(tag);
        is_bursting = corker_event(loop->corker);
        tag->done(tag, event.success != 0);
    }
    return NULL;
}

static void *worker_main(void *arg)
{
    struct rpc_server *server = arg;
    struct server_call *call = NULL;
    while ((call = queue_pop(server->jobs, 0)) != NULL)
        call_run(call);
    return NULL;
}

/* ---- set-up ---- */

static enum err_code credentials_make(const struct rpc_server_tls *tls,
                                      grpc_server_credentials **out_credentials, struct err *err)
{
    if (tls == NULL) {
        *out_credentials = grpc_insecure_server_credentials_create();
        return ERR_OK;
    }
    char *cert = NULL;
    char *key = NULL;
    char *ca = NULL;
    enum err_code code = pem_read(tls->cert_file, &cert, err);
    if (code == ERR_OK)
        code = pem_read(tls->key_file, &key, err);
    if (code == ERR_OK)
        code = pem_read(tls->ca_file, &ca, err);
    if (code == ERR_OK && (cert == NULL || key == NULL || (tls->require_client_cert && ca == NULL)))
        code = ERR_SET(err, ERR_INVALID_ARGUMENT, "TLS_INCOMPLETE",
                       "TLS needs a certificate, its key and, for client certificates, a CA file");
    if (code == ERR_OK) {
        grpc_ssl_pem_key_cert_pair pair = {.private_key = key, .cert_chain = cert};
        grpc_ssl_client_certificate_request_type ask = GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
        if (ca != NULL)
            ask = tls->require_client_cert
                      ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                      : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY;
        grpc_ssl_server_certificate_config *config =
            grpc_ssl_server_certificate_config_create(ca, &pair, 1);
        *out_credentials = grpc_ssl_server_credentials_create_with_options(
            grpc_ssl_server_credentials_create_options_using_config(ask, config));
    }
    free(cert);
    free(key);
    free(ca);
    return code;
}

static grpc_arg int_arg(const char *key, int value)
{
    union {
        const char *in;
        char *out;
    } name = {.in = key}; /* the core's struct wants char *, and only reads it */
    return (grpc_arg){.type = GRPC_ARG_INTEGER, .key = name.out, .value.integer = value};
}

static grpc_server *core_create(size_t max_message_bytes)
{
    grpc_arg args[] = {
        int_arg(GRPC_ARG_ALLOW_REUSEPORT, 0), /* a second server must fail, not share */
        int_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
                max_message_bytes > INT_MAX ? INT_MAX : (int)max_message_bytes),
        int_arg(GRPC_ARG_MAX_CONCURRENT_STREAMS, MAX_CONNECTION_CALLS),
        int_arg(GRPC_ARG_MAX_METADATA_SIZE, MAX_METADATA_BYTES),
        int_arg(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5000), /* our clients ping */
        int_arg(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        int_arg(GRPC_ARG_KEEPALIVE_TIME_MS, 30000),
        int_arg(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000),
        int_arg(GRPC_ARG_ENABLE_CHANNELZ, 0),
    };
    grpc_channel_args channel_args = {.num_args = ARRAY_LEN(args), .args = args};
    return grpc_server_create(&channel_args, NULL);
}

static size_t loops_default(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores <= 2 ? 1 : (size_t)cores / 2;
}

static struct method *method_add(struct rpc_server *server, const char *path, bool first_message)
{
    struct method *method = xcalloc(1, sizeof *method);
    method->server = server;
    method->path = xstrdup(path);
    method->has_first_message = first_message;
    method->handle = grpc_server_register_method(
        server->core, path, NULL,
        first_message ? GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER : GRPC_SRM_PAYLOAD_NONE, 0);
    INVARIANT(method->handle != NULL); /* NULL: the path is registered twice */
    method->next = server->methods;
    server->methods = method;
    return method;
}

static double in_flight_read(void *ctx)
{
    return (double)rpc_server_in_flight(ctx);
}

static double queued_read(void *ctx)
{
    return (double)rpc_server_queued(ctx);
}

static void builtins_add(struct rpc_server *server)
{
    method_add(server, "/grpc.health.v1.Health/Check", true)->serve = health_check;
    method_add(server, "/grpc.health.v1.Health/Watch", true)->serve = health_watch;
    method_add(server, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", false)->serve =
        reflection_serve;
    method_add(server, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", false)
        ->serve = reflection_serve;
    server->generic = xcalloc(1, sizeof *server->generic);
    server->generic->server = server;
    server->generic->path = xstrdup("unknown");
    server->generic->serve = generic_serve;
    server->generic->next = server->methods;
    server->methods = server->generic;
}

enum err_code rpc_server_open(const struct rpc_server_config *config,
                              struct rpc_server **out_server, struct err *err)
{
    core_init();
    grpc_server_credentials *credentials = NULL;
    enum err_code code = credentials_make(config->tls, &credentials, err);
    if (code != ERR_OK) {
        core_fini();
        return code;
    }
    struct rpc_server *server = xcalloc(1, sizeof *server);
    server->credentials = credentials;
    server->listen = xstrdup(config->listen);
    server->auth = config->auth;
    server->worker_count = or_default(config->workers, DEFAULT_WORKERS);
    server->loop_count = or_default(config->loops, loops_default());
    server->arena_bytes = or_default(config->request_arena_bytes, DEFAULT_ARENA_BYTES);
    server->max_streams = or_default(config->max_streams, DEFAULT_STREAMS);
    server->stream_queue = or_default(config->stream_queue, DEFAULT_STREAM_QUEUE);
    server->jobs = queue_new("rpc jobs", or_default(config->queue_depth, DEFAULT_QUEUE_DEPTH));
    server->core = core_create(or_default(config->max_message_bytes, DEFAULT_MESSAGE_BYTES));
    lock_init(&server->lock, "rpc server", LOCK_RANK_SERVER);
    lock_init(&server->watch_lock, "rpc health", LOCK_RANK_WATCH);
    cond_init(&server->changed);
    list_init(&server->watchers);
    list_init(&server->reflections);
    streams_open(server);
    descriptors_init(&server->descriptors);
    builtins_add(server);
    metric_callback_add(&in_flight_def, NULL, in_flight_read, server);
    metric_callback_add(&queued_def, NULL, queued_read, server);
    *out_server = server;
    return ERR_OK;
}

static const struct rpc_method *row_find(const struct rpc_service *service, const char *name)
{
    for (size_t i = 0; i < service->method_count; i++) {
        if (strcmp(service->methods[i].name, name) == 0)
            return &service->methods[i];
    }
    return NULL;
}

void rpc_server_add(struct rpc_server *server, const struct rpc_service *service, void *app)
{
    const ProtobufCServiceDescriptor *descriptor = service->descriptor;
    size_t rows_used = 0;
    INVARIANT(!server->is_started);
    for (unsigned i = 0; i < descriptor->n_methods; i++) {
        const ProtobufCMethodDescriptor *described = &descriptor->methods[i];
        char path[256];
        int len = snprintf(path, sizeof path, "/%s/%s", descriptor->name, described->name);
        INVARIANT(len > 0 && (size_t)len < sizeof path);
        struct method *method = method_add(server, path, true);
        method->row = row_find(service, described->name);
        method->request = described->input;
        method->reply = described->output;
        method->app = app;
        if (method->row == NULL) {
            method->serve = unimplemented_serve;
            continue;
        }
        const struct rpc_method *row = method->row;
        rows_used++;
        INVARIANT((row->unary != NULL) + (row->async != NULL) + (row->stream != NULL) == 1);
        INVARIANT(row->budget_ms > 0 || row->stream != NULL);
    }
    INVARIANT(rows_used == service->method_count); /* else a row names no method of the proto */
}

static void metrics_add(struct method *method)
{
    struct metric *calls = metric_register(&calls_def);
    struct metric *duration = metric_register(&duration_def);
    method->ok_calls = METRIC_SERIES(calls, method->path, err_code_name(ERR_OK));
    method->duration = METRIC_SERIES(duration, method->path);
}

enum err_code rpc_server_start(struct rpc_server *server, struct err *err)
{
    INVARIANT(!server->is_started);
    server->loops = xcalloc(server->loop_count, sizeof *server->loops);
    for (size_t i = 0; i < server->loop_count; i++) {
        struct rpc_loop *loop = &server->loops[i];
        loop->server = server;
        loop->cq = grpc_completion_queue_create_for_next(NULL);
        grpc_server_register_completion_queue(server->core, loop->cq, NULL);
        loop->corker = corker_new();
    }
    server->is_started = true;
    server->port = grpc_server_add_http2_port(server->core, server->listen, server->credentials);
    grpc_server_start(server->core);
    for (struct method *method = server->methods; method != NULL; method = method->next)
        metrics_add(method);
    server->workers = xcalloc(server->worker_count, sizeof *server->workers);
    for (; server->workers_started < server->worker_count; server->workers_started++) {
        int failed =
            pthread_create(&server->workers[server->workers_started], NULL, worker_main, server);
        INVARIANT(failed == 0);
    }
    forwarder_start(server->forwarder);
    for (size_t i = 0; i < server->loop_count; i++) {
        struct rpc_loop *loop = &server->loops[i];
        for (struct method *method = server->methods; method != NULL; method = method->next) {
            for (int n = 0; n < ARMED_PER_METHOD; n++)
                call_arm(loop, method);
        }
        int failed = pthread_create(&loop->thread, NULL, loop_main, loop);
        INVARIANT(failed == 0);
        loop->is_running = true;
    }
    if (server->port <= 0)
        return ERR_SET(err, ERR_UNAVAILABLE, "ADDRESS_UNAVAILABLE",
                       "cannot listen on %s; choose another address", server->listen);
    return ERR_OK;
}

void rpc_server_forward(struct rpc_server *server, const struct rpc_forward_options *options)
{
    INVARIANT(!server->is_started && server->forwarder == NULL);
    server->forwarder = forwarder_new(server, options);
}

int rpc_server_port(const struct rpc_server *server)
{
    return server->port;
}

size_t rpc_server_in_flight(const struct rpc_server *server)
{
    return atomic_load(&server->in_flight);
}

size_t rpc_server_queued(const struct rpc_server *server)
{
    return queue_depth(server->jobs);
}

/* ---- the end ---- */

static void server_shut(struct core_tag *tag, bool ok)
{
    struct rpc_server *server = CONTAINER_OF(tag, struct rpc_server, shut_down);
    (void)ok;
    lock_take(&server->lock);
    server->is_shut = true;
    cond_broadcast(&server->changed);
    lock_drop(&server->lock);
}

/* Waits until the core is shut and no call is left; false when the time (0: for ever) passed. */
static bool drained_wait(struct rpc_server *server, int64_t until_mono_us)
{
    bool is_done = false;
    bool is_in_time = true;
    lock_take(&server->lock);
    for (;;) {
        is_done = server->is_shut && atomic_load(&server->in_flight) == 0;
        if (is_done || !is_in_time)
            break;
        if (until_mono_us == 0)
            cond_wait(&server->changed, &server->lock);
        else
            is_in_time = cond_wait_until(&server->changed, &server->lock, until_mono_us);
    }
    lock_drop(&server->lock);
    return is_done;
}

static void threads_join(struct rpc_server *server)
{
    queue_close(server->jobs);
    for (size_t i = 0; i < server->workers_started; i++)
        (void)pthread_join(server->workers[i], NULL);
    streams_close(server);
    for (size_t i = 0; i < server->loop_count; i++)
        grpc_completion_queue_shutdown(server->loops[i].cq);
    for (size_t i = 0; i < server->loop_count; i++) {
        if (server->loops[i].is_running)
            (void)pthread_join(server->loops[i].thread, NULL);
    }
}

void rpc_server_drain(struct rpc_server *server, int grace_ms)
{
    if (server->is_drained || !server->is_started)
        return;
    server->is_drained = true;
    atomic_store(&server->is_draining, true);
    rpc_server_set_serving(server, false);
    health_end(server);
    reflection_end(server);
    server->shut_down.done = server_shut;
    TSAN_RELEASE(&server->shut_down);
    grpc_server_shutdown_and_notify(server->core, server->loops[0].cq, &server->shut_down);
    if (!drained_wait(server, clock_mono_us() + (int64_t)grace_ms * US_PER_MS)) {
        size_t left = rpc_server_in_flight(server);
        if (left > 0) /* else only connections linger */
            LOG_WARN(NULL, "cancelling calls still under way, the grace is over",
                     LOG_I64("calls", left));
        forwarder_refuse(server->forwarder);
        grpc_server_cancel_all_calls(server->core);
        (void)drained_wait(server, 0);
    }
    threads_join(server);
}

static void loop_fini(struct rpc_loop *loop)
{
    grpc_completion_queue_destroy(loop->cq);
    while (loop->free_calls != NULL) {
        struct server_call *call = loop->free_calls;
        loop->free_calls = call->next_free;
        call_free(call);
    }
    corker_free(loop->corker);
}

void rpc_server_close(struct rpc_server *server)
{
    if (server == NULL)
        return;
    rpc_server_drain(server, 0);
    metric_callback_remove(server);
    forwarder_free(server->forwarder);
    grpc_server_destroy(server->core);
    for (size_t i = 0; server->loops != NULL && i < server->loop_count; i++)
        loop_fini(&server->loops[i]);
    while (server->methods != NULL) {
        struct method *method = server->methods;
        server->methods = method->next;
        free(method->path);
        free(method);
    }
    grpc_server_credentials_release(server->credentials);
    descriptors_fini(&server->descriptors);
    queue_free(server->jobs);
    queue_free(server->streams);
    lock_fini(&server->streams_lock);
    lock_fini(&server->watch_lock);
    lock_fini(&server->lock);
    cond_fini(&server->changed);
    free(server->stream_threads);
    free(server->workers);
    free(server->loops);
    free(server->listen);
    free(server);
    core_fini();
}
