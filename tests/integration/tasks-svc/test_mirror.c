/* tasks-svc: rows and events of a workspace that Twilio routes, by Mirror.Apply. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "mirror_fixture.h"

static const json_t *get_task(const char *workspace, const char *sid)
{
    return suite_ok(&suite_viewer, SUITE_TASKS, "GetTask", "{'workspaceSid':'%s','sid':'%s'}",
                    workspace, sid);
}

static const char *status_of(const char *workspace, const char *sid)
{
    return at(get_task(workspace, sid), "assignmentStatus") + strlen("TASK_STATUS_");
}

static void rows_and_the_event_are_stored_and_told(void)
{
    const char *ws = mirrored_workspace();
    const json_t *made = apply(ws, "00:00",
                               suite_text("'tasks':[%s],%s", task_json(TASK, "PENDING", ""),
                                          event_json(1, "task.created", TASK, "00:00")));
    CHECK_TEXT(OUTCOME(made, "items.0.outcome"), "CREATED");
    const json_t *task = get_task(ws, TASK);
    CHECK_TEXT(at(task, "assignmentStatus"), "TASK_STATUS_PENDING");
    CHECK_TEXT(at(task, "attributes"), "{\"a\": 1}");
    CHECK_TEXT(at(task, "dateCreated"), "2026-01-02T03:00:00Z");
    CHECK_I64(at_i64(task, "version"), 1);
    const json_t *event = suite_ok(&suite_viewer, SUITE_TASKS, "GetEvent",
                                   "{'workspaceSid':'%s','sid':'EVe%031x'}", ws, 1);
    CHECK_TEXT(at(event, "eventType"), "task.created");
    CHECK_TEXT(at(event, "source"), "/twilio");
    CHECK_TEXT(at(event, "eventDate"), "2026-01-02T03:00:00Z");
    CHECK_TEXT(at(event, "eventData"), "{\"said\":\"by Twilio\",\"task_sid\":\"" TASK "\"}");
    const struct seen_event *seen = suite_event("task.created", TASK, 0);
    REQUIRE(seen != NULL);
    CHECK_TEXT(at(seen->payload, "data.task.sid"), TASK);
    CHECK_TEXT(at(seen->payload, "source"), "/twilio");
    CHECK_TEXT(status_of(ws, TASK), "PENDING");
}

static void an_event_counts_once(void)
{
    const char *ws = mirrored_workspace();
    const char *task = suite_text("WTfb%030x", 1);
    const char *event = event_json(10, "task.created", task, "00:00");
    (void)apply(ws, "00:00", suite_text("'tasks':[%s],%s", task_json(task, "PENDING", ""), event));
    const json_t *again =
        apply(ws, "00:09",
              suite_text("'tasks':[%s],%s", task_json(task, "ASSIGNED", ",'priority':7"), event));
    CHECK_TEXT(OUTCOME(again, "items.0.outcome"), "UNCHANGED");
    CHECK_TEXT(status_of(ws, task), "PENDING");
    CHECK_I64(events_of(ws, ""), 2); /* the workspace's own, too */
    /* The same after everything was read anew. */
    (void)kill(process_pid(suite_process(SUITE_TASKS)), SIGKILL);
    (void)process_wait_exit(suite_process(SUITE_TASKS), 5000);
    REQUIRE(suite_restart(SUITE_TASKS));
    again =
        apply(ws, "00:09", suite_text("'tasks':[%s],%s", task_json(task, "ASSIGNED", ""), event));
    CHECK_TEXT(OUTCOME(again, "items.0.outcome"), "UNCHANGED");
    CHECK_I64(events_of(ws, ""), 2);
}

