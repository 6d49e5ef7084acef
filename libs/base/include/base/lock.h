/*
 * Mutexes with a name and a rank. A thread may take only locks of a higher rank than those it
 * holds; debug builds abort on an inversion. No I/O, logging or callback under a lock.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct lock {
    pthread_mutex_t mutex;
    const char *name;
    int rank;
};

struct cond {
    pthread_cond_t cond; /* on the monotonic clock */
};

void lock_init(struct lock *lock, const char *name, int rank);
void lock_fini(struct lock *lock);
void lock_take(struct lock *lock);
void lock_drop(struct lock *lock);

void cond_init(struct cond *cond);
void cond_fini(struct cond *cond);
void cond_wait(struct cond *cond, struct lock *lock);

/* False when the absolute monotonic time passed first. */
bool cond_wait_until(struct cond *cond, struct lock *lock, int64_t mono_us);
void cond_signal(struct cond *cond);
void cond_broadcast(struct cond *cond);
