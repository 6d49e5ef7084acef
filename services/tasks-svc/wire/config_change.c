#include "config_change.h"

#include <string.h>

#include "base/macros.h"
#include "base/parse.h"
#include "engine/workflow_doc.h"
#include "pbjson/pbjson.h"
#include "rpc/pb.h"
#include "svc/wire.h"
#include "taskrouter/events/v1/events.pb-c.h"

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the resource needs too much memory");
}

static struct sid sid_of(const char *text)
{
    return sid_from(str_from(text));
}

/* ---- one function per kind: the message to row and command ---- */

static enum err_code put_workspace(struct arena *arena, const ProtobufCMessage *message,
                                   struct config_change *out, struct err *err)
{
    (void)arena;
    (void)err;
    const Taskrouter__Workers__V1__Workspace *wire = (const void *)message;
    out->row.sid = sid_of(wire->sid);
    out->row.workspace_sid = out->row.sid;
    out->row.account_sid = sid_of(wire->account_sid);
    out->row.name = str_from(wire->friendly_name);
    out->row.version = wire->version;
    out->row.is_mirrored = wire->provider == TASKROUTER__WORKERS__V1__PROVIDER__PROVIDER_TWILIO;
    out->command.workspace = (struct engine_workspace){
        .sid = out->row.sid,
        .account_sid = out->row.account_sid,
        .version = wire->version,
        .name = out->row.name,
        .default_activity_sid = sid_of(wire->default_activity_sid),
        .timeout_activity_sid = sid_of(wire->timeout_activity_sid),
        .is_single_tasking = !wire->multi_task_enabled,
        .is_lifo_first =
            wire->prioritize_queue_order == TASKROUTER__WORKERS__V1__QUEUE_ORDER__QUEUE_ORDER_LIFO,
        .is_mirrored = out->row.is_mirrored,
    };
    return ERR_OK;
}

static enum err_code put_activity(struct arena *arena, const ProtobufCMessage *message,
                                  struct config_change *out, struct err *err)
{
    (void)arena;
    (void)err;
    const Taskrouter__Workers__V1__Activity *wire = (const void *)message;
    out->row.sid = sid_of(wire->sid);
    out->row.workspace_sid = sid_of(wire->workspace_sid);
    out->row.account_sid = sid_of(wire->account_sid);
    out->row.name = str_from(wire->friendly_name);
    out->row.version = wire->version;
    out->command.activity = (struct engine_activity){
        .sid = out->row.sid,
        .workspace_sid = out->row.workspace_sid,
        .version = wire->version,
        .name = out->row.name,
        .is_available = wire->available,
    };
    return ERR_OK;
}

static enum err_code put_channel(struct arena *arena, const ProtobufCMessage *message,
                                 struct config_change *out, struct err *err)
{
    (void)arena;
    (void)err;
    const Taskrouter__Queues__V1__TaskChannel *wire = (const void *)message;
    out->row.sid = sid_of(wire->sid);
    out->row.workspace_sid = sid_of(wire->workspace_sid);
    out->row.account_sid = sid_of(wire->account_sid);
    out->row.name = str_from(wire->unique_name);
    out->row.version = wire->version;
    out->command.channel = (struct engine_channel){
        .sid = out->row.sid,
        .workspace_sid = out->row.workspace_sid,
        .version = wire->version,
        .unique_name = out->row.name,
        .is_optimized = wire->channel_optimized_routing,
    };
    return ERR_OK;
}

static enum err_code put_queue(struct arena *arena, const ProtobufCMessage *message,
                               struct config_change *out, struct err *err)
{
    (void)arena;
    (void)err;
    const Taskrouter__Queues__V1__TaskQueue *wire = (const void *)message;
    out->row.sid = sid_of(wire->sid);
    out->row.workspace_sid = sid_of(wire->workspace_sid);
    out->row.account_sid = sid_of(wire->account_sid);
    out->row.name = str_from(wire->friendly_name);
    out->row.version = wire->version;
    out->command.queue = (struct engine_queue){
        .sid = out->row.sid,
        .workspace_sid = out->row.workspace_sid,
        .version = wire->version,
        .name = out->row.name,
        .target_workers = str_from(wire->target_workers),
        .max_reserved_workers = wire->max_reserved_workers,
        .is_lifo = wire->task_order == TASKROUTER__QUEUES__V1__TASK_ORDER__TASK_ORDER_LIFO,
        .reservation_activity_sid = sid_of(wire->reservation_activity_sid),
        .assignment_activity_sid = sid_of(wire->assignment_activity_sid),
    };
    return ERR_OK;
}

