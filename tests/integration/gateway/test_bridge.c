/* Workers are called for callers who wait, by a carrier that the test plays, and what becomes of
 * call, reservation and task. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/call.h"
#include "bridging.h"
#include "bus/bus.h"

static const char *const env[] = {CALLING_ENV, NULL};

/* ---- the same event once more ---- */

struct echo {
    const char *reservation;
    struct arena *arena;
    char *payload;
    char *subject;
    _Atomic bool is_there;
};

static bool on_event(void *ctx, const struct bus_msg *msg)
{
    struct echo *echo = ctx;
    if (str_find(msg->payload, str_from(echo->reservation)) < 0)
        return true;
    echo->payload = arena_str_dup(echo->arena, msg->payload);
    echo->subject = arena_str_dup(echo->arena, msg->subject);
    echo->is_there = true;
    return false;
}

static bool is_heard(void *ctx)
{
    const struct echo *echo = ctx;
    return echo->is_there;
}

static void accepted_again(const char *reservation)
{
    struct bus *bus = NULL;
    struct err err = {0};
    struct call call;
    AUTO(arena_cleanup) struct arena *arena = arena_new(8 << 20);
    struct echo echo = {.reservation = reservation, .arena = arena};
    call_init(&call, arena, "test", PATIENCE_MS * INT64_C(1000));
    CHECK(bus_open(&(struct bus_options){.url = cluster_nats_url(cluster), .name = "test"}, &bus,
                   &err) == ERR_OK);
    struct bus_subscription *subscription = bus_subscribe(
        bus, text("taskrouter.%s.reservation.accepted", lines_workspace), 1, on_event, &echo);
    CHECK(until(is_heard, &echo, PATIENCE_MS));
    bus_subscription_close(subscription);
    CHECK(bus_publish(bus, &call,
                      &(struct bus_message){STR("once-more"), str_from(echo.subject),
                                            str_from(echo.payload)},
                      &err) == ERR_OK);
    bus_close(bus);
}

/* ---- cases ---- */

static void test_connects(void)
{
    const char *alice = worker_new("Alice", "{'contact_uri':'client:alice'}");
    const char *call = waiting_call();
    const char *row = text("%s", call_member(call, "sid"));
    const char *task = text("/tasks/%s", call_member(call, "taskSid"));
    const char *reservation = offered(alice);
    act(reservation, "accept", "{}");
    int leg = called("alice");
    const char *body = carrier.bodies[leg];
    CHECK(strstr(body, "To=client%3Aalice&From=%2B15125550100&Twiml=") != NULL);
    CHECK(strstr(body, text("%%3CResponse%%3E%%3CDial%%3E%%3CQueue%%3E%s%%3C%%2FQueue%%3E%%3C"
                            "%%2FDial%%3E%%3C%%2FResponse%%3E",
                            row)) != NULL);
    CHECK(strstr(body, text("StatusCallback=https%%3A%%2F%%2Fhooks.example.com%%2Fapi%%2Fwebhooks"
                            "%%2Fvoice%%2Fleg%%3Freservation%%3D%s&",
                            reservation)) != NULL);
    CHECK(leg_becomes(reservation, "ringing"));
    CHECK_TEXT(call_member(call, "status"), "ringing");
    accepted_again(reservation);
    leg_says(reservation, leg, "ringing");
    leg_says(reservation, leg, "in-progress");
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    CHECK_TEXT(call_member(call, "workerSid"), alice);
    CHECK(becomes(task, "attributes.worker_call_sid", leg_of(leg)));
    CHECK_TEXT(at(ask(BOOTSTRAP, "GET", task, within, NULL).body, "assignmentStatus"), "assigned");
    leg_says(reservation, leg, "completed");
    CHECK(becomes(task, "assignmentStatus", "wrapping"));
    CHECK(leg_becomes(reservation, "ended"));
    leg_says(reservation, leg, "ringing"); /* late */
    worker_leaves(alice);

    /* the consumer is past the repeated event when it has come to this one */
    const char *bob = worker_new("Bob", "{'contact_uri':'client:bob'}");
    (void)waiting_call();
    const char *next = offered(bob);
    act(next, "accept", "{}");
    leg = called("bob");
    CHECK_I64(called("alice") >= 0, 1);
    CHECK_TEXT(leg_column(reservation, "state"), "ended");
    leg_says(next, leg, "completed"); /* what came between was lost */
    CHECK(leg_becomes(next, "ended"));
    worker_leaves(bob);
}

