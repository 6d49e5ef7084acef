#include "forwarding.h"

#include <string.h>

#include "app/app.h"
#include "base/macros.h"
#include "shell.h"
#include "svc/mirror.h"
#include "tasks.h"

_Static_assert(RPC_TARGET_SIZE >= SHELL_ADDRESS_SIZE, "every address is a target");

/* Another process has the shard, or sync-svc makes the change at Twilio first. */
static const char *const reasons[] = {SHELL_ELSEWHERE_REASONS, MIRRORED, NULL};

/* After these nobody knows whether the change was stored. */
static const char *const unsure[] = {"COMMIT_FAILED", NULL};

static const char *text_member(const ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    const char *text = NULL;
    if (field != NULL && field->type == PROTOBUF_C_TYPE_STRING &&
        field->label != PROTOBUF_C_LABEL_REPEATED)
        memcpy(&text, (const char *)message + field->offset, sizeof text);
    return text == NULL || text[0] == '\0' ? NULL : text;
}

static const char *workspace_of(const ProtobufCMessage *request)
{
    const ProtobufCMessageDescriptor *type = request->descriptor;
    const char *sid = text_member(request, "workspace_sid");
    for (unsigned i = 0; i < type->n_fields && sid == NULL; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        const ProtobufCMessage *inner = NULL;
        if (field->type != PROTOBUF_C_TYPE_MESSAGE || field->label == PROTOBUF_C_LABEL_REPEATED ||
            (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
            continue;
        memcpy(&inner, (const char *)request + field->offset, sizeof inner);
        if (inner != NULL)
            sid = text_member(inner, "workspace_sid");
    }
    return sid;
}

static enum rpc_place place(void *ctx, const char *reason, const ProtobufCMessage *request,
                            struct rpc_route *out_route)
{
    struct tasks *tasks = ctx;
    if (strcmp(reason, MIRRORED) == 0)
        return mirror_place(app_settings(tasks->host.app)->grpc_sync, out_route);
    const char *workspace_sid = workspace_of(request);
    if (workspace_sid == NULL)
        return RPC_PLACE_NONE;
    switch (shell_find(tasks->shell, workspace_sid, out_route->target)) {
    case SHELL_HERE:
        return RPC_PLACE_HERE;
    case SHELL_THERE:
        return RPC_PLACE_THERE;
    case SHELL_GONE:
        return RPC_PLACE_GONE;
    case SHELL_NOWHERE:
        break;
    }
    return RPC_PLACE_NONE;
}

static void refresh(void *ctx)
{
    const struct tasks *tasks = ctx;
    shell_look_again(tasks->shell);
}

struct rpc_forward_options forwarding_options(struct tasks *tasks, size_t max_calls)
{
    return (struct rpc_forward_options){
        .reasons = reasons,
        .unsure = unsure,
        .max_calls = max_calls,
        .place = place,
        .refresh = refresh,
        .ctx = tasks,
    };
}
