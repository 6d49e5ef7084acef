#include "rpc/client.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "client_int.h"

enum {
    DEFAULT_TIMEOUT_MS = 5000,
    DEFAULT_REPLY_BYTES = 16 << 20,
    MARGIN_US = 20 * 1000, /* kept back from the parent's deadline for its own answer */
};

static const struct metric_def calls_def = {
    .name = "taskrouter_rpc_client_calls_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "gRPC calls made, by method and status code.",
    .labels = {"method", "code"},
    .max_series = 1000,
};
static const struct metric_def duration_def = {
    .name = "taskrouter_rpc_client_duration_seconds",
    .kind = METRIC_HISTOGRAM,
    .unit = "seconds",
    .help = "Time from sending a gRPC call to its status.",
    .labels = {"method"},
};

/* ---- channel ---- */

static char *writable(const char *text)
{
    union {
        const char *in;
        char *out;
    } both = {.in = text}; /* the core's structs want char *, and only read it */
    return both.out;
}

static grpc_channel_credentials *credentials_make(const struct rpc_client_tls *tls, struct err *err)
{
    if (tls == NULL)
        return grpc_insecure_credentials_create();
    char *ca = NULL;
    char *cert = NULL;
    char *key = NULL;
    grpc_channel_credentials *credentials = NULL;
    enum err_code code = pem_read(tls->ca_file, &ca, err);
    if (code == ERR_OK)
        code = pem_read(tls->cert_file, &cert, err);
    if (code == ERR_OK)
        code = pem_read(tls->key_file, &key, err);
    if (code == ERR_OK) {
        grpc_ssl_pem_key_cert_pair pair = {.private_key = key, .cert_chain = cert};
        credentials = grpc_ssl_credentials_create_ex(ca, cert != NULL && key != NULL ? &pair : NULL,
                                                     NULL, NULL);
    }
    free(ca);
    free(cert);
    free(key);
    return credentials;
}

grpc_channel *client_channel_make(const struct rpc_client_config *config, struct err *err)
{
    size_t max_bytes =
        config->max_message_bytes != 0 ? config->max_message_bytes : DEFAULT_REPLY_BYTES;
    grpc_arg args[] = {
        {GRPC_ARG_INTEGER, writable(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH),
         .value.integer = max_bytes > INT_MAX ? INT_MAX : (int)max_bytes                          },
        {GRPC_ARG_INTEGER, writable(GRPC_ARG_ENABLE_HTTP_PROXY),            .value.integer = 0    },
        {GRPC_ARG_INTEGER, writable(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS), .value.integer = 100  },
 /* in truth the longest that one attempt to connect may take */
        {GRPC_ARG_INTEGER, writable(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS),     .value.integer = 3000 },
        {GRPC_ARG_INTEGER, writable(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS),     .value.integer = 1000 },
        {GRPC_ARG_INTEGER, writable(GRPC_ARG_KEEPALIVE_TIME_MS),            .value.integer = 20000},
        {GRPC_ARG_INTEGER, writable(GRPC_ARG_KEEPALIVE_TIMEOUT_MS),         .value.integer = 5000 },
        {GRPC_ARG_INTEGER, writable(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA), .value.integer = 0    },
        {GRPC_ARG_INTEGER, writable(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL),    .value.integer = 1    },
        {GRPC_ARG_STRING,  writable(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG),     .value.string = NULL  },
    };
    grpc_channel_args channel_args = {.num_args = ARRAY_LEN(args) - 1, .args = args};
    if (config->tls != NULL && config->tls->server_name != NULL) {
        args[ARRAY_LEN(args) - 1].value.string = writable(config->tls->server_name);
        channel_args.num_args++;
    }
    grpc_channel_credentials *credentials = credentials_make(config->tls, err);
    if (credentials == NULL)
        return NULL;
    grpc_channel *channel = grpc_channel_create(config->target, credentials, &channel_args);
    grpc_channel_credentials_release(credentials);
    return channel;
}

static char *text_join(const char *prefix, const char *text)
{
    size_t size = strlen(prefix) + strlen(text) + 1;
    char *joined = xcalloc(1, size);
    (void)snprintf(joined, size, "%s%s", prefix, text);
    return joined;
}

struct rpc_client *rpc_client_new(const struct rpc_client_config *config)
{
    core_init();
    struct rpc_client *client = xcalloc(1, sizeof *client);
    client->peer = xstrdup(config->peer != NULL ? config->peer : config->target);
    client->actor = config->self == NULL ? xstrdup("service") : text_join("service:", config->self);
    if (config->token != NULL && config->token[0] != '\0')
        client->authorization = text_join("Bearer ", config->token);
    client->as_service = config->as_service;
    client->default_timeout_ms =
        config->default_timeout_ms > 0 ? config->default_timeout_ms : DEFAULT_TIMEOUT_MS;
    client->calls = metric_register(&calls_def);
    client->duration = metric_register(&duration_def);
    lock_init(&client->lock, "rpc client", LOCK_RANK_CLIENT);
    client->channel = client_channel_make(config, &client->tls_error);
    return client;
}

