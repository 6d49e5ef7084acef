/* Events on their way from the inbox to the mirror: order, failures, the dead, kills. The tests'
 * Twilio is this gateway itself, which knows of a resource no more than the mirror. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "fixture.h"
#include "mirrored.h"
#include "twilio/signature.h"

#define PUBLIC    "https://hooks.example.com"
#define EVENTS    "/api/webhooks/taskrouter"
#define WORKSPACE "WS000000000000000000000000000000aa"
#define WITHIN    "X-Workspace-Sid: " WORKSPACE "\r\n"

enum { PATIENCE_MS = 90000, PARAMS_MAX = 12, WAITING_MAX = 1000 };

static const char *const gateway_env[] = {"TASKROUTER_PUBLIC_URL=" PUBLIC,
                                          "TASKROUTER_WEBHOOK_MAX_WAITING=1000", NULL};

/* sync-svc with a way to Twilio, or without. */
static void sync_restart(bool has_way)
{
    static const char *env[4];
    env[0] = "TWILIO_ACCOUNT_SID=" ACCOUNT;
    env[1] = "TWILIO_AUTH_TOKEN=" SECRET;
    env[2] = text("TASKROUTER_TWILIO_URL=http://%s", program_http(PROGRAM_GATEWAY));
    program_kill(PROGRAM_SYNC);
    program_env_set(PROGRAM_SYNC, has_way ? env : NULL);
    program_start(PROGRAM_SYNC);
}

/* ---- events ---- */

struct event {
    const char *type;
    const char *task_sid;
    const char *status;
    int at_s;             /* of this day */
    const char *workflow; /* NULL = none */
};

static const char *sid_at(const char *prefix, int number)
{
    return text("%s%032x", prefix, number);
}

static struct reply event_post(const struct event *event, const char **out_sid)
{
    static int made;
    char signature[TWILIO_SIGNATURE_SIZE] = "";
    struct twilio_param params[PARAMS_MAX];
    size_t count = 0;
    const char *sid = sid_at("EV", ++made);
#define ADD(name, value) params[count++] = (struct twilio_param){STR(name), str_from(value)}
    ADD("EventType", event->type);
    ADD("AccountSid", ACCOUNT);
    ADD("WorkspaceSid", WORKSPACE);
    ADD("Sid", sid);
    ADD("TimestampMs", text("%lld", (1790000000LL + event->at_s) * 1000));
    ADD("TaskSid", event->task_sid);
    ADD("TaskAttributes", "{\"a\":1}");
    ADD("TaskPriority", "3");
    ADD("TaskAssignmentStatus", event->status);
    if (event->workflow != NULL)
        ADD("WorkflowSid", event->workflow);
#undef ADD
    struct buf form;
    buf_init(&form, 0);
    twilio_form_encode(&form, params, count);
    CHECK(twilio_sign(STR(SECRET), STR(PUBLIC EVENTS), params, count, signature, NULL) == ERR_OK);
    const char *line = text("X-Twilio-Signature: %s\r\n", signature);
    struct reply reply = ask_form(NULL, "POST", EVENTS, line, form.data);
    buf_fini(&form);
    *out_sid = sid;
    return reply;
}

static const char *event_send(const struct event *event)
{
    const char *sid = NULL;
    CHECK_I64(event_post(event, &sid).status, 204);
    return sid;
}

static const char *value_of(const char *sql)
{
    char value[128] = "";
    CHECK(cluster_sql_value(cluster, sql, value, sizeof value));
    return text("%s", value);
}

static const char *state_of(const char *event_sid)
{
    return value_of(text("select state from gateway.webhook where key = '%s'", event_sid));
}

static const char *outcome_of(const char *event_sid)
{
    return value_of(text("select outcome from gateway.webhook where key = '%s'", event_sid));
}

struct wanted {
    const char *event_sid; /* or a lane */
    const char *state;
};