static void nothing_moves_backwards(void)
{
    const char *ws = mirrored_workspace();
    const char *task = suite_text("WTfb%030x", 2);
    (void)apply(ws, "01:00", suite_text("'tasks':[%s]", task_json(task, "RESERVED", "")));
    const json_t *stale = apply(ws, "00:30",
                                suite_text("'tasks':[%s],%s", task_json(task, "PENDING", ""),
                                           event_json(20, "task.updated", task, "00:30")));
    CHECK_TEXT(OUTCOME(stale, "items.0.outcome"), "STALE");
    CHECK_TEXT(status_of(ws, task), "RESERVED");
    CHECK_I64(events_of(ws, ",'eventType':'task.updated','startDate':'2026-01-02T03:00:30Z',"
                            "'endDate':'2026-01-02T03:00:30Z'"),
              1); /* it happened all the same */
    const json_t *equal =
        apply(ws, "01:00", suite_text("'tasks':[%s]", task_json(task, "PENDING", "")));
    CHECK_TEXT(OUTCOME(equal, "items.0.outcome"), "STALE");
    const json_t *next =
        apply(ws, "02:00", suite_text("'tasks':[%s]", task_json(task, "PENDING", ",'priority':3")));
    CHECK_TEXT(OUTCOME(next, "items.0.outcome"), "UPDATED");
    CHECK_TEXT(at(next, "items.0.fields.0.name"), "assignment_status");
    CHECK_TEXT(at(next, "items.0.fields.0.ours"), "reserved");
    CHECK_TEXT(at(next, "items.0.fields.1.name"), "priority");
    CHECK_TEXT(at(next, "items.0.fields.1.theirs"), "3");
    (void)apply(ws, "03:00",
                suite_text("'tasks':[%s]", task_json(task, "COMPLETED", ",'reason':'sold'")));
    const json_t *late =
        apply(ws, "04:00", suite_text("'tasks':[%s]", task_json(task, "ASSIGNED", "")));
    CHECK_TEXT(OUTCOME(late, "items.0.outcome"), "STALE");
    const json_t *row = get_task(ws, task);
    CHECK_TEXT(at(row, "assignmentStatus"), "TASK_STATUS_COMPLETED");
    CHECK_TEXT(at(row, "reason"), "sold");
    CHECK_I64(at_i64(row, "version"), 3);
}

static void a_task_of_a_call_names_the_call_and_its_rules(void)
{
    const char *ws = mirrored_workspace();
    const char *task = suite_text("WTfb%030x", 77);
    (void)apply(ws, "00:00",
                suite_text("'tasks':[{'sid':'%s','assignmentStatus':'TASK_STATUS_PENDING',"
                           "'attributes':'{`callId`:`CL1`,`routing_rules`:[`RR1`,`RR2`]}'}]",
                           task));
    CHECK_TEXT(at(get_task(ws, task), "callId"), "CL1");
    const json_t *why = suite_ok(&suite_viewer, SUITE_TASKS, "ExplainTask",
                                 "{'workspaceSid':'%s','sid':'%s'}", ws, task);
    CHECK_TEXT(at(why, "rules.0.sid"), "RR1");
    CHECK_TEXT(at(why, "rules.1.sid"), "RR2");
    /* An event that leaves the attributes out says nothing of the call. */
    (void)apply(ws, "00:10",
                suite_text("'tasks':[{'sid':'%s','assignmentStatus':'TASK_STATUS_PENDING',"
                           "'priority':4}]",
                           task));
    CHECK_TEXT(at(get_task(ws, task), "callId"), "CL1");
}

static void a_dry_run_changes_nothing(void)
{
    const char *ws = mirrored_workspace();
    const char *task = suite_text("WTfb%030x", 3);
    const json_t *told =
        apply(ws, "00:00",
              suite_text("'dryRun':true,'tasks':[%s],%s", task_json(task, "PENDING", ""),
                         event_json(30, "task.created", task, "00:00")));
    CHECK_TEXT(OUTCOME(told, "items.0.outcome"), "CREATED");
    CHECK(suite_refused(&suite_viewer, SUITE_TASKS, "NOT_FOUND TASK_NOT_FOUND sid", "GetTask",
                        "{'workspaceSid':'%s','sid':'%s'}", ws, task));
    CHECK_I64(events_of(ws, ""), 1);
    (void)apply(ws, "00:00", suite_text("'tasks':[%s]", task_json(task, "PENDING", "")));
    told = apply(ws, "00:01", suite_text("'dryRun':true,'vanishedSids':['%s']", task));
    CHECK_TEXT(OUTCOME(told, "items.0.outcome"), "VANISHED");
    CHECK_TEXT(status_of(ws, task), "PENDING");
}

