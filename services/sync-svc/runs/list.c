#include <string.h>

#include "put.h"

/*
 * A kind that is one list of the workspace. Its cursor is the query of the page that is next, or,
 * behind a mark, where the look for what has vanished goes on; for tasks there are two such looks.
 */

#define VANISH_MARK      "vanish:"
#define RESERVATION_MARK "vanish reservations:"
#define SETTLE_MARK      "settle:"

enum {
    PAGE_ARENA_BYTES = 192 << 20,
    CHUNK_ITEMS = 200,
    CHUNK_TASKS = 50, /* each of them is a call more, and progress shows after each chunk */
    PAGES_MAX = 20000,
    RESTARTS_MAX = 3,
};

static const struct {
    enum twilio_resource resource;
    const char *query;       /* of the first page */
    const char *light_query; /* of a light run; NULL: the same */
    size_t chunk;
} lists[KIND_COUNT] = {
    [KIND_ACTIVITIES] = {TWILIO_ACTIVITY,     FETCH_PAGE_SIZE, NULL,                                   CHUNK_ITEMS},
    [KIND_TASK_CHANNELS] = {TWILIO_TASK_CHANNEL, FETCH_PAGE_SIZE, NULL,                                   CHUNK_ITEMS},
    [KIND_QUEUES] = {TWILIO_TASK_QUEUE,   FETCH_PAGE_SIZE, NULL,                                   CHUNK_ITEMS},
    [KIND_WORKFLOWS] = {TWILIO_WORKFLOW,     FETCH_PAGE_SIZE, NULL,                                   CHUNK_ITEMS},
    [KIND_WORKERS] = {TWILIO_WORKER,       FETCH_PAGE_SIZE, NULL,                                   CHUNK_ITEMS},
    [KIND_TASKS] = {TWILIO_TASK,         FETCH_PAGE_SIZE,
                         FETCH_PAGE_SIZE "&AssignmentStatus=pending%2Creserved%2Cassigned%2Cwrapping",
                         CHUNK_TASKS                                                                              },
};

/* The paging of one kind. */
struct paging {
    struct job *job;
    struct arena *arena; /* of a page */
    enum kind kind;
    struct report report;
    struct fetch fetch;
    struct twilio_item **fresh; /* of the page: those that the run has not met */
    size_t fresh_count;
    char query[2048]; /* of the page; an item of twilio_page is never longer */
};

static enum err_code try_unseen(struct job *job, struct call *call, void *ctx, struct err *err)
{
    struct paging *paging = ctx;
    const struct twilio_page *page = &paging->fetch.page;
    size_t *indexes = NULL;
    size_t count = 0;
    struct str *sids = ARENA_ARRAY(call->arena, struct str, page->count);
    struct twilio_item **fresh = ARENA_ARRAY(call->arena, struct twilio_item *, page->count);
    if (sids == NULL || fresh == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < page->count; i++)
        sids[i] = str_from(page->items[i].sid);
    enum err_code code = progress_store_unseen(job->writer.pool, call, job->run.sid, paging->kind,
                                               sids, page->count, &indexes, &count, err);
    for (size_t i = 0; i < count && code == ERR_OK; i++)
        fresh[i] = &page->items[indexes[i]];
    paging->fresh = fresh;
    paging->fresh_count = count;
    return code;
}

static enum err_code put_fresh(struct paging *paging, struct err *err)
{
    const struct job *job = paging->job;
    size_t chunk = lists[paging->kind].chunk;
    const char *next = paging->fetch.page.next_query;
    const char *after = next[0] != '\0' ? next : VANISH_MARK;
    int64_t total = -1;
    if (next[0] == '\0' && paging->kind != KIND_TASKS) /* how many reservations come is not known */
        total = job->kinds[paging->kind].counts.seen + (int64_t)paging->fresh_count;
    enum err_code code = ERR_OK;
    size_t at = 0;
    do {
        size_t left = paging->fresh_count - at;
        size_t count = left < chunk ? left : chunk;
        code = put_page_items(&paging->report, lists[paging->kind].resource, paging->fresh + at,
                              count, paging->fetch.observed_at_us, err);
        at += count;
        if (code == ERR_OK)
            code = report_store(&paging->report, at < paging->fresh_count ? paging->query : after,
                                total, err);
    } while (code == ERR_OK && at < paging->fresh_count);
    return code;
}