static bool is_so(void *ctx)
{
    const struct wanted *wanted = ctx;
    return strcmp(state_of(wanted->event_sid), wanted->state) == 0;
}

static bool becomes(const char *event_sid, const char *state)
{
    struct wanted wanted = {event_sid, state};
    bool is_right = until(is_so, &wanted, PATIENCE_MS);
    if (!is_right)
        fprintf(stderr, "%s is %s, wanted %s: %s\n", event_sid, state_of(event_sid), state,
                value_of(text("select outcome || ': ' || detail from gateway.webhook where key = "
                              "'%s'",
                              event_sid)));
    return is_right;
}

static bool are_all_done(void *ctx)
{
    (void)ctx;
    return strcmp(
               value_of("select (select count(*) from gateway.webhook where state = 'waiting') + "
                        "(select count(*) from gateway.webhook_lane)"),
               "0") == 0;
}

static const char *task_status(const char *task_sid)
{
    struct reply reply = ask(BOOTSTRAP, "GET", text("/tasks/%s", task_sid), WITHIN, NULL);
    return text("%s", at(reply.body, "assignmentStatus"));
}

/* ---- cases ---- */

static void test_applied(void)
{
    workspace_of_twilio(WORKSPACE);
    sync_restart(true);
    const char *task = sid_at("WT", 1);
    const char *created = event_send(&(struct event){"task.created", task, "pending", 10, NULL});
    CHECK(becomes(created, "done"));
    CHECK_TEXT(outcome_of(created), "created");
    CHECK_TEXT(task_status(task), "pending");
    const char *completed =
        event_send(&(struct event){"task.completed", task, "completed", 30, NULL});
    CHECK(becomes(completed, "done"));
    CHECK_TEXT(task_status(task), "completed");
    /* what comes late goes to the log and moves nothing back */
    const char *late = event_send(&(struct event){"task.updated", task, "assigned", 20, NULL});
    CHECK(becomes(late, "done"));
    CHECK_TEXT(task_status(task), "completed");
    struct reply events = ask(BOOTSTRAP, "GET", text("/events?taskSid=%s", task), WITHIN, NULL);
    CHECK_I64(at_i64(events.body, "items"), 3);
}

static void test_not_ours(void)
{
    char signature[TWILIO_SIGNATURE_SIZE] = "";
    const struct twilio_param params[] = {
        {STR("EventType"),    STR("task.created")                      },
        {STR("AccountSid"),   STR(ACCOUNT)                             },
        {STR("WorkspaceSid"), STR("WS000000000000000000000000000000bb")},
        {STR("Sid"),          STR("EVf0000000000000000000000000000001")},
        {STR("TaskSid"),      STR("WT000000000000000000000000000000bb")},
    };
    struct buf form;
    buf_init(&form, 0);
    twilio_form_encode(&form, params, ARRAY_LEN(params));
    CHECK(twilio_sign(STR(SECRET), STR(PUBLIC EVENTS), params, ARRAY_LEN(params), signature,
                      NULL) == ERR_OK);
    const char *line = text("X-Twilio-Signature: %s\r\n", signature);
    CHECK_I64(ask_form(NULL, "POST", EVENTS, line, form.data).status, 204);
    buf_fini(&form);
    CHECK(becomes(params[3].value.ptr, "done"));
    CHECK_TEXT(outcome_of(params[3].value.ptr), "ignored");
}

