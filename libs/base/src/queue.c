#include "base/queue.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/lock.h"
#include "base/macros.h"

/* Leaf lock: nothing is taken while it is held. */
enum { QUEUE_LOCK_RANK = 900 };

struct queue {
    struct lock lock;
    struct cond not_empty;
    void **items; /* ring */
    size_t capacity;
    size_t head;
    size_t count;
    size_t waiting; /* threads inside queue_pop, so that pushing wakes only when someone sleeps */
    bool is_closed;
};

struct queue *queue_new(const char *name, size_t capacity)
{
    INVARIANT(capacity > 0);
    struct queue *queue = xcalloc(1, sizeof *queue);
    queue->items = xcalloc(capacity, sizeof *queue->items);
    queue->capacity = capacity;
    lock_init(&queue->lock, name, QUEUE_LOCK_RANK);
    cond_init(&queue->not_empty);
    return queue;
}

void queue_free(struct queue *queue)
{
    if (queue == NULL)
        return;
    lock_fini(&queue->lock);
    cond_fini(&queue->not_empty);
    free(queue->items);
    free(queue);
}

bool queue_push(struct queue *queue, void *item)
{
    lock_take(&queue->lock);
    bool has_room = !queue->is_closed && queue->count < queue->capacity;
    if (has_room) {
        queue->items[(queue->head + queue->count) % queue->capacity] = item;
        queue->count++;
        if (queue->waiting > 0)
            cond_signal(&queue->not_empty);
    }
    lock_drop(&queue->lock);
    return has_room;
}

static void *take_first(struct queue *queue)
{
    void *item = queue->items[queue->head];
    queue->head = (queue->head + 1) % queue->capacity;
    queue->count--;
    return item;
}

void *queue_pop(struct queue *queue, int64_t until_mono_us)
{
    void *item = NULL;
    bool is_in_time = true;
    lock_take(&queue->lock);
    queue->waiting++;
    while (queue->count == 0 && !queue->is_closed && is_in_time) {
        if (until_mono_us == 0)
            cond_wait(&queue->not_empty, &queue->lock);
        else
            is_in_time = cond_wait_until(&queue->not_empty, &queue->lock, until_mono_us);
    }
    queue->waiting--;
    if (queue->count > 0)
        item = take_first(queue);
    lock_drop(&queue->lock);
    return item;
}

size_t queue_drain(struct queue *queue, void **out_items, size_t max)
{
    size_t n = 0;
    lock_take(&queue->lock);
    while (n < max && queue->count > 0)
        out_items[n++] = take_first(queue);
    lock_drop(&queue->lock);
    return n;
}

void queue_close(struct queue *queue)
{
    lock_take(&queue->lock);
    queue->is_closed = true;
    cond_broadcast(&queue->not_empty);
    lock_drop(&queue->lock);
}

size_t queue_depth(struct queue *queue)
{
    lock_take(&queue->lock);
    size_t count = queue->count;
    lock_drop(&queue->lock);
    return count;
}
