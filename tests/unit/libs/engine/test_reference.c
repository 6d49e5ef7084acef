/* Rows of the reference's sections 5 to 9 that the stories in test_life and test_route do not tell.
 * The README has the whole table. */
#include "base/clock.h"
#include "testing.h"
#include "world.h"

#define Q1           "\"WQ00000000000000000000000000000001\""
#define Q2           "\"WQ00000000000000000000000000000002\""
#define Q3           "\"WQ00000000000000000000000000000003\""
#define DOC(f)       "{\"task_routing\":{\"filters\":[" f "]}}"
#define DOC_D(f, d)  "{\"task_routing\":{\"filters\":[" f "],\"default_filter\":{" d "}}}"
#define FILTER(e, t) "{\"expression\":\"" e "\",\"targets\":[" t "]}"

static int queue_of(struct world *w, const struct sid *task)
{
    struct task_row row = world_task(w, task);
    return world_number(&row.queue_sid);
}

/* Workflow 1 with this document, over queues 1 to 3 that take everybody. */
static void world_route(struct world *w, const char *text)
{
    world_init(w);
    for (int i = 1; i <= 3; i++)
        world_queue(w, i, "1==1");
    world_workflow(w, 1, 1, text);
}

/* One task, brought to a state; worker 1 holds it where a state needs one. */
static struct sid world_task_in(struct world *w, enum task_state state)
{
    world_init(w);
    world_one_queue(w);
    if (state != TASK_PENDING)
        world_worker(w, 1, "{}", 1);
    struct sid task = world_create(w, "{}");
    struct sid offer = world_last_offer(w, &task);
    if (state == TASK_ASSIGNED || state == TASK_WRAPPING || state == TASK_COMPLETED)
        CHECK_I64(world_act(w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    if (state == TASK_WRAPPING)
        CHECK_I64(world_act(w, ENGINE_WRAP_UP_TASK, &task), ERR_OK);
    if (state == TASK_COMPLETED)
        CHECK_I64(world_act(w, ENGINE_COMPLETE_TASK, &task), ERR_OK);
    if (state == TASK_CANCELED)
        CHECK_I64(world_act(w, ENGINE_CANCEL_TASK, &task), ERR_OK);
    CHECK_TEXT(world_task_state(w, &task), task_state_name(state));
    (void)world_events(w);
    return task;
}

/* --- section 5 ----------------------------------------------------------------------------- */

struct outcome {
    enum task_state from;
    enum engine_command_kind command;
    const char *to;
    const char *events; /* NULL: refused */
};

static void every_command_on_a_task_in_every_state_does_what_section_5_says(void)
{
    static const struct outcome outcomes[] = {
        {TASK_PENDING,   ENGINE_CANCEL_TASK,   "canceled",  "task.canceled"                       },
        {TASK_PENDING,   ENGINE_WRAP_UP_TASK,  "pending",   NULL                                  },
        {TASK_PENDING,   ENGINE_COMPLETE_TASK, "pending",   NULL                                  },
        {TASK_PENDING,   ENGINE_DELETE_TASK,   "gone",      "task.deleted"                        },
        {TASK_RESERVED,  ENGINE_CANCEL_TASK,   "canceled",  "task.canceled reservation.canceled"  },
        {TASK_RESERVED,  ENGINE_WRAP_UP_TASK,  "reserved",  NULL                                  },
        {TASK_RESERVED,  ENGINE_COMPLETE_TASK, "reserved",  NULL                                  },
        {TASK_RESERVED,  ENGINE_DELETE_TASK,   "gone",      "task.deleted reservation.canceled"   },
        {TASK_ASSIGNED,  ENGINE_CANCEL_TASK,   "assigned",  NULL                                  },
        {TASK_ASSIGNED,  ENGINE_WRAP_UP_TASK,  "wrapping",  "task.wrapup reservation.wrapup"      },
        {TASK_ASSIGNED,  ENGINE_COMPLETE_TASK, "completed", "task.completed reservation.completed"},
        {TASK_ASSIGNED,  ENGINE_DELETE_TASK,   "gone",      "task.deleted reservation.canceled"   },
        {TASK_WRAPPING,  ENGINE_CANCEL_TASK,   "wrapping",  NULL                                  },
        {TASK_WRAPPING,  ENGINE_WRAP_UP_TASK,  "wrapping",  NULL                                  },
        {TASK_WRAPPING,  ENGINE_COMPLETE_TASK, "completed", "task.completed reservation.completed"},
        {TASK_WRAPPING,  ENGINE_DELETE_TASK,   "gone",      "task.deleted reservation.canceled"   },
        {TASK_COMPLETED, ENGINE_CANCEL_TASK,   "completed", NULL                                  },
        {TASK_COMPLETED, ENGINE_WRAP_UP_TASK,  "completed", NULL                                  },
        {TASK_COMPLETED, ENGINE_COMPLETE_TASK, "completed", NULL                                  },
        {TASK_COMPLETED, ENGINE_DELETE_TASK,   "gone",      "task.deleted"                        },
        {TASK_CANCELED,  ENGINE_CANCEL_TASK,   "canceled",  NULL                                  },
        {TASK_CANCELED,  ENGINE_WRAP_UP_TASK,  "canceled",  NULL                                  },
        {TASK_CANCELED,  ENGINE_COMPLETE_TASK, "canceled",  NULL                                  },
        {TASK_CANCELED,  ENGINE_DELETE_TASK,   "gone",      "task.deleted"                        },
    };
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        const struct outcome *o = &outcomes[i];
        struct world w;
        struct sid task = world_task_in(&w, o->from);
        int64_t version = world_task(&w, &task).version;
        CHECK_I64(world_act(&w, o->command, &task),
                  o->events == NULL ? ERR_FAILED_PRECONDITION : ERR_OK);
        CHECK_TEXT(world_task_state(&w, &task), o->to);
        CHECK_TEXT(world_events(&w), o->events == NULL ? "" : o->events);
        if (o->events == NULL)
            CHECK_I64(world_task(&w, &task).version, version);
        world_fini(&w);
    }
}

static void every_change_counts_one_version_and_events_carry_it(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct engine_command command = {.kind = ENGINE_CREATE_TASK};
    command.create.workspace_sid = world_sid("WS", 1);
    CHECK_I64(engine_apply(w.engine, &command, w.now_us, &w.effects, &w.err), ERR_OK);
    static const int64_t want[] = {1, 1, 2, 2, 3}; /* created, entered | in its step | reserved */
    size_t count = 0;
    size_t rows = 0;
    for (const struct engine_effect *e = w.effects.first; e != NULL; e = e->next) {
        if (e->kind == ENGINE_TASK_ROW) {
            CHECK_I64(e->task->version, 3);
            CHECK_I64(e->task->state, TASK_RESERVED);
            rows++;
        }
        if (e->kind != ENGINE_EVENT)
            continue;
        REQUIRE(count < ARRAY_LEN(want));
        CHECK_I64(e->event->task->version, want[count]);
        CHECK_I64(e->event->task->state, count < 4 ? TASK_PENDING : TASK_RESERVED);
        count++;
    }
    CHECK_I64(count, ARRAY_LEN(want));
    CHECK_I64(rows, 1);
    world_fini(&w);
}

static void a_timeout_is_a_day_unless_given_and_two_weeks_at_most(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    struct sid task = world_create(&w, "{}");
    CHECK_I64(world_task(&w, &task).timeout_s, 86400);
    struct engine_command command = {.kind = ENGINE_CREATE_TASK};
    command.create =
        (struct engine_create){.workspace_sid = world_sid("WS", 1), .has_timeout = true};
    static const int64_t bad[] = {0, -1, 1209601, INT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        command.create.timeout_s = bad[i];
        CHECK_I64(world_do(&w, command), ERR_INVALID_ARGUMENT);
        CHECK_TEXT(w.err.field, "timeout");
    }
    command.create.timeout_s = 1209600;
    CHECK_I64(world_do(&w, command), ERR_OK);
    world_wait(&w, 86399);
    CHECK_TEXT(world_task_state(&w, &task), "pending");
    world_wait(&w, 1);
    CHECK_TEXT(world_task_state(&w, &task), "canceled");
    world_fini(&w);
}

static void age_counts_from_creation_whatever_the_virtual_start(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    struct engine_create create = {.has_timeout = true, .timeout_s = 100};
    struct sid first = world_create_with(&w, &create);
    world_wait(&w, 1);
    struct sid second = world_create(&w, "{}");
    struct engine_command command = {.kind = ENGINE_UPDATE_TASK};
    command.update = (struct engine_update){.sid = first,
                                            .workspace_sid = world_sid("WS", 1),
                                            .has_virtual_start = true,
                                            .virtual_start_us = w.now_us};
    world_wait(&w, 1);
    command.update.virtual_start_us = w.now_us;
    CHECK_I64(world_do(&w, command), ERR_OK); /* younger than the second one, in order only */
    world_worker(&w, 1, "{}", 1);
    CHECK_I64(world_offered_to(&w, &second), 1);
    world_wait(&w, 98);
    CHECK_TEXT(world_task_state(&w, &first), "canceled");
    world_fini(&w);
}

static void the_queue_entered_date_is_that_of_the_current_queue(void)
{
    struct world w;
    world_route(&w, DOC(FILTER("1==1", "{\"queue\":" Q1
                                       ",\"timeout\":10},{\"timeout\":10},{\"queue\":" Q2 "}")));
    struct sid task = world_create(&w, "{}");
    int64_t created_us = world_task(&w, &task).created_at_us;
    CHECK_I64(world_task(&w, &task).queue_entered_at_us, created_us);
    world_wait(&w, 10); /* the same queue */
    CHECK_I64(world_task(&w, &task).queue_entered_at_us, created_us);
    world_wait(&w, 10);
    CHECK_I64(world_task(&w, &task).queue_entered_at_us, created_us + 20 * US_PER_S);
    world_fini(&w);
}

/* --- section 6 ----------------------------------------------------------------------------- */

/* What each command does to a reservation in each state: NULL = refused. */
static void every_command_on_a_reservation_in_every_state_does_what_section_6_says(void)
{
    enum { KINDS = 5 };
    static const enum engine_command_kind kinds[KINDS] = {
        ENGINE_ACCEPT_RESERVATION, ENGINE_REJECT_RESERVATION, ENGINE_CANCEL_RESERVATION,
        ENGINE_WRAP_UP_RESERVATION, ENGINE_COMPLETE_RESERVATION};
    static const char *const to[RESERVATION_STATE_COUNT][KINDS] = {
        [RESERVATION_PENDING] = {"accepted", "rejected", "canceled", NULL,       NULL       },
        [RESERVATION_ACCEPTED] = {NULL,       NULL,       NULL,       "wrapping", "completed"},
        [RESERVATION_WRAPPING] = {NULL,       NULL,       NULL,       NULL,       "completed"},
    };
    for (int state = RESERVATION_PENDING; state < RESERVATION_STATE_COUNT; state++) {
        for (int k = 0; k < KINDS; k++) {
            struct world w;
            world_init(&w);
            world_one_queue(&w);
            world_queue_with(&w, 1, "1==1", 2, false);
            world_worker(&w, 1, "{}", 1);
            world_worker(&w, 2, "{}", 1);
            struct sid task = world_create(&w, "{}");
            struct sid offer = world_offer(&w, &task, 0);
            struct sid other = world_offer(&w, &task, 1);
            if (state == RESERVATION_REJECTED)
                CHECK_I64(world_act(&w, ENGINE_REJECT_RESERVATION, &offer), ERR_OK);
            if (state == RESERVATION_CANCELED)
                CHECK_I64(world_act(&w, ENGINE_CANCEL_RESERVATION, &offer), ERR_OK);
            if (state == RESERVATION_RESCINDED)
                CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &other), ERR_OK);
            if (state == RESERVATION_TIMEOUT)
                world_wait(&w, 120);
            if (state == RESERVATION_ACCEPTED || state == RESERVATION_WRAPPING ||
                state == RESERVATION_COMPLETED)
                CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
            if (state == RESERVATION_WRAPPING)
                CHECK_I64(world_act(&w, ENGINE_WRAP_UP_TASK, &task), ERR_OK);
            if (state == RESERVATION_COMPLETED)
                CHECK_I64(world_act(&w, ENGINE_COMPLETE_TASK, &task), ERR_OK);
            const char *name = reservation_state_name((enum reservation_state)state);
            CHECK_TEXT(world_reservation_state(&w, &offer), name);
            CHECK_I64(world_act(&w, kinds[k], &offer),
                      to[state][k] == NULL ? ERR_FAILED_PRECONDITION : ERR_OK);
            CHECK_TEXT(world_reservation_state(&w, &offer),
                       to[state][k] == NULL ? name : to[state][k]);
            world_fini(&w);
        }
    }
}

