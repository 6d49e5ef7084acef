#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/lock.h"
#include "bus/bus.h"
#include "jx/jx.h"
#include "outbox/outbox.h"
#include "suite_int.h"

enum { WAIT_MS = 10000, LOCK_RANK = 900 };

struct events {
    struct bus *bus;
    struct bus_subscription *subscription;
    struct lock lock; /* guards the rest */
    struct arena *arena;
    struct seen_event **seen;
    size_t count;
};

static void drop_json(void *json)
{
    json_decref(json);
}

static bool on_event(void *ctx, const struct bus_msg *msg)
{
    struct events *events = ctx;
    json_t *payload = NULL;
    if (jx_parse_object(msg->payload, NULL, &payload, NULL) != ERR_OK)
        payload = json_object();
    lock_take(&events->lock);
    arena_defer(events->arena, drop_json, payload);
    struct seen_event *event = ARENA_NEW(events->arena, struct seen_event);
    INVARIANT(event != NULL);
    *event = (struct seen_event){
        .subject = arena_str_dup(events->arena, msg->subject),
        .msg_id = arena_str_dup(events->arena, msg->msg_id),
        .payload = payload,
    };
    events->seen = xrealloc(events->seen, events->count + 1, sizeof(struct seen_event *));
    events->seen[events->count++] = event;
    lock_drop(&events->lock);
    return true;
}

struct events *events_open(const char *nats_url)
{
    struct events *events = xcalloc(1, sizeof *events);
    lock_init(&events->lock, "events", LOCK_RANK);
    events->arena = arena_new(64 << 20);
    struct err err = {.code = ERR_OK};
    enum err_code code =
        bus_open(&(struct bus_options){.url = nats_url, .name = "test"}, &events->bus, &err);
    INVARIANT(code == ERR_OK);
    INVARIANT(bus_wait_ready(events->bus, clock_mono_us() + WAIT_MS * US_PER_MS));
    events->subscription = bus_subscribe(events->bus, BUS_SUBJECTS, 1, on_event, events);
    return events;
}

void events_close(struct events *events)
{
    if (events == NULL)
        return;
    bus_subscription_close(events->subscription);
    bus_close(events->bus);
    arena_free(events->arena);
    free(events->seen);
    lock_fini(&events->lock);
    free(events);
}

static bool is_about(const struct seen_event *event, const char *type, const char *resource_sid)
{
    const char *full = at(event->payload, "type");
    const char *prefix = "com.taskrouter.";
    bool is_type = type[0] == '\0' || (strncmp(full, prefix, strlen(prefix)) == 0 &&
                                       strcmp(full + strlen(prefix), type) == 0);
    return is_type &&
           (resource_sid[0] == '\0' || strcmp(at(event->payload, "subject"), resource_sid) == 0);
}

static const struct seen_event *find(const char *type, const char *resource_sid, int nth,
                                     int *out_count)
{
    struct events *events = suite->events;
    const struct seen_event *found = NULL;
    int count = 0;
    lock_take(&events->lock);
    for (size_t i = 0; i < events->count; i++) {
        if (!is_about(events->seen[i], type, resource_sid))
            continue;
        if (count++ == nth)
            found = events->seen[i];
    }
    lock_drop(&events->lock);
    if (out_count != NULL)
        *out_count = count;
    return found;
}

int suite_event_count(const char *type, const char *resource_sid)
{
    int count = 0;
    (void)find(type, resource_sid, -1, &count);
    return count;
}

const struct seen_event *suite_event(const char *type, const char *resource_sid, int nth)
{
    int64_t until = clock_mono_us() + WAIT_MS * US_PER_MS;
    const struct seen_event *event = find(type, resource_sid, nth, NULL);
    while (event == NULL && clock_mono_us() < until) {
        process_sleep_ms(10);
        event = find(type, resource_sid, nth, NULL);
    }
    if (event == NULL)
        (void)fprintf(stderr, "no event %s about %s, number %d\n", type, resource_sid, nth);
    CHECK(event != NULL);
    return event;
}

/* service: on the subject for that one alone; NULL = for all. */
static bool publish(struct outbox_event *event, const char *service)
{
    event->event_sid = sid_new("EV");
    /* A real tasks-svc takes nothing that says it comes from itself. */
    event->source = (suite->services & SUITE_BIT(SUITE_TASKS)) != 0 ? "/suite" : "/tasks-svc";
    event->account_sid = ACCOUNT;
    struct call call;
    call_init(&call, suite->arena, "test", WAIT_MS * US_PER_MS);
    struct buf subject;
    struct buf payload;
    buf_init(&subject, 0);
    buf_init(&payload, 0);
    bool is_made =
        outbox_event_subject(event, &subject) && outbox_event_payload(event, &call, &payload);
    if (service != NULL) {
        buf_clear(&subject);
        buf_printf(&subject, BUS_TO_SUBJECT ".%s.%s", service, event->workspace_sid);
    }
    struct err err = {.code = ERR_OK};
    enum err_code code = !is_made ? ERR_INTERNAL
                                  : bus_publish(suite->events->bus, &call,
                                                &(struct bus_message){
                                                    .msg_id = str_from(event->event_sid.text),
                                                    .subject = buf_str(&subject),
                                                    .payload = buf_str(&payload),
                                                },
                                                &err);
    buf_fini(&subject);
    buf_fini(&payload);
    CHECK_I64(code, ERR_OK);
    return code == ERR_OK;
}

bool suite_publish(const char *type, const char *workspace_sid, const char *resource_sid,
                   int64_t version, int64_t at_us, const char *data_format, ...)
{
    va_list args;
    va_start(args, data_format);
    const char *data = suite_json(data_format, args);
    va_end(args);
    return publish(
        &(struct outbox_event){
            .type = type,
            .workspace_sid = workspace_sid,
            .subject_sid = resource_sid,
            .version = version,
            .at_us = at_us,
            .data_json = str_from(data),
        },
        NULL);
}

bool suite_publish_to(const char *service, const char *type, const char *workspace_sid,
                      int64_t at_us, const char *data_format, ...)
{
    va_list args;
    va_start(args, data_format);
    const char *data = suite_json(data_format, args);
    va_end(args);
    return publish(
        &(struct outbox_event){
            .type = type,
            .workspace_sid = workspace_sid,
            .subject_sid = "WR00000000000000000000000000000001",
            .version = 2,
            .at_us = at_us,
            .data_json = str_from(data),
        },
        service);
}