/* The task that was accepted ends, and the caller waits on with another one that is as old. */
static void test_not_answered(void)
{
    const char *carol = worker_new("Carol", "{'contact_uri':'client:carol'}");
    const char *call = waiting_call();
    const char *task = text("%s", call_member(call, "taskSid"));
    const char *reservation = offered(carol);
    act(reservation, "accept", "{}");
    int leg = called("carol");
    worker_leaves(carol); /* so that it is not offered again */
    leg_says(reservation, leg, "busy");
    CHECK(becomes(text("/tasks/%s", task), "assignmentStatus", "completed"));
    CHECK_TEXT(leg_column(reservation, "detail"), "the worker did not answer: busy");
    CHECK_TEXT(call_member(call, "status"), "ringing");
    const char *next = text("%s", call_member(call, "taskSid"));
    CHECK(strcmp(next, task) != 0);
    struct reply before = ask(BOOTSTRAP, "GET", text("/tasks/%s", task), within, NULL);
    struct reply after = ask(BOOTSTRAP, "GET", text("/tasks/%s", next), within, NULL);
    CHECK_TEXT(at(before.body, "reason"), "the worker did not answer: busy");
    CHECK_TEXT(at(after.body, "callId"), at(before.body, "callId"));
    CHECK_TEXT(at(after.body, "attributes.call_sid"), call);
    CHECK_TEXT(at(after.body, "virtualStartTime"), at(before.body, "virtualStartTime"));

    const char *cecil = worker_new("Cecil", "{'contact_uri':'client:cecil'}");
    reservation = offered(cecil);
    act(reservation, "accept", "{}");
    leg = called("cecil");
    leg_says(reservation, leg, "in-progress");
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    CHECK_TEXT(call_member(call, "workerSid"), cecil);
    leg_says(reservation, leg, "completed");
    CHECK(becomes(text("/tasks/%s", next), "assignmentStatus", "wrapping"));
    worker_leaves(cecil);
}

/* Not for ever: after the fourth one the caller is asked for a message. */
static void test_nobody_answers(void)
{
    const char *carl = worker_new("Carl", "{'contact_uri':'client:carl'}");
    const char *call = waiting_call();
    for (int i = 1; i <= 4; i++) {
        const char *task = text("/tasks/%s", call_member(call, "taskSid"));
        const char *reservation = offered(carl);
        act(reservation, "accept", "{}");
        CHECK(leg_becomes(reservation, "ringing"));
        int leg = 0;
        CHECK_I64(asked_for("carl", &leg), i);
        leg_says(reservation, leg, "no-answer");
        CHECK(becomes(task, "assignmentStatus", "completed"));
    }
    worker_leaves(carl);
    CHECK(strstr(tell("/voice/wait", call, NUMBER, "in-progress", NULL).text, "<Leave/>") != NULL);
}

static void test_no_contact(void)
{
    const char *dave = worker_new("Dave", "{}");
    const char *call = waiting_call();
    const char *reservation = offered(dave);
    act(reservation, "accept", "{}");
    CHECK(leg_becomes(reservation, "failed"));
    CHECK(strstr(leg_column(reservation, "detail"), "contact_uri") != NULL);
    CHECK_TEXT(call_member(call, "status"), "ringing");
    worker_leaves(dave);
}

