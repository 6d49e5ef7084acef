/*
 * Memory that is needed soon. Tasks wait, and lie ended, for minutes among a million others: when
 * their time comes they are in no cache, and one miss after the other would cost more than all the
 * work. But their order is known, so each is fetched while the ones before it are dealt with: first
 * the task, a step later what it points to. It changes nothing but the time.
 */
#include "engine_int.h"

enum { CACHE_LINE = 64, TEXT_AHEAD = 256 };

static inline void fetch(const void *memory, size_t size)
{
    for (size_t at = 0; at < size; at += CACHE_LINE)
        __builtin_prefetch((const char *)memory + at, 1);
}

static inline void fetch_text(struct str text)
{
    if (text.ptr != NULL)
        fetch(text.ptr, text.len < TEXT_AHEAD ? text.len : TEXT_AHEAD);
}

/* The one behind in the list; NULL at its end. Those in the heap are few. */
static inline const struct line_node *behind(const struct line *line, const struct line_node *node)
{
    return node->next == &line->head ? NULL : node->next;
}

static inline const struct task *purge_task(const struct line_node *node)
{
    return LINE_ENTRY(LINE_ENTRY(node, struct timer, place), struct task, timer);
}

static inline const struct reservation *last_reservation(const struct task *task)
{
    struct list_node *last = task->reservations.head.prev;
    return last == &task->reservations.head ? NULL
                                            : LIST_ENTRY(last, struct reservation, task_node);
}

void ahead_of_purge(const struct engine *engine)
{
    const struct line *ended = &engine->timers[TIMER_ENDED];
    const struct line_node *first = behind(ended, &ended->head);
    const struct line_node *second = first == NULL ? NULL : behind(ended, first);
    const struct line_node *third = second == NULL ? NULL : behind(ended, second);
    if (third == NULL)
        return;
    fetch(purge_task(third), sizeof(struct task));
    const struct reservation *reservation = last_reservation(purge_task(second));
    sid_map_fetch(&engine->tasks, &purge_task(second)->in_map);
    fetch_text(purge_task(second)->attributes);
    if (reservation != NULL)
        fetch(reservation, sizeof *reservation);
    reservation = last_reservation(purge_task(first));
    if (reservation == NULL)
        return;
    sid_map_fetch(&engine->reservations, &reservation->in_map);
    __builtin_prefetch(&reservation->worker->refs, 1);
}

void ahead_of_answer(const struct reservation *reservation)
{
    fetch(reservation, sizeof *reservation);
    fetch(reservation->task, sizeof *reservation->task);
    fetch(reservation->worker, sizeof *reservation->worker);
}

void ahead_of_offer(const struct worker *worker, const struct worker_channel *slot)
{
    fetch(worker, sizeof *worker);
    fetch(slot, sizeof *slot);
}

void ahead_of_match(const struct line *waiting)
{
    const struct line_node *first = behind(waiting, &waiting->head);
    const struct line_node *second = first == NULL ? NULL : behind(waiting, first);
    if (second == NULL) /* nobody queues */
        return;
    fetch(LINE_ENTRY(second, struct task, place), sizeof(struct task));
    fetch_text(LINE_ENTRY(first, struct task, place)->attributes);
}
