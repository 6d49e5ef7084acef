/* What workers have on their channels, and events by task channel and time. */
#include "tasks_fixture.h"

enum { WAIT_MS = 20000 };

struct channel_ask {
    const char *workspace;
    const char *worker;
    const char *channel;
    int64_t assigned;
    int64_t percentage;
};

static bool shows(const void *ctx)
{
    const struct channel_ask *ask = ctx;
    const json_t *channel = suite_ok(&suite_viewer, SUITE_WORKERS, "GetWorkerChannel",
                                     "{'workspaceSid':'%s','workerSid':'%s','channel':'%s'}",
                                     ask->workspace, ask->worker, ask->channel);
    return at_i64(channel, "assignedTasks") == ask->assigned &&
           at_i64(channel, "availableCapacityPercentage") == ask->percentage;
}

static void accept(const struct place *place, const char *task)
{
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "AcceptReservation",
                   "{'workspaceSid':'%s','sid':'%s'}", place->workspace,
                   reservation_of(place, "taskSid", task, "PENDING"));
}

static const json_t *events(const struct place *place, const char *filter)
{
    return suite_ok(&suite_viewer, SUITE_TASKS, "ListEvents", "{'workspaceSid':'%s',%s}",
                    place->workspace, filter);
}

static bool has_capacity_event(const void *ctx)
{
    return at_i64(events(ctx, "'eventType':'worker.capacity.update','newestFirst':true,"
                              "'pageSize':1"),
                  "items") == 1;
}

static void test_loads(void)
{
    struct place place = place_new(0);
    const char *worker = place_worker(&place, "Ann", 3);
    struct channel_ask ask = {place.workspace, worker, "default", 0, 100};
    CHECK(suite_until(shows, &ask, WAIT_MS));
    const char *first = task_new(&place, "{}");
    accept(&place, first);
    (void)task_new(&place, "{}"); /* is offered, and consumes */
    ask.assigned = 1;
    ask.percentage = 33;
    CHECK(suite_until(shows, &ask, WAIT_MS));
    const struct channel_ask voice = {place.workspace, worker, "voice", 0, 100};
    CHECK(shows(&voice));
    const json_t *list =
        suite_ok(&suite_viewer, SUITE_WORKERS, "ListWorkerChannels",
                 "{'workspaceSid':'%s','workerSid':'%s'}", place.workspace, worker);
    CHECK_I64(at_i64(list, "items"), 5);
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "WrapUpTask", "{'workspaceSid':'%s','sid':'%s'}",
                   place.workspace, first);
    ask.assigned = 0; /* wrapping is no assigned task but consumes */
    CHECK(shows(&ask));
    const json_t *loads =
        suite_ok(&suite_viewer, SUITE_TASKS, "ListWorkerLoads",
                 "{'workspaceSid':'%s','workerSids':['WK00000000000000000000000000000001','%s']}",
                 place.workspace, worker);
    CHECK_I64(at_i64(loads, "items"), 1);
    CHECK_TEXT(at(loads, "items.0.workerSid"), worker);
    CHECK_I64(at_i64(loads, "items.0.consumedCapacity"), 2);
    CHECK_I64(at_i64(loads, "items.0.configuredCapacity"), 3);
    struct place other = place_new(0);
    CHECK_I64(at_i64(suite_ok(&suite_viewer, SUITE_TASKS, "ListWorkerLoads",
                              "{'workspaceSid':'%s','workerSids':['%s']}", other.workspace, worker),
                     "items"),
              0);
    CHECK(suite_refused(&suite_viewer, SUITE_TASKS, "INVALID_ARGUMENT INVALID_SID worker_sids",
                        "ListWorkerLoads", "{'workspaceSid':'%s','workerSids':['x']}",
                        place.workspace));
    const json_t *now = suite_ok(&suite_supervisor, SUITE_WORKERS, "UpdateWorkerChannel",
                                 "{'workspaceSid':'%s','workerSid':'%s','channel':'default',"
                                 "'capacity':1}",
                                 place.workspace, worker);
    CHECK_I64(at_i64(now, "availableCapacityPercentage"), 0); /* more than it may be */
}