static void test_dequeue(void)
{
    const char *erin = worker_new("Erin", "{'contact_uri':'client:unused'}");
    const char *call = waiting_call();
    const char *reservation = offered(erin);
    act(reservation, "instruct",
        "{'instruction':'dequeue','instructionData':{'to':'client:erin','from':'" NUMBER "'}}");
    int leg = called("erin");
    leg_says(reservation, leg, "in-progress");
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    CHECK(becomes(text("/reservations/%s", reservation), "reservationStatus", "accepted"));
    leg_says(reservation, leg, "completed");
    CHECK(becomes(text("/tasks/%s", call_member(call, "taskSid")), "assignmentStatus", "wrapping"));
    CHECK_I64(called("erin"), leg);
    worker_leaves(erin);

    const char *finn = worker_new("Finn", "{'contact_uri':'client:unused'}");
    const char *task = text("%s", call_member(waiting_call(), "taskSid"));
    reservation = offered(finn);
    act(reservation, "instruct",
        "{'instruction':'dequeue','instructionData':{'to':'client:finn','from':'" NUMBER "'}}");
    leg = called("finn");
    worker_leaves(finn); /* so that it is not offered again */
    leg_says(reservation, leg, "no-answer");
    CHECK(becomes(text("/reservations/%s", reservation), "reservationStatus", "canceled"));
    CHECK_I64(ask(BOOTSTRAP, "POST", text("/tasks/%s/cancel", task), within, "{}").status, 200);
}

/* The answer of the carrier is lost: not asked again; its webhook tells. */
static void test_unknown(void)
{
    const char *gina = worker_new("Gina", "{'contact_uri':'client:lost'}");
    const char *call = waiting_call();
    const char *reservation = offered(gina);
    act(reservation, "accept", "{}");
    int leg = called("lost");
    leg_says(reservation, leg, "in-progress");
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    CHECK(leg_becomes(reservation, "answered"));
    leg_says(reservation, leg, "completed");
    CHECK(leg_becomes(reservation, "ended"));
    CHECK_I64(called("lost"), leg);
    worker_leaves(gina);
}

#define ROOM(attributes, reservation)                                                              \
    text("%%3CConference" attributes "%%3E%s%%3C%%2FConference%%3E", reservation)

static void test_conference(void)
{
    const char *ivan = worker_new("Ivan", "{'contact_uri':'client:unused'}");
    const char *call = waiting_call();
    const char *task = text("/tasks/%s", call_member(call, "taskSid"));
    const char *reservation = offered(ivan);
    act(reservation, "instruct",
        "{'instruction':'conference','instructionData':{'to':'client:ivan','from':'" NUMBER "',"
        "'beep':'onExit','record':true,'conference_record':'true','max_participants':3}}");
    int leg = called("ivan");
    CHECK(strstr(carrier.bodies[leg], ROOM("%%20beep%%3D%%22onExit%%22%%20endConferenceOnExit%%3D%%"
                                           "22true%%22%%20maxParticipants"
                                           "%%3D%%223%%22%%20record%%3D%%22record-from-start%%22",
                                           reservation)) != NULL);
    CHECK(strstr(carrier.bodies[leg], "Record=true") != NULL);
    CHECK_I64(carrier.change_count, 0);
    leg_says(reservation, leg, "in-progress");
    CHECK(changed(call,
                  ROOM("%%20beep%%3D%%22onExit%%22%%20maxParticipants%%3D%%223%%22", reservation)));
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    CHECK_TEXT(call_member(call, "workerSid"), ivan);
    CHECK(becomes(text("/reservations/%s", reservation), "reservationStatus", "accepted"));
    CHECK_TEXT(leg_column(reservation, "caller"), "joined");
    leg_says(reservation, leg, "completed");
    CHECK(becomes(task, "assignmentStatus", "wrapping"));
    CHECK(changed(call, "Twiml="));
    worker_leaves(ivan);
}

/* The carrier's answer is lost: it is not asked again; the end of the queue tells. */
static void test_conference_unknown(void)
{
    const char *jane = worker_new("Jane", "{'contact_uri':'client:jane'}");
    const char *call = waiting_call();
    const char *reservation = offered(jane);
    carrier.mood = MOOD_SILENT;
    act(reservation, "instruct",
        "{'instruction':'conference','instructionData':{'from':'" NUMBER "'}}");
    int leg = called("jane");
    leg_says(reservation, leg, "in-progress");
    CHECK(becomes(text("/reservations/%s", reservation), "reservationStatus", "accepted"));
    CHECK_TEXT(leg_column(reservation, "caller"), "asked");
    CHECK_TEXT(call_member(call, "status"), "ringing");
    carrier.mood = MOOD_TAKES;
    CHECK_I64(
        tell("/voice/queue-end", call, NUMBER, "in-progress", MORE("QueueResult", "redirected"))
            .status,
        200);
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    CHECK_TEXT(call_member(call, "workerSid"), jane);
    CHECK(changed(call, "Twiml="));
    leg_says(reservation, leg, "completed");
    CHECK(becomes(text("/tasks/%s", call_member(call, "taskSid")), "assignmentStatus", "wrapping"));
    worker_leaves(jane);
}