/* Without a way to Twilio an unknown workflow cannot be asked for. */
static void test_order(void)
{
    sync_restart(false);
    const char *workflow = sid_at("WW", 2);
    const char *stuck = sid_at("WT", 2);
    const char *other = sid_at("WT", 3);
    /* a new task, and one that is known, need nothing of Twilio */
    CHECK(becomes(event_send(&(struct event){"task.created", stuck, "pending", 5, NULL}), "done"));
    const char *last = event_send(&(struct event){"task.canceled", stuck, "canceled", 30, NULL});
    CHECK(becomes(last, "done"));
    const char *head = event_send(&(struct event){"task.updated", stuck, "pending", 10, workflow});
    const char *next = event_send(&(struct event){"task.updated", stuck, "pending", 20, NULL});
    const char *free_one = event_send(&(struct event){"task.created", other, "pending", 10, NULL});
    CHECK(becomes(free_one, "done"));
    CHECK_TEXT(state_of(head), "waiting");
    CHECK_TEXT(state_of(next), "waiting");
    CHECK_TEXT(task_status(other), "pending");
    sync_restart(true); /* Twilio says that there is no such workflow */
    CHECK(becomes(next, "done"));
    CHECK_TEXT(state_of(head), "done");
    CHECK_TEXT(task_status(stuck), "canceled");
}

/* Gives an event without a type one. */
static void event_mend(const char *event_sid)
{
    CHECK(cluster_sql(cluster, text("update gateway.webhook set parameters = replace(parameters, "
                                    "'[\"EventType\",\"\"]', '[\"EventType\",\"task.updated\"]') "
                                    "where key = '%s'",
                                    event_sid)));
}

static void test_dead(void)
{
    const char *task = sid_at("WT", 4);
    const char *bad = event_send(&(struct event){"", task, "pending", 10, NULL});
    const char *good = event_send(&(struct event){"task.created", task, "pending", 20, NULL});
    CHECK(becomes(bad, "dead"));
    CHECK(becomes(good, "done")); /* it does not wait for the dead one */
    struct reply list = ask(BOOTSTRAP, "GET", "/webhooks?state=dead", NULL, NULL);
    CHECK_I64(at_i64(list.body, "items"), 1);
    CHECK_TEXT(at(list.body, "items.0.outcome"), "EVENT_INVALID");
    CHECK(strstr(at(list.body, "items.0.detail"), "EventType") != NULL);
    CHECK_TEXT(at(list.body, "items.0.parameters.Sid"), bad);
    CHECK_I64(at_i64(ask(BOOTSTRAP, "GET", "/webhooks/summary", NULL, NULL).body, "dead"), 1);
    const char *path = text("/webhooks/%s/replay", at(list.body, "items.0.sid"));
    struct reply replay = ask(BOOTSTRAP, "POST", path, NULL, NULL);
    CHECK_I64(replay.status, 200);
    CHECK(becomes(bad, "dead")); /* as wrong as before */
    event_mend(bad);
    struct reply all = ask(BOOTSTRAP, "POST", "/webhooks/replay-dead", NULL, "{}");
    CHECK_I64(all.status, 200);
    CHECK_I64(at_i64(all.body, "count"), 1);
    CHECK(becomes(bad, "done"));
    CHECK_TEXT(task_status(task), "pending");
}

/* ---- many at once ---- */

static int64_t number_of(const char *sql)
{
    return strtoll(value_of(sql), NULL, 10);
}

static bool only_lane_waits(void *ctx)
{
    const struct wanted *wanted = ctx;
    return strcmp(value_of(text("select count(distinct lane) || min(lane) from gateway.webhook "
                                "where state = 'waiting'")),
                  text("1%s", wanted->event_sid)) == 0;
}

/* Events that waited while sync-svc was away are applied many at a time: one commit serves many. */
static void test_many(void)
{
    enum { TASKS = 40 };
    program_kill(PROGRAM_SYNC);
    int64_t before = number_of("select count(*) from tasks.event_batch");
    for (int i = 0; i < TASKS; i++) {
        const char *task = sid_at("WT", 200 + i);
        (void)event_send(&(struct event){"task.created", task, "pending", 10, NULL});
        (void)event_send(&(struct event){"task.completed", task, "completed", 30, NULL});
    }
    program_start(PROGRAM_SYNC);
    CHECK(until(are_all_done, NULL, PATIENCE_MS));
    CHECK(number_of("select count(*) from tasks.event_batch") - before < TASKS);
    for (int i = 0; i < TASKS; i++)
        CHECK_TEXT(task_status(sid_at("WT", 200 + i)), "completed");
}

