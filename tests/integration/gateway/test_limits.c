/* Limits on how many of a kind there may be, at their edges: refused in Twilio's way, by name, and
 * not passed by those who come at once. */
#include <stdlib.h>
#include <string.h>

#include "dialect.h"

enum { RACERS = 8, WAIT_MS = 20000 };

#define EVERYBODY "FriendlyName=Everybody"

static const char *activity_sid(const char *name)
{
    return at(get(text("%s/Activities?FriendlyName=%s", home, name)).body, "activities.0.sid");
}

static bool is_full(const struct reply *reply, int code, const char *setting, const char *things)
{
    return is_error(reply, 400, code, setting) && is_error(reply, 400, code, things);
}

/* Eight come at once, room is for so many: they get through, the others are told why not. */
static void race(const char *path, const char *more, int room, int code, const char *setting)
{
    const char *forms[RACERS];
    struct reply replies[RACERS];
    int made = 0;
    for (int i = 0; i < RACERS; i++)
        forms[i] = text("FriendlyName=Racer%d&UniqueName=racer%d%s", i, i, more);
    ask_at_once(BASIC, path, forms, replies, RACERS);
    for (int i = 0; i < RACERS; i++) {
        made += replies[i].status == 201;
        CHECK(replies[i].status == 201 || is_error(&replies[i], 400, code, setting));
    }
    CHECK_I64(made, room);
}

static const char *document(const char *queue)
{
    return form_text(
        text("{\"task_routing\":{\"filters\":[],\"default_filter\":{\"queue\":\"%s\"}}}", queue));
}

static void test_workers(void)
{
    in_workspace();
    const char *path = text("%s/Workers", home);
    const char *first = at(post(path, "FriendlyName=First").body, "sid");
    race(path, "", 2, 20001, "TASKROUTER_LIMIT_WORKERS");
    struct reply full = post(path, "FriendlyName=Fourth");
    CHECK(is_full(&full, 20001, "TASKROUTER_LIMIT_WORKERS", "has 3 workers"));
    full = ask(BOOTSTRAP, "POST", "/workers", text("X-Workspace-Sid: %s\r\n", workspace),
               "{'friendlyName':'Fourth'}");
    CHECK(is_problem(&full, 400, "LIMIT_REACHED", NULL));
    CHECK_I64(drop(text("%s/%s", path, first)).status, 204); /* room again */
    CHECK_I64(post(path, "FriendlyName=Fourth").status, 201);
}

static void test_active_workers(void)
{
    in_workspace();
    const char *available = activity_sid("Available");
    const char *unavailable = activity_sid("Unavailable");
    struct reply list = get(text("%s/Workers", home));
    const char *forms[3];
    const char *paths[3];
    for (int i = 0; i < 3; i++) {
        paths[i] = text("%s/Workers/%s", home, at(list.body, text("workers.%d.sid", i)));
        forms[i] = text("ActivitySid=%s", available);
    }
    CHECK_I64(post(paths[0], forms[0]).status, 200);
    CHECK_I64(post(paths[1], forms[1]).status, 200);
    struct reply full = post(paths[2], forms[2]);
    CHECK(is_full(&full, 14240, "TASKROUTER_LIMIT_ACTIVE_WORKERS", "available activities"));
    CHECK_I64(post(paths[1], forms[1]).status, 200); /* is in it already */
    CHECK_I64(post(paths[2], text("ActivitySid=%s", unavailable)).status, 200);
    CHECK_I64(post(paths[1], text("ActivitySid=%s", unavailable)).status, 200);
    CHECK_I64(post(paths[2], forms[2]).status, 200);
    CHECK_I64(drop(paths[1]).status, 204); /* another would be one too many even so */
    full = post(text("%s/Workers", home), text("FriendlyName=Eager&ActivitySid=%s", available));
    CHECK(is_error(&full, 400, 14240, "TASKROUTER_LIMIT_ACTIVE_WORKERS"));
    CHECK_I64(post(text("%s/Workers", home), "FriendlyName=Lazy").status, 201);
}

static void test_resources(void)
{
    in_workspace();
    race(text("%s/Activities", home), "", 2, 20001, "TASKROUTER_LIMIT_ACTIVITIES");
    race(text("%s/TaskChannels", home), "", 2, 20001, "TASKROUTER_LIMIT_CHANNELS");
    race(text("%s/TaskQueues", home), "", 3, 20001, "TASKROUTER_LIMIT_QUEUES");
    const char *queue = at(get(text("%s/TaskQueues", home)).body, "task_queues.0.sid");
    race(text("%s/Workflows", home), text("&Configuration=%s", document(queue)), 2, 20001,
         "TASKROUTER_LIMIT_WORKFLOWS");
    struct reply full = post(text("%s/Activities", home), EVERYBODY);
    CHECK(is_full(&full, 20001, "TASKROUTER_LIMIT_ACTIVITIES", "has 5 activities"));
    full = post(text("%s/TaskChannels", home), EVERYBODY "&UniqueName=everybody");
    CHECK(is_full(&full, 20001, "TASKROUTER_LIMIT_CHANNELS", "has 7 task channels"));
    full = post(text("%s/TaskQueues", home), EVERYBODY);
    CHECK(is_full(&full, 20001, "TASKROUTER_LIMIT_QUEUES", "has 3 task queues"));
    full =
        post(text("%s/Workflows", home), text("%s&Configuration=%s", EVERYBODY, document(queue)));
    CHECK(is_full(&full, 20001, "TASKROUTER_LIMIT_WORKFLOWS", "has 2 workflows"));
}

