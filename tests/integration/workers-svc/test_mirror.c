/* workers-svc as the mirror of a workspace that Twilio routes: Put and Vanish of each kind. */
#include "base/clock.h"
#include "base/ids.h"
#include "suite.h"

#define W SUITE_WORKERS

/* Times of observation; the later the number the later. */
#define AT(n) "2026-01-01T00:00:0" #n "Z"

#define CREATED     "MIRROR_OUTCOME_CREATED"
#define UPDATED     "MIRROR_OUTCOME_UPDATED"
#define UNCHANGED   "MIRROR_OUTCOME_UNCHANGED"
#define STALE       "MIRROR_OUTCOME_STALE"
#define CONFLICTING "MIRROR_OUTCOME_CONFLICTING"
#define VANISHED    "MIRROR_OUTCOME_VANISHED"
#define UNKNOWN     "MIRROR_OUTCOME_UNKNOWN"

static const char *sid(const char *prefix)
{
    struct sid made = sid_new(prefix);
    return suite_text("%s", made.text);
}

/* ---- one workspace for a case ---- */

struct place {
    const char *ws;
    const char *idle; /* activities */
    const char *busy;
};

static const json_t *put_activities(const char *ws, const char *at_time, const char *items)
{
    return suite_ok(&suite_service_id, W, "PutActivities",
                    "{'workspaceSid':'%s','observedAt':'%s','items':[%s]}", ws, at_time, items);
}

static const json_t *put_workers(const char *ws, const char *at_time, const char *items)
{
    return suite_ok(&suite_service_id, W, "PutWorkers",
                    "{'workspaceSid':'%s','observedAt':'%s','items':[%s]}", ws, at_time, items);
}

static const char *worker_json(const char *wk, const char *name, const char *attributes,
                               const char *activity)
{
    return suite_text("{'sid':'%s','friendlyName':'%s','attributes':'%s','activitySid':'%s',"
                      "'dateCreated':'2020-02-03T04:05:06Z'}",
                      wk, name, attributes, activity);
}

static const char *outcome(const json_t *results, int i)
{
    return at(results, suite_text("items.%d.outcome", i));
}

/* A mirrored workspace without anything in it. */
static const char *put_workspace(void)
{
    const char *ws = sid("WS");
    const json_t *made =
        suite_ok(&suite_service_id, W, "PutWorkspace",
                 "{'observedAt':'" AT(0) "','workspace':{'sid':'%s','accountSid':'" ACCOUNT
                                         "','friendlyName':'%s','multiTaskEnabled':true,"
                                         "'dateCreated':'2020-01-02T03:04:05Z'}}",
                 ws, sid("NM"));
    CHECK_TEXT(at(made, "outcome"), CREATED);
    return ws;
}

static struct place place(void)
{
    struct place here = {.ws = put_workspace(), .idle = sid("WA"), .busy = sid("WA")};
    const json_t *put = put_activities(
        here.ws, AT(0),
        suite_text("{'sid':'%s','friendlyName':'Idle','available':true},"
                   "{'sid':'%s','friendlyName':'Busy','dateCreated':'2020-01-02T03:04:05Z'}",
                   here.idle, here.busy));
    CHECK_TEXT(outcome(put, 0), CREATED);
    CHECK_TEXT(outcome(put, 1), CREATED);
    return here;
}

static const json_t *get_worker(const char *ws, const char *wk)
{
    return suite_ok(&suite_viewer, W, "GetWorker", "{'workspaceSid':'%s','sid':'%s'}", ws, wk);
}

static const json_t *vanish(const char *ws, const char *at_time, const char *which)
{
    return suite_ok(&suite_service_id, W, "Vanish",
                    "{'workspaceSid':'%s','observedAt':'%s','sids':['%s']}", ws, at_time, which);
}

/* ---- workspaces ---- */

