#include "svc/repeat.h"

#include "base/arena.h"
#include "rpc/pb.h"

static enum err_code pack(struct arena *arena, const ProtobufCMessage *message, struct str *out,
                          struct err *err)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = arena_alloc(arena, size);
    if (bytes == NULL)
        return call_no_room(err);
    (void)protobuf_c_message_pack(message, bytes);
    *out = (struct str){(const char *)bytes, size};
    return ERR_OK;
}

enum err_code repeat_claim(struct db_conn *conn, struct call *call, struct idempotency *use,
                           const char *method, const char *key, const ProtobufCMessage *request,
                           const ProtobufCMessageDescriptor *reply_type,
                           ProtobufCMessage **out_reply, struct err *err)
{
    *use = (struct idempotency){.method = method, .key = str_from(key)};
    *out_reply = NULL;
    if (use->key.len == 0)
        return ERR_OK;
    enum err_code code = pack(call->arena, request, &use->request, err);
    if (code == ERR_OK)
        code = idempotency_claim(conn, call, use, err);
    if (code != ERR_OK || !use->is_repeat)
        return code;
    return pb_decode(call->arena, reply_type, use->reply, out_reply, err);
}

enum err_code repeat_store(struct db_conn *conn, struct call *call, const struct idempotency *use,
                           const ProtobufCMessage *reply, struct err *err)
{
    if (use->key.len == 0)
        return ERR_OK;
    struct str bytes = {NULL, 0};
    enum err_code code = pack(call->arena, reply, &bytes, err);
    return code == ERR_OK ? idempotency_finish(conn, call, use, bytes, err) : code;
}
