/* The instructions call and redirect, and workers who ring when their reservation ends. */
#include <stdio.h>
#include <string.h>

#include "bridging.h"

enum { SOON_S = 8 }; /* enough to instruct what was offered, on a machine that is busy */

#define QUICK "+15125550177"

static const char *const env[] = {CALLING_ENV, NULL};

/* ---- call ---- */

#define CALL_DATA(more)                                                                            \
    "{'instruction':'call','instructionData':{'from':'" NUMBER                                     \
    "','url':'https://app.example.com/worker?x=1'" more "}}"

/* Who answers hears the application; the reservation waits for it too. */
static void test_call(void)
{
    const char *alma = worker_new("Alma", "{'contact_uri':'client:alma'}");
    const char *call = waiting_call();
    const char *task = task_path(call);
    const char *reservation = offered(alma);
    act(reservation, "instruct", CALL_DATA(",'record':'record-from-answer','timeout':25"));
    int leg = called("alma");
    const char *body = carrier.bodies[leg];
    CHECK(strstr(body, "To=client%3Aalma&From=%2B15125550100&Url=https%3A%2F%2Fapp.example.com"
                       "%2Fworker%3Fx%3D1&StatusCallback=") != NULL);
    CHECK(strstr(body, "Twiml=") == NULL);
    CHECK(strstr(body, "Timeout=25") != NULL);
    CHECK(strstr(body, "Record=true") != NULL);
    leg_says(reservation, leg, "in-progress");
    CHECK(leg_becomes(reservation, "answered"));
    CHECK_TEXT(call_member(call, "status"), "ringing");
    CHECK(becomes(text("/reservations/%s", reservation), "reservationStatus", "pending"));
    act(reservation, "accept", "{}");
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    CHECK_TEXT(call_member(call, "workerSid"), alma);
    CHECK(becomes(task, "attributes.worker_call_sid", leg_of(leg)));
    CHECK(becomes(task, "attributes.call_sid", call));
    leg_says(reservation, leg, "completed");
    CHECK(becomes(task, "assignmentStatus", "wrapping"));
    CHECK_I64(called("alma"), leg);
    worker_leaves(alma);
}

/* Nobody answers: the reservation goes on waiting for the application, or the task for another. */
static void test_call_fails(void)
{
    const char *bert = worker_new("Bert", "{'contact_uri':'client:unused'}");
    const char *call = waiting_call();
    const char *task = task_path(call);
    const char *reservation = offered(bert);
    act(reservation, "instruct", CALL_DATA(",'to':'client:bert'"));
    leg_says(reservation, called("bert"), "busy");
    CHECK(leg_becomes(reservation, "failed"));
    CHECK(becomes(text("/reservations/%s", reservation), "reservationStatus", "pending"));
    worker_leaves(bert);
    cancel(task);

    const char *cleo = worker_new("Cleo", "{'contact_uri':'client:cleo'}");
    call = waiting_call();
    task = task_path(call);
    reservation = offered(cleo);
    act(reservation, "instruct", CALL_DATA(",'accept':true"));
    CHECK(becomes(task, "assignmentStatus", "assigned"));
    int leg = called("cleo");
    worker_leaves(cleo);
    leg_says(reservation, leg, "no-answer");
    CHECK(becomes(task, "assignmentStatus", "completed"));
    CHECK(strcmp(task_path(call), task) != 0);
    CHECK(becomes(task_path(call), "assignmentStatus", "pending"));
    cancel(task_path(call));
}

static void test_call_accepts(void)
{
    const char *dina = worker_new("Dina", "{'contact_uri':'client:dina'}");
    const char *call = waiting_call();
    const char *reservation = offered(dina);
    act(reservation, "instruct", CALL_DATA(",'accept':true"));
    int leg = called("dina");
    leg_says(reservation, leg, "in-progress");
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    CHECK_TEXT(call_member(call, "workerSid"), dina);
    leg_says(reservation, leg, "completed");
    CHECK(becomes(task_path(call), "assignmentStatus", "wrapping"));
    worker_leaves(dina);
}

