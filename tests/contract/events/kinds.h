/*
 * Every type of event that the suite publishes, with the message that its data is. A new event is
 * one row here and one sample (tools/update-contracts writes it).
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

struct event_kind {
    const char *type;   /* "worker.activity.update" */
    const char *source; /* who publishes it: "/workers-svc" */
    const ProtobufCMessageDescriptor *message;
};

size_t event_kind_count(void);
struct event_kind event_kind_at(size_t index);

/* False when nobody publishes it. */
bool event_kind_find(struct str type, struct event_kind *out);

/*
 * The event as published, from the real encoders, with every field of its message set to the same
 * value each time. A string in the arena.
 */
struct str event_kind_sample(struct arena *arena, const struct event_kind *kind);
