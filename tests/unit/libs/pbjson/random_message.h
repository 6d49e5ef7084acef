/* Messages with random content from a seed, for round trips. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#include "base/arena.h"

/* Every field has an even chance of being set; what proto3 JSON cannot carry (nanoseconds, bad
 * UTF-8) is not made. *state: any number but 0; moves on. */
ProtobufCMessage *random_message(struct arena *arena, const ProtobufCMessageDescriptor *type,
                                 uint64_t *state);

/* xorshift64*. */
uint64_t random_next(uint64_t *state);
