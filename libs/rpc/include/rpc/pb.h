/*
 * protobuf-c messages in request memory: making, decoding, checking. A message made or decoded here
 * lives as long as its arena and is never freed one by one (no __free_unpacked).
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

ProtobufCAllocator arena_pb_allocator(struct arena *arena);

/* An initialised message of the descriptor's type; NULL when the arena is exhausted. */
void *pb_new(struct arena *arena, const ProtobufCMessageDescriptor *type);

/* The same, typed, from the generated lower-case prefix:
 * PB_NEW(call->arena, taskrouter__queues__v1__task_queue) is a Taskrouter__Queues__V1__TaskQueue *.
 */
#define PB_NEW(arena, prefix)                                                                      \
    ((__typeof__(prefix##__unpack(NULL, 0, NULL)))pb_new((arena), &prefix##__descriptor))

/*
 * Decodes into the arena and checks that every string is UTF-8 (protobuf-c does not).
 * Errors: INVALID_ARGUMENT MALFORMED_MESSAGE or INVALID_UTF8 (names the field), RESOURCE_EXHAUSTED
 * REQUEST_TOO_LARGE when the arena's ceiling was met.
 */
enum err_code pb_decode(struct arena *arena, const ProtobufCMessageDescriptor *type,
                        struct str bytes, ProtobufCMessage **out_message,
                        struct err *err) MUST_CHECK;

/* Walks the message and its sub-messages. Errors: INVALID_ARGUMENT INVALID_UTF8. */
enum err_code pb_check_utf8(const ProtobufCMessage *message, struct err *err) MUST_CHECK;
