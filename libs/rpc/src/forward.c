#include "rpc/forward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/support/alloc.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/macros.h"
#include "client_int.h"
#include "forward_int.h"

enum {
    LOCK_RANK_FORWARD = 635,
    WAITING_TICK_US = 5 * 1000, /* how often waiting calls are tried though nobody woke us */
    AWAY_TICK_US = 100 * 1000,
    /* A peer that no longer is the place answers what it has at once; one that does not, hangs. */
    MOVED_GRACE_US = 250 * 1000,
    HURRY_US = 100 * 1000,        /* between attempts to connect */
    ANSWER_MARGIN_US = 10 * 1000, /* kept back for our own answer */
    MAX_PEERS = 64,
    MAX_SENT = 9,
};

static const struct metric_def sent_def = {
    .name = "taskrouter_rpc_forwarded_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "gRPC calls sent on to another process of the service, each try.",
};
static const struct metric_def waiting_def = {
    .name = "taskrouter_rpc_forward_calls",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "gRPC calls that wait for a process to serve them, or are under way at another.",
};

/* A process that calls are sent to. */
struct peer {
    struct peer *next;
    char target[RPC_TARGET_SIZE];
    grpc_channel *channel;
    size_t away;
    int64_t used_mono_us;
    int64_t hurried_mono_us; /* when it was last told to connect at once */
};

/* A call that waits, or is under way elsewhere. */
struct forward {
    struct core_tag done;
    struct list_node node; /* in waiting or away; under lock */
    struct forward *next;  /* of those that are tried now */
    struct rpc_forwarder *forwarder;
    struct server_call *call;
    struct err refusal; /* what it is answered when nobody serves it in time */
    bool is_repeatable;
    int64_t since_mono_us; /* since when it has no connection */

    /* While it is away. */
    struct peer *peer;
    grpc_call *core;
    grpc_metadata sent[MAX_SENT];
    size_t sent_count;
    grpc_byte_buffer *message;
    grpc_byte_buffer *received;
    grpc_metadata_array headers;
    grpc_metadata_array trailers;
    grpc_status_code status;
    grpc_slice status_text;
    bool is_final;         /* of its route */
    int64_t moved_mono_us; /* since when its place is another; 0 = it is not */
    bool is_held;          /* under lock: the waiter looks at it */
};

struct rpc_forwarder {
    struct rpc_server *server;
    struct rpc_forward_options options;
    char *authorization;
    pthread_t waiter; /* tries again */
    bool is_started;

    struct lock lock; /* guards what follows */
    struct cond changed;
    struct list waiting;
    struct list away;
    size_t count; /* of all struct forward */
    struct peer *peers;
    bool is_woken;
    bool is_refusing;
    bool is_ending;
};

/* ---- what is known about a call ---- */

static const char *find_reason(const char *const *reasons, const char *reason)
{
    for (; reasons != NULL && *reasons != NULL && reason != NULL; reasons++) {
        if (strcmp(*reasons, reason) == 0)
            return *reasons;
    }
    return NULL;
}

static bool has_key(const ProtobufCMessage *request)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(request->descriptor, "idempotency_key");
    if (field == NULL || field->type != PROTOBUF_C_TYPE_STRING ||
        field->label == PROTOBUF_C_LABEL_REPEATED)
        return false;
    const char *key = NULL;
    memcpy(&key, (const char *)request + field->offset, sizeof key);
    return key != NULL && key[0] != '\0';
}

static bool is_late(const struct server_call *call)
{
    return call->call.deadline_mono_us != 0 && call_left_us(&call->call) <= ANSWER_MARGIN_US;
}

static enum rpc_place find_place(const struct forward *forward, struct rpc_route *out_route)
{
    const struct rpc_forward_options *options = &forward->forwarder->options;
    *out_route = (struct rpc_route){.target = ""};
    return options->place(options->ctx, forward->refusal.reason, forward->call->request, out_route);
}

/* The method's own budget is for what is done here. */
static void extend(struct server_call *call, int budget_ms)
{
    if (budget_ms <= 0)
        return;
    int64_t deadline_us = call->started_mono_us + (int64_t)budget_ms * US_PER_MS;
    int64_t asked_us = timespec_mono_us(call->core_deadline);
    if (asked_us != 0 && asked_us < deadline_us)
        deadline_us = asked_us;
    if (deadline_us > call->call.deadline_mono_us)
        call->call.deadline_mono_us = deadline_us;
}

