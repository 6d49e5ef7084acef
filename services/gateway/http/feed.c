#include "feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/lock.h"
#include "bus/bus.h"
#include "default_workspace.h"
#include "frame.h"
#include "log/log.h"
#include "metrics/metrics.h"

enum {
    FEED_LOCK_RANK = 400,
    RING_EVENTS = 8192,
    RING_BYTES = 16 << 20,
    ARENA_BYTES = 8 << 20,    /* for one event: payloads are up to 1 MB */
    BACKLOG_BYTES = 64 << 10, /* a client this far behind is sent nothing more by a replay */
    REPLAY_MAX = 32,          /* threads */
    REPLAY_WAIT_MS = 20,
    START_WAIT_MS = 10,
    PERIOD_MS = 1000,
    CONTROL_BYTES = 160,
};

static const struct metric_def sent_def = {
    .name = "taskrouter_gateway_stream_events_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Events sent to event streams.",
};

static const struct metric_def resumes_def = {
    .name = "taskrouter_gateway_stream_resumes_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Event streams opened with a resume point, by where what they missed came from.",
    .labels = {"from"},
};

static const struct metric_def replays_def = {
    .name = "taskrouter_gateway_stream_replays",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "Event streams that are catching up from the bus.",
};

/*
 * One event stream. Freed by whoever sees it last: on_closed, or the job when a replay was or is
 * under way. Everything but the filter is guarded by the feed's lock.
 */
struct watcher {
    struct list_node node;
    struct feed *feed;
    struct feed_filter filter;  /* texts are ours */
    struct http_stream *stream; /* NULL once it is over */
    uint64_t last_seq;          /* nothing up to here is sent (again) */
    bool is_live;
    bool is_held;                    /* somebody outside the lock uses it: not to be freed */
    bool is_replay_over;             /* the handler has returned for the last time */
    struct bus_subscription *replay; /* NULL = none */
    struct arena *arena;             /* of the replay's thread */
};

struct feed {
    struct feed_options options;
    struct app_job *job;
    struct bus_subscription *subscription; /* the job's; NULL until connected */
    struct arena *arena;                   /* of the subscription's thread */
    struct metric_series *sent;
    struct metric_series *replays;
    struct lock lock; /* guards what follows */
    struct list watchers;
    size_t replay_count;
    struct frame **ring; /* ring_events places */
    size_t ring_start;
    size_t ring_count;
    size_t ring_used_bytes;
    uint64_t ring_from; /* every event behind this one is in the ring, up to last_seq */
    uint64_t last_seq;
    bool is_connected; /* ring_from and last_seq are known */
};

/* ---- what a stream sees ---- */

bool feed_type_matches(const struct str *patterns, size_t count, struct str type)
{
    if (count == 0)
        return true;
    for (size_t i = 0; i < count; i++) {
        struct str pattern = patterns[i];
        if (str_eq(pattern, type) || str_eq(pattern, STR("*")))
            return true;
        if (!str_ends_with(pattern, STR(".*")))
            continue;
        struct str stem = {pattern.ptr, pattern.len - 1}; /* with the dot */
        if (str_starts_with(type, stem))
            return true;
    }
    return false;
}

static bool watcher_wants(const struct watcher *watcher, const struct frame *frame)
{
    const struct feed_filter *filter = &watcher->filter;
    if (!str_eq_text(frame->account_sid, filter->account_sid))
        return false;
    if (filter->workspace_sid[0] != '\0' &&
        !str_eq_text(frame->workspace_sid, filter->workspace_sid))
        return false;
    if (filter->worker_sid[0] != '\0') {
        bool is_own = false;
        for (size_t i = 0; i < ARRAY_LEN(frame->worker_sids) && !is_own; i++)
            is_own = str_eq_text(frame->worker_sids[i], filter->worker_sid);
        if (!is_own)
            return false;
    }
    return feed_type_matches(filter->types, filter->type_count, frame->type);
}

/* Under the lock. */
static void watcher_send(struct watcher *watcher, const struct frame *frame)
{
    if (watcher->stream == NULL || frame->seq <= watcher->last_seq)
        return;
    watcher->last_seq = frame->seq;
    if (watcher_wants(watcher, frame) && http_stream_send(watcher->stream, frame->text))
        metric_inc(watcher->feed->sent);
}

