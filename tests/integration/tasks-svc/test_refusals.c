/* tasks-svc: what is refused, and with which words; repeats; who may do what. */
#include <stdio.h>
#include <string.h>

#include "base/ids.h"
#include "tasks_fixture.h"

#define NO_TASK "WT00000000000000000000000000000009"

static void refused(const struct identity *who, enum err_code code, const char *reason,
                    const char *field, const char *method, const char *json)
{
    const char *want = suite_text("%s %s%s%s", err_code_name(code), reason,
                                  field == NULL ? "" : " ", field == NULL ? "" : field);
    CHECK(suite_refused(who, SUITE_TASKS, want, method, "%s", json));
}

static void test_bad_creates(void)
{
    struct place place = place_new(0);
    const char *ws = place.workspace;
    (void)task_new(&place, "{}"); /* everything is known now */
    int64_t before = suite_count("select count(*) from tasks.task");
    refused(&suite_supervisor, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "workspace_sid",
            "CreateTask", "{}");
    refused(&suite_supervisor, ERR_INVALID_ARGUMENT, "INVALID_SID", "workspace_sid", "CreateTask",
            "{'workspaceSid':'WK00000000000000000000000000000001'}");
    refused(&suite_supervisor, ERR_NOT_FOUND, "WORKSPACE_NOT_FOUND", "workspace_sid", "CreateTask",
            "{'workspaceSid':'WS00000000000000000000000000000001'}");
    refused(&suite_stranger, ERR_NOT_FOUND, "WORKSPACE_NOT_FOUND", "workspace_sid", "CreateTask",
            suite_text("{'workspaceSid':'%s'}", ws));
    refused(&suite_agent, ERR_PERMISSION_DENIED, "ROLE_TOO_LOW", NULL, "CreateTask",
            suite_text("{'workspaceSid':'%s'}", ws));
    struct answer bad = suite_call(&suite_supervisor, SUITE_TASKS, "CreateTask",
                                   "{'workspaceSid':'%s','attributes':'{`a`:'}", ws);
    CHECK_I64(bad.code, ERR_INVALID_ARGUMENT);
    CHECK_TEXT(bad.err.field, "attributes");
    char *long_text = (char *)(uintptr_t)suite_text("%*s", 5000, "");
    memset(long_text, 'x', 5000);
    bad = suite_call(&suite_supervisor, SUITE_TASKS, "CreateTask",
                     "{'workspaceSid':'%s','attributes':'{`a`:`%s`}'}", ws, long_text);
    CHECK_I64(bad.code, ERR_INVALID_ARGUMENT);
    CHECK_TEXT(bad.err.field, "attributes");
    bad = suite_call(&suite_supervisor, SUITE_TASKS, "CreateTask",
                     "{'workspaceSid':'%s','priority':-1}", ws);
    CHECK_I64(bad.code, ERR_INVALID_ARGUMENT);
    CHECK_TEXT(bad.err.field, "priority");
    bad = suite_call(&suite_supervisor, SUITE_TASKS, "CreateTask",
                     "{'workspaceSid':'%s','timeout':1209601}", ws);
    CHECK_I64(bad.code, ERR_INVALID_ARGUMENT);
    CHECK_TEXT(bad.err.field, "timeout");
    refused(
        &suite_supervisor, ERR_NOT_FOUND, "WORKFLOW_NOT_FOUND", NULL, "CreateTask",
        suite_text("{'workspaceSid':'%s','workflowSid':'WW00000000000000000000000000000001'}", ws));
    refused(&suite_supervisor, ERR_INVALID_ARGUMENT, "INVALID_SID", "workflow_sid", "CreateTask",
            suite_text("{'workspaceSid':'%s','workflowSid':'%s'}", ws, place.queue));
    refused(&suite_supervisor, ERR_INVALID_ARGUMENT, "CHANNEL_NOT_FOUND", "task_channel",
            "CreateTask", suite_text("{'workspaceSid':'%s','taskChannel':'pigeon'}", ws));
    CHECK_I64(suite_count("select count(*) from tasks.task"), before);
    CHECK(is_log_whole());
}

static void test_states(void)
{
    struct place place = place_new(0);
    const char *ws = place.workspace;
    const char *task = task_new(&place, "{}");
    const char *action = suite_text("{'workspaceSid':'%s','sid':'%s','reason':'x'}", ws, task);
    refused(&suite_supervisor, ERR_FAILED_PRECONDITION, "TASK_STATE", NULL, "CompleteTask", action);
    refused(&suite_supervisor, ERR_FAILED_PRECONDITION, "TASK_STATE", NULL, "WrapUpTask", action);
    refused(&suite_supervisor, ERR_NOT_FOUND, "TASK_NOT_FOUND", NULL, "CancelTask",
            suite_text("{'workspaceSid':'%s','sid':'%s','reason':'x'}", ws, NO_TASK));
    refused(&suite_viewer, ERR_NOT_FOUND, "TASK_NOT_FOUND", "sid", "GetTask",
            suite_text("{'workspaceSid':'%s','sid':'%s'}", ws, NO_TASK));
    refused(&suite_viewer, ERR_NOT_FOUND, "EVENT_NOT_FOUND", "sid", "GetEvent",
            suite_text("{'workspaceSid':'%s','sid':'EV00000000000000000000000000000009'}", ws));
    refused(&suite_supervisor, ERR_NOT_FOUND, "RESERVATION_NOT_FOUND", NULL, "AcceptReservation",
            suite_text("{'workspaceSid':'%s','sid':'WR00000000000000000000000000000009'}", ws));
    refused(&suite_supervisor, ERR_ABORTED, "VERSION_MISMATCH", NULL, "UpdateTask",
            suite_text("{'task':{'workspaceSid':'%s','sid':'%s','priority':7},'updateMask':"
                       "'priority','expectedVersion':99}",
                       ws, task));
    refused(
        &suite_supervisor, ERR_INVALID_ARGUMENT, "FIELD_NOT_UPDATABLE", NULL, "UpdateTask",
        suite_text("{'task':{'workspaceSid':'%s','sid':'%s'},'updateMask':'reason'}", ws, task));
    const json_t *updated =
        suite_ok(&suite_supervisor, SUITE_TASKS, "UpdateTask",
                 "{'task':{'workspaceSid':'%s','sid':'%s','priority':7,'attributes':'{`b`: 2}'},"
                 "'updateMask':'priority,attributes'}",
                 ws, task);
    CHECK_I64(at_i64(updated, "priority"), 7);
    CHECK_TEXT(at(updated, "attributes"), "{\"b\": 2}");
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CancelTask", "%s", action);
    CHECK_TEXT(task_status(&place, task), "CANCELED");
    refused(&suite_supervisor, ERR_FAILED_PRECONDITION, "TASK_STATE", NULL, "CancelTask", action);
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "DeleteTask", "{'workspaceSid':'%s','sid':'%s'}",
                   ws, task);
    refused(&suite_viewer, ERR_NOT_FOUND, "TASK_NOT_FOUND", "sid", "GetTask",
            suite_text("{'workspaceSid':'%s','sid':'%s'}", ws, task));
}

