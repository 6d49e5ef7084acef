#include <string.h>

#include "put.h"

/*
 * Worker channels: a call for each worker, several at once. The workers are those that the run has
 * met; when it did not look at all workers itself, they are listed first. The cursor says how far
 * the list is, then behind which worker the calls go on.
 */

#define LIST_MARK  "list:"
#define AFTER_MARK "after:"

enum { ARENA_BYTES = 96 << 20, BATCH_WORKERS = 40 };

struct channels {
    struct job *job;
    struct arena *arena; /* of a batch */
    enum kind met_as;    /* the kind whose list of met SIDs are the workers */
    struct report report;
    int64_t workers;   /* how many there are */
    const char **sids; /* of the batch */
    size_t count;
    const char *after;
};

static void begin(struct channels *channels)
{
    arena_reset(channels->arena);
    report_init(&channels->report, channels->job, channels->arena, KIND_WORKER_CHANNELS);
}

/* ---- which workers ---- */

static enum err_code list_page(struct channels *channels, const char *query, const char **out_next,
                               struct err *err)
{
    struct job *job = channels->job;
    struct fetch page = {
        .resource = TWILIO_WORKER,
        .path = twilio_path(channels->arena, TWILIO_WORKER, job->run.workspace_sid, NULL, NULL),
        .query = query,
    };
    if (page.path == NULL)
        return call_no_room(err);
    enum err_code code = fetch(job, channels->arena, &page, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < page.page.count; i++)
        report_seen(&channels->report, page.page.items[i].sid);
    bool is_last = page.page.next_query[0] == '\0';
    const char *cursor =
        is_last ? AFTER_MARK : arena_printf(job->arena, LIST_MARK "%s", page.page.next_query);
    if (cursor == NULL)
        return call_no_room(err);
    *out_next = is_last ? NULL : cursor + strlen(LIST_MARK);
    return report_store(&channels->report, cursor, -1, err);
}

static enum err_code list_workers(struct channels *channels, const char *cursor, struct err *err)
{
    enum err_code code = ERR_OK;
    const char *query = cursor[0] == '\0' ? FETCH_PAGE_SIZE : cursor + strlen(LIST_MARK);
    while (code == ERR_OK && query != NULL) {
        begin(channels);
        code = list_page(channels, query, &query, err);
    }
    return code;
}

/* ---- their channels ---- */

static enum err_code try_batch(struct job *job, struct call *call, void *ctx, struct err *err)
{
    struct channels *channels = ctx;
    enum err_code code = progress_store_seen_count(job->writer.pool, call, job->run.sid,
                                                   channels->met_as, &channels->workers, err);
    if (code == ERR_OK)
        code = progress_store_seen(job->writer.pool, call, job->run.sid, channels->met_as,
                                   channels->after, BATCH_WORKERS, &channels->sids,
                                   &channels->count, err);
    return code;
}

/* All workers have the same channels, so the first of them tell how many there are. */
static int64_t total_of(const struct channels *channels, const struct fetch *lists)
{
    size_t present = 0;
    size_t found = 0;
    for (size_t i = 0; i < channels->count; i++) {
        present += lists[i].is_gone ? 0 : 1;
        found += lists[i].is_gone ? 0 : lists[i].page.count;
    }
    return present == 0 ? -1 : channels->workers * (int64_t)found / (int64_t)present;
}

static enum err_code read_batch(struct channels *channels, int64_t *out_total, struct err *err)
{
    struct job *job = channels->job;
    struct fetch *lists = ARENA_ARRAY(channels->arena, struct fetch, channels->count);
    if (lists == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < channels->count; i++)
        lists[i] = (struct fetch){
            .resource = TWILIO_WORKER_CHANNEL,
            .path = twilio_path(channels->arena, TWILIO_WORKER_CHANNEL, job->run.workspace_sid,
                                channels->sids[i], NULL),
            .query = FETCH_PAGE_SIZE,
        };
    AUTO(fetch_many_end)
    struct fetch_many many = {.job = job, .fetches = lists, .count = channels->count};
    enum err_code code = arena_is_exhausted(channels->arena) ? call_no_room(err) : ERR_OK;
    if (code == ERR_OK)
        code = fetch_many(&many, err);
    if (code == ERR_OK)
        code =
            put_lists(&channels->report, TWILIO_WORKER_CHANNEL, lists, channels->count, false, err);
    if (code == ERR_OK)
        *out_total = total_of(channels, lists);
    return code;
}

static enum err_code one_batch(struct channels *channels, struct err *err)
{
    struct job *job = channels->job;
    int64_t total = -1;
    begin(channels);
    enum err_code code = job_insist(job, channels->arena, try_batch, channels, err);
    if (code != ERR_OK || channels->count == 0)
        return code;
    code = read_batch(channels, &total, err);
    const char *cursor =
        arena_printf(job->arena, AFTER_MARK "%s", channels->sids[channels->count - 1]);
    if (code == ERR_OK && cursor == NULL)
        code = call_no_room(err);
    if (code == ERR_OK)
        code = report_store(&channels->report, cursor, total, err);
    if (code == ERR_OK)
        channels->after = cursor + strlen(AFTER_MARK);
    return code;
}

enum err_code do_worker_channels(struct job *job, struct err *err)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    const char *cursor = job->kinds[KIND_WORKER_CHANNELS].cursor;
    bool has_workers = job->kinds[KIND_WORKERS].state == KIND_STATE_DONE;
    bool is_listed = strncmp(cursor, AFTER_MARK, strlen(AFTER_MARK)) == 0;
    struct channels channels = {
        .job = job,
        .arena = arena,
        .met_as = has_workers ? KIND_WORKERS : KIND_WORKER_CHANNELS,
        .after = is_listed ? cursor + strlen(AFTER_MARK) : "",
    };
    enum err_code code = has_workers || is_listed ? ERR_OK : list_workers(&channels, cursor, err);
    do {
        if (code == ERR_OK)
            code = one_batch(&channels, err);
    } while (code == ERR_OK && channels.count > 0);
    return code;
}
