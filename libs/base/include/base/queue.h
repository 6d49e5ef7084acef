/* A bounded queue of pointers between threads. Full means refused at once, never waiting. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue;

struct queue *queue_new(const char *name, size_t capacity);
void queue_free(struct queue *queue); /* what is still inside is not freed */

/* False when full or closed. */
bool queue_push(struct queue *queue, void *item);

/* Waits until an item is there, the queue is closed and empty, or the monotonic time passed (0 =
 * wait for ever); NULL in the latter two cases. */
void *queue_pop(struct queue *queue, int64_t until_mono_us);

/* Takes up to max items without waiting; returns how many. */
size_t queue_drain(struct queue *queue, void **out_items, size_t max);

void queue_close(struct queue *queue); /* wakes all who wait; pushing fails from now on */
size_t queue_depth(struct queue *queue);
