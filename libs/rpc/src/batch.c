#include <string.h>

#include "base/macros.h"
#include "server_int.h"

void batch_init(struct batch *batch)
{
    memset(batch, 0, sizeof *batch);
}

static grpc_op *op_add(struct batch *batch, grpc_op_type type)
{
    INVARIANT(batch->count < ARRAY_LEN(batch->ops));
    grpc_op *op = &batch->ops[batch->count++];
    op->op = type;
    return op;
}

void batch_add_headers(struct batch *batch)
{
    (void)op_add(batch, GRPC_OP_SEND_INITIAL_METADATA);
}

void batch_add_message(struct batch *batch, grpc_byte_buffer *message, uint32_t flags)
{
    grpc_op *op = op_add(batch, GRPC_OP_SEND_MESSAGE);
    op->data.send_message.send_message = message;
    op->flags = flags;
}

void batch_add_status(struct batch *batch, const struct server_call *call, const struct err *err)
{
    grpc_op *op = op_add(batch, GRPC_OP_SEND_STATUS_FROM_SERVER);
    if (err == NULL || err->code == ERR_OK)
        return; /* zero is GRPC_STATUS_OK */
    char space[sizeof err->detail + REQUEST_ID_SIZE];
    struct str text = status_text(err, &call->call, space, sizeof space);
    batch->text = grpc_slice_from_copied_buffer(text.ptr, text.len);
    batch->details = status_details(err, &call->call, text);
    batch->trailer = (grpc_metadata){
        .key = grpc_slice_from_static_string("grpc-status-details-bin"), .value = batch->details};
    batch->has_status = true;
    op->data.send_status_from_server.status = (grpc_status_code)err->code;
    op->data.send_status_from_server.status_details = &batch->text;
    op->data.send_status_from_server.trailing_metadata = &batch->trailer;
    op->data.send_status_from_server.trailing_metadata_count = 1;
}

void batch_add_close(struct batch *batch, struct server_call *call)
{
    grpc_op *op = op_add(batch, GRPC_OP_RECV_CLOSE_ON_SERVER);
    op->data.recv_close_on_server.cancelled = &call->was_cancelled;
}

void batch_start(struct server_call *call, const grpc_op *ops, size_t count, struct core_tag *tag)
{
    grpc_call *core = call->core;
    TSAN_RELEASE(tag); /* nothing of call is read after this */
    grpc_call_error error = grpc_call_start_batch(core, ops, count, tag, NULL);
    INVARIANT(error == GRPC_CALL_OK);
}

void batch_go(struct batch *batch, struct server_call *call, struct core_tag *tag)
{
    batch_start(call, batch->ops, batch->count, tag); /* call may be gone from here on */
    if (batch->has_status) {                          /* the core took its own references */
        grpc_slice_unref(batch->text);
        grpc_slice_unref(batch->details);
    }
}
