/* Workers are called for callers who wait, by a carrier that the test plays, and what becomes of
 * call, reservation and task. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/call.h"
#include "bus/bus.h"
#include "calling.h"
#include "fixture.h"
#include "peer.h"

#define NUMBER "+15125550100"

enum { PATIENCE_MS = 90000, ASKED_MAX = 64, BODY_MAX = 4096 };

/* What the carrier makes of other instructions for a call. */
enum mood { MOOD_TAKES, MOOD_REFUSES, MOOD_SILENT };

static const char *const env[] = {CALLING_ENV, NULL};

static const char *workspace;
static const char *within; /* the header that names it */
static const char *available;
static const char *offline;

/* ---- the carrier ---- */

static struct {
    pthread_mutex_t lock;
    char bodies[ASKED_MAX][BODY_MAX]; /* of POSTs that place calls */
    int count;
    struct {
        char path[128];
        char body[BODY_MAX];
    } changes[ASKED_MAX]; /* POSTs that change calls */
    int change_count;
    _Atomic enum mood mood;
} carrier = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char *leg_of(int index)
{
    return text("CA%032x", 0x500 + index);
}

static void on_change(const struct peer_request *request, struct buf *out)
{
    bool is_hang_up = str_eq(request->body, STR("Status=completed"));
    (void)pthread_mutex_lock(&carrier.lock);
    int index = carrier.change_count++;
    if (index < ASKED_MAX) {
        (void)snprintf(carrier.changes[index].path, sizeof carrier.changes[index].path, "%.*s",
                       (int)request->path.len, request->path.ptr);
        (void)snprintf(carrier.changes[index].body, BODY_MAX, "%.*s", (int)request->body.len,
                       request->body.ptr);
    }
    (void)pthread_mutex_unlock(&carrier.lock);
    if (is_hang_up || carrier.mood == MOOD_TAKES)
        peer_answer(out, 200, "{\"sid\":\"CA00\",\"status\":\"in-progress\"}");
    else if (carrier.mood == MOOD_REFUSES)
        peer_answer(out, 404, "{\"code\":20404,\"message\":\"no such call\"}");
}

/* Calls to "client:lost…" are placed, but nobody is told so. */
static void on_question(void *ctx, const struct peer_request *request, struct buf *out)
{
    (void)ctx;
    char answer[128];
    if (str_find(request->path, STR("/Calls.json")) < 0) {
        on_change(request, out);
        return;
    }
    (void)pthread_mutex_lock(&carrier.lock);
    int index = carrier.count++;
    if (index < ASKED_MAX)
        (void)snprintf(carrier.bodies[index], BODY_MAX, "%.*s", (int)request->body.len,
                       request->body.ptr);
    (void)pthread_mutex_unlock(&carrier.lock);
    (void)snprintf(answer, sizeof answer, "{\"sid\":\"CA%032x\",\"status\":\"queued\"}",
                   (unsigned)(0x500 + index));
    if (str_find(request->body, STR("To=client%3Alost")) < 0)
        peer_answer(out, 201, answer);
}

/* How often the contact was called; *out_last: which one was the last. */
static int asked_for(const char *contact, int *out_last)
{
    int found = 0;
    const char *needle = text("To=client%%3A%s&", contact);
    (void)pthread_mutex_lock(&carrier.lock);
    for (int i = 0; i < carrier.count && i < ASKED_MAX; i++) {
        if (strstr(carrier.bodies[i], needle) == NULL)
            continue;
        found++;
        *out_last = i;
    }
    (void)pthread_mutex_unlock(&carrier.lock);
    return found;
}

static bool is_called(void *ctx)
{
    const char *const *contact = ctx;
    int last = 0;
    return asked_for(*contact, &last) > 0;
}

/* Which call it is. */
static int called(const char *contact)
{
    int last = -1;
    CHECK(until(is_called, &contact, PATIENCE_MS));
    CHECK_I64(asked_for(contact, &last), 1);
    return last;
}

struct change {
    const char *call; /* the provider's SID */
    const char *part; /* of what was asked */
};

