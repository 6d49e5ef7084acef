#include "bus/event.h"

#include "testing.h"

static struct arena *arena;
static struct bus_event event;
static struct err err;

static enum err_code parse(const char *text)
{
    arena_reset(arena);
    event = (struct bus_event){0};
    return bus_event_parse(arena, str_from(text), &event, &err);
}

static void the_envelope_is_read(void)
{
    CHECK_I64(parse("{\"specversion\":\"1.0\",\"id\":\"EV1\",\"source\":\"/tasks-svc\","
                    "\"type\":\"com.taskrouter.task.created\",\"subject\":\"WT1\","
                    "\"time\":\"2026-11-22T20:27:00.5Z\",\"datacontenttype\":\"application/json\","
                    "\"workspacesid\":\"WS1\",\"accountsid\":\"AC1\",\"resourceversion\":7,"
                    "\"requestid\":\"RQ1\",\"actorsid\":\"US1\",\"actortype\":\"user\","
                    "\"sequence\":\"42\",\"future\":[1],\"data\":{\"a\":{\"b\":[1,\"é\"]}}}"),
              ERR_OK);
    CHECK_STR(event.id, "EV1");
    CHECK_STR(event.source, "/tasks-svc");
    CHECK_STR(event.type, "task.created");
    CHECK_STR(event.resource_sid, "WT1");
    CHECK_STR(event.workspace_sid, "WS1");
    CHECK_STR(event.account_sid, "AC1");
    CHECK_STR(event.request_id, "RQ1");
    CHECK_STR(event.actor_sid, "US1");
    CHECK_STR(event.actor_type, "user");
    CHECK_STR(event.data, "{\"a\":{\"b\":[1,\"é\"]}}");
    CHECK_I64(event.version, 7);
    CHECK_I64(event.sequence, 42);
    CHECK_I64(event.at_us, INT64_C(1795379220500000));
}

static void what_is_absent_is_empty(void)
{
    CHECK_I64(parse("{\"id\":\"EV1\",\"type\":\"x\",\"subject\":5}"), ERR_OK);
    CHECK_STR(event.type, "x");
    CHECK_STR(event.resource_sid, "");
    CHECK_STR(event.data, "{}");
    CHECK_I64(event.version, 0);
}

static void what_is_no_event_is_refused(void)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{\"id\":\"EV1\"}",
        "{\"type\":\"x\"}",
        "{\"id\":\"EV1\",\"type\":\"x\",\"time\":\"yesterday\"}",
        "{\"id\":\"EV1\",\"type\":\"x\",\"data\":[]}",
        "{\"id\":\"EV1\",\"type\":\"x\",\"resourceversion\":-5}",
        "{\"id\":\"EV1\",\"type\":\"x\",\"sequence\":\"-1\"}",
        "{\"id\":\"EV1\",\"type\":\"x\",\"sequence\":1.5}",
        "{\"id\":\"EV1\",\"type\":\"x\"",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK_I64(parse(bad[i]), ERR_INVALID_ARGUMENT);
        CHECK(event.id.ptr == NULL);
    }
}

static void a_full_arena_is_told_from_a_bad_event(void)
{
    struct arena *small = arena_new(8);
    CHECK_I64(
        bus_event_parse(small, STR("{\"id\":\"EV000000000000\",\"type\":\"x\"}"), &event, &err),
        ERR_RESOURCE_EXHAUSTED);
    arena_free(small);
}

static const struct test_case cases[] = {
    {"the envelope is read",                  the_envelope_is_read                 },
    {"what is absent is empty",               what_is_absent_is_empty              },
    {"what is no event is refused",           what_is_no_event_is_refused          },
    {"a full arena is told from a bad event", a_full_arena_is_told_from_a_bad_event},
};

int main(int argc, char **argv)
{
    arena = arena_new(1 << 20);
    int failed = testing_main("event", cases, ARRAY_LEN(cases), argc, argv);
    arena_free(arena);
    return failed;
}
