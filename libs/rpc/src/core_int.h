/*
 * What server and client share of the C core: start-up, slices, metadata, status. Private to
 * libs/rpc, like everything of grpc.
 */
#pragma once

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/call.h"
#include "base/str.h"
#include "rpc/pb.h"

/* Sizes that HTTP/2 metadata may have in all, and the text of a Bearer token. */
enum { MAX_METADATA_BYTES = 16 * 1024, MAX_TOKEN_BYTES = 1024 };

/* grpc_init and what must be set before: counted, pair with core_fini. Threads: any. */
void core_init(void);
void core_fini(void);

/* A completion's tag: the event loop calls done. Embedded in what waits for the event. */
struct core_tag {
    void (*done)(struct core_tag *tag, bool ok);
};

struct str slice_str(const grpc_slice *slice); /* view; lives as long as the slice */

/* The packed message in a buffer of the core. Never NULL. */
grpc_byte_buffer *message_pack(const ProtobufCMessage *message);

/* pb_decode from a core buffer (NULL: no message came). Errors: as pb_decode. */
enum err_code message_unpack(grpc_byte_buffer *buffer, struct arena *arena,
                             const ProtobufCMessageDescriptor *type, ProtobufCMessage **out_message,
                             struct err *err) MUST_CHECK;

/* Monotonic microseconds; 0 for the infinite future. And back; 0 is the infinite future. */
int64_t timespec_mono_us(gpr_timespec when);
gpr_timespec mono_us_timespec(int64_t mono_us);

/* What an error looks like to the caller: INTERNAL and its kin show only the request id. */
struct str status_text(const struct err *err, const struct call *call, char *space, size_t size);

/* google.rpc.Status with our ErrorDetail, packed, for grpc-status-details-bin. The caller unrefs.
 */
grpc_slice status_details(const struct err *err, const struct call *call, struct str text);

/* Fills err from a peer's status. details: value of grpc-status-details-bin or empty. reason is
 * copied into arena. Returns the code. */
enum err_code status_to_err(int code, struct str text, struct str details, struct arena *arena,
                            const char *peer, struct err *err);

/* Contents of a PEM file as a NUL-terminated heap string; NULL path gives NULL in *out_text. */
enum err_code pem_read(const char *path, char **out_text, struct err *err) MUST_CHECK;
