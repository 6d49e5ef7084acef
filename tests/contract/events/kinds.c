#include "kinds.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/call.h"
#include "base/ids.h"
#include "base/macros.h"
#include "engine/effects.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "outbox/outbox.h"
#include "pbjson/pbjson.h"
#include "taskrouter/events/v1/events.pb-c.h"

#define MESSAGE(name) &taskrouter__events__v1__##name##__descriptor

/* The engine's own events follow these. */
static const struct event_kind kinds[] = {
    {"workspace.created",                  "/workers-svc", MESSAGE(workspace_event)   },
    {"workspace.updated",                  "/workers-svc", MESSAGE(workspace_event)   },
    {"workspace.deleted",                  "/workers-svc", MESSAGE(workspace_event)   },
    {"activity.created",                   "/workers-svc", MESSAGE(activity_event)    },
    {"activity.updated",                   "/workers-svc", MESSAGE(activity_event)    },
    {"activity.deleted",                   "/workers-svc", MESSAGE(activity_event)    },
    {"worker.created",                     "/workers-svc", MESSAGE(worker_event)      },
    {"worker.activity.update",             "/workers-svc", MESSAGE(worker_event)      },
    {"worker.attributes.update",           "/workers-svc", MESSAGE(worker_event)      },
    {"worker.capacity.update",             "/workers-svc", MESSAGE(worker_event)      },
    {"worker.channel.availability.update", "/workers-svc", MESSAGE(worker_event)      },
    {"worker.deleted",                     "/workers-svc", MESSAGE(worker_event)      },
    {"task-queue.created",                 "/queues-svc",  MESSAGE(task_queue_event)  },
    {"task-queue.expression.updated",      "/queues-svc",  MESSAGE(task_queue_event)  },
    {"task-queue.deleted",                 "/queues-svc",  MESSAGE(task_queue_event)  },
    {"task-channel.created",               "/queues-svc",  MESSAGE(task_channel_event)},
    {"task-channel.updated",               "/queues-svc",  MESSAGE(task_channel_event)},
    {"task-channel.deleted",               "/queues-svc",  MESSAGE(task_channel_event)},
    {"workflow.created",                   "/routing-svc", MESSAGE(workflow_event)    },
    {"workflow.updated",                   "/routing-svc", MESSAGE(workflow_event)    },
    {"workflow.deleted",                   "/routing-svc", MESSAGE(workflow_event)    },
    {"routing-rule.created",               "/routing-svc", MESSAGE(routing_rule_event)},
    {"routing-rule.updated",               "/routing-svc", MESSAGE(routing_rule_event)},
    {"routing-rule.deleted",               "/routing-svc", MESSAGE(routing_rule_event)},
    {"keyword.created",                    "/routing-svc", MESSAGE(keyword_event)     },
    {"keyword.updated",                    "/routing-svc", MESSAGE(keyword_event)     },
    {"keyword.deleted",                    "/routing-svc", MESSAGE(keyword_event)     },
    {"schedule.created",                   "/routing-svc", MESSAGE(schedule_event)    },
    {"schedule.updated",                   "/routing-svc", MESSAGE(schedule_event)    },
    {"schedule.deleted",                   "/routing-svc", MESSAGE(schedule_event)    },
    {"token.created",                      "/gateway",     MESSAGE(token_event)       },
    {"token.revoked",                      "/gateway",     MESSAGE(token_event)       },
};
size_t event_kind_count(void)
{
    return ARRAY_LEN(kinds) + ENGINE_EVENT_COUNT - 1;
}

struct event_kind event_kind_at(size_t index)
{
    if (index < ARRAY_LEN(kinds))
        return kinds[index];
    size_t type = index - ARRAY_LEN(kinds) + 1;
    struct event_kind kind = {engine_event_name((enum engine_event_type)type), "/tasks-svc",
                              MESSAGE(task_event)};
    if (str_starts_with(str_from(kind.type), STR("reservation.")))
        kind.message = MESSAGE(reservation_event);
    return kind;
}

