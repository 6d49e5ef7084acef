/* Who looks on: JetStream by a live and by a durable consumer, and WatchEvents with resume. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/map.h"
#include "bus/bus.h"
#include "bus/event.h"
#include "event_line.h"
#include "rpc/client.h"
#include "run_int.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"

enum {
    ARENA_BYTES = 64 << 20,
    BUS_WAIT_MS = 20000,
    LOCK_RANK = 905,
    WATCH_MS = 3000, /* then it resumes, whatever happened */
    RETRY_MS = 50,
};

/* One consumer of JetStream. Events of other services have no place in the log until tasks-svc
 * gives them one. */
struct feed {
    struct observers *observers;
    const char *name;
    struct arena *arena;
    int64_t seen;  /* last place in the log; atomic */
    int64_t other; /* events of other services; atomic */
};

struct observers {
    struct scene *scene;
    struct bus *bus;
    struct feed live;
    struct feed durable;
    struct bus_subscription *subscription;
    struct bus_consumer *consumer;
    struct bus_consumer_def def;
    char subject[64];
    char durable_name[64];
    pthread_t watcher;
    struct lock lock;                 /* guards stream */
    struct rpc_client_stream *stream; /* NULL: none is open */
    struct arena *watch_arena;
    int64_t watched;       /* last place in the log; atomic */
    int64_t watched_other; /* events of other services; atomic */
    bool is_ending;        /* atomic */
};

/* ---- JetStream ---- */

static void record_message(struct feed *feed, struct arena *arena, const struct bus_msg *msg)
{
    struct scene *scene = feed->observers->scene;
    struct bus_event event;
    json_t *line = history_line("bus");
    (void)json_object_set_new(line, "c", json_string(feed->name));
    (void)json_object_set_new(line, "n", json_integer((json_int_t)msg->stream_seq));
    (void)json_object_set_new(line, "sid", json_stringn(msg->msg_id.ptr, msg->msg_id.len));
    if (bus_event_parse(arena, msg->payload, &event, NULL) != ERR_OK) {
        (void)json_object_set_new(line, "bad", json_true());
        history_add(scene->history, line);
        return;
    }
    if (strcmp(event.workspace_sid.ptr, scene->world.workspace) != 0) {
        json_decref(line);
        return;
    }
    (void)json_object_set_new(line, "q", json_integer((json_int_t)event.sequence));
    (void)json_object_set_new(line, "e", json_string(event.type.ptr));
    (void)json_object_set_new(line, "r", json_string(event.resource_sid.ptr));
    (void)json_object_set_new(line, "v", json_integer((json_int_t)event.version));
    (void)json_object_set_new(line, "src", json_string(event.source.ptr));
    (void)json_object_set_new(line, "rid", json_string(event.request_id.ptr));
    (void)json_object_set_new(
        line, "h", json_integer((json_int_t)(hash_bytes(event.data.ptr, event.data.len) >> 1)));
    history_add(scene->history, line);
    if (event.sequence == 0)
        (void)__atomic_add_fetch(&feed->other, 1, __ATOMIC_SEQ_CST);
    if (event.sequence > __atomic_load_n(&feed->seen, __ATOMIC_SEQ_CST))
        __atomic_store_n(&feed->seen, event.sequence, __ATOMIC_SEQ_CST);
}

static bool on_live(void *ctx, const struct bus_msg *msg)
{
    struct feed *feed = ctx;
    arena_reset(feed->arena);
    record_message(feed, feed->arena, msg);
    return true;
}

static enum err_code on_durable(void *ctx, struct call *call, const struct bus_msg *msg,
                                struct err *err)
{
    (void)err;
    struct observers *observers = ctx;
    record_message(&observers->durable, call->arena, msg);
    return ERR_OK;
}

/* ---- WatchEvents ---- */

/* What observers_stop may cancel. */
static void set_stream(struct observers *observers, struct rpc_client_stream *stream)
{
    lock_take(&observers->lock);
    observers->stream = stream;
    lock_drop(&observers->lock);
}