/* Moves the client's resume point without giving it an event. Under the lock. */
static void watcher_send_point(struct watcher *watcher, uint64_t seq)
{
    char text[CONTROL_BYTES];
    (void)snprintf(text, sizeof text, "id: %" PRIu64 "\n\n", seq);
    (void)http_stream_send(watcher->stream, str_from(text));
}

/* What it missed cannot be had: it has to read the state again. Under the lock. */
static void watcher_send_resync(struct watcher *watcher, uint64_t seq)
{
    char text[CONTROL_BYTES];
    (void)snprintf(text, sizeof text,
                   "id: %" PRIu64 "\nevent: resync\ndata: {\"reason\":\"events were missed; read "
                   "the state again\"}\n\n",
                   seq);
    (void)http_stream_send(watcher->stream, str_from(text));
}

static void watcher_free(struct watcher *watcher)
{
    struct feed_filter *filter = &watcher->filter;
    const char *texts[] = {filter->account_sid, filter->workspace_sid, filter->worker_sid,
                           filter->actor_sid};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        void *ptr = NULL;
        memcpy(&ptr, &texts[i], sizeof ptr); /* ours, so not const */
        free(ptr);
    }
    for (size_t i = 0; i < filter->type_count; i++) {
        void *ptr = NULL;
        memcpy(&ptr, &filter->types[i].ptr, sizeof ptr);
        free(ptr);
    }
    arena_free(watcher->arena);
    free(watcher);
}

static struct watcher *watcher_new(struct feed *feed, const struct feed_filter *filter)
{
    struct watcher *watcher = xcalloc(1, sizeof *watcher);
    watcher->feed = feed;
    watcher->filter = (struct feed_filter){
        .account_sid = xstrdup(filter->account_sid),
        .workspace_sid = xstrdup(filter->workspace_sid),
        .worker_sid = xstrdup(filter->worker_sid),
        .actor_sid = xstrdup(filter->actor_sid),
        .until_us = filter->until_us,
        .type_count = filter->type_count,
    };
    for (size_t i = 0; i < filter->type_count; i++)
        watcher->filter.types[i] = (struct str){xstr_dup(filter->types[i]), filter->types[i].len};
    return watcher;
}

/* ---- the ring; all under the lock ---- */

static struct frame *ring_at(const struct feed *feed, size_t index)
{
    return feed->ring[(feed->ring_start + index) % feed->options.ring_events];
}

static void ring_drop_oldest(struct feed *feed)
{
    struct frame *oldest = ring_at(feed, 0);
    feed->ring_from = oldest->seq;
    feed->ring_used_bytes -= frame_bytes(oldest);
    feed->ring_start = (feed->ring_start + 1) % feed->options.ring_events;
    feed->ring_count--;
    free(oldest);
}

static void ring_clear(struct feed *feed)
{
    while (feed->ring_count > 0)
        ring_drop_oldest(feed);
}

static void ring_add(struct feed *feed, struct frame *frame)
{
    if (feed->ring_count == feed->options.ring_events)
        ring_drop_oldest(feed);
    feed->ring[(feed->ring_start + feed->ring_count) % feed->options.ring_events] = frame;
    feed->ring_count++;
    feed->ring_used_bytes += frame_bytes(frame);
    while (feed->ring_used_bytes > feed->options.ring_bytes && feed->ring_count > 1)
        ring_drop_oldest(feed);
}

