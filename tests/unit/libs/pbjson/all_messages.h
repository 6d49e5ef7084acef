/* Every message of our protos, listed at build time. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

extern const ProtobufCMessageDescriptor *const all_messages[];
extern const size_t all_messages_count;
