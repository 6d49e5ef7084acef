/* routing-svc as the mirror of a workspace that Twilio routes. */
#include <string.h>

#include "suite.h"

#define R SUITE_ROUTING

#define WS "WS00000000000000000000000000008001"
#define A  "WW000000000000000000000000000000aa"
#define B  "WW000000000000000000000000000000bb"
#define Q1 "WQ00000000000000000000000000000001"
#define Q2 "WQ00000000000000000000000000000002"

#define T1 "2026-03-01T10:00:00Z" /* observed; all in the past of the test */
#define T2 "2026-03-01T11:00:00Z"
#define T3 "2026-03-01T12:00:00Z"

#define TO_Q1        "{`task_routing`:{`default_filter`:{`queue`:`" Q1 "`}}}"
#define TO_Q1_SPACED "{ `task_routing` : { `default_filter` : { `queue` : `" Q1 "` } } }"
#define TO_Q2        "{`task_routing`:{`default_filter`:{`queue`:`" Q2 "`}}}"
/* nothing that we could run */
#define STRANGE "{`task_routing`:{`filters`:[{`magic`:7}],`default_filter`:{`queue`:`" Q2 "`}}}"

static const struct identity *const service = &suite_service_id;

static bool is_known(const void *ctx)
{
    return suite_count("select count(*) from routing.workspace_copy where sid = '%s' and provider "
                       "= 'TWILIO' and deleted_at is null",
                       (const char *)ctx) == 1;
}

static void tell_workspace(void)
{
    REQUIRE(suite_publish("workspace.created", WS, WS, 1, 0,
                          "{'workspace':{'sid':'" WS "','accountSid':'" ACCOUNT
                          "','friendlyName':'Mirrored','provider':'PROVIDER_TWILIO','template':"
                          "'FIFO','version':'1'}}"));
    CHECK(suite_until(is_known, WS, 20000));
}

static const json_t *put(const char *observed_at, const char *more, const char *items)
{
    return suite_ok(service, R, "PutWorkflows",
                    "{'workspaceSid':'" WS "','observedAt':'%s',%s'items':[%s]}", observed_at, more,
                    items);
}

static const char *item(const char *sid, const char *name, const char *document)
{
    return suite_text("{'sid':'%s','friendlyName':'%s','configuration':'%s',"
                      "'taskReservationTimeout':90,'assignmentCallbackUrl':'http://x/a b',"
                      "'dateCreated':'2020-01-02T03:04:05Z','dateUpdated':'2021-01-02T03:04:05Z'}",
                      sid, name, document);
}

static const char *outcome(const json_t *results, int index)
{
    const char *text = at(results, suite_text("items.%d.outcome", index));
    return strncmp(text, "MIRROR_OUTCOME_", 15) == 0 ? text + 15 : text;
}

static const json_t *get(const char *sid)
{
    return suite_ok(&suite_viewer, R, "GetWorkflow", "{'workspaceSid':'" WS "','sid':'%s'}", sid);
}

static const json_t *versions(const char *sid)
{
    return suite_ok(&suite_viewer, R, "ListWorkflowVersions",
                    "{'workspaceSid':'" WS "','sid':'%s'}", sid);
}

static void test_put(void)
{
    tell_workspace();
    const json_t *list = suite_ok(&suite_viewer, R, "ListWorkflows", "{'workspaceSid':'" WS "'}");
    CHECK_I64(at_i64(list, "items"), 0); /* not even the template's */
    CHECK_TEXT(outcome(put(T1, "'dryRun':true,", item(A, "Assign", TO_Q1)), 0), "CREATED");
    CHECK_I64(suite_count("select count(*) from routing.workflow where sid = '" A "'"), 0);
    CHECK_TEXT(outcome(put(T1, "", item(A, "Assign", TO_Q1)), 0), "CREATED");
    const json_t *workflow = get(A);
    CHECK_TEXT(at(workflow, "accountSid"), ACCOUNT);
    CHECK_TEXT(at(workflow, "dateCreated"), "2020-01-02T03:04:05Z");
    CHECK_TEXT(at(workflow, "assignmentCallbackUrl"), "http://x/a b");
    CHECK_I64(at_i64(workflow, "taskReservationTimeout"), 90);
    CHECK_I64(at_i64(workflow, "configurationVersion"), 1);
    CHECK(suite_event("workflow.created", A, 0) != NULL);
    const json_t *route =
        suite_ok(&suite_viewer, R, "Route",
                 "{'workspaceSid':'" WS "','workflowSid':'" A "','attributes':'{}'}");
    CHECK_TEXT(at(route, "targets.0.queueSid"), Q1);

    /* the same document in other words is the same */
    CHECK_TEXT(outcome(put(T2, "", item(A, "Assign", TO_Q1_SPACED)), 0), "UNCHANGED");
    CHECK_TEXT(outcome(put(T1, "", item(A, "Assign", TO_Q2)), 0), "STALE");
    const json_t *changed = put(T2, "", item(A, "Assign 2", TO_Q1_SPACED));
    CHECK_TEXT(outcome(changed, 0), "UPDATED");
    CHECK_I64(at_i64(changed, "items.0.fields"), 1);
    CHECK_I64(at_i64(versions(A), "items"), 1);
    changed = put(T2, "", item(A, "Assign 2", TO_Q2));
    CHECK_TEXT(at(changed, "items.0.fields.0.name"), "configuration");
    CHECK(strstr(at(changed, "items.0.fields.0.theirs"), Q2) != NULL);
    CHECK(suite_event("workflow.updated", A, 1) != NULL);
}