void rpc_client_free(struct rpc_client *client)
{
    if (client == NULL)
        return;
    for (size_t i = 0; i < client->queue_count; i++)
        grpc_completion_queue_destroy(client->queues[i]);
    if (client->channel != NULL)
        grpc_channel_destroy(client->channel);
    lock_fini(&client->lock);
    free(client->peer);
    free(client->actor);
    free(client->authorization);
    free(client);
    core_fini();
}

/* Each blocking call waits on a queue of its own, so that threads do not wake each other. */
static grpc_completion_queue *queue_acquire(struct rpc_client *client)
{
    grpc_completion_queue *cq = NULL;
    lock_take(&client->lock);
    if (client->queue_count > 0)
        cq = client->queues[--client->queue_count];
    lock_drop(&client->lock);
    return cq != NULL ? cq : grpc_completion_queue_create_for_pluck(NULL);
}

static void queue_release(struct rpc_client *client, grpc_completion_queue *cq)
{
    bool is_kept = false;
    lock_take(&client->lock);
    if (client->queue_count < QUEUES_KEPT) {
        client->queues[client->queue_count++] = cq;
        is_kept = true;
    }
    lock_drop(&client->lock);
    if (!is_kept) {
        grpc_completion_queue_shutdown(cq);
        grpc_completion_queue_destroy(cq);
    }
}

/* ---- one call ---- */

/* Values that HTTP/2 may carry; anything else would make the core refuse the whole call. */
static bool is_header_text(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c < 0x20 || *c > 0x7E)
            return false;
    }
    return text[0] != '\0';
}

static void metadata_add(struct outgoing *out, const char *key, const char *value)
{
    if (value == NULL || !is_header_text(value))
        return;
    INVARIANT(out->sent_count < MAX_SENT_METADATA);
    out->sent[out->sent_count++] = (grpc_metadata){
        .key = grpc_slice_from_static_string(key),
        .value = grpc_slice_from_copied_string(value),
    };
}

static void metadata_fill(struct outgoing *out)
{
    const struct rpc_client *client = out->client;
    const struct call *parent = out->parent;
    metadata_add(out, "x-request-id", parent->request_id);
    metadata_add(out, "traceparent", parent->traceparent);
    if (client->authorization == NULL)
        return; /* nothing is asserted to a peer that has no reason to believe it */
    metadata_add(out, "authorization", client->authorization);
    bool is_for_user =
        !client->as_service && parent->who.role != ROLE_NONE && parent->who.role != ROLE_SERVICE;
    metadata_add(out, "x-tr-account", parent->who.account_sid);
    metadata_add(out, "x-tr-actor", is_for_user ? parent->who.actor_sid : client->actor);
    if (!is_for_user)
        return;
    metadata_add(out, "x-tr-role", role_name(parent->who.role));
    metadata_add(out, "x-tr-worker", parent->who.worker_sid);
    metadata_add(out, "x-tr-workspace", parent->who.workspace_sid);
}

enum err_code outgoing_init(struct outgoing *out, struct rpc_client *client,
                            const struct call *parent, const char *path, int64_t deadline_mono_us,
                            struct err *err)
{
    *out = (struct outgoing){.client = client, .parent = parent, .path = path};
    if (client->channel == NULL) {
        if (err != NULL)
            *err = client->tls_error;
        return ERR_SET(err, ERR_UNAVAILABLE, "PEER_UNAVAILABLE",
                       "%s cannot be reached: its TLS files cannot be read", client->peer);
    }
    out->started_mono_us = clock_mono_us();
    out->status_text = grpc_empty_slice();
    grpc_metadata_array_init(&out->headers);
    grpc_metadata_array_init(&out->trailers);
    metadata_fill(out);
    out->cq = queue_acquire(client);
    grpc_slice method = grpc_slice_from_copied_string(path);
    out->core = grpc_channel_create_call(client->channel, NULL, GRPC_PROPAGATE_DEFAULTS, out->cq,
                                         method, NULL, mono_us_timespec(deadline_mono_us), NULL);
    grpc_slice_unref(method);
    INVARIANT(out->core != NULL);
    return ERR_OK;
}

void outgoing_fini(struct outgoing *out)
{
    if (out->core == NULL)
        return;
    grpc_call_unref(out->core);
    queue_release(out->client, out->cq);
    for (size_t i = 0; i < out->sent_count; i++)
        grpc_slice_unref(out->sent[i].value);
    grpc_metadata_array_destroy(&out->headers);
    grpc_metadata_array_destroy(&out->trailers);
    grpc_slice_unref(out->status_text);
    if (out->message != NULL)
        grpc_byte_buffer_destroy(out->message);
    if (out->received != NULL)
        grpc_byte_buffer_destroy(out->received);
    out->core = NULL;
}

