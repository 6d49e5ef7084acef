/* What observers saw, and what is left. */
#include <string.h>

#include "check_int.h"

static const struct vec *feed_at(const struct checker *checker, int which)
{
    return which == 0 ? &checker->live : &checker->durable;
}

static const char *const feed_names[] = {"live", "durable"};

static bool is_like(const struct event_rec *a, const struct event_rec *b)
{
    return a->v == b->v && is_same(a->sid, b->sid) && is_same(a->type, b->type) &&
           is_same(a->r, b->r) && is_same(a->rid, b->rid);
}

/* By message id; the first of each. */
static void index_feed(const struct vec *feed, struct map *by_sid)
{
    for (size_t i = 0; i < feed->count; i++) {
        struct event_rec *event = feed->items[i];
        if (map_get(by_sid, str_from(event->sid)) == NULL)
            (void)map_put(by_sid, str_from(event->sid), event);
    }
}

/* ---- bus-complete ---- */

void rule_bus_complete(struct checker *checker)
{
    for (int which = 0; which < 2; which++) {
        struct map by_sid;
        map_init(&by_sid);
        index_feed(feed_at(checker, which), &by_sid);
        for (size_t i = 0; i < checker->log.count; i++) {
            const struct event_rec *event = checker->log.items[i];
            const struct event_rec *seen = map_get(&by_sid, str_from(event->sid));
            if (seen == NULL)
                blame(checker, event->line, 0, "the %s consumer never saw %s %s", feed_names[which],
                      event->type, event->sid);
            else if (!is_like(seen, event))
                blame(checker, event->line, seen->line, "the %s consumer saw another content of %s",
                      feed_names[which], event->sid);
        }
        map_fini(&by_sid);
    }
}

/* ---- bus-order ---- */

static void check_feed_order(struct checker *checker, const struct vec *feed, const char *name)
{
    struct map seen;
    const struct event_rec *before = NULL;
    map_init(&seen);
    for (size_t i = 0; i < feed->count; i++) {
        struct event_rec *event = feed->items[i];
        const struct event_rec *twin = map_get(&seen, str_from(event->sid));
        if (twin != NULL) {
            if (!is_like(twin, event) || twin->h != event->h || twin->q != event->q)
                blame(checker, twin->line, event->line,
                      "the %s consumer saw two contents under one message id", name);
            continue;
        }
        (void)map_put(&seen, str_from(event->sid), event);
        if (!is_own(event))
            continue;
        if (before != NULL && event->q <= before->q)
            blame(checker, before->line, event->line,
                  "the %s consumer saw sequence %lld after %lld", name, (long long)event->q,
                  (long long)before->q);
        before = event;
    }
    map_fini(&seen);
}

void rule_bus_order(struct checker *checker)
{
    for (int which = 0; which < 2; which++)
        check_feed_order(checker, feed_at(checker, which), feed_names[which]);
}

/* ---- bus-committed ---- */

void rule_bus_committed(struct checker *checker)
{
    for (int which = 0; which < 2; which++) {
        const struct vec *feed = feed_at(checker, which);
        for (size_t i = 0; i < feed->count; i++) {
            const struct event_rec *event = feed->items[i];
            const struct event_rec *logged = map_get(&checker->log_by_sid, str_from(event->sid));
            if (!is_own(event))
                continue;
            if (logged == NULL || logged->q != event->q)
                blame(checker, event->line, logged == NULL ? 0 : logged->line,
                      "%s %s was published, but is not so in the log", event->type, event->sid);
        }
    }
}

/* ---- watch ---- */

static void check_watched(struct checker *checker, const struct event_rec *event)
{
    const struct event_rec *logged = map_get(&checker->log_by_sid, str_from(event->sid));
    if (logged == NULL || logged->q != event->q || !is_like(logged, event) || logged->h != event->h)
        blame(checker, event->line, logged == NULL ? 0 : logged->line,
              "WatchEvents told %s %s, which the log does not hold like that", event->type,
              event->sid);
}

