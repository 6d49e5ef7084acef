#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/lock.h"
#include "db_int.h"

/* As many as may hang at once, in the whole process: a database that does not answer must not cost
 * a thread for each request. */
enum { MAX_ASIDE = 16, ASIDE_LOCK_RANK = 505 };
static atomic_int aside_count;

struct aside {
    db_aside_fn *run;
    db_aside_fn *discard;
    void *ctx;
    struct lock lock; /* guards the flags */
    struct cond done;
    bool is_done;
    bool is_abandoned; /* the caller has gone: the thread cleans up */
};

static void aside_free(struct aside *aside)
{
    cond_fini(&aside->done);
    lock_fini(&aside->lock);
    free(aside);
    (void)atomic_fetch_sub(&aside_count, 1);
}

static void *aside_main(void *arg)
{
    struct aside *aside = arg;
    aside->run(aside->ctx);
    lock_take(&aside->lock);
    aside->is_done = true;
    bool is_abandoned = aside->is_abandoned;
    cond_signal(&aside->done);
    lock_drop(&aside->lock);
    if (is_abandoned) {
        aside->discard(aside->ctx);
        aside_free(aside);
    }
    return NULL;
}

static bool aside_wait(struct aside *aside, int64_t deadline)
{
    lock_take(&aside->lock);
    while (!aside->is_done && cond_wait_until(&aside->done, &aside->lock, deadline))
        continue;
    bool is_done = aside->is_done;
    aside->is_abandoned = !is_done;
    lock_drop(&aside->lock);
    return is_done;
}

bool db_aside(db_aside_fn *run, db_aside_fn *discard, void *ctx, int64_t deadline)
{
    pthread_t thread;
    struct aside *aside = NULL;
    bool has_room = atomic_fetch_add(&aside_count, 1) < MAX_ASIDE;
    if (has_room) {
        aside = xcalloc(1, sizeof *aside);
        *aside = (struct aside){.run = run, .discard = discard, .ctx = ctx};
        lock_init(&aside->lock, "db aside", ASIDE_LOCK_RANK);
        cond_init(&aside->done);
    }
    if (!has_room || pthread_create(&thread, NULL, aside_main, aside) != 0) {
        discard(ctx);
        if (aside != NULL)
            aside_free(aside);
        else
            (void)atomic_fetch_sub(&aside_count, 1);
        return false;
    }
    if (!aside_wait(aside, deadline)) {
        (void)pthread_detach(thread);
        return false;
    }
    (void)pthread_join(thread, NULL);
    aside_free(aside);
    return true;
}
