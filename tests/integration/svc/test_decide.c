/* Asking routing-svc what rules say: what is remembered, and what happens while it is away. */
#include "svc/decide.h"

#include <string.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/macros.h"
#include "rpc/client.h"
#include "rpc/pb.h"
#include "rpc/server.h"
#include "testing.h"

#define SERVICE_TOKEN "service-secret"

#define NO_RULES  "WS00000000000000000000000000000001"
#define HAS_RULES "WS00000000000000000000000000000002"
#define SILENT    "WS00000000000000000000000000000003"
#define BROKEN    "WS00000000000000000000000000000004"

typedef Taskrouter__Routing__V1__Decision decision;
typedef Taskrouter__Routing__V1__DecideRequest facts;
typedef Taskrouter__Tasks__V1__CreateTaskRequest create;

struct fixture {
    struct arena *arena;
    struct rpc_server *server;
    struct rpc_client *client;
    struct decider *decider;
    struct call call;
    create *request;
    struct lock lock;
    struct cond changed;
    bool is_over; /* whoever is silent may answer */
    int asked;
    char seen[512]; /* the last request: caller, line, text, channel, attributes */
};

/* What the workspace's number says. */
static enum err_code decide(void *app, struct call *call, const facts *request, decision **out,
                            struct err *err)
{
    struct fixture *f = app;
    lock_take(&f->lock);
    f->asked++;
    (void)snprintf(f->seen, sizeof f->seen, "%s|%s|%s|%s|%d|%s", request->caller_phone,
                   request->called_phone, request->text, request->task_channel,
                   request->_priority_case != 0 ? (int)request->priority : -1, request->attributes);
    while (strcmp(request->workspace_sid, SILENT) == 0 && !f->is_over)
        cond_wait(&f->changed, &f->lock);
    lock_drop(&f->lock);
    if (strcmp(request->workspace_sid, BROKEN) == 0)
        return ERR_SET(err, ERR_INTERNAL, "BROKEN", "cannot");
    *out = PB_NEW(call->arena, taskrouter__routing__v1__decision);
    (*out)->has_rules = strcmp(request->workspace_sid, HAS_RULES) == 0;
    (*out)->task_queue_sid = arena_strdup(call->arena, "WQ1");
    return ERR_OK;
}

static const struct rpc_method methods[] = {
    RPC_UNARY("Decide", decide, facts, decision, 5000, ROLE_SERVICE, 0),
};

static const struct rpc_service service = {&taskrouter__routing__v1__rules__descriptor, methods,
                                           ARRAY_LEN(methods)};

static void fixture_open(struct fixture *f, bool has_rpc)
{
    struct rpc_server_config config = {.auth = {.service_token = SERVICE_TOKEN},
                                       .listen = "127.0.0.1:0"};
    struct err err = {.code = ERR_OK};
    char target[64];
    *f = (struct fixture){.arena = arena_new(8 << 20)};
    lock_init(&f->lock, "fixture", 100);
    cond_init(&f->changed);
    call_init(&f->call, f->arena, "test", 60 * US_PER_S);
    f->request = PB_NEW(f->arena, taskrouter__tasks__v1__create_task_request);
    REQUIRE(rpc_server_open(&config, &f->server, &err) == ERR_OK);
    if (has_rpc)
        rpc_server_add(f->server, &service, f);
    REQUIRE(rpc_server_start(f->server, &err) == ERR_OK);
    rpc_server_set_serving(f->server, true);
    (void)snprintf(target, sizeof target, "127.0.0.1:%d", rpc_server_port(f->server));
    f->client = rpc_client_new(&(struct rpc_client_config){.target = target,
                                                           .peer = "routing-svc",
                                                           .self = "tests",
                                                           .token = SERVICE_TOKEN,
                                                           .as_service = true});
    f->decider = decider_open(&(struct decider_options){.routing = f->client});
}

static void fixture_close(struct fixture *f)
{
    decider_close(f->decider);
    lock_take(&f->lock);
    f->is_over = true;
    cond_broadcast(&f->changed);
    lock_drop(&f->lock);
    rpc_server_close(f->server);
    rpc_client_free(f->client);
    arena_free(f->arena);
    cond_fini(&f->changed);
    lock_fini(&f->lock);
}

static const decision *ask(struct fixture *f, const char *workspace_sid)
{
    f->request->workspace_sid = arena_strdup(f->arena, workspace_sid);
    return decider_ask(f->decider, &f->call, f->request);
}