static void watch_once(struct observers *observers, int target)
{
    struct scene *scene = observers->scene;
    struct run *run = scene->run;
    struct call call;
    struct err err;
    struct rpc_client_stream *stream = NULL;
    Taskrouter__Tasks__V1__WatchEventsRequest request =
        TASKROUTER__TASKS__V1__WATCH_EVENTS_REQUEST__INIT;
    arena_reset(observers->watch_arena);
    err_clear(&err);
    call_init(&call, observers->watch_arena, "watch", WATCH_MS * US_PER_MS);
    call.who = suite_viewer;
    request.workspace_sid = arena_strdup(observers->watch_arena, scene->world.workspace);
    request.after_sequence = observers->watched;
    json_t *line = history_line("resume");
    (void)json_object_set_new(line, "q", json_integer((json_int_t)observers->watched));
    (void)json_object_set_new(line, "to", json_integer(target));
    history_add(scene->history, line);
    enum err_code code = rpc_client_stream_open(
        run->replicas[target].client, &call, "/taskrouter.tasks.v1.Tasks/WatchEvents",
        &request.base, &taskrouter__tasks__v1__event__descriptor, &stream, &err);
    set_stream(observers, stream);
    while (code == ERR_OK && !run_flag(&observers->is_ending)) {
        ProtobufCMessage *message = NULL;
        struct arena_mark mark = arena_mark(observers->watch_arena);
        code = rpc_client_stream_next(stream, observers->watch_arena, &message, &err);
        if (code != ERR_OK || message == NULL)
            break;
        const Taskrouter__Tasks__V1__Event *event = (const Taskrouter__Tasks__V1__Event *)message;
        history_add(scene->history, event_line("watch", event));
        if (strcmp(event->source, "/tasks-svc") != 0)
            (void)__atomic_add_fetch(&observers->watched_other, 1, __ATOMIC_SEQ_CST);
        __atomic_store_n(&observers->watched, event->sequence, __ATOMIC_SEQ_CST);
        arena_rewind(observers->watch_arena, mark);
    }
    set_stream(observers, NULL);
    rpc_client_stream_close(stream);
}

static void *watch_main(void *ctx)
{
    struct observers *observers = ctx;
    int target = 0;
    while (!run_flag(&observers->is_ending)) {
        int64_t before = observers->watched;
        watch_once(observers, target);
        target = (target + 1) % observers->scene->run->options->replicas;
        if (observers->watched == before)
            process_sleep_ms(RETRY_MS);
    }
    return NULL;
}

/* ---- all ---- */

struct observers *observers_start(struct scene *scene)
{
    struct observers *observers = xcalloc(1, sizeof *observers);
    struct err err;
    err_clear(&err);
    observers->scene = scene;
    lock_init(&observers->lock, "watched stream", LOCK_RANK);
    observers->watched = 1; /* 0 would be: from now on */
    observers->live = (struct feed){observers, "live", arena_new(ARENA_BYTES), 0, 0};
    observers->durable = (struct feed){observers, "durable", NULL, 0, 0};
    observers->watch_arena = arena_new(ARENA_BYTES);
    (void)snprintf(observers->subject, sizeof observers->subject, "taskrouter.%s.>",
                   scene->world.workspace);
    (void)snprintf(observers->durable_name, sizeof observers->durable_name, "chaos-%s",
                   scene->world.workspace);
    enum err_code code =
        bus_open(&(struct bus_options){.url = cluster_nats_url(suite_cluster()), .name = "chaos"},
                 &observers->bus, &err);
    INVARIANT(code == ERR_OK);
    INVARIANT(bus_wait_ready(observers->bus, clock_mono_us() + BUS_WAIT_MS * US_PER_MS));
    observers->subscription =
        bus_subscribe(observers->bus, observers->subject, 1, on_live, &observers->live);
    observers->def = (struct bus_consumer_def){
        .durable = observers->durable_name, .subject = observers->subject, .handler = on_durable};
    observers->consumer = bus_consumer_start(observers->bus, &observers->def, observers);
    int failed = pthread_create(&observers->watcher, NULL, watch_main, observers);
    INVARIANT(failed == 0);
    return observers;
}

void observers_stop(struct observers *observers)
{
    if (observers == NULL)
        return;
    __atomic_store_n(&observers->is_ending, true, __ATOMIC_SEQ_CST);
    lock_take(&observers->lock);
    if (observers->stream != NULL)
        rpc_client_stream_cancel(observers->stream);
    lock_drop(&observers->lock);
    (void)pthread_join(observers->watcher, NULL);
    bus_consumer_stop(observers->consumer);
    bus_subscription_close(observers->subscription);
    bus_close(observers->bus);
    arena_free(observers->live.arena);
    arena_free(observers->watch_arena);
    lock_fini(&observers->lock);
    free(observers);
}

bool observers_have(struct observers *observers, int64_t last, int64_t last_own)
{
    /* The first event is before the stream begins: the workspace's own. */
    bool has_config = __atomic_load_n(&observers->watched_other, __ATOMIC_SEQ_CST) + 1 >=
                      __atomic_load_n(&observers->live.other, __ATOMIC_SEQ_CST);
    return has_config && __atomic_load_n(&observers->watched, __ATOMIC_SEQ_CST) >= last &&
           __atomic_load_n(&observers->live.seen, __ATOMIC_SEQ_CST) >= last_own &&
           __atomic_load_n(&observers->durable.seen, __ATOMIC_SEQ_CST) >= last_own;
}