/* A task that is no call: the worker is called all the same, and the task is the application's. */
static void test_call_without_caller(void)
{
    const char *ella = worker_new("Ella", "{'contact_uri':'client:ella'}");
    struct reply task = make("/tasks", "{'attributes':{}}");
    const char *path = text("/tasks/%s", at(task.body, "sid"));
    const char *reservation = offered(ella);
    act(reservation, "instruct", CALL_DATA(",'accept':true"));
    int leg = called("ella");
    CHECK(strstr(carrier.bodies[leg], "Timeout=60") != NULL);
    leg_says(reservation, leg, "busy");
    CHECK(leg_becomes(reservation, "failed"));
    CHECK(becomes(path, "assignmentStatus", "assigned"));
    worker_leaves(ella);
}

/* A newer instruction calls again when the call before is over, not beside it. */
static void test_call_again(void)
{
    const char *elsa = worker_new("Elsa", "{'contact_uri':'client:unused'}");
    const char *call = waiting_call();
    const char *reservation = offered(elsa);
    const char *second = text("%s&attempt=2", reservation);
    const char *third = text("%s&attempt=3", reservation);
    worker_leaves(elsa);
    act(reservation, "instruct", CALL_DATA(",'to':'client:elsa-1'"));
    int first_leg = called("elsa-1");
    leg_says(reservation, first_leg, "busy");
    CHECK(leg_becomes(reservation, "failed"));

    act(reservation, "instruct", CALL_DATA(",'to':'client:elsa-2'"));
    int leg = called("elsa-2");
    CHECK(strstr(carrier.bodies[leg],
                 text("%%3Freservation%%3D%s%%26attempt%%3D2&", reservation)) != NULL);
    CHECK(leg_becomes(reservation, "ringing"));
    leg_says(reservation, first_leg, "ringing"); /* of the first one, late */
    CHECK(changed(leg_of(first_leg), "Status=completed"));
    act(reservation, "instruct", CALL_DATA(",'to':'client:elsa-beside'"));
    leg_says(second, leg, "in-progress");
    CHECK(leg_becomes(reservation, "answered"));
    leg_says(second, leg, "completed");
    CHECK(leg_becomes(reservation, "ended"));
    CHECK(becomes(text("/reservations/%s", reservation), "reservationStatus", "pending"));

    act(reservation, "instruct", CALL_DATA(",'to':'client:elsa-3','accept':true"));
    leg = called("elsa-3");
    leg_says(third, leg, "in-progress");
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    CHECK_TEXT(call_member(call, "workerSid"), elsa);
    CHECK(becomes(task_path(call), "attributes.worker_call_sid", leg_of(leg)));
    leg_says(third, leg, "completed");
    CHECK(becomes(task_path(call), "assignmentStatus", "wrapping"));
    CHECK_I64(asked_for("elsa-beside", &leg), 0);
    (void)called("elsa-2"); /* once */
}

/* ---- redirect ---- */

#define CALLER_URL "Url=https%3A%2F%2Fapp.example.com%2Fcaller"

static void test_redirect(void)
{
    const char *fred = worker_new("Fred", "{'contact_uri':'client:fred'}");
    const char *call = waiting_call();
    const char *task = task_path(call);
    const char *reservation = offered(fred);
    act(reservation, "instruct", REDIRECT(call, "caller", ""));
    CHECK(changed(call, CALLER_URL));
    CHECK(redirect_becomes(reservation, "state", "done"));
    CHECK_I64(
        tell("/voice/queue-end", call, NUMBER, "in-progress", MORE("QueueResult", "redirected"))
            .status,
        200);
    CHECK(becomes(text("/reservations/%s", reservation), "reservationStatus", "pending"));
    CHECK_TEXT(call_member(call, "status"), "ringing");
    act(reservation, "accept", "{}");
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    CHECK_TEXT(call_member(call, "workerSid"), fred);
    CHECK_I64(tell("/voice/status", call, NUMBER, "completed", NULL).status, 204);
    CHECK(becomes(task, "assignmentStatus", "wrapping"));
    CHECK(changed(call, CALLER_URL)); /* once */
    CHECK_TEXT(leg_column(reservation, "count(*)"), "0");
    worker_leaves(fred);
}

