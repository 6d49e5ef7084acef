#include "callbacks.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/macros.h"
#include "callbacks_int.h"
#include "db/db.h"
#include "log/log.h"

enum {
    ROUND_ARENA_BYTES = 256 << 20,
    ROUND_BUDGET_MS = 15000,
    SWEEP_MS = 15000,
    EXPIRE_MAX = 5000, /* at a time: a sweep must not hold up what is due */
    FIRST_BACKOFF_MS = 100,
    MAX_BACKOFF_MS = 3000,
};

/* ---- shards ---- */

static void set_has_urls(struct callbacks *callbacks, struct callback_shard *shard, bool has_urls)
{
    lock_take(&callbacks->lock);
    shard->has_urls = has_urls;
    lock_drop(&callbacks->lock);
}

static bool take_touch(struct callbacks *callbacks, struct callback_shard *shard)
{
    lock_take(&callbacks->lock);
    bool is_touched = shard->is_touched;
    shard->is_touched = false;
    lock_drop(&callbacks->lock);
    return is_touched;
}

static void touch(struct callbacks *callbacks, struct callback_shard *shard)
{
    lock_take(&callbacks->lock);
    shard->is_touched = true;
    callbacks->is_woken = true; /* there is no waiting before the next round */
    lock_drop(&callbacks->lock);
}

/* False while the shard is another's. */
static bool check_owner(struct callbacks *callbacks, struct callback_shard *shard)
{
    bool is_ours = shell_is_owner(callbacks->options.shell, shard->index);
    if (is_ours && !shard->is_ours) {
        dispatch_reset(shard);
        shard->poll_mono_us = 0;
        shard->due_mono_us = 0;
        shard->sweep_mono_us = 0;
    }
    if (!is_ours && shard->is_ours)
        set_has_urls(callbacks, shard, false);
    shard->is_ours = is_ours;
    return is_ours;
}

static enum err_code sweep(struct callbacks *callbacks, struct callback_shard *shard,
                           struct call *call, struct err *err)
{
    int64_t now = clock_mono_us();
    if (now < shard->sweep_mono_us)
        return ERR_OK;
    int64_t now_us = clock_now_us();
    int64_t expired = 0;
    enum err_code code = callback_store_reclaim(callbacks->conn, call, shard->index,
                                                callbacks->options.instance, now_us, err);
    if (code == ERR_OK)
        code = callback_store_expire(callbacks->conn, call, shard->index, now_us, EXPIRE_MAX,
                                     &expired, err);
    if (code == ERR_OK)
        code = callback_store_promote(callbacks->conn, call, shard->index, now_us, err);
    if (code == ERR_OK && expired < EXPIRE_MAX) /* else there are more: in the next round */
        shard->sweep_mono_us = now + SWEEP_MS * US_PER_MS;
    return code;
}

static enum err_code serve_shard(struct callbacks *callbacks, struct callback_shard *shard,
                                 struct call *call, struct err *err)
{
    bool has_more = false;
    enum err_code code = sweep(callbacks, shard, call, err);
    bool is_due = clock_mono_us() >= shard->poll_mono_us;
    bool is_touched = take_touch(callbacks, shard);
    if (code == ERR_OK && (is_due || is_touched)) {
        code = dispatch_round(callbacks, shard, call, &has_more, err);
        set_has_urls(callbacks, shard, shard->url_count > 0);
        if (has_more)
            touch(callbacks, shard);
        shard->poll_mono_us = clock_mono_us() + CALLBACK_POLL_MS * US_PER_MS;
        if (is_due) /* an operator, or another replica, may have made something due */
            shard->due_mono_us = 0;
    }
    if (code == ERR_OK && clock_mono_us() >= shard->due_mono_us)
        code = delivery_claim(callbacks, shard, call, err);
    if (code == ERR_ABORTED || code == ERR_RESOURCE_EXHAUSTED) { /* read anew, or read less */
        shard->knows_cursor = false;
        touch(callbacks, shard);
    }
    return code;
}

/* ---- the loop ---- */

static void go_on_waiting(struct callbacks *callbacks)
{
    int64_t now = clock_mono_us();
    struct list_node *node = callbacks->active.head.next;
    while (node != &callbacks->active.head) {
        struct delivery *delivery = CONTAINER_OF(node, struct delivery, node);
        node = node->next;
        if (delivery->step == DELIVERY_WAITING && now >= delivery->retry_mono_us)
            delivery_go_on(delivery);
    }
}

static void take_arrived(struct callbacks *callbacks)
{
    for (;;) {
        struct delivery *delivery = NULL;
        lock_take(&callbacks->lock);
        if (!list_is_empty(&callbacks->arrived)) {
            delivery = CONTAINER_OF(callbacks->arrived.head.next, struct delivery, arrived);
            list_remove(&delivery->arrived);
        }
        lock_drop(&callbacks->lock);
        if (delivery == NULL)
            return;
        delivery_go_on(delivery);
    }
}