static void test_workspace(void)
{
    const char *ws = sid("WS");
    const char *wa = sid("WA");
    const char *name = sid("NM");
#define PUT(when, dry, filter)                                                                     \
    suite_ok(&suite_service_id, W, "PutWorkspace",                                                 \
             "{'observedAt':'%s','dryRun':%s,'workspace':{'sid':'%s','accountSid':'" ACCOUNT       \
             "','friendlyName':'%s','defaultActivitySid':'%s','multiTaskEnabled':true,"            \
             "'eventsFilter':'%s','dateCreated':'2020-01-02T03:04:05Z'}}",                         \
             when, dry, ws, name, wa, filter)
    CHECK_TEXT(at(PUT(AT(3), "true", ""), "outcome"), CREATED);
    CHECK(suite_refused(&suite_viewer, W, "NOT_FOUND WORKSPACE_NOT_FOUND", "GetWorkspace",
                        "{'sid':'%s'}", ws));
    CHECK_TEXT(at(PUT(AT(3), "false", ""), "outcome"), CREATED);
    const json_t *got = suite_ok(&suite_viewer, W, "GetWorkspace", "{'sid':'%s'}", ws);
    CHECK_TEXT(at(got, "provider"), "PROVIDER_TWILIO");
    CHECK_TEXT(at(got, "defaultActivitySid"), wa);
    CHECK_TEXT(at(got, "defaultActivityName"), ""); /* unknown still */
    CHECK_TEXT(at(got, "dateCreated"), "2020-01-02T03:04:05Z");
    CHECK_TEXT(at(got, "timeZone"), "UTC");
    CHECK_I64(at_i64(got, "version"), 1);
    CHECK_I64(
        at_i64(suite_ok(&suite_viewer, W, "ListActivities", "{'workspaceSid':'%s'}", ws), "items"),
        0); /* none of the three of a local one */
    const struct seen_event *event = suite_event("workspace.created", ws, 0);
    REQUIRE(event != NULL);
    CHECK_TEXT(at(event->payload, "data.workspace.provider"), "PROVIDER_TWILIO");

    CHECK_TEXT(at(PUT(AT(4), "false", ""), "outcome"), UNCHANGED);
    CHECK_TEXT(at(PUT(AT(3), "false", "task.created"), "outcome"), STALE);
    const json_t *dry = PUT(AT(5), "true", "task.created");
    CHECK_TEXT(at(dry, "outcome"), UPDATED);
    const json_t *updated = PUT(AT(5), "false", "task.created");
    CHECK(json_equal(dry, updated));
    CHECK_TEXT(at(updated, "fields.0.name"), "events_filter");
    CHECK_TEXT(at(updated, "fields.0.theirs"), "task.created");
    CHECK(suite_event("workspace.updated", ws, 0) != NULL);
    (void)put_activities(ws, AT(5), suite_text("{'sid':'%s','friendlyName':'Away'}", wa));
    got = suite_ok(&suite_viewer, W, "GetWorkspace", "{'sid':'%s'}", ws);
    CHECK_TEXT(at(got, "defaultActivityName"), "Away");
    CHECK_I64(at_i64(got, "version"), 2);
    CHECK_I64(suite_event_count("", ws), 2);

    /* and back from the dead */
    CHECK_TEXT(outcome(vanish(ws, AT(4), ws), 0), STALE);
    CHECK_TEXT(outcome(vanish(ws, AT(6), ws), 0), VANISHED);
    CHECK(suite_event("workspace.deleted", ws, 0) != NULL);
    CHECK(suite_refused(&suite_viewer, W, "NOT_FOUND WORKSPACE_NOT_FOUND", "GetWorkspace",
                        "{'sid':'%s'}", ws));
    CHECK(suite_refused(&suite_service_id, W, "NOT_FOUND WORKSPACE_NOT_FOUND", "PutActivities",
                        "{'workspaceSid':'%s','observedAt':'" AT(7) "'}", ws));
    CHECK_I64(at_i64(suite_ok(&suite_viewer, W, "ListWorkspaces", "{'friendlyName':'%s'}", name),
                     "items"),
              0);
    CHECK_TEXT(at(PUT(AT(5), "false", ""), "outcome"), STALE);
    CHECK_TEXT(at(PUT(AT(7), "false", ""), "outcome"), CREATED);
    event = suite_event("workspace.created", ws, 1);
    REQUIRE(event != NULL);
    CHECK_TEXT(at(event->payload, "data.workspace.version"), "4");
    /* what was in it comes back when it is put, with an event: others have forgotten it */
    CHECK_TEXT(
        outcome(put_activities(ws, AT(7), suite_text("{'sid':'%s','friendlyName':'Away'}", wa)), 0),
        CREATED);
    CHECK(suite_event("activity.created", wa, 1) != NULL);
#undef PUT
}

static void test_workspace_conflicts(void)
{
    const char *local = suite_workspace();
    const char *name =
        at(suite_ok(&suite_viewer, W, "GetWorkspace", "{'sid':'%s'}", local), "friendlyName");
    const char *ws = sid("WS");
    static const char *const rows[][3] = {
  /* fields beside SID and name; words of the sentence */
        {"'accountSid':'" ACCOUNT "'",                          "",  "is that of workspace WS"},
        {"'accountSid':'x'",                                    "n", "account_sid"            },
        {"'accountSid':'" ACCOUNT "','eventsFilter':'!'",       "n", "eventsFilter"           },
        {"'accountSid':'" ACCOUNT "','eventCallbackUrl':'x'",   "n", "event_callback_url"     },
        {"'accountSid':'" ACCOUNT "','defaultActivitySid':'x'", "n", "SID"                    },
    };
    /* clang-format on */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const json_t *put =
            suite_ok(&suite_service_id, W, "PutWorkspace",
                     "{'observedAt':'" AT(1) "','workspace':{'sid':'%s','friendlyName':'%s',%s}}",
                     ws, rows[i][1][0] == '\0' ? name : sid("NM"), rows[i][0]);
        CHECK_TEXT(at(put, "outcome"), CONFLICTING);
        CHECK(strstr(at(put, "detail"), rows[i][2]) != NULL);
    }
    CHECK_I64(suite_count("select count(*) from workers.workspace where sid = '%s'", ws), 0);
    CHECK(suite_refused(&suite_service_id, W, "FAILED_PRECONDITION NOT_MIRRORED", "PutWorkspace",
                        "{'observedAt':'" AT(1) "','workspace':{'sid':'%s','friendlyName':'x',"
                                                "'accountSid':'" ACCOUNT "'}}",
                        local));
    /* one of another account */
    const char *ours = put_workspace();
    const json_t *put =
        suite_ok(&suite_service_id, W, "PutWorkspace",
                 "{'observedAt':'" AT(1) "','workspace':{'sid':'%s','friendlyName':'x',"
                                         "'accountSid':'" OTHER_ACCOUNT "'}}",
                 ours);
    CHECK_TEXT(at(put, "outcome"), CONFLICTING);
}