/* Each document is a version, also one that Twilio alone understands. */
static void test_documents(void)
{
    tell_workspace();
    (void)put(T1, "", item(B, "Strange", TO_Q1));
    CHECK_TEXT(outcome(put(T2, "", item(B, "Strange", STRANGE)), 0), "UPDATED");
    CHECK_TEXT(outcome(put(T3, "", item(B, "Strange", "not even JSON, " Q2)), 0), "UPDATED");
    const json_t *all = versions(B);
    CHECK_I64(at_i64(all, "items"), 3);
    CHECK_I64(at_i64(all, "items.0.configurationVersion"), 3);
    CHECK(at(all, "items.0.authorSid")[0] != '\0');
    CHECK_TEXT(at(all, "items.0.dateCreated"), "2021-01-02T03:04:05Z");
    CHECK(suite_refused(&suite_viewer, R, "FAILED_PRECONDITION DOCUMENT_UNREADABLE", "Route",
                        "{'workspaceSid':'" WS "','workflowSid':'" B "','attributes':'{}'}"));
    const json_t *with = suite_ok(&suite_viewer, R, "ListWorkflows",
                                  "{'workspaceSid':'" WS "','taskQueueSid':'" Q2 "'}");
    bool is_found = false;
    for (int i = 0; i < at_i64(with, "items"); i++)
        is_found = is_found || strcmp(at(with, suite_text("items.%d.sid", i)), B) == 0;
    CHECK(is_found); /* what queues it names is known all the same */
}

static void test_conflicts(void)
{
    tell_workspace();
    (void)put(T3, "", suite_text("%s,%s", item(A, "One", TO_Q1), item(B, "Two", TO_Q1)));
    const json_t *swapped =
        put(T3, "", suite_text("%s,%s", item(A, "TWO", TO_Q1), item(B, "one", TO_Q1)));
    CHECK_TEXT(outcome(swapped, 0), "UPDATED");
    CHECK_TEXT(outcome(swapped, 1), "UPDATED");
    const json_t *results =
        put(T3, "",
            suite_text("%s,%s,%s,{'sid':'WW000000000000000000000000000000e1','friendlyName':'x',"
                       "'taskReservationTimeout':86401}",
                       item(A, "One", TO_Q1), item(Q1, "Queue", TO_Q1), item(B, "Good", TO_Q1)));
    CHECK_TEXT(outcome(results, 0), "UPDATED"); /* B gives the name away in the same request */
    CHECK_TEXT(outcome(results, 1), "CONFLICTING");
    CHECK_TEXT(outcome(results, 2), "UPDATED");
    CHECK_TEXT(outcome(results, 3), "CONFLICTING");
    CHECK(strstr(at(results, "items.3.detail"), "taskReservationTimeout") != NULL);
    results = put(T3, "", item(A, "GOOD", TO_Q1));
    CHECK_TEXT(outcome(results, 0), "CONFLICTING");
    CHECK(strstr(at(results, "items.0.detail"), B) != NULL);
}

static const json_t *vanish(const char *observed_at, const char *sids)
{
    return suite_ok(service, R, "Vanish", "{'workspaceSid':'" WS "','observedAt':'%s','sids':[%s]}",
                    observed_at, sids);
}