static bool is_answering(const void *workspace)
{
    return suite_call(&suite_viewer, SUITE_TASKS, "ListTasks", "{'workspaceSid':'%s'}",
                      (const char *)workspace)
               .code == ERR_OK;
}

static void test_repeats(void)
{
    struct place place = place_new(0);
    const char *ws = place.workspace;
    const char *first = suite_text("{'workspaceSid':'%s','idempotencyKey':'once'}", ws);
    const json_t *one = suite_ok(&suite_supervisor, SUITE_TASKS, "CreateTask", "%s", first);
    const json_t *two = suite_ok(&suite_supervisor, SUITE_TASKS, "CreateTask", "%s", first);
    CHECK_TEXT(at(two, "sid"), at(one, "sid"));
    CHECK_I64(at_i64(two, "version"), at_i64(one, "version"));
    refused(&suite_supervisor, ERR_ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED", "idempotency_key",
            "CreateTask",
            suite_text("{'workspaceSid':'%s','idempotencyKey':'once','priority':3}", ws));
    const char *cancel =
        suite_text("{'workspaceSid':'%s','sid':'%s','reason':'no','idempotencyKey':'once'}", ws,
                   at(one, "sid"));
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CancelTask", "%s", cancel);
    (void)suite_ok(&suite_supervisor, SUITE_TASKS, "CancelTask", "%s", cancel);
    /* The key outlives the process. */
    process_signal(suite_process(SUITE_TASKS), 9);
    (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    REQUIRE(suite_restart(SUITE_TASKS));
    CHECK(suite_until(is_answering, ws, 10000)); /* the channel reconnects */
    two = suite_ok(&suite_supervisor, SUITE_TASKS, "CreateTask", "%s", first);
    CHECK_TEXT(at(two, "sid"), at(one, "sid"));
    refused(&suite_supervisor, ERR_ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED", "idempotency_key",
            "CreateTask",
            suite_text("{'workspaceSid':'%s','idempotencyKey':'once','priority':3}", ws));
    CHECK_I64(suite_count("select count(*) from tasks.task where workspace_sid = '%s'", ws), 1);
}

static void test_agents(void)
{
    struct place place = place_new(0);
    const char *ws = place.workspace;
    const char *mine = place_worker(&place, "mine", 1);
    const char *task = task_new(&place, "{}");
    const char *reservation = reservation_of(&place, "taskSid", task, "PENDING");
    struct identity own = suite_agent;
    struct identity other = suite_agent;
    own.worker_sid = mine;
    other.worker_sid = "WK00000000000000000000000000000009";
    const char *accept = suite_text("{'workspaceSid':'%s','sid':'%s'}", ws, reservation);
    const char *complete = suite_text("{'workspaceSid':'%s','sid':'%s','reason':'x'}", ws, task);
    refused(&suite_agent, ERR_PERMISSION_DENIED, "NOT_YOURS", NULL, "AcceptReservation", accept);
    refused(&other, ERR_PERMISSION_DENIED, "NOT_YOURS", NULL, "AcceptReservation", accept);
    (void)suite_ok(&own, SUITE_TASKS, "AcceptReservation", "%s", accept);
    refused(&other, ERR_PERMISSION_DENIED, "NOT_YOURS", NULL, "CompleteTask", complete);
    (void)suite_ok(&own, SUITE_TASKS, "CompleteTask", "%s", complete);
    struct identity elsewhere = suite_supervisor;
    elsewhere.workspace_sid = "WS00000000000000000000000000000009";
    refused(&elsewhere, ERR_NOT_FOUND, "WORKSPACE_NOT_FOUND", NULL, "GetTask",
            suite_text("{'workspaceSid':'%s','sid':'%s'}", ws, task));
}

static const struct test_case cases[] = {
    {"a bad create is refused with its field, and nothing is stored", test_bad_creates},
    {"an action in the wrong state or version is refused",            test_states     },
    {"a repeated key changes nothing, also after a crash",            test_repeats    },
    {"an agent acts for its own worker only",                         test_agents     },
};

int main(int argc, char **argv)
{
    return suite_main("tasks refusals", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
