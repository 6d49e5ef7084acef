#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "jx/jx.h"
#include "link.h"
#include "message_fields.h"
#include "put.h"
#include "rpc/client.h"
#include "svc/wire.h"
#include "taskrouter/directory/v1/directory.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

/*
 * Links of workers to users. Everything that matters of both is held in memory: a few short texts
 * each. A run that changes things looks at our workers, which it has brought in step before; a dry
 * run at Twilio's, because ours are as they were. The cursor is the SID of the worker done last.
 */

enum {
    ARENA_BYTES = 128 << 20,
    PAGE_ARENA_BYTES = 64 << 20,
    CHUNK_WORKERS = 200,
    USER_PAGE = 1000
};

struct links {
    struct job *job;
    struct arena *arena;
    struct link_user *users;
    size_t user_count;
    size_t user_room;
    struct link_worker *workers;
    size_t worker_count;
    size_t worker_room;
    struct map linked; /* of a dry run: SID of a worker -> the user that it is linked to */
};

static void *grown(struct arena *arena, void *old, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return old;
    size_t wanted = *room == 0 ? 1024 : 2 * *room;
    void *larger = arena_calloc(arena, wanted, size);
    if (larger != NULL && count > 0)
        memcpy(larger, old, count * size);
    *room = wanted;
    return larger;
}

/* ---- users ---- */

struct user_page {
    const char *cursor;
    Taskrouter__Directory__V1__ListUsersResponse *reply;
};

/* The gateway's directory answers an account: that of the workspace. */
static enum err_code try_users(struct job *job, struct call *call, void *ctx, struct err *err)
{
    struct user_page *page = ctx;
    Taskrouter__Directory__V1__ListUsersRequest *request =
        PB_NEW(call->arena, taskrouter__directory__v1__list_users_request);
    if (request == NULL)
        return call_no_room(err);
    call->who.role = ROLE_ADMIN;
    call->who.account_sid = job->run.account_sid;
    request->page_size = USER_PAGE;
    request->cursor = wire_text(call->arena, page->cursor);
    if (request->cursor == NULL)
        return call_no_room(err);
    return RPC_CALL(job->options->host->as_caller[PEER_GATEWAY], call,
                    "/taskrouter.directory.v1.Directory/ListUsers", &request->base,
                    taskrouter__directory__v1__list_users_response, &page->reply, err);
}

static void add_user(struct links *links, const Taskrouter__Directory__V1__User *user)
{
    struct arena *arena = links->arena;
    links->users =
        grown(arena, links->users, links->user_count, &links->user_room, sizeof *links->users);
    if (links->users == NULL)
        return;
    links->users[links->user_count++] = (struct link_user){
        .sid = arena_strdup(arena, user->sid),
        .name = arena_strdup(arena, user->name),
        .email = arena_strdup(arena, user->email),
        .quickbase_id = arena_strdup(arena, user->quickbase_user_id),
    };
}

static enum err_code read_users(struct links *links, struct arena *scratch, struct err *err)
{
    const char *cursor = "";
    do {
        struct user_page page = {.cursor = cursor};
        arena_reset(scratch);
        enum err_code code = job_insist(links->job, scratch, try_users, &page, err);
        if (code != ERR_OK)
            return code;
        for (size_t i = 0; i < page.reply->n_items; i++)
            add_user(links, page.reply->items[i]);
        cursor = arena_strdup(links->arena, page.reply->next_cursor);
        if (arena_is_exhausted(links->arena))
            return call_no_room(err);
    } while (cursor[0] != '\0');
    return ERR_OK;
}

/* ---- workers ---- */

/* A text or a number of the attributes; "" when there is none. */
static const char *attribute(struct arena *arena, const json_t *attributes, const char *key)
{
    const json_t *value = jx_get(attributes, key);
    if (json_is_integer(value))
        return arena_printf(arena, "%lld", (long long)json_integer_value(value));
    return arena_strdup(arena, json_is_string(value) ? json_string_value(value) : "");
}