/* *out_is_last: there is no further page. */
static enum err_code one_page(struct paging *paging, bool *out_is_last, struct err *err)
{
    struct job *job = paging->job;
    enum twilio_resource resource = lists[paging->kind].resource;
    arena_reset(paging->arena);
    report_init(&paging->report, job, paging->arena, paging->kind);
    paging->fetch = (struct fetch){
        .resource = resource,
        .path = twilio_path(paging->arena, resource, job->run.workspace_sid, NULL, NULL),
        .query = paging->query,
    };
    if (paging->fetch.path == NULL)
        return call_no_room(err);
    enum err_code code = fetch(job, paging->arena, &paging->fetch, err);
    if (code == ERR_OK && paging->fetch.is_gone)
        return ERR_SET(err, ERR_NOT_FOUND, "UPSTREAM_WORKSPACE_GONE",
                       "Twilio has no workspace %s any more; check TWILIO_WORKSPACE_SID",
                       job->run.workspace_sid);
    if (code == ERR_OK)
        code = job_insist(job, paging->arena, try_unseen, paging, err);
    if (code == ERR_OK)
        code = put_fresh(paging, err);
    if (code != ERR_OK)
        return code;
    const char *next = paging->fetch.page.next_query;
    *out_is_last = next[0] == '\0';
    if (strcmp(next, paging->query) == 0 || strlen(next) >= sizeof paging->query)
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "UPSTREAM_UNEXPECTED",
                       "a page of Twilio's %ss leads to itself", twilio_noun(resource));
    memcpy(paging->query, next, strlen(next) + 1);
    return ERR_OK;
}

static void rewind_to(struct paging *paging, const char *query)
{
    size_t len = strlen(query);
    INVARIANT(len < sizeof paging->query);
    memcpy(paging->query, query, len + 1);
}

static enum err_code all_pages(struct paging *paging, const char *first, struct err *err)
{
    enum err_code code = ERR_OK;
    bool is_last = false;
    int restarts = 0;
    for (int pages = 0; code == ERR_OK && !is_last; pages++) {
        if (pages >= PAGES_MAX)
            return ERR_SET(err, ERR_FAILED_PRECONDITION, "UPSTREAM_UNEXPECTED",
                           "Twilio's list of %ss does not end",
                           twilio_noun(lists[paging->kind].resource));
        code = one_page(paging, &is_last, err);
        if (code == ERR_OUT_OF_RANGE && restarts++ < RESTARTS_MAX) { /* what was met is skipped */
            rewind_to(paging, first);
            err_clear(err);
            code = ERR_OK;
        }
    }
    return code;
}

static enum err_code list_pages(struct job *job, enum kind kind, const char *cursor,
                                struct err *err)
{
    const char *first = job->run.is_light && lists[kind].light_query != NULL
                            ? lists[kind].light_query
                            : lists[kind].query;
    AUTO(arena_cleanup) struct arena *arena = arena_new(PAGE_ARENA_BYTES);
    struct paging paging = {.job = job, .arena = arena, .kind = kind};
    rewind_to(&paging, cursor[0] == '\0' ? first : cursor);
    return all_pages(&paging, first, err);
}

/* What stands behind the mark, or NULL. */
static const char *behind(const char *cursor, const char *mark)
{
    size_t len = strlen(mark);
    return strncmp(cursor, mark, len) == 0 ? cursor + len : NULL;
}

/* From our side: what is not there any more. A light run looks at all of the live tasks, and at
 * nothing else. */
static enum err_code vanish(struct job *job, enum kind kind, const char *cursor, struct err *err)
{
    const char *rows = behind(cursor, VANISH_MARK);
    const char *reservations = behind(cursor, RESERVATION_MARK);
    enum err_code code = ERR_OK;
    if (job->run.is_light && kind != KIND_TASKS)
        return ERR_OK;
    if (reservations == NULL)
        code = vanish_rows(job, kind, lists[kind].resource, rows == NULL ? "" : rows, VANISH_MARK,
                           err);
    if (code == ERR_OK && kind == KIND_TASKS)
        code = vanish_rows(job, kind, TWILIO_RESERVATION, reservations == NULL ? "" : reservations,
                           RESERVATION_MARK, err);
    return code;
}

enum err_code do_list(struct job *job, enum kind kind, struct err *err)
{
    const char *cursor = job->kinds[kind].cursor;
    bool is_settling = behind(cursor, SETTLE_MARK) != NULL;
    bool is_vanishing =
        behind(cursor, VANISH_MARK) != NULL || behind(cursor, RESERVATION_MARK) != NULL;
    enum err_code code = ERR_OK;
    if (!is_settling && !is_vanishing)
        code = list_pages(job, kind, cursor, err);
    if (code == ERR_OK && !is_settling && !job->is_new)
        code = vanish(job, kind, cursor, err);
    if (code == ERR_OK && !job->is_new && kind != KIND_TASKS) /* tasks have no names of their own */
        code = settle_rows(job, kind, lists[kind].resource, SETTLE_MARK, err);
    return code;
}
