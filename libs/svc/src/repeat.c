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

static enum err_code claim(struct db_conn *conn, struct call *call, const struct repeat *repeat,
                           struct idempotency *use, ProtobufCMessage **out_reply, struct err *err)
{
    *use = (struct idempotency){.method = repeat->method, .key = str_from(repeat->key)};
    *out_reply = NULL;
    if (use->key.len == 0)
        return ERR_OK;
    enum err_code code = pack(call->arena, repeat->request, &use->request, err);
    if (code == ERR_OK)
        code = idempotency_claim(conn, call, use, err);
    if (code != ERR_OK || !use->is_repeat)
        return code;
    return pb_decode(call->arena, repeat->reply_type, use->reply, out_reply, err);
}

static enum err_code finish(struct db_conn *conn, struct call *call, const struct idempotency *use,
                            const ProtobufCMessage *reply, struct err *err)
{
    if (use->key.len == 0)
        return ERR_OK;
    struct str bytes = {NULL, 0};
    enum err_code code = pack(call->arena, reply, &bytes, err);
    return code == ERR_OK ? idempotency_finish(conn, call, use, bytes, err) : code;
}

enum err_code repeat_run(struct db_conn *conn, struct call *call, const struct repeat *repeat,
                         repeat_make_fn *make, void *ctx, ProtobufCMessage **out_reply,
                         struct err *err)
{
    struct idempotency use;
    enum err_code code = claim(conn, call, repeat, &use, out_reply, err);
    if (code != ERR_OK || *out_reply != NULL)
        return code;
    code = make(conn, call, ctx, out_reply, err);
    return code == ERR_OK ? finish(conn, call, &use, *out_reply, err) : code;
}

struct run {
    const struct repeat *repeat;
    repeat_make_fn *make;
    void *ctx;
    ProtobufCMessage **out_reply;
};

static enum err_code run_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const struct run *run = ctx;
    return repeat_run(conn, call, run->repeat, run->make, run->ctx, run->out_reply, err);
}

enum err_code repeat_tx_run(struct db_pool *pool, struct call *call, const struct repeat *repeat,
                            repeat_make_fn *make, void *ctx, ProtobufCMessage **out_reply,
                            struct err *err)
{
    struct run run = {repeat, make, ctx, out_reply};
    return db_tx_run(pool, call, run_tx, &run, err);
}
