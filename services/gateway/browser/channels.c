#include "channels.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/map.h"
#include "http/socket.h"
#include "jx/jx.h"
#include "metrics/metrics.h"
#include "payload.h"
#include "revoked.h"
#include "worker_token.h"

enum { CHANNELS_LOCK_RANK = 410, PERIOD_MS = 1000 };

static const struct metric_def open_def = {
    .name = "taskrouter_gateway_worker_channels",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "Websockets of workers' pages that are open.",
};

static const struct metric_def sent_def = {
    .name = "taskrouter_gateway_worker_channel_events_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Events sent to websockets of workers' pages.",
};

/* All channels of one worker. Owned by the map; key is worker. */
struct seat {
    struct sid worker;
    struct list channels;
    size_t count;
};

/* Everything is guarded by the lock. Freed when its socket is over. */
struct channel {
    struct list_node node; /* of its seat */
    struct channels *channels;
    struct http_socket *socket;
    struct sid worker;
    struct sid account;
    struct sid workspace;
    struct sid issuer; /* ends with it */
    int64_t until_us;
};

struct channels {
    struct metric_series *open;
    struct metric_series *sent;
    struct lock lock; /* guards what follows */
    struct map seats;
    size_t count;
    struct revoked revoked;
};

struct channels *channels_new(void)
{
    struct channels *channels = xcalloc(1, sizeof *channels);
    channels->open = metric_single(&open_def);
    channels->sent = metric_single(&sent_def);
    lock_init(&channels->lock, "channels", CHANNELS_LOCK_RANK);
    map_init(&channels->seats);
    return channels;
}

void channels_free(struct channels *channels)
{
    if (channels == NULL)
        return;
    INVARIANT(channels->count == 0);
    map_fini(&channels->seats);
    lock_fini(&channels->lock);
    free(channels);
}

/* ---- opening and closing ---- */

/* Under the lock. */
static void leave(struct channels *channels, struct channel *channel)
{
    struct seat *seat = map_get(&channels->seats, str_from(channel->worker.text));
    list_remove(&channel->node);
    channels->count--;
    if (--seat->count == 0) {
        (void)map_remove(&channels->seats, str_from(seat->worker.text));
        free(seat);
    }
    metric_set(channels->open, (int64_t)channels->count);
}

static void on_closed(void *ctx, struct http_socket *socket)
{
    (void)socket;
    struct channel *channel = ctx;
    struct channels *channels = channel->channels;
    lock_take(&channels->lock);
    leave(channels, channel);
    lock_drop(&channels->lock);
    free(channel);
}

/* Under the lock. */
static struct seat *seat_of(struct channels *channels, struct str worker)
{
    struct seat *seat = map_get(&channels->seats, worker);
    if (seat != NULL)
        return seat;
    seat = xcalloc(1, sizeof *seat);
    seat->worker = sid_from(worker);
    list_init(&seat->channels);
    (void)map_put(&channels->seats, str_from(seat->worker.text), seat);
    return seat;
}

/* One frame; NULL when there is no memory for it. */
static char *frame_text(const char *type, json_t *payload)
{
    AUTO(jx_cleanup)
    json_t *message = json_pack("{s:s, s:o}", "event_type", type, "payload", payload);
    return message == NULL ? NULL : json_dumps(message, JSON_COMPACT);
}

/* The first frame: who the worker is, and how long the token lasts. Under the lock. */
static void greet(const struct channel *channel)
{
    int64_t left_us = channel->until_us - clock_now_us();
    char *text = frame_text(
        "init", json_pack("{s:s, s:s, s:s, s:I}", "channel_id", channel->worker.text, "account_sid",
                          channel->account.text, "workspace_sid", channel->workspace.text,
                          "token_lifetime", (json_int_t)(left_us > 0 ? left_us / US_PER_MS : 0)));
    if (text != NULL)
        (void)http_socket_send(channel->socket, str_from(text));
    free(text);
}

/* Under the lock. */
static void end_all(struct seat *seat)
{
    for (struct list_node *node = list_first(&seat->channels); node != NULL;
         node = list_next(&seat->channels, node))
        http_socket_close(LIST_ENTRY(node, struct channel, node)->socket, HTTP_SOCKET_NORMAL);
}

uint64_t channels_mark(struct channels *channels)
{
    lock_take(&channels->lock);
    uint64_t mark = channels->revoked.count;
    lock_drop(&channels->lock);
    return mark;
}

/* Under the lock. Between the look at the token and now its issuer may have been revoked. */
static enum err_code check_open(const struct channels *channels, const struct channel *channel,
                                uint64_t mark, bool is_full, struct err *err)
{
    if (revoked_since(&channels->revoked, mark, str_from(channel->issuer.text)) ||
        revoked_since(&channels->revoked, mark, str_from(channel->account.text)))
        return ERR_SET(err, ERR_UNAUTHENTICATED, "TOKEN_REVOKED",
                       "what signed the token was changed just now; connect again");
    if (is_full)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "TOO_MANY_SOCKETS",
                       "the worker has %d connections open; close one, or ask for the others to be "
                       "closed",
                       CHANNELS_PER_WORKER);
    return ERR_OK;
}