bool outgoing_run(struct outgoing *out, const grpc_op *ops, size_t count, void *tag)
{
    grpc_call_error error = grpc_call_start_batch(out->core, ops, count, tag, NULL);
    INVARIANT(error == GRPC_CALL_OK);
    /* For ever: every call has a deadline of its own or can be cancelled, which ends the batch. */
    grpc_event event =
        grpc_completion_queue_pluck(out->cq, tag, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    INVARIANT(event.type == GRPC_OP_COMPLETE);
    return event.success != 0;
}

void op_send_headers(struct outgoing *out, grpc_op *op)
{
    op->op = GRPC_OP_SEND_INITIAL_METADATA;
    op->flags = GRPC_INITIAL_METADATA_WAIT_FOR_READY_EXPLICITLY_SET; /* and not wait: fail fast */
    op->data.send_initial_metadata.count = out->sent_count;
    op->data.send_initial_metadata.metadata = out->sent;
}

void op_send_message(struct outgoing *out, grpc_op *op, const ProtobufCMessage *message)
{
    out->message = message_pack(message);
    op->op = GRPC_OP_SEND_MESSAGE;
    op->data.send_message.send_message = out->message;
}

void op_read_headers(struct outgoing *out, grpc_op *op)
{
    op->op = GRPC_OP_RECV_INITIAL_METADATA;
    op->data.recv_initial_metadata.recv_initial_metadata = &out->headers;
}

void op_read_message(struct outgoing *out, grpc_op *op)
{
    op->op = GRPC_OP_RECV_MESSAGE;
    op->data.recv_message.recv_message = &out->received;
}

void op_read_status(struct outgoing *out, grpc_op *op)
{
    op->op = GRPC_OP_RECV_STATUS_ON_CLIENT;
    op->data.recv_status_on_client.trailing_metadata = &out->trailers;
    op->data.recv_status_on_client.status = &out->status;
    op->data.recv_status_on_client.status_details = &out->status_text;
}

static struct str trailer_find(const struct outgoing *out, const char *key)
{
    for (size_t i = 0; i < out->trailers.count; i++) {
        if (str_eq_text(slice_str(&out->trailers.metadata[i].key), key))
            return slice_str(&out->trailers.metadata[i].value);
    }
    return (struct str){NULL, 0};
}

enum err_code outgoing_outcome(struct outgoing *out, struct arena *arena, struct err *err)
{
    enum err_code code = ERR_OK;
    if (out->status != GRPC_STATUS_OK)
        code = status_to_err((int)out->status, slice_str(&out->status_text),
                             trailer_find(out, "grpc-status-details-bin"), arena, out->client->peer,
                             err);
    metric_inc(METRIC_SERIES(out->client->calls, out->path, err_code_name(code)));
    metric_observe_us(METRIC_SERIES(out->client->duration, out->path),
                      clock_mono_us() - out->started_mono_us);
    return code;
}

enum err_code reply_decode(struct outgoing *out, struct arena *arena,
                           const ProtobufCMessageDescriptor *type, ProtobufCMessage **out_message,
                           struct err *err)
{
    enum err_code code = message_unpack(out->received, arena, type, out_message, err);
    if (out->received != NULL)
        grpc_byte_buffer_destroy(TAKE(out->received));
    if (code == ERR_OK || code == ERR_RESOURCE_EXHAUSTED)
        return code;
    return ERR_SET(err, ERR_INTERNAL, "BAD_REPLY", "%s sent a reply to %s that cannot be read",
                   out->client->peer, out->path);
}

static int64_t deadline_for(const struct rpc_client *client, const struct call *parent)
{
    if (parent->deadline_mono_us == 0)
        return clock_mono_us() + (int64_t)client->default_timeout_ms * US_PER_MS;
    int64_t left_us = call_left_us(parent);
    int64_t margin_us = left_us / 10 < MARGIN_US ? left_us / 10 : MARGIN_US;
    return parent->deadline_mono_us - margin_us;
}

enum err_code rpc_call(struct rpc_client *client, const struct call *parent, const char *path,
                       const ProtobufCMessage *request,
                       const ProtobufCMessageDescriptor *reply_type, ProtobufCMessage **out_reply,
                       struct err *err)
{
    enum err_code code = call_check(parent, err);
    if (code != ERR_OK)
        return code;
    struct outgoing out;
    code = outgoing_init(&out, client, parent, path, deadline_for(client, parent), err);
    if (code != ERR_OK)
        return code;
    grpc_op ops[6];
    memset(ops, 0, sizeof ops);
    op_send_headers(&out, &ops[0]);
    op_send_message(&out, &ops[1], request);
    ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    op_read_headers(&out, &ops[3]);
    op_read_message(&out, &ops[4]);
    op_read_status(&out, &ops[5]);
    (void)outgoing_run(&out, ops, ARRAY_LEN(ops), &out);
    code = outgoing_outcome(&out, parent->arena, err);
    if (code == ERR_OK)
        code = reply_decode(&out, parent->arena, reply_type, out_reply, err);
    outgoing_fini(&out);
    return code;
}