static int changes_of(const struct change *change)
{
    int found = 0;
    (void)pthread_mutex_lock(&carrier.lock);
    for (int i = 0; i < carrier.change_count && i < ASKED_MAX; i++)
        found += strstr(carrier.changes[i].path, change->call) != NULL &&
                 strstr(carrier.changes[i].body, change->part) != NULL;
    (void)pthread_mutex_unlock(&carrier.lock);
    return found;
}

static bool is_changed(void *ctx)
{
    return changes_of(ctx) > 0;
}

/* The carrier was asked to change the call so, once. */
static bool changed(const char *call, const char *part)
{
    struct change change = {call, part};
    return until(is_changed, &change, PATIENCE_MS) && changes_of(&change) == 1;
}

/* ---- the workspace ---- */

static struct reply make(const char *path, const char *body)
{
    struct reply reply = ask(BOOTSTRAP, "POST", path, within, body);
    CHECK_I64(reply.status, 201);
    return reply;
}

static const char *activity_of(const char *name)
{
    json_t *items =
        json_object_get(ask(BOOTSTRAP, "GET", "/activities", within, NULL).body, "items");
    for (size_t i = 0; i < json_array_size(items); i++)
        if (strcmp(at(json_array_get(items, i), "friendlyName"), name) == 0)
            return text("%s", at(json_array_get(items, i), "sid"));
    CHECK(false);
    return "";
}

static void setup(void)
{
    if (workspace != NULL)
        return;
    workspace = text("%s", workspace_new());
    within = text("X-Workspace-Sid: %s\r\n", workspace);
    available = activity_of("Available");
    offline = activity_of("Offline");
    struct reply queue = make("/queues", "{'friendlyName':'Support'}");
    (void)make("/workflows",
               text("{'friendlyName':'Main','configuration':{'task_routing':{'default_filter':"
                    "{'queue':'%s'}}}}",
                    at(queue.body, "sid")));
    (void)make("/lines", "{'phoneNumber':'" NUMBER "','friendlyName':'Main line'}");
}

static const char *worker_new(const char *name, const char *attributes)
{
    setup();
    struct reply made =
        make("/workers", text("{'friendlyName':'%s','attributes':%s,'activitySid':'%s'}", name,
                              attributes, available));
    return text("%s", at(made.body, "sid"));
}

static void worker_leaves(const char *worker)
{
    CHECK_I64(ask(BOOTSTRAP, "PATCH", text("/workers/%s", worker), within,
                  text("{'activitySid':'%s'}", offline))
                  .status,
              200);
}

/* ---- webhooks ---- */

static const char *waiting_call(void)
{
    const char *call = call_new();
    CHECK_I64(ring(call, NUMBER).status, 200);
    return call;
}

static void leg_says(const char *reservation, int leg, const char *status)
{
    struct form form = {.count = 0};
    put(&form, "CallSid", leg_of(leg));
    put(&form, "AccountSid", ACCOUNT);
    put(&form, "CallStatus", status);
    put(&form, "Direction", "outbound-api");
    CHECK_I64(send_form(text("/voice/leg?reservation=%s", reservation), &form, NULL).status, 204);
}

/* ---- what is there ---- */

static const char *call_member(const char *call, const char *member)
{
    return at(ask(BOOTSTRAP, "GET", text("/calls/%s", call), within, NULL).body, member);
}

struct wish {
    const char *path;
    const char *member;
    const char *value;
};

static bool is_so(void *ctx)
{
    const struct wish *wish = ctx;
    return strcmp(at(ask(BOOTSTRAP, "GET", wish->path, within, NULL).body, wish->member),
                  wish->value) == 0;
}

static bool becomes(const char *path, const char *member, const char *value)
{
    struct wish wish = {path, member, value};
    bool is_true = until(is_so, &wish, PATIENCE_MS);
    if (!is_true)
        (void)fprintf(stderr, "%s: %s\n", path, ask(BOOTSTRAP, "GET", path, within, NULL).text);
    return is_true;
}

static const char *leg_column(const char *reservation, const char *column)
{
    char value[256] = "";
    CHECK(cluster_sql_value(
        cluster,
        text("select %s from gateway.bridge_leg where reservation_sid = '%s'", column, reservation),
        value, sizeof value));
    return text("%s", value);
}

static bool is_leg(void *ctx)
{
    const struct wish *wish = ctx;
    return strcmp(leg_column(wish->path, "state"), wish->value) == 0;
}