/* Nobody ever tells: when the worker has left, the caller is for the next one; or was there. */
static void test_conference_never_told(void)
{
    const char *jean = worker_new("Jean", "{'contact_uri':'client:jean'}");
    const char *call = waiting_call();
    const char *task = task_path(call);
    const char *reservation = offered(jean);
    worker_leaves(jean);
    carrier.mood = MOOD_SILENT;
    act(reservation, "instruct",
        "{'instruction':'conference','instructionData':{'from':'" NUMBER "'}}");
    int leg = called("jean");
    leg_says(reservation, leg, "in-progress");
    CHECK(becomes(text("/reservations/%s", reservation), "reservationStatus", "accepted"));
    carrier.mood = MOOD_TAKES;
    leg_says(reservation, leg, "completed");
    CHECK(becomes(task, "assignmentStatus", "completed"));
    const char *next = task_path(call);
    CHECK(strcmp(next, task) != 0);
    CHECK_TEXT(call_member(call, "status"), "ringing");
    CHECK_I64(
        tell("/voice/queue-end", call, NUMBER, "in-progress", MORE("QueueResult", "redirected"))
            .status,
        200);
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    CHECK_TEXT(call_member(call, "workerSid"), jean);
    CHECK(becomes(next, "assignmentStatus", "canceled"));
}

static void test_conference_refused(void)
{
    const char *kate = worker_new("Kate", "{'contact_uri':'client:kate'}");
    const char *call = waiting_call();
    const char *task = text("%s", call_member(call, "taskSid"));
    const char *reservation = offered(kate);
    carrier.mood = MOOD_REFUSES;
    act(reservation, "instruct",
        "{'instruction':'conference','instructionData':{'from':'" NUMBER "'}}");
    int leg = called("kate");
    leg_says(reservation, leg, "in-progress");
    CHECK(changed(leg_of(leg), "Status=completed"));
    carrier.mood = MOOD_TAKES;
    CHECK_TEXT(leg_column(reservation, "caller"), "lost");
    worker_leaves(kate); /* so that it is not offered again */
    leg_says(reservation, leg, "completed");
    CHECK(becomes(text("/reservations/%s", reservation), "reservationStatus", "canceled"));
    CHECK_TEXT(call_member(call, "status"), "ringing");
    CHECK_I64(ask(BOOTSTRAP, "POST", text("/tasks/%s/cancel", task), within, "{}").status, 200);
}

static bool has_follow_up(void *ctx)
{
    const char *const *call = ctx;
    return call_member(*call, "followUpTaskSid")[0] != '\0';
}

/* Nobody answers for a caller who has left: by the end of the call, or of its task. */
static void test_caller_leaves(void)
{
    const char *mona = worker_new("Mona", "{'contact_uri':'client:mona'}");
    const char *call = waiting_call();
    const char *task = text("/tasks/%s", call_member(call, "taskSid"));
    const char *reservation = offered(mona);
    act(reservation, "instruct",
        "{'instruction':'dequeue','instructionData':{'to':'client:mona','from':'" NUMBER "'}}");
    int leg = called("mona");
    CHECK(leg_becomes(reservation, "ringing"));
    CHECK_I64(ask(BOOTSTRAP, "POST", text("%s/cancel", task), within, "{}").status, 200);
    CHECK(changed(leg_of(leg), "Status=completed"));
    CHECK_TEXT(leg_column(reservation, "is_unwanted"), "t");
    worker_leaves(mona);

    const char *liam = worker_new("Liam", "{'contact_uri':'client:liam'}");
    call = waiting_call();
    task = text("/tasks/%s", call_member(call, "taskSid"));
    reservation = offered(liam);
    act(reservation, "accept", "{}");
    leg = called("liam");
    CHECK(leg_becomes(reservation, "ringing"));
    CHECK_I64(tell("/voice/status", call, NUMBER, "completed", NULL).status, 204);
    CHECK(changed(leg_of(leg), "Status=completed"));
    worker_leaves(liam);
    leg_says(reservation, leg, "canceled");
    CHECK(leg_becomes(reservation, "failed"));
    CHECK(becomes(task, "assignmentStatus", "wrapping"));
    CHECK(until(has_follow_up, &call, PATIENCE_MS));
    CHECK_I64(ask(BOOTSTRAP, "POST", text("/tasks/%s/cancel", call_member(call, "followUpTaskSid")),
                  within, "{}")
                  .status,
              200);
}