/* ---- requests ---- */

static void test_requests(void)
{
    const struct place here = place();
    const char *local = suite_workspace();
    static const char *const methods[] = {"PutActivities", "PutWorkers", "PutWorkerChannels",
                                          "Vanish"};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        const char *now = "'observedAt':'" AT(1) "'";
        CHECK(suite_refused(&suite_admin, W, "PERMISSION_DENIED ROLE_TOO_LOW", methods[i],
                            "{'workspaceSid':'%s',%s}", here.ws, now));
        CHECK(suite_refused(&suite_service_id, W, "FAILED_PRECONDITION NOT_MIRRORED", methods[i],
                            "{'workspaceSid':'%s',%s}", local, now));
        CHECK(suite_refused(&suite_service_id, W, "INVALID_ARGUMENT FIELD_REQUIRED observed_at",
                            methods[i], "{'workspaceSid':'%s'}", here.ws));
        CHECK(suite_refused(&suite_service_id, W, "NOT_FOUND WORKSPACE_NOT_FOUND", methods[i],
                            "{'workspaceSid':'%s',%s}", sid("WS"), now));
        CHECK(suite_refused(&suite_service_id, W, "INVALID_ARGUMENT INVALID_SID workspace_sid",
                            methods[i], "{'workspaceSid':'x',%s}", now));
        CHECK_I64(at_i64(suite_ok(&suite_service_id, W, methods[i], "{'workspaceSid':'%s',%s}",
                                  here.ws, now),
                         "items"),
                  0);
    }
    const char *many = "";
    for (int i = 0; i < 201; i++)
        many = suite_text("%s%s{}", many, i == 0 ? "" : ",");
    CHECK(suite_refused(&suite_service_id, W, "INVALID_ARGUMENT TOO_MANY_ITEMS items", "PutWorkers",
                        "{'workspaceSid':'%s','observedAt':'" AT(1) "','items':[%s]}", here.ws,
                        many));
}

/* ---- activities ---- */

static void test_activities(void)
{
    const struct place here = place();
    const json_t *got = suite_ok(&suite_viewer, W, "GetActivity",
                                 "{'workspaceSid':'%s','sid':'%s'}", here.ws, here.busy);
    CHECK_TEXT(at(got, "dateCreated"), "2020-01-02T03:04:05Z");
    CHECK_TEXT(at(got, "accountSid"), ACCOUNT);
    const char *same = suite_text("{'sid':'%s','friendlyName':'Idle','available':true}", here.idle);
    CHECK_TEXT(outcome(put_activities(here.ws, AT(2), same), 0), UNCHANGED);
    CHECK(suite_event("activity.created", here.idle, 0) != NULL);
    CHECK_I64(suite_event_count("", here.idle), 1);
    const char *other =
        suite_text("{'sid':'%s','friendlyName':'Ready','available':false}", here.idle);
    CHECK_TEXT(outcome(put_activities(here.ws, AT(1), other), 0), STALE); /* seen at 2 */
    const json_t *put = put_activities(here.ws, AT(3), other);
    CHECK_TEXT(outcome(put, 0), UPDATED);
    CHECK_TEXT(at(put, "items.0.fields.0.name"), "friendly_name");
    CHECK_TEXT(at(put, "items.0.fields.0.ours"), "Idle");
    CHECK_TEXT(at(put, "items.0.fields.0.theirs"), "Ready");
    CHECK_TEXT(at(put, "items.0.fields.1.ours"), "true");
    CHECK_TEXT(at(put, "items.0.fields.1.theirs"), "false");
    const struct seen_event *event = suite_event("activity.updated", here.idle, 0);
    REQUIRE(event != NULL);
    CHECK_TEXT(at(event->payload, "data.activity.friendlyName"), "Ready");
    CHECK_TEXT(at(event->payload, "data.activity.version"), "2");

    /* they swap their names, and one comes that takes a name beside them */
    const char *third = sid("WA");
    put = put_activities(here.ws, AT(4),
                         suite_text("{'sid':'%s','friendlyName':'BUSY'},{'sid':'%s',"
                                    "'friendlyName':'Ready'},{'sid':'%s','friendlyName':'busy'}",
                                    here.idle, here.busy, third));
    CHECK_TEXT(outcome(put, 0), UPDATED);
    CHECK_TEXT(outcome(put, 1), UPDATED);
    CHECK_TEXT(outcome(put, 2), CONFLICTING);
    CHECK_TEXT(at(put, "items.2.detail"),
               suite_text("the name \"busy\" is that of activity %s", here.idle));
    CHECK_TEXT(at(suite_ok(&suite_viewer, W, "ListActivities",
                           "{'workspaceSid':'%s','friendlyName':'ready'}", here.ws),
                  "items.0.sid"),
               here.busy);
}