static void a_canceled_offer_frees_the_slot_and_the_task_is_offered_again(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    struct sid offer = world_last_offer(&w, &task);
    (void)world_events(&w);
    CHECK_I64(world_act(&w, ENGINE_CANCEL_RESERVATION, &offer), ERR_OK);
    CHECK_TEXT(world_events(&w), "reservation.canceled reservation.created");
    CHECK_I64(world_offered_to(&w, &task), 1);
    world_fini(&w);
}

static void the_offers_clock_starts_with_the_offer_and_knows_no_targets(void)
{
    struct world w;
    world_route(&w, DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"timeout\":130},{\"queue\":" Q2 "}")));
    struct sid task = world_create(&w, "{}");
    world_wait(&w, 100);
    world_worker(&w, 1, "{}", 1);
    struct sid offer = world_last_offer(&w, &task);
    world_wait(&w, 119); /* the step ended long ago */
    CHECK_TEXT(world_reservation_state(&w, &offer), "pending");
    world_wait(&w, 1);
    CHECK_TEXT(world_reservation_state(&w, &offer), "timeout");
    CHECK_I64(queue_of(&w, &task), 2);
    world_fini(&w);
}

static void an_accept_records_its_instruction(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    struct engine_command command = {.kind = ENGINE_ACCEPT_RESERVATION};
    command.action = (struct engine_action){.sid = world_last_offer(&w, &task),
                                            .workspace_sid = world_sid("WS", 1),
                                            .instruction = STR("call"),
                                            .instruction_data = STR("{\"to\":\"+1\"}")};
    CHECK_I64(world_do(&w, command), ERR_OK);
    world_reload(&w);
    struct reservation_row row;
    CHECK(engine_reservation_get(w.engine, &command.action.sid, &row));
    CHECK_STR(row.instruction, "call");
    CHECK_STR(row.instruction_data, "{\"to\":\"+1\"}");
    world_fini(&w);
}