static void add_worker(struct links *links, const Taskrouter__Workers__V1__Worker *worker)
{
    struct arena *arena = links->arena;
    struct err ignored = {0};
    AUTO(jx_cleanup) json_t *attributes = NULL;
    if (jx_parse_object(str_from(worker->attributes), NULL, &attributes, &ignored) != ERR_OK)
        attributes = NULL;
    links->workers = grown(arena, links->workers, links->worker_count, &links->worker_room,
                           sizeof *links->workers);
    if (links->workers == NULL)
        return;
    const char *linked = map_get(&links->linked, str_from(worker->sid));
    links->workers[links->worker_count++] = (struct link_worker){
        .sid = arena_strdup(arena, worker->sid),
        .friendly_name = arena_strdup(arena, worker->friendly_name),
        .email = attribute(arena, attributes, "email"),
        .quickbase_id = attribute(arena, attributes, "quickbaseUserId"),
        .user_sid = linked != NULL ? linked : arena_strdup(arena, worker->user_sid),
    };
}

static void note_link(struct links *links, const Taskrouter__Workers__V1__Worker *worker)
{
    char *sid = arena_strdup(links->arena, worker->sid);
    char *user = arena_strdup(links->arena, worker->user_sid);
    if (sid != NULL && user != NULL && user[0] != '\0')
        (void)map_put(&links->linked, str_from(sid), user);
}

static enum err_code read_ours(struct links *links, struct arena *scratch, struct err *err)
{
    const char *cursor = "";
    do {
        struct ours page = {0};
        arena_reset(scratch);
        enum err_code code = ours_page(links->job, scratch, TWILIO_WORKER, cursor, &page, err);
        if (code != ERR_OK)
            return code;
        for (size_t i = 0; i < page.count; i++) {
            if (links->job->run.is_dry_run)
                note_link(links, (const void *)page.items[i]);
            else
                add_worker(links, (const void *)page.items[i]);
        }
        cursor = arena_strdup(links->arena, page.next_cursor);
        if (arena_is_exhausted(links->arena))
            return call_no_room(err);
    } while (cursor[0] != '\0');
    return ERR_OK;
}

static enum err_code read_theirs(struct links *links, struct arena *scratch, struct err *err)
{
    const char *query = FETCH_PAGE_SIZE;
    do {
        arena_reset(scratch);
        struct fetch page = {
            .resource = TWILIO_WORKER,
            .path = twilio_path(scratch, TWILIO_WORKER, links->job->run.workspace_sid, NULL, NULL),
            .query = query,
        };
        enum err_code code =
            page.path == NULL ? call_no_room(err) : fetch(links->job, scratch, &page, err);
        if (code != ERR_OK)
            return code;
        for (size_t i = 0; i < page.page.count; i++) {
            if (page.page.items[i].message != NULL)
                add_worker(links, (const void *)page.page.items[i].message);
        }
        query = arena_strdup(links->arena, page.page.next_query);
        if (arena_is_exhausted(links->arena))
            return call_no_room(err);
    } while (query[0] != '\0');
    return ERR_OK;
}

static int by_sid(const void *a, const void *b)
{
    return strcmp(((const struct link_worker *)a)->sid, ((const struct link_worker *)b)->sid);
}

static enum err_code read_all(struct links *links, struct err *err)
{
    const struct job *job = links->job;
    AUTO(arena_cleanup) struct arena *scratch = arena_new(PAGE_ARENA_BYTES);
    enum err_code code = read_users(links, scratch, err);
    if (code == ERR_OK && !job->is_new)
        code = read_ours(links, scratch, err);
    if (code == ERR_OK && job->run.is_dry_run)
        code = read_theirs(links, scratch, err);
    if (code == ERR_OK && links->worker_count > 0)
        qsort(links->workers, links->worker_count, sizeof *links->workers, by_sid);
    return code;
}

/* ---- linking ---- */