/* ---- workers ---- */

static void test_worker(void)
{
    const struct place here = place();
    const char *wk = sid("WK");
    const char *john = worker_json(wk, "John", "{`level`:3,`skills`:[`a`]}", here.idle);
    CHECK_TEXT(outcome(put_workers(here.ws, AT(1), john), 0), CREATED);
    const json_t *made = get_worker(here.ws, wk);
    CHECK_TEXT(at(made, "attributes"), "{\"level\":3,\"skills\":[\"a\"]}");
    CHECK_TEXT(at(made, "activityName"), "Idle");
    CHECK_I64(at_i64(made, "available"), 1);
    CHECK_TEXT(at(made, "dateCreated"), "2020-02-03T04:05:06Z");
    CHECK_TEXT(at(made, "dateStatusChanged"), AT(1)); /* Twilio did not say */
    const struct seen_event *event = suite_event("worker.created", wk, 0);
    REQUIRE(event != NULL);
    CHECK_TEXT(at(event->payload, "data.worker.activityName"), "Idle");

    /* the same value in another writing is no change, and seen later */
    const char *same = worker_json(wk, "John", "{ `skills`: [`a`], `level`: 3 }", here.idle);
    CHECK_TEXT(outcome(put_workers(here.ws, AT(3), same), 0), UNCHANGED);
    CHECK(json_equal(made, get_worker(here.ws, wk)));
    CHECK_TEXT(outcome(put_workers(here.ws, AT(2), worker_json(wk, "Jon", "{}", here.busy)), 0),
               STALE);
    CHECK_I64(suite_event_count("", wk), 1);

    const json_t *put =
        put_workers(here.ws, AT(4), worker_json(wk, "Jon", "{`level`:4}", here.busy));
    CHECK_TEXT(outcome(put, 0), UPDATED);
    CHECK_I64(at_i64(put, "items.0.fields"), 3);
    CHECK_TEXT(at(put, "items.0.fields.1.name"), "attributes");
    CHECK_TEXT(at(put, "items.0.fields.2.ours"), here.idle);
    CHECK_TEXT(at(put, "items.0.fields.2.theirs"), here.busy);
    event = suite_event("worker.activity.update", wk, 0);
    REQUIRE(event != NULL);
    CHECK_TEXT(at(event->payload, "data.previousActivityName"), "Idle");
    CHECK_TEXT(at(event->payload, "data.timeInPreviousActivityMs"), "3000");
    CHECK_TEXT(at(event->payload, "data.worker.version"), "2");
    CHECK(suite_event("worker.attributes.update", wk, 0) != NULL);
    CHECK_I64(suite_event_count("", wk), 3);
    (void)put_workers(here.ws, AT(5), worker_json(wk, "Jon", "{`level`:4}", here.idle));
    CHECK(suite_event("worker.activity.update", wk, 1) != NULL);
    (void)put_workers(here.ws, AT(6), worker_json(wk, "Jon", "{`level`:5}", here.idle));
    CHECK(suite_event("worker.attributes.update", wk, 1) != NULL);
    CHECK_I64(suite_event_count("", wk), 5); /* what did not change is not told */
    CHECK_TEXT(at(get_worker(here.ws, wk), "dateStatusChanged"), AT(5));
}

