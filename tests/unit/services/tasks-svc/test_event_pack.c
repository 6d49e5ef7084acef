/* Events of a commit as a block and back. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "event_agree.h"
#include "event_pack.h"
#include "event_record.h"
#include "testing.h"

#define NOW_US INT64_C(1764190000123456)

static struct sid sid_of(const char *prefix, uint16_t number)
{
    return sid_make(prefix, NOW_US, number, 0x0123456789abcdefU + number);
}

static struct task_row task_of(uint16_t number)
{
    return (struct task_row){
        .sid = sid_of("WT", number),
        .account_sid = sid_of("AC", 1),
        .workspace_sid = sid_of("WS", 1),
        .state = TASK_RESERVED,
        .version = 3,
        .attributes = STR("{\"type\":\"perm\\u0069t\", \"n\": [1,-2]}"),
        .priority = -7,
        .reason = STR("why"),
        .timeout_s = 86400,
        .queue_sid = sid_of("WQ", 1),
        .queue_name = STR("Permits \xC3\xA9"),
        .channel_sid = sid_of("TC", 1),
        .channel_name = STR("voice"),
        .workflow_sid = sid_of("WW", 1),
        .workflow_name = STR("All"),
        .ignore_capacity = true,
        .routing_target = sid_of("WK", 9),
        .worker_sid = sid_of("WK", 1),
        .call_id = STR("call 1"),
        .created_at_us = NOW_US - 5 * US_PER_S,
        .updated_at_us = NOW_US,
        .virtual_start_us = NOW_US - 7 * US_PER_S,
        .queue_entered_at_us = NOW_US + US_PER_S,
        .workflow_version = 4,
    };
}

static struct reservation_row reservation_of(const struct task_row *task)
{
    return (struct reservation_row){
        .sid = sid_of("WR", 11),
        .account_sid = task->account_sid,
        .workspace_sid = task->workspace_sid,
        .task_sid = task->sid,
        .worker_sid = sid_of("WK", 1),
        .worker_name = STR("bob"),
        .state = RESERVATION_ACCEPTED,
        .version = 2,
        .timeout_s = 120,
        .queue_sid = task->queue_sid,
        .workflow_sid = task->workflow_sid,
        .channel_sid = task->channel_sid,
        .created_at_us = NOW_US,
        .updated_at_us = NOW_US,
        .instruction = STR("accept"),
        .instruction_data = STR("{\"a\":1}"),
    };
}

static const struct engine_worker_ref worker = {
    .sid = {"WK00000000000000000000000000000001"},
    .version = 12,
    .name = {      "bob",                                   3},
    .attributes = {      "{\"skills\":[\"a\"]}",                                  16},
    .activity_sid = {      "WA00000000000000000000000000000001"                                   },
    .activity_name = { "Idle",                                    4},
    .channel_capacity = 3,
    .channel_consumed = 1,
};

static const struct engine_offer offer = {
    .qualified = 12,
    .free = 3,
    .waiting = 2,
    .rank = 1,
    .is_lifo = true,
    .is_channel_clock = true,
    .last_sequence = 7000,
    .order_values = {"level=3, age=none",                  17},
    .next_sid = {"WK00000000000000000000000000000002"},
    .next_sequence = 7001,
    .next_order_values = {"level=3, age=4",                                  14  },
};

static struct engine_event_more told; /* as event_of fills it */

static struct engine_event event_of(enum engine_event_type type, uint16_t number,
                                    const struct task_row *task,
                                    const struct reservation_row *reservation)
{
    told = (struct engine_event_more){
        .previous_queue_sid = sid_of("WQ", 2),
        .known_worker_sid = sid_of("WK", 5),
        .wanted_activity_sid = sid_of("WA", 2),
        .previous_queue_name = STR("Before"),
        .filter_name = STR("first"),
        .filter_expression = STR("type == 'permit'"),
        .target_expression = STR("level > 3"),
        .instruction = STR("dequeue"),
        .instruction_data = STR("{\"to\":\"+1\"}"),
        .rules = STR("[{\"sid\":\"RR1\"}]"),
    };
    return (struct engine_event){
        .sid = sid_of("EV", number),
        .sequence = number,
        .type = type,
        .at_us = NOW_US,
        .task = task,
        .reservation = reservation,
        .worker = reservation == NULL ? NULL : &worker,
        .queue_expression = STR("1==1"),
        .reason = STR("timeout"),
        .more = &told,
        .offer = reservation == NULL ? NULL : &offer,
    };
}

