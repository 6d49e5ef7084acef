#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "client_int.h"

struct rpc_client_stream {
    struct outgoing out;
    const ProtobufCMessageDescriptor *reply_type;
    bool has_headers; /* asked for with the first message */
    bool is_ended;
    enum err_code code; /* of the end */
    struct err err;
};

enum err_code rpc_client_stream_open(struct rpc_client *client, const struct call *parent,
                                     const char *path, const ProtobufCMessage *request,
                                     const ProtobufCMessageDescriptor *reply_type,
                                     struct rpc_client_stream **out_stream, struct err *err)
{
    struct rpc_client_stream *stream = xcalloc(1, sizeof *stream);
    stream->reply_type = reply_type;
    enum err_code code =
        outgoing_init(&stream->out, client, parent, path, parent->deadline_mono_us, err);
    if (code != ERR_OK) {
        free(stream);
        return code;
    }
    grpc_op ops[3];
    memset(ops, 0, sizeof ops);
    op_send_headers(&stream->out, &ops[0]);
    op_send_message(&stream->out, &ops[1], request);
    ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    /* A failure here shows in the status, which the first read fetches. */
    (void)outgoing_run(&stream->out, ops, ARRAY_LEN(ops), stream);
    *out_stream = stream;
    return ERR_OK;
}

static void stream_end(struct rpc_client_stream *stream)
{
    grpc_op op;
    memset(&op, 0, sizeof op);
    op_read_status(&stream->out, &op);
    (void)outgoing_run(&stream->out, &op, 1, stream);
    stream->code = outgoing_outcome(&stream->out, stream->out.parent->arena, &stream->err);
    stream->is_ended = true;
}

enum err_code rpc_client_stream_next(struct rpc_client_stream *stream, struct arena *arena,
                                     ProtobufCMessage **out_message, struct err *err)
{
    *out_message = NULL;
    if (!stream->is_ended) {
        grpc_op ops[2];
        memset(ops, 0, sizeof ops);
        op_read_message(&stream->out, &ops[0]);
        size_t count = 1;
        if (!stream->has_headers)
            op_read_headers(&stream->out, &ops[count++]);
        stream->has_headers = true;
        bool ok = outgoing_run(&stream->out, ops, count, stream);
        if (ok && stream->out.received != NULL)
            return reply_decode(&stream->out, arena, stream->reply_type, out_message, err);
        stream_end(stream);
    }
    if (stream->code != ERR_OK && err != NULL)
        *err = stream->err;
    return stream->code;
}

void rpc_client_stream_cancel(struct rpc_client_stream *stream)
{
    (void)grpc_call_cancel(stream->out.core, NULL);
}

void rpc_client_stream_close(struct rpc_client_stream *stream)
{
    if (stream == NULL)
        return;
    if (!stream->is_ended) {
        rpc_client_stream_cancel(stream);
        stream_end(stream);
    }
    outgoing_fini(&stream->out);
    free(stream);
}