static void test_swap(void)
{
    const struct place here = place();
    const char *a = sid("WK");
    const char *b = sid("WK");
    const char *c = sid("WK");
    const char *pair = suite_text("%s,%s", worker_json(a, "Ann", "{}", here.idle),
                                  worker_json(b, "Bob", "{}", here.idle));
    (void)put_workers(here.ws, AT(1), pair);
    /* swapped, and the third takes a name that got free in this very request */
    (void)put_workers(here.ws, AT(1), worker_json(c, "Cat", "{}", here.idle));
    const char *round =
        suite_text("%s,%s,%s", worker_json(a, "bob", "{}", here.idle),
                   worker_json(b, "cat", "{}", here.idle), worker_json(c, "ann", "{}", here.idle));
    const json_t *put = put_workers(here.ws, AT(2), round);
    for (int i = 0; i < 3; i++)
        CHECK_TEXT(outcome(put, i), UPDATED);
    CHECK_TEXT(at(get_worker(here.ws, a), "friendlyName"), "bob");
    CHECK_TEXT(at(get_worker(here.ws, b), "friendlyName"), "cat");
    CHECK_TEXT(at(get_worker(here.ws, c), "friendlyName"), "ann");

    /* a name outside the request is taken; who depends on its going has to wait too */
    put = put_workers(here.ws, AT(3),
                      suite_text("%s,%s", worker_json(a, "Cat", "{}", here.idle),
                                 worker_json(c, "Bob", "{}", here.busy)));
    CHECK_TEXT(outcome(put, 0), CONFLICTING);
    CHECK_TEXT(at(put, "items.0.detail"), suite_text("the name \"Cat\" is that of worker %s", b));
    CHECK_TEXT(at(put, "items.0.fields.0.name"), "friendly_name");
    CHECK_TEXT(outcome(put, 1), CONFLICTING);
    CHECK_TEXT(at(put, "items.1.detail"), suite_text("the name \"Bob\" is that of worker %s", a));
    CHECK_TEXT(at(get_worker(here.ws, c), "activitySid"), here.idle);

    /* a tombstone's name is free */
    CHECK_TEXT(outcome(vanish(here.ws, AT(4), b), 0), VANISHED);
    CHECK_TEXT(outcome(put_workers(here.ws, AT(5), worker_json(a, "Cat", "{}", here.idle)), 0),
               UPDATED);
    /* and who comes back finds it taken */
    put = put_workers(here.ws, AT(6), worker_json(b, "Cat", "{}", here.idle));
    CHECK_TEXT(outcome(put, 0), CONFLICTING);
    CHECK_TEXT(outcome(put_workers(here.ws, AT(6), worker_json(b, "Kim", "{}", here.idle)), 0),
               CREATED);
}

/* Each wrong in its own way; the good ones beside them are stored. */
static void test_bad_items(void)
{
    const struct place here = place();
    const struct place there = place();
    const char *good = sid("WK");
    const char *foreign = sid("WK");
    (void)put_workers(there.ws, AT(1), worker_json(foreign, "Foreign", "{}", there.idle));
    const char *gone = sid("WA");
    (void)put_activities(here.ws, AT(1), suite_text("{'sid':'%s','friendlyName':'Gone'}", gone));
    (void)vanish(here.ws, AT(1), gone);
    /* clang-format off: it cannot cope with the table */
    const struct {
        const char *item;
        const char *words;
    } rows[] = {
        {worker_json("WKx",                             "a",       "{}",                here.idle),      "no SID of a worker"   },
        {worker_json(sid("WK"),                         "",        "{}",                here.idle),      "friendlyName"         },
        {worker_json(sid("WK"),                         "c",       "[1]",               here.idle),      "JSON object"          },
        {worker_json(sid("WK"),                         "d",       "{`a`:1e999999}",    here.idle),      "attributes"           },
        {worker_json(sid("WK"),                         "e",       "{`a`:`\\\\u0000`}", here.idle),      "attributes"           },
        {worker_json(sid("WK"),                         "f",       "{}",                ""),             "activity_sid"         },
        {worker_json(sid("WK"),                         "g",       "{}",                sid("WA")),      "is not known here yet"},
        {worker_json(sid("WK"),                         "h",       "{}",                there.idle),     "is not known here yet"},
        {worker_json(sid("WK"),                         "i",       "{}",                gone),           "is no longer there"   },
        {worker_json(foreign,                           "j",       "{}",                here.idle),      "in workspace"         },
        {suite_text("{'sid':'%s','workspaceSid':'%s'}", sid("WK"), there.ws),
         "belongs to workspace"                                                                        },
        {suite_text("{'sid':'%s','accountSid':'" OTHER_ACCOUNT "'}",                                   sid("WK")),
         "belongs to account"                                                       },
        {worker_json(good,                                   "k",                     "{}",                                        here.idle), "twice in this request"                       },
    };
    /* clang-format on */
    const char *items = worker_json(good, "Good", "{}", here.idle);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        items = suite_text("%s,%s", items, rows[i].item);
    items = suite_text("%s,%s", items, worker_json(sid("WK"), "Last", "{}", here.busy));
    const json_t *put = put_workers(here.ws, AT(2), items);
    CHECK_TEXT(outcome(put, 0), CREATED);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *detail = at(put, suite_text("items.%zu.detail", i + 1));
        CHECK_TEXT(outcome(put, (int)i + 1), CONFLICTING);
        if (strstr(detail, rows[i].words) == NULL)
            (void)fprintf(stderr, "item %zu: %s\n", i, detail);
        CHECK(strstr(detail, rows[i].words) != NULL);
    }
    CHECK_TEXT(outcome(put, (int)ARRAY_LEN(rows) + 1), CREATED);
    CHECK_I64(at_i64(suite_ok(&suite_viewer, W, "ListWorkers", "{'workspaceSid':'%s'}", here.ws),
                     "items"),
              2);
}

