/* Reservations that are accepted while their instruction is carried out, and redirections that
 * nobody tells of. */
#include <stdio.h>
#include <string.h>

#include "bridging.h"

static const char *const env[] = {CALLING_ENV, "TASKROUTER_BRIDGE_UNHEARD=5s", NULL};

static const char *held_url = "Url=https%3A%2F%2Fapp.example.com%2Fheld";

static void queue_tells(const char *call)
{
    CHECK_I64(
        tell("/voice/queue-end", call, NUMBER, "in-progress", MORE("QueueResult", "redirected"))
            .status,
        200);
}

/* With the worker; and it ends in good order. */
static void talks_with(const char *call, const char *worker)
{
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    CHECK_TEXT(call_member(call, "workerSid"), worker);
    CHECK_I64(tell("/voice/status", call, NUMBER, "completed", NULL).status, 204);
    CHECK(becomes(task_path(call), "assignmentStatus", "wrapping"));
}

/* ---- redirections that nobody tells of ---- */

/* The gateway dies while it redirects, and the carrier never answers: the caller waits on, and
 * whoever accepted is called. */
static void test_redirect_never_told(void)
{
    const char *abel = worker_new("Abel", "{'contact_uri':'client:abel'}");
    const char *call = waiting_call();
    const char *task = task_path(call);
    const char *reservation = offered(abel);
    worker_leaves(abel);
    carrier_hold(true);
    act(reservation, "instruct", REDIRECT(call, "held", ""));
    CHECK(changed(call, held_url));
    program_kill(PROGRAM_GATEWAY);
    CHECK_TEXT(redirect_column(reservation, "state"), "asking");
    program_start(PROGRAM_GATEWAY);
    act(reservation, "accept", "{}");
    int leg = called("abel");
    CHECK_TEXT(redirect_column(reservation, "state"), "unknown");
    leg_says(reservation, leg, "in-progress");
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    CHECK_TEXT(call_member(call, "workerSid"), abel);
    leg_says(reservation, leg, "completed");
    CHECK(becomes(task, "assignmentStatus", "wrapping"));
    carrier_hold(false);
    CHECK(changed(call, held_url)); /* once */
}

/* The same, accepted when nobody waits to hear of it any more; and it is told of all the same. */
static void test_redirect_told_late(void)
{
    const char *bess = worker_new("Bess", "{'contact_uri':'client:bess'}");
    const char *call = waiting_call();
    const char *reservation = offered(bess);
    worker_leaves(bess);
    carrier.mood = MOOD_SILENT;
    act(reservation, "instruct", REDIRECT(call, "caller", ""));
    CHECK(redirect_becomes(reservation, "state", "unknown"));
    carrier.mood = MOOD_TAKES;
    act(reservation, "accept", "{}");
    int leg = called("bess");
    CHECK(leg_becomes(reservation, "ringing"));
    queue_tells(call);
    CHECK(changed(leg_of(leg), "Status=completed"));
    CHECK_TEXT(redirect_column(reservation, "state"), "done");
    leg_says(reservation, leg, "canceled");
    CHECK(leg_becomes(reservation, "failed"));
    talks_with(call, bess);
}

/* Told of before it is accepted: nobody is called. */
static void test_redirect_told_before(void)
{
    const char *carl = worker_new("Carl", "{'contact_uri':'client:carl'}");
    const char *call = waiting_call();
    const char *reservation = offered(carl);
    worker_leaves(carl);
    carrier.mood = MOOD_SILENT;
    act(reservation, "instruct", REDIRECT(call, "caller", ""));
    CHECK(redirect_becomes(reservation, "state", "unknown"));
    carrier.mood = MOOD_TAKES;
    queue_tells(call);
    CHECK(redirect_becomes(reservation, "state", "done"));
    CHECK_TEXT(call_member(call, "status"), "ringing");
    act(reservation, "accept", "{}");
    talks_with(call, carl);
    CHECK_TEXT(leg_column(reservation, "count(*)"), "0");
}

/* It accepts itself: the caller is for the next worker. */
static void test_redirect_accepts_unknown(void)
{
    const char *dora = worker_new("Dora", "{'contact_uri':'client:dora'}");
    const char *call = waiting_call();
    const char *task = task_path(call);
    const char *reservation = offered(dora);
    worker_leaves(dora);
    carrier.mood = MOOD_SILENT;
    act(reservation, "instruct", REDIRECT(call, "caller", ",'accept':true"));
    CHECK(becomes(task, "assignmentStatus", "completed"));
    carrier.mood = MOOD_TAKES;
    CHECK_TEXT(redirect_column(reservation, "state"), "unknown");
    const char *next = task_path(call);
    CHECK(strcmp(next, task) != 0);
    queue_tells(call); /* it was redirected all the same */
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    CHECK_TEXT(call_member(call, "workerSid"), dora);
    CHECK(becomes(next, "assignmentStatus", "canceled"));
}

/* One that failed leaves the reservation to the application; whoever accepts it then is called. */
static void test_redirect_failed(void)
{
    const char *emil = worker_new("Emil", "{'contact_uri':'client:emil'}");
    const char *call = waiting_call();
    const char *task = task_path(call);
    const char *reservation = offered(emil);
    worker_leaves(emil);
    act(reservation, "instruct", REDIRECT("CAffffffffffffffffffffffffffffffff", "caller", ""));
    CHECK(redirect_becomes(reservation, "state", "failed"));
    act(reservation, "accept", "{}");
    int leg = called("emil");
    leg_says(reservation, leg, "in-progress");
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    leg_says(reservation, leg, "completed");
    CHECK(becomes(task, "assignmentStatus", "wrapping"));
}

