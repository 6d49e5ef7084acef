/* Applications are told of the status of the calls that they had made: status_callback_url. */
#include <stdio.h>
#include <string.h>

#include "bridging.h"
#include "twilio/signature.h"

static const char *const env[] = {CALLING_ENV, "TASKROUTER_CALLBACK_ALLOW_PRIVATE=true", NULL};
static const char *const careful_env[] = {CALLING_ENV, NULL};

struct told {
    const char *part; /* of the URL or the body */
    int count;
};

static bool is_part_of(const struct heard *heard, const char *part)
{
    return strstr(heard->url, part) != NULL || strstr(heard->body, part) != NULL;
}

/* Of those that were answered well. out_last may be NULL. */
static int heard_of(const char *part, struct heard *out_last)
{
    int found = 0;
    (void)pthread_mutex_lock(&carrier.lock);
    for (int i = 0; i < carrier.heard_count && i < ASKED_MAX; i++) {
        if (carrier.heard[i].is_failed || !is_part_of(&carrier.heard[i], part))
            continue;
        found++;
        if (out_last != NULL)
            *out_last = carrier.heard[i];
    }
    (void)pthread_mutex_unlock(&carrier.lock);
    return found;
}

static bool is_told(void *ctx)
{
    const struct told *told = ctx;
    return heard_of(told->part, NULL) >= told->count;
}

/* Waits until so many with that part have come. */
static struct heard told(const char *part, int count)
{
    struct heard last = {.is_get = false};
    struct told wanted = {part, count};
    CHECK(until(is_told, &wanted, PATIENCE_MS));
    CHECK_I64(heard_of(part, &last), count);
    return last;
}

static bool has(const char *text_, const char *part)
{
    bool is_there = strstr(text_, part) != NULL;
    if (!is_there)
        (void)fprintf(stderr, "no %s in %s\n", part, text_);
    return is_there;
}

static const char *status_column(const char *reservation, const char *column)
{
    char value[256] = "";
    CHECK(
        cluster_sql_value(cluster,
                          text("select %s from gateway.bridge_status where reservation_sid = '%s'",
                               column, reservation),
                          value, sizeof value));
    return text("%s", value);
}

struct wanted {
    const char *reservation;
    const char *column;
    const char *value;
};

static bool is_status(void *ctx)
{
    const struct wanted *wanted = ctx;
    return strcmp(status_column(wanted->reservation, wanted->column), wanted->value) == 0;
}

static bool status_becomes(const char *reservation, const char *column, const char *value)
{
    struct wanted wanted = {reservation, column, value};
    return until(is_status, &wanted, PATIENCE_MS);
}

/* ---- cases ---- */

/* By GET, in the provider's words, when the call is over; signed. */
static void test_call(void)
{
    const char *arno = worker_new("Arno", "{'contact_uri':'client:arno'}");
    const char *call = waiting_call();
    const char *reservation = offered(arno);
    worker_leaves(arno);
    act(reservation, "instruct",
        text("{'instruction':'call','instructionData':{'from':'" NUMBER
             "','url':'https://app.example.com/worker','status_callback_url':'%s'}}",
             carrier_url("/app/call?a=1#here")));
    int leg = called("arno");
    CHECK(has(carrier.bodies[leg], "StatusCallback=https%3A%2F%2Fhooks.example.com"));
    leg_says(reservation, leg, "ringing");
    leg_says(reservation, leg, "in-progress");
    CHECK(leg_becomes(reservation, "answered"));
    leg_says(reservation, leg, "completed");
    struct heard heard = told("/app/call", 1);
    CHECK(heard.is_get);
    CHECK_TEXT(heard.body, "");
    CHECK(has(heard.url, "/app/call?a=1&"));
    CHECK(has(heard.url, text("CallSid=%s", leg_of(leg))));
    CHECK(has(heard.url, "CallStatus=completed"));
    CHECK(has(heard.url, text("taskCallSid=%s", call)));
    CHECK(strstr(heard.url, "reservation=") == NULL);
    CHECK_TEXT(heard.token, text("%s.completed", leg_of(leg)));
    CHECK(twilio_verify(STR(SECRET), str_from(heard.signature), str_from(heard.url), NULL, 0));
    CHECK(status_becomes(reservation, "string_agg(status || ' ' || state, ',' order by id)",
                         "completed sent"));
    cancel(task_path(call));
}

/* The events that were asked for, in their order, each once. */
static void test_dequeue(void)
{
    const char *bea = worker_new("Bea", "{'contact_uri':'client:unused'}");
    const char *call = waiting_call();
    const char *reservation = offered(bea);
    worker_leaves(bea);
    carrier.failures = 2;
    act(reservation, "instruct",
        text("{'instruction':'dequeue','instructionData':{'to':'client:bea','from':'" NUMBER
             "','status_callback_url':'%s','status_callback_events':'ringing,answered,completed'}}",
             carrier_url("/app/dequeue")));
    int leg = called("bea");
    leg_says(reservation, leg, "initiated");
    leg_says(reservation, leg, "ringing");
    leg_says(reservation, leg, "in-progress");
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    leg_says(reservation, leg, "completed");
    (void)told("/app/dequeue", 3);
    CHECK_TEXT(status_column(reservation, "string_agg(status, ',' order by id)"),
               "ringing,in-progress,completed");
    CHECK_I64(heard_of("CallStatus=initiated", NULL), 0);
    CHECK_I64(carrier.failures, 0);
    const char *const words[] = {"CallStatus=ringing", "CallStatus=in-progress",
                                 "CallStatus=completed"};
    size_t next = 0;
    for (int i = 0; i < carrier.heard_count && next < ARRAY_LEN(words); i++)
        next += !carrier.heard[i].is_failed && is_part_of(&carrier.heard[i], "/app/dequeue") &&
                is_part_of(&carrier.heard[i], words[next]);
    CHECK_I64(next, ARRAY_LEN(words));
    CHECK(becomes(task_path(call), "assignmentStatus", "wrapping"));
}

