/*
 * A shard's tasks, page by page. While one page goes through the engine PostgreSQL makes the next
 * one, which is taken in and parsed as it comes, so that neither waits for the other; a page is
 * asked for as soon as the one before it is there.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/map.h"
#include "shard_store.h"
#include "shard_store_sql.h"
#include "task_columns.h"

enum {
#ifdef TR_SANITIZE
    PAGE_ROWS = 64, /* tests have few tasks, and several pages */
#else
    PAGE_ROWS = 4000, /* some 3 MB; a page costs a look-up and the time until it is asked for */
#endif
    TASKS_AHEAD = 8,      /* so far ahead a task is announced */
    READ_AHEAD_ROWS = 16, /* so often what came of the next page is taken in: some 30 rows each */
};

/* A document that a task entered; its bytes are the key. */
struct document_name {
    struct sid workflow_sid;
    int64_t version;
};

struct task_pages {
    struct db_conn *conn;
    struct call *call;
    int shard;
    struct map documents; /* those that were read */
    /* The page at hand: */
    struct db_result *tasks;
    struct db_result *documents_new;
    struct db_result *reservations; /* NULL: none of its tasks ever had one */
    int count;
    int64_t last; /* its last task's number */
};

static enum err_code too_large(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "LOAD_TOO_LARGE",
                   "a page of tasks does not fit into memory");
}

/* ---- reading ---- */

static enum err_code ask_for_page(struct task_pages *pages, struct err *err)
{
    enum err_code code = db_pipeline_begin(pages->conn, pages->call, err);
    if (code == ERR_OK)
        code = db_pipeline_add_binary(
            pages->conn, pages->call, &shard_load_tasks,
            DB_PARAMS(db_i64(pages->shard), db_i64(pages->last), db_i64(PAGE_ROWS)), err);
    return code == ERR_OK ? db_pipeline_sync(pages->conn, pages->call, err) : code;
}

/* Whether it was not read before; from now on it was. */
static bool note_document(struct task_pages *pages, struct str workflow_sid, int64_t version)
{
    struct document_name name;
    memset(&name, 0, sizeof name);
    name.workflow_sid = sid_from(workflow_sid);
    name.version = version;
    if (map_get(&pages->documents, (struct str){(const char *)&name, sizeof name}) != NULL)
        return false;
    struct document_name *copy = xcalloc(1, sizeof *copy);
    memcpy(copy, &name, sizeof name);
    (void)map_put(&pages->documents, (struct str){(const char *)copy, sizeof *copy}, copy);
    return true;
}

/* Those that this page's tasks are the first to name. */
static enum err_code get_documents(struct task_pages *pages, struct err *err)
{
    struct arena *arena = pages->call->arena;
    struct str *sids = ARENA_ARRAY(arena, struct str, (size_t)pages->count + 1);
    int64_t *versions = ARENA_ARRAY(arena, int64_t, (size_t)pages->count + 1);
    struct str last_sid = {NULL, 0};
    int64_t last_version = 0;
    size_t count = 0;
    pages->documents_new = NULL;
    if (sids == NULL || versions == NULL)
        return too_large(err);
    for (int i = 0; i < pages->count; i++) {
        int64_t version = 0;
        struct str sid = task_document(pages->tasks, i, &version);
        bool is_as_before = version == last_version && str_eq(sid, last_sid);
        last_sid = sid;
        last_version = version;
        if (is_as_before || sid.len == 0 || !note_document(pages, sid, version))
            continue;
        sids[count] = sid;
        versions[count++] = version;
    }
    if (count == 0)
        return ERR_OK;
    return db_query(
        pages->conn, pages->call, &shard_load_documents,
        DB_PARAMS(db_i64(pages->shard), db_texts(sids, count), db_i64s(versions, count)),
        &pages->documents_new, err);
}