/* --- section 7 ----------------------------------------------------------------------------- */

struct candidate {
    const char *attributes;
    int activity;
    int capacity;
    bool is_channel_available;
    bool is_wanted;
};

static void a_worker_is_eligible_only_when_all_of_section_7_holds(void)
{
    static const struct candidate candidates[] = {
        {"{\"team\":1,\"langs\":[\"de\"]}", 1, 1, true,  true },
        {"{\"team\":2,\"langs\":[\"de\"]}", 1, 1, true,  false}, /* not in the queue */
        {"{\"team\":1,\"langs\":[\"de\"]}", 3, 1, true,  false}, /* activity */
        {"{\"team\":1,\"langs\":[\"de\"]}", 1, 0, true,  false}, /* capacity */
        {"{\"team\":1,\"langs\":[\"de\"]}", 1, 1, false, false}, /* channel */
        {"{\"team\":1,\"langs\":[\"en\"]}", 1, 1, true,  false}, /* target expression */
    };
    for (size_t i = 0; i < ARRAY_LEN(candidates); i++) {
        struct world w;
        world_init(&w);
        world_queue(&w, 1, "team == 1");
        world_workflow(
            &w, 1, 1,
            DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"expression\":\"task.lang IN worker.langs\"}")));
        struct engine_worker_channel channel = {world_sid("TC", 1), candidates[i].capacity,
                                                candidates[i].is_channel_available};
        struct engine_command command = {.kind = ENGINE_PUT_WORKER};
        command.worker =
            (struct engine_worker){.sid = world_sid("WK", 1),
                                   .workspace_sid = world_sid("WS", 1),
                                   .version = w.version++,
                                   .name = STR("w"),
                                   .attributes = str_from(candidates[i].attributes),
                                   .activity_sid = world_sid("WA", candidates[i].activity),
                                   .channels = &channel,
                                   .channel_count = 1};
        CHECK_I64(world_do(&w, command), ERR_OK);
        struct sid task = world_create(&w, "{\"lang\":\"de\"}");
        CHECK_I64(world_offered_to(&w, &task), candidates[i].is_wanted ? 1 : 0);
        /* The same when he is there only after the task. */
        channel.is_available = true;
        channel.capacity = 1;
        command.worker.version = w.version++;
        command.worker.activity_sid = world_sid("WA", 1);
        command.worker.attributes = STR("{\"team\":1,\"langs\":[\"de\"]}");
        CHECK_I64(world_do(&w, command), ERR_OK);
        CHECK_I64(world_offered_to(&w, &task), 1);
        world_fini(&w);
    }
}