static enum err_code try_link(struct job *job, struct call *call, void *ctx, struct err *err)
{
    const struct link_worker *worker = ctx;
    Taskrouter__Workers__V1__Worker *reply = NULL;
    Taskrouter__Workers__V1__LinkWorkerRequest *request =
        PB_NEW(call->arena, taskrouter__workers__v1__link_worker_request);
    if (request == NULL)
        return call_no_room(err);
    request->workspace_sid = wire_text(call->arena, job->run.workspace_sid);
    request->sid = wire_text(call->arena, worker->sid);
    request->user_sid = wire_text(call->arena, worker->match->sid);
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    return RPC_CALL(job->options->host->as_service[PEER_WORKERS], call,
                    "/taskrouter.workers.v1.Workers/LinkWorker", &request->base,
                    taskrouter__workers__v1__worker, &reply, err);
}

/* The item of a new link, as an update of the worker. */
static void note_linked(struct report *report, const struct link_worker *worker)
{
    struct arena *arena = report->arena;
    Taskrouter__Common__V1__MirrorResult *result =
        PB_NEW(arena, taskrouter__common__v1__mirror_result);
    Taskrouter__Common__V1__MirrorField **fields =
        ARENA_ARRAY(arena, Taskrouter__Common__V1__MirrorField *, 1);
    if (result == NULL || fields == NULL)
        return;
    fields[0] = PB_NEW(arena, taskrouter__common__v1__mirror_field);
    if (fields[0] == NULL)
        return;
    fields[0]->name = arena_strdup(arena, "user_sid");
    fields[0]->theirs = arena_strdup(arena, worker->match->sid);
    result->sid = arena_strdup(arena, worker->sid);
    result->friendly_name = arena_strdup(arena, worker->friendly_name);
    result->outcome = TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_UPDATED;
    result->fields = fields;
    result->n_fields = 1;
    result->detail =
        arena_printf(arena, "by %s: %s", worker->by, link_user_text(arena, worker->match));
    if (arena_is_exhausted(arena))
        return;
    report_add(report, result);
    report->counts.linked++;
}

static enum err_code link_one(struct report *report, struct link_worker *worker, struct err *err)
{
    struct job *job = report->job;
    enum err_code code = ERR_OK;
    if (worker->match != NULL && !job->run.is_dry_run)
        code = job_insist(job, report->arena, try_link, worker, err);
    bool is_refused =
        code == ERR_ALREADY_EXISTS || code == ERR_NOT_FOUND || code == ERR_FAILED_PRECONDITION;
    if (is_refused) { /* somebody was quicker */
        worker->conflict = arena_strdup(report->arena, err->detail);
        err_clear(err);
    } else if (code != ERR_OK) {
        return code;
    }
    if (worker->conflict != NULL)
        report_note(report, worker->sid, worker->friendly_name, OUTCOME_CONFLICTING,
                    worker->conflict);
    else if (worker->match != NULL)
        note_linked(report, worker);
    else
        report_note(report, worker->sid, worker->friendly_name, OUTCOME_UNCHANGED, "");
    return ERR_OK;
}

static enum err_code link_chunk(struct links *links, struct arena *scratch, size_t *at,
                                struct err *err)
{
    struct report report;
    enum err_code code = ERR_OK;
    arena_reset(scratch);
    report_init(&report, links->job, scratch, KIND_LINKS);
    size_t end = *at + CHUNK_WORKERS;
    if (end > links->worker_count)
        end = links->worker_count;
    for (; *at < end && code == ERR_OK; (*at)++)
        code = link_one(&report, &links->workers[*at], err);
    if (code == ERR_OK)
        code =
            report_store(&report, links->workers[end - 1].sid, (int64_t)links->worker_count, err);
    return code;
}

enum err_code do_links(struct job *job, struct err *err)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    AUTO(arena_cleanup) struct arena *scratch = arena_new(PAGE_ARENA_BYTES);
    struct links links = {.job = job, .arena = arena};
    const char *done = job->kinds[KIND_LINKS].cursor;
    size_t at = 0;
    map_init(&links.linked);
    enum err_code code = read_all(&links, err);
    if (code == ERR_OK)
        code = link_match(arena, links.users, links.user_count, links.workers, links.worker_count,
                          err);
    while (code == ERR_OK && at < links.worker_count && strcmp(links.workers[at].sid, done) <= 0)
        at++;
    while (code == ERR_OK && at < links.worker_count)
        code = link_chunk(&links, scratch, &at, err);
    map_fini(&links.linked);
    return code;
}
