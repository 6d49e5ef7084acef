#include "bus/bus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/ids.h"
#include "bus_int.h"
#include "log/log.h"
#include "metrics/metrics.h"

enum { API_WAIT_MS = 2000, RETRY_MS = 250, DEFAULT_PUBLISH_MS = 5000 };

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

static const struct metric_def connected_def = {
    .name = "taskrouter_bus_connected",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "1 while connected to NATS with the streams in place.",
};
static const struct metric_def disconnects_def = {
    .name = "taskrouter_bus_disconnects_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Connections to NATS that were lost.",
};

/* ---- Small things ---- */

enum err_code bus_fail(struct err *err, natsStatus status, const char *what)
{
    switch (status) {
    case NATS_TIMEOUT:
        return ERR_SET(err, ERR_DEADLINE_EXCEEDED, "BUS_TIMEOUT",
                       "%s: the event bus did not answer in time", what);
    case NATS_MAX_PAYLOAD:
    case NATS_INVALID_SUBJECT:
    case NATS_INVALID_ARG:
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "BUS_MESSAGE", "%s: %s", what,
                       natsStatus_GetText(status));
    default:
        return ERR_SET(err, ERR_UNAVAILABLE, "BUS_UNAVAILABLE", "%s: %s", what,
                       natsStatus_GetText(status));
    }
}

int64_t bus_left_ms(const struct call *call, int64_t otherwise_ms)
{
    if (call == NULL || call->deadline_mono_us == 0)
        return otherwise_ms;
    int64_t left_ms = call_left_us(call) / US_PER_MS;
    if (left_ms < 1)
        return 1;
    return left_ms < otherwise_ms ? left_ms : otherwise_ms;
}

int64_t bus_backoff_ms(int attempt, int64_t base_ms, int64_t max_ms)
{
    int64_t ms = base_ms;
    for (int i = 1; i < attempt && ms < max_ms; i++)
        ms *= 2;
    if (ms > max_ms)
        ms = max_ms;
    uint32_t random = 0;
    random_bytes(&random, sizeof random);
    return ms / 2 + (int64_t)(random % (uint32_t)(ms / 2 + 1));
}

bool bus_pause(struct lock *lock, struct cond *cond, const bool *is_stopping, int64_t ms)
{
    int64_t until = clock_mono_us() + ms * US_PER_MS;
    lock_take(lock);
    while (!*is_stopping && cond_wait_until(cond, lock, until)) {
    }
    bool is_ending = *is_stopping;
    lock_drop(lock);
    return is_ending;
}

uint64_t bus_generation(struct bus *bus)
{
    lock_take(&bus->lock);
    uint64_t generation = bus->generation;
    lock_drop(&bus->lock);
    return generation;
}

/* ---- Connection ---- */

static void on_connected(natsConnection *nc, void *closure)
{
    (void)nc;
    struct bus *bus = closure;
    lock_take(&bus->lock);
    bus->is_connected = true;
    cond_broadcast(&bus->changed);
    lock_drop(&bus->lock);
}

static void on_disconnected(natsConnection *nc, void *closure)
{
    (void)nc;
    struct bus *bus = closure;
    lock_take(&bus->lock);
    bus->is_connected = false;
    bus->is_ensured = false;
    bus->generation++;
    bool is_closing = bus->is_closing;
    lock_drop(&bus->lock);
    metric_set(metric_single(&connected_def), 0);
    if (is_closing)
        return;
    metric_inc(metric_single(&disconnects_def));
    LOG_WARN(NULL, "event bus connection lost, reconnecting");
}

static void on_closed(natsConnection *nc, void *closure)
{
    (void)nc;
    struct bus *bus = closure;
    lock_take(&bus->lock);
    bus->is_closed = true;
    cond_broadcast(&bus->changed);
    lock_drop(&bus->lock);
}

/* The library prints errors of a connection on stderr unless told otherwise. */
static void on_error(natsConnection *nc, natsSubscription *sub, natsStatus status, void *closure)
{
    (void)nc;
    (void)sub;
    (void)closure;
    LOG_WARN(NULL, "event bus reported an error, going on",
             LOG_STR("status", natsStatus_GetText(status)));
}

static natsStatus options_tls(const struct bus_options *options, natsOptions *opts)
{
    if (options->ca_file == NULL && options->cert_file == NULL)
        return NATS_OK;
    natsStatus s = natsOptions_SetSecure(opts, true);
    if (s == NATS_OK && options->ca_file != NULL)
        s = natsOptions_LoadCATrustedCertificates(opts, options->ca_file);
    if (s == NATS_OK && options->cert_file != NULL)
        s = natsOptions_LoadCertificatesChain(opts, options->cert_file, options->key_file);
    return s;
}

