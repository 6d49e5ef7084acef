/* Remembers for a short while what the gateway said about tokens. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/map.h"
#include "rpc/auth.h"
#include "rpc/client.h"
#include "taskrouter/common/v1/common.pb-c.h"
#include "taskrouter/directory/v1/directory.pb-c.h"

enum {
    LOCK_RANK_DIRECTORY = 660,
    MAX_ENTRIES = 4096,
    KEEP_KNOWN_US = 10 * 1000 * 1000,
    KEEP_REFUSED_US = 2 * 1000 * 1000,
};

struct entry {
    struct list_node node; /* oldest first */
    struct str token;
    int64_t until_mono_us;
    enum err_code code; /* ERR_OK or UNAUTHENTICATED */
    enum role role;
    char *texts[4]; /* actor, account, worker, workspace */
};

struct rpc_directory {
    struct rpc_client *gateway;
    struct lock lock;
    struct map by_token;
    struct list oldest;
};

struct rpc_directory *rpc_directory_new(struct rpc_client *gateway)
{
    struct rpc_directory *directory = xcalloc(1, sizeof *directory);
    directory->gateway = gateway;
    lock_init(&directory->lock, "rpc directory", LOCK_RANK_DIRECTORY);
    map_init(&directory->by_token);
    list_init(&directory->oldest);
    return directory;
}

static void entry_drop(struct rpc_directory *directory, struct entry *entry)
{
    (void)map_remove(&directory->by_token, entry->token);
    list_remove(&entry->node);
    for (size_t i = 0; i < ARRAY_LEN(entry->texts); i++)
        free(entry->texts[i]);
    union {
        const char *in;
        char *out;
    } token = {.in = entry->token.ptr}; /* ours: xstr_dup made it */
    free(token.out);
    free(entry);
}

void rpc_directory_free(struct rpc_directory *directory)
{
    if (directory == NULL)
        return;
    while (!list_is_empty(&directory->oldest))
        entry_drop(directory, LIST_ENTRY(list_first(&directory->oldest), struct entry, node));
    map_fini(&directory->by_token);
    lock_fini(&directory->lock);
    free(directory);
}

static enum err_code refused(struct err *err)
{
    return ERR_SET(err, ERR_UNAUTHENTICATED, "TOKEN_INVALID",
                   "the token is unknown, expired or revoked; use a valid one");
}

static const char *text_keep(struct arena *arena, const char *text)
{
    const char *copy = text[0] == '\0' ? "" : arena_strdup(arena, text);
    return copy == NULL ? "" : copy;
}

static bool directory_cached(void *ctx, struct call *call, struct str token,
                             enum err_code *out_code, struct identity *out_who, struct err *err)
{
    struct rpc_directory *directory = ctx;
    lock_take(&directory->lock);
    struct entry *entry = map_get(&directory->by_token, token);
    if (entry != NULL && entry->until_mono_us <= clock_mono_us()) {
        entry_drop(directory, entry);
        entry = NULL;
    }
    bool is_known = entry != NULL;
    if (is_known) {
        *out_code = entry->code;
        *out_who = (struct identity){
            .role = entry->role,
            .actor_sid = text_keep(call->arena, entry->texts[0]),
            .account_sid = text_keep(call->arena, entry->texts[1]),
            .worker_sid = text_keep(call->arena, entry->texts[2]),
            .workspace_sid = text_keep(call->arena, entry->texts[3]),
        };
    }
    lock_drop(&directory->lock);
    if (is_known && *out_code != ERR_OK)
        *out_code = refused(err);
    return is_known;
}

static void directory_keep(struct rpc_directory *directory, struct str token, enum err_code code,
                           const struct identity *who)
{
    struct entry *entry = xcalloc(1, sizeof *entry);
    entry->token = (struct str){xstr_dup(token), token.len};
    entry->code = code;
    entry->until_mono_us = clock_mono_us() + (code == ERR_OK ? KEEP_KNOWN_US : KEEP_REFUSED_US);
    entry->role = who->role;
    entry->texts[0] = xstrdup(who->actor_sid);
    entry->texts[1] = xstrdup(who->account_sid);
    entry->texts[2] = xstrdup(who->worker_sid);
    entry->texts[3] = xstrdup(who->workspace_sid);
    lock_take(&directory->lock);
    struct entry *old = map_get(&directory->by_token, token);
    if (old == NULL && directory->by_token.count >= MAX_ENTRIES)
        old = LIST_ENTRY(list_first(&directory->oldest), struct entry, node);
    if (old != NULL)
        entry_drop(directory, old);
    (void)map_put(&directory->by_token, entry->token, entry);
    list_append(&directory->oldest, &entry->node);
    lock_drop(&directory->lock);
}

static enum err_code directory_authenticate(void *ctx, struct call *call, struct str token,
                                            struct identity *out_who, struct err *err)
{
    struct rpc_directory *directory = ctx;
    Taskrouter__Directory__V1__AuthenticateRequest request;
    taskrouter__directory__v1__authenticate_request__init(&request);
    request.token = arena_str_dup(call->arena, token);
    if (request.token == NULL)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                       "the token does not fit the request's memory");
    struct identity nobody = {ROLE_NONE, "", "", "", ""};
    Taskrouter__Common__V1__Identity *found = NULL;
    enum err_code code =
        RPC_CALL(directory->gateway, call, "/taskrouter.directory.v1.Directory/Authenticate",
                 &request.base, taskrouter__common__v1__identity, &found, err);
    if (code == ERR_OK && role_from(found->role) == ROLE_NONE)
        code = ERR_UNAUTHENTICATED; /* a role newer than this service: nothing it may do here */
    if (code == ERR_UNAUTHENTICATED || code == ERR_NOT_FOUND || code == ERR_INVALID_ARGUMENT) {
        directory_keep(directory, token, ERR_UNAUTHENTICATED, &nobody);
        return refused(err);
    }
    if (code != ERR_OK)
        return code;
    *out_who = (struct identity){
        .role = role_from(found->role),
        .actor_sid = found->actor_sid, /* in the call's arena, like all of the reply */
        .account_sid = found->account_sid,
        .worker_sid = found->worker_sid,
        .workspace_sid = found->workspace_sid,
    };
    if (out_who->role == ROLE_SERVICE)
        return refused(err); /* only the service token makes a service */
    directory_keep(directory, token, ERR_OK, out_who);
    return ERR_OK;
}

struct rpc_auth rpc_auth_remote(struct rpc_directory *directory, const char *service_token)
{
    return (struct rpc_auth){
        .service_token = service_token,
        .authenticate = directory_authenticate,
        .cached = directory_cached,
        .ctx = directory,
    };
}