static void check_row(struct arena *arena, const struct packed_event *got,
                      const struct engine_event *event)
{
    struct event_writer writer = {.arena = arena};
    struct event_row want;
    struct event_row text = got->row;
    event_record_head(event, &want);
    REQUIRE(event_record_text(&writer, event, &want, NULL) == ERR_OK);
    REQUIRE(got->own != NULL);
    REQUIRE(event_record_text(&writer, got->own, &text, NULL) == ERR_OK);
    CHECK_TEXT(text.data.ptr, want.data.ptr);
    struct buf both;
    buf_init(&both, 0);
    buf_text(&both, "before");
    CHECK(event_data_put(&writer, got->own, &both));
    CHECK_TEXT(both.data, arena_printf(arena, "before%s", want.data.ptr));
    buf_fini(&both);
    CHECK_TEXT(text.extras.ptr, want.extras.ptr);
    CHECK_TEXT(text.sid, want.sid);
    CHECK_TEXT(text.type, want.type);
    CHECK_TEXT(text.resource_type, want.resource_type);
    CHECK_TEXT(text.resource_sid, want.resource_sid);
    CHECK_I64(text.resource_version, want.resource_version);
    CHECK_TEXT(text.task_sid, want.task_sid);
    CHECK_TEXT(text.worker_sid, want.worker_sid);
    CHECK_TEXT(text.reservation_sid, want.reservation_sid);
    CHECK_TEXT(text.queue_sid, want.queue_sid);
    CHECK_TEXT(text.workflow_sid, want.workflow_sid);
    CHECK_I64(text.occurred_at_us, want.occurred_at_us);
    CHECK_TEXT(text.source, want.source);
}

/* Events on two tasks, and one of another service. */
struct sample {
    struct task_row tasks[2];
    struct reservation_row reservation;
    struct engine_event events[3];
    struct event_row foreign;
};

static void sample_init(struct sample *sample)
{
    sample->tasks[0] = task_of(1);
    sample->tasks[1] = (struct task_row){.sid = sid_of("WT", 2), .state = TASK_PENDING};
    sample->reservation = reservation_of(&sample->tasks[0]);
    sample->events[0] = event_of(ENGINE_EVENT_TASK_QUEUE_MOVED, 101, &sample->tasks[0], NULL);
    sample->events[1] =
        event_of(ENGINE_EVENT_RESERVATION_ACCEPTED, 102, &sample->tasks[0], &sample->reservation);
    sample->events[2] = (struct engine_event){.sid = sid_of("EV", 103),
                                              .type = ENGINE_EVENT_TASK_CREATED,
                                              .at_us = NOW_US,
                                              .task = &sample->tasks[1]};
    sample->foreign = (struct event_row){
        .sid = "EV-not-one-of-ours",
        .account_sid = sample->tasks[0].account_sid.text,
        .workspace_sid = sample->tasks[0].workspace_sid.text,
        .type = "worker.updated",
        .resource_type = "worker",
        .resource_sid = "WK1",
        .resource_version = 5,
        .task_sid = "",
        .worker_sid = "WK1",
        .reservation_sid = "",
        .queue_sid = "",
        .workflow_sid = "",
        .occurred_at_us = NOW_US - 2 * (int64_t)EVENT_LATE_US,
        .actor_sid = "US1",
        .request_id = "RQ1",
        .source = "/workers-svc",
        .data = STR("{\"worker\":{}}"),
        .extras = STR("{}"),
    };
}