static natsStatus options_servers(const struct bus_options *options, natsOptions *opts)
{
    const char *urls[16];
    int count = 0;
    char *copy = xstrdup(options->url);
    struct str rest = str_from(copy);
    while (rest.ptr != NULL && count < (int)ARRAY_LEN(urls)) {
        struct str url = str_trim(str_split(&rest, ','));
        if (url.len == 0)
            continue;
        copy[(size_t)(url.ptr - copy) + url.len] = '\0';
        urls[count++] = url.ptr;
    }
    natsStatus s = count > 0 ? natsOptions_SetServers(opts, urls, count) : NATS_INVALID_ARG;
    free(copy);
    return s;
}

natsStatus bus_nats_options(const struct bus_options *options, natsOptions **out)
{
    natsOptions *opts = NULL;
    natsStatus s = natsOptions_Create(&opts);
    if (s == NATS_OK)
        s = options_servers(options, opts);
    if (s == NATS_OK)
        s = natsOptions_SetName(opts, options->name);
    if (s == NATS_OK)
        s = natsOptions_SetTimeout(opts, options->connect_timeout_ms);
    if (s == NATS_OK)
        s = natsOptions_SetPingInterval(opts, 10000);
    if (s == NATS_OK)
        s = natsOptions_SetMaxPingsOut(opts, 2);
    if (s == NATS_OK)
        s = natsOptions_SetErrorHandler(opts, on_error, NULL);
    if (s == NATS_OK)
        s = options_tls(options, opts);
    if (s != NATS_OK) {
        natsOptions_Destroy(opts);
        return s;
    }
    *out = opts;
    return NATS_OK;
}

static natsStatus connect_forever(struct bus *bus)
{
    natsOptions *opts = NULL;
    natsStatus s = bus_nats_options(&bus->options, &opts);
    if (s == NATS_OK)
        s = natsOptions_SetMaxReconnect(opts, -1);
    if (s == NATS_OK)
        s = natsOptions_SetReconnectWait(opts, bus->options.reconnect_wait_ms);
    if (s == NATS_OK)
        s = natsOptions_SetReconnectJitter(opts, bus->options.reconnect_wait_ms,
                                           bus->options.reconnect_wait_ms);
    if (s == NATS_OK)
        s = natsOptions_SetFailRequestsOnDisconnect(opts, true);
    if (s == NATS_OK)
        s = natsOptions_SetDisconnectedCB(opts, on_disconnected, bus);
    if (s == NATS_OK)
        s = natsOptions_SetClosedCB(opts, on_closed, bus);
    if (s == NATS_OK)
        s = natsOptions_SetReconnectedCB(opts, on_connected, bus);
    if (s == NATS_OK)
        s = natsOptions_SetRetryOnFailedConnect(opts, true, on_connected, bus);
    if (s == NATS_OK)
        s = natsConnection_Connect(&bus->nc, opts);
    natsOptions_Destroy(opts);
    if (s == NATS_OK)
        on_connected(bus->nc, bus); /* the callback comes only for a later success */
    return s == NATS_NOT_YET_CONNECTED ? NATS_OK : s;
}

void bus_unsubscribe(struct bus *bus, natsSubscription *sub)
{
    enum { ROUND_TRIP_MS = 500 };
    bool is_left = natsSubscription_Unsubscribe(sub) == NATS_OK &&
                   natsConnection_FlushTimeout(bus->nc, ROUND_TRIP_MS) == NATS_OK;
    if (is_left) {
        natsSubscription_Destroy(sub);
        return;
    }
    lock_take(&bus->lock);
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers is what is meant */
    bus->retired = xrealloc(bus->retired, bus->retired_count + 1, sizeof *bus->retired);
    bus->retired[bus->retired_count++] = sub;
    lock_drop(&bus->lock);
}

/* ---- Streams ---- */

static bool config_differs(const jsStreamConfig *have, const jsStreamConfig *want)
{
    return have->MaxAge != want->MaxAge || have->Duplicates != want->Duplicates ||
           have->MaxBytes != want->MaxBytes || have->SubjectsLen != 1 ||
           strcmp(have->Subjects[0], want->Subjects[0]) != 0;
}

/* Settings that the server keeps per stream and that this suite does not set stay as they are. */
static natsStatus stream_update(struct bus *bus, const jsStreamInfo *info, jsStreamConfig *want)
{
    jsStreamConfig merged = *info->Config;
    merged.MaxAge = want->MaxAge;
    merged.Duplicates = want->Duplicates;
    merged.MaxBytes = want->MaxBytes;
    merged.Subjects = want->Subjects;
    merged.SubjectsLen = want->SubjectsLen;
    return js_UpdateStream(NULL, bus->js, &merged, NULL, NULL);
}

