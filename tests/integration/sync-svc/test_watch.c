/* Runs that are watched: by several, from another process, by those who go away. */
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "rpc/client.h"
#include "suite_int.h"
#include "sync_fixture.h"
#include "taskrouter/sync/v1/sync.pb-c.h"

enum { PATIENCE_MS = 60000, STREAMS_MAX = 64 /* of a process, see rpc/server.h */ };

#define RUNNING TASKROUTER__SYNC__V1__RUN_STATE__RUN_STATE_RUNNING
#define CLEAN   TASKROUTER__SYNC__V1__RUN_STATE__RUN_STATE_CLEAN

typedef Taskrouter__Sync__V1__Run wire_run;

/* What is held is held for as long as a slow machine takes. */
static const char *const patient[] = {"TASKROUTER_TWILIO_TIMEOUT=120s", NULL};

/* ---- a run that stands still ---- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_open;
    bool is_reached;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void gate_set(bool *what, bool value)
{
    (void)pthread_mutex_lock(&gate.lock);
    *what = value;
    (void)pthread_cond_broadcast(&gate.changed);
    (void)pthread_mutex_unlock(&gate.lock);
}

static void gate_await(const bool *what)
{
    (void)pthread_mutex_lock(&gate.lock);
    while (!*what)
        (void)pthread_cond_wait(&gate.changed, &gate.lock);
    (void)pthread_mutex_unlock(&gate.lock);
}

static void stand_still(void)
{
    gate_set(&gate.is_reached, true);
    gate_await(&gate.is_open);
}

/* A run that has come as far as the workers, and goes on with gate.is_open. */
static const char *run_held(const char *workspace)
{
    gate_set(&gate.is_open, false);
    gate_set(&gate.is_reached, false);
    world_hook("/Workers?", 0, stand_still);
    const char *sid = suite_text("%s", run_begin(workspace, ALL_KINDS));
    gate_await(&gate.is_reached);
    return sid;
}

/* ---- a watcher ---- */

struct watcher {
    struct arena *arena;
    struct call call;
    struct rpc_client_stream *stream;
    enum err_code code; /* of the last step */
    struct err err;
    int count; /* runs seen */
    int64_t seen;
    int state; /* of the last one */
    bool goes_back;
    pthread_t thread;
};

static struct rpc_client *here(void)
{
    return suite->directed[S] != NULL ? suite->directed[S] : suite->clients[S];
}

static bool watch_open(struct watcher *w, struct rpc_client *client, const struct identity *who,
                       const char *workspace, const char *sid)
{
    Taskrouter__Sync__V1__GetRunRequest request;
    *w = (struct watcher){.arena = arena_new(4 << 20)};
    call_init(&w->call, w->arena, "watcher", US_PER_MS * 2 * PATIENCE_MS);
    w->call.who = *who;
    taskrouter__sync__v1__get_run_request__init(&request);
    request.workspace_sid = arena_strdup(w->arena, workspace);
    request.sid = arena_strdup(w->arena, sid);
    w->code =
        rpc_client_stream_open(client, &w->call, "/taskrouter.sync.v1.Sync/WatchRun", &request.base,
                               &taskrouter__sync__v1__run__descriptor, &w->stream, &w->err);
    return w->code == ERR_OK;
}

static void watch_close(struct watcher *w)
{
    rpc_client_stream_close(w->stream);
    arena_free(w->arena);
    *w = (struct watcher){.arena = NULL};
}

static int64_t seen_in(const wire_run *run)
{
    int64_t seen = 0;
    for (size_t i = 0; i < run->n_progress; i++)
        seen += run->progress[i]->seen;
    return seen;
}

/* False at the end, whatever it is. */
static bool watch_next(struct watcher *w)
{
    ProtobufCMessage *message = NULL;
    w->code = rpc_client_stream_next(w->stream, w->arena, &message, &w->err);
    if (w->code != ERR_OK || message == NULL)
        return false;
    const wire_run *run = (const wire_run *)(const void *)message;
    w->goes_back = w->goes_back || seen_in(run) < w->seen || (w->count > 0 && w->state != RUNNING);
    w->seen = seen_in(run);
    w->state = (int)run->state;
    w->count++;
    return true;
}

static void *watch_to_end(void *ctx)
{
    while (watch_next(ctx))
        continue;
    return NULL;
}

static void watch_aside(struct watcher *w)
{
    int failed = pthread_create(&w->thread, NULL, watch_to_end, w);
    INVARIANT(failed == 0);
}

/* To a good end, through what there was. */
static void check_seen(const struct watcher *w)
{
    CHECK_I64(w->code, ERR_OK);
    CHECK(w->count >= 2); /* as it stood, and as it ended */
    CHECK(!w->goes_back);
    CHECK_I64(w->state, CLEAN);
}

/* ---- cases ---- */