static void pack(struct event_packer *packer, const struct sample *sample,
                 struct packed_events *out)
{
    event_pack_begin(packer, NOW_US);
    for (size_t i = 0; i < ARRAY_LEN(sample->events); i++)
        event_pack_own(packer, &sample->events[i], i == 0 ? "US1" : "", i == 0 ? "RQ7" : "");
    event_pack_foreign(packer, &sample->foreign);
    REQUIRE(event_pack_end(packer, out, NULL) == ERR_OK);
}

static void test_round_trip(void)
{
    struct arena *arena = arena_new(1 << 20);
    struct event_packer packer;
    struct sample sample;
    sample_init(&sample);
    event_packer_init(&packer);
    for (int round = 0; round < 2; round++) { /* the packer is used again */
        struct packed_events block;
        struct packed_event *events = NULL;
        size_t count = 0;
        pack(&packer, &sample, &block);
        CHECK_I64(block.count, 4);
        CHECK_I64(block.at_us, NOW_US);
        CHECK_I64(block.oldest_us, sample.foreign.occurred_at_us);
        REQUIRE(event_unpack(arena, block.payload, 41, &events, &count, NULL) == ERR_OK);
        REQUIRE(count == 4);
        for (size_t i = 0; i < ARRAY_LEN(sample.events); i++) {
            check_row(arena, &events[i], &sample.events[i]);
            CHECK_I64(events[i].row.seq, 41 + (int64_t)i);
        }
        CHECK_TEXT(events[0].row.actor_sid, "US1");
        CHECK_TEXT(events[0].row.request_id, "RQ7");
        CHECK_TEXT(events[1].row.actor_sid, "");
        CHECK(events[3].own == NULL);
        CHECK_TEXT(events[3].row.sid, sample.foreign.sid);
        CHECK_TEXT(events[3].row.worker_sid, "WK1");
        CHECK_TEXT(events[3].row.source, "/workers-svc");
        CHECK_TEXT(events[3].row.data.ptr, "{\"worker\":{}}");
        CHECK_I64(events[3].row.occurred_at_us, sample.foreign.occurred_at_us);
        CHECK_I64(events[3].row.seq, 44);
    }
    event_packer_fini(&packer);
    arena_free(arena);
}

static bool has_key(const struct packed_events *block, const char *text)
{
    for (size_t i = 0; i < block->key_count; i++) {
        if (block->keys[i] == event_key(str_from(text)))
            return true;
    }
    return false;
}

static void test_keys(void)
{
    struct event_packer packer;
    struct packed_events block;
    struct sample sample;
    sample_init(&sample);
    event_packer_init(&packer);
    pack(&packer, &sample, &block);
    const char *const wanted[] = {sample.tasks[0].workspace_sid.text,
                                  sample.tasks[0].sid.text,
                                  sample.tasks[1].sid.text,
                                  sample.reservation.sid.text,
                                  worker.sid.text,
                                  sample.tasks[0].queue_sid.text,
                                  sample.tasks[0].workflow_sid.text,
                                  "task-queue.moved",
                                  "reservation.accepted",
                                  "task.created",
                                  "worker.updated",
                                  "WK1",
                                  sample.foreign.sid,
                                  EVENT_KEY_LATE};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        CHECK(has_key(&block, wanted[i]));
    CHECK(!has_key(&block, sample.events[0].sid.text)); /* found by the time in it */
    CHECK_I64(event_key(STR("WT00000000000000010000000000000000")), 1);
    event_packer_fini(&packer);
}

static void test_before(void)
{
    static const char text[] =
        "[[\"EV1\", \"AC1\", \"WS1\", \"task.created\", \"task\", \"WT1\", 3, \"WT1\", \"\", \"\", "
        "\"WQ1\", \"WW1\", 1764190000123456, \"US1\", \"RQ1\", \"/tasks-svc\", "
        "\"{\\\"task\\\":{}}\", \"{}\"]]";
    struct arena *arena = arena_new(1 << 20);
    struct packed_event *events = NULL;
    size_t count = 0;
    REQUIRE(event_unpack(arena, str_from(text), 9, &events, &count, NULL) == ERR_OK);
    REQUIRE(count == 1);
    CHECK(events[0].own == NULL);
    CHECK_I64(events[0].row.seq, 9);
    CHECK_TEXT(events[0].row.type, "task.created");
    CHECK_TEXT(events[0].row.queue_sid, "WQ1");
    CHECK_TEXT(events[0].row.data.ptr, "{\"task\":{}}");
    CHECK_I64(events[0].row.occurred_at_us, NOW_US);
    arena_free(arena);
}

