#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/macros.h"
#include "calls_int.h"
#include "calls_tasks.h"
#include "default_workspace.h"
#include "gateway.h"
#include "jx/jx.h"
#include "jx/writer.h"
#include "log/log.h"
#include "rpc/client.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

#define GET_WORKSPACE "/taskrouter.workers.v1.Workers/GetWorkspace"

enum {
    CALLS_LOCK_RANK = 340,
    WORKSPACES_MAX = 1024,
    PARAM_MAX_BYTES = 2048,
    ATTRIBUTES_MAX_BYTES = 64 << 10
};

#define FRESH_US (60 * US_PER_S)

/* Owned by the map; its key is name: the SID, or "" for the default. */
struct known_workspace {
    char name[SID_SIZE];
    struct workspace_facts facts;
    int64_t until_mono_us;
};

struct calls *calls_new(struct gateway *gateway)
{
    struct calls *calls = xcalloc(1, sizeof *calls);
    calls->gateway = gateway;
    lock_init(&calls->lock, "calls", CALLS_LOCK_RANK);
    map_init(&calls->workspaces);
    return calls;
}

static void forget_all(struct calls *calls)
{
    for (size_t i = 0; i < calls->workspaces.count; i++)
        free(calls->workspaces.entries[i].value);
    map_clear(&calls->workspaces);
}

void calls_free(struct calls *calls)
{
    if (calls == NULL)
        return;
    forget_all(calls);
    map_fini(&calls->workspaces);
    lock_fini(&calls->lock);
    free(calls);
}

int calls_patience_ms(const struct calls *calls)
{
    return (int)calls->gateway->settings->call_patience_ms;
}

struct call calls_as_service(const struct call *call, int budget_ms)
{
    struct call copy = *call;
    int64_t until = clock_mono_us() + budget_ms * US_PER_MS;
    if (copy.deadline_mono_us == 0 || copy.deadline_mono_us > until)
        copy.deadline_mono_us = until;
    copy.who = (struct identity){ROLE_SERVICE, "service:gateway", "", "", ""};
    return copy;
}

struct rpc_client *calls_peer(const struct calls *calls, enum peer peer)
{
    return calls->gateway->host.as_service[peer];
}

const char *calls_url(const struct calls *calls, struct arena *arena, const char *path)
{
    const char *root = calls->gateway->settings->public_url;
    struct str base = str_from(root != NULL ? root : "");
    while (base.len > 0 && base.ptr[base.len - 1] == '/')
        base.len--;
    return arena_printf(arena, "%.*s/api/webhooks%s", STR_ARG(base), path);
}

const char *ask_param(const struct ask *ask, const char *name)
{
    struct str value = webhook_param(ask->params, ask->count, name);
    while (value.len > PARAM_MAX_BYTES ||
           (value.len == PARAM_MAX_BYTES && ((unsigned char)value.ptr[value.len] & 0xC0U) == 0x80U))
        value.len = value.len > PARAM_MAX_BYTES ? PARAM_MAX_BYTES : value.len - 1;
    const char *text = arena_str_dup(ask->call->arena, value);
    return text != NULL ? text : "";
}

/* ---- attributes ---- */