static natsStatus stream_ensure(struct bus *bus, const char *name, const char *subjects)
{
    const char *list[1] = {subjects};
    jsStreamConfig want;
    natsStatus s = jsStreamConfig_Init(&want);
    if (s != NATS_OK)
        return s;
    want.Name = name;
    want.Subjects = list;
    want.SubjectsLen = 1;
    want.Storage = js_FileStorage;
    want.MaxAge = bus->options.max_age_s * NS_PER_S;
    want.Duplicates = bus->options.duplicate_s * NS_PER_S;
    want.MaxBytes = bus->options.max_bytes > 0 ? bus->options.max_bytes : -1;
    want.Replicas = bus->options.replicas;
    jsStreamInfo *info = NULL;
    s = js_GetStreamInfo(&info, bus->js, name, NULL, NULL);
    if (s == NATS_NOT_FOUND)
        s = js_AddStream(NULL, bus->js, &want, NULL, NULL);
    else if (s == NATS_OK && config_differs(info->Config, &want))
        s = stream_update(bus, info, &want);
    jsStreamInfo_Destroy(info);
    return s;
}

static natsStatus streams_ensure(struct bus *bus)
{
    natsStatus s = stream_ensure(bus, BUS_STREAM, BUS_SUBJECTS);
    if (s == NATS_OK)
        s = stream_ensure(bus, BUS_TO_STREAM, BUS_TO_SUBJECT ".>");
    return s == NATS_OK ? stream_ensure(bus, BUS_DEAD_STREAM, BUS_DEAD_SUBJECT ".>") : s;
}

/* Brings the streams in order after each connect. */
static void *bus_run(void *arg)
{
    struct bus *bus = arg;
    lock_take(&bus->lock);
    while (!bus->is_closing) {
        if (!bus->is_connected || bus->is_ensured) {
            cond_wait(&bus->changed, &bus->lock);
            continue;
        }
        uint64_t generation = bus->generation;
        lock_drop(&bus->lock);
        natsStatus s = streams_ensure(bus);
        if (s == NATS_OK)
            LOG_INFO(NULL, "event bus connected");
        else
            LOG_WARN(NULL, "event streams could not be ensured, trying again",
                     LOG_STR("status", natsStatus_GetText(s)));
        metric_set(metric_single(&connected_def), s == NATS_OK);
        lock_take(&bus->lock);
        if (s == NATS_OK && generation == bus->generation) {
            bus->is_ensured = true;
            cond_broadcast(&bus->changed);
        } else if (s != NATS_OK) {
            (void)cond_wait_until(&bus->changed, &bus->lock,
                                  clock_mono_us() + RETRY_MS * US_PER_MS);
        }
    }
    lock_drop(&bus->lock);
    return NULL;
}

/* ---- Opening and closing ---- */

static int64_t or_default(int64_t value, int64_t otherwise)
{
    return value != 0 ? value : otherwise;
}

static void options_copy(const struct bus_options *from, struct bus_options *to)
{
    *to = *from;
    to->url = xstrdup(from->url);
    to->name = xstrdup(from->name != NULL ? from->name : "taskrouter");
    to->ca_file = xstrdup(from->ca_file);
    to->cert_file = xstrdup(from->cert_file);
    to->key_file = xstrdup(from->key_file);
    to->connect_timeout_ms = (int)or_default(from->connect_timeout_ms, 2000);
    to->reconnect_wait_ms = (int)or_default(from->reconnect_wait_ms, 250);
    to->max_age_s = or_default(from->max_age_s, INT64_C(30) * 24 * 3600);
    to->duplicate_s = or_default(from->duplicate_s, 120);
    to->replicas = (int)or_default(from->replicas, 1);
}

static void text_free(const char *text)
{
    union {
        const char *kept;
        char *owned;
    } both = {.kept = text};
    free(both.owned);
}