static bool is_closing(struct callbacks *callbacks)
{
    lock_take(&callbacks->lock);
    bool closing = callbacks->is_closing;
    lock_drop(&callbacks->lock);
    return closing;
}

static int64_t next_mono_us(struct callbacks *callbacks)
{
    int64_t next = delivery_next_mono_us(callbacks);
    int64_t poll = clock_mono_us() + CALLBACK_POLL_MS * US_PER_MS;
    for (int i = 0; i < callbacks->options.shards; i++) {
        const struct callback_shard *shard = &callbacks->shards[i];
        if (!shard->is_ours)
            continue;
        next = shard->poll_mono_us < next ? shard->poll_mono_us : next;
        next = shard->due_mono_us < next ? shard->due_mono_us : next;
    }
    return next < poll ? next : poll;
}

static void wait_for_work(struct callbacks *callbacks, bool has_failed)
{
    int64_t until =
        has_failed ? clock_mono_us() + callbacks->backoff_ms * US_PER_MS : next_mono_us(callbacks);
    bool is_in_time = true;
    lock_take(&callbacks->lock);
    while (is_in_time && !callbacks->is_closing && list_is_empty(&callbacks->arrived) &&
           (has_failed || !callbacks->is_woken))
        is_in_time = cond_wait_until(&callbacks->changed, &callbacks->lock, until);
    callbacks->is_woken = false;
    lock_drop(&callbacks->lock);
}

static void note_failure(struct callbacks *callbacks, const struct err *err)
{
    if (callbacks->backoff_ms == 0)
        LOG_WARN(NULL, "callbacks cannot be read or recorded, trying again", LOG_ERR(err));
    callbacks->backoff_ms =
        callbacks->backoff_ms == 0 ? FIRST_BACKOFF_MS : callbacks->backoff_ms * 2;
    if (callbacks->backoff_ms > MAX_BACKOFF_MS)
        callbacks->backoff_ms = MAX_BACKOFF_MS;
}

/* What fails in one shard holds up no other, unless nobody is there to be asked. The first error
 * is the answer. */
static enum err_code serve_shards(struct callbacks *callbacks, struct call *call, struct err *err)
{
    enum err_code first = ERR_OK;
    for (int i = 0; i < callbacks->options.shards && first != ERR_UNAVAILABLE; i++) {
        struct err failure = {0};
        enum err_code code = ERR_OK;
        if (check_owner(callbacks, &callbacks->shards[i]))
            code = serve_shard(callbacks, &callbacks->shards[i], call, &failure);
        if (code == ERR_OK || code == ERR_ABORTED)
            continue;
        if (first == ERR_OK || code == ERR_UNAVAILABLE) {
            first = code;
            *err = failure;
        }
    }
    return first;
}

/* One pass over everything; false when something failed. */
static bool run_round(struct callbacks *callbacks, bool takes_new)
{
    struct call call;
    struct err err;
    err_clear(&err);
    arena_reset(callbacks->arena);
    call_init(&call, callbacks->arena, "callbacks", ROUND_BUDGET_MS * US_PER_MS);
    go_on_waiting(callbacks);
    take_arrived(callbacks);
    peers_prune(callbacks, clock_mono_us());
    enum err_code code = delivery_record(callbacks, &call, &err);
    if (takes_new && code == ERR_OK)
        code = serve_shards(callbacks, &call, &err);
    if (code == ERR_OK) {
        callbacks->backoff_ms = 0;
        return true;
    }
    note_failure(callbacks, &err);
    return false;
}

static void *callbacks_main(void *ctx)
{
    struct callbacks *callbacks = ctx;
    bool is_well = true;
    while (!is_closing(callbacks)) {
        is_well = run_round(callbacks, true);
        wait_for_work(callbacks, !is_well);
    }
    return NULL;
}

/* ---- the end ---- */

/* Waits for what is under way, without taking anything new. */
static void drain(struct callbacks *callbacks, int drain_ms)
{
    int64_t until = clock_mono_us() + drain_ms * US_PER_MS;
    while (callbacks->active_count > 0 && clock_mono_us() < until) {
        (void)run_round(callbacks, false);
        lock_take(&callbacks->lock);
        int64_t look = clock_mono_us() + 20 * US_PER_MS;
        bool is_in_time = callbacks->active_count > 0;
        while (is_in_time && list_is_empty(&callbacks->arrived))
            is_in_time = cond_wait_until(&callbacks->changed, &callbacks->lock, look);
        lock_drop(&callbacks->lock);
    }
}

static bool is_deciding(const struct callbacks *callbacks)
{
    for (struct list_node *node = callbacks->active.head.next; node != &callbacks->active.head;
         node = node->next) {
        if (CONTAINER_OF(node, struct delivery, node)->step == DELIVERY_DECIDING)
            return true;
    }
    return false;
}