static void test_capacity_event(void)
{
    struct place place = place_new(0);
    const char *worker = place_worker(&place, "Bob", 2);
    CHECK(suite_until(has_capacity_event, &place, WAIT_MS));
    accept(&place, task_new(&place, "{}"));
    (void)suite_ok(&suite_supervisor, SUITE_WORKERS, "UpdateWorkerChannel",
                   "{'workspaceSid':'%s','workerSid':'%s','channel':'default','capacity':5}",
                   place.workspace, worker);
    CHECK(place_knows(&place, worker));
    const json_t *page =
        events(&place, "'eventType':'worker.capacity.update','newestFirst':true,'pageSize':1");
    const char *data = at(page, "items.0.eventData");
    CHECK(strstr(data, "\"worker_channel_task_count\":\"1\"") != NULL);
    CHECK(strstr(data, "\"worker_channel_available_capacity\":\"4\"") != NULL);
    CHECK(strstr(data, "\"worker_channel_previous_capacity\":\"2\"") != NULL);
    CHECK(strstr(data, "\"worker_channel_capacity\"") == NULL);
}

static void test_events(void)
{
    struct place place = place_new(0);
    const char *worker = place_worker(&place, "Cid", 2); /* tells of the channel default */
    const char *plain = task_new(&place, "{}");
    const char *call = at(suite_ok(&suite_supervisor, SUITE_TASKS, "CreateTask",
                                   "{'workspaceSid':'%s','taskChannel':'voice'}", place.workspace),
                          "sid");
    CHECK(suite_until(has_capacity_event, &place, WAIT_MS));
    const json_t *page = events(&place, "'taskChannel':'voice','eventType':'task.created'");
    CHECK_I64(at_i64(page, "items"), 1);
    CHECK_TEXT(at(page, "items.0.resourceSid"), call);
    const char *sid = at(page, "items.0.sid");
    CHECK_I64(
        at_i64(events(&place, suite_text("'taskChannel':'default','taskSid':'%s'", call)), "items"),
        0);
    CHECK(at_i64(events(&place, suite_text("'taskChannel':'default','taskSid':'%s'", plain)),
                 "items") > 0);
    CHECK_I64(at_i64(events(&place, suite_text("'taskChannel':'default','workerSid':'%s',"
                                               "'eventType':'worker.capacity.update'",
                                               worker)),
                     "items"),
              1);
    CHECK_I64(at_i64(events(&place, suite_text("'taskChannel':'voice','workerSid':'%s',"
                                               "'eventType':'worker.capacity.update'",
                                               worker)),
                     "items"),
              0);
    CHECK_I64(at_i64(events(&place, "'taskChannel':'pigeon'"), "items"), 0);
    CHECK_I64(at_i64(events(&place, suite_text("'sid':'%s'", sid)), "items"), 1);
    CHECK_I64(at_i64(events(&place, suite_text("'sid':'%s','taskSid':'%s'", sid, plain)), "items"),
              0);
    CHECK_I64(at_i64(events(&place, "'sid':'EV00000000000000000000000000000001'"), "items"), 0);
    CHECK(at_i64(events(&place, "'minutes':15"), "items") > 5);
    CHECK_I64(at_i64(events(&place, "'minutes':15,'endDate':'2020-01-01T00:00:00Z'"), "items"), 0);
    CHECK(suite_refused(&suite_viewer, SUITE_TASKS, "INVALID_ARGUMENT OUT_OF_RANGE minutes",
                        "ListEvents", "{'workspaceSid':'%s','minutes':-1}", place.workspace));
    CHECK(suite_refused(
        &suite_viewer, SUITE_TASKS, "INVALID_ARGUMENT OUT_OF_RANGE minutes", "ListEvents",
        "{'workspaceSid':'%s','minutes':1,'startDate':'2020-01-01T00:00:00Z'}", place.workspace));
}

static const struct test_case cases[] = {
    {"a worker's channel shows what the router has given him",     test_loads         },
    {"a change of capacity tells what is left of it",              test_capacity_event},
    {"events are found by task channel, by SID and by the minute", test_events        },
};

int main(int argc, char **argv)
{
    return suite_main("loads", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