static void multitasking_leaves_the_activity_alone(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker(&w, 1, "{}", 1);
    struct sid task = world_create(&w, "{}");
    struct sid offer = world_last_offer(&w, &task);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    CHECK_I64(world_act(&w, ENGINE_COMPLETE_TASK, &task), ERR_OK);
    CHECK_I64(w.override_count, 0);
    world_fini(&w);
}

static void the_capacity_percentage_counts_what_is_pending_too(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_queue(&w, 2, "channel.default.available_capacity_percentage == 33");
    world_queue(&w, 3, "channel.default.available_capacity_percentage == 0");
    world_workflow(&w, 1, 1, DOC(FILTER("1==1", "{\"queue\":" Q1 "}")));
    world_worker_with(&w, 1, "{}", 1, 3, false);
    struct engine_create create = {.routing_target = world_sid("WQ", 2), .channel = STR("voice")};
    struct sid third = world_create_with(&w, &create);
    (void)world_create(&w, "{}");
    CHECK_I64(world_offered_to(&w, &third), 0);
    (void)world_create(&w, "{}"); /* two of three */
    CHECK_I64(world_offered_to(&w, &third), 1);
    create = (struct engine_create){.routing_target = world_sid("WK", 1)};
    (void)world_create_with(&w, &create);
    (void)world_create_with(&w, &create); /* forced beyond three: 0, not less */
    create = (struct engine_create){.routing_target = world_sid("WQ", 3), .channel = STR("voice")};
    CHECK_I64(world_act(&w, ENGINE_CANCEL_TASK, &third), ERR_OK);
    struct sid none = world_create_with(&w, &create);
    CHECK_I64(world_offered_to(&w, &none), 1);
    world_fini(&w);
}