/* The form of a POST is signed, as Twilio does. */
static void test_conference(void)
{
    const char *cleo = worker_new("Cleo", "{'contact_uri':'client:cleo'}");
    const char *call = waiting_call();
    const char *reservation = offered(cleo);
    worker_leaves(cleo);
    act(reservation, "instruct",
        text("{'instruction':'conference','instructionData':{'from':'" NUMBER
             "','status_callback':'%s','status_callback_event':'answered'}}",
             carrier_url("/app/conference")));
    int leg = called("cleo");
    leg_says(reservation, leg, "ringing");
    leg_says(reservation, leg, "in-progress");
    struct heard heard = told("/app/conference", 1);
    CHECK(!heard.is_get);
    CHECK(has(heard.body, text("CallSid=%s", leg_of(leg))));
    CHECK(has(heard.body, "CallStatus=in-progress"));
    struct form form = {.count = 0};
    put(&form, "CallSid", leg_of(leg));
    put(&form, "AccountSid", ACCOUNT);
    put(&form, "CallStatus", "in-progress");
    put(&form, "Direction", "outbound-api");
    put(&form, "taskCallSid", call);
    CHECK(twilio_verify(STR(SECRET), str_from(heard.signature), str_from(heard.url), form.params,
                        form.count));
    CHECK(becomes(text("/calls/%s", call), "status", "in_progress"));
    leg_says(reservation, leg, "completed");
    CHECK(becomes(task_path(call), "assignmentStatus", "wrapping"));
    CHECK_I64(heard_of("/app/conference", NULL), 1);
}

/* What was not told when the gateway dies is told by the next one. */
static void test_killed(void)
{
    const char *dirk = worker_new("Dirk", "{'contact_uri':'client:unused'}");
    const char *call = waiting_call();
    const char *reservation = offered(dirk);
    worker_leaves(dirk);
    carrier.failures = ASKED_MAX;
    act(reservation, "instruct",
        text("{'instruction':'dequeue','instructionData':{'to':'client:dirk','from':'" NUMBER
             "','status_callback_url':'%s'}}",
             carrier_url("/app/killed")));
    leg_says(reservation, called("dirk"), "busy");
    CHECK(status_becomes(reservation, "max(attempts) > 0", "t"));
    program_kill(PROGRAM_GATEWAY);
    carrier.failures = 0;
    program_start(PROGRAM_GATEWAY);
    struct heard heard = told("/app/killed", 1);
    CHECK(has(heard.url, "CallStatus=busy"));
    CHECK(status_becomes(reservation, "max(state)", "sent"));
    CHECK(becomes(text("/reservations/%s", reservation), "reservationStatus", "canceled"));
    cancel(task_path(call));
}

static bool are_pruned(void *ctx)
{
    char value[16] = "";
    (void)ctx;
    CHECK(cluster_sql_value(cluster, "select count(*) from gateway.bridge_status", value,
                            sizeof value));
    return strcmp(value, "0") == 0;
}

/* Unless it is allowed, nothing is sent into private networks. The next gateway removes what is old
 * by the way. */
static void test_private(void)
{
    CHECK(cluster_sql(cluster, "update gateway.bridge_status set created_at = now() - interval "
                               "'8 days'"));
    program_kill(PROGRAM_GATEWAY);
    program_env_set(PROGRAM_GATEWAY, careful_env);
    program_start(PROGRAM_GATEWAY);
    CHECK(until(are_pruned, NULL, PATIENCE_MS));
    const char *enno = worker_new("Enno", "{'contact_uri':'client:unused'}");
    const char *call = waiting_call();
    const char *reservation = offered(enno);
    worker_leaves(enno);
    act(reservation, "instruct",
        text("{'instruction':'dequeue','instructionData':{'to':'client:enno','from':'" NUMBER
             "','status_callback_url':'%s'}}",
             carrier_url("/app/private")));
    leg_says(reservation, called("enno"), "busy");
    CHECK(status_becomes(reservation, "max(state)", "dead"));
    CHECK_I64(heard_of("/app/private", NULL), 0);
    cancel(task_path(call));
}

static const struct test_case cases[] = {
    {"an application is told when its call is over",                    test_call      },
    {"it is told of the events that it asked for, in their order",      test_dequeue   },
    {"a conference's callback has a method of its own",                 test_conference},
    {"what was not told when the gateway died is told by the next",     test_killed    },
    {"nobody is told at private addresses, and nothing stays for ever", test_private   },
};

int main(int argc, char **argv)
{
    return bridging_main("gateway bridge status", env, cases, ARRAY_LEN(cases), argc, argv);
}
