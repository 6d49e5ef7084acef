#include "fetch.h"

#include <pthread.h>
#include <string.h>

#include "base/lock.h"
#include "upstream.h"

enum {
    STATUS_OK = 200,
    STATUS_BAD_REQUEST = 400,
    STATUS_NOT_FOUND = 404,
    THREAD_ARENA_BYTES = 32 << 20,
    PAGES_MAX = 100, /* of a list that is read as one */
    CALL_MS = 10000, /* short, so that a service that ends need not wait long for it */
};

/* ---- one call ---- */

static enum err_code fail_refused(const struct fetch *fetch, const struct upstream_reply *reply,
                                  struct err *err)
{
    if (reply->code == 0) /* Twilio's own refusals have one */
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "UPSTREAM_NOT_TWILIO",
                       "what answers at TASKROUTER_TWILIO_URL is no TaskRouter API (status %d to "
                       "%s); check the address",
                       reply->status, fetch->path);
    if (reply->status == STATUS_BAD_REQUEST && fetch->query != NULL &&
        strstr(fetch->query, "PageToken=") != NULL)
        return ERR_SET(err, ERR_OUT_OF_RANGE, "PAGE_GONE",
                       "Twilio does not know the next page of %s any more", fetch->path);
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "UPSTREAM_REFUSED",
                   "Twilio refused to show %s (status %d, code %lld): %s", fetch->path,
                   reply->status, (long long)reply->code, reply->message);
}

static enum err_code read_reply(struct fetch *fetch, struct call *call,
                                const struct upstream_reply *reply, struct err *err)
{
    fetch->is_gone = reply->status == STATUS_NOT_FOUND && reply->code != 0;
    if (fetch->is_gone)
        return ERR_OK;
    if (reply->status != STATUS_OK)
        return fail_refused(fetch, reply, err);
    if (fetch->query != NULL)
        return twilio_read_page(call->arena, fetch->resource, reply->body, &fetch->page, err);
    enum err_code code =
        twilio_read(call->arena, fetch->resource, reply->body, &fetch->message, err);
    if (code == ERR_OK || !fetch->takes_odd || strcmp(err->reason, "UPSTREAM_UNEXPECTED") != 0)
        return code;
    err_clear(err);
    return ERR_OK;
}

static enum err_code try_fetch(struct job *job, struct call *call, void *ctx, struct err *err)
{
    struct fetch *fetch = ctx;
    struct upstream_reply reply;
    const char *path = fetch->query == NULL
                           ? fetch->path
                           : arena_printf(call->arena, "%s?%s", fetch->path, fetch->query);
    if (path == NULL)
        return call_no_room(err);
    struct upstream_request request = {.method = HTTPC_GET, .path = str_from(path)};
    fetch->observed_at_us = clock_now_us();
    call->deadline_mono_us = clock_mono_us() + CALL_MS * US_PER_MS;
    enum err_code code = upstream_call(job->options->upstream, call, &request, &reply, err);
    return code == ERR_OK ? read_reply(fetch, call, &reply, err) : code;
}

enum err_code fetch(struct job *job, struct arena *arena, struct fetch *fetch, struct err *err)
{
    return job_insist(job, arena, try_fetch, fetch, err);
}

/* ---- whole lists ---- */

static enum err_code append(struct arena *arena, struct twilio_page *all,
                            const struct twilio_page *more, struct err *err)
{
    struct twilio_item *items = ARENA_ARRAY(arena, struct twilio_item, all->count + more->count);
    if (items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < all->count + more->count; i++)
        items[i] = i < all->count ? all->items[i] : more->items[i - all->count];
    *all = (struct twilio_page){items, all->count + more->count, more->next_query};
    return ERR_OK;
}

static enum err_code fetch_whole(struct job *job, struct arena *arena, struct fetch *whole,
                                 struct err *err)
{
    enum err_code code = fetch(job, arena, whole, err);
    if (whole->query == NULL || whole->is_gone)
        return code;
    struct twilio_page all = whole->page;
    for (int pages = 1; code == ERR_OK && all.next_query[0] != '\0'; pages++) {
        struct fetch next = {
            .resource = whole->resource, .path = whole->path, .query = all.next_query};
        if (pages >= PAGES_MAX)
            return ERR_SET(err, ERR_FAILED_PRECONDITION, "UPSTREAM_UNEXPECTED",
                           "Twilio's list %s does not end", whole->path);
        code = fetch(job, arena, &next, err);
        if (code == ERR_OK && next.is_gone) {
            whole->is_gone = true;
            return ERR_OK;
        }
        if (code == ERR_OK)
            code = append(arena, &all, &next.page, err);
    }
    whole->page = all;
    return code;
}

/* ---- several at a time ---- */

struct crowd {
    struct fetch_many *many;
    struct lock lock; /* guards what follows */
    size_t next;
    enum err_code code; /* the first error */
    struct err err;
};

struct member {
    struct crowd *crowd;
    struct arena *arena;
    pthread_t thread;
};

enum { CROWD_LOCK_RANK = 360 };

static struct fetch *take_next(struct crowd *crowd)
{
    struct fetch *next = NULL;
    lock_take(&crowd->lock);
    if (crowd->code == ERR_OK && crowd->next < crowd->many->count)
        next = &crowd->many->fetches[crowd->next++];
    lock_drop(&crowd->lock);
    return next;
}

static void *run_member(void *ctx)
{
    struct member *member = ctx;
    struct crowd *crowd = member->crowd;
    struct fetch *next = NULL;
    while ((next = take_next(crowd)) != NULL) {
        struct err err = {0};
        enum err_code code = fetch_whole(crowd->many->job, member->arena, next, &err);
        if (code == ERR_OK)
            continue;
        lock_take(&crowd->lock);
        if (crowd->code == ERR_OK) {
            crowd->code = code;
            crowd->err = err;
        }
        lock_drop(&crowd->lock);
    }
    return NULL;
}

/* A third of the room: writes and webhooks come first. */
static size_t width_for(const struct job *job, size_t count)
{
    size_t width = job->options->concurrency > 3 ? (size_t)job->options->concurrency / 3 : 1;
    if (width > FETCH_WIDTH_MAX)
        width = FETCH_WIDTH_MAX;
    return width < count ? width : count;
}

enum err_code fetch_many(struct fetch_many *many, struct err *err)
{
    struct crowd crowd = {.many = many};
    struct member members[FETCH_WIDTH_MAX];
    if (many->count == 0)
        return ERR_OK;
    many->width = width_for(many->job, many->count);
    lock_init(&crowd.lock, "crowd", CROWD_LOCK_RANK);
    for (size_t i = 0; i < many->width; i++) {
        many->arenas[i] = arena_new(THREAD_ARENA_BYTES);
        members[i] = (struct member){.crowd = &crowd, .arena = many->arenas[i]};
        int failed = pthread_create(&members[i].thread, NULL, run_member, &members[i]);
        INVARIANT(failed == 0);
    }
    for (size_t i = 0; i < many->width; i++)
        (void)pthread_join(members[i].thread, NULL);
    lock_fini(&crowd.lock);
    if (crowd.code != ERR_OK)
        *err = crowd.err;
    return crowd.code;
}

void fetch_many_end(struct fetch_many *many)
{
    for (size_t i = 0; i < many->width; i++)
        arena_free(many->arenas[i]);
    *many = (struct fetch_many){0};
}