/* --- section 8 ----------------------------------------------------------------------------- */

static void a_later_target_inherits_the_queue_and_nothing_else(void)
{
    struct world w;
    world_route(&w, DOC(FILTER("1==1", "{\"queue\":" Q1
                                       ",\"priority\":7,\"timeout\":10,\"expression\":\"worker.l "
                                       "== 1\",\"order_by\":\"worker.l DESC\"},{\"timeout\":10}")));
    world_worker(&w, 1, "{\"l\":2}", 1);
    world_worker(&w, 2, "{\"l\":3}", 1);
    struct sid task = world_create(&w, "{}");
    CHECK_I64(world_offered_to(&w, &task), 0);
    world_wait(&w, 10);
    CHECK_I64(world_offered_to(&w, &task), 1); /* any worker, by idle time */
    CHECK_I64(queue_of(&w, &task), 1);
    CHECK_I64(world_task(&w, &task).priority, 7); /* left as it is */
    world_fini(&w);
}

/* --- section 9 ----------------------------------------------------------------------------- */

static void a_target_without_timeout_and_skip_lasts_until_the_end(void)
{
    struct world w;
    world_route(&w, DOC(FILTER("1==1", "{\"queue\":" Q1 "},{\"queue\":" Q2 ",\"timeout\":1}")));
    struct sid task = world_create(&w, "{}");
    world_wait(&w, 86399);
    CHECK_I64(queue_of(&w, &task), 1);
    world_wait(&w, 1);
    CHECK_STR(world_task(&w, &task).reason, "Task TTL Exceeded");
    world_fini(&w);
}

