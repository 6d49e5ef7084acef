/* A decision laid over a request, and what is kept of it. */
#include "svc/decide.h"

#include <string.h>

#include "base/macros.h"
#include "jx/jx.h"
#include "rpc/pb.h"
#include "testing.h"

enum { ARENA_BYTES = 4 << 20 };

typedef Taskrouter__Routing__V1__Decision decision;
typedef Taskrouter__Routing__V1__AppliedRule applied;
typedef Taskrouter__Tasks__V1__CreateTaskRequest create;

struct fixture {
    struct arena *arena;
    struct call call;
    create *request;
    decision *decision;
    struct err err;
};

static void fixture_open(struct fixture *f)
{
    *f = (struct fixture){.arena = arena_new(ARENA_BYTES)};
    call_init(&f->call, f->arena, "test", 0);
    f->request = PB_NEW(f->arena, taskrouter__tasks__v1__create_task_request);
    f->decision = PB_NEW(f->arena, taskrouter__routing__v1__decision);
    REQUIRE(f->request != NULL && f->decision != NULL);
}

static char *text(struct fixture *f, const char *value)
{
    return arena_strdup(f->arena, value);
}

static applied *rule(struct fixture *f, const char *sid, const char *name, size_t actions)
{
    applied *out = PB_NEW(f->arena, taskrouter__routing__v1__applied_rule);
    out->sid = text(f, sid);
    out->name = text(f, name);
    out->version = 3;
    out->actions = ARENA_ARRAY(f->arena, Taskrouter__Routing__V1__RuleAction *, actions + 1);
    for (size_t i = 0; i < actions; i++) {
        Taskrouter__Routing__V1__RuleAction *action =
            PB_NEW(f->arena, taskrouter__routing__v1__rule_action);
        action->type = TASKROUTER__ROUTING__V1__RULE_ACTION_TYPE__RULE_ACTION_TYPE_ROUTE_TO_QUEUE;
        action->target = text(f, "WQ00000000000000000000000000000001");
        action->target_name = text(f, "Emergency Queue");
        action->attributes = text(f, "{\"long\":true}");
        out->actions[out->n_actions++] = action;
    }
    return out;
}

static void rules_decide_what_names_no_destination(void)
{
    struct fixture f;
    fixture_open(&f);
    CHECK(decide_is_open(f.request));
    f.request->task_queue_sid = text(&f, "WQ1");
    CHECK(!decide_is_open(f.request));
    f.request->task_queue_sid = text(&f, "");
    f.request->routing_target = text(&f, "WK1");
    CHECK(!decide_is_open(f.request));
    f.request->routing_target = text(&f, "");
    f.request->workflow_sid = text(&f, "WW1");
    CHECK(!decide_is_open(f.request));
    f.request->workflow_sid = text(&f, "");
    f.request->decided = true;
    CHECK(!decide_is_open(f.request));
    arena_free(f.arena);
}

static void only_services_may_say_that_rules_have_decided(void)
{
    struct fixture f;
    fixture_open(&f);
    f.call.who.role = ROLE_ADMIN;
    CHECK_I64(decide_check(&f.call, f.request, &f.err), ERR_OK);
    f.request->decided = true;
    CHECK_I64(decide_check(&f.call, f.request, &f.err), ERR_PERMISSION_DENIED);
    CHECK_TEXT(f.err.reason, "SERVICES_ONLY");
    f.call.who.role = ROLE_SERVICE;
    CHECK_I64(decide_check(&f.call, f.request, &f.err), ERR_OK);
    arena_free(f.arena);
}

static void the_request_s_own_words_win(void)
{
    struct fixture f;
    fixture_open(&f);
    applied *rules[] = {rule(&f, "RR1", "Emergency", 1)};
    f.decision->task_queue_sid = text(&f, "WQ1");
    f.decision->attributes = text(&f, "{\"a\":1,\"urgent\":true}");
    f.decision->_priority_case = TASKROUTER__ROUTING__V1__DECISION___PRIORITY_PRIORITY;
    f.decision->priority = 100;
    f.decision->_timeout_case = TASKROUTER__ROUTING__V1__DECISION___TIMEOUT_TIMEOUT;
    f.decision->timeout = 60;
    f.decision->rules = rules;
    f.decision->n_rules = 1;
    f.request->attributes = text(&f, "{\"a\":1}");
    f.request->_priority_case = TASKROUTER__TASKS__V1__CREATE_TASK_REQUEST___PRIORITY_PRIORITY;
    f.request->priority = 5;
    CHECK_I64(decide_apply(&f.call, f.decision, f.request, &f.err), ERR_OK);
    CHECK_TEXT(f.request->routing_target, "WQ1");
    CHECK_TEXT(f.request->workflow_sid, "");
    CHECK_TEXT(f.request->attributes, "{\"a\":1,\"urgent\":true}");
    CHECK_I64(f.request->priority, 5);
    CHECK_I64(f.request->timeout, 60);
    CHECK(f.request->_timeout_case != 0);
    CHECK(f.request->decided);
    CHECK_I64(f.request->n_rules, 1);
    arena_free(f.arena);
}

