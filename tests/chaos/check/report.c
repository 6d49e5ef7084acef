/* What is said of a history. */
#include <stdarg.h>

#include "base/clock.h"
#include "check_int.h"

enum { LINE_SHOWN_BYTES = 600, TEXT_BYTES = 1024, BEFORE_GAP_MS = 1500, CAUSES_MAX = 6 };

static void show_line(struct checker *checker, size_t number)
{
    if (number == 0 || number > checker->line_count)
        return;
    struct str line = checker->lines[number];
    if (line.len > LINE_SHOWN_BYTES)
        line.len = LINE_SHOWN_BYTES;
    buf_printf(checker->out, "  line %zu: ", number);
    for (size_t i = 0; i < line.len; i++) { /* whatever it holds */
        char shown = line.ptr[i];
        if (shown < ' ')
            shown = '?';
        buf_char(checker->out, shown);
    }
    buf_char(checker->out, '\n');
}

void blame(struct checker *checker, size_t line, size_t other_line, const char *format, ...)
{
    if (checker->first_broken[0] == '\0')
        checker->first_broken = checker->rule->name;
    checker->broken++;
    if (checker->broken_here++ > 0)
        return;
    char text[TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_printf(checker->out, "broken: %s (%s)\n  %s\n", checker->rule->name, checker->rule->says,
               text);
    show_line(checker, line);
    if (other_line != line)
        show_line(checker, other_line);
}

/* ---- figures ---- */

struct gap {
    int64_t longest_us;
    int64_t began_us;
    int64_t last_us;
};

static void gap_note(struct gap *gap, int64_t at_us)
{
    if (gap->last_us != 0 && at_us - gap->last_us > gap->longest_us) {
        gap->longest_us = at_us - gap->last_us;
        gap->began_us = gap->last_us;
    }
    if (at_us > gap->last_us)
        gap->last_us = at_us;
}

static bool is_harm(const struct note *fault)
{
    return !is_same(fault->what, "start") && !is_same(fault->what, "continue") &&
           !is_same(fault->what, "no start");
}

/* What was done to the services from just before the gap until its end. */
static void show_causes(struct checker *checker, const struct gap *gap)
{
    int shown = 0;
    for (size_t i = 0; i < checker->faults.count; i++) {
        const struct note *fault = checker->faults.items[i];
        if (!is_harm(fault) || fault->t_us < gap->began_us - BEFORE_GAP_MS * US_PER_MS ||
            fault->t_us > gap->began_us + gap->longest_us)
            continue;
        if (shown++ < CAUSES_MAX)
            buf_printf(checker->out, "%s%s %s", shown == 1 ? " (" : ", ", fault->what, fault->who);
    }
    if (shown > 0)
        buf_printf(checker->out, "%s)", shown > CAUSES_MAX ? ", …" : "");
}

static void show_gap(struct checker *checker, const char *what, const struct gap *gap)
{
    buf_printf(checker->out, "longest gap between %s: %lld ms", what,
               (long long)(gap->longest_us / US_PER_MS));
    if (gap->longest_us > 0)
        show_causes(checker, gap);
    buf_char(checker->out, '\n');
}

static bool is_load(const struct checker *checker, int64_t at_us)
{
    return at_us >= checker->load_us && (checker->heal_us == 0 || at_us <= checker->heal_us);
}

void report_figures(struct checker *checker)
{
    struct gap acks = {0};
    struct gap offers = {0};
    int64_t outcomes[OUTCOME_UNKNOWN + 1] = {0};
    int64_t tasks = 0;
    int64_t reservations = 0;
    int64_t harms = 0;
    for (size_t i = 0; i < checker->calls.count; i++) {
        const struct call_rec *call = checker->calls.items[i];
        outcomes[call->outcome]++;
    }
    for (size_t i = 0; i < checker->ends.count; i++) {
        const struct call_rec *call = checker->ends.items[i];
        if (call->outcome == OUTCOME_OK && method_row(call->method) != NULL &&
            is_load(checker, call->ended_us))
            gap_note(&acks, call->ended_us);
    }
    for (size_t i = 0; i < checker->watch.count; i++) {
        const struct event_rec *event = checker->watch.items[i];
        if (!event->is_resume && is_same(event->type, "reservation.created") &&
            is_load(checker, event->t_us))
            gap_note(&offers, event->t_us);
    }
    for (size_t i = 0; i < checker->things.count; i++) {
        const struct thing *thing = checker->things.entries[i].value;
        tasks += thing->is_task ? 1 : 0;
        reservations += thing->is_task ? 0 : 1;
    }
    for (size_t i = 0; i < checker->faults.count; i++) {
        harms += is_harm(checker->faults.items[i]) ? 1 : 0;
    }
    int64_t unknown = outcomes[OUTCOME_UNKNOWN] + outcomes[OUTCOME_OPEN];
    buf_printf(checker->out,
               "%lld calls: %lld acknowledged, %lld refused, %lld unknown; %lld tasks, %lld "
               "reservations, %zu events; %lld faults\n",
               (long long)checker->calls.count, (long long)outcomes[OUTCOME_OK],
               (long long)outcomes[OUTCOME_REFUSED], (long long)unknown, (long long)tasks,
               (long long)reservations, checker->log.count, (long long)harms);
    show_gap(checker, "acknowledged changes", &acks);
    show_gap(checker, "offers", &offers);
}