/* First place behind seq; sequence numbers grow along the ring. */
static size_t ring_find(const struct feed *feed, uint64_t seq)
{
    size_t low = 0;
    size_t high = feed->ring_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ring_at(feed, middle)->seq <= seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Whether all behind the watcher's last event is in the ring, and little enough to send at once. */
static bool ring_can_serve(const struct feed *feed, const struct watcher *watcher)
{
    if (watcher->last_seq < feed->ring_from)
        return false;
    size_t bytes = 0;
    for (size_t i = ring_find(feed, watcher->last_seq); i < feed->ring_count; i++) {
        const struct frame *frame = ring_at(feed, i);
        bytes += watcher_wants(watcher, frame) ? frame->text.len : 0;
        if (bytes > BACKLOG_BYTES)
            return false;
    }
    return true;
}

/* Sends what is behind its last event, then it is live. */
static void watcher_join(struct feed *feed, struct watcher *watcher)
{
    for (size_t i = ring_find(feed, watcher->last_seq); i < feed->ring_count; i++)
        watcher_send(watcher, ring_at(feed, i));
    watcher->is_live = true;
}

/* ---- the subscription all share ---- */

/* What this process itself has to know. */
static void act_on(struct feed *feed, const struct frame *frame)
{
    if (str_starts_with(frame->type, STR("workspace.")))
        default_workspaces_forget(feed->options.workspaces);
    if (!str_eq(frame->type, STR("token.revoked")))
        return;
    /* An account that changed may be suspended, with all its tokens and keys. */
    bool is_account = str_starts_with(frame->resource_sid, STR("AC"));
    auth_forget(feed->options.auth, is_account ? NULL : frame->resource_sid.ptr);
    /* A stream must not outlive its token. Which of a user's tokens a stream came with is not kept:
     * all of that account's users connect again, and those who may get in. So do all of an account
     * that changed. */
    lock_take(&feed->lock);
    for (struct list_node *node = list_first(&feed->watchers); node != NULL;
         node = list_next(&feed->watchers, node)) {
        struct watcher *watcher = CONTAINER_OF(node, struct watcher, node);
        const char *actor = watcher->filter.actor_sid;
        bool is_user = (is_account || str_starts_with(str_from(actor), STR("US"))) &&
                       str_eq_text(frame->account_sid, watcher->filter.account_sid);
        if (watcher->stream != NULL && (is_user || str_eq_text(frame->resource_sid, actor)))
            http_stream_close(watcher->stream);
    }
    lock_drop(&feed->lock);
}

static void publish(struct feed *feed, const struct frame *frame)
{
    struct frame *kept = frame_dup(frame);
    lock_take(&feed->lock);
    ring_add(feed, kept);
    feed->last_seq = kept->seq;
    for (struct list_node *node = list_first(&feed->watchers); node != NULL;
         node = list_next(&feed->watchers, node)) {
        struct watcher *watcher = CONTAINER_OF(node, struct watcher, node);
        if (watcher->is_live)
            watcher_send(watcher, kept);
    }
    lock_drop(&feed->lock);
}

static bool on_event(void *ctx, const struct bus_msg *msg)
{
    struct feed *feed = ctx;
    struct frame frame;
    struct err err = {0};
    if (frame_read(feed->arena, msg->stream_seq, msg->payload, &frame, &err) == ERR_OK) {
        act_on(feed, &frame);
        publish(feed, &frame);
        if (feed->options.on_event != NULL)
            feed->options.on_event(feed->options.listener, &frame, msg->payload);
    } else {
        LOG_WARN(NULL, "event left out of the event streams", LOG_ERR(&err),
                 LOG_VIEW("subject", msg->subject));
        lock_take(&feed->lock);
        feed->last_seq = msg->stream_seq;
        lock_drop(&feed->lock);
    }
    arena_reset(feed->arena);
    return true;
}

/* Everything behind seq will come. Under no lock; the job's. */
static void connect_from(struct feed *feed, uint64_t seq, bool is_again)
{
    lock_take(&feed->lock);
    ring_clear(feed);
    feed->ring_from = seq;
    feed->last_seq = seq;
    feed->is_connected = true;
    for (struct list_node *node = list_first(&feed->watchers); node != NULL && is_again;
         node = list_next(&feed->watchers, node)) {
        struct watcher *watcher = CONTAINER_OF(node, struct watcher, node);
        watcher->last_seq = seq;
        watcher->is_live = true; /* a replay of what is gone has nothing more to say */
        if (watcher->stream != NULL)
            watcher_send_resync(watcher, seq);
    }
    lock_drop(&feed->lock);
    /* What was published before somebody could revoke or make a workspace unseen: start afresh. */
    auth_forget(feed->options.auth, NULL);
    default_workspaces_forget(feed->options.workspaces);
    feed->subscription = bus_subscribe(feed->options.bus, BUS_SUBJECTS, seq + 1, on_event, feed);
}

static enum err_code look_after(struct feed *feed, struct call *call, struct err *err)
{
    struct bus_stream_info info;
    if (feed->subscription == NULL || bus_is_ready(feed->options.bus)) {
        enum err_code code = bus_stream_info(feed->options.bus, call, &info, err);
        if (code != ERR_OK)
            return code;
    } else {
        return ERR_OK; /* the subscription comes back by itself */
    }
    if (feed->subscription == NULL) {
        connect_from(feed, info.last_seq, false);
        return ERR_OK;
    }
    lock_take(&feed->lock);
    bool is_behind_us = info.last_seq < feed->last_seq;
    lock_drop(&feed->lock);
    if (!is_behind_us)
        return ERR_OK;
    LOG_WARN(call, "the bus lost its events, event streams begin anew",
             LOG_I64("last", info.last_seq));
    bus_subscription_close(feed->subscription);
    connect_from(feed, info.first_seq > 0 ? info.first_seq - 1 : 0, true);
    return ERR_OK;
}

/* ---- replays ---- */

/* Waits until the client has taken most of what it was sent. False: the stream is over. */
static bool replay_pace(struct watcher *watcher)
{
    struct feed *feed = watcher->feed;
    while (true) {
        lock_take(&feed->lock);
        bool is_over = watcher->stream == NULL || watcher->is_live;
        bool is_behind = !is_over && http_stream_backlog(watcher->stream) > BACKLOG_BYTES;
        lock_drop(&feed->lock);
        if (is_over || !is_behind)
            return !is_over;
        if (app_job_wait(feed->job, REPLAY_WAIT_MS))
            return false;
    }
}

static bool on_replayed(void *ctx, const struct bus_msg *msg)
{
    struct watcher *watcher = ctx;
    struct feed *feed = watcher->feed;
    struct frame frame;
    bool goes_on = replay_pace(watcher);
    bool is_read = goes_on && frame_read(watcher->arena, msg->stream_seq, msg->payload, &frame,
                                         NULL) == ERR_OK;
    lock_take(&feed->lock);
    goes_on = goes_on && watcher->stream != NULL && !watcher->is_live;
    if (goes_on && is_read)
        watcher_send(watcher, &frame);
    if (goes_on && watcher->last_seq < msg->stream_seq)
        watcher->last_seq = msg->stream_seq;
    if (goes_on && ring_can_serve(feed, watcher)) {
        watcher_join(feed, watcher);
        goes_on = false;
    }
    if (!goes_on)
        watcher->is_replay_over = true;
    lock_drop(&feed->lock);
    arena_reset(watcher->arena);
    if (!goes_on)
        app_job_wake(feed->job);
    return goes_on;
}

/* The next watcher whose replay is to be closed, held; NULL = none. */
static struct watcher *replay_take(struct feed *feed, struct bus_subscription **out_replay)
{
    struct watcher *found = NULL;
    lock_take(&feed->lock);
    for (struct list_node *node = list_first(&feed->watchers); node != NULL;
         node = list_next(&feed->watchers, node)) {
        struct watcher *watcher = CONTAINER_OF(node, struct watcher, node);
        if (watcher->replay == NULL || watcher->is_held)
            continue;
        bool is_over = watcher->is_replay_over || watcher->is_live || watcher->stream == NULL;
        if (!is_over && ring_can_serve(feed, watcher)) { /* no event came that would have told it */
            watcher_join(feed, watcher);
            is_over = true;
        }
        if (!is_over)
            continue;
        *out_replay = watcher->replay;
        watcher->replay = NULL;
        watcher->is_held = true;
        found = watcher;
        break;
    }
    lock_drop(&feed->lock);
    return found;
}

static void replays_end(struct feed *feed)
{
    struct bus_subscription *replay = NULL;
    struct watcher *watcher;
    while ((watcher = replay_take(feed, &replay)) != NULL) {
        bus_subscription_close(replay);
        lock_take(&feed->lock);
        feed->replay_count--;
        metric_set(feed->replays, (int64_t)feed->replay_count);
        watcher->is_held = false;
        bool is_gone = watcher->stream == NULL;
        if (is_gone)
            list_remove(&watcher->node);
        lock_drop(&feed->lock);
        if (is_gone)
            watcher_free(watcher);
    }
}

/* At the start the bus is there in a moment, and nobody can be served before. */
static void await_bus(const struct feed *feed, struct app_job *job, const struct call *call)
{
    while (feed->subscription == NULL && !bus_is_ready(feed->options.bus) &&
           call_left_us(call) > 0 && !app_job_wait(job, START_WAIT_MS)) {
    }
}

/* Nothing tells of a token that expires, so the job looks. */
static void expired_close(struct feed *feed)
{
    int64_t now_us = clock_now_us();
    lock_take(&feed->lock);
    for (struct list_node *node = list_first(&feed->watchers); node != NULL;
         node = list_next(&feed->watchers, node)) {
        struct watcher *watcher = CONTAINER_OF(node, struct watcher, node);
        int64_t until_us = watcher->filter.until_us;
        if (watcher->stream != NULL && until_us != 0 && until_us <= now_us)
            http_stream_close(watcher->stream);
    }
    lock_drop(&feed->lock);
}

static enum err_code run(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    struct feed *feed = ctx;
    expired_close(feed);
    replays_end(feed);
    await_bus(feed, job, call);
    return look_after(feed, call, err);
}

static const struct app_job_def feed_job = {
    .name = "feed",
    .run = run,
    .period_ms = PERIOD_MS,
    .budget_ms = 2000,
    .backoff_max_ms = PERIOD_MS,
    .runs_at_start = true,
};

/* ---- opening ---- */

static void on_closed(void *ctx, struct http_stream *stream)
{
    (void)stream;
    struct watcher *watcher = ctx;
    struct feed *feed = watcher->feed;
    lock_take(&feed->lock);
    watcher->stream = NULL;
    bool is_needed = watcher->is_held || watcher->replay != NULL;
    if (!is_needed)
        list_remove(&watcher->node);
    lock_drop(&feed->lock);
    if (is_needed)
        app_job_wake(feed->job);
    else
        watcher_free(watcher);
}

static enum err_code fail_away(struct err *err)
{
    return ERR_SET(err, ERR_UNAVAILABLE, "EVENTS_UNAVAILABLE",
                   "the event bus cannot be reached just now; connect again in a moment");
}

enum resume { RESUME_LIVE, RESUME_RING, RESUME_REPLAY, RESUME_RESYNC, RESUME_COUNT };

static const char *const resume_names[RESUME_COUNT] = {"live", "ring", "replay", "resync"};

/* How to go on behind from.id. May ask the bus what it still has. */
static enum err_code resume_decide(struct feed *feed, struct feed_from from,
                                   const struct watcher *watcher, const struct call *call,
                                   enum resume *out, struct err *err)
{
    lock_take(&feed->lock);
    bool is_connected = feed->is_connected;
    bool is_near = from.id <= feed->last_seq && ring_can_serve(feed, watcher);
    bool has_room = feed->replay_count < REPLAY_MAX;
    lock_drop(&feed->lock);
    if (!is_connected || (!from.has_id && !bus_is_ready(feed->options.bus)))
        return fail_away(err);
    if (!from.has_id || is_near) {
        *out = from.has_id ? RESUME_RING : RESUME_LIVE;
        return ERR_OK;
    }
    struct bus_stream_info info;
    enum err_code code = bus_stream_info(feed->options.bus, call, &info, err);
    if (code != ERR_OK)
        return code;
    if (from.id > info.last_seq || from.id + 1 < info.first_seq)
        *out = RESUME_RESYNC;
    else if (has_room)
        *out = RESUME_REPLAY;
    else
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "TOO_MANY_REPLAYS",
                       "too many event streams are catching up; connect again in a moment");
    return ERR_OK;
}