/* A document that does not parse names nothing; the engine says what is wrong with it. */
static enum err_code find_queues(struct arena *arena, struct str document,
                                 struct config_change *out, struct err *err)
{
    struct workflow_doc *doc = workflow_doc_parse(document, NULL);
    if (doc == NULL)
        return ERR_OK;
    out->queue_sids = ARENA_ARRAY(arena, struct sid, doc->queue_count);
    for (size_t i = 0; out->queue_sids != NULL && i < doc->queue_count; i++)
        out->queue_sids[out->queue_count++] = sid_from(doc->queues[i]);
    workflow_doc_free(doc);
    return out->queue_sids == NULL ? no_room(err) : ERR_OK;
}

static enum err_code put_workflow(struct arena *arena, const ProtobufCMessage *message,
                                  struct config_change *out, struct err *err)
{
    const Taskrouter__Routing__V1__Workflow *wire = (const void *)message;
    out->row.sid = sid_of(wire->sid);
    out->row.workspace_sid = sid_of(wire->workspace_sid);
    out->row.account_sid = sid_of(wire->account_sid);
    out->row.name = str_from(wire->friendly_name);
    out->row.version = wire->version;
    out->row.configuration = str_from(wire->configuration);
    out->row.configuration_version = wire->configuration_version;
    out->command.workflow = (struct engine_workflow){
        .sid = out->row.sid,
        .workspace_sid = out->row.workspace_sid,
        .version = wire->version,
        .name = out->row.name,
        .configuration = out->row.configuration,
        .configuration_version = wire->configuration_version,
        .task_reservation_timeout_s = wire->task_reservation_timeout,
    };
    return find_queues(arena, out->row.configuration, out, err);
}

static enum err_code put_worker(struct arena *arena, const ProtobufCMessage *message,
                                struct config_change *out, struct err *err)
{
    const Taskrouter__Workers__V1__Worker *wire = (const void *)message;
    struct engine_worker_channel *channels =
        ARENA_ARRAY(arena, struct engine_worker_channel, wire->n_channels);
    if (channels == NULL)
        return no_room(err);
    for (size_t i = 0; i < wire->n_channels; i++)
        channels[i] = (struct engine_worker_channel){
            .channel_sid = sid_of(wire->channels[i]->task_channel_sid),
            .capacity = wire->channels[i]->configured_capacity,
            .is_available = wire->channels[i]->available,
        };
    out->row.sid = sid_of(wire->sid);
    out->row.workspace_sid = sid_of(wire->workspace_sid);
    out->row.account_sid = sid_of(wire->account_sid);
    out->row.name = str_from(wire->friendly_name);
    out->row.version = wire->version;
    out->command.worker = (struct engine_worker){
        .sid = out->row.sid,
        .workspace_sid = out->row.workspace_sid,
        .version = wire->version,
        .name = out->row.name,
        .attributes = wire->attributes[0] == '\0' ? STR("{}") : str_from(wire->attributes),
        .activity_sid = sid_of(wire->activity_sid),
        .status_changed_us = wire_time_us(wire->date_status_changed),
        .channels = channels,
        .channel_count = wire->n_channels,
    };
    return ERR_OK;
}

/* ---- the table of kinds ---- */

struct kind_row {
    enum config_kind kind;
    const char *resource_type; /* prefix of event types */
    const char *sid_prefix;
    const ProtobufCMessageDescriptor *type;
    const ProtobufCMessageDescriptor *event_type;
    const char *event_field; /* of the event message that holds the resource */
    enum err_code (*put)(struct arena *arena, const ProtobufCMessage *message,
                         struct config_change *out, struct err *err);
    enum engine_command_kind put_kind;
    enum engine_command_kind delete_kind;
};