static void test_vanish(void)
{
    tell_workspace();
    (void)put(T3, "", item(A, "Vanishing", TO_Q1));
    int64_t version = at_i64(get(A), "version");
    int64_t documents = at_i64(get(A), "configurationVersion");
    CHECK_TEXT(outcome(vanish(T2, "'" A "'"), 0), "STALE");
    const json_t *gone = vanish(T3, "'" A "','WW000000000000000000000000000000f1','" Q1 "'");
    CHECK_TEXT(outcome(gone, 0), "VANISHED");
    CHECK_TEXT(outcome(gone, 1), "UNKNOWN");
    CHECK_TEXT(outcome(gone, 2), "CONFLICTING");
    CHECK(suite_event("workflow.deleted", A, 0) != NULL);
    CHECK(suite_refused(&suite_viewer, R,
                        "NOT_FOUND WORKFLOW_NOT_FOUND sid : run taskrouter sync --workflows",
                        "GetWorkflow", "{'workspaceSid':'" WS "','sid':'" A "'}"));
    CHECK(suite_refused(&suite_viewer, R, "NOT_FOUND WORKFLOW_NOT_FOUND sid",
                        "ListWorkflowVersions", "{'workspaceSid':'" WS "','sid':'" A "'}"));
    const json_t *list = suite_ok(&suite_viewer, R, "ListWorkflows",
                                  "{'workspaceSid':'" WS "','friendlyName':'Vanishing'}");
    CHECK_I64(at_i64(list, "items"), 0);
    CHECK_TEXT(outcome(put(T2, "", item(A, "Vanishing", TO_Q1)), 0), "STALE");
    CHECK_TEXT(outcome(put(T2, "", item("WW000000000000000000000000000000f1", "Late", TO_Q1)), 0),
               "STALE");
    CHECK_TEXT(outcome(put(T3, "", item(A, "Vanishing", TO_Q1_SPACED)), 0), "CREATED");
    CHECK_I64(at_i64(get(A), "version"), version + 2);
    CHECK_I64(at_i64(get(A), "configurationVersion"), documents);
    CHECK(suite_event("workflow.created", A, 1) != NULL);
}

static void test_writes(void)
{
    static const struct {
        const char *method;
        const char *request;
    } writes[] = {
        {"CreateWorkflow",
         "{'workspaceSid':'" WS "','friendlyName':'x','configuration':'" TO_Q1 "'}"                      },
        {"UpdateWorkflow", "{'workflow':{'workspaceSid':'" WS "','sid':'" A
                           "','friendlyName':'y'},'updateMask':'friendlyName'}"},
        {"DeleteWorkflow", "{'workspaceSid':'" WS "','sid':'" A "'}"                                     },
    };
    tell_workspace();
    const char *http = NULL;
    struct process *twin =
        suite_start_twin(R, (const char *const[]){"TASKROUTER_GRPC_SYNC=", NULL}, &http);
    REQUIRE(process_wait_ready(twin, http, 30000));
    for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
        struct answer answer =
            suite_call(&suite_admin, R, writes[i].method, "%s", writes[i].request);
        CHECK(answer.code != ERR_OK);
        CHECK_TEXT(answer.err.reason, "UPSTREAM_NOT_CONFIGURED"); /* it has no Twilio here */
        suite_direct(R, suite_twin_grpc());
        CHECK(suite_refused(&suite_viewer, R, "PERMISSION_DENIED ROLE_TOO_LOW", writes[i].method,
                            "%s", writes[i].request));
        CHECK(suite_refused(&suite_admin, R, "UNAVAILABLE MIRRORED : TASKROUTER_GRPC_SYNC",
                            writes[i].method, "%s", writes[i].request));
        suite_direct(R, NULL);
    }
    CHECK_I64(suite_count("select count(*) from routing.workflow where friendly_name in "
                          "('x', 'y')"),
              0);
    process_free(twin);
}

static void test_put_refused(void)
{
    static const char *const empty = "{'workspaceSid':'%s'%s,'items':[]}";
    const char *local = suite_workspace();
    tell_workspace();
    CHECK(suite_refused(&suite_admin, R, "PERMISSION_DENIED ROLE_TOO_LOW", "PutWorkflows", empty,
                        WS, ",'observedAt':'" T1 "'"));
    CHECK(suite_refused(service, R, "FAILED_PRECONDITION NOT_MIRRORED workspace_sid",
                        "PutWorkflows", empty, local, ",'observedAt':'" T1 "'"));
    CHECK(suite_refused(service, R, "INVALID_ARGUMENT FIELD_REQUIRED observed_at", "PutWorkflows",
                        empty, WS, ""));
}

static const struct test_case cases[] = {
    {"a Put writes what differs, documents as values",         test_put        },
    {"each document is a version, read or not",                test_documents  },
    {"names may be swapped, conflicts do not stop the others", test_conflicts  },
    {"what vanished is kept as a tombstone and may come back", test_vanish     },
    {"writes go to sync-svc",                                  test_writes     },
    {"what no Put may say",                                    test_put_refused},
};

int main(int argc, char **argv)
{
    return suite_main("routing-svc mirror", SUITE_ALL, cases, ARRAY_LEN(cases), argc, argv);
}