/* What cannot be read, and what cannot be stored, harms nobody but what is behind it in its lane.
 */
static void test_poison(void)
{
    enum { TASKS = 8 };
    const char *middle[TASKS];
    program_kill(PROGRAM_SYNC);
    for (int i = 0; i < TASKS; i++) {
        const char *task = sid_at("WT", 300 + i);
        (void)event_send(&(struct event){"task.created", task, "pending", 10, NULL});
        middle[i] = event_send(&(struct event){"task.updated", task, "assigned", 20, NULL});
        (void)event_send(&(struct event){"task.completed", task, "completed", 30, NULL});
    }
    const char *unreadable =
        event_send(&(struct event){"", sid_at("WT", 300), "pending", 15, NULL});
    CHECK(cluster_sql(cluster,
                      text("alter table tasks.mirror_event add constraint no_poison check (sid <> "
                           "'%s')",
                           middle[TASKS / 2] + strlen("EV"))));
    program_start(PROGRAM_SYNC);
    CHECK(becomes(unreadable, "dead"));
    struct wanted stuck = {.event_sid = sid_at("WT", 300 + TASKS / 2)};
    CHECK(until(only_lane_waits, &stuck, PATIENCE_MS));
    CHECK(cluster_sql(cluster, "alter table tasks.mirror_event drop constraint no_poison"));
    event_mend(unreadable);
    CHECK_I64(ask(BOOTSTRAP, "POST", "/webhooks/replay-dead", NULL, "{}").status, 200);
    CHECK(until(are_all_done, NULL, PATIENCE_MS));
    for (int i = 0; i < TASKS; i++)
        CHECK_TEXT(task_status(sid_at("WT", 300 + i)), "completed");
}

/* ---- ten attempts ---- */

/* Does not wait for the lane to have rested. */
static bool is_dead_by_now(void *ctx)
{
    const char *event_sid = ctx;
    CHECK(cluster_sql(cluster, "update gateway.webhook_lane set next_at = now() "
                               "where failures > 0 and next_at < now() + interval '16 seconds'"));
    return strcmp(state_of(event_sid), "dead") == 0;
}

/* What fails by itself, and not because somebody is away, is tried ten times. */
static void test_attempts(void)
{
    const char *task = sid_at("WT", 500);
    program_kill(PROGRAM_SYNC);
    const char *first = event_send(&(struct event){"task.created", task, "pending", 10, NULL});
    const char *bad = event_send(&(struct event){"task.updated", task, "assigned", 20, NULL});
    const char *behind = event_send(&(struct event){"task.completed", task, "completed", 30, NULL});
    CHECK(cluster_sql(cluster,
                      text("alter table tasks.mirror_event add constraint no_poison check (sid <> "
                           "'%s')",
                           bad + strlen("EV"))));
    program_start(PROGRAM_SYNC);
    CHECK(becomes(first, "done"));
    CHECK_TEXT(state_of(behind), "waiting");
    char sid[64];
    (void)snprintf(sid, sizeof sid, "%s", bad);
    CHECK(until(is_dead_by_now, sid, PATIENCE_MS));
    CHECK_TEXT(value_of(text("select attempts from gateway.webhook where key = '%s'", bad)), "10");
    CHECK(becomes(behind, "done"));
    CHECK_TEXT(task_status(task), "completed");
    CHECK(cluster_sql(cluster, "alter table tasks.mirror_event drop constraint no_poison"));
    struct reply list = ask(BOOTSTRAP, "GET", "/webhooks?state=dead", NULL, NULL);
    CHECK_I64(at_i64(list.body, "items"), 1);
    CHECK_I64(at_i64(list.body, "items.0.attempts"), 10);
    const char *path = text("/webhooks/%s/replay", at(list.body, "items.0.sid"));
    CHECK_I64(ask(BOOTSTRAP, "POST", path, NULL, NULL).status, 200);
    CHECK(becomes(bad, "done"));
    struct reply events = ask(BOOTSTRAP, "GET", text("/events?taskSid=%s", task), WITHIN, NULL);
    CHECK_I64(at_i64(events.body, "items"), 3);
    CHECK_TEXT(task_status(task), "completed"); /* it comes late, and moves nothing back */
}