/* ---- accepted meanwhile ---- */

static void test_accepted_while_redirecting(void)
{
    const char *fay = worker_new("Fay", "{'contact_uri':'client:fay'}");
    const char *call = waiting_call();
    const char *reservation = offered(fay);
    worker_leaves(fay);
    carrier_hold(true);
    act(reservation, "instruct", REDIRECT(call, "held", ""));
    CHECK(changed(call, held_url));
    act(reservation, "accept", "{}");
    CHECK(redirect_becomes(reservation, "is_pending", "false"));
    carrier_hold(false);
    CHECK(redirect_becomes(reservation, "state", "done"));
    talks_with(call, fay);
    CHECK_TEXT(leg_column(reservation, "count(*)"), "0");
}

static void test_accepted_while_placing(void)
{
    const char *gil = worker_new("Gil", "{'contact_uri':'client:unused'}");
    const char *call = waiting_call();
    const char *task = task_path(call);
    const char *reservation = offered(gil);
    worker_leaves(gil);
    carrier_hold(true);
    act(reservation, "instruct", DEQUEUE("held-wrong"));
    (void)called("held-wrong");
    act(reservation, "accept", "{}");
    CHECK(leg_column_becomes(reservation, "is_pending", "f"));
    carrier_hold(false);
    CHECK(becomes(task, "assignmentStatus", "completed"));
    CHECK(strcmp(task_path(call), task) != 0);
    cancel(task_path(call));
}

/* ---- news in another order ---- */

/* What was instructed while the reservation was pending cannot be noted yet. */
static void instructions_wait(bool do_wait)
{
    CHECK(cluster_sql(
        cluster,
        do_wait ? "create function gateway.waits() returns trigger language plpgsql as $$ begin "
                  "raise exception 'not yet' using errcode = '08006'; end $$;"
                  "create trigger waits before insert or update on gateway.bridge_redirect for "
                  "each row when (new.is_pending) execute function gateway.waits()"
                : "drop trigger waits on gateway.bridge_redirect; drop function gateway.waits()"));
}

static void test_accepted_before_instructed(void)
{
    const char *hal = worker_new("Hal", "{'contact_uri':'client:hal'}");
    const char *call = waiting_call();
    const char *reservation = offered(hal);
    worker_leaves(hal);
    instructions_wait(true);
    act(reservation, "instruct", REDIRECT(call, "caller", ""));
    act(reservation, "accept", "{}");
    CHECK(redirect_becomes(reservation, "state", "done"));
    instructions_wait(false);
    CHECK_TEXT(redirect_column(reservation, "is_pending"), "false");
    talks_with(call, hal);

    /* this one comes after the event that waited */
    const char *ike = worker_new("Ike", "{'contact_uri':'client:ike'}");
    const char *other = waiting_call();
    const char *next = offered(ike);
    worker_leaves(ike);
    act(next, "instruct", REDIRECT(other, "caller", ""));
    CHECK(redirect_becomes(next, "state", "done"));
    CHECK(changed(call, "Url=https%3A%2F%2Fapp.example.com%2Fcaller")); /* once */

    /* a newer one, of a reservation that is known */
    instructions_wait(true);
    act(next, "instruct", REDIRECT(other, "next", ""));
    act(next, "accept", "{}");
    CHECK(changed(other, "Url=https%3A%2F%2Fapp.example.com%2Fnext"));
    instructions_wait(false);
    talks_with(other, ike);
}

/* The worker has hung up before the application accepts. */
static void test_accepted_after_call(void)
{
    const char *joan = worker_new("Joan", "{'contact_uri':'client:joan'}");
    const char *call = waiting_call();
    const char *task = task_path(call);
    const char *reservation = offered(joan);
    worker_leaves(joan);
    act(reservation, "instruct",
        "{'instruction':'call','instructionData':{'from':'" NUMBER
        "','url':'https://app.example.com/worker'}}");
    int leg = called("joan");
    leg_says(reservation, leg, "in-progress");
    leg_says(reservation, leg, "completed");
    CHECK(leg_becomes(reservation, "ended"));
    act(reservation, "accept", "{}");
    CHECK(becomes(task, "assignmentStatus", "wrapping"));
}

static const struct test_case cases[] = {
    {"a redirect that is never told of: who accepted is called",      test_redirect_never_told       },
    {"a redirect that is told of late is better than a call",         test_redirect_told_late        },
    {"a redirect that is told of before anybody accepted counts",     test_redirect_told_before      },
    {"one that accepted and is never told of: for the next worker",   test_redirect_accepts_unknown  },
    {"who accepts after a redirect that failed is called",            test_redirect_failed           },
    {"what is accepted while its caller is redirected is connected",
     test_accepted_while_redirecting                                                                 },
    {"what is accepted while its call is placed is not lost with it", test_accepted_while_placing    },
    {"an acceptance may be heard of before its redirect",             test_accepted_before_instructed},
    {"a call that is over when it is accepted is wrapped up",         test_accepted_after_call       },
};

int main(int argc, char **argv)
{
    return bridging_main("gateway bridge races", env, cases, ARRAY_LEN(cases), argc, argv);
}