/* Mostly few tasks ever had one. */
static enum err_code get_reservations(struct task_pages *pages, struct err *err)
{
    struct str *sids = ARENA_ARRAY(pages->call->arena, struct str, (size_t)pages->count + 1);
    size_t count = 0;
    pages->reservations = NULL;
    if (sids == NULL)
        return too_large(err);
    for (int i = 0; i < pages->count; i++) {
        if (task_was_offered(pages->tasks, i))
            sids[count++] = db_get_str(pages->tasks, i, 0);
    }
    if (count == 0)
        return ERR_OK;
    return db_query(pages->conn, pages->call, &shard_load_reservations,
                    DB_PARAMS(db_texts(sids, count)), &pages->reservations, err);
}

/* The page that was asked for, with what its tasks need beside; then the next one is asked for. */
static enum err_code get_page(struct task_pages *pages, struct err *err)
{
    enum err_code code = db_pipeline_next(pages->conn, pages->call, &pages->tasks, err);
    if (code != ERR_OK)
        return code;
    pages->count = db_row_count(pages->tasks);
    if (pages->count > 0)
        pages->last = task_sequence(pages->tasks, pages->count - 1);
    code = get_documents(pages, err);
    if (code == ERR_OK)
        code = get_reservations(pages, err);
    if (code == ERR_OK && pages->count == PAGE_ROWS)
        code = ask_for_page(pages, err);
    return code;
}

/* ---- handing over ---- */

static enum err_code put_documents(const struct task_pages *pages, const struct shard_task_fns *fns,
                                   void *ctx, struct err *err)
{
    const struct db_result *rows = pages->documents_new;
    int count = rows == NULL ? 0 : db_row_count(rows);
    enum err_code code = ERR_OK;
    for (int i = 0; i < count && code == ERR_OK; i++) {
        struct sid workflow_sid = sid_from(db_get_str(rows, i, 0));
        code =
            fns->document(ctx, &workflow_sid, db_get_i64(rows, i, 1), db_get_str(rows, i, 2), err);
    }
    return code;
}

static void announce(const struct task_pages *pages, int i, const struct shard_task_fns *fns,
                     void *ctx)
{
    if (i >= pages->count)
        return;
    struct sid sid = sid_from(db_get_str(pages->tasks, i, 0));
    fns->task_ahead(ctx, &sid);
}

/* Meanwhile the next page comes in. */
static enum err_code put_page(const struct task_pages *pages, const struct shard_task_fns *fns,
                              void *ctx, struct err *err)
{
    enum err_code code = put_documents(pages, fns, ctx, err);
    for (int i = 0; i < pages->count && code == ERR_OK; i++) {
        struct task_row row;
        if (i % READ_AHEAD_ROWS == 0)
            db_pipeline_read_ahead(pages->conn);
        announce(pages, i + TASKS_AHEAD, fns, ctx);
        task_from_row(pages->tasks, i, &row);
        code = fns->task(ctx, &row, err);
    }
    int count = pages->reservations == NULL ? 0 : db_row_count(pages->reservations);
    for (int i = 0; i < count && code == ERR_OK; i++) {
        struct reservation_row row;
        reservation_from_row(pages->reservations, i, &row);
        code = fns->reservation(ctx, &row, err);
    }
    return code;
}

enum err_code shard_store_tasks(struct db_conn *conn, struct call *call, int shard,
                                const struct shard_task_fns *fns, void *ctx, struct err *err)
{
    struct task_pages pages = {.conn = conn, .call = call, .shard = shard, .count = PAGE_ROWS};
    map_init(&pages.documents);
    enum err_code code = ask_for_page(&pages, err);
    while (code == ERR_OK && pages.count == PAGE_ROWS) {
        struct arena_mark mark = arena_mark(call->arena);
        code = get_page(&pages, err);
        if (code == ERR_OK)
            code = put_page(&pages, fns, ctx, err);
        arena_rewind(call->arena, mark);
    }
    if (code != ERR_OK)
        db_pipeline_abort(conn);
    for (size_t i = 0; i < pages.documents.count; i++)
        free(pages.documents.entries[i].value);
    map_fini(&pages.documents);
    return code;
}
