#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "forward_int.h"
#include "log/log.h"
#include "server_int.h"

void call_log(const struct server_call *call, const struct err *err)
{
    switch (err->code) {
    case ERR_UNKNOWN:
    case ERR_INTERNAL:
    case ERR_DATA_LOSS:
        LOG_ERROR(&call->call, "call failed", LOG_ERR(err));
        break;
    case ERR_RESOURCE_EXHAUSTED:
    case ERR_UNAVAILABLE:
    case ERR_DEADLINE_EXCEEDED:
        LOG_WARN(&call->call, "call failed", LOG_ERR(err));
        break;
    default: /* the caller's own doing */
        LOG_DEBUG(&call->call, "call refused", LOG_ERR(err));
        break;
    }
}

void call_answer(struct server_call *call, grpc_byte_buffer *message, const struct err *err)
{
    struct batch batch;
    batch_init(&batch);
    call->code = err == NULL ? ERR_OK : err->code;
    call->outgoing = message;
    call->events_left = 1;
    if (err != NULL && !call->is_relayed)
        call_log(call, err);
    forward_end(call);
    batch_add_headers(&batch);
    if (message != NULL)
        batch_add_message(&batch, message, 0);
    batch_add_status(&batch, call, err);
    batch_add_close(&batch, call);
    batch_go(&batch, call, &call->replied);
}

/* An error code without a filled struct err is our own slip; the caller still gets a status. */
static struct err *err_complete(struct err *err, enum err_code code)
{
    if (err->code != code)
        (void)ERR_SET(err, code, err_code_name(code), "%s", err_code_name(code));
    return err;
}

/* Decodes the request and lets the core's copy go, unless it may have to be sent on. */
static enum err_code request_decode(struct server_call *call, struct err *err)
{
    enum err_code code =
        message_unpack(call->payload, call->arena, call->method->request, &call->request, err);
    if (call->payload != NULL && call->loop->server->forwarder == NULL)
        grpc_byte_buffer_destroy(TAKE(call->payload));
    return code;
}

enum err_code call_prepare(struct server_call *call, struct err *err)
{
    enum err_code code = call_check(&call->call, err); /* it may have waited in the queue */
    if (code == ERR_OK && !call->is_identified)
        code = identity_ask(call, err);
    if (code == ERR_OK)
        code = request_decode(call, err);
    if (call->loop->server->forwarder != NULL)
        call->decoded = arena_mark(call->arena);
    return code;
}

/* Any thread: the handler of a unary or asynchronous method, and the answer of the former. */
void call_run(struct server_call *call)
{
    const struct rpc_method *row = call->method->row;
    struct err err;
    err_clear(&err);
    enum err_code code =
        call->request == NULL ? call_prepare(call, &err) : call_check(&call->call, &err);
    ProtobufCMessage *reply = NULL;
    if (code == ERR_OK && row->async != NULL) {
        row->async(call->method->app, &call->call, call->request, &call->reply);
        return;
    }
    if (code == ERR_OK)
        code = row->unary(call->method->app, &call->call, call->request, &reply, &err);
    if (code == ERR_OK && reply == NULL)
        reply = pb_new(call->arena, call->method->reply);
    if (code == ERR_OK && reply == NULL)
        code = ERR_SET(&err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                       "the request needs more memory than is allowed; ask for less");
    if (code != ERR_OK) {
        if (!forward_take(call, err_complete(&err, code)))
            call_answer(call, NULL, &err);
        return;
    }
    INVARIANT(reply->descriptor == call->method->reply);
    call_answer(call, message_pack(reply), NULL);
}

void call_run_again(struct server_call *call)
{
    const struct rpc_method *row = call->method->row;
    arena_rewind(call->arena, call->decoded);
    if (row->async != NULL || (row->flags & RPC_INLINE) != 0) {
        call_run(call);
        return;
    }
    struct err err;
    if (queue_push(call->loop->server->jobs, call))
        return;
    (void)ERR_SET(&err, ERR_RESOURCE_EXHAUSTED, "SERVER_BUSY",
                  "the server has no room for more calls now; try again in a second");
    call_answer(call, NULL, &err);
}

static struct server_call *call_of_reply(struct rpc_reply *reply)
{
    INVARIANT(reply != NULL && reply->magic == CALL_MAGIC);
    return CONTAINER_OF(reply, struct server_call, reply);
}

void rpc_reply_finish(struct rpc_reply *reply, const ProtobufCMessage *message)
{
    struct server_call *call = call_of_reply(reply);
    grpc_byte_buffer *packed = NULL;
    if (message != NULL) {
        INVARIANT(message->descriptor == call->method->reply);
        packed = message_pack(message);
    } else {
        packed = grpc_raw_byte_buffer_create(NULL, 0); /* every field at its default */
    }
    call_answer(call, packed, NULL);
}

void rpc_reply_fail(struct rpc_reply *reply, const struct err *err)
{
    struct server_call *call = call_of_reply(reply);
    struct err copy = *err; /* err may live in the call's own memory */
    if (copy.code == ERR_OK)
        (void)ERR_SET(&copy, ERR_INTERNAL, "NO_ERROR", "a failure without a code");
    if (!forward_take(call, &copy))
        call_answer(call, NULL, &copy);
}