/* A full request, in few statements; the dry run says the same and changes nothing. */
static void test_many(void)
{
    const struct place here = place();
    const char *items = "";
    const char *sids[200];
    for (int i = 0; i < 200; i++) {
        sids[i] = sid("WK");
        items = suite_text("%s%s%s", items, i == 0 ? "" : ",",
                           worker_json(sids[i], suite_text("W%d", i), "{`n`:1}", here.idle));
    }
    const json_t *dry =
        suite_ok(&suite_service_id, W, "PutWorkers",
                 "{'workspaceSid':'%s','observedAt':'" AT(1) "','dryRun':true,'items':[%s]}",
                 here.ws, items);
    CHECK_I64(
        suite_count("select count(*) from workers.worker where workspace_sid = '%s'", here.ws), 0);
    const json_t *put = put_workers(here.ws, AT(1), items);
    CHECK_I64(at_i64(put, "items"), 200);
    CHECK(json_equal(dry, put));
    CHECK(suite_event("worker.created", sids[199], 0) != NULL);
    /* all shift their names by one */
    items = "";
    for (int i = 0; i < 200; i++)
        items = suite_text("%s%s%s", items, i == 0 ? "" : ",",
                           worker_json(sids[i], suite_text("W%d", (i + 1) % 200), "{`n`:1}",
                                       i % 2 == 0 ? here.busy : here.idle));
    put = put_workers(here.ws, AT(2), items);
    for (int i = 0; i < 200; i++)
        CHECK_TEXT(outcome(put, i), UPDATED);
    CHECK_I64(suite_count("select count(*) from workers.worker where workspace_sid = '%s' and "
                          "version = 2",
                          here.ws),
              200);
    for (int i = 0; i < 200; i++)
        CHECK(suite_event("worker.attributes.update", sids[i], 0) != NULL);
    CHECK_I64(suite_event_count("", sids[0]), 3);
    CHECK_I64(suite_event_count("", sids[1]), 2);
}

/* ---- tombstones ---- */

static void test_vanish(void)
{
    const struct place here = place();
    const char *wk = sid("WK");
    const char *never = sid("WK");
    const char *john = worker_json(wk, "John", "{`team`:`x`}", here.idle);
    (void)put_workers(here.ws, AT(2), john);
    CHECK_TEXT(outcome(vanish(here.ws, AT(1), wk), 0), STALE);
    const json_t *dry = suite_ok(
        &suite_service_id, W, "Vanish",
        "{'workspaceSid':'%s','observedAt':'" AT(3) "','sids':['%s','%s','%s','x'],'dryRun':true}",
        here.ws, wk, never, here.idle);
    const json_t *put =
        suite_ok(&suite_service_id, W, "Vanish",
                 "{'workspaceSid':'%s','observedAt':'" AT(3) "','sids':['%s','%s','%s','x']}",
                 here.ws, wk, never, here.idle);
    CHECK(json_equal(dry, put));
    CHECK_TEXT(outcome(put, 0), VANISHED);
    CHECK_TEXT(at(put, "items.0.friendlyName"), "John");
    CHECK_TEXT(outcome(put, 1), UNKNOWN);
    CHECK_TEXT(outcome(put, 2), VANISHED);
    CHECK_TEXT(outcome(put, 3), CONFLICTING);
    const struct seen_event *event = suite_event("worker.deleted", wk, 0);
    REQUIRE(event != NULL);
    CHECK_I64(at_i64(event->payload, "data.deleted"), 1);
    CHECK_TEXT(at(event->payload, "data.worker.version"), "2");
    CHECK(suite_event("activity.deleted", here.idle, 0) != NULL);

    /* seen nowhere */
    CHECK(suite_refused(&suite_viewer, W,
                        "NOT_FOUND WORKER_NOT_FOUND sid : run taskrouter sync --workers",
                        "GetWorker", "{'workspaceSid':'%s','sid':'%s'}", here.ws, wk));
    CHECK(suite_refused(&suite_viewer, W,
                        "NOT_FOUND ACTIVITY_NOT_FOUND activity_sid : run taskrouter sync --activ",
                        "GetActivity", "{'workspaceSid':'%s','sid':'%s'}", here.ws, here.idle));
    static const char *const filters[] = {
        "",
        ",'friendlyName':'John'",
        ",'activityName':'Idle'",
        ",'ordering':'DateStatusChanged'",
        ",'ordering':'DateStatusChanged:desc'",
        ",'targetWorkersExpression':'team == `x`'",
    };
    for (size_t i = 0; i < ARRAY_LEN(filters); i++)
        CHECK_I64(at_i64(suite_ok(&suite_viewer, W, "ListWorkers", "{'workspaceSid':'%s'%s}",
                                  here.ws, filters[i]),
                         "items"),
                  0);
    CHECK_I64(at_i64(suite_ok(&suite_viewer, W, "ListActivities", "{'workspaceSid':'%s'}", here.ws),
                     "items"),
              1);
    CHECK_I64(suite_count("select count(*) from workers.\"Worker\" where id = '%s'", wk), 0);
    CHECK_I64(suite_count("select count(*) from workers.\"Activity\" where id = '%s'", here.idle),
              0);
    CHECK_I64(suite_count("select count(*) from workers.worker where sid = '%s' and vanished_at = "
                          "'" AT(3) "'",
                          wk),
              1);
    CHECK_TEXT(outcome(vanish(here.ws, AT(4), wk), 0), UNKNOWN);
    CHECK_I64(suite_event_count("worker.deleted", wk), 1);

    /* late news do not revive, later ones do */
    CHECK_TEXT(outcome(put_workers(here.ws, AT(3), john), 0), STALE);
    CHECK_TEXT(outcome(put_workers(here.ws, AT(2), worker_json(never, "N", "{}", here.busy)), 0),
               STALE);
    (void)put_activities(here.ws, AT(5),
                         suite_text("{'sid':'%s','friendlyName':'Idle'}", here.idle));
    CHECK(suite_event("activity.created", here.idle, 1) != NULL);
    CHECK_TEXT(outcome(put_workers(here.ws, AT(5), john), 0), CREATED);
    event = suite_event("worker.created", wk, 1);
    REQUIRE(event != NULL);
    CHECK_TEXT(at(event->payload, "data.worker.version"), "3");
    CHECK_TEXT(at(get_worker(here.ws, wk), "friendlyName"), "John");
    CHECK_TEXT(outcome(put_workers(here.ws, AT(4), worker_json(never, "N", "{}", here.busy)), 0),
               CREATED);
}