bool event_kind_find(struct str type, struct event_kind *out)
{
    for (size_t i = 0; i < event_kind_count(); i++) {
        *out = event_kind_at(i);
        if (str_eq_text(type, out->type))
            return true;
    }
    return false;
}

/* ---- Values ---- */

static const int64_t sample_at_us = INT64_C(1796121906123450); /* 2026-12-01T10:45:06.12345Z */

struct sid_row {
    const char *resource;
    const char *prefix;
};

/* A field's name ends in the resource, so that "default_activity" is an activity. */
static const struct sid_row sid_rows[] = {
    {"account",        "AC"},
    {"workspace",      "WS"},
    {"activity",       "WA"},
    {"worker_channel", "WC"},
    {"task_channel",   "TC"},
    {"worker",         "WK"},
    {"task_queue",     "WQ"},
    {"queue",          "WQ"},
    {"workflow",       "WW"},
    {"rule",           "RR"},
    {"keyword",        "KY"},
    {"schedule",       "BH"},
    {"reservation",    "WR"},
    {"task",           "WT"},
    {"token",          "TK"},
    {"user",           "US"},
};

static char *sample_sid(struct arena *arena, struct str resource)
{
    for (size_t i = 0; i < ARRAY_LEN(sid_rows); i++) {
        if (str_ends_with(resource, str_from(sid_rows[i].resource))) {
            struct sid sid = sid_derive(sid_rows[i].prefix, STR("sample"), resource);
            return arena_strdup(arena, sid.text);
        }
    }
    return arena_printf(arena, "%.*s", STR_ARG(resource));
}

/* "task_queue" for TaskQueue: the resource whose own sid the field "sid" is. */
static struct str resource_of(struct arena *arena, const ProtobufCMessageDescriptor *type)
{
    struct buf name;
    buf_init(&name, 0);
    for (const char *at = type->short_name; *at != '\0'; at++) {
        bool is_capital = *at >= 'A' && *at <= 'Z';
        if (is_capital && at != type->short_name)
            buf_char(&name, '_');
        char small[] = {*at, '\0'};
        if (is_capital)
            small[0] += 'a' - 'A';
        buf_text(&name, small);
    }
    struct str copy = arena_str(arena, buf_str(&name));
    buf_fini(&name);
    return copy;
}

static char *sample_text(struct arena *arena, const ProtobufCMessageDescriptor *type,
                         const char *name)
{
    struct str field = str_from(name);
    if (str_eq(field, STR("sid")))
        return sample_sid(arena, resource_of(arena, type));
    if (str_ends_with(field, STR("_sid")))
        return sample_sid(arena, (struct str){field.ptr, field.len - 4});
    if (str_eq(field, STR("attributes")) || str_eq(field, STR("addons")))
        return arena_strdup(arena, "{\"skills\":[\"permits\"],\"level\":3,\"city\":\"Köln\"}");
    if (str_eq(field, STR("configuration")))
        return arena_strdup(arena, "{\"task_routing\":{\"filters\":[]}}");
    if (str_eq(field, STR("conditions")))
        return arena_strdup(arena, "[{\"type\":\"keyword\",\"operator\":\"contains\","
                                   "\"value\":\"emergency\"}]");
    if (str_ends_with(field, STR("_url")))
        return arena_printf(arena, "https://example.org/%s", name);
    return arena_printf(arena, "%s \"ü\"", name);
}

static ProtobufCMessage *sample_message(struct arena *arena, const ProtobufCMessageDescriptor *type,
                                        const char *event_type);

/* True, but for what tells the last event of a thing from those before. */
static bool sample_bool(const char *name, const char *event_type)
{
    if (strcmp(name, "deleted") != 0 && strcmp(name, "revoked") != 0)
        return true;
    return str_ends_with(str_from(event_type), str_from(name));
}

