#include "core_int.h"

#include <grpc/support/alloc.h>
#include <grpc/support/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "google/rpc/status.pb-c.h"
#include "log/log.h"
#include "taskrouter/common/v1/common.pb-c.h"

#define IDLE_LOOK_MS "500"

#define X(name, code, http, retry)                                                                 \
    _Static_assert((int)ERR_##name == (int)GRPC_STATUS_##name, "codes equal gRPC's");
ERR_CODES(X)
#undef X

/*
 * absl::SetMutexDeadlockDetectionMode. Debian builds the core without NDEBUG, which leaves abseil's
 * detector on: some 2,500 instructions a call. Weak: absent when the core is linked otherwise.
 */
extern void _ZN4absl7debian329SetMutexDeadlockDetectionModeENS0_15OnDeadlockCycleE(int mode)
    __attribute__((weak));

/* The core reports each failed handshake and the like; what matters reaches callers as a status. */
static void core_log(gpr_log_func_args *args)
{
    if (args->severity == GPR_LOG_SEVERITY_ERROR)
        LOG_WARN(NULL, "grpc core reports", LOG_STR("text", args->message));
}

/*
 * Nobody reads a channel's connection while no call is under way, but for a look of the core's now
 * and then. It is what finds out that a server is leaving, and the server waits for it before it
 * ends; the core's own choice is 5 s. Read once, by the first grpc_init.
 */
static void idle_look_set(void)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the first call is that of the start */
    (void)setenv("GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS", IDLE_LOOK_MS, 0);
}

void core_init(void)
{
    idle_look_set();
    if (_ZN4absl7debian329SetMutexDeadlockDetectionModeENS0_15OnDeadlockCycleE != NULL)
        _ZN4absl7debian329SetMutexDeadlockDetectionModeENS0_15OnDeadlockCycleE(0);
    gpr_set_log_function(core_log);
    grpc_init();
}

void core_fini(void)
{
    grpc_shutdown();
}

struct str slice_str(const grpc_slice *slice)
{
    return (struct str){(const char *)GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice)};
}

grpc_byte_buffer *message_pack(const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    grpc_slice slice = grpc_slice_malloc(size);
    size_t packed = protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
    INVARIANT(packed == size);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice); /* the buffer took its own reference */
    return buffer;
}

enum err_code message_unpack(grpc_byte_buffer *buffer, struct arena *arena,
                             const ProtobufCMessageDescriptor *type, ProtobufCMessage **out_message,
                             struct err *err)
{
    if (buffer == NULL)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "MALFORMED_MESSAGE",
                       "the call carries no %s message; send one", type->short_name);
    grpc_byte_buffer_reader reader;
    if (!grpc_byte_buffer_reader_init(&reader, buffer))
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "MALFORMED_MESSAGE",
                       "the message cannot be decompressed; send it plain");
    enum err_code code = ERR_OK;
    grpc_slice *first = NULL;
    if (grpc_byte_buffer_length(buffer) == 0) {
        code = pb_decode(arena, type, (struct str){"", 0}, out_message, err);
    } else if (grpc_byte_buffer_reader_peek(&reader, &first) != 0 &&
               GRPC_SLICE_LENGTH(*first) == grpc_byte_buffer_length(reader.buffer_out)) {
        code = pb_decode(arena, type, slice_str(first), out_message, err);
    } else { /* several slices: joined in one copy */
        grpc_byte_buffer_reader_destroy(&reader);
        int is_readable = grpc_byte_buffer_reader_init(&reader, buffer);
        INVARIANT(is_readable != 0);
        grpc_slice all = grpc_byte_buffer_reader_readall(&reader);
        code = pb_decode(arena, type, slice_str(&all), out_message, err);
        grpc_slice_unref(all);
    }
    grpc_byte_buffer_reader_destroy(&reader);
    return code;
}

int64_t timespec_mono_us(gpr_timespec when)
{
    if (gpr_time_cmp(when, gpr_inf_future(when.clock_type)) == 0)
        return 0;
    gpr_timespec mono = gpr_convert_clock_type(when, GPR_CLOCK_MONOTONIC);
    if (mono.tv_sec > INT64_MAX / US_PER_S - 1)
        return 0;
    return mono.tv_sec * US_PER_S + mono.tv_nsec / 1000;
}

gpr_timespec mono_us_timespec(int64_t mono_us)
{
    if (mono_us == 0)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return (gpr_timespec){.tv_sec = mono_us / US_PER_S,
                          .tv_nsec = (int32_t)(mono_us % US_PER_S) * 1000,
                          .clock_type = GPR_CLOCK_MONOTONIC};
}