/* Every byte changed and every length cut: an error or other events, never an overrun. */
static void test_damage(void)
{
    struct event_packer packer;
    struct packed_events block;
    struct sample sample;
    sample_init(&sample);
    event_packer_init(&packer);
    pack(&packer, &sample, &block);
    for (size_t i = 0; i < block.payload.len; i++) {
        for (int how = 0; how < 3; how++) {
            size_t len = how == 0 ? i : block.payload.len;
            char *copy = malloc(len + 1);
            REQUIRE(copy != NULL);
            memcpy(copy, block.payload.ptr, len);
            if (how > 0)
                copy[i] = (char)(how == 1 ? ~copy[i] : copy[i] + 1);
            struct arena *arena = arena_new(1 << 20);
            struct packed_event *events = NULL;
            size_t count = 0;
            enum err_code code =
                event_unpack(arena, (struct str){copy, len}, 1, &events, &count, NULL);
            CHECK(code == ERR_OK || code == ERR_INTERNAL || code == ERR_RESOURCE_EXHAUSTED);
            arena_free(arena);
            free(copy);
        }
    }
    event_packer_fini(&packer);
}

/* The sample's events as an engine makes them. */
struct made {
    struct engine_event events[3];
    struct engine_effect effects[3];
    struct engine_effects all;
};

static void made_init(struct made *made, const struct sample *sample)
{
    *made = (struct made){.all = {.first = &made->effects[0]}};
    for (size_t i = 0; i < ARRAY_LEN(made->effects); i++) {
        made->events[i] = sample->events[i];
        made->effects[i] = (struct engine_effect){.kind = ENGINE_EVENT, .event = &made->events[i]};
        if (i > 0)
            made->effects[i - 1].next = &made->effects[i];
    }
}

static enum err_code agree(const struct packed_events *block, int64_t count,
                           const struct made *made)
{
    struct arena *arena = arena_new(1 << 20);
    struct err err = {0};
    enum err_code code = event_agree(arena, block->payload, count, &made->all, &err);
    CHECK(code == ERR_OK || strcmp(err.reason, "FOLLOW_DIVERGED") == 0);
    arena_free(arena);
    return code;
}

static void test_agree(void)
{
    struct event_packer packer;
    struct packed_events block;
    struct sample sample;
    struct made made;
    sample_init(&sample);
    event_packer_init(&packer);
    pack(&packer, &sample, &block);
    made_init(&made, &sample);
    CHECK_I64(agree(&block, 4, &made), ERR_OK);
    made.events[1].sid = sid_of("EV", 999); /* counted from elsewhere */
    CHECK_I64(agree(&block, 4, &made), ERR_OK);
    CHECK_I64(agree(&block, 3, &made), ERR_FAILED_PRECONDITION);
    made.effects[1].next = NULL; /* one less */
    CHECK_I64(agree(&block, 4, &made), ERR_FAILED_PRECONDITION);
    event_packer_fini(&packer);
}