/* The client has handed everything back; the shard answers everything it was asked. */
static void finish(struct callbacks *callbacks)
{
    struct err err = {0};
    struct call call;
    while (is_deciding(callbacks)) {
        lock_take(&callbacks->lock);
        while (list_is_empty(&callbacks->arrived))
            cond_wait(&callbacks->changed, &callbacks->lock);
        lock_drop(&callbacks->lock);
        take_arrived(callbacks);
    }
    take_arrived(callbacks);
    arena_reset(callbacks->arena);
    call_init(&call, callbacks->arena, "callbacks", ROUND_BUDGET_MS * US_PER_MS);
    enum err_code code = delivery_record(callbacks, &call, &err);
    for (int i = 0; i < callbacks->options.shards && code == ERR_OK; i++)
        code = callback_store_unclaim(callbacks->conn, &call, i, callbacks->options.instance, &err);
    if (code != ERR_OK) /* the next owner takes them for unsent */
        LOG_WARN(NULL, "callbacks under way were not recorded, they are sent again", LOG_ERR(&err));
}

static void free_deliveries(struct list *list)
{
    while (!list_is_empty(list)) {
        struct delivery *delivery = CONTAINER_OF(list->head.next, struct delivery, node);
        list_remove(&delivery->node);
        httpc_request_fini(&delivery->request);
        arena_free(delivery->arena);
        free(delivery);
    }
}

/* ---- public ---- */

static void copy_options(struct callbacks *callbacks, const struct callbacks_options *options)
{
    callbacks->options = *options;
    callbacks->options.instance = callbacks->instance = xstrdup(options->instance);
}

struct callbacks *callbacks_open(const struct callbacks_options *options)
{
    struct callbacks *callbacks = xcalloc(1, sizeof *callbacks);
    copy_options(callbacks, options);
    callbacks->httpc = httpc_open(&(struct httpc_options){
        .user_agent = "TaskRouter/0.1",
        .ca_file = options->ca_file,
        .max_transfers = options->transfers,
        .allows_private = options->allows_private,
    });
    callbacks->conn = db_conn_open(&(struct db_options){
        .url = options->database_url, .name = options->service, .schema = options->schema});
    callbacks->arena = arena_new(ROUND_ARENA_BYTES);
    callbacks->shards = xcalloc((size_t)options->shards, sizeof *callbacks->shards);
    for (int i = 0; i < options->shards; i++) {
        callbacks->shards[i].index = i;
        map_init(&callbacks->shards[i].places);
        dispatch_reset(&callbacks->shards[i]);
    }
    map_init(&callbacks->peers);
    list_init(&callbacks->active);
    list_init(&callbacks->ended);
    list_init(&callbacks->arrived);
    lock_init(&callbacks->lock, "callbacks", CALLBACKS_LOCK_RANK);
    cond_init(&callbacks->changed);
    int failed = pthread_create(&callbacks->thread, NULL, callbacks_main, callbacks);
    INVARIANT(failed == 0);
    return callbacks;
}

void callbacks_wake(struct callbacks *callbacks, int shard)
{
    lock_take(&callbacks->lock);
    if (callbacks->shards[shard].has_urls) { /* else nobody wants to know */
        callbacks->shards[shard].is_touched = true;
        callbacks->is_woken = true;
        cond_signal(&callbacks->changed);
    }
    lock_drop(&callbacks->lock);
}

void callbacks_wake_all(struct callbacks *callbacks)
{
    lock_take(&callbacks->lock);
    callbacks->is_woken = true;
    cond_signal(&callbacks->changed);
    lock_drop(&callbacks->lock);
}

int64_t callbacks_max_age_ms(const struct callbacks *callbacks)
{
    return callbacks->options.max_age_ms;
}

void callbacks_close(struct callbacks *callbacks, int drain_ms)
{
    lock_take(&callbacks->lock);
    callbacks->is_closing = true;
    cond_broadcast(&callbacks->changed);
    lock_drop(&callbacks->lock);
    (void)pthread_join(callbacks->thread, NULL);
    drain(callbacks, drain_ms);
    httpc_close(callbacks->httpc);
    finish(callbacks);
    free_deliveries(&callbacks->active);
    free_deliveries(&callbacks->ended);
    db_conn_close(callbacks->conn);
}

void callbacks_free(struct callbacks *callbacks)
{
    if (callbacks == NULL)
        return;
    peers_fini(callbacks);
    for (int i = 0; i < callbacks->options.shards; i++) {
        dispatch_reset(&callbacks->shards[i]);
        map_fini(&callbacks->shards[i].places);
    }
    arena_free(callbacks->arena);
    cond_fini(&callbacks->changed);
    lock_fini(&callbacks->lock);
    free(callbacks->shards);
    free(callbacks->instance);
    free(callbacks);
}
