#include "audit.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/lock.h"
#include "log/log.h"
#include "metrics/metrics.h"

enum {
    AUDIT_LOCK_RANK = 310,
    AUDIT_MAX = 10000, /* entries waiting */
    AUDIT_BATCH = 500,
    PERIOD_MS = 1000,
    PRUNE_PERIOD_MS = 3600000,
};

static const struct metric_def waiting_def = {
    .name = "taskrouter_gateway_audit_waiting",
    .kind = METRIC_GAUGE,
    .unit = "",
    .help = "Audit entries that are not written yet.",
};

/* One allocation with its texts behind it. */
struct entry {
    struct list_node node;
    struct audit_row row;
    char texts[];
};

struct audit {
    struct db_pool *pool;
    int64_t max_age_ms;
    struct app_job *job; /* NULL until audit_start */
    struct metric_series *waiting;
    struct lock lock; /* guards what follows */
    struct list entries;
    size_t count; /* entries and places taken */
};

struct audit *audit_new(struct db_pool *pool, int64_t max_age_ms)
{
    struct audit *audit = xcalloc(1, sizeof *audit);
    audit->pool = pool;
    audit->max_age_ms = max_age_ms;
    audit->waiting = metric_single(&waiting_def);
    lock_init(&audit->lock, "audit", AUDIT_LOCK_RANK);
    list_init(&audit->entries);
    return audit;
}

void audit_free(struct audit *audit)
{
    if (audit == NULL)
        return;
    size_t lost = 0;
    struct list_node *node = list_first(&audit->entries);
    while (node != NULL) {
        struct list_node *next = list_next(&audit->entries, node);
        free(CONTAINER_OF(node, struct entry, node));
        node = next;
        lost++;
    }
    if (lost > 0)
        LOG_ERROR(NULL, "audit entries lost, the database was away", LOG_I64("entries", lost));
    lock_fini(&audit->lock);
    free(audit);
}

enum err_code audit_reserve(struct audit *audit, struct err *err)
{
    lock_take(&audit->lock);
    bool has_room = audit->count < AUDIT_MAX;
    if (has_room)
        audit->count++;
    lock_drop(&audit->lock);
    if (has_room)
        return ERR_OK;
    return ERR_SET(err, ERR_UNAVAILABLE, "AUDIT_BEHIND",
                   "changes cannot be recorded just now; try again in a moment");
}

void audit_add(struct audit *audit, const struct audit_row *row)
{
    size_t size = 0;
    for (size_t i = 0; i < AUDIT_TEXT_COUNT; i++)
        size += row->texts[i].len + 1;
    struct entry *entry = xcalloc(1, sizeof *entry + size);
    char *at = entry->texts;
    entry->row.at_us = row->at_us;
    for (size_t i = 0; i < AUDIT_TEXT_COUNT; i++) {
        struct str text = row->texts[i];
        if (text.len > 0)
            memcpy(at, text.ptr, text.len);
        entry->row.texts[i] = (struct str){at, text.len};
        at += text.len + 1;
    }
    lock_take(&audit->lock);
    list_append(&audit->entries, &entry->node);
    metric_set(audit->waiting, (int64_t)audit->count);
    lock_drop(&audit->lock);
    if (audit->job != NULL)
        app_job_wake(audit->job);
}

/* The oldest entries, still in the list: only a writer takes them out, and there is one. */
static size_t batch_read(struct audit *audit, struct audit_row rows[AUDIT_BATCH])
{
    size_t count = 0;
    lock_take(&audit->lock);
    for (struct list_node *node = list_first(&audit->entries); node != NULL && count < AUDIT_BATCH;
         node = list_next(&audit->entries, node))
        rows[count++] = CONTAINER_OF(node, struct entry, node)->row;
    lock_drop(&audit->lock);
    return count;
}

static void batch_drop(struct audit *audit, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lock_take(&audit->lock);
        struct list_node *node = list_first(&audit->entries);
        INVARIANT(node != NULL); /* only this job removes entries */
        list_remove(node);
        audit->count--;
        metric_set(audit->waiting, (int64_t)audit->count);
        lock_drop(&audit->lock);
        free(CONTAINER_OF(node, struct entry, node));
    }
}

enum err_code audit_flush(struct audit *audit, struct call *call, struct err *err)
{
    struct audit_row *rows = xcalloc(AUDIT_BATCH, sizeof *rows);
    enum err_code code = ERR_OK;
    size_t count = 0;
    while (code == ERR_OK && (count = batch_read(audit, rows)) > 0) {
        struct arena_mark mark = arena_mark(call->arena);
        code = audit_store_append(audit->pool, call, rows, count, err);
        arena_rewind(call->arena, mark);
        if (code == ERR_OK)
            batch_drop(audit, count);
    }
    free(rows);
    return code;
}

static enum err_code run(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    (void)job;
    return audit_flush(ctx, call, err);
}

static enum err_code prune(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    (void)job;
    struct audit *audit = ctx;
    int64_t removed = 0;
    if (audit->max_age_ms == 0)
        return ERR_OK;
    return audit_store_prune(audit->pool, call, clock_now_us() - audit->max_age_ms * US_PER_MS,
                             &removed, err);
}

static const struct app_job_def write_job = {.name = "audit", .run = run, .period_ms = PERIOD_MS};
static const struct app_job_def prune_job = {
    .name = "audit-prune",
    .run = prune,
    .period_ms = PRUNE_PERIOD_MS,
    .runs_at_start = true,
};

void audit_start(struct audit *audit, struct app *app)
{
    audit->job = app_job_start(app, &write_job, audit);
    (void)app_job_start(app, &prune_job, audit);
}