/* Under the lock: the watcher joins the others, as decided. */
static void watcher_begin(struct feed *feed, struct watcher *watcher, enum resume resume,
                          struct feed_from from)
{
    list_append(&feed->watchers, &watcher->node);
    switch (resume) {
    case RESUME_LIVE:
    case RESUME_COUNT:
        watcher->last_seq = feed->last_seq;
        watcher->is_live = true;
        watcher_send_point(watcher, feed->last_seq);
        break;
    case RESUME_RESYNC:
        watcher->last_seq = feed->last_seq;
        watcher->is_live = true;
        watcher_send_resync(watcher, feed->last_seq);
        break;
    case RESUME_RING:
        watcher->last_seq = from.id;
        watcher_join(feed, watcher);
        break;
    case RESUME_REPLAY:
        watcher->last_seq = from.id;
        watcher->is_held = true; /* until its replay is noted */
        feed->replay_count++;
        metric_set(feed->replays, (int64_t)feed->replay_count);
        break;
    }
}

static void replay_begin(struct feed *feed, struct watcher *watcher, uint64_t from_seq)
{
    watcher->arena = arena_new(ARENA_BYTES);
    struct bus_subscription *replay =
        bus_subscribe(feed->options.bus, BUS_SUBJECTS, from_seq, on_replayed, watcher);
    lock_take(&feed->lock);
    watcher->replay = replay;
    watcher->is_held = false;
    lock_drop(&feed->lock);
    app_job_wake(feed->job);
}

