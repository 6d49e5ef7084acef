#include "base/lock.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/macros.h"

#ifdef TR_DEBUG
enum { MAX_HELD = 16 };
static _Thread_local int held_ranks[MAX_HELD]; /* debug only: which ranks this thread holds */
static _Thread_local int held_count;
#endif

void lock_init(struct lock *lock, const char *name, int rank)
{
    int failed = pthread_mutex_init(&lock->mutex, NULL);
    INVARIANT(failed == 0);
    lock->name = name;
    lock->rank = rank;
}

void lock_fini(struct lock *lock)
{
    if (lock->name == NULL)
        return;
    (void)pthread_mutex_destroy(&lock->mutex);
    lock->name = NULL;
}

void lock_take(struct lock *lock)
{
#ifdef TR_DEBUG
    INVARIANT(held_count < MAX_HELD);
    INVARIANT(held_count == 0 || held_ranks[held_count - 1] < lock->rank);
    held_ranks[held_count++] = lock->rank;
#endif
    int failed = pthread_mutex_lock(&lock->mutex);
    INVARIANT(failed == 0);
}

void lock_drop(struct lock *lock)
{
#ifdef TR_DEBUG
    INVARIANT(held_count > 0 && held_ranks[held_count - 1] == lock->rank);
    held_count--;
#endif
    int failed = pthread_mutex_unlock(&lock->mutex);
    INVARIANT(failed == 0);
}

void cond_init(struct cond *cond)
{
    pthread_condattr_t attr;
    int failed = pthread_condattr_init(&attr);
    INVARIANT(failed == 0);
    failed = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    INVARIANT(failed == 0);
    failed = pthread_cond_init(&cond->cond, &attr);
    INVARIANT(failed == 0);
    (void)pthread_condattr_destroy(&attr);
}

void cond_fini(struct cond *cond)
{
    (void)pthread_cond_destroy(&cond->cond);
}

void cond_wait(struct cond *cond, struct lock *lock)
{
    int failed = pthread_cond_wait(&cond->cond, &lock->mutex);
    INVARIANT(failed == 0);
}

bool cond_wait_until(struct cond *cond, struct lock *lock, int64_t mono_us)
{
    struct timespec until = {
        .tv_sec = (time_t)(mono_us / US_PER_S),
        .tv_nsec = (long)(mono_us % US_PER_S) * 1000,
    };
    int result = pthread_cond_timedwait(&cond->cond, &lock->mutex, &until);
    INVARIANT(result == 0 || result == ETIMEDOUT);
    return result == 0;
}

void cond_signal(struct cond *cond)
{
    (void)pthread_cond_signal(&cond->cond);
}

void cond_broadcast(struct cond *cond)
{
    (void)pthread_cond_broadcast(&cond->cond);
}