static const struct kind_row kinds[] = {
    {CONFIG_KIND_WORKSPACE, "workspace",    "WS", &taskrouter__workers__v1__workspace__descriptor,
     &taskrouter__events__v1__workspace_event__descriptor,    "workspace",    put_workspace,
     ENGINE_PUT_WORKSPACE,                                                                                      ENGINE_DELETE_WORKSPACE},
    {CONFIG_KIND_ACTIVITY,  "activity",     "WA", &taskrouter__workers__v1__activity__descriptor,
     &taskrouter__events__v1__activity_event__descriptor,     "activity",     put_activity,
     ENGINE_PUT_ACTIVITY,                                                                                       ENGINE_DELETE_ACTIVITY },
    {CONFIG_KIND_CHANNEL,   "task-channel", "TC", &taskrouter__queues__v1__task_channel__descriptor,
     &taskrouter__events__v1__task_channel_event__descriptor, "task_channel", put_channel,
     ENGINE_PUT_CHANNEL,                                                                                        ENGINE_DELETE_CHANNEL  },
    {CONFIG_KIND_QUEUE,     "task-queue",   "WQ", &taskrouter__queues__v1__task_queue__descriptor,
     &taskrouter__events__v1__task_queue_event__descriptor,   "task_queue",   put_queue,
     ENGINE_PUT_QUEUE,                                                                                          ENGINE_DELETE_QUEUE    },
    {CONFIG_KIND_WORKFLOW,  "workflow",     "WW", &taskrouter__routing__v1__workflow__descriptor,
     &taskrouter__events__v1__workflow_event__descriptor,     "workflow",     put_workflow,
     ENGINE_PUT_WORKFLOW,                                                                                       ENGINE_DELETE_WORKFLOW },
    {CONFIG_KIND_WORKER,    "worker",       "WK", &taskrouter__workers__v1__worker__descriptor,
     &taskrouter__events__v1__worker_event__descriptor,       "worker",       put_worker,    ENGINE_PUT_WORKER,
     ENGINE_DELETE_WORKER                                                                                                              },
};

static const struct kind_row *kind_of_message(const ProtobufCMessageDescriptor *type)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].type == type)
            return &kinds[i];
    }
    return NULL;
}

/* Of our own copies: a workflow's document, escaped once more. */
static const struct pbjson_options stored_options = {.flags = PBJSON_IGNORE_UNKNOWN,
                                                     .max_bytes = (size_t)8 << 20};

static enum err_code fill(struct arena *arena, const struct kind_row *kind,
                          const ProtobufCMessage *resource, bool is_deleted,
                          struct config_change *out, struct err *err)
{
    *out = (struct config_change){
        .command.kind = is_deleted ? kind->delete_kind : kind->put_kind,
        .row = {.kind = kind->kind, .is_deleted = is_deleted},
    };
    enum err_code code = kind->put(arena, resource, out, err);
    if (code != ERR_OK)
        return code;
    if (!parse_is_sid(str_from(out->row.sid.text), kind->sid_prefix) ||
        !parse_is_sid(str_from(out->row.workspace_sid.text), "WS"))
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "BAD_RESOURCE",
                       "a %s without its SID or its workspace's", config_kind_name(kind->kind));
    if (is_deleted)
        out->command.ref =
            (struct engine_ref){.sid = out->row.sid, .workspace_sid = out->row.workspace_sid};
    return ERR_OK;
}

enum err_code config_change_make(struct arena *arena, const ProtobufCMessage *resource,
                                 bool is_deleted, struct config_change *out, struct err *err)
{
    const struct kind_row *kind = kind_of_message(resource->descriptor);
    if (kind == NULL)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "BAD_RESOURCE", "%s is nothing to route by",
                       resource->descriptor->name);
    enum err_code code = fill(arena, kind, resource, is_deleted, out, err);
    if (code != ERR_OK)
        return code;
    return pbjson_text(resource, &pbjson_canonical, arena, &out->row.document, err);
}

