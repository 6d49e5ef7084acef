/* The tables of states, compared with the README cell by cell. */
#include "engine/state.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "testing.h"

static void draw_header(struct buf *out, int count, bool is_task)
{
    buf_text(out, "| from |");
    for (int step = 1; step < count; step++)
        buf_printf(out, " %s |",
                   is_task ? task_step_name((enum task_step)step)
                           : reservation_step_name((enum reservation_step)step));
    buf_text(out, "\n|---|");
    for (int step = 1; step < count; step++)
        buf_text(out, "---|");
    buf_text(out, "\n");
}

static void draw_tasks(struct buf *out)
{
    draw_header(out, TASK_STEP_COUNT, true);
    for (int from = TASK_NONE; from < TASK_STATE_COUNT; from++) {
        buf_printf(out, "| %s |", task_state_name((enum task_state)from));
        for (int step = 1; step < TASK_STEP_COUNT; step++) {
            enum task_state to = task_next((enum task_state)from, (enum task_step)step);
            bool leaves = task_may_leave((enum task_state)from, (enum task_step)step);
            CHECK(to == TASK_NONE || !leaves);
            buf_printf(out, " %s |", leaves ? "gone" : to == TASK_NONE ? "" : task_state_name(to));
        }
        buf_text(out, "\n");
    }
}

static void draw_reservations(struct buf *out)
{
    draw_header(out, RESERVATION_STEP_COUNT, false);
    for (int from = RESERVATION_NONE; from < RESERVATION_STATE_COUNT; from++) {
        buf_printf(out, "| %s |", reservation_state_name((enum reservation_state)from));
        for (int step = 1; step < RESERVATION_STEP_COUNT; step++) {
            enum reservation_state to =
                reservation_next((enum reservation_state)from, (enum reservation_step)step);
            buf_printf(out, " %s |", to == RESERVATION_NONE ? "" : reservation_state_name(to));
        }
        buf_text(out, "\n");
    }
}

static void check_readme(void (*draw)(struct buf *out))
{
    struct buf table;
    struct buf readme;
    char path[1024];
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    const char *root = getenv("TR_SOURCE_DIR");
    if (root == NULL)
        return; /* not run by CTest */
    (void)snprintf(path, sizeof path, "%s/libs/engine/README.md", root);
    FILE *file = fopen(path, "rb");
    REQUIRE(file != NULL);
    buf_init(&table, 0);
    buf_init(&readme, 0);
    char chunk[4096];
    size_t len;
    while ((len = fread(chunk, 1, sizeof chunk, file)) > 0)
        buf_append(&readme, chunk, len);
    (void)fclose(file);
    draw(&table);
    bool is_there = str_find(buf_str(&readme), buf_str(&table)) >= 0;
    CHECK(is_there);
    if (!is_there)
        (void)printf("the README should hold:\n%s", table.data);
    buf_fini(&table);
    buf_fini(&readme);
}

static void the_readme_shows_the_task_table(void)
{
    check_readme(draw_tasks);
}

static void the_readme_shows_the_reservation_table(void)
{
    check_readme(draw_reservations);
}

static void an_ended_task_or_reservation_goes_nowhere(void)
{
    for (int step = 1; step < TASK_STEP_COUNT; step++) {
        CHECK_I64(task_next(TASK_COMPLETED, (enum task_step)step), TASK_NONE);
        CHECK_I64(task_next(TASK_CANCELED, (enum task_step)step), TASK_NONE);
    }
    for (int state = 1; state < RESERVATION_STATE_COUNT; state++) {
        for (int step = 1; step < RESERVATION_STEP_COUNT; step++) {
            if (!reservation_is_open((enum reservation_state)state))
                CHECK_I64(
                    reservation_next((enum reservation_state)state, (enum reservation_step)step),
                    RESERVATION_NONE);
        }
    }
}

static void names_lead_back_to_their_states(void)
{
    for (int state = 1; state < TASK_STATE_COUNT; state++)
        CHECK_I64(task_state_from(str_from(task_state_name((enum task_state)state))), state);
    for (int state = 1; state < RESERVATION_STATE_COUNT; state++)
        CHECK_I64(
            reservation_state_from(str_from(reservation_state_name((enum reservation_state)state))),
            state);
    CHECK_I64(task_state_from(STR("none")), TASK_NONE);
    CHECK_I64(reservation_state_from(STR("")), RESERVATION_NONE);
}

static const struct test_case cases[] = {
    {"the README shows the task table",           the_readme_shows_the_task_table          },
    {"the README shows the reservation table",    the_readme_shows_the_reservation_table   },
    {"an ended task or reservation goes nowhere", an_ended_task_or_reservation_goes_nowhere},
    {"names lead back to their states",           names_lead_back_to_their_states          },
};

int main(int argc, char **argv)
{
    return testing_main("engine state", cases, ARRAY_LEN(cases), argc, argv);
}