static bool is_impatient(const struct forward *forward, const struct rpc_route *route)
{
    return route->patience_ms > 0 &&
           clock_mono_us() - forward->since_mono_us > (int64_t)route->patience_ms * US_PER_MS;
}

/* ---- answers ---- */

void forward_end(struct server_call *call)
{
    struct forward *forward = TAKE(call->forward);
    if (forward == NULL)
        return;
    struct rpc_forwarder *forwarder = forward->forwarder;
    lock_take(&forwarder->lock);
    forwarder->count--;
    metric_set(metric_single(&waiting_def), (int64_t)forwarder->count);
    lock_drop(&forwarder->lock);
    free(forward);
}

static void refuse(struct forward *forward)
{
    struct err refusal = forward->refusal;
    call_answer(forward->call, NULL, &refusal);
}

static struct list_node *pop_front(struct list *list)
{
    struct list_node *node = list_first(list);
    if (node != NULL)
        list_remove(node);
    return node;
}

/* ---- peers, under lock ---- */

static void peer_drop_oldest(struct rpc_forwarder *forwarder)
{
    struct peer **oldest = NULL;
    size_t count = 0;
    for (struct peer **at = &forwarder->peers; *at != NULL; at = &(*at)->next) {
        count++;
        if ((*at)->away == 0 && (oldest == NULL || (*at)->used_mono_us < (*oldest)->used_mono_us))
            oldest = at;
    }
    if (count < MAX_PEERS || oldest == NULL)
        return;
    struct peer *peer = *oldest;
    *oldest = peer->next;
    grpc_channel_destroy(peer->channel);
    free(peer);
}

static struct peer *peer_get(struct rpc_forwarder *forwarder, const char *target)
{
    struct peer *peer = forwarder->peers;
    while (peer != NULL && strcmp(peer->target, target) != 0)
        peer = peer->next;
    if (peer == NULL) {
        peer_drop_oldest(forwarder);
        peer = xcalloc(1, sizeof *peer);
        (void)snprintf(peer->target, sizeof peer->target, "%s", target);
        struct rpc_client_config config = {.target = target, .tls = forwarder->options.tls};
        struct err err;
        peer->channel = client_channel_make(&config, &err);
        peer->next = forwarder->peers;
        forwarder->peers = peer;
    }
    peer->used_mono_us = clock_mono_us();
    return peer;
}

static bool peer_is_ready(struct peer *peer)
{
    if (peer->channel == NULL)
        return false;
    grpc_connectivity_state state = grpc_channel_check_connectivity_state(peer->channel, 1);
    int64_t now = clock_mono_us();
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE && now - peer->hurried_mono_us > HURRY_US) {
        peer->hurried_mono_us = now; /* calls wait for it: no time for growing pauses */
        grpc_channel_reset_connect_backoff(peer->channel);
    }
    return state == GRPC_CHANNEL_READY;
}

/* ---- sending ---- */

static void metadata_add(struct forward *forward, const char *key, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    INVARIANT(forward->sent_count < MAX_SENT);
    forward->sent[forward->sent_count++] = (grpc_metadata){
        .key = grpc_slice_from_static_string(key),
        .value = grpc_slice_from_copied_string(value),
    };
}

/* The peer judges by what we judged: all of it came from the caller or was checked by us. */
static void metadata_fill(struct forward *forward)
{
    const struct call *call = &forward->call->call;
    metadata_add(forward, "x-tr-hop", "1");
    metadata_add(forward, "x-request-id", call->request_id);
    metadata_add(forward, "traceparent", call->traceparent);
    if (call->who.role == ROLE_NONE || forward->forwarder->authorization == NULL)
        return;
    metadata_add(forward, "authorization", forward->forwarder->authorization);
    metadata_add(forward, "x-tr-actor", call->who.actor_sid);
    metadata_add(forward, "x-tr-account", call->who.account_sid);
    metadata_add(forward, "x-tr-role", role_name(call->who.role));
    metadata_add(forward, "x-tr-worker", call->who.worker_sid);
    metadata_add(forward, "x-tr-workspace", call->who.workspace_sid);
}

static void came_back(struct core_tag *tag, bool ok);