void rule_watch(struct checker *checker)
{
    int64_t last = 0;
    size_t last_line = 0;
    bool has_begun = false;
    for (size_t i = 0; i < checker->watch.count; i++) {
        const struct event_rec *event = checker->watch.items[i];
        if (event->is_resume) {
            last = event->q;
            last_line = event->line;
            has_begun = true;
            continue;
        }
        if (has_begun && event->q != next_sequence(checker, last))
            blame(checker, last_line, event->line, "WatchEvents goes on with %lld after %lld",
                  (long long)event->q, (long long)last);
        check_watched(checker, event);
        last = event->q;
        last_line = event->line;
    }
    const struct event_rec *end =
        checker->log.count == 0 ? NULL : checker->log.items[checker->log.count - 1];
    if (end != NULL && last < end->q)
        blame(checker, last_line, end->line, "WatchEvents ends with %lld, the log with %lld",
              (long long)last, (long long)end->q);
}

/* ---- config-heard ---- */

void rule_config_heard(struct checker *checker)
{
    for (int which = 0; which < 2; which++) {
        const struct vec *feed = feed_at(checker, which);
        for (size_t i = 0; i < feed->count; i++) {
            const struct event_rec *event = feed->items[i];
            if (!is_own(event) && map_get(&checker->log_by_sid, str_from(event->sid)) == NULL)
                blame(checker, event->line, 0, "%s of %s never came to the log", event->type,
                      event->r);
        }
    }
}

/* ---- left ---- */

static const char *stage_name(enum task_stage stage)
{
    static const char *const names[] = {"none",     "pending",   "reserved", "assigned",
                                        "wrapping", "completed", "canceled"};
    return names[stage];
}

static void check_left(struct checker *checker, const struct thing *thing)
{
    const struct left_rec *left = thing->left;
    const char *status = thing->is_task ? stage_name(thing->stage) : thing->status;
    size_t line = thing->last == NULL ? thing->created->line : thing->last->line;
    if (left == NULL)
        blame(checker, line, 0, "%s is lost: it is in the log and nowhere else", thing->sid);
    else if (left->is_gone != thing->is_gone)
        blame(checker, line, left->line, "%s is %s, by the log it is %s", thing->sid,
              left->is_gone ? "gone" : "there", thing->is_gone ? "gone" : "there");
    else if (!left->is_gone && (!is_same(left->status, status) || left->version != thing->version))
        blame(checker, line, left->line, "%s is %s in version %lld, by the log %s in %lld",
              thing->sid, left->status, (long long)left->version, status,
              (long long)thing->version);
}

void rule_left(struct checker *checker)
{
    for (size_t i = 0; i < checker->things.count; i++)
        check_left(checker, checker->things.entries[i].value);
    for (size_t i = 0; i < checker->left.count; i++) {
        const struct left_rec *left = checker->left.items[i];
        if (thing_of(checker, left->sid) == NULL)
            blame(checker, left->line, 0, "%s is there, but the log does not know it", left->sid);
    }
}

/* ---- ended ---- */

void rule_ended(struct checker *checker)
{
    for (size_t i = 0; i < checker->things.count; i++) {
        const struct thing *thing = checker->things.entries[i].value;
        bool has_ended =
            thing->is_gone || thing->stage == STAGE_COMPLETED || thing->stage == STAGE_CANCELED;
        if (thing->is_task && !has_ended)
            blame(checker, thing->last == NULL ? 0 : thing->last->line, checker->drain_line,
                  "task %s is still %s, with everybody free for it", thing->sid,
                  stage_name(thing->stage));
    }
}

/* ---- alive ---- */

void rule_alive(struct checker *checker)
{
    for (size_t i = 0; i < checker->deaths.count; i++) {
        const struct note *death = checker->deaths.items[i];
        blame(checker, death->line, 0, "%s: %s", death->who, death->what);
    }
}