static void what_vanished_is_canceled(void)
{
    const char *ws = mirrored_workspace();
    const char *task = suite_text("WTfb%030x", 4);
    const char *offer = suite_text("WRfb%030x", 4);
    (void)apply(ws, "01:00",
                suite_text("'tasks':[%s],'reservations':[%s]", task_json(task, "RESERVED", ""),
                           reservation_json(offer, task, "PENDING")));
    const json_t *early = apply(ws, "00:59", suite_text("'vanishedSids':['%s']", task));
    CHECK_TEXT(OUTCOME(early, "items.0.outcome"), "STALE"); /* it came after they had asked */
    const json_t *gone =
        apply(ws, "02:00", suite_text("'vanishedSids':['%s','WTfb%030x']", task, 99));
    CHECK_TEXT(OUTCOME(gone, "items.0.outcome"), "VANISHED");
    CHECK_TEXT(OUTCOME(gone, "items.1.outcome"), "UNKNOWN");
    CHECK_TEXT(at(get_task(ws, task), "reason"), "vanished upstream");
    CHECK_TEXT(status_of(ws, task), "CANCELED");
    CHECK_TEXT(at(suite_ok(&suite_viewer, SUITE_TASKS, "GetReservation",
                           "{'workspaceSid':'%s','sid':'%s'}", ws, offer),
                  "reservationStatus"),
               "RESERVATION_STATUS_CANCELED");
    CHECK_I64(events_of(ws, ",'eventType':'task.canceled'"), 1);
    CHECK_I64(events_of(ws, ",'eventType':'reservation.canceled'"), 1);
    const json_t *again = apply(ws, "03:00", suite_text("'vanishedSids':['%s','%s']", task, offer));
    CHECK_TEXT(OUTCOME(again, "items.0.outcome"), "UNCHANGED");
    CHECK_TEXT(OUTCOME(again, "items.1.outcome"), "UNCHANGED");
    /* What we had guessed gives way to what is told, however late. */
    (void)apply(ws, "01:30",
                suite_text("'tasks':[%s]", task_json(task, "COMPLETED", ",'reason':'sold'")));
    CHECK_TEXT(at(get_task(ws, task), "reason"), "sold");
}

static void what_was_deleted_stays_so(void)
{
    const char *ws = mirrored_workspace();
    const char *task = suite_text("WTfb%030x", 5);
    (void)apply(ws, "00:00", suite_text("'tasks':[%s]", task_json(task, "PENDING", "")));
    const json_t *gone = apply(
        ws, "01:00",
        suite_text("'deletedSids':['%s'],%s", task, event_json(50, "task.deleted", task, "01:00")));
    CHECK_TEXT(OUTCOME(gone, "items.0.outcome"), "VANISHED");
    CHECK(suite_refused(&suite_viewer, SUITE_TASKS, "NOT_FOUND TASK_NOT_FOUND sid", "GetTask",
                        "{'workspaceSid':'%s','sid':'%s'}", ws, task));
    const json_t *late =
        apply(ws, "02:00", suite_text("'tasks':[%s]", task_json(task, "ASSIGNED", "")));
    CHECK_TEXT(OUTCOME(late, "items.0.outcome"), "STALE");
    /* Of one that we hear of first by its end. */
    const char *unknown = suite_text("WTfb%030x", 6);
    (void)apply(ws, "01:00",
                suite_text("'deletedSids':['%s'],%s", unknown,
                           event_json(51, "task.deleted", unknown, "01:00")));
    (void)apply(ws, "00:00",
                suite_text("'tasks':[%s],%s", task_json(unknown, "PENDING", ""),
                           event_json(52, "task.created", unknown, "00:00")));
    CHECK_I64(at_i64(suite_ok(&suite_viewer, SUITE_TASKS, "ListTasks", "{'workspaceSid':'%s'}", ws),
                     "items"),
              0);
    CHECK_I64(events_of(ws, suite_text(",'taskSid':'%s'", unknown)), 2);
}