static void start_batch(struct forward *forward)
{
    grpc_op ops[6];
    memset(ops, 0, sizeof ops);
    ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
    ops[0].flags = GRPC_INITIAL_METADATA_WAIT_FOR_READY_EXPLICITLY_SET; /* and not wait */
    ops[0].data.send_initial_metadata.count = forward->sent_count;
    ops[0].data.send_initial_metadata.metadata = forward->sent;
    ops[1].op = GRPC_OP_SEND_MESSAGE;
    ops[1].data.send_message.send_message = forward->message;
    ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &forward->headers;
    ops[4].op = GRPC_OP_RECV_MESSAGE;
    ops[4].data.recv_message.recv_message = &forward->received;
    ops[5].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
    ops[5].data.recv_status_on_client.trailing_metadata = &forward->trailers;
    ops[5].data.recv_status_on_client.status = &forward->status;
    ops[5].data.recv_status_on_client.status_details = &forward->status_text;
    forward->done.done = came_back;
    grpc_call *core = forward->core;
    TSAN_RELEASE(&forward->done); /* nothing of forward is read after this */
    grpc_call_error error = grpc_call_start_batch(core, ops, ARRAY_LEN(ops), &forward->done, NULL);
    INVARIANT(error == GRPC_CALL_OK);
}

/* False when there is no connection yet: it is being made. */
static bool send_there(struct forward *forward, const struct rpc_route *route)
{
    struct rpc_forwarder *forwarder = forward->forwarder;
    struct server_call *call = forward->call;
    lock_take(&forwarder->lock);
    struct peer *peer = peer_get(forwarder, route->target);
    bool is_ready = peer_is_ready(peer);
    if (is_ready) {
        peer->away++;
        forward->peer = peer;
        list_append(&forwarder->away, &forward->node);
        forward->is_held = true; /* until it is whole */
    }
    lock_drop(&forwarder->lock);
    if (!is_ready)
        return false;
    int64_t deadline_us = call->call.deadline_mono_us;
    forward->is_final = route->is_final;
    forward->moved_mono_us = 0;
    forward->sent_count = 0;
    forward->received = NULL;
    forward->status_text = grpc_empty_slice();
    grpc_metadata_array_init(&forward->headers);
    grpc_metadata_array_init(&forward->trailers);
    metadata_fill(forward);
    forward->message = grpc_byte_buffer_copy(call->payload);
    grpc_slice method = grpc_slice_from_copied_string(call->method->path);
    forward->core = grpc_channel_create_call(
        peer->channel, NULL, GRPC_PROPAGATE_DEFAULTS, call->loop->cq, method, NULL,
        mono_us_timespec(deadline_us == 0 ? 0 : deadline_us - ANSWER_MARGIN_US), NULL);
    grpc_slice_unref(method);
    INVARIANT(forward->core != NULL);
    metric_inc(metric_single(&sent_def));
    lock_take(&forwarder->lock);
    forward->is_held = false;
    cond_broadcast(&forwarder->changed);
    lock_drop(&forwarder->lock);
    start_batch(forward);
    return true;
}

static void park(struct forward *forward)
{
    struct rpc_forwarder *forwarder = forward->forwarder;
    bool is_refused = false;
    lock_take(&forwarder->lock);
    is_refused = forwarder->is_refusing;
    if (!is_refused) {
        /* With others waiting the next tick is near: a look at all of them for each that comes
         * would take their number squared. */
        if (list_is_empty(&forwarder->waiting))
            cond_broadcast(&forwarder->changed);
        list_append(&forwarder->waiting, &forward->node);
    }
    lock_drop(&forwarder->lock);
    if (is_refused)
        refuse(forward);
}

/* ---- coming back ---- */

/* Whether the call was ever given to a connection: only then it names the peer's address. */
static bool was_sent(grpc_call *core)
{
    char *peer = grpc_call_get_peer(core);
    bool is_address =
        peer != NULL && (strncmp(peer, "ipv4:", 5) == 0 || strncmp(peer, "ipv6:", 5) == 0 ||
                         strncmp(peer, "unix:", 5) == 0);
    gpr_free(peer);
    return is_address;
}

static struct str details_of(const struct forward *forward)
{
    for (size_t i = 0; i < forward->trailers.count; i++) {
        const grpc_metadata *entry = &forward->trailers.metadata[i];
        if (str_eq_text(slice_str(&entry->key), "grpc-status-details-bin"))
            return slice_str(&entry->value);
    }
    return (struct str){NULL, 0};
}