enum err_code channels_open(struct channels *channels, const struct channels_ask *ask,
                            struct http_request *req, struct http_response *res, struct err *err)
{
    const struct worker_token *token = ask->token;
    struct channel *channel = xcalloc(1, sizeof *channel);
    channel->channels = channels;
    channel->worker = sid_from(str_from(token->worker_sid));
    channel->account = sid_from(str_from(token->account_sid));
    channel->workspace = sid_from(str_from(token->workspace_sid));
    channel->issuer = sid_from(str_from(token->issuer));
    channel->until_us = token->expires_at_us;
    lock_take(&channels->lock);
    struct seat *seat = seat_of(channels, str_from(channel->worker.text));
    bool is_full = !ask->closes_others && seat->count >= CHANNELS_PER_WORKER;
    enum err_code code = check_open(channels, channel, ask->mark, is_full, err);
    if (code == ERR_OK && ask->closes_others)
        end_all(seat);
    if (code == ERR_OK)
        code = http_socket_open(req, res, on_closed, channel, &channel->socket, err);
    if (code == ERR_OK) {
        greet(channel); /* before any event */
        list_append(&seat->channels, &channel->node);
        seat->count++;
        channels->count++;
        metric_set(channels->open, (int64_t)channels->count);
    } else if (seat->count == 0) {
        (void)map_remove(&channels->seats, str_from(seat->worker.text));
        free(seat);
    }
    lock_drop(&channels->lock);
    if (code != ERR_OK)
        free(channel);
    return code;
}

/* ---- events ---- */

static bool has_seat(struct channels *channels, const struct frame *frame)
{
    bool is_known = false;
    lock_take(&channels->lock);
    for (size_t i = 0; i < ARRAY_LEN(frame->worker_sids) && !is_known && channels->count > 0; i++)
        is_known = frame->worker_sids[i].len > 0 &&
                   map_get(&channels->seats, frame->worker_sids[i]) != NULL;
    lock_drop(&channels->lock);
    return is_known;
}

static void send_to(struct channels *channels, const struct frame *frame, const char *worker,
                    struct str text)
{
    lock_take(&channels->lock);
    struct seat *seat = map_get(&channels->seats, str_from(worker));
    struct list_node *node = seat == NULL ? NULL : list_first(&seat->channels);
    for (; node != NULL; node = list_next(&seat->channels, node)) {
        struct channel *channel = LIST_ENTRY(node, struct channel, node);
        if (str_eq_text(frame->account_sid, channel->account.text) &&
            str_eq_text(frame->workspace_sid, channel->workspace.text) &&
            http_socket_send(channel->socket, text))
            metric_inc(channels->sent);
    }
    lock_drop(&channels->lock);
}

void channels_publish(struct channels *channels, const struct frame *frame, struct str payload)
{
    AUTO(jx_cleanup) json_t *event = NULL;
    const char *worker = "";
    if (!has_seat(channels, frame) || jx_parse_object(payload, NULL, &event, NULL) != ERR_OK)
        return;
    json_t *shown = payload_event(frame->type, jx_get(event, "data"), &worker);
    if (shown == NULL)
        return;
    char *text = frame_text(frame->type.ptr, shown);
    if (text != NULL)
        send_to(channels, frame, worker, str_from(text));
    free(text);
}

/* ---- ends ---- */

/* issuer empty: those that have expired. */
static void end_some(struct channels *channels, struct str issuer)
{
    int64_t now_us = clock_now_us();
    lock_take(&channels->lock);
    for (size_t i = 0; i < channels->seats.count; i++) {
        struct seat *seat = channels->seats.entries[i].value;
        for (struct list_node *node = list_first(&seat->channels); node != NULL;
             node = list_next(&seat->channels, node)) {
            struct channel *channel = LIST_ENTRY(node, struct channel, node);
            bool is_over = issuer.len == 0 ? channel->until_us <= now_us
                                           : str_eq_text(issuer, channel->issuer.text) ||
                                                 str_eq_text(issuer, channel->account.text);
            if (is_over)
                http_socket_close(channel->socket, HTTP_SOCKET_POLICY);
        }
    }
    lock_drop(&channels->lock);
}

void channels_revoke(struct channels *channels, struct str sid)
{
    if (sid.len == 0)
        return;
    lock_take(&channels->lock);
    revoked_note(&channels->revoked, sid); /* for those that are just being let in */
    lock_drop(&channels->lock);
    end_some(channels, sid);
}

static enum err_code run(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    (void)job;
    (void)call;
    (void)err;
    end_some(ctx, (struct str){NULL, 0});
    return ERR_OK;
}

static const struct app_job_def channels_job = {
    .name = "worker channels", .run = run, .period_ms = PERIOD_MS};

void channels_start(struct channels *channels, struct app *app)
{
    (void)app_job_start(app, &channels_job, channels);
}
