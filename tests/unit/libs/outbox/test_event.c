#include "base/clock.h"
#include "outbox/outbox.h"
#include "testing.h"

static struct outbox_event sample(void)
{
    struct outbox_event event = {
        .source = "/workers-svc",
        .type = "worker.activity.update",
        .workspace_sid = "WS00000000000000000000000000000001",
        .account_sid = "AC1",
        .subject_sid = "WK1",
        .version = 7,
        .at_us = INT64_C(1795379220123456),
        .request_id = "RQ1",
        .actor_sid = "US1",
        .data_json = STR("{\"worker\":{\"sid\":\"WK1\"}}"),
    };
    event.event_sid = sid_from(STR("EV1"));
    return event;
}

static void the_payload_is_a_cloud_event(void)
{
    struct outbox_event event = sample();
    struct buf out;
    buf_init(&out, 0);
    CHECK(outbox_event_payload(&event, NULL, &out));
    CHECK_STR(buf_str(&out),
              "{\"specversion\":\"1.0\",\"id\":\"EV1\",\"source\":\"/workers-svc\","
              "\"type\":\"com.taskrouter.worker.activity.update\",\"subject\":\"WK1\","
              "\"time\":\"2026-11-22T20:27:00.123456Z\",\"datacontenttype\":\"application/json\","
              "\"workspacesid\":\"WS00000000000000000000000000000001\",\"accountsid\":\"AC1\","
              "\"resourceversion\":7,\"requestid\":\"RQ1\",\"actorsid\":\"US1\","
              "\"actortype\":\"user\",\"data\":{\"worker\":{\"sid\":\"WK1\"}}}");
    buf_fini(&out);
}

static void what_is_unset_comes_from_the_call_or_is_left_out(void)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(4096);
    struct call call;
    call_init(&call, arena, "test", 0);
    call.who.actor_sid = "service:tasks-svc";
    memcpy(call.request_id, "RQ9", 4);
    struct outbox_event event = {.type = "task.created", .sequence = 42};
    event.at_us = 0;
    struct buf out;
    buf_init(&out, 0);
    CHECK(outbox_event_payload(&event, &call, &out));
    CHECK_STR(buf_str(&out),
              "{\"specversion\":\"1.0\",\"id\":\"\",\"source\":\"/taskrouter\","
              "\"type\":\"com.taskrouter.task.created\",\"time\":\"1970-01-01T00:00:00.000000Z\","
              "\"datacontenttype\":\"application/json\",\"resourceversion\":0,"
              "\"sequence\":\"42\",\"requestid\":\"RQ9\",\"actorsid\":\"service:tasks-svc\","
              "\"actortype\":\"service\",\"data\":{}}");
    buf_fini(&out);
}

static void texts_are_escaped(void)
{
    struct outbox_event event = sample();
    event.actor_sid = "\"\\\n";
    struct buf out;
    buf_init(&out, 0);
    CHECK(outbox_event_payload(&event, NULL, &out));
    CHECK(strstr(out.data, "\"actorsid\":\"\\\"\\\\\\n\",\"actortype\":\"system\"") != NULL);
    buf_fini(&out);
}

struct subject_row {
    const char *workspace;
    const char *type;
    const char *subject; /* NULL: refused */
};

static const struct subject_row subjects[] = {
    {"WS1",   "task.created",           "taskrouter.WS1.task.created"          },
    {"WS1",   "worker.activity.update", "taskrouter.WS1.worker.activity.update"},
    {"",      "token.revoked",          "taskrouter._.token.revoked"           },
    {NULL,    "token.revoked",          "taskrouter._.token.revoked"           },
    {"WS 1",  "task.created",           NULL                                   },
    {"WS1.x", "task.created",           NULL                                   },
    {"*",     "task.created",           NULL                                   },
    {"WS1",   "task.>",                 NULL                                   },
    {"WS1",   "task..created",          NULL                                   },
    {"WS1",   "task.",                  NULL                                   },
    {"WS1",   "",                       NULL                                   },
    {"WS1",   NULL,                     NULL                                   },
    {"WS1",   "task.cre\nated",         NULL                                   },
};

static void subjects_have_no_forbidden_parts(void)
{
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
        struct outbox_event event = {.workspace_sid = subjects[i].workspace,
                                     .type = subjects[i].type};
        struct buf out;
        buf_init(&out, 0);
        bool is_good = outbox_event_subject(&event, &out);
        CHECK_I64(is_good, subjects[i].subject != NULL);
        if (is_good)
            CHECK_TEXT(out.data, subjects[i].subject);
        buf_fini(&out);
    }
}

static void a_full_buffer_is_told(void)
{
    struct outbox_event event = sample();
    struct buf out;
    buf_init(&out, 20);
    CHECK(!outbox_event_payload(&event, NULL, &out));
    buf_fini(&out);
    buf_init(&out, 20);
    CHECK(!outbox_event_subject(&event, &out));
    buf_fini(&out);
}

static const struct test_case cases[] = {
    {"the payload is a CloudEvent",                      the_payload_is_a_cloud_event    },
    {"what is unset comes from the call or is left out",
     what_is_unset_comes_from_the_call_or_is_left_out                                    },
    {"texts are escaped",                                texts_are_escaped               },
    {"subjects have no forbidden parts",                 subjects_have_no_forbidden_parts},
    {"a full buffer is told",                            a_full_buffer_is_told           },
};

int main(int argc, char **argv)
{
    return testing_main("outbox event", cases, ARRAY_LEN(cases), argc, argv);
}