enum outcome {
    OUTCOME_NONE,
    OUTCOME_ANSWER,
    OUTCOME_AGAIN, /* surely not executed, or harmless to repeat */
};

static enum outcome judge(struct forward *forward, struct err *err)
{
    const struct rpc_forward_options *options = &forward->forwarder->options;
    struct str details = details_of(forward);
    err_clear(err);
    if (forward->status == GRPC_STATUS_OK)
        return OUTCOME_ANSWER;
    enum err_code code = status_to_err((int)forward->status, slice_str(&forward->status_text),
                                       details, forward->call->arena, forward->peer->target, err);
    if (details.len > 0) { /* a handler speaks */
        if (forward->is_final)
            return OUTCOME_ANSWER;
        const char *reason = find_reason(options->reasons, err->reason);
        if (reason == NULL && forward->is_repeatable)
            reason = find_reason(options->unsure, err->reason);
        if (reason == NULL)
            return OUTCOME_ANSWER;
        forward->refusal = *err;
        forward->refusal.reason = reason; /* outlives the call's memory */
        return OUTCOME_AGAIN;
    }
    if (code == ERR_DEADLINE_EXCEEDED || code == ERR_RESOURCE_EXHAUSTED)
        return OUTCOME_ANSWER;
    if (forward->is_repeatable || !was_sent(forward->core))
        return OUTCOME_AGAIN;
    (void)ERR_SET(err, ERR_UNAVAILABLE, "OUTCOME_UNKNOWN",
                  "the process that had the call went away, and whether it was executed is not "
                  "known; look, or repeat it with the same idempotency key");
    return OUTCOME_ANSWER;
}

static void clear_away(struct forward *forward)
{
    struct rpc_forwarder *forwarder = forward->forwarder;
    lock_take(&forwarder->lock);
    while (forward->is_held)
        cond_wait(&forwarder->changed, &forwarder->lock);
    list_remove(&forward->node);
    lock_drop(&forwarder->lock);
}

static void let_go(struct forward *forward)
{
    struct rpc_forwarder *forwarder = forward->forwarder;
    grpc_call_unref(TAKE(forward->core));
    for (size_t i = 0; i < forward->sent_count; i++)
        grpc_slice_unref(forward->sent[i].value);
    grpc_metadata_array_destroy(&forward->headers);
    grpc_metadata_array_destroy(&forward->trailers);
    grpc_slice_unref(forward->status_text);
    if (forward->message != NULL)
        grpc_byte_buffer_destroy(TAKE(forward->message));
    lock_take(&forwarder->lock);
    forward->peer->away--;
    lock_drop(&forwarder->lock);
    forward->peer = NULL;
}

static void came_back(struct core_tag *tag, bool ok)
{
    (void)ok; /* the status says it */
    struct forward *forward = CONTAINER_OF(tag, struct forward, done);
    struct rpc_forwarder *forwarder = forward->forwarder;
    struct server_call *call = forward->call;
    struct err err;
    clear_away(forward);
    enum outcome outcome = judge(forward, &err);
    let_go(forward);
    grpc_byte_buffer *received = TAKE(forward->received);
    if (outcome == OUTCOME_AGAIN) {
        forward->since_mono_us = clock_mono_us();
        if (received != NULL)
            grpc_byte_buffer_destroy(received);
        forwarder->options.refresh(forwarder->options.ctx);
        park(forward);
        return;
    }
    call->is_relayed = true;
    call_answer(call, err.code == ERR_OK ? received : NULL, err.code == ERR_OK ? NULL : &err);
}

/* ---- trying again ---- */

static void attempt(struct forward *forward)
{
    struct server_call *call = forward->call;
    struct rpc_route route;
    enum rpc_place place = find_place(forward, &route);
    if (place == RPC_PLACE_THERE)
        extend(call, route.budget_ms);
    if (is_late(call)) {
        refuse(forward);
        return;
    }
    switch (place) {
    case RPC_PLACE_HERE:
        call_run_again(call);
        return;
    case RPC_PLACE_THERE:
        if (send_there(forward, &route))
            return;
        if (is_impatient(forward, &route)) {
            refuse(forward);
            return;
        }
        break;
    case RPC_PLACE_GONE:
        refuse(forward);
        return;
    case RPC_PLACE_NONE:
        break;
    }
    park(forward);
}

/* Calls whose place is another by now and whose peer does not answer: it hangs, so what it did is
 * not known, and the caller need not wait for more. */