static void test_redirect_accepts(void)
{
    const char *gus = worker_new("Gus", "{'contact_uri':'client:gus'}");
    const char *call = waiting_call();
    const char *reservation = offered(gus);
    act(reservation, "instruct", REDIRECT(call, "caller", ",'accept':true"));
    CHECK(changed(call, CALLER_URL));
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    CHECK_TEXT(call_member(call, "workerSid"), gus);
    CHECK(becomes(task_path(call), "assignmentStatus", "assigned"));
    CHECK_I64(tell("/voice/status", call, NUMBER, "completed", NULL).status, 204);
    CHECK(becomes(task_path(call), "assignmentStatus", "wrapping"));
    worker_leaves(gus);
}

/* A newer instruction of the same reservation counts, and is carried out too. */
static void test_redirect_twice(void)
{
    const char *hans = worker_new("Hans", "{'contact_uri':'client:hans'}");
    const char *call = waiting_call();
    const char *reservation = offered(hans);
    act(reservation, "instruct", REDIRECT(call, "caller", ""));
    CHECK(changed(call, CALLER_URL));
    CHECK(redirect_becomes(reservation, "state", "done"));
    act(reservation, "instruct", REDIRECT(call, "next", ""));
    CHECK(changed(call, "Url=https%3A%2F%2Fapp.example.com%2Fnext"));
    worker_leaves(hans);
    cancel(task_path(call));
}

/* The carrier's answer is lost: it is not asked again; the end of the queue tells. */
static void test_redirect_unknown(void)
{
    const char *ines = worker_new("Ines", "{'contact_uri':'client:ines'}");
    const char *call = waiting_call();
    const char *reservation = offered(ines);
    carrier.mood = MOOD_SILENT;
    act(reservation, "instruct", REDIRECT(call, "caller", ",'accept':true"));
    CHECK(changed(call, CALLER_URL));
    CHECK_TEXT(redirect_column(reservation, "state"), "asking");
    CHECK_TEXT(call_member(call, "status"), "ringing");
    CHECK_I64(
        tell("/voice/queue-end", call, NUMBER, "in-progress", MORE("QueueResult", "redirected"))
            .status,
        200);
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    carrier.mood = MOOD_TAKES;
    CHECK_TEXT(call_member(call, "workerSid"), ines);
    CHECK(changed(call, CALLER_URL));
    worker_leaves(ines);
}

/* What is refused: the caller waits on, for another worker when the task was accepted. */
static void test_redirect_refused(void)
{
    const char *jill = worker_new("Jill", "{'contact_uri':'client:jill'}");
    const char *call = waiting_call();
    const char *task = task_path(call);
    const char *reservation = offered(jill);
    act(reservation, "instruct", REDIRECT("CAffffffffffffffffffffffffffffffff", "caller", ""));
    CHECK(redirect_becomes(reservation, "state", "failed"));
    CHECK_TEXT(redirect_column(reservation, "detail"), "call_sid is no call of this workspace");
    CHECK(becomes(text("/reservations/%s", reservation), "reservationStatus", "pending"));
    carrier.mood = MOOD_REFUSES;
    worker_leaves(jill); /* so that nothing is offered again */
    act(reservation, "instruct", REDIRECT(call, "caller", ",'accept':true"));
    CHECK(becomes(task, "assignmentStatus", "completed"));
    carrier.mood = MOOD_TAKES;
    CHECK_TEXT(redirect_column(reservation, "state"), "failed");
    CHECK(becomes(task_path(call), "assignmentStatus", "pending"));
    cancel(task_path(call));
}

/* ---- reservations that end while the worker rings ---- */

static void test_ends(void)
{
    static const char *const ways[] = {"reject", "cancel"};
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        const char *name = i == 0 ? "kurt" : "lena";
        const char *worker = worker_new(name, "{'contact_uri':'client:unused'}");
        const char *call = waiting_call();
        const char *task = task_path(call);
        const char *reservation = offered(worker);
        act(reservation, "instruct", i == 0 ? DEQUEUE("kurt") : DEQUEUE("lena"));
        int leg = called(name);
        CHECK(leg_becomes(reservation, "ringing"));
        worker_leaves(worker);
        act(reservation, ways[i], "{}");
        CHECK(changed(leg_of(leg), "Status=completed"));
        leg_says(reservation, leg, "canceled");
        CHECK(leg_becomes(reservation, "failed"));
        CHECK(becomes(task, "assignmentStatus", "pending"));
        cancel(task);
    }
}

