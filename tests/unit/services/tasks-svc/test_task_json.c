/* Tasks and reservations straight as JSON: the same text as by way of their messages. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/macros.h"
#include "pbjson/pbjson.h"
#include "task_json.h"
#include "task_wire.h"
#include "testing.h"

static struct sid sid_of(const char *text)
{
    return sid_from(str_from(text));
}

static const struct task_row *full_task(void)
{
    static struct task_row row;
    row = (struct task_row){
        .sid = sid_of("WT00000000000000000000000000000001"),
        .account_sid = sid_of("AC00000000000000000000000000000002"),
        .workspace_sid = sid_of("WS00000000000000000000000000000003"),
        .state = TASK_WRAPPING,
        .version = 7,
        .attributes = STR("{\"city\":\"K\xC3\xB6ln\"}"),
        .priority = -5,
        .reason = STR("a \"reason\"\n"),
        .timeout_s = 86400,
        .queue_sid = sid_of("WQ00000000000000000000000000000004"),
        .queue_name = STR("queue"),
        .channel_sid = sid_of("TC00000000000000000000000000000005"),
        .channel_name = STR("voice"),
        .workflow_sid = sid_of("WW00000000000000000000000000000006"),
        .workflow_name = STR("work\\flow"),
        .ignore_capacity = true,
        .routing_target = sid_of("WK00000000000000000000000000000007"),
        .worker_sid = sid_of("WK00000000000000000000000000000008"),
        .call_id = STR("call"),
        .created_at_us = INT64_C(1790000000123456),
        .updated_at_us = INT64_C(1790000001000000),
        .virtual_start_us = -1,
        .queue_entered_at_us = INT64_C(1790000000000001),
        .workflow_version = 3,
    };
    return &row;
}

static const struct reservation_row *full_reservation(void)
{
    static struct reservation_row row;
    row = (struct reservation_row){
        .sid = sid_of("WR00000000000000000000000000000001"),
        .account_sid = sid_of("AC00000000000000000000000000000002"),
        .workspace_sid = sid_of("WS00000000000000000000000000000003"),
        .task_sid = sid_of("WT00000000000000000000000000000004"),
        .worker_sid = sid_of("WK00000000000000000000000000000005"),
        .worker_name = STR("J\xC3\xBCrgen"),
        .state = RESERVATION_ACCEPTED,
        .version = 2,
        .timeout_s = 120,
        .queue_sid = sid_of("WQ00000000000000000000000000000006"),
        .workflow_sid = sid_of("WW00000000000000000000000000000007"),
        .instruction = STR("call"),
        .instruction_data = STR("{\"from\":\"+1\"}"),
        .created_at_us = INT64_C(1790000000123456),
        .updated_at_us = INT64_C(1790000001000000),
    };
    return &row;
}

static void check_same(struct arena *arena, const ProtobufCMessage *message, struct buf *text)
{
    struct str want = {NULL, 0};
    REQUIRE(message != NULL);
    REQUIRE(pbjson_text(message, &pbjson_canonical, arena, &want, NULL) == ERR_OK);
    REQUIRE(!buf_failed(text));
    CHECK_TEXT(text->data, want.ptr);
    buf_fini(text);
}

static void check_task(const struct task_row *row, int64_t now_us)
{
    struct arena *arena = arena_new(1 << 20);
    struct buf text;
    buf_init(&text, 0);
    task_json_put(&text, row, now_us);
    check_same(arena, &task_to_wire(arena, row, now_us)->base, &text);
    arena_free(arena);
}

static void check_reservation(const struct reservation_row *row)
{
    struct arena *arena = arena_new(1 << 20);
    struct buf text;
    buf_init(&text, 0);
    reservation_json_put(&text, row);
    check_same(arena, &reservation_to_wire(arena, row)->base, &text);
    arena_free(arena);
}

static void test_full(void)
{
    check_task(full_task(), INT64_C(1790000042000000));
    check_reservation(full_reservation());
}

static void test_empty(void)
{
    struct task_row task = {.sid = sid_of("")};
    struct reservation_row reservation = {.sid = sid_of("")};
    check_task(&task, 0);
    check_reservation(&reservation);
}

static void test_states(void)
{
    struct task_row task = *full_task();
    struct reservation_row reservation = *full_reservation();
    for (int state = 0; state < TASK_STATE_COUNT; state++) {
        task.state = (enum task_state)state;
        check_task(&task, 0);
    }
    for (int state = 0; state < RESERVATION_STATE_COUNT; state++) {
        reservation.state = (enum reservation_state)state;
        check_reservation(&reservation);
    }
}

/* A field that is added to the message is to be written here too: every one is set above. */
static void test_every_field(void)
{
    CHECK_I64(taskrouter__tasks__v1__task__descriptor.n_fields, 27); /* reservation_sid: replies */
    CHECK_I64(taskrouter__tasks__v1__reservation__descriptor.n_fields, 15);
}

static const struct test_case cases[] = {
    {"with every field set",    test_full       },
    {"with none set",           test_empty      },
    {"in every state",          test_states     },
    {"no field has been added", test_every_field},
};

int main(int argc, char **argv)
{
    return testing_main("task JSON", cases, ARRAY_LEN(cases), argc, argv);
}
