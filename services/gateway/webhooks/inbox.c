#include "inbox.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/lock.h"

enum {
    INBOX_LOCK_RANK = 330,
    INBOX_THREADS = 2,
    BATCH_MAX = 256,
    BATCH_BYTES = 2 << 20,
    ARENA_BYTES = 32 << 20,
    COMMIT_US = 2 * 1000 * 1000, /* as long as a sender waits */
};

/* On the stack of the request, which waits until is_done: its arena is the writer's meanwhile. */
struct item {
    struct list_node node;
    struct webhook_new *row;
    struct call *call;
    struct err *err;
    enum err_code code;
    bool is_done;
};

struct inbox {
    struct db_pool *pool;
    pthread_t threads[INBOX_THREADS];
    struct lock lock; /* guards what follows, and is_done of items */
    struct cond came;
    struct cond done;
    struct list items;
    bool is_stopping;
};

struct inbox *inbox_new(struct db_pool *pool)
{
    struct inbox *inbox = xcalloc(1, sizeof *inbox);
    inbox->pool = pool;
    lock_init(&inbox->lock, "inbox", INBOX_LOCK_RANK);
    cond_init(&inbox->came);
    cond_init(&inbox->done);
    list_init(&inbox->items);
    return inbox;
}

void inbox_free(struct inbox *inbox)
{
    if (inbox == NULL)
        return;
    cond_fini(&inbox->done);
    cond_fini(&inbox->came);
    lock_fini(&inbox->lock);
    free(inbox);
}

/* ---- writing ---- */

static void answer_keep(struct item *item)
{
    struct webhook_answer *answer = &item->row->answer;
    if (!item->row->is_repeat)
        return;
    answer->type = arena_strdup(item->call->arena, answer->type);
    answer->body = arena_str(item->call->arena, answer->body);
    if (answer->type == NULL || answer->body.ptr == NULL)
        item->code = call_no_room(item->err);
}

static void insert(struct inbox *inbox, struct arena *arena, struct item *const *items,
                   size_t count)
{
    struct webhook_new *rows[BATCH_MAX];
    struct call call;
    struct err err = {0};
    call_init(&call, arena, "webhook inbox", COMMIT_US);
    for (size_t i = 0; i < count; i++)
        rows[i] = items[i]->row;
    enum err_code code = webhook_store_insert(inbox->pool, &call, rows, count, &err);
    if (code == ERR_DEADLINE_EXCEEDED) /* the sender's way out is the same: to come again */
        code = ERR_SET(&err, ERR_UNAVAILABLE, "INBOX_SLOW",
                       "the webhook could not be stored in time; send it again");
    for (size_t i = 0; i < count; i++) {
        items[i]->code = code;
        if (code != ERR_OK && items[i]->err != NULL)
            *items[i]->err = err;
        if (code == ERR_OK)
            answer_keep(items[i]);
    }
}

/* What spoils a batch (a text that the database does not take) must not harm its neighbours. */
static void write_batch(struct inbox *inbox, struct arena *arena, struct item **items, size_t count)
{
    insert(inbox, arena, items, count);
    enum err_code code = items[0]->code;
    bool is_away = code == ERR_OK || code == ERR_UNAVAILABLE;
    for (size_t i = 0; i < count && count > 1 && !is_away; i++) {
        arena_reset(arena);
        insert(inbox, arena, &items[i], 1);
    }
    arena_reset(arena);
}

/* Under the lock. */
static size_t batch_take(struct inbox *inbox, struct item *items[BATCH_MAX])
{
    size_t count = 0;
    size_t bytes = 0;
    while (count < BATCH_MAX && bytes < BATCH_BYTES && !list_is_empty(&inbox->items)) {
        struct item *item = CONTAINER_OF(list_first(&inbox->items), struct item, node);
        list_remove(&item->node);
        bytes += item->row->parameters.len;
        items[count++] = item;
    }
    return count;
}

static void *writer_main(void *arg)
{
    struct inbox *inbox = arg;
    struct arena *arena = arena_new(ARENA_BYTES);
    struct item *items[BATCH_MAX];
    lock_take(&inbox->lock);
    for (;;) {
        size_t count = batch_take(inbox, items);
        if (count == 0 && inbox->is_stopping)
            break;
        if (count == 0) {
            cond_wait(&inbox->came, &inbox->lock);
            continue;
        }
        lock_drop(&inbox->lock);
        write_batch(inbox, arena, items, count);
        lock_take(&inbox->lock);
        for (size_t i = 0; i < count; i++)
            items[i]->is_done = true;
        cond_broadcast(&inbox->done);
    }
    lock_drop(&inbox->lock);
    arena_free(arena);
    return NULL;
}

/* ---- life ---- */

static void stop(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    struct inbox *inbox = ctx;
    lock_take(&inbox->lock);
    inbox->is_stopping = true;
    cond_broadcast(&inbox->came);
    lock_drop(&inbox->lock);
    for (int i = 0; i < INBOX_THREADS; i++)
        (void)pthread_join(inbox->threads[i], NULL);
}

void inbox_start(struct inbox *inbox, struct app *app)
{
    for (int i = 0; i < INBOX_THREADS; i++) {
        int failed = pthread_create(&inbox->threads[i], NULL, writer_main, inbox);
        INVARIANT(failed == 0);
    }
    app_on_close(app, APP_FINISH_CALLS, "webhook inbox", stop, inbox);
}

enum err_code inbox_put(struct inbox *inbox, struct call *call, struct webhook_new *row,
                        struct err *err)
{
    struct item item = {.row = row, .call = call, .err = err};
    lock_take(&inbox->lock);
    if (inbox->is_stopping) {
        lock_drop(&inbox->lock);
        return ERR_SET(err, ERR_UNAVAILABLE, "DRAINING",
                       "the server is shutting down; send the request again");
    }
    list_append(&inbox->items, &item.node);
    cond_signal(&inbox->came);
    while (!item.is_done)
        cond_wait(&inbox->done, &inbox->lock);
    lock_drop(&inbox->lock);
    return item.code;
}