static void skipping_out_goes_on_with_later_filters_and_then_the_default(void)
{
    struct world w;
    world_route(&w, DOC_D(FILTER("1==1", "{\"queue\":" Q1 ",\"skip_if\":\"1==1\"}") "," FILTER(
                              "a == 1", "{\"queue\":" Q2 ",\"timeout\":10}"),
                          "\"queue\":" Q3));
    struct sid later = world_create(&w, "{\"a\":1}");
    struct sid last = world_create(&w, "{\"a\":2}");
    CHECK_I64(queue_of(&w, &later), 2);
    CHECK_I64(queue_of(&w, &last), 3);
    world_wait(&w, 10); /* a timeout, not a skip: no default */
    CHECK_TEXT(world_task_state(&w, &later), "canceled");
    CHECK_TEXT(world_task_state(&w, &last), "pending");
    world_fini(&w);
}

/* 9.2, with choice (a) of row 21.1: at 8 s the task is still in Q1's time. */
static void the_documentations_example_of_clocks(void)
{
    struct world w;
    world_route(&w, DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"timeout\":10},{\"queue\":" Q2
                                       ",\"timeout\":10},{\"queue\":" Q3 ",\"timeout\":10}")));
    struct engine_command command = *w.configs[w.config_count - 1];
    command.workflow.version = w.version++;
    command.workflow.task_reservation_timeout_s = 5;
    CHECK_I64(world_do(&w, command), ERR_OK);
    struct sid task = world_create(&w, "{}");
    world_wait(&w, 3);
    world_worker(&w, 1, "{}", 1);
    CHECK_I64(world_offered_to(&w, &task), 1);
    world_wait(&w, 5);
    CHECK_TEXT(world_task_state(&w, &task), "pending");
    CHECK_I64(queue_of(&w, &task), 1);
    world_wait(&w, 2);
    CHECK_I64(queue_of(&w, &task), 2);
    struct task_row row = world_task(&w, &task);
    CHECK_I64(row.step_deadline_us, row.created_at_us + 20 * US_PER_S);
    world_wait(&w, 10);
    CHECK_I64(queue_of(&w, &task), 3);
    world_wait(&w, 10);
    CHECK_TEXT(world_task_state(&w, &task), "canceled");
    world_fini(&w);
}

static void a_life_that_ends_with_a_step_ends(void)
{
    struct world w;
    world_route(&w, DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"timeout\":60},{\"queue\":" Q2 "}")));
    struct engine_create create = {.has_timeout = true, .timeout_s = 60};
    struct sid task = world_create_with(&w, &create);
    (void)world_events(&w);
    world_wait(&w, 60);
    CHECK_TEXT(world_events(&w), "task.canceled");
    CHECK_STR(world_task(&w, &task).reason, "Task TTL Exceeded");
    world_fini(&w);
}

static void order_by_goes_clause_by_clause_and_missing_comes_last(void)
{
    struct world w;
    world_route(
        &w, DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"order_by\":\"worker.a DESC, worker.b ASC\"}")));
    world_worker(&w, 1, "{\"b\":0}", 1);
    world_worker(&w, 2, "{\"a\":1,\"b\":2}", 1);
    world_worker(&w, 3, "{\"a\":1,\"b\":1}", 1);
    world_worker(&w, 4, "{\"a\":2}", 1);
    world_worker(&w, 5, "{\"a\":1}", 1);
    static const int want[] = {4, 3, 2, 5, 1};
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        struct sid task = world_create(&w, "{}");
        CHECK_I64(world_offered_to(&w, &task), want[i]);
    }
    world_fini(&w);
}