/* ---- two processes ---- */

enum { METRICS_BYTES = 4 << 20, ROUND_TASKS = 24, ROUND_EVENTS = 3, ROUNDS = 3 };

/* Webhooks that the gateway there has brought to an end. */
static long long processed_at(const char *address)
{
    static const char name[] = "\ntaskrouter_webhooks_processed_total{outcome=\"";
    static char metrics[METRICS_BYTES];
    long long sum = 0;
    CHECK_I64(process_http_get(address, "/metrics", metrics, sizeof metrics), 200);
    for (const char *at_line = strstr(metrics, name); at_line != NULL;
         at_line = strstr(at_line + 1, name)) {
        const char *value = strchr(at_line, '}');
        if (value != NULL && strncmp(at_line + strlen(name), "again", 5) != 0)
            sum += strtoll(value + 1, NULL, 10);
    }
    return sum;
}

static const char *round_task(int round, int task)
{
    return sid_at("WT", 1000 + round * ROUND_TASKS + task);
}

struct progress {
    const char *address;
    long long before;
};

static bool has_gone_on(void *ctx)
{
    const struct progress *progress = ctx;
    return processed_at(progress->address) > progress->before;
}

static void round_send(int round)
{
    program_kill(PROGRAM_SYNC); /* so that all of it waits for both */
    for (int i = 0; i < ROUND_TASKS; i++) {
        const char *task = round_task(round, i);
        (void)event_send(&(struct event){"task.created", task, "pending", 10, NULL});
        (void)event_send(&(struct event){"task.updated", task, "assigned", 20, NULL});
        (void)event_send(&(struct event){"task.completed", task, "completed", 30, NULL});
    }
}

static void check_rounds(const char *since)
{
    CHECK_TEXT(value_of(text("select string_agg(n || ' ' || outcome, ', ' order by outcome) from "
                             "(select outcome, count(*) / %d as n from gateway.webhook "
                             "where received_at >= '%s' group by 1) o",
                             ROUNDS * ROUND_TASKS, since)),
               "1 created, 2 updated");
    for (int i = 0; i < ROUNDS * ROUND_TASKS; i++) {
        const char *task = round_task(0, i);
        struct reply events = ask(BOOTSTRAP, "GET", text("/events?taskSid=%s", task), WITHIN, NULL);
        CHECK_I64(at_i64(events.body, "items"), ROUND_EVENTS);
        CHECK_TEXT(task_status(task), "completed");
    }
}

/* Several gateways share the inbox: no event is applied twice, and none before one that it has to
 * wait for, which would make the later one stale. Each of them has a start once. */
static void test_two_processes(void)
{
    struct process *second = gateway_second();
    const char *since = value_of("select now()");
    const char *here = program_http(PROGRAM_GATEWAY);
    const char *there = gateway_second_http();
    long long before = processed_at(here);
    for (int round = 0; round < ROUNDS; round++) {
        round_send(round);
        struct progress progress = {round == 1 ? there : here, 0};
        progress.before = processed_at(progress.address);
        if (round == 1)
            program_pause(PROGRAM_GATEWAY, true);
        if (round == 2)
            process_signal(second, SIGSTOP);
        program_start(PROGRAM_SYNC);
        CHECK(round == 0 || until(has_gone_on, &progress, PATIENCE_MS));
        if (round == 1)
            program_pause(PROGRAM_GATEWAY, false);
        if (round == 2)
            process_signal(second, SIGCONT);
        CHECK(until(are_all_done, NULL, PATIENCE_MS));
    }
    CHECK_I64(processed_at(here) - before + processed_at(there),
              (long long)ROUNDS * ROUND_TASKS * ROUND_EVENTS);
    check_rounds(since);
    CHECK_I64(process_terminate(second, PATIENCE_MS), 0);
    process_free(second);
}