static void test_to_the_end(void)
{
    struct watcher watcher;
    const char *ws = world_workspace(6);
    struct process *process = sync_start(patient);
    const char *sid = run_held(ws);
    REQUIRE(watch_open(&watcher, here(), &suite_viewer, ws, sid));
    CHECK(watch_next(&watcher)); /* at once, though nothing moves */
    CHECK_I64(watcher.state, RUNNING);
    CHECK(watcher.seen > 0);
    gate_set(&gate.is_open, true);
    (void)watch_to_end(&watcher);
    check_seen(&watcher);
    const json_t *run = run_ended(ws, sid);
    int64_t seen = 0;
    for (int64_t i = 0; i < at_i64(run, "progress"); i++)
        seen += at_i64(run, suite_text("progress.%lld.seen", (long long)i));
    CHECK_I64(watcher.seen, seen);
    watch_close(&watcher);
    REQUIRE(watch_open(&watcher, here(), &suite_viewer, ws, sid)); /* it has ended */
    CHECK(watch_next(&watcher));
    CHECK_I64(watcher.state, CLEAN);
    CHECK(!watch_next(&watcher));
    CHECK_I64(watcher.code, ERR_OK);
    watch_close(&watcher);
    sync_stop(process);
}

/* The second through a process that does not make the run, and sees it in the database only. */
static void test_two_watchers(void)
{
    struct watcher watchers[3];
    const char *ws = world_workspace(6);
    struct process *process = sync_start(patient);
    const char *sid = run_held(ws);
    for (size_t i = 0; i < ARRAY_LEN(watchers); i++) {
        REQUIRE(
            watch_open(&watchers[i], i == 1 ? suite->clients[S] : here(), &suite_viewer, ws, sid));
        CHECK(watch_next(&watchers[i]));
        CHECK_I64(watchers[i].state, RUNNING);
        watch_aside(&watchers[i]);
    }
    gate_set(&gate.is_open, true);
    for (size_t i = 0; i < ARRAY_LEN(watchers); i++) {
        (void)pthread_join(watchers[i].thread, NULL);
        check_seen(&watchers[i]);
        CHECK_I64(watchers[i].seen, watchers[0].seen);
    }
    for (size_t i = 0; i < ARRAY_LEN(watchers); i++)
        watch_close(&watchers[i]);
    sync_stop(process);
}

struct late {
    const char *ws;
    const char *sid;
};

/* Whether one more may watch. */
static bool has_room(const void *ctx)
{
    const struct late *late = ctx;
    struct watcher watcher;
    bool is_open =
        watch_open(&watcher, here(), &suite_viewer, late->ws, late->sid) && watch_next(&watcher);
    watch_close(&watcher);
    return is_open;
}

/* Those who went away are not waited for, nor told anything: their places are free again, and the
 * run goes on. */
static void test_gone_away(void)
{
    static struct watcher watchers[STREAMS_MAX];
    const char *ws = world_workspace(6);
    struct process *process = sync_start(patient);
    struct late late = {ws, run_held(ws)};
    for (size_t i = 0; i < ARRAY_LEN(watchers); i++) {
        CHECK(watch_open(&watchers[i], here(), &suite_viewer, ws, late.sid));
        CHECK(watch_next(&watchers[i]));
    }
    CHECK(!has_room(&late));
    for (size_t i = 0; i < ARRAY_LEN(watchers); i++)
        watch_close(&watchers[i]); /* in the middle of it */
    CHECK(suite_until(has_room, &late, PATIENCE_MS));
    gate_set(&gate.is_open, true);
    CHECK_TEXT(at(run_ended(ws, late.sid), "state"), "RUN_STATE_CLEAN");
    sync_stop(process);
}

static void test_refused(void)
{
    static const char none[] = "SY00000000000000000000000000000009";
    struct watcher watcher;
    const char *ws = world_workspace(1);
    struct process *process = sync_start(patient);
    const char *sid = suite_text("%s", run_begin(ws, ALL_KINDS));
    CHECK_TEXT(at(run_ended(ws, sid), "state"), "RUN_STATE_CLEAN");
    (void)watch_open(&watcher, here(), &suite_viewer, ws, none);
    CHECK(!watch_next(&watcher));
    CHECK_I64(watcher.code, ERR_NOT_FOUND);
    CHECK_TEXT(watcher.err.reason, "RUN_NOT_FOUND");
    watch_close(&watcher);
    (void)watch_open(&watcher, here(), &suite_stranger, ws, sid);
    CHECK(!watch_next(&watcher));
    CHECK_I64(watcher.code, ERR_NOT_FOUND);
    CHECK_TEXT(watcher.err.reason, "WORKSPACE_NOT_FOUND");
    watch_close(&watcher);
    sync_stop(process);
}

static const struct test_case cases[] = {
    {"a watcher sees a run as it stands, and to its end", test_to_the_end  },
    {"several see the same, through whatever process",    test_two_watchers},
    {"who goes away leaves a place, and the run alone",   test_gone_away   },
    {"what is not there, or another's, is refused",       test_refused     },
};

int main(int argc, char **argv)
{
    return sync_main("watch", cases, ARRAY_LEN(cases), argc, argv);
}