static void an_optimized_channel_ignores_work_on_others(void)
{
    for (int is_optimized = 0; is_optimized < 2; is_optimized++) {
        struct world w;
        world_init(&w);
        world_one_queue(&w);
        struct engine_command command = {.kind = ENGINE_PUT_CHANNEL};
        command.channel = (struct engine_channel){.sid = world_sid("TC", 2),
                                                  .workspace_sid = world_sid("WS", 1),
                                                  .version = w.version++,
                                                  .unique_name = STR("voice"),
                                                  .is_optimized = is_optimized == 1};
        CHECK_I64(world_do(&w, command), ERR_OK);
        world_worker_with(&w, 1, "{}", 1, 5, false);
        world_worker_with(&w, 2, "{}", 1, 5, false);
        struct engine_create voice = {.channel = STR("voice")};
        struct sid task = world_create_with(&w, &voice); /* voice: 1 */
        CHECK_I64(world_offered_to(&w, &task), 1);
        CHECK_I64(world_act(&w, ENGINE_CANCEL_TASK, &task), ERR_OK);
        task = world_create(&w, "{}"); /* default: 2 */
        CHECK_I64(world_offered_to(&w, &task), 2);
        task = world_create_with(&w, &voice);
        CHECK_I64(world_offered_to(&w, &task), is_optimized == 1 ? 2 : 1);
        world_fini(&w);
    }
}

static void tasks_of_several_fifo_queues_compare_as_if_in_one(void)
{
    struct world w;
    world_route(
        &w, DOC(FILTER("q == 1", "{\"queue\":" Q1 "}") "," FILTER("q == 2", "{\"queue\":" Q2 "}")));
    struct sid old = world_create(&w, "{\"q\":1}");
    struct sid urgent = world_create_priority(&w, "{\"q\":2}", 3);
    struct sid middle = world_create_priority(&w, "{\"q\":1}", 2);
    world_worker(&w, 1, "{}", 1);
    const struct sid *want[] = {&urgent, &middle, &old};
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        CHECK_I64(world_offered_to(&w, want[i]), 1);
        CHECK_I64(world_act(&w, ENGINE_CANCEL_TASK, want[i]), ERR_OK);
    }
    world_fini(&w);
}

static void a_known_worker_must_be_in_the_queue_and_fit_the_expression(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "team == 1");
    world_queue(&w, 2, "1==1");
    world_workflow(
        &w, 1, 1,
        DOC(FILTER("1==1", "{\"queue\":" Q1 ",\"timeout\":10,\"known_worker_sid\":\"task.agent\","
                           "\"expression\":\"worker.l > 0\"},{\"queue\":" Q2 "}")));
    world_worker_with(&w, 1, "{\"team\":2,\"l\":1}", 1, 9, false);
    world_worker_with(&w, 2, "{\"team\":1,\"l\":0}", 1, 9, false);
    world_worker_with(&w, 3, "{\"team\":1,\"l\":1}", 1, 9, false);
    static const char *const nobody[] = {
        "{\"agent\":\"WK00000000000000000000000000000001\"}", /* not in the queue */
        "{\"agent\":\"WK00000000000000000000000000000002\"}", /* the expression */
        "{\"agent\":\"WK00000000000000000000000000000099\"}", /* unknown */
        "{\"agent\":\"somebody\"}",
        "{\"agent\":null}",
        "{\"agent\":7}",
        "{}",
    };
    for (size_t i = 0; i < ARRAY_LEN(nobody); i++) {
        struct sid task = world_create(&w, nobody[i]);
        CHECK_I64(world_offered_to(&w, &task), 0);
        world_wait(&w, 10); /* stays in the step until its time is up */
        CHECK(world_offered_to(&w, &task) != 0);
        CHECK_I64(queue_of(&w, &task), 2);
        CHECK_I64(world_act(&w, ENGINE_CANCEL_TASK, &task), ERR_OK);
    }
    struct engine_command command = {.kind = ENGINE_CREATE_TASK};
    command.create = (struct engine_create){
        .workspace_sid = world_sid("WS", 1),
        .attributes = STR("{\"agent\":\"WK00000000000000000000000000000003\"}")};
    CHECK_I64(engine_apply(w.engine, &command, w.now_us, &w.effects, &w.err), ERR_OK);
    int told = 0;
    for (const struct engine_effect *e = w.effects.first; e != NULL; e = e->next) {
        if (e->kind == ENGINE_EVENT &&
            world_number(&engine_event_more(e->event)->known_worker_sid) == 3)
            told++;
    }
    CHECK_I64(told, 2); /* workflow.target-matched and reservation.created */
    world_fini(&w);
}

