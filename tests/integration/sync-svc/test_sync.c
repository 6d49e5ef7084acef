/* Runs of the sync, from an unknown workspace to one that is in step. */
#include "sync_fixture.h"

static struct process *sync_process;

/* ---- cases ---- */

static void test_dry_run_of_a_new_one(void)
{
    const char *ws = world_workspace(5);
    const char *before = rows_now();
    const char *sid = run_begin(ws, ALL_KINDS ",'dryRun':true");
    const json_t *run = run_ended(ws, sid);
    CHECK_TEXT(at(run, "state"), "RUN_STATE_CLEAN");
    CHECK_I64(at_i64(run, "dryRun"), 1);
    CHECK_TEXT(at(run, "accountSid"), ACCOUNT);
    CHECK_TEXT(at(run, "cause"), "manual");
    CHECK_TEXT(counts_of(run, "workspace"), "1 1 0 0 0 0");
    CHECK_TEXT(counts_of(run, "activities"), "3 3 0 0 0 0");
    CHECK_TEXT(counts_of(run, "task_channels"), "2 2 0 0 0 0");
    CHECK_TEXT(counts_of(run, "queues"), "2 2 0 0 0 0");
    CHECK_TEXT(counts_of(run, "workflows"), "1 1 0 0 0 0");
    CHECK_TEXT(counts_of(run, "workers"), "5 5 0 0 0 0");
    CHECK_TEXT(counts_of(run, "worker_channels"), "10 10 0 0 0 0");
    CHECK_TEXT(counts_of(run, "tasks"), "5 5 0 0 0 0"); /* with two reservations */
    CHECK_I64(at_i64(kind_of(run, "worker_channels"), "total"), 10);
    const json_t *workers = items_of(ws, sid, "workers", "");
    CHECK_I64((int64_t)json_array_size(workers), 5);
    CHECK_TEXT(at(workers, "0.result.friendlyName"), "Worker 1");
    CHECK_TEXT(at(workers, "0.result.outcome"), "MIRROR_OUTCOME_CREATED");
    CHECK_TEXT(rows_now(), before);
    CHECK(suite_refused(&suite_viewer, SUITE_WORKERS, "NOT_FOUND WORKSPACE_NOT_FOUND",
                        "GetWorkspace", "{'sid':'%s'}", ws));
    CHECK(suite_refused(&suite_stranger, S, "NOT_FOUND WORKSPACE_NOT_FOUND workspace_sid", "GetRun",
                        "{'workspaceSid':'%s','sid':'%s'}", ws, sid));
}

static void test_adopted(void)
{
    const char *ws = world_workspace(7);
    world_page_max(3); /* so that there are pages */
    const json_t *run = run_now(ws, ALL_KINDS);
    CHECK_TEXT(at(run, "state"), "RUN_STATE_CLEAN");
    CHECK_TEXT(at(run, "detail"), "");
    CHECK_TEXT(counts_of(run, "workers"), "7 7 0 0 0 0");
    CHECK_I64(at_i64(kind_of(run, "workers"), "total"), 7);
    CHECK_TEXT(counts_of(run, "worker_channels"), "14 14 0 0 0 0");
    CHECK_TEXT(counts_of(run, "tasks"), "5 5 0 0 0 0");
    const json_t *workspace =
        suite_ok(&suite_viewer, SUITE_WORKERS, "GetWorkspace", "{'sid':'%s'}", ws);
    CHECK_TEXT(at(workspace, "provider"), "PROVIDER_TWILIO");
    CHECK_TEXT(at(workspace, "defaultActivityName"), "Offline");
    const json_t *worker = suite_ok(&suite_viewer, SUITE_WORKERS, "GetWorker",
                                    "{'workspaceSid':'%s','sid':'%s'}", ws, sid_of("WK", 3));
    CHECK_TEXT(at(worker, "activityName"), "Available");
    CHECK_TEXT(at(worker, "dateCreated"), "2026-01-02T03:04:05Z");
    const json_t *task = suite_ok(&suite_viewer, SUITE_TASKS, "GetTask",
                                  "{'workspaceSid':'%s','sid':'%s'}", ws, sid_of("WT", 2));
    CHECK_TEXT(at(task, "assignmentStatus"), "TASK_STATUS_ASSIGNED");
    const json_t *flow = suite_ok(&suite_viewer, SUITE_ROUTING, "GetWorkflow",
                                  "{'workspaceSid':'%s','sid':'%s'}", ws, sid_of("WW", 1));
    CHECK_TEXT(at(flow, "friendlyName"), "Flow");
    int calls = world_requests("/Channels");
    run = run_now(ws, ALL_KINDS);
    CHECK_TEXT(at(run, "state"), "RUN_STATE_CLEAN");
    CHECK_TEXT(counts_of(run, "workers"), "7 0 0 7 0 0");
    CHECK_TEXT(counts_of(run, "worker_channels"), "14 0 0 14 0 0");
    CHECK_TEXT(counts_of(run, "queues"), "2 0 0 2 0 0");
    CHECK(world_requests("/Channels") > calls);
    CHECK_I64(suite_count("select count(*) from sync.run_seen"), 0); /* nothing is left behind */
}

