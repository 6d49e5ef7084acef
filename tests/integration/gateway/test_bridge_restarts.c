/* What is known of a worker's call when somebody dies, is too slow, or does the same at once. */
#include <stdio.h>
#include <string.h>

#include "bridging.h"

static const char *const env[] = {CALLING_ENV, "TASKROUTER_BRIDGE_UNHEARD=5s",
                                  "TASKROUTER_BRIDGE_PATIENCE=3s", NULL};

/* ---- giving up ---- */

static void test_gives_up(void)
{
    const char *anna = worker_new("Anna", "{'contact_uri':'client:unused'}");
    const char *call = waiting_call();
    const char *task = task_path(call);
    const char *reservation = offered(anna);
    worker_leaves(anna);
    act(reservation, "instruct", DEQUEUE("lost-anna"));
    int leg = called("lost-anna");
    CHECK(leg_becomes(reservation, "failed"));
    CHECK_TEXT(leg_column(reservation, "detail"), "it is not known whether the worker was called");
    CHECK(becomes(text("/reservations/%s", reservation), "reservationStatus", "canceled"));
    CHECK(becomes(task, "assignmentStatus", "pending"));
    leg_says(reservation, leg, "ringing"); /* it was placed all the same */
    CHECK(changed(leg_of(leg), "Status=completed"));
    CHECK_I64(called("lost-anna"), leg);
    cancel(task);
}

/* One that was accepted: the caller is for the next worker, unless this one answers after all. */
static void test_gives_up_accepted(void)
{
    const char *bill = worker_new("Bill", "{'contact_uri':'client:lost-bill'}");
    const char *call = waiting_call();
    const char *task = task_path(call);
    const char *reservation = offered(bill);
    worker_leaves(bill);
    act(reservation, "accept", "{}");
    int leg = called("lost-bill");
    CHECK(becomes(task, "assignmentStatus", "completed"));
    const char *next = task_path(call);
    CHECK(strcmp(next, task) != 0);
    leg_says(reservation, leg, "in-progress");
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    CHECK_TEXT(call_member(call, "workerSid"), bill);
    CHECK(becomes(next, "assignmentStatus", "canceled"));
    CHECK_I64(called("lost-bill"), leg);
}

static void test_is_impatient(void)
{
    program_kill(PROGRAM_SYNC);
    const char *cora = worker_new("Cora", "{'contact_uri':'client:cora'}");
    const char *call = waiting_call();
    const char *task = task_path(call);
    const char *reservation = offered(cora);
    worker_leaves(cora);
    act(reservation, "instruct", DEQUEUE("cora"));
    CHECK(leg_becomes(reservation, "failed"));
    program_start(PROGRAM_SYNC);
    CHECK(becomes(text("/reservations/%s", reservation), "reservationStatus", "canceled"));
    int last = 0;
    CHECK_I64(asked_for("cora", &last), 0);
    cancel(task);
}

/* ---- deaths ---- */

/* Killed between the decision and the provider's answer: the webhooks tell that it was placed. */
static void test_killed_while_placing(void)
{
    const char *dora = worker_new("Dora", "{'contact_uri':'client:held-dora'}");
    const char *call = waiting_call();
    const char *reservation = offered(dora);
    worker_leaves(dora);
    carrier_hold(true);
    act(reservation, "accept", "{}");
    int leg = called("held-dora");
    program_kill(PROGRAM_GATEWAY);
    CHECK_TEXT(leg_column(reservation, "state"), "placing");
    carrier_hold(false);
    program_start(PROGRAM_GATEWAY);
    leg_says(reservation, leg, "in-progress");
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    CHECK_TEXT(call_member(call, "workerSid"), dora);
    CHECK(leg_becomes(reservation, "answered"));
    CHECK_TEXT(leg_column(reservation, "provider_call_sid"), leg_of(leg));
    leg_says(reservation, leg, "completed");
    CHECK(leg_becomes(reservation, "ended"));
    CHECK_I64(called("held-dora"), leg); /* once */
}

/* The same, and it was not placed: nobody tells, and the caller is for the next worker. */
static void test_killed_before_placing(void)
{
    const char *evan = worker_new("Evan", "{'contact_uri':'client:held-evan'}");
    const char *call = waiting_call();
    const char *task = task_path(call);
    const char *reservation = offered(evan);
    worker_leaves(evan);
    carrier_hold(true);
    act(reservation, "instruct", DEQUEUE("held-evan"));
    (void)called("held-evan");
    program_kill(PROGRAM_GATEWAY);
    carrier_hold(false);
    program_start(PROGRAM_GATEWAY);
    CHECK(leg_becomes(reservation, "failed"));
    CHECK(becomes(text("/reservations/%s", reservation), "reservationStatus", "canceled"));
    (void)called("held-evan"); /* once */
    cancel(task);
}

/* Killed after the leg was given up, before anything followed. */
static void test_killed_before_settling(void)
{
    const char *gwen = worker_new("Gwen", "{'contact_uri':'client:gwen'}");
    const char *call = waiting_call();
    const char *task = task_path(call);
    const char *reservation = offered(gwen);
    worker_leaves(gwen);
    act(reservation, "instruct", DEQUEUE("gwen"));
    (void)called("gwen");
    CHECK(leg_becomes(reservation, "ringing"));
    program_kill(PROGRAM_GATEWAY);
    CHECK(cluster_sql(cluster, text("update gateway.bridge_leg set state = 'failed', is_settled = "
                                    "false, due_at = now() where reservation_sid = '%s'",
                                    reservation)));
    program_start(PROGRAM_GATEWAY);
    CHECK(becomes(text("/reservations/%s", reservation), "reservationStatus", "canceled"));
    CHECK(becomes(task, "assignmentStatus", "pending"));
    cancel(task);
}