/* An activity that is gone upstream takes nobody along: its workers are told of by themselves. */
static void test_activity_with_workers(void)
{
    const struct place here = place();
    const char *wk = sid("WK");
    (void)put_workers(here.ws, AT(1), worker_json(wk, "John", "{}", here.busy));
    CHECK_TEXT(outcome(vanish(here.ws, AT(2), here.busy), 0), VANISHED);
    CHECK_TEXT(at(get_worker(here.ws, wk), "activityName"), "Busy");
    CHECK_TEXT(outcome(put_workers(here.ws, AT(3), worker_json(wk, "Jon", "{}", here.busy)), 0),
               UPDATED);
    CHECK_TEXT(outcome(put_workers(here.ws, AT(4), worker_json(wk, "Jon", "{}", here.idle)), 0),
               UPDATED);
}

/* ---- channels ---- */

static bool is_channel_known(const void *channel_sid)
{
    return suite_count("select count(*) from workers.task_channel_copy where sid = '%s'",
                       (const char *)channel_sid) == 1;
}

static const json_t *put_channels(const char *ws, const char *at_time, const char *items)
{
    return suite_ok(&suite_service_id, W, "PutWorkerChannels",
                    "{'workspaceSid':'%s','observedAt':'%s','items':[%s]}", ws, at_time, items);
}

static const char *channel_json(const char *wc, const char *wk, const char *tc, int capacity,
                                const char *available)
{
    return suite_text("{'sid':'%s','workerSid':'%s','taskChannelSid':'%s',"
                      "'configuredCapacity':%d,'available':%s}",
                      wc, wk, tc, capacity, available);
}