/* What was changed behind its back, found dry and then for good. */
static void test_changed(void)
{
    const char *ws = world_workspace(4);
    CHECK_TEXT(at(run_now(ws, ALL_KINDS), "state"), "RUN_STATE_CLEAN");
    put_worker(2, "Renamed", "{`skills`:[`a`]}");
    put_activity(9, "Lunch", false);
    put_worker_of(9, "Newcomer", "{}", 9);
    put_worker_of(1, "Worker 1", "{}", 9); /* hangs on what is new as well */
    world_remove(list_of("Workers"), sid_of("WK", 4));
    world_remove(list_of("TaskQueues"), sid_of("WQ", 2));
    world_remove(list_of("Tasks"), sid_of("WT", 1)); /* had not ended */
    world_remove(list_of("Tasks"), sid_of("WT", 3)); /* had: Twilio forgets these soon */
    put_task(2, "completed");
    put_reservation(1, 2, "completed");
    const char *before = rows_now();
    const char *first = run_begin(ws, ALL_KINDS ",'dryRun':true");
    const json_t *dry = run_ended(ws, first);
    CHECK_TEXT(rows_now(), before);
    const char *second = run_begin(ws, ALL_KINDS);
    const json_t *run = run_ended(ws, second);
    CHECK(strcmp(rows_now(), before) != 0);
    const json_t *both[] = {dry, run};
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        CHECK_TEXT(at(both[i], "state"), "RUN_STATE_CLEAN");
        CHECK_TEXT(counts_of(both[i], "workers"), "4 1 2 1 1 0");
        CHECK_TEXT(counts_of(both[i], "activities"), "4 1 0 3 0 0");
        CHECK_TEXT(counts_of(both[i], "worker_channels"), "8 2 0 6 0 0");
        CHECK_TEXT(counts_of(both[i], "queues"), "1 0 0 1 1 0");
        CHECK_TEXT(counts_of(both[i], "tasks"), "2 0 2 0 1 0");
    }
    const json_t *updated = items_of(ws, first, "workers", "UPDATED");
    CHECK_I64((int64_t)json_array_size(updated), 2);
    CHECK_TEXT(at(updated, "0.result.sid"), sid_of("WK", 1));
    CHECK_TEXT(at(updated, "0.result.fields.0.name"), "activity_sid");
    CHECK_TEXT(at(updated, "0.result.fields.0.theirs"), sid_of("WA", 9));
    CHECK_TEXT(at(updated, "0.result.detail"), "");
    CHECK_TEXT(at(updated, "1.result.sid"), sid_of("WK", 2));
    CHECK_TEXT(at(updated, "1.result.fields.0.name"), "friendly_name");
    CHECK_TEXT(at(updated, "1.result.fields.0.ours"), "Worker 2");
    CHECK_TEXT(at(updated, "1.result.fields.0.theirs"), "Renamed");
    const json_t *gone = items_of(ws, second, "workers", "VANISHED");
    CHECK_I64((int64_t)json_array_size(gone), 1);
    CHECK_TEXT(at(gone, "0.result.sid"), sid_of("WK", 4));
    CHECK_TEXT(at(suite_ok(&suite_viewer, SUITE_TASKS, "GetTask",
                           "{'workspaceSid':'%s','sid':'%s'}", ws, sid_of("WT", 1)),
                  "assignmentStatus"),
               "TASK_STATUS_CANCELED");
    CHECK_TEXT(at(suite_ok(&suite_viewer, SUITE_TASKS, "GetTask",
                           "{'workspaceSid':'%s','sid':'%s'}", ws, sid_of("WT", 3)),
                  "assignmentStatus"),
               "TASK_STATUS_COMPLETED");
}

