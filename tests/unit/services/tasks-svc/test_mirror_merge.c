/* What an observation makes of a row, whatever order observations come in. */
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "mirror_merge.h"
#include "testing.h"

enum { ARENA_BYTES = 1 << 20, T0 = 1000 };

static struct arena *arena;

static int64_t at_s(int64_t seconds)
{
    return (T0 + seconds) * US_PER_S;
}

static struct task_row task_in(enum task_state state)
{
    return (struct task_row){
        .sid = {"WT00000000000000000000000000000001"},
        .state = state,
        .attributes = STR("{\"a\":1}"),
        .timeout_s = 60,
        .created_at_us = at_s(0),
    };
}

static mirror_outcome lay(struct mirror_task *task, struct task_row theirs, int64_t seconds)
{
    struct mirror_task merged;
    struct mirror_diff diff;
    mirror_diff_init(&diff, arena);
    mirror_outcome outcome = mirror_merge_task(task, &theirs, at_s(seconds), &merged, &diff);
    *task = merged;
    task->is_there = true;
    return outcome;
}

static void the_first_is_created(void)
{
    struct mirror_task task = {0};
    CHECK_I64(lay(&task, task_in(TASK_COMPLETED), 9), MIRROR_CREATED);
    CHECK_I64(task.row.version, 1);
    CHECK_I64(task.row.ended_at_us, at_s(9)); /* nobody said when */
    CHECK_I64(task.observed_at_us, at_s(9));
    CHECK_I64(task.row.sequence, 0);
    CHECK_I64(lay(&task, task_in(TASK_COMPLETED), 10), MIRROR_UNCHANGED);
    CHECK_I64(task.row.version, 1);
    CHECK_I64(task.observed_at_us, at_s(10));
}

/* Each state against each, observed before, at the same time, and after. */
static void the_further_one_is_later_and_then_the_newer(void)
{
    static const int stages[TASK_STATE_COUNT] = {
        [TASK_PENDING] = 1,  [TASK_RESERVED] = 1, [TASK_ASSIGNED] = 2,
        [TASK_WRAPPING] = 3, [TASK_CANCELED] = 4, [TASK_COMPLETED] = 5};
    for (int ours = TASK_PENDING; ours < TASK_STATE_COUNT; ours++) {
        for (int theirs = TASK_PENDING; theirs < TASK_STATE_COUNT; theirs++) {
            for (int seconds = 4; seconds <= 6; seconds++) {
                struct mirror_task task = {0};
                (void)lay(&task, task_in((enum task_state)ours), 5);
                (void)lay(&task, task_in((enum task_state)theirs), seconds);
                bool is_taken = stages[theirs] > stages[ours] ||
                                (stages[theirs] == stages[ours] &&
                                 (seconds > 5 || (seconds == 5 && theirs >= ours)));
                CHECK_I64(task.row.state, is_taken ? theirs : ours);
            }
        }
    }
}

static void what_is_not_said_is_kept(void)
{
    struct mirror_task task = {0};
    struct task_row full = task_in(TASK_PENDING);
    full.reason = STR("because");
    full.queue_sid = (struct sid){"WQ00000000000000000000000000000001"};
    full.queue_name = STR("First");
    full.virtual_start_us = at_s(1);
    full.ignore_capacity = true;
    (void)lay(&task, full, 1);
    struct task_row bare = {.sid = full.sid, .state = TASK_PENDING};
    CHECK_I64(lay(&task, bare, 2), MIRROR_UNCHANGED);
    CHECK(str_eq(task.row.attributes, full.attributes));
    CHECK(str_eq(task.row.queue_name, full.queue_name));
    CHECK(task.row.ignore_capacity);
    /* and what was not known is taken from an older one */
    struct mirror_task other = {0};
    (void)lay(&other, bare, 2);
    CHECK_I64(lay(&other, full, 1), MIRROR_UPDATED);
    CHECK_I64(other.row.timeout_s, 60);
    CHECK_TEXT(other.row.queue_sid.text, full.queue_sid.text);
    /* another queue has not the name of the one before */
    bare.queue_sid = (struct sid){"WQ00000000000000000000000000000002"};
    CHECK_I64(lay(&task, bare, 3), MIRROR_UPDATED);
    CHECK_I64(task.row.queue_name.len, 0);
}