static void one_bad_item_is_its_own_fault(void)
{
    const char *ws = mirrored_workspace();
    const char *other = mirrored_workspace();
    const char *task = suite_text("WTfb%030x", 7);
    (void)apply(other, "00:00", suite_text("'tasks':[%s]", task_json(task, "PENDING", "")));
    const json_t *mixed = apply(
        ws, "00:00",
        suite_text("'tasks':[%s,%s,%s,%s,%s],'reservations':[%s]", task_json("WT1", "PENDING", ""),
                   task_json(suite_text("WTfb%030x", 8), "PENDING", ""),
                   task_json(suite_text("WTfb%030x", 8), "ASSIGNED", ""),
                   task_json(task, "PENDING", ""),
                   task_json(suite_text("WTfb%030x", 9), "UNSPECIFIED", ""),
                   reservation_json(suite_text("WRfb%030x", 9), "", "PENDING")));
    static const char *const outcomes[] = {"CONFLICTING", "CREATED",     "CONFLICTING",
                                           "CONFLICTING", "CONFLICTING", "CONFLICTING"};
    static const char *const details[] = {
        "sid must be",    "", "is twice in this request", "is not mirrored here", "is required",
        "task is missing"};
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        CHECK_TEXT(OUTCOME(mixed, suite_text("items.%zu.outcome", i)), outcomes[i]);
        CHECK(strstr(at(mixed, suite_text("items.%zu.detail", i)), details[i]) != NULL);
    }
    CHECK_TEXT(status_of(other, task), "PENDING");
}

static void whole_requests_are_refused(void)
{
    const char *ws = mirrored_workspace();
    const char *local = suite_workspace();
#define REFUSED(who, want, workspace, parts)                                                       \
    CHECK(suite_refused(&(who), SUITE_TASKS, want, "Apply", "{'workspaceSid':'%s',%s}",            \
                        (workspace), (parts)))
    REFUSED(suite_admin, "PERMISSION_DENIED ROLE_TOO_LOW", ws,
            "'observedAt':'2026-01-02T03:00:00Z'");
    REFUSED(suite_service_id, "FAILED_PRECONDITION NOT_MIRRORED workspace_sid", local,
            "'observedAt':'2026-01-02T03:00:00Z'");
    REFUSED(suite_service_id, "NOT_FOUND WORKSPACE_NOT_FOUND", "WSfe000000000000000000000000000001",
            "'observedAt':'2026-01-02T03:00:00Z'");
    REFUSED(suite_service_id, "INVALID_ARGUMENT FIELD_REQUIRED observed_at", ws, "'tasks':[]");
    REFUSED(suite_service_id, "INVALID_ARGUMENT INVALID_SID event.sid", ws,
            "'event':{'sid':'x','eventDate':'2026-01-02T03:00:00Z'}");
    REFUSED(suite_service_id, "INVALID_ARGUMENT INVALID_VALUE event.resource_type", ws,
            "'event':{'sid':'EVe0000000000000000000000000000001','eventType':'worker.created',"
            "'eventDate':'2026-01-02T03:00:00Z','resourceType':'worker'}");
    REFUSED(suite_service_id, "INVALID_ARGUMENT JSON_INVALID event.event_data", ws,
            "'event':{'sid':'EVe0000000000000000000000000000001','eventType':'task.created',"
            "'eventDate':'2026-01-02T03:00:00Z','resourceType':'task','resourceSid':'" TASK
            "','eventData':'[]'}");
#undef REFUSED
}

static void changes_without_an_event_are_told_as_updates(void)
{
    const char *ws = mirrored_workspace();
    const char *task = suite_text("WTfb%030x", 10);
    (void)apply(ws, "00:00",
                suite_text("'tasks':[%s],'reservations':[%s]", task_json(task, "ASSIGNED", ""),
                           reservation_json(suite_text("WRfb%030x", 10), task, "ACCEPTED")));
    const json_t *told = suite_ok(&suite_viewer, SUITE_TASKS, "ListEvents",
                                  "{'workspaceSid':'%s','taskSid':'%s'}", ws, task);
    CHECK_I64(at_i64(told, "items"), 1);
    CHECK_TEXT(at(told, "items.0.eventType"), "task.updated");
    CHECK_TEXT(at(told, "items.0.source"), "/twilio-sync");
    CHECK(strstr(at(told, "items.0.eventData"), "\"task_assignment_status\":\"assigned\"") != NULL);
    CHECK_TEXT(at(get_task(ws, task), "workerSid"), WORKER);
    (void)apply(ws, "00:05", suite_text("'tasks':[%s]", task_json(task, "ASSIGNED", "")));
    CHECK_I64(events_of(ws, suite_text(",'taskSid':'%s'", task)), 1); /* nothing was new */
    CHECK(is_log_published());
}

/* ---- every order of a life ---- */

enum { STEPS = 5, ORDERS = 120 };