static bool is_pruned(void *ctx)
{
    char value[32] = "";
    const char *const *reservation = ctx;
    return cluster_sql_value(
               cluster,
               text("select count(*) from gateway.bridge_leg where reservation_sid = '%s'",
                    *reservation),
               value, sizeof value) &&
           strcmp(value, "0") == 0;
}

static void test_pruned(void)
{
    const char *nora = worker_new("Nora", "{}");
    (void)waiting_call();
    const char *reservation = offered(nora);
    act(reservation, "accept", "{}");
    CHECK(leg_becomes(reservation, "failed"));
    worker_leaves(nora);
    CHECK(cluster_sql(cluster, text("update gateway.bridge_leg set created_at = now() - interval "
                                    "'8 days' where reservation_sid = '%s'",
                                    reservation)));
    program_kill(PROGRAM_GATEWAY);
    program_start(PROGRAM_GATEWAY);
    CHECK(until(is_pruned, &reservation, PATIENCE_MS));
}

/* recorded, and tried: to be tried again */
static bool is_put_off(void *ctx)
{
    const char *const *reservation = ctx;
    return strcmp(leg_column(*reservation, "state = 'recorded' and due_at > created_at"), "t") == 0;
}

static void test_sync_away(void)
{
    program_kill(PROGRAM_SYNC);
    const char *olga = worker_new("Olga", "{'contact_uri':'client:olga'}");
    (void)waiting_call();
    const char *reservation = offered(olga);
    act(reservation, "accept", "{}");
    CHECK(until(is_put_off, &reservation, PATIENCE_MS));
    program_start(PROGRAM_SYNC);
    (void)called("olga");
    CHECK(leg_becomes(reservation, "ringing"));
    worker_leaves(olga);
}

static void test_not_configured(void)
{
    program_kill(PROGRAM_SYNC);
    program_env_set(PROGRAM_SYNC, NULL);
    program_start(PROGRAM_SYNC);
    const char *hugo = worker_new("Hugo", "{'contact_uri':'client:hugo'}");
    const char *call = waiting_call();
    const char *reservation = offered(hugo);
    act(reservation, "accept", "{}");
    CHECK(leg_becomes(reservation, "failed"));
    CHECK(strstr(leg_column(reservation, "detail"), "TWILIO_ACCOUNT_SID") != NULL);
    CHECK_TEXT(call_member(call, "status"), "ringing");
    worker_leaves(hugo);
}

static const struct test_case cases[] = {
    {"who accepts is called once, talks, and wraps up",                  test_connects          },
    {"when a worker is busy, the caller waits for the next one",         test_not_answered      },
    {"a caller does not wait for ever for workers who do not answer",    test_nobody_answers    },
    {"a worker without a telephone is not called",                       test_no_contact        },
    {"dequeue accepts the reservation when the worker answers",          test_dequeue           },
    {"a call that may have been placed is not placed again",             test_unknown           },
    {"conference sends the caller where the worker waits",               test_conference        },
    {"a caller who may have been sent there is not sent again",          test_conference_unknown},
    {"who was not sent there as far as is known waits for the next one",
     test_conference_never_told                                                                 },
    {"a worker is not left alone in the conference",                     test_conference_refused},
    {"a worker is not called for a caller who has left",                 test_caller_leaves     },
    {"legs do not stay for ever",                                        test_pruned            },
    {"while sync-svc is away, calling a worker is put off",              test_sync_away         },
    {"without credentials nobody is called, and nothing else changes",   test_not_configured    },
};

int main(int argc, char **argv)
{
    return bridging_main("gateway bridge", env, cases, ARRAY_LEN(cases), argc, argv);
}