struct str status_text(const struct err *err, const struct call *call, char *space, size_t size)
{
    bool is_ours =
        err->code == ERR_INTERNAL || err->code == ERR_UNKNOWN || err->code == ERR_DATA_LOSS;
    if (is_ours)
        (void)snprintf(space, size, "internal error; quote request id %s when asking for help",
                       call->request_id);
    else
        (void)snprintf(space, size, "%s",
                       err->detail[0] == '\0' ? err_code_name(err->code) : err->detail);
    return str_from(space);
}

/* const-free views for protobuf-c, whose strings are char * though packing only reads them. */
static char *readable(const char *text)
{
    union {
        const char *in;
        char *out;
    } both = {.in = text == NULL ? "" : text};
    return both.out;
}

#define DETAIL_TYPE_URL "type.googleapis.com/taskrouter.common.v1.ErrorDetail"

grpc_slice status_details(const struct err *err, const struct call *call, struct str text)
{
    Taskrouter__Common__V1__ErrorDetail detail;
    taskrouter__common__v1__error_detail__init(&detail);
    detail.reason = readable(err->reason != NULL ? err->reason : err_code_name(err->code));
    detail.field = readable(err->field);
    detail.request_id = readable(call->request_id);

    uint8_t packed[256]; /* reason and request id are short, field is at most 63 bytes */
    size_t packed_size = taskrouter__common__v1__error_detail__get_packed_size(&detail);
    Google__Protobuf__Any any;
    google__protobuf__any__init(&any);
    any.type_url = readable(DETAIL_TYPE_URL);
    if (packed_size <= sizeof packed) {
        any.value.len = taskrouter__common__v1__error_detail__pack(&detail, packed);
        any.value.data = packed;
    }
    Google__Protobuf__Any *list[] = {&any};
    Google__Rpc__Status status;
    google__rpc__status__init(&status);
    status.code = (int32_t)err->code;
    status.message = readable(text.ptr);
    status.details = list;
    status.n_details = 1;
    grpc_slice slice = grpc_slice_malloc(google__rpc__status__get_packed_size(&status));
    (void)google__rpc__status__pack(&status, GRPC_SLICE_START_PTR(slice));
    return slice;
}

/* reason and field from our ErrorDetail, when the peer sent one. */
static void detail_read(struct str details, struct arena *arena, struct err *err)
{
    ProtobufCMessage *message = NULL;
    if (details.len == 0 ||
        pb_decode(arena, &google__rpc__status__descriptor, details, &message, NULL) != ERR_OK)
        return;
    const Google__Rpc__Status *status = (const Google__Rpc__Status *)(const void *)message;
    for (size_t i = 0; i < status->n_details; i++) {
        const Google__Protobuf__Any *any = status->details[i];
        if (strcmp(any->type_url, DETAIL_TYPE_URL) != 0)
            continue;
        struct str bytes = {(const char *)any->value.data, any->value.len};
        if (pb_decode(arena, &taskrouter__common__v1__error_detail__descriptor, bytes, &message,
                      NULL) != ERR_OK)
            return;
        const Taskrouter__Common__V1__ErrorDetail *detail =
            (const Taskrouter__Common__V1__ErrorDetail *)(const void *)message;
        if (detail->reason[0] != '\0')
            err->reason = detail->reason; /* in the arena already */
        (void)snprintf(err->field, sizeof err->field, "%s", detail->field);
        return;
    }
}

enum err_code status_to_err(int code, struct str text, struct str details, struct arena *arena,
                            const char *peer, struct err *err)
{
    enum err_code known = code > 0 && code < ERR_CODE_COUNT ? (enum err_code)code : ERR_UNKNOWN;
    const char *reason = err_code_name(known);
    if (details.len > 0) {
        (void)ERR_SET(err, known, reason, "%.*s", STR_ARG(text));
        if (err != NULL)
            detail_read(details, arena, err);
        return known;
    }
    /* No details: the core or a proxy speaks, not one of our handlers. */
    if (known == ERR_UNAVAILABLE)
        return ERR_SET(err, known, "PEER_UNAVAILABLE", "%s cannot be reached; try again", peer);
    if (known == ERR_DEADLINE_EXCEEDED)
        return ERR_SET(err, known, reason, "%s did not answer in the time allowed; try again",
                       peer);
    return ERR_SET(err, known, reason, "%s: %.*s", peer, STR_ARG(text));
}

enum err_code pem_read(const char *path, char **out_text, struct err *err)
{
    enum { MAX_PEM_BYTES = 1 << 20 };
    *out_text = NULL;
    if (path == NULL)
        return ERR_OK;
    FILE *file = fopen(path, "rb");
    char *text = xcalloc(1, MAX_PEM_BYTES);
    size_t len = file == NULL ? 0 : fread(text, 1, MAX_PEM_BYTES - 1, file);
    if (file != NULL)
        (void)fclose(file);
    if (len == 0 || strstr(text, "-----BEGIN") == NULL) {
        free(text);
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "TLS_FILE_UNREADABLE",
                       "%s is not a readable PEM file", path);
    }
    *out_text = text;
    return ERR_OK;
}