static void look_after(struct rpc_forwarder *forwarder)
{
    enum { AT_ONCE = 64 };
    struct forward *held[AT_ONCE];
    size_t count = 0;
    lock_take(&forwarder->lock);
    for (struct list_node *node = list_first(&forwarder->away); node != NULL && count < AT_ONCE;
         node = list_next(&forwarder->away, node)) {
        struct forward *forward = CONTAINER_OF(node, struct forward, node);
        if (!forward->is_held) {
            forward->is_held = true;
            held[count++] = forward;
        }
    }
    lock_drop(&forwarder->lock);
    int64_t now = clock_mono_us();
    for (size_t i = 0; i < count; i++) {
        struct forward *forward = held[i];
        struct rpc_route route;
        enum rpc_place place = find_place(forward, &route);
        bool is_moved =
            place == RPC_PLACE_HERE ||
            (place == RPC_PLACE_THERE && strcmp(route.target, forward->peer->target) != 0);
        if (is_moved && forward->moved_mono_us == 0)
            forward->moved_mono_us = now;
        else if (is_moved && now - forward->moved_mono_us > MOVED_GRACE_US)
            (void)grpc_call_cancel(forward->core, NULL);
    }
    lock_take(&forwarder->lock);
    for (size_t i = 0; i < count; i++) {
        held[i]->is_held = false;
        list_remove(&held[i]->node); /* to the end: others come first next time */
        list_append(&forwarder->away, &held[i]->node);
    }
    cond_broadcast(&forwarder->changed);
    lock_drop(&forwarder->lock);
}

/* Waits for something to do; the calls to try now, linked, NULL when none. */
static struct forward *take_waiting(struct rpc_forwarder *forwarder, bool *out_goes_on)
{
    struct forward *taken = NULL;
    lock_take(&forwarder->lock);
    if (!forwarder->is_woken && !forwarder->is_ending) {
        int64_t now = clock_mono_us();
        if (!list_is_empty(&forwarder->waiting))
            (void)cond_wait_until(&forwarder->changed, &forwarder->lock, now + WAITING_TICK_US);
        else if (!list_is_empty(&forwarder->away))
            (void)cond_wait_until(&forwarder->changed, &forwarder->lock, now + AWAY_TICK_US);
        else
            cond_wait(&forwarder->changed, &forwarder->lock);
    }
    forwarder->is_woken = false;
    struct forward **last = &taken;
    struct list_node *node = NULL;
    while ((node = pop_front(&forwarder->waiting)) != NULL) {
        *last = CONTAINER_OF(node, struct forward, node);
        (*last)->next = NULL;
        last = &(*last)->next;
    }
    *out_goes_on = !forwarder->is_ending || taken != NULL;
    lock_drop(&forwarder->lock);
    return taken;
}

static void *waiter_main(void *arg)
{
    struct rpc_forwarder *forwarder = arg;
    bool goes_on = true;
    int64_t looked_mono_us = 0;
    while (goes_on) {
        struct forward *forward = take_waiting(forwarder, &goes_on);
        while (forward != NULL) {
            struct forward *next = forward->next;
            attempt(forward);
            forward = next;
        }
        if (clock_mono_us() - looked_mono_us >= AWAY_TICK_US) {
            look_after(forwarder);
            looked_mono_us = clock_mono_us();
        }
    }
    return NULL;
}

/* ---- what the server asks ---- */

/* NULL when so many wait that it is refused. */
static struct forward *forward_new(struct rpc_forwarder *forwarder, struct server_call *call)
{
    struct forward *forward = NULL;
    lock_take(&forwarder->lock);
    if (forwarder->count < forwarder->options.max_calls) {
        forwarder->count++;
        metric_set(metric_single(&waiting_def), (int64_t)forwarder->count);
        forward = xcalloc(1, sizeof *forward);
    }
    lock_drop(&forwarder->lock);
    if (forward == NULL)
        return NULL;
    forward->forwarder = forwarder;
    forward->call = call;
    forward->is_repeatable = call->method->row->min_role <= ROLE_VIEWER || has_key(call->request);
    call->forward = forward;
    return forward;
}

