/* What the router says about its decisions. */
#include "base/clock.h"
#include "testing.h"
#include "world.h"

#define Q1           "\"WQ00000000000000000000000000000001\""
#define Q2           "\"WQ00000000000000000000000000000002\""
#define DOC(f)       "{\"task_routing\":{\"filters\":[" f "]}}"
#define FILTER(e, t) "{\"filter_friendly_name\":\"f\",\"expression\":\"" e "\",\"targets\":[" t "]}"

/* --- why this worker: what is written down with the offer ------------------------------------ */

/* Runs a command and gives the facts of the index-th offer that it made; zeroes when there is none.
 */
static struct engine_offer offer_of(struct world *w, struct engine_command command, int index)
{
    struct engine_offer found = {0};
    CHECK_I64(engine_apply(w->engine, &command, w->now_us, &w->effects, &w->err), ERR_OK);
    for (const struct engine_effect *e = w->effects.first; e != NULL; e = e->next) {
        if (e->kind != ENGINE_EVENT || e->event->type != ENGINE_EVENT_RESERVATION_CREATED ||
            index-- != 0)
            continue;
        if (e->event->offer != NULL)
            found = *e->event->offer;
    }
    found.order_values = arena_str(w->arena, found.order_values);
    found.next_order_values = arena_str(w->arena, found.next_order_values);
    engine_effects_reset(&w->effects);
    return found;
}

static struct engine_command create_task(const char *attributes)
{
    struct engine_command command = {.kind = ENGINE_CREATE_TASK};
    command.create = (struct engine_create){.workspace_sid = world_sid("WS", 1),
                                            .attributes = str_from(attributes)};
    return command;
}

static void an_offer_tells_who_was_asked_and_who_would_have_been_next(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    for (int i = 1; i <= 6; i++)
        world_worker(&w, i, "{}", i == 6 ? 2 : 1);
    struct engine_offer offer = offer_of(&w, create_task("{}"), 0);
    CHECK_I64(offer.qualified, 6);
    CHECK_I64(offer.free, 5);
    CHECK_I64(offer.waiting, 1);
    CHECK_I64(offer.last_sequence, 0);
    CHECK_I64(world_number(&offer.next_sid), 2);
    CHECK_I64(offer.next_sequence, 0);
    CHECK_STR(offer.order_values, "");
    for (int i = 0; i < 4; i++)
        offer = offer_of(&w, create_task("{}"), 0);
    CHECK_I64(offer.free, 1); /* the last one */
    CHECK_I64(sid_is_set(&offer.next_sid), 0);
    world_fini(&w);
}

static void several_offers_name_each_other_and_the_one_behind_them(void)
{
    struct world w;
    world_init(&w);
    world_queue_with(&w, 1, "1==1", 2, false);
    world_workflow(&w, 1, 1, DOC(FILTER("1==1", "{\"queue\":" Q1 "}")));
    for (int i = 1; i <= 3; i++)
        world_worker(&w, i, "{}", 1);
    struct engine_command create = create_task("{}");
    struct engine_offer second = offer_of(&w, create, 1);
    CHECK_I64(second.rank, 1);
    CHECK_I64(world_number(&second.next_sid), 3);
    world_fini(&w);
    world_init(&w);
    world_queue_with(&w, 1, "1==1", 2, false);
    world_workflow(&w, 1, 1, DOC(FILTER("1==1", "{\"queue\":" Q1 "}")));
    for (int i = 1; i <= 3; i++)
        world_worker(&w, i, "{}", 1);
    struct engine_offer first = offer_of(&w, create, 0);
    CHECK_I64(first.rank, 0);
    CHECK_I64(world_number(&first.next_sid), 2);
    world_fini(&w);
}

static void an_offer_tells_the_values_that_put_him_first(void)
{
    struct world w;
    world_init(&w);
    world_queue(&w, 1, "1==1");
    world_workflow(&w, 1, 1,
                   DOC(FILTER("1==1", "{\"queue\":" Q1
                                      ",\"order_by\":\"worker.level DESC, worker.age ASC\"}")));
    world_worker(&w, 1, "{\"level\":1}", 1);
    world_worker(&w, 2, "{\"level\":3,\"age\":50}", 1);
    world_worker(&w, 3, "{\"level\":3}", 1);
    struct engine_offer offer = offer_of(&w, create_task("{}"), 0);
    CHECK_STR(offer.order_values, "level=3, age=50");
    CHECK_I64(world_number(&offer.next_sid), 3);
    CHECK_STR(offer.next_order_values, "level=3, age=none");
    world_fini(&w);
}

static void an_offer_remembers_the_one_before_it(void)
{
    struct world w;
    world_init(&w);
    world_one_queue(&w);
    world_worker_with(&w, 1, "{}", 1, 2, false);
    struct sid task = world_create(&w, "{}");
    struct sid before = world_last_offer(&w, &task);
    struct reservation_row row;
    REQUIRE(engine_reservation_get(w.engine, &before, &row));
    int64_t sequence = row.sequence;
    world_reload(&w);
    struct engine_offer offer = offer_of(&w, create_task("{}"), 0);
    CHECK_I64(offer.last_sequence, sequence);
    world_fini(&w);
}

static const struct test_case cases[] = {
    {"an offer tells who was asked and who would have been next",
     an_offer_tells_who_was_asked_and_who_would_have_been_next                                                },
    {"several offers name each other and the one behind them",
     several_offers_name_each_other_and_the_one_behind_them                                                   },
    {"an offer tells the values that put him first",              an_offer_tells_the_values_that_put_him_first},
    {"an offer remembers the one before it",                      an_offer_remembers_the_one_before_it        },
};

int main(int argc, char **argv)
{
    return testing_main("engine explain", cases, ARRAY_LEN(cases), argc, argv);
}