enum err_code config_change_load(struct arena *arena, const struct config_row *row,
                                 struct config_change *out, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].kind != row->kind)
            continue;
        ProtobufCMessage *message = NULL;
        enum err_code code = pbjson_decode(row->document, kinds[i].type, &stored_options, arena,
                                           &message, NULL, err);
        return code == ERR_OK ? fill(arena, &kinds[i], message, false, out, err) : code;
    }
    return ERR_SET(err, ERR_INVALID_ARGUMENT, "BAD_RESOURCE", "a copy of unknown kind");
}

/* ---- from events ---- */

static const struct kind_row *kind_of_event(const char *type)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        size_t len = strlen(kinds[i].resource_type);
        if (strncmp(type, kinds[i].resource_type, len) == 0 && type[len] == '.')
            return &kinds[i];
    }
    return NULL;
}

/* A member of a decoded message, by proto name: the two that all these events share. */
static const void *member(const ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    INVARIANT(field != NULL);
    return (const char *)message + field->offset;
}

static enum err_code make_event_row(struct arena *arena, const struct bus_event *event,
                                    const struct kind_row *kind, const struct config_change *change,
                                    struct event_row **out, struct err *err)
{
    struct event_row *row = ARENA_NEW(arena, struct event_row);
    const char *sid = arena_strdup(arena, change->row.sid.text);
    const char *workspace = arena_strdup(arena, change->row.workspace_sid.text);
    if (row == NULL || sid == NULL || workspace == NULL)
        return no_room(err);
    *row = (struct event_row){
        .sid = event->id.ptr,
        .account_sid = event->account_sid.ptr,
        .workspace_sid = workspace,
        .type = event->type.ptr,
        .resource_type = kind->resource_type,
        .resource_sid = sid,
        .resource_version = event->version,
        .task_sid = "",
        .worker_sid = kind->kind == CONFIG_KIND_WORKER ? sid : "",
        .reservation_sid = "",
        .queue_sid = kind->kind == CONFIG_KIND_QUEUE ? sid : "",
        .workflow_sid = kind->kind == CONFIG_KIND_WORKFLOW ? sid : "",
        .occurred_at_us = event->at_us,
        .actor_sid = event->actor_sid.ptr,
        .request_id = event->request_id.ptr,
        .source = event->source.ptr,
        .data = event->data,
        .extras = STR("{}"),
    };
    *out = row;
    return ERR_OK;
}

enum err_code config_change_from_event(struct arena *arena, const struct bus_event *event,
                                       struct config_change *out, struct err *err)
{
    const struct kind_row *kind = kind_of_event(event->type.ptr);
    if (kind == NULL || !parse_is_sid(event->id, "EV"))
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "EVENT_INVALID",
                       "event %s of type %s is nothing to route by", event->id.ptr,
                       event->type.ptr);
    ProtobufCMessage *message = NULL;
    enum err_code code =
        pbjson_decode(event->data, kind->event_type, &pbjson_event, arena, &message, NULL, err);
    if (code != ERR_OK)
        return code;
    const ProtobufCMessage *resource =
        *(const ProtobufCMessage *const *)member(message, kind->event_field);
    if (resource == NULL)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "EVENT_INVALID", "event %s comes without its %s",
                       event->id.ptr, kind->resource_type);
    bool is_deleted = *(const protobuf_c_boolean *)member(message, "deleted");
    code = config_change_make(arena, resource, is_deleted, out, err);
    if (code != ERR_OK)
        return code;
    if (out->command.kind == ENGINE_PUT_WORKER)
        out->command.worker.reject_pending =
            ((const Taskrouter__Events__V1__WorkerEvent *)(const void *)message)
                ->reject_pending_reservations;
    if (out->command.kind == ENGINE_PUT_WORKFLOW) {
        const Taskrouter__Events__V1__WorkflowEvent *wire = (const void *)message;
        out->command.workflow.re_evaluate_tasks = wire->re_evaluate_tasks;
        out->lacks_document = wire->configuration_omitted;
    }
    struct event_row *row = NULL;
    code = make_event_row(arena, event, kind, out, &row, err);
    out->event = row;
    return code;
}
