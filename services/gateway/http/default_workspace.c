#include "default_workspace.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/lock.h"
#include "base/map.h"
#include "rpc/client.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

enum { WORKSPACES_LOCK_RANK = 320, REMEMBERED_MAX = 1024 };

#define REMEMBERED_US (5 * US_PER_S)

/* The only workspace of an account. Owned by the map; key is account. */
struct remembered {
    struct sid account;
    struct sid workspace;
    int64_t until_mono_us;
};

struct default_workspaces {
    struct rpc_client *workers;
    const char *configured;
    struct lock lock; /* guards what follows */
    struct map remembered;
    uint64_t forgets;
};

struct default_workspaces *default_workspaces_new(struct rpc_client *workers,
                                                  const char *configured)
{
    struct default_workspaces *workspaces = xcalloc(1, sizeof *workspaces);
    workspaces->workers = workers;
    workspaces->configured = configured;
    lock_init(&workspaces->lock, "default workspaces", WORKSPACES_LOCK_RANK);
    map_init(&workspaces->remembered);
    return workspaces;
}

static void clear(struct default_workspaces *workspaces)
{
    for (size_t i = 0; i < workspaces->remembered.count; i++)
        free(workspaces->remembered.entries[i].value);
    map_clear(&workspaces->remembered);
}

void default_workspaces_free(struct default_workspaces *workspaces)
{
    if (workspaces == NULL)
        return;
    clear(workspaces);
    map_fini(&workspaces->remembered);
    lock_fini(&workspaces->lock);
    free(workspaces);
}

void default_workspaces_forget(struct default_workspaces *workspaces)
{
    lock_take(&workspaces->lock);
    workspaces->forgets++;
    clear(workspaces);
    lock_drop(&workspaces->lock);
}

static struct sid remembered_get(struct default_workspaces *workspaces, const char *account,
                                 uint64_t *out_forgets)
{
    struct sid found = {""};
    lock_take(&workspaces->lock);
    const struct remembered *entry = map_get(&workspaces->remembered, str_from(account));
    if (entry != NULL && entry->until_mono_us > clock_mono_us())
        found = entry->workspace;
    *out_forgets = workspaces->forgets;
    lock_drop(&workspaces->lock);
    return found;
}

static void remember(struct default_workspaces *workspaces, const char *account,
                     const char *workspace, uint64_t forgets)
{
    struct remembered *entry = xcalloc(1, sizeof *entry);
    entry->account = sid_from(str_from(account));
    entry->workspace = sid_from(str_from(workspace));
    entry->until_mono_us = clock_mono_us() + REMEMBERED_US;
    if (!sid_is_set(&entry->account) || !sid_is_set(&entry->workspace)) {
        free(entry);
        return;
    }
    lock_take(&workspaces->lock);
    if (workspaces->forgets != forgets) { /* it may have changed since it was read */
        lock_drop(&workspaces->lock);
        free(entry);
        return;
    }
    if (workspaces->remembered.count >= REMEMBERED_MAX)
        clear(workspaces);
    free(map_remove(&workspaces->remembered, str_from(account)));
    (void)map_put(&workspaces->remembered, str_from(entry->account.text), entry);
    lock_drop(&workspaces->lock);
}

static enum err_code keep(struct call *call, const char *sid, const char **out_sid, struct err *err)
{
    *out_sid = arena_strdup(call->arena, sid);
    if (*out_sid == NULL)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                       "the request needs too much memory; send a smaller one");
    return ERR_OK;
}

enum err_code default_workspace_of(struct default_workspaces *workspaces, struct call *call,
                                   const char **out_sid, struct err *err)
{
    if (call->who.workspace_sid[0] != '\0')
        return keep(call, call->who.workspace_sid, out_sid, err);
    uint64_t forgets = 0;
    struct sid known = remembered_get(workspaces, call->who.account_sid, &forgets);
    if (sid_is_set(&known))
        return keep(call, known.text, out_sid, err);
    Taskrouter__Workers__V1__ListWorkspacesRequest request;
    taskrouter__workers__v1__list_workspaces_request__init(&request);
    request.page_size = 2; /* enough to know whether it is the only one */
    Taskrouter__Workers__V1__ListWorkspacesResponse *reply = NULL;
    struct err asked = {0};
    enum err_code code =
        RPC_CALL(workspaces->workers, call, "/taskrouter.workers.v1.Workers/ListWorkspaces",
                 &request.base, taskrouter__workers__v1__list_workspaces_response, &reply, &asked);
    if (code == ERR_OK && reply->n_items == 1) {
        remember(workspaces, call->who.account_sid, reply->items[0]->sid, forgets);
        return keep(call, reply->items[0]->sid, out_sid, err);
    }
    if (workspaces->configured != NULL)
        return keep(call, workspaces->configured, out_sid, err);
    if (code != ERR_OK) {
        *err = asked;
        return code;
    }
    if (reply->n_items == 0)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "WORKSPACE_REQUIRED",
                       "the account has no workspace yet; create one with POST "
                       "/api/taskrouter/workspaces");
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "WORKSPACE_REQUIRED", "workspaceSid",
                     "the account has several workspaces; name one with the header "
                     "X-Workspace-Sid or the query parameter workspaceSid");
}