/* Writes one value at its place. */
static void sample_value(struct arena *arena, const ProtobufCMessageDescriptor *type,
                         const ProtobufCFieldDescriptor *field, void *at, const char *event_type)
{
    const ProtobufCEnumDescriptor *values = field->descriptor;
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
        *(int32_t *)at = (int32_t)field->id;
        break;
    case PROTOBUF_C_TYPE_INT64:
        *(int64_t *)at = (int64_t)field->id;
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        *(double *)at = (double)field->id / 8;
        break;
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)at = sample_bool(field->name, event_type);
        break;
    case PROTOBUF_C_TYPE_ENUM: /* the second: the first, 0, is not written */
        *(int32_t *)at = values->values[1].value;
        break;
    case PROTOBUF_C_TYPE_STRING:
        *(char **)at = sample_text(arena, type, field->name);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        *(ProtobufCMessage **)at = sample_message(arena, field->descriptor, event_type);
        break;
    default: /* no event has one yet */
        INVARIANT(field->type == PROTOBUF_C_TYPE_STRING);
    }
}

static ProtobufCMessage *sample_message(struct arena *arena, const ProtobufCMessageDescriptor *type,
                                        const char *event_type)
{
    enum { ELEMENT_BYTES = 16 }; /* no element is larger */
    ProtobufCMessage *message = arena_alloc(arena, type->sizeof_message);
    INVARIANT(message != NULL);
    type->message_init(message);
    if (type == &google__protobuf__timestamp__descriptor) {
        Google__Protobuf__Timestamp *time = (void *)message;
        time->seconds = sample_at_us / 1000000;
        time->nanos = (int32_t)(sample_at_us % 1000000) * 1000;
        return message;
    }
    char *base = (void *)message;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        void *at = base + field->offset;
        void *quantifier = base + field->quantifier_offset;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            *(void **)at = arena_alloc(arena, ELEMENT_BYTES);
            *(size_t *)quantifier = 1;
            at = *(void **)at;
        } else if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
            *(uint32_t *)quantifier = field->id;
        }
        INVARIANT(at != NULL);
        sample_value(arena, type, field, at, event_type);
    }
    return message;
}

struct str event_kind_sample(struct arena *arena, const struct event_kind *kind)
{
    struct err err = {0};
    struct call call;
    struct str resource = str_from(kind->type);
    resource = str_split(&resource, '.');
    const ProtobufCMessage *data = sample_message(arena, kind->message, kind->type);
    bool has_workspace = !str_eq(resource, STR("token")); /* tokens are the account's */
    const char *workspace_sid = has_workspace ? sample_sid(arena, STR("workspace")) : "";
    const char *account_sid = sample_sid(arena, STR("account"));
    const char *subject_sid = sample_sid(arena, resource);
    struct outbox_event event = {
        .event_sid = sid_derive("EV", STR("sample"), str_from(kind->type)),
        .source = kind->source,
        .type = kind->type,
        .workspace_sid = workspace_sid,
        .account_sid = account_sid,
        .subject_sid = subject_sid,
        .version = 7,
        .sequence = strcmp(kind->source, "/tasks-svc") == 0 ? 4711 : 0,
        .at_us = sample_at_us,
        .request_id = "RQ0123456789abcdef0123456789abcdef",
        .actor_sid = "US0123456789abcdef0123456789abcdef",
        .actor_type = "user",
    };
    enum err_code code = pbjson_text(data, &pbjson_canonical, arena, &event.data_json, &err);
    INVARIANT(code == ERR_OK);
    call_init(&call, arena, "sample", 0);
    (void)snprintf(call.traceparent, sizeof call.traceparent, "%s",
                   "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01");
    struct buf payload;
    buf_init(&payload, 0);
    bool is_written = outbox_event_payload(&event, &call, &payload);
    INVARIANT(is_written);
    struct str text = arena_str(arena, buf_str(&payload));
    buf_fini(&payload);
    INVARIANT(text.ptr != NULL);
    return text;
}