/* The worker is not left alone in a conference that nobody is sent to. */
static void test_conference_ends(void)
{
    const char *pete = worker_new("Pete", "{'contact_uri':'client:pete'}");
    const char *call = waiting_call();
    const char *task = task_path(call);
    const char *reservation = offered(pete);
    act(reservation, "instruct",
        "{'instruction':'conference','instructionData':{'from':'" NUMBER "'}}");
    int leg = called("pete");
    CHECK(leg_becomes(reservation, "ringing"));
    worker_leaves(pete);
    act(reservation, "cancel", "{}");
    CHECK(changed(leg_of(leg), "Status=completed"));
    leg_says(reservation, leg, "in-progress");
    CHECK(leg_becomes(reservation, "answered"));
    leg_says(reservation, leg, "completed");
    CHECK(leg_becomes(reservation, "ended"));
    CHECK_TEXT(leg_column(reservation, "caller"), "lost");
    CHECK_TEXT(call_member(call, "status"), "ringing");
    cancel(task);
}

/* What was pending when the worker was called, and is accepted while the telephone rings. */
static void test_accepted_meanwhile(void)
{
    const char *otto = worker_new("Otto", "{'contact_uri':'client:unused'}");
    const char *call = waiting_call();
    const char *task = task_path(call);
    const char *reservation = offered(otto);
    act(reservation, "instruct", DEQUEUE("otto"));
    int leg = called("otto");
    CHECK(leg_becomes(reservation, "ringing"));
    worker_leaves(otto);
    act(reservation, "accept", "{}");
    leg_says(reservation, leg, "busy");
    CHECK(becomes(task, "assignmentStatus", "completed"));
    CHECK(strcmp(task_path(call), task) != 0);
    CHECK_TEXT(call_member(call, "status"), "ringing");
    cancel(task_path(call));
}

/* Whoever answered when the reservation had ended talks on, and no other worker gets the task. */
static void test_answers_too_late(void)
{
    const char *nina = worker_new("Nina", "{'contact_uri':'client:unused'}");
    const char *call = waiting_call();
    const char *task = task_path(call);
    const char *reservation = offered(nina);
    act(reservation, "instruct", DEQUEUE("nina"));
    int leg = called("nina");
    CHECK(leg_becomes(reservation, "ringing"));
    worker_leaves(nina);
    act(reservation, "cancel", "{}");
    CHECK(changed(leg_of(leg), "Status=completed"));
    leg_says(reservation, leg, "in-progress");
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    CHECK_TEXT(call_member(call, "workerSid"), nina);
    CHECK(becomes(task, "assignmentStatus", "canceled"));
    leg_says(reservation, leg, "completed");
    CHECK(leg_becomes(reservation, "ended"));
}

/* A pending call whose reservation runs out: the application did not accept in time. The last case:
 * the other line cannot tell its workflow any more. */
static void test_times_out(void)
{
    const char *mick = worker_new("Mick", "{'contact_uri':'client:mick'}");
    struct reply soon =
        make("/workflows", text("{'friendlyName':'Soon','taskReservationTimeout':%d,"
                                "'configuration':{'task_routing':{'default_filter':"
                                "{'queue':'%s'}}}}",
                                SOON_S, support));
    (void)make("/lines",
               text("{'phoneNumber':'" QUICK "','workflowSid':'%s'}", at(soon.body, "sid")));
    const char *call = call_new();
    CHECK_I64(ring(call, QUICK).status, 200);
    const char *reservation = offered(mick);
    act(reservation, "instruct", CALL_DATA(""));
    int leg = called("mick");
    CHECK(leg_becomes(reservation, "ringing"));
    worker_leaves(mick);
    CHECK(becomes(text("/reservations/%s", reservation), "reservationStatus", "timeout"));
    CHECK(changed(leg_of(leg), "Status=completed"));
}

