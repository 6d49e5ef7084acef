/* What is left when the faults are over, read through the API. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "event_line.h"
#include "pbjson/pbjson.h"
#include "rpc/client.h"
#include "run_int.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"

enum {
    DRAIN_MS = 30000, /* without any change */
    CATCH_UP_MS = 40000,
    LOOK_MS = 100,
    SETTLE_MS = 1100, /* longer than an idle relay sleeps */
    PAGE = 500,
    CALL_MS = 10000,
    TRIES = 50,
    KEPT_BYTES = 1 << 30,
};

struct reading {
    struct scene *scene;
    struct actor reader;
    struct arena *kept; /* SIDs */
    struct map tasks;   /* created, by SID; the value is the SID, or listed */
    int64_t last;       /* places in the log */
    int64_t last_own;
};

static char listed[] = "listed";

/* A large heap takes its time, as long as it gets smaller. */
static bool is_moving(const struct run *run, int64_t began_us)
{
    int64_t last = __atomic_load_n(&run->last_ack, __ATOMIC_SEQ_CST);
    return clock_mono_us() < (last > began_us ? last : began_us) + DRAIN_MS * US_PER_MS;
}

bool final_drain(struct scene *scene)
{
    const struct run *run = scene->run;
    struct actor reader;
    int64_t began_us = clock_mono_us();
    bool is_empty = false;
    actor_init(&reader, scene, "reader", 0);
    while (!is_empty && is_moving(run, began_us)) {
        arena_reset(reader.arena);
        struct result found =
            actor_read(&reader, SUITE_TASKS, "ListTasks",
                       "{'workspaceSid':'%s','pageSize':1,'assignmentStatus':['pending',"
                       "'reserved','assigned','wrapping']}",
                       scene->world.workspace);
        is_empty = found.outcome == OUTCOME_OK && at_i64(found.body, "items") == 0;
        if (!is_empty)
            process_sleep_ms(LOOK_MS);
    }
    actor_fini(&reader);
    return is_empty;
}

/* ---- the log ---- */

/* The typed message, so that the line is made as the watcher's is. */
static enum err_code list_events(struct reading *reading, const char *workspace, const char *cursor,
                                 bool newest_first, Taskrouter__Tasks__V1__ListEventsResponse **out)
{
    Taskrouter__Tasks__V1__ListEventsRequest request =
        TASKROUTER__TASKS__V1__LIST_EVENTS_REQUEST__INIT;
    struct call call;
    struct err err;
    err_clear(&err);
    request.workspace_sid = arena_strdup(reading->reader.arena, workspace);
    request.page_size = PAGE;
    request.cursor = arena_strdup(reading->reader.arena, cursor);
    request.newest_first = newest_first;
    call_init(&call, reading->reader.arena, "reading", CALL_MS * US_PER_MS);
    call.who = suite_admin;
    return RPC_CALL(reading->scene->run->replicas[0].client, &call,
                    "/taskrouter.tasks.v1.Tasks/ListEvents", &request.base,
                    taskrouter__tasks__v1__list_events_response, out, &err);
}

static void note_created(struct reading *reading, const Taskrouter__Tasks__V1__Event *event)
{
    if (strcmp(event->event_type, "task.created") == 0) {
        char *sid = arena_strdup(reading->kept, event->resource_sid);
        INVARIANT(sid != NULL);
        (void)map_put(&reading->tasks, str_from(sid), sid);
    }
}

/* One pass over the log of a workspace: the scene's own, or a spare one in its shard. */
static bool read_log(struct reading *reading, const char *workspace, bool is_own)
{
    char cursor[512] = "";
    int failures = 0;
    do {
        Taskrouter__Tasks__V1__ListEventsResponse *page = NULL;
        arena_reset(reading->reader.arena);
        if (list_events(reading, workspace, cursor, false, &page) != ERR_OK) {
            process_sleep_ms(LOOK_MS);
            if (++failures > TRIES)
                return false;
            continue;
        }
        for (size_t i = 0; i < page->n_items; i++) {
            if (is_own)
                note_created(reading, page->items[i]);
            history_add(reading->scene->history,
                        event_line(is_own ? "log" : "other", page->items[i]));
        }
        (void)snprintf(cursor, sizeof cursor, "%s", page->next_cursor);
        if (cursor[0] == '\0')
            return true;
    } while (true);
}

static bool read_spares(struct reading *reading)
{
    const struct run *run = reading->scene->run;
    bool is_read = true;
    for (int i = 0; i < run->spare_count && is_read; i++) {
        if (run->spares[i].shard == reading->scene - run->scenes)
            is_read = read_log(reading, run->spares[i].workspace, false);
    }
    return is_read;
}