bool forward_take(struct server_call *call, const struct err *err)
{
    struct rpc_forwarder *forwarder = call->loop->server->forwarder;
    if (forwarder == NULL || call->is_forwarded || call->request == NULL)
        return false;
    const struct rpc_forward_options *options = &forwarder->options;
    const char *reason = find_reason(options->reasons, err->reason);
    const char *unsure = reason == NULL ? find_reason(options->unsure, err->reason) : NULL;
    bool is_new = call->forward == NULL;
    if (reason == NULL && unsure == NULL)
        return false;
    if (unsure != NULL && call->method->row->min_role > ROLE_VIEWER && !has_key(call->request))
        return false;
    struct forward *forward = is_new ? forward_new(forwarder, call) : call->forward;
    if (forward == NULL) {
        struct err full;
        (void)ERR_SET(&full, ERR_RESOURCE_EXHAUSTED, "QUEUE_FULL",
                      "too many requests wait for another process; try again in a second");
        call_answer(call, NULL, &full);
        return true;
    }
    forward->refusal = *err;
    forward->refusal.reason = reason != NULL ? reason : unsure;
    forward->since_mono_us = clock_mono_us();
    struct rpc_route route;
    enum rpc_place place = find_place(forward, &route);
    if (place == RPC_PLACE_THERE)
        extend(call, route.budget_ms);
    if (place == RPC_PLACE_GONE || is_late(call))
        return false;
    if (is_new && place == RPC_PLACE_THERE && send_there(forward, &route))
        return true;
    park(forward);
    return true;
}

struct rpc_forwarder *forwarder_new(struct rpc_server *server,
                                    const struct rpc_forward_options *options)
{
    struct rpc_forwarder *forwarder = xcalloc(1, sizeof *forwarder);
    forwarder->server = server;
    forwarder->options = *options;
    if (options->token != NULL && options->token[0] != '\0') {
        size_t size = strlen(options->token) + sizeof "Bearer ";
        forwarder->authorization = xcalloc(1, size);
        (void)snprintf(forwarder->authorization, size, "Bearer %s", options->token);
    }
    lock_init(&forwarder->lock, "rpc forward", LOCK_RANK_FORWARD);
    cond_init(&forwarder->changed);
    list_init(&forwarder->waiting);
    list_init(&forwarder->away);
    return forwarder;
}

void forwarder_start(struct rpc_forwarder *forwarder)
{
    if (forwarder == NULL)
        return;
    int failed = pthread_create(&forwarder->waiter, NULL, waiter_main, forwarder);
    INVARIANT(failed == 0);
    forwarder->is_started = true;
}

void forwarder_refuse(struct rpc_forwarder *forwarder)
{
    if (forwarder == NULL)
        return;
    struct list_node *node = NULL;
    lock_take(&forwarder->lock);
    forwarder->is_refusing = true;
    node = pop_front(&forwarder->waiting);
    lock_drop(&forwarder->lock);
    while (node != NULL) {
        refuse(CONTAINER_OF(node, struct forward, node));
        lock_take(&forwarder->lock);
        node = pop_front(&forwarder->waiting);
        lock_drop(&forwarder->lock);
    }
    lock_take(&forwarder->lock);
    for (node = list_first(&forwarder->away); node != NULL;
         node = list_next(&forwarder->away, node)) {
        struct forward *forward = CONTAINER_OF(node, struct forward, node);
        if (forward->core != NULL)
            (void)grpc_call_cancel(forward->core, NULL);
    }
    lock_drop(&forwarder->lock);
}

void forwarder_free(struct rpc_forwarder *forwarder)
{
    if (forwarder == NULL)
        return;
    lock_take(&forwarder->lock);
    forwarder->is_ending = true;
    cond_broadcast(&forwarder->changed);
    lock_drop(&forwarder->lock);
    if (forwarder->is_started) {
        (void)pthread_join(forwarder->waiter, NULL);
    }
    while (forwarder->peers != NULL) {
        struct peer *peer = forwarder->peers;
        forwarder->peers = peer->next;
        if (peer->channel != NULL)
            grpc_channel_destroy(peer->channel);
        free(peer);
    }
    cond_fini(&forwarder->changed);
    lock_fini(&forwarder->lock);
    free(forwarder->authorization);
    free(forwarder);
}

void rpc_server_forward_wake(struct rpc_server *server)
{
    struct rpc_forwarder *forwarder = server->forwarder;
    if (forwarder == NULL)
        return;
    lock_take(&forwarder->lock);
    forwarder->is_woken = true;
    cond_broadcast(&forwarder->changed);
    lock_drop(&forwarder->lock);
}
