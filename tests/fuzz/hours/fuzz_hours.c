/*
 * Input: lines of a schedule: "zone NAME", "slot DAY START END", "holiday DATE START END",
 * "special START_DATE END_DATE". Whatever compiles is asked at several moments: what it says must
 * fit together. Anything is also read as a date.
 */
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"
#include "fuzz.h"
#include "hours/hours.h"

enum { ARENA_BYTES = 4 << 20, SPECIALS = 4, HOLIDAYS = 8, DAY_SLOTS = HOURS_SLOTS_MAX + 1 };

struct input {
    struct arena *arena;
    struct hours_def def;
    struct hours_slot_def slots[7][DAY_SLOTS];
    struct hours_slot_def holiday_slots[HOLIDAYS];
    struct hours_holiday_def holidays[HOLIDAYS];
    struct hours_special_def specials[SPECIALS];
};

static const char *word(struct input *input, struct str *line)
{
    return arena_str_dup(input->arena, str_split(line, ' '));
}

static void read_line(struct input *input, struct str line)
{
    struct str kind = str_split(&line, ' ');
    struct hours_def *def = &input->def;
    if (str_eq(kind, STR("zone"))) {
        def->time_zone = word(input, &line);
    } else if (str_eq(kind, STR("slot"))) {
        int64_t n = 0;
        (void)parse_i64(str_split(&line, ' '), 0, 6, &n);
        struct hours_day_def *day = &def->week.days[n];
        if (day->slot_count == DAY_SLOTS)
            return;
        day->is_open = true;
        day->slots = input->slots[n];
        struct hours_slot_def *slot = &input->slots[n][day->slot_count++];
        slot->start = word(input, &line);
        slot->end = word(input, &line);
    } else if (str_eq(kind, STR("holiday")) && def->holiday_count < HOLIDAYS) {
        struct hours_slot_def *slot = &input->holiday_slots[def->holiday_count];
        struct hours_holiday_def *holiday = &input->holidays[def->holiday_count++];
        *holiday = (struct hours_holiday_def){
            "h", word(input, &line), {true, slot, 1}
        };
        slot->start = word(input, &line);
        slot->end = word(input, &line);
    } else if (str_eq(kind, STR("special")) && def->special_count < SPECIALS) {
        struct hours_special_def *special = &input->specials[def->special_count++];
        special->name = "s";
        special->start_date = word(input, &line);
        special->end_date = word(input, &line);
        special->week = def->week;
    }
}

static void ask(const struct hours_schedule *schedule, int64_t at_us)
{
    struct hours_state state;
    struct hours_state then;
    struct err err;
    char text[HOURS_LOCAL_TEXT_SIZE];
    int64_t open_us = 0;
    int64_t close_us = 0;
    int64_t due_us = 0;
    hours_at(schedule, at_us, &state);
    hours_next(schedule, at_us, &open_us, &close_us);
    INVARIANT(hours_local_text(&state.local, text)[0] != '\0');
    INVARIANT(open_us == 0 || open_us > at_us);
    INVARIANT(close_us == 0 || close_us > at_us);
    if (open_us != 0 && close_us != 0)
        INVARIANT(state.is_open == (close_us < open_us));
    if (open_us != 0) {
        hours_at(schedule, open_us, &then);
        INVARIANT(then.is_open);
        hours_at(schedule, open_us - 1, &then);
        INVARIANT(!then.is_open);
    }
    for (int kind = HOURS_DUE_VOICEMAIL; kind <= HOURS_DUE_SECONDS; kind++) {
        if (hours_due(schedule, (enum hours_due_kind)kind, at_us, 3600, &due_us, &err) == ERR_OK)
            INVARIANT(due_us >= at_us);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {.ptr = size == 0 ? "" : (const char *)data, .len = size};
    struct err err = {0};
    struct hours_schedule *schedule = NULL;
    int32_t date = 0;
    (void)hours_date_parse(rest, &date);
    if (memchr(rest.ptr, '\0', rest.len) != NULL || rest.len > 4096)
        return 0;
    static struct input input;
    input = (struct input){.arena = arena_new(ARENA_BYTES), .def = {.time_zone = "UTC"}};
    input.def.holidays = input.holidays;
    input.def.specials = input.specials;
    while (rest.ptr != NULL)
        read_line(&input, str_split(&rest, '\n'));
    if (hours_schedule_new(&input.def, &schedule, &err) == ERR_OK) {
        for (int64_t month = 0; month < 24; month++)
            ask(schedule, (INT64_C(1767225600) + month * 2629800) * US_PER_S);
        ask(schedule, INT64_C(1772949600) * US_PER_S); /* the night of 8 March 2026 */
        ask(schedule, INT64_C(1793509200) * US_PER_S); /* and of 1 November */
    } else {
        INVARIANT(err.code == ERR_INVALID_ARGUMENT && err.field[0] != '\0');
    }
    hours_schedule_free(schedule);
    arena_free(input.arena);
    return 0;
}