static void test_disagree(void)
{
    struct event_packer packer;
    struct packed_events block;
    struct sample sample;
    struct made made;
    sample_init(&sample);
    event_packer_init(&packer);
    pack(&packer, &sample, &block);
    made_init(&made, &sample);
    made.events[1].at_us++;
    CHECK_I64(agree(&block, 4, &made), ERR_FAILED_PRECONDITION);
    made_init(&made, &sample);
    made.events[1].type = ENGINE_EVENT_RESERVATION_REJECTED;
    CHECK_I64(agree(&block, 4, &made), ERR_FAILED_PRECONDITION);
    struct reservation_row other = sample.reservation;
    other.worker_sid = sid_of("WK", 2);
    made_init(&made, &sample);
    made.events[1].reservation = &other;
    CHECK_I64(agree(&block, 4, &made), ERR_FAILED_PRECONDITION);
    other = sample.reservation;
    other.version++;
    CHECK_I64(agree(&block, 4, &made), ERR_FAILED_PRECONDITION);
    made_init(&made, &sample);
    struct engine_effect more = {.kind = ENGINE_EVENT, .event = &made.events[2]};
    made.effects[2].next = &more;
    CHECK_I64(agree(&block, 4, &made), ERR_FAILED_PRECONDITION);
    CHECK_I64(agree(&(struct packed_events){0}, 0, &made), ERR_FAILED_PRECONDITION);
    made.all.first = NULL;
    CHECK_I64(agree(&(struct packed_events){0}, 0, &made), ERR_OK);
    event_packer_fini(&packer);
}

/* Between two of our own: read like them, keeps its own words, and is nothing to agree about. */
static void test_mirrored(void)
{
    struct arena *arena = arena_new(1 << 20);
    struct event_packer packer;
    struct packed_events block;
    struct packed_event *events = NULL;
    struct sample sample;
    size_t count = 0;
    sample_init(&sample);
    sample.events[1].sid = (struct sid){"EVfefefefefefefefefefefefefefefefe"};
    event_packer_init(&packer);
    event_pack_begin(&packer, NOW_US);
    event_pack_own(&packer, &sample.events[0], "", "");
    event_pack_mirrored(&packer, &sample.events[1], "US7", "RQ8",
                        &(struct event_origin){"/twilio", "task.unheard-of", STR("{\"a\":\"b\"}")});
    event_pack_own(&packer, &sample.events[2], "", "");
    REQUIRE(event_pack_end(&packer, &block, NULL) == ERR_OK);
    REQUIRE(event_unpack(arena, block.payload, 1, &events, &count, NULL) == ERR_OK);
    REQUIRE(count == 3);
    CHECK(!events[0].is_mirrored && events[1].is_mirrored && !events[2].is_mirrored);
    CHECK_TEXT(events[1].row.sid, sample.events[1].sid.text);
    CHECK_TEXT(events[1].row.type, "task.unheard-of");
    CHECK_TEXT(events[1].row.source, "/twilio");
    CHECK_TEXT(events[1].row.actor_sid, "US7");
    CHECK_TEXT(events[1].row.extras.ptr, "{\"a\":\"b\"}");
    CHECK_TEXT(events[1].own->task->sid.text, sample.events[1].task->sid.text);
    check_row(arena, &events[2], &sample.events[2]);
    bool is_keyed = false;
    for (size_t i = 0; i < block.key_count; i++)
        is_keyed = is_keyed || block.keys[i] == event_key(str_from(sample.events[1].sid.text));
    CHECK(is_keyed); /* its SID does not hold the time */
    struct engine_effect effects[2] = {
        {.kind = ENGINE_EVENT, .event = &sample.events[0]},
        {.kind = ENGINE_EVENT, .event = &sample.events[2]}
    };
    effects[0].next = &effects[1];
    const struct engine_effects made = {.first = effects};
    CHECK_I64(event_agree(arena, block.payload, 3, &made, NULL), ERR_OK);
    event_packer_fini(&packer);
    arena_free(arena);
}

static const struct test_case cases[] = {
    {"an engine that decided the same agrees",           test_agree     },
    {"one that decided otherwise in anything does not",  test_disagree  },
    {"what was packed comes back as it was",             test_round_trip},
    {"a block can be looked up by what it tells of",     test_keys      },
    {"a block of before the log was packed is read",     test_before    },
    {"an event that is mirrored keeps its own words",    test_mirrored  },
    {"a damaged block is an error and never an overrun", test_damage    },
};

int main(int argc, char **argv)
{
    return testing_main("event pack", cases, ARRAY_LEN(cases), argc, argv);
}