static void the_same_in_other_words_is_no_change(void)
{
    struct mirror_task task = {0};
    struct task_row row = task_in(TASK_PENDING);
    row.attributes = STR("{\"a\": 1, \"b\": [ ]}");
    row.created_at_us += 123456;
    (void)lay(&task, row, 1);
    row.attributes = STR("{\"b\":[],\"a\":1}");
    row.created_at_us -= 123456;
    CHECK_I64(lay(&task, row, 2), MIRROR_UNCHANGED);
    CHECK_I64(task.row.created_at_us, at_s(0) + 123456);
    row.attributes = STR("{\"b\":[],\"a\":2}");
    CHECK_I64(lay(&task, row, 1), MIRROR_STALE);
    CHECK_I64(lay(&task, row, 3), MIRROR_UPDATED);
}

static void our_guess_gives_way(void)
{
    struct mirror_task task = {0};
    (void)lay(&task, task_in(TASK_PENDING), 1);
    task.row.state = TASK_CANCELED;
    task.row.reason = STR(MIRROR_VANISHED_REASON);
    task.observed_at_us = at_s(9);
    struct task_row canceled = task_in(TASK_CANCELED);
    canceled.reason = STR("hung up");
    CHECK_I64(lay(&task, task_in(TASK_ASSIGNED), 10), MIRROR_STALE);
    CHECK_I64(lay(&task, canceled, 5), MIRROR_UPDATED);
    CHECK(str_eq_text(task.row.reason, "hung up"));
    CHECK_I64(lay(&task, task_in(TASK_COMPLETED), 4), MIRROR_UPDATED);
    CHECK_I64(task.row.state, TASK_COMPLETED);
}

static void a_deleted_task_stays_as_it_is(void)
{
    struct mirror_task task = {0};
    (void)lay(&task, task_in(TASK_PENDING), 1);
    task.is_deleted = true;
    CHECK_I64(lay(&task, task_in(TASK_COMPLETED), 9), MIRROR_STALE);
    CHECK_I64(task.row.state, TASK_PENDING);
}

static void reservations_go_one_way(void)
{
    static const int stages[RESERVATION_STATE_COUNT] = {
        [RESERVATION_PENDING] = 1,   [RESERVATION_ACCEPTED] = 2,  [RESERVATION_WRAPPING] = 3,
        [RESERVATION_CANCELED] = 4,  [RESERVATION_REJECTED] = 5,  [RESERVATION_TIMEOUT] = 5,
        [RESERVATION_RESCINDED] = 5, [RESERVATION_COMPLETED] = 5,
    };
    for (int ours = RESERVATION_PENDING; ours < RESERVATION_STATE_COUNT; ours++) {
        for (int theirs = RESERVATION_PENDING; theirs < RESERVATION_STATE_COUNT; theirs++) {
            struct mirror_reservation first = {.is_there = true, .observed_at_us = at_s(5)};
            first.row.state = (enum reservation_state)ours;
            first.row.version = 1;
            struct reservation_row row = {.state = (enum reservation_state)theirs};
            struct mirror_reservation merged;
            struct mirror_diff diff;
            mirror_diff_init(&diff, arena);
            mirror_outcome outcome =
                mirror_merge_reservation(&first, &row, at_s(4), &merged, &diff);
            bool is_taken = stages[theirs] > stages[ours];
            CHECK_I64(merged.row.state, is_taken ? theirs : ours);
            CHECK_I64(merged.row.version, is_taken ? 2 : 1);
            CHECK_I64(outcome, is_taken         ? MIRROR_UPDATED
                               : ours == theirs ? MIRROR_UNCHANGED
                                                : MIRROR_STALE);
        }
    }
}

static const struct test_case cases[] = {
    {"the first is created",                        the_first_is_created                       },
    {"the further one is later and then the newer", the_further_one_is_later_and_then_the_newer},
    {"what is not said is kept",                    what_is_not_said_is_kept                   },
    {"the same in other words is no change",        the_same_in_other_words_is_no_change       },
    {"our guess gives way",                         our_guess_gives_way                        },
    {"a deleted task stays as it is",               a_deleted_task_stays_as_it_is              },
    {"reservations go one way",                     reservations_go_one_way                    },
};

int main(int argc, char **argv)
{
    arena = arena_new(ARENA_BYTES);
    int code = testing_main("tasks-svc mirror merge", cases, ARRAY_LEN(cases), argc, argv);
    arena_free(arena);
    return code;
}