/* The light run: what lives, and the workers; nothing is missed there, save tasks. */
static void test_light(void)
{
    const char *ws = world_workspace(3);
    CHECK_TEXT(at(run_now(ws, ALL_KINDS), "state"), "RUN_STATE_CLEAN");
    put_worker(1, "Renamed", "{}");
    world_remove(list_of("Workers"), sid_of("WK", 3));
    put_task(1, "reserved");
    put_reservation(3, 1, "pending");
    put_task(2, "completed");
    put_reservation(1, 2, "completed");
    int calls = world_requests("/Channels");
    const json_t *run = run_now(ws, ",'light':true,'cause':'reconcile'");
    CHECK_TEXT(at(run, "state"), "RUN_STATE_CLEAN");
    CHECK_TEXT(at(run, "cause"), "reconcile");
    CHECK(kind_of(run, "worker_channels") == NULL);
    CHECK_TEXT(counts_of(run, "workers"), "2 0 1 1 0 0");
    CHECK_TEXT(counts_of(run, "tasks"), "4 1 3 0 0 0"); /* two tasks, two reservations */
    CHECK_I64(world_requests("/Channels"), calls);
    run = run_now(ws, ",'light':true");
    CHECK_TEXT(counts_of(run, "tasks"), "2 0 0 2 0 0");
}

/* Names that go round between several Put requests, and one of somebody who has left. */
static void test_names(void)
{
    const char *ws = world_workspace(7);
    world_page_max(2); /* each page is put by itself */
    CHECK_TEXT(at(run_now(ws, ALL_KINDS), "state"), "RUN_STATE_CLEAN");
    put_worker(1, "Worker 5", "{}");
    put_worker(5, "Worker 1", "{}");
    put_worker(2, "Worker 3", "{}"); /* who moves away behind it */
    put_worker(3, "Moved", "{}");
    world_remove(list_of("Workers"), sid_of("WK", 7));
    put_worker(8, "Worker 7", "{}");
    const char *before = rows_now();
    const char *first = run_begin(ws, ALL_KINDS ",'dryRun':true");
    const json_t *dry = run_ended(ws, first);
    CHECK_TEXT(rows_now(), before);
    const char *second = run_begin(ws, ALL_KINDS);
    const json_t *run = run_ended(ws, second);
    const json_t *both[] = {dry, run};
    const char *const sids[] = {first, second};
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        CHECK_TEXT(at(both[i], "state"), "RUN_STATE_CLEAN");
        CHECK_TEXT(counts_of(both[i], "workers"), "7 1 4 2 1 0");
        CHECK_I64((int64_t)json_array_size(items_of(ws, sids[i], "workers", "UPDATED")), 4);
        CHECK_I64((int64_t)json_array_size(items_of(ws, sids[i], "workers", "CONFLICTING")), 0);
    }
    CHECK_TEXT(at(suite_ok(&suite_viewer, SUITE_WORKERS, "GetWorker",
                           "{'workspaceSid':'%s','sid':'%s'}", ws, sid_of("WK", 5)),
                  "friendlyName"),
               "Worker 1");
    CHECK_TEXT(counts_of(run_now(ws, ALL_KINDS), "workers"), "7 0 0 7 0 0");
}

static void test_some_kinds(void)
{
    const char *ws = world_workspace(3);
    const json_t *run = run_now(ws, ",'kinds':['workers','activities']");
    CHECK_I64(at_i64(run, "kinds"), 2);
    CHECK_TEXT(at(run, "kinds.0"), "activities");
    CHECK_I64(at_i64(run, "progress"), 3);
    CHECK_TEXT(at(run, "progress.0.kind"), "workspace");
    CHECK_TEXT(counts_of(run, "workers"), "3 3 0 0 0 0");
    run = run_now(ws, ",'kinds':['task_channels']");
    run = run_now(ws, ",'kinds':['worker_channels']"); /* which lists the workers itself */
    CHECK_TEXT(at(run, "state"), "RUN_STATE_CLEAN");
    CHECK_TEXT(counts_of(run, "worker_channels"), "6 6 0 0 0 0");
    CHECK(suite_refused(&suite_supervisor, S, "INVALID_ARGUMENT UNKNOWN_KIND kinds", "StartRun",
                        "{'workspaceSid':'%s','kinds':['users']}", ws));
    CHECK(suite_refused(&suite_supervisor, S, "INVALID_ARGUMENT UNKNOWN_KIND kinds", "StartRun",
                        "{'workspaceSid':'%s','light':true,'kinds':['links']}", ws));
}