static void test_tasks(void)
{
    in_workspace();
    const char *path = text("%s/Tasks", home);
    const char *workflow = at(get(text("%s/Workflows", home)).body, "workflows.0.sid");
    const char *form = text("&WorkflowSid=%s", workflow);
    const char *first = at(post(path, form + 1).body, "sid");
    race(path, form, 3, 20001, "TASKROUTER_LIMIT_TASKS");
    struct reply full = post(path, form + 1);
    CHECK(is_full(&full, 20001, "TASKROUTER_LIMIT_TASKS", "has 4 tasks"));
    /* in whatever state */
    CHECK_I64(post(text("%s/%s", path, first), "AssignmentStatus=canceled&Reason=r").status, 200);
    full = post(path, form + 1);
    CHECK(is_error(&full, 400, 20001, "TASKROUTER_LIMIT_TASKS"));
    CHECK_I64(drop(text("%s/%s", path, first)).status, 204);
    CHECK_I64(post(path, form + 1).status, 201);
    program_kill(PROGRAM_TASKS); /* counted anew */
    program_start(PROGRAM_TASKS);
    full = post(path, form + 1);
    CHECK(is_full(&full, 20001, "TASKROUTER_LIMIT_TASKS", "has 4 tasks"));
}

static bool is_off(void *path)
{
    struct reply reply = get(*(const char **)path);
    return reply.status == 400 &&
           is_error(&reply, 400, 20001, "TASKROUTER_LIMIT_WORKER_STATISTICS");
}

static bool is_on(void *path)
{
    return get(*(const char **)path).status == 200;
}

/* The router hears of workers a moment later. */
static void test_worker_statistics(void)
{
    in_workspace();
    const char *list = text("%s/Workers", home);
    const char *names[] = {"FriendlyName=S1", "FriendlyName=S2", "FriendlyName=S3"};
    for (size_t i = 0; i < ARRAY_LEN(names) && at_i64(get(list).body, "workers") < 3; i++)
        (void)post(list, names[i]);
    struct reply workers = get(list);
    REQUIRE(at_i64(workers.body, "workers") == 3);
    const char *last = at(workers.body, "workers.2.sid");
    const char *paths[] = {
        text("%s/Statistics", list),
        text("%s/RealTimeStatistics", list),
        text("%s/CumulativeStatistics", list),
        text("%s/%s/Statistics", list, at(workers.body, "workers.0.sid")),
    };
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        CHECK(until(is_off, &paths[i], WAIT_MS));
    CHECK_I64(get(text("%s/Statistics", home)).status, 200); /* the workspace's are on */
    CHECK_I64(drop(text("%s/%s", list, last)).status, 204);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        CHECK(until(is_on, &paths[i], WAIT_MS));
}

static void test_workspaces(void)
{
    in_workspace();
    race("/v1/Workspaces", "", 2, 20001, "TASKROUTER_LIMIT_WORKSPACES");
    struct reply full = post("/v1/Workspaces", EVERYBODY);
    CHECK(is_full(&full, 20001, "TASKROUTER_LIMIT_WORKSPACES", "has 3 workspaces"));
}

static const struct test_case cases[] = {
    {"a workspace has so many workers",            test_workers          },
    {"so many of them are active",                 test_active_workers   },
    {"activities, channels, queues and workflows", test_resources        },
    {"tasks in all states",                        test_tasks            },
    {"statistics of many workers are off",         test_worker_statistics},
    {"an account has so many workspaces",          test_workspaces       },
};

int main(int argc, char **argv)
{
    static const char *const settings[][2] = {
        {"WORKERS",           "3"},
        {"ACTIVE_WORKERS",    "2"},
        {"ACTIVITIES",        "5"},
        {"CHANNELS",          "7"},
        {"QUEUES",            "3"},
        {"WORKFLOWS",         "2"},
        {"TASKS",             "4"},
        {"WORKER_STATISTICS", "2"},
        {"WORKSPACES",        "3"},
    };
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "TASKROUTER_LIMIT_%s", settings[i][0]);
        (void)setenv(name, settings[i][1], 1); /* NOLINT(concurrency-mt-unsafe): no threads yet */
    }
    return fixture_all_main("gateway limits", NULL, cases, ARRAY_LEN(cases), argc, argv);
}
