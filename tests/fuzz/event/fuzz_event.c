/*
 * A payload as it comes from the bus: what the envelope accepts is written again and reads the
 * same; its data is decoded as the message of its type (of an unknown type: as each of them) and
 * what decodes is written and reads the same.
 */
#include <stdio.h>

#include "base/macros.h"
#include "bus/event.h"
#include "fuzz.h"
#include "kinds.h"
#include "outbox/outbox.h"
#include "pbjson/pbjson.h"

enum { ARENA_BYTES = 8 << 20 };

static struct str packed(struct arena *arena, const ProtobufCMessage *message)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = arena_alloc(arena, len);
    INVARIANT(bytes != NULL);
    (void)protobuf_c_message_pack(message, bytes);
    return (struct str){(const char *)bytes, len};
}

static void try_data(const struct bus_event *event, const ProtobufCMessageDescriptor *type)
{
    struct err err = {0};
    struct str text;
    ProtobufCMessage *message = NULL;
    ProtobufCMessage *again = NULL;
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    if (pbjson_decode(event->data, type, &pbjson_event, arena, &message, NULL, &err) != ERR_OK) {
        INVARIANT(err.code == ERR_INVALID_ARGUMENT && err.detail[0] != '\0');
        return;
    }
    enum err_code code = pbjson_text(message, &pbjson_canonical, arena, &text, &err);
    INVARIANT(code == ERR_OK);
    code = pbjson_decode(text, type, &pbjson_event, arena, &again, NULL, &err);
    INVARIANT(code == ERR_OK);
    INVARIANT(str_eq(packed(arena, message), packed(arena, again)));
}

static void try_envelope(struct arena *arena, const struct bus_event *event)
{
    struct err err = {0};
    struct bus_event again;
    const struct outbox_event row = {
        .event_sid = sid_from(event->id),
        .source = event->source.ptr,
        .type = event->type.ptr,
        .workspace_sid = event->workspace_sid.ptr,
        .account_sid = event->account_sid.ptr,
        .subject_sid = event->resource_sid.ptr,
        .version = event->version,
        .sequence = event->sequence,
        .at_us = event->at_us,
        .request_id = event->request_id.ptr,
        .actor_sid = event->actor_sid.ptr,
        .actor_type = event->actor_type.ptr,
        .data_json = event->data,
    };
    struct buf payload;
    if (!sid_is_set(&row.event_sid) || event->type.len == 0 || event->type.len > 200)
        return; /* nothing of ours has such an id or type */
    buf_init(&payload, 0);
    bool is_written = outbox_event_payload(&row, NULL, &payload);
    INVARIANT(is_written);
    enum err_code code = bus_event_parse(arena, buf_str(&payload), &again, &err);
    INVARIANT(code == ERR_OK);
    INVARIANT(str_eq(again.id, event->id) && str_eq(again.workspace_sid, event->workspace_sid));
    INVARIANT(str_eq(again.resource_sid, event->resource_sid));
    INVARIANT(str_eq(again.request_id, event->request_id) && str_eq(again.data, event->data));
    INVARIANT(again.at_us == event->at_us && again.version == event->version);
    INVARIANT(again.sequence == event->sequence);
    buf_fini(&payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct bus_event event;
    struct event_kind kind;
    struct str payload = {(const char *)data, size};
    if (size > 64 << 10)
        return 0;
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    if (bus_event_parse(arena, payload, &event, &err) != ERR_OK) {
        INVARIANT(err.code == ERR_INVALID_ARGUMENT && err.detail[0] != '\0');
        return 0;
    }
    INVARIANT(event.version >= 0 && event.sequence >= 0);
    try_envelope(arena, &event);
    if (event_kind_find(event.type, &kind)) {
        try_data(&event, kind.message);
        return 0;
    }
    for (size_t i = 0; i < event_kind_count(); i++) {
        kind = event_kind_at(i);
        if (i == 0 || kind.message != event_kind_at(i - 1).message)
            try_data(&event, kind.message);
    }
    return 0;
}