static const struct step {
    const char *type;
    const char *time;
    const char *status;
    const char *more;
    const char *offer; /* NULL: not told */
} steps[STEPS] = {
    {"task.created",         "00:00", "PENDING",   "",                     NULL       },
    {"reservation.created",  "00:10", "RESERVED",  "",                     "PENDING"  },
    {"reservation.accepted", "00:20", "ASSIGNED",  "",                     "ACCEPTED" },
    {"task.updated",         "00:30", "ASSIGNED",  ",'priority':5",        NULL       },
    {"task.completed",       "00:40", "COMPLETED",
     ",'priority':5,'reason':'done','dateUpdated':'2026-01-02T03:00:40Z'", "COMPLETED"},
};

static void take_step(const char *ws, int order, int step)
{
    const char *task = suite_text("WT%032x", 0xc000000 + order);
    const char *offer = suite_text("WR%032x", 0xc000000 + order);
    const struct step *its = &steps[step];
    bool is_offer = strncmp(its->type, "reservation", 11) == 0;
    const char *offers = its->offer == NULL ? ""
                                            : suite_text(",'reservations':[%s]",
                                                         reservation_json(offer, task, its->offer));
    const char *event =
        event_json(1000 + order * STEPS + step, its->type, is_offer ? offer : task, its->time);
    (void)apply(
        ws, its->time,
        suite_text("'tasks':[%s]%s,%s", task_json(task, its->status, its->more), offers, event));
}

/* The order of that number. */
static void take_steps(const char *ws, int order)
{
    int left[STEPS] = {0, 1, 2, 3, 4};
    for (int count = STEPS, number = order; count > 0; count--) {
        int place = number % count;
        number /= count;
        take_step(ws, order, left[place]);
        for (int i = place; i + 1 < count; i++)
            left[i] = left[i + 1];
    }
}

static void every_order_of_a_life_ends_alike(void)
{
    const char *ws = mirrored_workspace();
    for (int order = 0; order < ORDERS; order++)
        take_steps(ws, order);
    CHECK_I64(suite_count("select count(*) from tasks.task where workspace_sid = '%s' and state = "
                          "'completed' and reason = 'done' and priority = 5 and worker_sid = "
                          "'" WORKER "' and timeout_s = 3600 and created_at = "
                          "'2026-01-02T03:00:00Z' and ended_at = '2026-01-02T03:00:40Z'",
                          ws),
              ORDERS);
    CHECK_I64(suite_count("select count(*) from tasks.reservation where workspace_sid = '%s' and "
                          "state = 'completed' and is_mirror_open is null and worker_sid = "
                          "'" WORKER "'",
                          ws),
              ORDERS);
    for (int i = 0; i < STEPS; i++)
        CHECK_I64(events_of(ws, suite_text(",'eventType':'%s'", steps[i].type)), ORDERS);
    CHECK(is_log_whole());
}

static const char *one_of_many(const char *workspace, const char *time, const char *parts)
{
    return suite_text("{'workspaceSid':'%s','observedAt':'2026-01-02T03:%sZ',%s}", workspace, time,
                      parts);
}

/* SIDs that differ in their first half, by which the log finds them. */
static const char *event_of_many(int number, const char *type, const char *resource,
                                 const char *time)
{
    bool is_reservation = strncmp(resource, "WR", 2) == 0;
    return suite_text(
        "'event':{'sid':'EV%04x%028x','eventType':'%s','eventDate':"
        "'2026-01-02T03:%sZ','resourceType':'%s','resourceSid':'%s','eventData':'{}'}",
        number, 0, type, time, is_reservation ? "reservation" : "task", resource);
}

static int64_t sequence_of(const char *workspace, int number)
{
    int64_t sequence =
        at_i64(suite_ok(&suite_viewer, SUITE_TASKS, "GetEvent",
                        "{'workspaceSid':'%s','sid':'EV%04x%028x'}", workspace, number, 0),
               "sequence");
    CHECK(sequence > 0);
    return sequence;
}