enum err_code feed_open(struct feed *feed, const struct feed_filter *filter, struct feed_from from,
                        struct http_request *req, struct http_response *res, struct err *err)
{
    struct watcher *watcher = watcher_new(feed, filter);
    enum resume resume = RESUME_LIVE;
    struct http_stream *stream = NULL;
    watcher->last_seq = from.id;
    enum err_code code = resume_decide(feed, from, watcher, req->call, &resume, err);
    if (code == ERR_OK)
        code = http_stream_open(req, res, on_closed, watcher, &stream, err);
    if (code != ERR_OK) {
        watcher_free(watcher);
        return code;
    }
    if (from.has_id)
        metric_inc(METRIC_SERIES(metric_register(&resumes_def), resume_names[resume]));
    lock_take(&feed->lock);
    watcher->stream = stream;
    /* The ring may have moved on since; what was decided on the bus's word stays true. */
    if (resume == RESUME_RING && !ring_can_serve(feed, watcher))
        resume = RESUME_REPLAY;
    watcher_begin(feed, watcher, resume, from);
    lock_drop(&feed->lock);
    if (resume == RESUME_REPLAY)
        replay_begin(feed, watcher, from.id + 1);
    return ERR_OK;
}

/* ---- life ---- */

struct feed *feed_new(const struct feed_options *options)
{
    struct feed *feed = xcalloc(1, sizeof *feed);
    feed->options = *options;
    if (feed->options.ring_events == 0)
        feed->options.ring_events = RING_EVENTS;
    if (feed->options.ring_bytes == 0)
        feed->options.ring_bytes = RING_BYTES;
    feed->ring = xcalloc(feed->options.ring_events, sizeof(struct frame *));
    feed->arena = arena_new(ARENA_BYTES);
    feed->sent = metric_single(&sent_def);
    feed->replays = metric_single(&replays_def);
    lock_init(&feed->lock, "feed", FEED_LOCK_RANK);
    list_init(&feed->watchers);
    return feed;
}

void feed_start(struct feed *feed, struct app *app)
{
    feed->job = app_job_start(app, &feed_job, feed);
}

enum err_code feed_check(void *ctx, struct call *call, struct err *err)
{
    (void)call;
    struct feed *feed = ctx;
    lock_take(&feed->lock);
    bool is_connected = feed->is_connected;
    lock_drop(&feed->lock);
    return is_connected ? ERR_OK : fail_away(err);
}

void feed_stop(struct feed *feed)
{
    replays_end(feed);
}

void feed_free(struct feed *feed)
{
    if (feed == NULL)
        return;
    INVARIANT(list_is_empty(&feed->watchers));
    bus_subscription_close(feed->subscription);
    ring_clear(feed);
    free(feed->ring);
    arena_free(feed->arena);
    lock_fini(&feed->lock);
    free(feed);
}
