#include "figures.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"

enum { FIRST_LENGTHS = 8, MS_PER_S = 1000 };

static void wait_counts_push(struct wait_counts *waits, struct arena *arena, int64_t seconds,
                             int64_t count)
{
    if (waits->count > 0 && waits->items[waits->count - 1].seconds == seconds) {
        waits->items[waits->count - 1].count += count;
        return;
    }
    if (waits->count == waits->capacity) {
        size_t capacity = waits->capacity == 0 ? FIRST_LENGTHS : waits->capacity * 2;
        struct wait_count *items = ARENA_ARRAY(arena, struct wait_count, capacity);
        if (items == NULL)
            return;
        if (waits->count > 0)
            memcpy(items, waits->items, waits->count * sizeof *items);
        waits->items = items;
        waits->capacity = capacity;
    }
    waits->items[waits->count++] = (struct wait_count){seconds, count};
}

int64_t figures_wait_count(const struct figures *figures, enum wait_kind kind)
{
    return figures
        ->counts[kind == WAIT_CANCELED ? FIGURE_TASKS_CANCELED : FIGURE_RESERVATIONS_ACCEPTED];
}

static void wait_sum_add(struct wait_sum *into, int64_t into_count, const struct wait_sum *from)
{
    into->sum_ms += from->sum_ms;
    if (into_count == 0 || from->min_ms < into->min_ms)
        into->min_ms = from->min_ms;
    if (from->max_ms > into->max_ms)
        into->max_ms = from->max_ms;
}

void figures_add_wait(struct figures *figures, struct arena *arena, enum wait_kind kind,
                      int64_t wait_ms)
{
    if (wait_ms < 0) /* the clock was set back between two owners of the shard */
        wait_ms = 0;
    struct wait_sum one = {wait_ms, wait_ms, wait_ms};
    wait_sum_add(&figures->waits[kind], figures_wait_count(figures, kind), &one);
    if (kind == WAIT_ACCEPTED)
        wait_counts_push(&figures->accepted, arena, wait_ms / MS_PER_S, 1);
    if (kind == WAIT_CANCELED)
        wait_counts_push(&figures->canceled, arena, wait_ms / MS_PER_S, 1);
}

static void wait_counts_add(struct wait_counts *into, struct arena *arena,
                            const struct wait_counts *from)
{
    for (size_t i = 0; i < from->count; i++)
        wait_counts_push(into, arena, from->items[i].seconds, from->items[i].count);
}

void figures_add(struct figures *into, struct arena *arena, const struct figures *from,
                 bool with_lengths)
{
    for (enum wait_kind kind = 0; kind < WAIT_KIND_COUNT; kind++) {
        if (figures_wait_count(from, kind) > 0)
            wait_sum_add(&into->waits[kind], figures_wait_count(into, kind), &from->waits[kind]);
    }
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        into->counts[i] += from->counts[i];
    if (!with_lengths)
        return;
    wait_counts_add(&into->accepted, arena, &from->accepted);
    wait_counts_add(&into->canceled, arena, &from->canceled);
}

static int length_compare(const void *a_ptr, const void *b_ptr)
{
    const struct wait_count *a = a_ptr;
    const struct wait_count *b = b_ptr;
    return (a->seconds > b->seconds) - (a->seconds < b->seconds);
}

bool wait_counts_encode(const struct wait_counts *waits, struct arena *arena, struct str *out)
{
    struct buf text;
    *out = STR("");
    if (waits->count == 0)
        return true;
    struct wait_count *sorted = ARENA_ARRAY(arena, struct wait_count, waits->count);
    if (sorted == NULL)
        return false;
    memcpy(sorted, waits->items, waits->count * sizeof *sorted);
    qsort(sorted, waits->count, sizeof *sorted, length_compare);
    buf_init(&text, 0);
    for (size_t i = 0; i < waits->count;) {
        int64_t seconds = sorted[i].seconds;
        int64_t count = 0;
        for (; i < waits->count && sorted[i].seconds == seconds; i++)
            count += sorted[i].count;
        buf_printf(&text, "%s%lld:%lld", text.len > 0 ? " " : "", (long long)seconds,
                   (long long)count);
    }
    *out = arena_str(arena, buf_str(&text));
    bool is_done = !buf_failed(&text) && out->ptr != NULL;
    buf_fini(&text);
    return is_done;
}

bool wait_counts_decode(struct str text, struct arena *arena, struct wait_counts *into)
{
    struct str rest = text;
    while (rest.len > 0) {
        struct str count_text = str_split(&rest, ' ');
        struct str seconds_text = str_split(&count_text, ':');
        int64_t seconds = 0;
        int64_t count = 0;
        if (!parse_i64(seconds_text, 0, INT64_MAX, &seconds) ||
            !parse_i64(count_text, 1, INT64_MAX, &count))
            return false;
        wait_counts_push(into, arena, seconds, count);
    }
    return true;
}

void wait_counts_split(const struct wait_counts *waits, int64_t threshold_s, int64_t *out_below,
                       int64_t *out_above)
{
    *out_below = 0;
    *out_above = 0;
    for (size_t i = 0; i < waits->count; i++)
        *(waits->items[i].seconds < threshold_s ? out_below : out_above) += waits->items[i].count;
}