static void a_worker_or_a_workflow_is_a_destination_too(void)
{
    struct fixture f;
    fixture_open(&f);
    f.decision->worker_sid = text(&f, "WK1");
    CHECK_I64(decide_apply(&f.call, f.decision, f.request, &f.err), ERR_OK);
    CHECK_TEXT(f.request->routing_target, "WK1");
    f.request->routing_target = text(&f, "");
    f.decision->worker_sid = text(&f, "");
    f.decision->workflow_sid = text(&f, "WW1");
    CHECK_I64(decide_apply(&f.call, f.decision, f.request, &f.err), ERR_OK);
    CHECK_TEXT(f.request->workflow_sid, "WW1");
    CHECK_TEXT(f.request->routing_target, "");
    arena_free(f.arena);
}

/* So many letters in a member that rules have added. */
static char *long_attributes(struct fixture *f, int letters)
{
    return arena_printf(f->arena, "{\"a\":1,\"x\":\"%0*d\"}", letters, 0);
}

static void attributes_that_would_be_too_long_stay_as_they_are(void)
{
    struct fixture f;
    fixture_open(&f);
    f.request->attributes = text(&f, "{\"a\":1}");
    f.decision->attributes = long_attributes(&f, JX_ATTRIBUTES_CHARS);
    f.decision->workflow_sid = text(&f, "WW1");
    CHECK_I64(decide_apply(&f.call, f.decision, f.request, &f.err), ERR_OK);
    CHECK_TEXT(f.request->attributes, "{\"a\":1}");
    CHECK_TEXT(f.request->workflow_sid, "WW1");
    arena_free(f.arena);
}

static void a_task_at_twilio_has_its_rules_among_the_attributes(void)
{
    struct fixture f;
    fixture_open(&f);
    applied *rules[] = {rule(&f, "RR1", "Emergency", 1), rule(&f, "RR2", "VIP", 0)};
    f.request->attributes = text(&f, "{\"a\":1}");
    CHECK_I64(decide_mark(&f.call, f.request, &f.err), ERR_OK);
    CHECK_TEXT(f.request->attributes, "{\"a\":1}");
    f.request->rules = rules;
    f.request->n_rules = 2;
    CHECK_I64(decide_mark(&f.call, f.request, &f.err), ERR_OK);
    CHECK_TEXT(f.request->attributes, "{\"a\":1,\"routing_rules\":[\"RR1\",\"RR2\"]}");
    CHECK_I64(f.request->n_rules, 0);
    f.request->attributes = long_attributes(&f, JX_ATTRIBUTES_CHARS - 20);
    f.request->n_rules = 2;
    const char *before = f.request->attributes;
    CHECK_I64(decide_mark(&f.call, f.request, &f.err), ERR_OK);
    CHECK_TEXT(f.request->attributes, before);
    arena_free(f.arena);
}

static void rules_go_into_an_event_and_come_back(void)
{
    struct fixture f;
    fixture_open(&f);
    applied *rules[] = {rule(&f, "RR1", "Emergency", 2), rule(&f, "RR2", "VIP", 0)};
    applied **read = NULL;
    size_t count = 0;
    const char *told = decide_rules_text(f.arena, rules, 2);
    REQUIRE(told != NULL);
    CHECK(strstr(told, "long") == NULL);
    REQUIRE(decide_rules_read(f.arena, str_from(told), &read, &count));
    REQUIRE(count == 2);
    CHECK_TEXT(read[0]->sid, "RR1");
    CHECK_TEXT(read[0]->name, "Emergency");
    CHECK_I64(read[0]->version, 3);
    REQUIRE(read[0]->n_actions == 2);
    CHECK_TEXT(read[0]->actions[1]->target_name, "Emergency Queue");
    CHECK_TEXT(read[1]->sid, "RR2");
    CHECK_TEXT(decide_rules_text(f.arena, rules, 0), "");
    CHECK(!decide_rules_read(f.arena, STR(""), &read, &count));
    CHECK(!decide_rules_read(f.arena, STR("{}"), &read, &count));
    CHECK(!decide_rules_read(f.arena, STR("[1]"), &read, &count));
    arena_free(f.arena);
}

static void of_too_many_rules_the_first_are_kept(void)
{
    struct fixture f;
    applied *rules[64];
    applied **read = NULL;
    size_t count = 0;
    fixture_open(&f);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        rules[i] = rule(&f, arena_printf(f.arena, "RR%zu", i), "A rule with a name", 1);
    const char *told = decide_rules_text(f.arena, rules, ARRAY_LEN(rules));
    REQUIRE(told != NULL);
    CHECK(strlen(told) <= 4096);
    REQUIRE(decide_rules_read(f.arena, str_from(told), &read, &count));
    CHECK(count > 10 && count < ARRAY_LEN(rules));
    CHECK_TEXT(read[0]->sid, "RR0");
    arena_free(f.arena);
}

static const struct test_case cases[] = {
    {"rules decide what names no destination",              rules_decide_what_names_no_destination     },
    {"only services may say that rules have decided",
     only_services_may_say_that_rules_have_decided                                                     },
    {"the request's own words win",                         the_request_s_own_words_win                },
    {"a worker or a workflow is a destination too",         a_worker_or_a_workflow_is_a_destination_too},
    {"attributes that would be too long stay as they are",
     attributes_that_would_be_too_long_stay_as_they_are                                                },
    {"a task at Twilio has its rules among the attributes",
     a_task_at_twilio_has_its_rules_among_the_attributes                                               },
    {"rules go into an event and come back",                rules_go_into_an_event_and_come_back       },
    {"of too many rules the first are kept",                of_too_many_rules_the_first_are_kept       },
};

int main(int argc, char **argv)
{
    return testing_main("svc decide", cases, ARRAY_LEN(cases), argc, argv);
}