static void test_channels(void)
{
    const struct place here = place();
    const char *wk = sid("WK");
    const char *wc = sid("WC");
    const char *other = sid("WC");
    const char *tc = sid("TC");
    const char *tc2 = sid("TC");
    (void)put_workers(here.ws, AT(1), worker_json(wk, "John", "{}", here.idle));
    const char *items = channel_json(wc, wk, tc, 3, "true");
    const json_t *put = put_channels(here.ws, AT(1), items);
    CHECK_TEXT(outcome(put, 0), CONFLICTING);
    CHECK(strstr(at(put, "items.0.detail"), "task channels come first") != NULL);
    for (int i = 0; i < 2; i++)
        CHECK(suite_publish("task-channel.created", here.ws, i == 0 ? tc : tc2, 1, 0,
                            "{'taskChannel':{'sid':'%s','workspaceSid':'%s','uniqueName':'c%d',"
                            "'version':'1'}}",
                            i == 0 ? tc : tc2, here.ws, i));
    CHECK(suite_until(is_channel_known, tc, 10000));
    CHECK(suite_until(is_channel_known, tc2, 10000));
    const char *mine = suite_text("{'workspaceSid':'%s','workerSid':'%s'}", here.ws, wk);
    CHECK_I64(at_i64(suite_ok(&suite_viewer, W, "ListWorkerChannels", "%s", mine), "items"), 0);

    put = put_channels(here.ws, AT(1),
                       suite_text("%s,%s,%s,%s,%s", items, channel_json(other, wk, tc2, 1, "false"),
                                  channel_json(sid("WC"), sid("WK"), tc, 1, "true"),
                                  channel_json(sid("WC"), wk, tc2, 1, "true"),
                                  channel_json(sid("WC"), wk, sid("TC"), 99, "true")));
    CHECK_TEXT(outcome(put, 0), CREATED);
    CHECK_TEXT(outcome(put, 1), CREATED);
    CHECK_TEXT(outcome(put, 2), CONFLICTING);
    CHECK(strstr(at(put, "items.2.detail"), "workers come first") != NULL);
    CHECK(strstr(at(put, "items.3.detail"), "twice") != NULL);
    CHECK(strstr(at(put, "items.4.detail"), "capacity") != NULL);
    const struct seen_event *event = suite_event("worker.capacity.update", wk, 0);
    REQUIRE(event != NULL);
    CHECK_I64(at_i64(event->payload, "data.worker.channels"), 2);
    CHECK_TEXT(at(event->payload, "data.worker.version"), "2");
    const json_t *got =
        suite_ok(&suite_viewer, W, "GetWorkerChannel",
                 "{'workspaceSid':'%s','workerSid':'%s','channel':'%s'}", here.ws, wk, wc);
    CHECK_TEXT(at(got, "sid"), wc);
    CHECK_I64(at_i64(got, "configuredCapacity"), 3);

    CHECK_TEXT(outcome(put_channels(here.ws, AT(3), items), 0), UNCHANGED);
    CHECK_TEXT(outcome(put_channels(here.ws, AT(2), channel_json(wc, wk, tc, 9, "true")), 0),
               STALE);
    put = put_channels(here.ws, AT(4), channel_json(wc, wk, tc, 5, "false"));
    CHECK_TEXT(outcome(put, 0), UPDATED);
    CHECK_TEXT(at(put, "items.0.fields.0.name"), "configured_capacity");
    CHECK_TEXT(at(put, "items.0.fields.0.ours"), "3");
    event = suite_event("worker.channel.availability.update", wk, 0);
    REQUIRE(event != NULL);
    CHECK_TEXT(at(event->payload, "data.taskChannelSid"), tc);
    CHECK_I64(at_i64(event->payload, "data.previousCapacity"), 3);
    CHECK_I64(suite_event_count("worker.capacity.update", wk), 2);
    CHECK_I64(suite_event_count("", wk), 4);
    CHECK_I64(at_i64(get_worker(here.ws, wk), "version"), 3);
}

/* ---- the router ---- */

static bool is_moved(const void *worker_sid)
{
    return suite_count("select count(*) from workers.worker where sid = '%s' and version > 1",
                       (const char *)worker_sid) == 1;
}

/* The router does not move Twilio's workers; a local one, told of later, shows that it was heard.
 */
static void test_moves(void)
{
    const struct place here = place();
    const char *wk = sid("WK");
    (void)put_workers(here.ws, AT(1), worker_json(wk, "John", "{}", here.idle));
    const char *local = suite_workspace();
    const json_t *list = suite_ok(&suite_viewer, W, "ListActivities",
                                  "{'workspaceSid':'%s','friendlyName':'Available'}", local);
    const char *jane = at(suite_ok(&suite_supervisor, W, "CreateWorker",
                                   "{'workspaceSid':'%s','friendlyName':'Jane'}", local),
                          "sid");
    const char *const rows[][3] = {
        {here.ws, wk,      here.busy     },
        { local,   jane, at(list, "items.0.sid")}
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK(suite_publish_to("workers-svc", "reservation.timeout", rows[i][0], clock_now_us(),
                               "{'reservation':{'sid':'%s','workspaceSid':'%s','workerSid':'%s'},"
                               "'workerActivitySid':'%s'}",
                               sid("WR"), rows[i][0], rows[i][1], rows[i][2]));
    CHECK(suite_until(is_moved, jane, 10000));
    CHECK_TEXT(at(get_worker(here.ws, wk), "activitySid"), here.idle);
    CHECK(!is_moved(wk));
}

static const struct test_case cases[] = {
    {"a workspace is adopted, kept, gone and back",              test_workspace            },
    {"a workspace that cannot be stored",                        test_workspace_conflicts  },
    {"who may put what into which workspace",                    test_requests             },
    {"activities come, change and swap their names",             test_activities           },
    {"a worker comes and changes, and each change is told once", test_worker               },
    {"workers swap their names",                                 test_swap                 },
    {"an item that cannot be stored does not stop the others",   test_bad_items            },
    {"two hundred at once",                                      test_many                 },
    {"tombstones are seen nowhere, and come back",               test_vanish               },
    {"an activity goes while a worker is in it",                 test_activity_with_workers},
    {"channels have Twilio's SIDs",                              test_channels             },
    {"the router does not move Twilio's workers",                test_moves                },
};

int main(int argc, char **argv)
{
    return suite_main("workers-svc mirror", SUITE_BIT(SUITE_WORKERS) | SUITE_BIT(SUITE_QUEUES),
                      cases, ARRAY_LEN(cases), argc, argv);
}