static bool leg_becomes(const char *reservation, const char *state)
{
    struct wish wish = {reservation, "", state};
    return until(is_leg, &wish, PATIENCE_MS);
}

struct offer {
    const char *worker;
    const char *sid;
};

static bool is_offered(void *ctx)
{
    struct offer *offer = ctx;
    struct reply found = ask(
        BOOTSTRAP, "GET",
        text("/reservations?workerSid=%s&reservationStatus=pending", offer->worker), within, NULL);
    offer->sid = text("%s", at(found.body, "items.0.sid"));
    return offer->sid[0] != '\0';
}

static const char *offered(const char *worker)
{
    struct offer offer = {worker, ""};
    CHECK(until(is_offered, &offer, PATIENCE_MS));
    return offer.sid;
}

static void act(const char *reservation, const char *action, const char *body)
{
    struct reply reply =
        ask(BOOTSTRAP, "POST", text("/reservations/%s/%s", reservation, action), within, body);
    CHECK_I64(reply.status, 200);
}

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
        bus, text("taskrouter.%s.reservation.accepted", workspace), 1, on_event, &echo);
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

static void test_not_answered(void)
{
    const char *carol = worker_new("Carol", "{'contact_uri':'client:carol'}");
    const char *call = waiting_call();
    const char *task = text("/tasks/%s", call_member(call, "taskSid"));
    const char *reservation = offered(carol);
    act(reservation, "accept", "{}");
    leg_says(reservation, called("carol"), "busy");
    CHECK(leg_becomes(reservation, "failed"));
    CHECK_TEXT(leg_column(reservation, "detail"), "the worker did not answer: busy");
    CHECK_TEXT(call_member(call, "status"), "ringing");
    CHECK_TEXT(at(ask(BOOTSTRAP, "GET", task, within, NULL).body, "assignmentStatus"), "assigned");
    worker_leaves(carol);
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

static void test_not_carried_out(void)
{
    const char *pia = worker_new("Pia", "{'contact_uri':'client:pia'}");
    const char *task = text("/tasks/%s", call_member(waiting_call(), "taskSid"));
    const char *reservation = offered(pia);
    act(reservation, "instruct",
        "{'instruction':'call','instructionData':{'from':'" NUMBER
        "','url':'https://example.com/twiml'}}");
    CHECK(program_logs(PROGRAM_GATEWAY, "the instructions call and redirect are not carried out"));
    CHECK_I64(ask(BOOTSTRAP, "POST", text("%s/cancel", task), within, "{}").status, 200);
    worker_leaves(pia);
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
    {"who accepts is called once, talks, and wraps up",                test_connects          },
    {"a worker who is busy keeps the task, and the caller waits",      test_not_answered      },
    {"a worker without a telephone is not called",                     test_no_contact        },
    {"dequeue accepts the reservation when the worker answers",        test_dequeue           },
    {"a call that may have been placed is not placed again",           test_unknown           },
    {"conference sends the caller where the worker waits",             test_conference        },
    {"a caller who may have been sent there is not sent again",        test_conference_unknown},
    {"a worker is not left alone in the conference",                   test_conference_refused},
    {"a worker is not called for a caller who has left",               test_caller_leaves     },
    {"what is not carried out is said",                                test_not_carried_out   },
    {"legs do not stay for ever",                                      test_pruned            },
    {"while sync-svc is away, calling a worker is put off",            test_sync_away         },
    {"without credentials nobody is called, and nothing else changes", test_not_configured    },
};

int main(int argc, char **argv)
{
    static char url[64];
    static const char *sync_env[] = {url, "TWILIO_ACCOUNT_SID=" ACCOUNT, "TWILIO_AUTH_TOKEN=" TOKEN,
                                     NULL};
    struct peer *peer = peer_open(on_question, NULL);
    (void)snprintf(url, sizeof url, "TASKROUTER_TWILIO_VOICE_URL=http://127.0.0.1:%d",
                   peer_port(peer));
    program_env_set(PROGRAM_SYNC, sync_env);
    int status = fixture_all_main("gateway bridge", env, cases, ARRAY_LEN(cases), argc, argv);
    peer_close(peer);
    return status;
}