/* Killed between the decision to redirect and the provider's answer: the end of the queue tells. */
static void test_killed_while_redirecting(void)
{
    const char *hope = worker_new("Hope", "{'contact_uri':'client:unused'}");
    const char *call = waiting_call();
    const char *task = task_path(call);
    const char *reservation = offered(hope);
    worker_leaves(hope);
    carrier_hold(true);
    act(reservation, "instruct", REDIRECT(call, "held", ",'accept':true"));
    CHECK(changed(call, "Url=https%3A%2F%2Fapp.example.com%2Fheld"));
    program_kill(PROGRAM_GATEWAY);
    CHECK_TEXT(redirect_column(reservation, "state"), "asking");
    carrier_hold(false);
    program_start(PROGRAM_GATEWAY);
    CHECK_I64(
        tell("/voice/queue-end", call, NUMBER, "in-progress", MORE("QueueResult", "redirected"))
            .status,
        200);
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    CHECK_TEXT(call_member(call, "workerSid"), hope);
    CHECK_I64(tell("/voice/status", call, NUMBER, "completed", NULL).status, 204);
    CHECK(becomes(task, "assignmentStatus", "wrapping"));
    CHECK(changed(call, "Url=https%3A%2F%2Fapp.example.com%2Fheld")); /* once */
}

/* ---- at once ---- */

enum { TWINS = 8 };

struct twins {
    const char *like; /* of their SIDs */
};

static bool are_called(void *ctx)
{
    const struct twins *twins = ctx;
    char count[16] = "";
    CHECK(cluster_sql_value(cluster,
                            text("select count(*) from gateway.bridge_leg where reservation_sid "
                                 "like '%s%%' and state = 'ringing'",
                                 twins->like),
                            count, sizeof count));
    return strcmp(count, text("%d", TWINS)) == 0;
}

/* Two gateways find the same legs at once, and hear of the same reservation. */
static void test_two_gateways(void)
{
    struct twins twins = {"WR00000000000000000000000000twin"};
    struct process *second = gateway_second();
    const char *ida = worker_new("Ida", "{'contact_uri':'client:ida'}");
    const char *call = waiting_call();
    const char *task = task_path(call);
    CHECK(cluster_sql(
        cluster, text("insert into gateway.bridge_leg (reservation_sid, call_sid, task_sid, "
                      "worker_sid, workspace_sid, is_pending, to_address, from_number, timeout_s, "
                      "state, provider_call_sid, detail, due_at, created_at, updated_at) select "
                      "'%s' || n, '%s', '%s', '%s', '%s', true, 'client:twin' || n, '', 0, "
                      "'recorded', '', '', now(), now(), now() from generate_series(1, %d) n",
                      twins.like, call_member(call, "sid"), call_member(call, "taskSid"), ida,
                      lines_workspace, TWINS)));
    CHECK(until(are_called, &twins, PATIENCE_MS));
    for (int i = 1; i <= TWINS; i++)
        (void)called(text("twin%d", i)); /* once */
    const char *reservation = offered(ida);
    worker_leaves(ida);
    act(reservation, "accept", "{}");
    int leg = called("ida");
    CHECK(leg_becomes(reservation, "ringing"));
    leg_says(reservation, leg, "in-progress");
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    leg_says(reservation, leg, "completed");
    CHECK(becomes(task, "assignmentStatus", "wrapping"));
    CHECK_I64(called("ida"), leg);
    CHECK_I64(process_terminate(second, PATIENCE_MS), 0);
    process_free(second);
}

/* The caller leaves while the worker's call is being placed: it is ended when it is. */
static void test_leaves_while_placing(void)
{
    const char *jack = worker_new("Jack", "{'contact_uri':'client:held-jack'}");
    const char *call = waiting_call();
    const char *reservation = offered(jack);
    worker_leaves(jack);
    carrier_hold(true);
    act(reservation, "instruct", DEQUEUE("held-jack"));
    int leg = called("held-jack");
    CHECK_I64(tell("/voice/status", call, NUMBER, "completed", NULL).status, 204);
    CHECK(becomes(text("/calls/%s", call), "status", "missed"));
    CHECK(becomes(task_path(call), "assignmentStatus", "canceled"));
    carrier_hold(false);
    CHECK(changed(leg_of(leg), "Status=completed"));
    leg_says(reservation, leg, "canceled");
    CHECK(leg_becomes(reservation, "failed"));
}

static const struct test_case cases[] = {
    {"a call that nobody ever tells of is given up",                test_gives_up                },
    {"who was given up and answers is with the caller",             test_gives_up_accepted       },
    {"while a service is away, it is not tried for ever",           test_is_impatient            },
    {"a gateway that dies while it calls: not lost, not twice",     test_killed_while_placing    },
    {"a gateway that dies before it calls: given up, not twice",    test_killed_before_placing   },
    {"what was to follow follows when the gateway is back",         test_killed_before_settling  },
    {"a gateway that dies while it redirects: once",                test_killed_while_redirecting},
    {"two gateways call each worker once",                          test_two_gateways            },
    {"who leaves while a worker is being called is not waited for", test_leaves_while_placing    },
};

int main(int argc, char **argv)
{
    return bridging_main("gateway bridge restarts", env, cases, ARRAY_LEN(cases), argc, argv);
}