static int asked(struct fixture *f)
{
    lock_take(&f->lock);
    int count = f->asked;
    lock_drop(&f->lock);
    return count;
}

static void without_rules_nothing_is_asked_for_a_while(void)
{
    struct fixture f;
    fixture_open(&f, true);
    CHECK(decider_has_to_ask(f.decider, NO_RULES));
    CHECK(ask(&f, NO_RULES) == NULL);
    CHECK(!decider_has_to_ask(f.decider, NO_RULES));
    CHECK(decider_has_to_ask(f.decider, HAS_RULES));
    fixture_close(&f);
}

static void with_rules_they_are_asked_each_time(void)
{
    struct fixture f;
    fixture_open(&f, true);
    f.request->attributes =
        arena_strdup(f.arena, "{\"from\":\"+1555\",\"to\":\"+1666\",\"text\":\"gas leak\"}");
    f.request->task_channel = arena_strdup(f.arena, "chat");
    f.request->_priority_case = TASKROUTER__TASKS__V1__CREATE_TASK_REQUEST___PRIORITY_PRIORITY;
    f.request->priority = 7;
    const decision *first = ask(&f, HAS_RULES);
    REQUIRE(first != NULL);
    CHECK_TEXT(first->task_queue_sid, "WQ1");
    CHECK_TEXT(f.seen, "+1555|+1666|gas leak|chat|7|"
                       "{\"from\":\"+1555\",\"to\":\"+1666\",\"text\":\"gas leak\"}");
    CHECK(decider_has_to_ask(f.decider, HAS_RULES));
    CHECK(ask(&f, HAS_RULES) != NULL);
    CHECK_I64(asked(&f), 2);
    fixture_close(&f);
}

static void attributes_that_are_no_object_are_left_to_others(void)
{
    struct fixture f;
    fixture_open(&f, true);
    f.request->attributes = arena_strdup(f.arena, "[1]");
    CHECK(ask(&f, HAS_RULES) == NULL);
    CHECK_I64(asked(&f), 0);
    fixture_close(&f);
}

static void who_does_not_answer_is_left_alone_for_a_moment(void)
{
    struct fixture f;
    fixture_open(&f, true);
    int64_t began_us = clock_mono_us();
    CHECK(ask(&f, SILENT) == NULL);
    CHECK(clock_mono_us() - began_us < 20 * US_PER_S); /* not the call's whole minute */
    int before = asked(&f);
    CHECK(ask(&f, SILENT) == NULL);
    CHECK_I64(asked(&f), before);
    fixture_close(&f);
}

static void who_is_not_there_decides_nothing(void)
{
    struct fixture f;
    fixture_open(&f, true);
    rpc_server_close(f.server);
    f.server = NULL;
    CHECK(ask(&f, HAS_RULES) == NULL);
    CHECK(!decider_has_to_ask(f.decider, HAS_RULES)); /* for a second */
    fixture_close(&f);
}

static void what_fails_decides_nothing_and_is_asked_again(void)
{
    struct fixture f;
    fixture_open(&f, true);
    CHECK(ask(&f, BROKEN) == NULL);
    CHECK(ask(&f, HAS_RULES) != NULL);
    CHECK_I64(asked(&f), 2);
    fixture_close(&f);
}

static void an_earlier_version_without_rules_has_none(void)
{
    struct fixture f;
    fixture_open(&f, false);
    CHECK(ask(&f, HAS_RULES) == NULL);
    CHECK(!decider_has_to_ask(f.decider, HAS_RULES));
    fixture_close(&f);
}

static const struct test_case cases[] = {
    {"without rules nothing is asked for a while",       without_rules_nothing_is_asked_for_a_while},
    {"with rules they are asked each time",              with_rules_they_are_asked_each_time       },
    {"attributes that are no object are left to others",
     attributes_that_are_no_object_are_left_to_others                                              },
    {"who does not answer is left alone for a moment",
     who_does_not_answer_is_left_alone_for_a_moment                                                },
    {"who is not there decides nothing",                 who_is_not_there_decides_nothing          },
    {"what fails decides nothing and is asked again",
     what_fails_decides_nothing_and_is_asked_again                                                 },
    {"an earlier version without rules has none",        an_earlier_version_without_rules_has_none },
};

int main(int argc, char **argv)
{
    return testing_main("svc decide", cases, ARRAY_LEN(cases), argc, argv);
}