/* ---- what follows from an acceptance, and fails at first ---- */

/* The sequence counts the tries, which are rolled back. */
static void calls_break(void)
{
    CHECK(cluster_sql(cluster, "create sequence gateway.broken;"
                               "create function gateway.breaks() returns trigger language plpgsql "
                               "security definer as $$ begin perform nextval('gateway.broken'); "
                               "raise exception 'broken'; end $$;"
                               "create trigger breaks before update on gateway.phone_call for each "
                               "row execute function gateway.breaks()"));
}

static bool is_broken(void *ctx)
{
    char value[16] = "";
    (void)ctx;
    CHECK(cluster_sql_value(cluster, "select is_called from gateway.broken", value, sizeof value));
    return strcmp(value, "t") == 0;
}

/* The event has been handled in vain by then. */
static void accepts_while_broken(const char *reservation)
{
    calls_break();
    act(reservation, "accept", "{}");
    CHECK(until(is_broken, NULL, PATIENCE_MS));
    CHECK(cluster_sql(cluster, "drop trigger breaks on gateway.phone_call;"
                               "drop function gateway.breaks();"
                               "drop sequence gateway.broken"));
}

static void test_accepted_call_is_made_up_for(void)
{
    const char *orla = worker_new("Orla", "{'contact_uri':'client:orla'}");
    const char *call = waiting_call();
    const char *reservation = offered(orla);
    act(reservation, "instruct", CALL_DATA(""));
    int leg = called("orla");
    leg_says(reservation, leg, "in-progress");
    CHECK(leg_becomes(reservation, "answered"));
    accepts_while_broken(reservation);
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    leg_says(reservation, leg, "completed");
    CHECK(becomes(task_path(call), "assignmentStatus", "wrapping"));
    worker_leaves(orla);
}

static void test_accepted_redirect_is_made_up_for(void)
{
    const char *petr = worker_new("Petr", "{'contact_uri':'client:petr'}");
    const char *call = waiting_call();
    const char *reservation = offered(petr);
    act(reservation, "instruct", REDIRECT(call, "caller", ""));
    CHECK(redirect_becomes(reservation, "state", "done"));
    accepts_while_broken(reservation);
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    CHECK_TEXT(call_member(call, "workerSid"), petr);
    CHECK_I64(tell("/voice/status", call, NUMBER, "completed", NULL).status, 204);
    CHECK(becomes(task_path(call), "assignmentStatus", "wrapping"));
    worker_leaves(petr);
}

static const struct test_case cases[] = {
    {"call has the worker hear the application, which accepts",       test_call                        },
    {"call: when nobody answers, what was pending stays so",          test_call_fails                  },
    {"call accepts at once when it says so",                          test_call_accepts                },
    {"call calls again when the call before is over",                 test_call_again                  },
    {"call needs no waiting caller",                                  test_call_without_caller         },
    {"redirect sends the caller to the application, which accepts",   test_redirect                    },
    {"redirect accepts at once when it says so",                      test_redirect_accepts            },
    {"the newest redirect counts",                                    test_redirect_twice              },
    {"a caller who may have been redirected is not redirected again", test_redirect_unknown            },
    {"a caller who was not redirected waits on",                      test_redirect_refused            },
    {"an accepted call that could not be noted is made up for",       test_accepted_call_is_made_up_for},
    {"an accepted redirect that could not be noted is made up for",
     test_accepted_redirect_is_made_up_for                                                             },
    {"a worker does not ring when the reservation has ended",         test_ends                        },
    {"an accepted one that was pending is for the next worker too",   test_accepted_meanwhile          },
    {"a conference is not joined when the reservation has ended",     test_conference_ends             },
    {"who talks with the caller goes on",                             test_answers_too_late            },
    {"a worker does not ring when the reservation has timed out",     test_times_out                   },
};

int main(int argc, char **argv)
{
    return bridging_main("gateway bridge instructions", env, cases, ARRAY_LEN(cases), argc, argv);
}