enum err_code bus_open(const struct bus_options *options, struct bus **out, struct err *err)
{
    if (options->url == NULL || options->url[0] == '\0')
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "BUS_OPTIONS", "the NATS URL is missing");
    struct bus *bus = xcalloc(1, sizeof *bus);
    lock_init(&bus->lock, "bus", BUS_LOCK_RANK);
    cond_init(&bus->changed);
    options_copy(options, &bus->options);
    metric_set(metric_single(&connected_def), 0);
    natsStatus s = connect_forever(bus);
    jsOptions js_options;
    if (s == NATS_OK)
        s = jsOptions_Init(&js_options);
    if (s == NATS_OK) {
        js_options.Wait = API_WAIT_MS;
        s = natsConnection_JetStream(&bus->js, bus->nc, &js_options);
    }
    if (s == NATS_OK && pthread_create(&bus->thread, NULL, bus_run, bus) != 0)
        s = NATS_NO_MEMORY;
    if (s != NATS_OK) {
        bus_close(bus);
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "BUS_OPTIONS", "event bus: %s",
                       natsStatus_GetText(s));
    }
    bus->has_thread = true;
    *out = bus;
    return ERR_OK;
}

void bus_close(struct bus *bus)
{
    if (bus == NULL)
        return;
    lock_take(&bus->lock);
    bus->is_closing = true;
    cond_broadcast(&bus->changed);
    lock_drop(&bus->lock);
    if (bus->has_thread)
        (void)pthread_join(bus->thread, NULL);
    jsCtx_Destroy(bus->js);
    if (bus->nc != NULL && natsConnection_Status(bus->nc) == NATS_CONN_STATUS_CONNECTED)
        (void)natsConnection_FlushTimeout(bus->nc, 500); /* last acknowledgements */
    /* Callbacks run later, on a thread of the library; the one for closing is the last of them. */
    if (bus->nc != NULL) {
        natsConnection_Close(bus->nc);
        lock_take(&bus->lock);
        while (!bus->is_closed)
            cond_wait(&bus->changed, &bus->lock);
        lock_drop(&bus->lock);
    }
    for (size_t i = 0; i < bus->retired_count; i++)
        natsSubscription_Destroy(bus->retired[i]);
    free((void *)bus->retired);
    natsConnection_Destroy(bus->nc);
    cond_fini(&bus->changed);
    lock_fini(&bus->lock);
    text_free(bus->options.url);
    text_free(bus->options.name);
    text_free(bus->options.ca_file);
    text_free(bus->options.cert_file);
    text_free(bus->options.key_file);
    free(bus);
}

bool bus_is_ready(struct bus *bus)
{
    lock_take(&bus->lock);
    bool is_ready = bus->is_connected && bus->is_ensured;
    lock_drop(&bus->lock);
    return is_ready;
}

enum err_code bus_check(void *bus, struct call *call, struct err *err)
{
    (void)call;
    if (bus_is_ready(bus))
        return ERR_OK;
    return ERR_SET(err, ERR_UNAVAILABLE, "BUS_UNAVAILABLE", "no connection to the event bus");
}

bool bus_wait_ready(struct bus *bus, int64_t until_mono_us)
{
    lock_take(&bus->lock);
    while (!(bus->is_connected && bus->is_ensured) &&
           cond_wait_until(&bus->changed, &bus->lock, until_mono_us)) {
    }
    bool is_ready = bus->is_connected && bus->is_ensured;
    lock_drop(&bus->lock);
    return is_ready;
}

/* ---- One message, and what is stored ---- */

enum err_code bus_publish(struct bus *bus, const struct call *call,
                          const struct bus_message *message, struct err *err)
{
    enum err_code code = bus_check(bus, NULL, err);
    natsMsg *msg = NULL;
    if (code == ERR_OK)
        code = bus_message_make(message, NULL, &msg, err);
    if (code != ERR_OK)
        return code;
    jsPubOptions options;
    (void)jsPubOptions_Init(&options);
    options.MaxWait = bus_left_ms(call, DEFAULT_PUBLISH_MS);
    natsStatus s = js_PublishMsg(NULL, bus->js, msg, &options, NULL);
    natsMsg_Destroy(msg);
    return s == NATS_OK ? ERR_OK : bus_fail(err, s, "publish");
}

enum err_code bus_stream_info(struct bus *bus, const struct call *call, struct bus_stream_info *out,
                              struct err *err)
{
    enum err_code code = bus_check(bus, NULL, err);
    if (code != ERR_OK)
        return code;
    jsOptions options;
    (void)jsOptions_Init(&options);
    options.Wait = bus_left_ms(call, DEFAULT_PUBLISH_MS);
    jsStreamInfo *info = NULL;
    natsStatus s = js_GetStreamInfo(&info, bus->js, BUS_STREAM, &options, NULL);
    if (s != NATS_OK)
        return bus_fail(err, s, "stream info");
    *out = (struct bus_stream_info){
        .first_seq = info->State.FirstSeq,
        .last_seq = info->State.LastSeq,
        .messages = info->State.Msgs,
        .bytes = info->State.Bytes,
    };
    jsStreamInfo_Destroy(info);
    return ERR_OK;
}
