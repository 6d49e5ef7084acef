/* What statistics count over time: sums, waits by length, ranges, stays. */
#include "figures.h"

#include "base/clock.h"
#include "stat_range.h"
#include "stays.h"
#include "testing.h"

#define DAY_US    (86400 * US_PER_S)
#define HOUR_US   (3600 * US_PER_S)
#define MINUTE_US (60 * US_PER_S)

static void accept_after(struct figures *figures, struct arena *arena, int64_t wait_ms)
{
    figures_add_wait(figures, arena, WAIT_ACCEPTED, wait_ms);
    figures->counts[FIGURE_RESERVATIONS_ACCEPTED]++;
}

static void waits_keep_sum_least_and_most(void)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(1 << 20);
    struct figures a = {0};
    struct figures b = {0};
    struct figures none = {0};
    accept_after(&a, arena, 5500);
    accept_after(&a, arena, 1200);
    accept_after(&b, arena, 900);
    accept_after(&b, arena, -40); /* a clock set back */
    figures_add(&a, arena, &none, true);
    CHECK_I64(a.waits[WAIT_ACCEPTED].min_ms, 1200);
    figures_add(&none, arena, &a, true);
    CHECK_I64(none.waits[WAIT_ACCEPTED].min_ms, 1200);
    figures_add(&a, arena, &b, true);
    CHECK_I64(a.waits[WAIT_ACCEPTED].sum_ms, 7600);
    CHECK_I64(a.waits[WAIT_ACCEPTED].min_ms, 0);
    CHECK_I64(a.waits[WAIT_ACCEPTED].max_ms, 5500);
    CHECK_I64(figures_wait_count(&a, WAIT_ACCEPTED), 4);
    CHECK_I64(figures_wait_count(&a, WAIT_CANCELED), 0);
}

static void waits_by_length_survive_their_text(void)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(1 << 20);
    struct figures figures = {0};
    struct wait_counts read = {0};
    struct str text;
    int64_t below = 0;
    int64_t above = 0;
    static const int64_t waits_ms[] = {8100, 5999, 5000, 0, 8999, 5001, 86400000};
    CHECK(wait_counts_encode(&figures.accepted, arena, &text));
    CHECK_I64(text.len, 0);
    for (size_t i = 0; i < ARRAY_LEN(waits_ms); i++)
        accept_after(&figures, arena, waits_ms[i]);
    CHECK(wait_counts_encode(&figures.accepted, arena, &text));
    CHECK(str_eq_text(text, "0:1 5:3 8:2 86400:1"));
    CHECK(wait_counts_decode(text, arena, &read));
    wait_counts_split(&read, 5, &below, &above);
    CHECK_I64(below, 1);
    CHECK_I64(above, 6);
    wait_counts_split(&read, 6, &below, &above);
    CHECK_I64(below, 4);
    CHECK_I64(above, 3);
    static const char *const bad[] = {"5", "5:", ":3", "5:0", "x:1", "5:3,6:1", "-1:2"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK(!wait_counts_decode(str_from(bad[i]), arena, &read));
}

static void a_full_arena_is_noticed(void)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(512);
    struct figures figures = {0};
    for (int i = 0; i < 1000; i++)
        accept_after(&figures, arena, i * INT64_C(1000));
    CHECK(arena_is_exhausted(arena));
}

/* Every minute of the range exactly once, and no more than five pieces. */
static void check_pieces(int64_t start_us, int64_t end_us, enum stat_level coarsest)
{
    struct stat_piece pieces[STAT_PIECES_MAX];
    size_t count = stat_pieces(start_us, end_us, coarsest, pieces);
    int64_t at_us = start_us;
    CHECK(count <= STAT_PIECES_MAX);
    for (size_t i = 0; i < count; i++) {
        int64_t unit_us = stat_level_us(pieces[i].level);
        CHECK_I64(pieces[i].from_us, at_us);
        CHECK(pieces[i].to_us > pieces[i].from_us);
        CHECK(pieces[i].level <= coarsest);
        CHECK_I64(pieces[i].from_us % unit_us, 0);
        CHECK_I64(pieces[i].to_us % unit_us, 0);
        at_us = pieces[i].to_us;
    }
    CHECK_I64(at_us, end_us);
}