/* In the order given, in one commit, each with an outcome of its own. */
static void many_go_together(void)
{
    const char *ws = mirrored_workspace();
    const char *task = suite_text("WTfb%030x", 70);
    const char *offer = suite_text("WRfb%030x", 70);
    const char *last = event_of_many(702, "task.completed", task, "00:04");
    const json_t *reply = suite_ok(
        &suite_service_id, SUITE_TASKS, "ApplyMany",
        "{'workspaceSid':'%s','items':[%s,%s,%s,%s,%s,%s]}", ws,
        one_of_many(ws, "00:00",
                    suite_text("'tasks':[%s],%s", task_json(task, "PENDING", ""),
                               event_of_many(700, "task.created", task, "00:00"))),
        one_of_many(ws, "00:02",
                    suite_text("'tasks':[%s],'reservations':[%s],%s",
                               task_json(task, "RESERVED", ""),
                               reservation_json(offer, task, "PENDING"),
                               event_of_many(701, "reservation.created", offer, "00:02"))),
        one_of_many("WS000000000000000000000000000000ff", "00:02", "'vanishedSids':[]"),
        one_of_many(ws, "00:03",
                    suite_text("'tasks':[%s],%s", task_json(task, "ASSIGNED", ""),
                               event_of_many(703, "", task, "00:03"))),
        one_of_many(ws, "00:04",
                    suite_text("'tasks':[%s],%s", task_json(task, "COMPLETED", ""), last)),
        one_of_many(ws, "00:05",
                    suite_text("'tasks':[%s],%s", task_json(task, "COMPLETED", ""), last)));
    CHECK_I64(at_i64(reply, "items"), 6);
    CHECK_TEXT(OUTCOME(reply, "items.0.results.items.0.outcome"), "CREATED");
    CHECK_TEXT(OUTCOME(reply, "items.1.results.items.0.outcome"), "UPDATED");
    CHECK_TEXT(OUTCOME(reply, "items.1.results.items.1.outcome"), "CREATED");
    CHECK_I64(at_i64(reply, "items.2.code"), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(at(reply, "items.2.reason"), "OTHER_WORKSPACE");
    CHECK_I64(at_i64(reply, "items.3.code"), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(OUTCOME(reply, "items.4.results.items.0.outcome"), "UPDATED");
    CHECK_TEXT(OUTCOME(reply, "items.5.results.items.0.outcome"), "UNCHANGED"); /* the same event */
    CHECK_TEXT(status_of(ws, task), "COMPLETED");
    CHECK_I64(at_i64(get_task(ws, task), "version"), 3); /* one more for each that changed it */
    CHECK_I64(events_of(ws, ""), 4);                     /* the workspace's own, too */
    CHECK_I64(suite_count("select count(*) from tasks.event_batch where first_seq <= %lld and "
                          "last_seq >= %lld",
                          (long long)sequence_of(ws, 700), (long long)sequence_of(ws, 702)),
              1);
}

static void too_many_are_refused(void)
{
    const char *ws = mirrored_workspace();
    struct buf items;
    buf_init(&items, 0);
    for (int i = 0; i <= 256; i++)
        buf_printf(&items, "%s{'workspaceSid':'%s'}", i == 0 ? "" : ",", ws);
    CHECK(suite_refused(&suite_service_id, SUITE_TASKS, "INVALID_ARGUMENT INVALID_COUNT items",
                        "ApplyMany", "{'workspaceSid':'%s','items':[%s]}", ws, items.data));
    buf_fini(&items);
    CHECK(suite_refused(&suite_service_id, SUITE_TASKS, "INVALID_ARGUMENT INVALID_COUNT items",
                        "ApplyMany", "{'workspaceSid':'%s'}", ws));
}

static const struct test_case cases[] = {
    {"rows and the event are stored and told",        rows_and_the_event_are_stored_and_told      },
    {"an event counts once",                          an_event_counts_once                        },
    {"nothing moves backwards",                       nothing_moves_backwards                     },
    {"a task of a call names the call and its rules",
     a_task_of_a_call_names_the_call_and_its_rules                                                },
    {"a dry run changes nothing",                     a_dry_run_changes_nothing                   },
    {"what vanished is canceled",                     what_vanished_is_canceled                   },
    {"what was deleted stays so",                     what_was_deleted_stays_so                   },
    {"one bad item is its own fault",                 one_bad_item_is_its_own_fault               },
    {"whole requests are refused",                    whole_requests_are_refused                  },
    {"changes without an event are told as updates",  changes_without_an_event_are_told_as_updates},
    {"every order of a life ends alike",              every_order_of_a_life_ends_alike            },
    {"many go together",                              many_go_together                            },
    {"too many are refused",                          too_many_are_refused                        },
};

int main(int argc, char **argv)
{
    return suite_main("tasks mirror", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