/* What it is found, called back and routed by: cut last. */
static bool is_needed(const char *key)
{
    static const char *const keys[] = {
        "type",
        "direction",
        "channel",
        "call_sid",
        "callId",
        "customer_phone",
        "from",
        "to",
        "caller",
        "called",
        "conversation_sid",
        "message_sid",
        "recording_sid",
        "due_date",
        "department",
    };
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

/* The member that takes most room; NULL when there is none of those. */
static const char *largest(json_t *object, bool also_needed)
{
    const char *found = NULL;
    const char *key = NULL;
    json_t *value = NULL;
    size_t most = 0;
    json_object_foreach(object, key, value)
    {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        size_t size = text == NULL ? 0 : strlen(text);
        free(text);
        if ((is_needed(key) && !also_needed) || size <= most)
            continue;
        most = size;
        found = key;
    }
    return found;
}

/* Takes `excess` characters or more away; false: there is nothing that could go. */
static bool shorten(const struct call *call, json_t *object, size_t excess)
{
    const char *key = largest(object, false);
    if (key == NULL)
        key = largest(object, true);
    if (key == NULL)
        return false;
    const char *text = json_string_value(json_object_get(object, key));
    size_t chars = text == NULL ? 0 : str_utf8_count(str_from(text));
    LOG_WARN(call, "what is known of a call does not fit into a task, and is cut",
             LOG_STR("attribute", key));
    if (chars > excess)
        return json_object_set_new(
                   object, key, json_string(tasks_shown(call->arena, text, chars - excess))) == 0;
    return json_object_del(object, key) == 0;
}

const char *calls_attributes(const struct call *call, json_t *object)
{
    const char *made = NULL;
    bool goes_on = true;
    while (made == NULL && goes_on) {
        struct buf text;
        struct jx_writer w;
        buf_init(&text, ATTRIBUTES_MAX_BYTES);
        jx_writer_init(&w, &text);
        jx_value(&w, object);
        bool is_written = jx_writer_finish(&w, NULL) == ERR_OK;
        size_t chars = is_written ? str_utf8_count(buf_str(&text)) : ATTRIBUTES_MAX_BYTES;
        if (chars <= JX_ATTRIBUTES_CHARS) {
            made = arena_str_dup(call->arena, buf_str(&text));
            goes_on = false;
        } else {
            goes_on = shorten(call, object, chars - JX_ATTRIBUTES_CHARS);
        }
        buf_fini(&text);
    }
    return made;
}

/* ---- workspaces ---- */

/* *out_is_fresh false: good enough while nobody can be asked. */
static bool recall(struct calls *calls, const char *name, struct workspace_facts *out,
                   bool *out_is_fresh)
{
    lock_take(&calls->lock);
    const struct known_workspace *known = map_get(&calls->workspaces, str_from(name));
    if (known != NULL) {
        *out = known->facts;
        *out_is_fresh = known->until_mono_us > clock_mono_us();
    }
    lock_drop(&calls->lock);
    return known != NULL;
}

static void remember(struct calls *calls, const char *name, const struct workspace_facts *facts)
{
    struct known_workspace *known = xcalloc(1, sizeof *known);
    memcpy(known->name, name, strlen(name));
    known->facts = *facts;
    known->until_mono_us = clock_mono_us() + FRESH_US;
    lock_take(&calls->lock);
    if (calls->workspaces.count >= WORKSPACES_MAX)
        forget_all(calls);
    free(map_put(&calls->workspaces, str_from(known->name), known));
    lock_drop(&calls->lock);
}

/* The configured one, else the only one of our account. */
static enum err_code default_sid(struct calls *calls, const struct call *call, int budget_ms,
                                 const char **out, struct err *err)
{
    const struct gateway_settings *settings = calls->gateway->settings;
    const char *account_sid = gateway_account_sid(settings);
    *out = settings->default_workspace;
    if (*out != NULL)
        return ERR_OK;
    struct call as_owner = calls_as_service(call, budget_ms);
    as_owner.who.role = ROLE_VIEWER;
    as_owner.who.account_sid = account_sid != NULL ? account_sid : "";
    return default_workspace_of(calls->gateway->workspaces, &as_owner, out, err);
}

static enum err_code ask_workers(struct calls *calls, const struct call *call, const char *named,
                                 int budget_ms, struct workspace_facts *out, struct err *err)
{
    Taskrouter__Workers__V1__GetWorkspaceRequest request;
    Taskrouter__Workers__V1__Workspace *reply = NULL;
    struct call as_service = calls_as_service(call, budget_ms);
    const char *sid = named;
    enum err_code code = named[0] == '\0' ? default_sid(calls, call, budget_ms, &sid, err) : ERR_OK;
    if (code != ERR_OK)
        return code;
    taskrouter__workers__v1__get_workspace_request__init(&request);
    request.sid = arena_strdup(call->arena, sid);
    if (request.sid == NULL)
        return call_no_room(err);
    code = RPC_CALL(calls_peer(calls, PEER_WORKERS), &as_service, GET_WORKSPACE, &request.base,
                    taskrouter__workers__v1__workspace, &reply, err);
    if (code != ERR_OK)
        return code;
    struct sid workspace = sid_from(str_from(reply->sid));
    struct sid account = sid_from(str_from(reply->account_sid));
    *out = (struct workspace_facts){
        .is_twilio = reply->provider == TASKROUTER__WORKERS__V1__PROVIDER__PROVIDER_TWILIO};
    memcpy(out->sid, workspace.text, sizeof out->sid);
    memcpy(out->account_sid, account.text, sizeof out->account_sid);
    return ERR_OK;
}

enum err_code calls_workspace(struct calls *calls, const struct call *call, const char *named,
                              int budget_ms, struct workspace_facts *out, struct err *err)
{
    bool is_fresh = false;
    bool is_known = recall(calls, named, out, &is_fresh);
    if (is_known && is_fresh)
        return ERR_OK;
    enum err_code code = ask_workers(calls, call, named, budget_ms, out, err);
    if (code == ERR_OK)
        remember(calls, named, out);
    else if (is_known && (code == ERR_UNAVAILABLE || code == ERR_DEADLINE_EXCEEDED) &&
             recall(calls, named, out, &is_fresh))
        code = ERR_OK;
    return code;
}