/* ---- a full inbox ---- */

static bool is_taken(void *ctx)
{
    const char *sid = NULL;
    return event_post(ctx, &sid).status == 204;
}

static bool is_refused(void *ctx)
{
    const char *sid = NULL;
    struct reply reply = event_post(ctx, &sid);
    return reply.status == 503 && header_of(&reply, "Retry-After")[0] != 0;
}

static void test_full(void)
{
    struct event event = {"task.created", "", "pending", 10, NULL};
    program_kill(PROGRAM_SYNC);
    CHECK(
        cluster_sql(cluster, text("insert into gateway.webhook (sid, kind, key, lane, state, "
                                  "account_sid, workspace_sid, event_type, parameters, "
                                  "occurred_at, received_at, answer_status, answer_type, answer) "
                                  "select 'WHfull' || n, 'event', 'full' || n, 'full', 'waiting', "
                                  "'', '', '', '[]', now(), now(), 204, '', '' "
                                  "from generate_series(1, %d) n",
                                  WAITING_MAX)));
    event.task_sid = sid_at("WT", 400);
    CHECK(until(is_refused, &event, PATIENCE_MS));
    CHECK(cluster_sql(cluster, "delete from gateway.webhook where lane = 'full'"));
    CHECK(until(is_taken, &event, PATIENCE_MS));
    program_start(PROGRAM_SYNC);
    CHECK(until(are_all_done, NULL, PATIENCE_MS));
}

/* Between the answer and the work nothing is lost, whoever dies. */
static void test_kills(void)
{
    enum { TASKS = 12 };
    const char *tasks[TASKS];
    program_kill(PROGRAM_SYNC);
    for (int i = 0; i < TASKS; i++) {
        tasks[i] = sid_at("WT", 100 + i);
        (void)event_send(&(struct event){"task.created", tasks[i], "pending", 10, NULL});
        (void)event_send(&(struct event){"task.completed", tasks[i], "completed", 20, NULL});
    }
    program_kill(PROGRAM_GATEWAY);
    program_start(PROGRAM_SYNC);
    program_start(PROGRAM_GATEWAY);
    program_kill(PROGRAM_GATEWAY); /* in the middle of it, perhaps */
    program_start(PROGRAM_GATEWAY);
    CHECK(until(are_all_done, NULL, PATIENCE_MS));
    for (int i = 0; i < TASKS; i++) {
        CHECK_TEXT(task_status(tasks[i]), "completed");
        struct reply events =
            ask(BOOTSTRAP, "GET", text("/events?taskSid=%s", tasks[i]), WITHIN, NULL);
        CHECK_I64(at_i64(events.body, "items"), 2);
    }
    CHECK_TEXT(value_of("select count(*) from gateway.webhook where state = 'dead'"), "0");
}

static const struct test_case cases[] = {
    {"an event becomes a row and an entry of the log",                test_applied      },
    {"what is of another workspace is ignored",                       test_not_ours     },
    {"one task's events wait for each other, others do not",          test_order        },
    {"what is wrong is set apart, looked at and replayed",            test_dead         },
    {"many go together",                                              test_many         },
    {"a bad one harms no other",                                      test_poison       },
    {"what fails ten times is dead, and applied when it is replayed", test_attempts     },
    {"several gateways share the inbox",                              test_two_processes},
    {"a full inbox takes nothing until there is room",                test_full         },
    {"kill -9 loses nothing and does nothing twice",                  test_kills        },
};

int main(int argc, char **argv)
{
    return fixture_all_main("gateway webhook consumers", gateway_env, cases, ARRAY_LEN(cases), argc,
                            argv);
}