static void test_refused(void)
{
    const char *local = suite_workspace();
    CHECK(suite_refused(&suite_supervisor, S, "FAILED_PRECONDITION NOT_MIRRORED workspace_sid",
                        "StartRun", "{'workspaceSid':'%s'}", local));
    CHECK(suite_refused(&suite_supervisor, S,
                        "FAILED_PRECONDITION WORKSPACE_NOT_CONFIGURED : TWILIO_WORKSPACE_SID",
                        "StartRun", "{}"));
    CHECK(suite_refused(&suite_supervisor, S, "INVALID_ARGUMENT INVALID_SID", "StartRun",
                        "{'workspaceSid':'WS1'}"));
    CHECK(suite_refused(&suite_viewer, S, "PERMISSION_DENIED ROLE_TOO_LOW", "StartRun",
                        "{'workspaceSid':'%s'}", local));
    CHECK(suite_refused(&suite_stranger, S, "NOT_FOUND WORKSPACE_NOT_FOUND", "StartRun",
                        "{'workspaceSid':'%s'}", world_workspace(0)));
}

/* Worker by worker, but several at once, and no more than there is room for. */
static void test_side_by_side(void)
{
    const char *ws = world_workspace(60);
    world_delay(10);
    const json_t *run = run_now(ws, ALL_KINDS);
    CHECK_TEXT(counts_of(run, "worker_channels"), "120 120 0 0 0 0");
    CHECK(world_most_at_once() > 1 && world_most_at_once() <= 8);
}

static void test_items_by_page(void)
{
    const char *ws = world_workspace(5);
    const char *sid = run_begin(ws, ALL_KINDS);
    (void)run_ended(ws, sid);
    const char *cursor = "";
    int64_t items = 0;
    int pages = 0;
    do {
        const json_t *page = suite_ok(&suite_viewer, S, "ListRunItems",
                                      "{'workspaceSid':'%s','sid':'%s','pageSize':7,'cursor':'%s'}",
                                      ws, sid, cursor);
        items += at_i64(page, "items");
        cursor = at(page, "nextCursor");
    } while (cursor[0] != '\0' && ++pages < 20);
    CHECK_I64(items, 1 + 3 + 2 + 2 + 1 + 5 + 10 + 5);
    CHECK(suite_refused(&suite_viewer, S, "INVALID_ARGUMENT UNKNOWN_KIND kind", "ListRunItems",
                        "{'workspaceSid':'%s','sid':'%s','kind':'x'}", ws, sid));
    CHECK(suite_refused(&suite_viewer, S, "INVALID_ARGUMENT INVALID_CURSOR cursor", "ListRunItems",
                        "{'workspaceSid':'%s','sid':'%s','cursor':'x'}", ws, sid));
}

static const struct test_case cases[] = {
    {"a dry run of an unknown workspace reports it and changes nothing", test_dry_run_of_a_new_one},
    {"a run adopts a workspace whole, and the next finds it in step",    test_adopted             },
    {"what changed is reported dry as it is then done",                  test_changed             },
    {"a light run looks at what lives",                                  test_light               },
    {"names that go round are no conflicts",                             test_names               },
    {"kinds are run as they are asked for",                              test_some_kinds          },
    {"what cannot be run is refused",                                    test_refused             },
    {"worker channels are read side by side",                            test_side_by_side        },
    {"items are read page by page",                                      test_items_by_page       },
};

static void with_sync(void)
{
    sync_process = sync_start(NULL);
}

static void without_sync(void)
{
    sync_stop(sync_process);
}

/* One process for all cases: the first starts it, the last ends it. */
static struct test_case framed[ARRAY_LEN(cases) + 2];

int main(int argc, char **argv)
{
    framed[0] = (struct test_case){"sync-svc starts", with_sync};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        framed[i + 1] = cases[i];
    framed[ARRAY_LEN(cases) + 1] = (struct test_case){"sync-svc ends in good order", without_sync};
    return sync_main("sync", framed, ARRAY_LEN(framed), argc, argv);
}