static void a_range_is_cut_without_gap_or_overlap(void)
{
    const int64_t base_us = 20000 * DAY_US;
    static const int64_t minutes[] = {0, 1, 59, 60, 61, 1439, 1440, 1441, 2880, 4321};
    for (size_t i = 0; i < ARRAY_LEN(minutes); i++) {
        for (size_t j = i; j < ARRAY_LEN(minutes); j++) {
            for (enum stat_level level = STAT_MINUTE; level <= STAT_DAY; level++)
                check_pieces(base_us + minutes[i] * MINUTE_US, base_us + minutes[j] * MINUTE_US,
                             level);
        }
    }
    struct stat_piece pieces[STAT_PIECES_MAX];
    size_t count = stat_pieces(base_us - HOUR_US - MINUTE_US, base_us + 30 * DAY_US + HOUR_US,
                               STAT_DAY, pieces);
    REQUIRE(count == 4);
    CHECK_I64(pieces[0].level, STAT_MINUTE);
    CHECK_I64(pieces[1].level, STAT_HOUR);
    CHECK_I64(pieces[2].level, STAT_DAY);
    CHECK_I64(pieces[2].to_us - pieces[2].from_us, 30 * DAY_US);
    CHECK_I64(stat_floor(-1, MINUTE_US), -MINUTE_US);
    CHECK_I64(stat_ceil(-1, MINUTE_US), 0);
}

/* ---- stays ---- */

static struct stat_move move_to(const char *activity, int64_t at_us, int64_t version)
{
    return (struct stat_move){
        .worker_sid = sid_from(STR("WK1")),
        .workspace_sid = sid_from(STR("WS1")),
        .activity_sid = sid_from(str_from(activity)),
        .at_us = at_us,
        .version = version,
    };
}

static bool told(struct stay *stay, const char *activity, int64_t at_us, int64_t version,
                 struct stat_span *out)
{
    struct stat_move move = move_to(activity, at_us, version);
    return stay_move(stay, &move, out);
}

static void a_worker_stays_until_the_next_activity(void)
{
    struct stay stay = {0};
    struct stat_span ended;
    struct stat_move first = move_to("WA1", 1000, 3);
    first.since_us = 400;
    CHECK(!stay_move(&stay, &first, &ended));
    CHECK_I64(stay.span.from_us, 400);
    CHECK(!told(&stay, "WA1", 1500, 4, &ended)); /* other news */
    CHECK(told(&stay, "WA2", 2000, 5, &ended));
    CHECK_TEXT(ended.activity_sid.text, "WA1");
    CHECK_I64(ended.from_us, 400);
    CHECK_I64(ended.to_us, 2000);
    CHECK_I64(stay.span.from_us, 2000);
    CHECK(!told(&stay, "WA3", 2500, 5, &ended)); /* an old word */
    CHECK(!told(&stay, "WA3", 2000, 6, &ended)); /* no time between */
    CHECK_TEXT(stay.span.activity_sid.text, "WA3");
    CHECK_I64(stay.span.from_us, 2000);
}

static void the_router_moves_before_it_is_told(void)
{
    struct stay stay = {0};
    struct stat_span ended;
    CHECK(!told(&stay, "WA1", 1000, 3, &ended));
    CHECK(told(&stay, "WA2", 2000, 0, &ended));
    CHECK_I64(ended.to_us, 2000);
    CHECK(!told(&stay, "WA2", 2100, 4, &ended)); /* workers-svc says the same */
    CHECK_I64(stay.span.from_us, 2000);
    CHECK(!told(&stay, "WA1", 1900, 5, &ended)); /* happened before, heard of later */
    CHECK_TEXT(stay.span.activity_sid.text, "WA1");
    CHECK_I64(stay.span.from_us, 2000);
}

static void who_is_gone_comes_back_only_with_news(void)
{
    struct stay stay = {0};
    struct stat_span ended;
    CHECK(!told(&stay, "", 500, 1, &ended)); /* never heard of */
    CHECK(!stay.is_known);
    CHECK(!told(&stay, "WA1", 1000, 3, &ended));
    CHECK(told(&stay, "", 2000, 7, &ended));
    CHECK_I64(ended.to_us, 2000);
    CHECK(!told(&stay, "WA1", 2500, 6, &ended));
    CHECK(!told(&stay, "WA1", 2500, 0, &ended));
    CHECK_I64(stay.span.to_us, 2000);
    CHECK(!told(&stay, "WA2", 3000, 8, &ended));
    CHECK_I64(stay.span.from_us, 3000);
    CHECK_I64(stay.span.to_us, 0);
}

static const struct test_case cases[] = {
    {"waits keep their sum, least and most",           waits_keep_sum_least_and_most         },
    {"waits by length survive their text",             waits_by_length_survive_their_text    },
    {"a full arena is noticed",                        a_full_arena_is_noticed               },
    {"a range is cut without gap or overlap",          a_range_is_cut_without_gap_or_overlap },
    {"a worker stays until the next activity",         a_worker_stays_until_the_next_activity},
    {"the router moves a worker before it is told so", the_router_moves_before_it_is_told    },
    {"who is gone comes back only with news",          who_is_gone_comes_back_only_with_news },
};

int main(int argc, char **argv)
{
    return testing_main("figures", cases, ARRAY_LEN(cases), argc, argv);
}