/* Where the log ends now. */
static bool read_end(struct reading *reading)
{
    Taskrouter__Tasks__V1__ListEventsResponse *page = NULL;
    enum err_code code = ERR_UNAVAILABLE;
    for (int i = 0; i < TRIES && code != ERR_OK; i++) {
        arena_reset(reading->reader.arena);
        code = list_events(reading, reading->scene->world.workspace, "", true, &page);
        if (code != ERR_OK)
            process_sleep_ms(LOOK_MS);
    }
    if (code != ERR_OK || page->n_items == 0)
        return false;
    reading->last = page->items[0]->sequence;
    for (size_t i = page->n_items; i-- > 0;) {
        if (strcmp(page->items[i]->source, "/tasks-svc") == 0)
            reading->last_own = page->items[i]->sequence;
    }
    return true;
}

/* ---- tasks and reservations ---- */

static void record_left(struct reading *reading, const char *kind, const json_t *item)
{
    json_t *line = history_line(kind);
    bool is_task = strcmp(kind, "task") == 0;
    (void)json_object_set_new(line, "sid", json_string(at(item, "sid")));
    (void)json_object_set_new(
        line, "st", json_string(at(item, is_task ? "assignmentStatus" : "reservationStatus")));
    (void)json_object_set_new(line, "v", json_integer((json_int_t)at_i64(item, "version")));
    if (!is_task)
        (void)json_object_set_new(line, "task", json_string(at(item, "taskSid")));
    (void)json_object_set_new(line, "worker", json_string(at(item, "workerSid")));
    history_add(reading->scene->history, line);
}

static struct result read_surely(struct reading *reading, const char *method, const char *json)
{
    struct result found = {.outcome = OUTCOME_UNKNOWN};
    for (int i = 0; i < TRIES && found.outcome == OUTCOME_UNKNOWN; i++) {
        found = actor_read(&reading->reader, SUITE_TASKS, method, "%s", json);
        if (found.outcome == OUTCOME_UNKNOWN)
            process_sleep_ms(LOOK_MS);
    }
    return found;
}

static bool read_list(struct reading *reading, const char *method, const char *kind)
{
    char cursor[512] = "";
    do {
        arena_reset(reading->reader.arena);
        const char *json =
            arena_printf(reading->reader.arena, "{'workspaceSid':'%s','pageSize':%d,'cursor':'%s'}",
                         reading->scene->world.workspace, PAGE, cursor);
        struct result page = read_surely(reading, method, json);
        if (page.outcome != OUTCOME_OK)
            return false;
        const json_t *items = json_object_get(page.body, "items");
        for (size_t i = 0; i < json_array_size(items); i++) {
            const json_t *item = json_array_get(items, i);
            struct str sid = str_from(at(item, "sid"));
            record_left(reading, kind, item);
            if (map_get(&reading->tasks, sid) != NULL)
                (void)map_put(&reading->tasks, arena_str(reading->kept, sid), listed);
        }
        (void)snprintf(cursor, sizeof cursor, "%s", at(page.body, "nextCursor"));
    } while (cursor[0] != '\0');
    return true;
}

/* Those that are not listed any more: purged ones are still there, deleted ones are not. */
static bool read_hidden(struct reading *reading)
{
    for (size_t i = 0; i < reading->tasks.count; i++) {
        if (reading->tasks.entries[i].value == listed)
            continue;
        const char *sid = reading->tasks.entries[i].value;
        arena_reset(reading->reader.arena);
        struct result found =
            read_surely(reading, "GetTask",
                        arena_printf(reading->reader.arena, "{'workspaceSid':'%s','sid':'%s'}",
                                     reading->scene->world.workspace, sid));
        if (found.outcome == OUTCOME_UNKNOWN)
            return false;
        if (found.outcome == OUTCOME_OK) {
            record_left(reading, "task", found.body);
            continue;
        }
        json_t *line = history_line("task");
        (void)json_object_set_new(line, "sid", json_string(sid));
        (void)json_object_set_new(line, "gone", json_true());
        history_add(reading->scene->history, line);
    }
    return true;
}

/* The log does not grow any more, and the observers have it (or will not get it). */
static bool settle(struct reading *reading)
{
    int64_t until = clock_mono_us() + CATCH_UP_MS * US_PER_MS;
    int64_t before = -1;
    while (clock_mono_us() < until) {
        if (!read_end(reading))
            return false;
        bool is_still = reading->last == before;
        before = reading->last;
        if (is_still && observers_have(reading->scene->observers, reading->last, reading->last_own))
            break;
        process_sleep_ms(2 * LOOK_MS);
    }
    process_sleep_ms(SETTLE_MS); /* for what should not come any more */
    return true;
}

bool final_read(struct scene *scene)
{
    struct reading reading = {.scene = scene, .kept = arena_new(KEPT_BYTES)};
    actor_init(&reading.reader, scene, "reader", 0);
    map_init(&reading.tasks);
    bool is_read = settle(&reading) && read_log(&reading, scene->world.workspace, true) &&
                   read_spares(&reading) && read_list(&reading, "ListTasks", "task") &&
                   read_list(&reading, "ListReservations", "res") && read_hidden(&reading);
    map_fini(&reading.tasks);
    actor_fini(&reading.reader);
    arena_free(reading.kept);
    return is_read;
}
