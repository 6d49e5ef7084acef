/*
 * Input: a byte that chooses the operation of Twilio's dialect, then a form or query, or the JSON
 * body of the bulk statistics. What is read becomes messages that pack, unpack and are UTF-8; what
 * is refused names a parameter of the operation. Behind a 0 byte: a page token, which only we make.
 */
#include <string.h>

#include "base/macros.h"
#include "fuzz.h"
#include "rpc/pb.h"
#include "twilio_error.h"
#include "twilio_ops.h"
#include "twilio_page.h"
#include "twilio_params.h"

enum { ARENA_BYTES = 8 << 20, MAX_PARAMS = 256, MAX_INPUT_BYTES = 1 << 16 };

#define SID32 "00000000000000000000000000000001"

static const struct http_param path_items[] = {
    {{"WorkspaceSid", 12}, {"WS" SID32, 34}},
    {{"TaskSid", 7},       {"WT" SID32, 34}},
    {{"WorkerSid", 9},     {"WK" SID32, 34}},
    {{"TaskQueueSid", 12}, {"WQ" SID32, 34}},
    {{"WorkflowSid", 11},  {"WW" SID32, 34}},
};

static void message_check(struct arena *arena, const ProtobufCMessage *message)
{
    struct err err = {0};
    ProtobufCMessage *again = NULL;
    if (message == NULL)
        return;
    INVARIANT(pb_check_utf8(message, &err) == ERR_OK);
    size_t bytes = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = arena_alloc(arena, bytes + 1);
    if (packed == NULL)
        return;
    INVARIANT(protobuf_c_message_pack(message, packed) == bytes);
    enum err_code code = pb_decode(arena, message->descriptor,
                                   (struct str){(const char *)packed, bytes}, &again, &err);
    INVARIANT(code == ERR_OK || arena_is_exhausted(arena));
}

static void refusal_check(struct arena *arena, const struct twilio_op *op, struct err *err)
{
    struct buf body;
    bool is_named = twilio_param_named(op, str_from(err->field)) != NULL ||
                    op->kind == TWILIO_BULK || arena_is_exhausted(arena);
    INVARIANT(is_named && err->code != ERR_INTERNAL);
    twilio_error_translate(op, err);
    buf_init(&body, 0);
    INVARIANT(twilio_error_body(STR("/v1"), 400, err, &body) >= 400);
    buf_fini(&body);
}

static void request_run(struct arena *arena, const struct twilio_op *op, struct str text)
{
    struct http_param items[ARRAY_LEN(path_items) + 1];
    struct http_params path = {items, ARRAY_LEN(items)};
    struct http_params given = {NULL, 0};
    struct twilio_request request = {NULL, NULL, NULL};
    struct err err = {0};
    char sid[35] = "??" SID32;
    memcpy(items, path_items, sizeof path_items);
    for (const struct twilio_path *part = op->path; part != NULL && part->name != NULL; part++) {
        if (strcmp(part->name, "Sid") == 0 && part->prefix != NULL)
            memcpy(sid, part->prefix, 2);
    }
    items[ARRAY_LEN(path_items)] = (struct http_param){STR("Sid"), str_from(sid)};
    if (op->kind != TWILIO_BULK &&
        http_params_decode(arena, text, MAX_PARAMS, &given, &err) != ERR_OK)
        return;
    struct twilio_input input = {.path = &path, .given = &given, .body = text, .cursor = ""};
    if (twilio_request_read(op, &input, arena, &request, &err) != ERR_OK) {
        refusal_check(arena, op, &err);
        return;
    }
    message_check(arena, request.main);
    message_check(arena, request.action_request);
}

static void token_run(struct arena *arena, struct str text)
{
    struct http_param item = {STR("PageToken"), text};
    struct http_params given = {&item, 1};
    struct twilio_page page;
    struct err err = {0};
    enum err_code code = twilio_page_read(&given, STR("a key that inputs do not know"),
                                          STR("/v1/x"), arena, &page, &err);
    INVARIANT(text.len == 0 || code == ERR_INVALID_ARGUMENT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > MAX_INPUT_BYTES)
        return 0;
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    char *copy = arena_str_dup(arena, (struct str){(const char *)data + 1, size - 1});
    struct str text = {copy, size - 1};
    if (data[0] == 0)
        token_run(arena, text);
    else
        request_run(arena, &twilio_ops[(data[0] - 1U) % twilio_op_count], text);
    return 0;
}
