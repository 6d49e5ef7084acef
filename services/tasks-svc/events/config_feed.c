#include "config_feed.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "bus/event.h"
#include "config_change.h"
#include "event_store.h"
#include "fetcher.h"
#include "log/log.h"
#include "peers.h"
#include "rpc/pb.h"
#include "shell.h"
#include "task_wire.h"
#include "taskrouter/tasks/v1/shards.pb-c.h"
#include "worker_load.h"

/* What is still unknown is asked for now, while no task waits for it. A failure is no matter: the
 * first task that needs it asks again. */
static void fetch_unknown(struct config_feed *feed, struct call *call, const struct shard_op *op)
{
    struct fetch_job job = {.workspace_sid = op->workspace_sid, .unknown = op->unknown};
    struct err err;
    err_clear(&err);
    if (op->unknown != SHARD_UNKNOWN_NONE && fetcher_run(feed->fetcher, call, &job, &err) != ERR_OK)
        LOG_INFO(call, "what an event names could not be fetched, waiting for the need",
                 LOG_STR("workspace_sid", op->workspace_sid.text), LOG_ERR(&err));
}

/* Before the event is logged: once it is, it is not looked at again. A workflow that is gone by now
 * needs no document. */
static enum err_code fetch_document(struct config_feed *feed, struct call *call,
                                    const struct config_change *change, struct err *err)
{
    const struct fetch_job job = {
        .workspace_sid = change->row.workspace_sid,
        .unknown = SHARD_UNKNOWN_WORKFLOW,
        .workflow_sid = change->row.sid,
        .re_evaluate_tasks = change->command.workflow.re_evaluate_tasks,
    };
    enum err_code code = fetcher_run(feed->fetcher, call, &job, err);
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code apply(struct config_feed *feed, struct call *call,
                           const struct bus_event *event, struct err *err)
{
    struct config_change *change = ARENA_NEW(call->arena, struct config_change);
    if (change == NULL)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "EVENT_TOO_LARGE", "the event is too large");
    enum err_code code = config_change_from_event(call->arena, event, change, err);
    if (code != ERR_OK)
        return code;
    if (change->lacks_document)
        code = fetch_document(feed, call, change, err);
    if (code != ERR_OK)
        return code;
    code = worker_load_note(feed->shell, call, change, event, err);
    if (code != ERR_OK)
        return code;
    call->who.actor_sid = event->actor_sid.ptr;
    (void)snprintf(call->request_id, sizeof call->request_id, "%s", event->request_id.ptr);
    struct shard_op op = {
        .call = call,
        .workspace_sid = change->row.workspace_sid,
        .changes = change,
        .change_count = 1,
        .may_fetch = true,
    };
    code = shell_run(feed->shell, &op, err);
    if (code == ERR_OK)
        fetch_unknown(feed, call, &op);
    return code;
}

/* NULL-terminated workspace of a subject "taskrouter.<workspace>.…"; "" when it is none. */
static struct sid workspace_of(struct str subject)
{
    (void)str_split(&subject, '.');
    return sid_from(str_split(&subject, '.'));
}

enum err_code config_feed_apply(struct config_feed *feed, struct call *call, struct str payload,
                                struct err *err)
{
    struct bus_event event;
    enum err_code code = bus_event_parse(call->arena, payload, &event, err);
    if (code != ERR_OK)
        return code;
    if (strcmp(event.source.ptr, TASKS_SOURCE) == 0)
        return ERR_OK; /* workflow.entered and its like are our own */
    bool is_known = false;
    code = event_store_exists(feed->pool, call, event.id.ptr, &is_known, err);
    if (code != ERR_OK || is_known) /* delivered again: applied and logged already */
        return code;
    return apply(feed, call, &event, err);
}

static enum err_code send_to(struct config_feed *feed, struct call *call, const char *address,
                             const struct sid *workspace_sid, struct str payload, struct err *err)
{
    Taskrouter__Tasks__V1__ApplyEventRequest *request =
        PB_NEW(call->arena, taskrouter__tasks__v1__apply_event_request);
    char *workspace = arena_strdup(call->arena, workspace_sid->text);
    struct str bytes = arena_str(call->arena, payload);
    if (request == NULL || workspace == NULL || bytes.ptr == NULL)
        return call_no_room(err);
    struct rpc_client *client = peers_acquire(feed->peers, address);
    if (client == NULL)
        return ERR_SET(err, ERR_UNAVAILABLE, "TOO_MANY_PEERS", "too many processes to talk to");
    request->workspace_sid = workspace;
    request->event.len = bytes.len;
    memcpy(&request->event.data, &bytes.ptr, sizeof bytes.ptr);
    Taskrouter__Tasks__V1__ApplyEventResponse *reply = NULL;
    enum err_code code =
        RPC_CALL(client, call, "/taskrouter.tasks.v1.Shards/ApplyEvent", &request->base,
                 taskrouter__tasks__v1__apply_event_response, &reply, err);
    peers_release(feed->peers, client);
    return code;
}

static enum err_code on_config(void *ctx, struct call *call, const struct bus_msg *msg,
                               struct err *err)
{
    struct config_feed *feed = ctx;
    struct sid workspace_sid = workspace_of(msg->subject);
    char address[SHELL_ADDRESS_SIZE];
    /* While nobody runs the shard it fails, and the bus brings it again. */
    if (shell_find(feed->shell, workspace_sid.text, address) != SHELL_THERE)
        return config_feed_apply(feed, call, msg->payload, err);
    enum err_code code = send_to(feed, call, address, &workspace_sid, msg->payload, err);
    if (code != ERR_OK)
        shell_look_again(feed->shell);
    return code;
}

/* What a process that was killed had fetched is given to the next one after this time; until then
 * that one routes by what it knew before. A repeat does no harm. */
enum { ACK_WAIT_MS = 3000 };

#define CONSUMER(name, filter)                                                                     \
    {                                                                                              \
        .durable = (name), .subject = (filter), .handler = on_config, .ack_wait_ms = ACK_WAIT_MS   \
    }

/* Queues and workflows by event: a wildcard would bring the router's own task-queue.entered and
 * workflow.entered with every task. Order across the rows does not matter: versions decide. */
const struct bus_consumer_def config_consumers[] = {
    CONSUMER("tasks-svc-workspaces", "taskrouter.*.workspace.>"),
    CONSUMER("tasks-svc-activities", "taskrouter.*.activity.>"),
    CONSUMER("tasks-svc-channels", "taskrouter.*.task-channel.>"),
    CONSUMER("tasks-svc-queues-created", "taskrouter.*.task-queue.created"),
    CONSUMER("tasks-svc-queues-updated", "taskrouter.*.task-queue.expression.>"),
    CONSUMER("tasks-svc-queues-deleted", "taskrouter.*.task-queue.deleted"),
    CONSUMER("tasks-svc-workflows-created", "taskrouter.*.workflow.created"),
    CONSUMER("tasks-svc-workflows-updated", "taskrouter.*.workflow.updated"),
    CONSUMER("tasks-svc-workflows-deleted", "taskrouter.*.workflow.deleted"),
    CONSUMER("tasks-svc-workers", "taskrouter.*.worker.>"),
};

const size_t config_consumer_count = ARRAY_LEN(config_consumers);