static void a_task_may_be_routed_to_a_workflow(void)
{
    struct world w;
    world_route(&w, DOC(FILTER("1==1", "{\"queue\":" Q1 "}")));
    world_workflow(&w, 2, 1, DOC(FILTER("1==1", "{\"queue\":" Q2 "}")));
    struct engine_create create = {.routing_target = world_sid("WW", 2)};
    struct sid task = world_create_with(&w, &create);
    CHECK_I64(queue_of(&w, &task), 2);
    struct engine_command command = {.kind = ENGINE_CREATE_TASK};
    command.create.workspace_sid = world_sid("WS", 1);
    CHECK_I64(world_do(&w, command), ERR_INVALID_ARGUMENT); /* two: it must be named */
    CHECK_TEXT(w.err.reason, "WORKFLOW_REQUIRED");
    world_fini(&w);
}

static const struct test_case cases[] = {
    {"every command on a task in every state does what section 5 says",
     every_command_on_a_task_in_every_state_does_what_section_5_says                                                      },
    {"every change counts one version and events carry it",
     every_change_counts_one_version_and_events_carry_it                                                                  },
    {"a timeout is a day unless given, and two weeks at most",
     a_timeout_is_a_day_unless_given_and_two_weeks_at_most                                                                },
    {"age counts from creation whatever the virtual start",
     age_counts_from_creation_whatever_the_virtual_start                                                                  },
    {"the queue-entered date is that of the current queue",
     the_queue_entered_date_is_that_of_the_current_queue                                                                  },
    {"every command on a reservation in every state does what section 6 says",
     every_command_on_a_reservation_in_every_state_does_what_section_6_says                                               },
    {"a canceled offer frees the slot and the task is offered again",
     a_canceled_offer_frees_the_slot_and_the_task_is_offered_again                                                        },
    {"the offer's clock starts with the offer and knows no targets",
     the_offers_clock_starts_with_the_offer_and_knows_no_targets                                                          },
    {"an accept records its instruction",                                      an_accept_records_its_instruction          },
    {"a worker is eligible only when all of section 7 holds",
     a_worker_is_eligible_only_when_all_of_section_7_holds                                                                },
    {"multitasking leaves the activity alone",                                 multitasking_leaves_the_activity_alone     },
    {"the capacity percentage counts what is pending too",
     the_capacity_percentage_counts_what_is_pending_too                                                                   },
    {"a later target inherits the queue and nothing else",
     a_later_target_inherits_the_queue_and_nothing_else                                                                   },
    {"a target without timeout and skip lasts until the end",
     a_target_without_timeout_and_skip_lasts_until_the_end                                                                },
    {"skipping out goes on with later filters and then the default",
     skipping_out_goes_on_with_later_filters_and_then_the_default                                                         },
    {"the documentation's example of clocks",                                  the_documentations_example_of_clocks       },
    {"a life that ends with a step ends",                                      a_life_that_ends_with_a_step_ends          },
    {"order_by goes clause by clause and missing comes last",
     order_by_goes_clause_by_clause_and_missing_comes_last                                                                },
    {"an optimized channel ignores work on others",                            an_optimized_channel_ignores_work_on_others},
    {"tasks of several FIFO queues compare as if in one",
     tasks_of_several_fifo_queues_compare_as_if_in_one                                                                    },
    {"a known worker must be in the queue and fit the expression",
     a_known_worker_must_be_in_the_queue_and_fit_the_expression                                                           },
    {"a task may be routed to a workflow",                                     a_task_may_be_routed_to_a_workflow         },
};

int main(int argc, char **argv)
{
    return testing_main("engine reference", cases, ARRAY_LEN(cases), argc, argv);
}
