/*
 * grpc.reflection.v1 and v1alpha, which are the same on the wire: answers from the descriptor sets
 * built into the library. One request at a time per stream, all on the loop thread; nothing here
 * blocks or grows with what a caller sends.
 */
#include <string.h>

#include "grpc/reflection/v1/reflection.pb-c.h"
#include "server_int.h"

typedef Grpc__Reflection__V1__ServerReflectionRequest reflection_request;
typedef Grpc__Reflection__V1__ServerReflectionResponse reflection_response;

enum { MAX_ANSWER_FILES = 64, MAX_SERVICES = 64 };

static uint8_t *readable(const char *bytes)
{
    union {
        const char *in;
        uint8_t *out;
    } both = {.in = bytes}; /* protobuf-c wants char *, and only reads it */
    return both.out;
}

static void answer_error(struct arena *arena, reflection_response *response, enum err_code code,
                         const char *text)
{
    Grpc__Reflection__V1__ErrorResponse *error =
        PB_NEW(arena, grpc__reflection__v1__error_response);
    if (error == NULL)
        return;
    error->error_code = (int32_t)code;
    error->error_message = (char *)readable(text);
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
    response->error_response = error;
}

/* The file and all that it imports, each once, imports first come as they are met. */
static size_t files_collect(const struct descriptors *d, struct descriptor_file *first,
                            struct descriptor_file **out_files)
{
    size_t count = 1;
    out_files[0] = first;
    for (size_t next = 0; next < count; next++) {
        for (size_t i = 0; i < out_files[next]->import_count; i++) {
            struct descriptor_file *file = map_get(&d->by_name, out_files[next]->imports[i]);
            bool is_new = file != NULL && count < MAX_ANSWER_FILES;
            for (size_t k = 0; is_new && k < count; k++)
                is_new = out_files[k] != file;
            if (is_new)
                out_files[count++] = file;
        }
    }
    return count;
}

static void answer_file(const struct descriptors *d, struct arena *arena,
                        struct descriptor_file *file, reflection_response *response)
{
    if (file == NULL) {
        answer_error(arena, response, ERR_NOT_FOUND, "there is no such file or symbol here");
        return;
    }
    struct descriptor_file *files[MAX_ANSWER_FILES];
    size_t count = files_collect(d, file, files);
    Grpc__Reflection__V1__FileDescriptorResponse *answer =
        PB_NEW(arena, grpc__reflection__v1__file_descriptor_response);
    ProtobufCBinaryData *bytes = ARENA_ARRAY(arena, ProtobufCBinaryData, count);
    if (answer == NULL || bytes == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        bytes[i] = (ProtobufCBinaryData){.len = files[i]->bytes.len,
                                         .data = readable(files[i]->bytes.ptr)};
    answer->n_file_descriptor_proto = count;
    answer->file_descriptor_proto = bytes;
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    response->file_descriptor_response = answer;
}

/* The names of the services, from the methods' paths. */
static void answer_services(const struct rpc_server *server, struct arena *arena,
                            reflection_response *response)
{
    Grpc__Reflection__V1__ListServiceResponse *list =
        PB_NEW(arena, grpc__reflection__v1__list_service_response);
    Grpc__Reflection__V1__ServiceResponse **services =
        ARENA_ARRAY(arena, Grpc__Reflection__V1__ServiceResponse *, MAX_SERVICES);
    if (list == NULL || services == NULL)
        return;
    size_t count = 0;
    for (const struct method *method = server->methods; method != NULL; method = method->next) {
        const char *slash = method->handle == NULL ? NULL : strrchr(method->path, '/');
        if (slash == NULL || count == MAX_SERVICES)
            continue;
        struct str name = {method->path + 1, (size_t)(slash - method->path - 1)};
        bool is_new = true;
        for (size_t i = 0; is_new && i < count; i++)
            is_new = !str_eq_text(name, services[i]->name);
        if (!is_new)
            continue;
        services[count] = PB_NEW(arena, grpc__reflection__v1__service_response);
        if (services[count] == NULL)
            return;
        services[count++]->name = arena_str_dup(arena, name);
    }
    list->n_service = count;
    list->service = services;
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    response->list_services_response = list;
}

static void answer(struct rpc_server *server, struct arena *arena, reflection_request *request,
                   reflection_response *response)
{
    const struct descriptors *d = &server->descriptors;
    response->valid_host = request->host;
    response->original_request = request;
    switch (request->message_request_case) {
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
        answer_services(server, arena, response);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
        answer_file(d, arena, map_get(&d->by_name, str_from(request->file_by_filename)), response);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
        answer_file(d, arena, map_get(&d->by_symbol, str_from(request->file_containing_symbol)),
                    response);
        break;
    default: /* extensions: proto3 has none; or a request newer than this */
        answer_error(arena, response, ERR_NOT_FOUND, "there are no extensions here");
        break;
    }
}

static void message_await(struct server_call *call, bool is_first)
{
    struct batch batch;
    batch_init(&batch);
    if (is_first)
        batch_add_headers(&batch);
    INVARIANT(batch.count < ARRAY_LEN(batch.ops));
    grpc_op *op = &batch.ops[batch.count++];
    op->op = GRPC_OP_RECV_MESSAGE;
    op->data.recv_message.recv_message = &call->payload;
    batch_go(&batch, call, &call->read);
}

static void stream_end(struct server_call *call, const struct err *err)
{
    struct rpc_server *server = call->loop->server;
    lock_take(&server->watch_lock);
    list_remove(&call->watch_node);
    server->watch_count--;
    lock_drop(&server->watch_lock);
    call->code = err == NULL ? ERR_OK : err->code;
    struct batch batch;
    batch_init(&batch);
    batch_add_status(&batch, call, err);
    batch_go(&batch, call, &call->replied);
}

static void answer_sent(struct core_tag *tag, bool ok)
{
    struct server_call *call = CONTAINER_OF(tag, struct server_call, sent);
    grpc_byte_buffer_destroy(TAKE(call->outgoing));
    if (ok)
        message_await(call, false);
    else
        stream_end(call, NULL);
}

static void request_came(struct core_tag *tag, bool ok)
{
    struct server_call *call = CONTAINER_OF(tag, struct server_call, read);
    if (!ok || call->payload == NULL) { /* the caller is done, or gone */
        stream_end(call, NULL);
        return;
    }
    struct err err;
    ProtobufCMessage *message = NULL;
    struct arena_mark mark = arena_mark(call->arena);
    enum err_code code = message_unpack(
        call->payload, call->arena, &grpc__reflection__v1__server_reflection_request__descriptor,
        &message, &err);
    grpc_byte_buffer_destroy(TAKE(call->payload));
    reflection_response response;
    grpc__reflection__v1__server_reflection_response__init(&response);
    if (code == ERR_OK) {
        answer(call->loop->server, call->arena, (reflection_request *)(void *)message, &response);
        if (arena_is_exhausted(call->arena))
            code = ERR_SET(&err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                           "the answer needs more memory than is allowed");
    }
    if (code != ERR_OK) {
        stream_end(call, &err);
        return;
    }
    call->outgoing = message_pack(&response.base);
    arena_rewind(call->arena, mark);
    struct batch batch;
    batch_init(&batch);
    batch_add_message(&batch, call->outgoing, 0);
    batch_go(&batch, call, &call->sent);
}

static void stream_closed(struct core_tag *tag, bool ok)
{
    (void)ok;
    call_event_done(CONTAINER_OF(tag, struct server_call, closed));
}

void reflection_serve(struct server_call *call)
{
    struct rpc_server *server = call->loop->server;
    lock_take(&server->watch_lock);
    bool has_room = server->watch_count < MAX_WATCHERS && !atomic_load(&server->is_draining);
    if (has_room) {
        server->watch_count++;
        list_append(&server->reflections, &call->watch_node);
    }
    lock_drop(&server->watch_lock);
    if (!has_room) {
        struct err err;
        (void)ERR_SET(&err, ERR_RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS",
                      "no room for another reflection stream; try again later");
        call_answer(call, NULL, &err);
        return;
    }
    call->events_left = 2;
    call->closed.done = stream_closed;
    call->read.done = request_came;
    call->sent.done = answer_sent;
    struct batch batch;
    batch_init(&batch);
    batch_add_close(&batch, call);
    batch_go(&batch, call, &call->closed);
    message_await(call, true);
}

void reflection_end(struct rpc_server *server)
{
    lock_take(&server->watch_lock);
    for (struct list_node *node = list_first(&server->reflections); node != NULL;
         node = list_next(&server->reflections, node)) {
        struct server_call *call = LIST_ENTRY(node, struct server_call, watch_node);
        /* Under the lock because the call may end any moment; posts events, never blocks. */
        (void)grpc_call_cancel_with_status(call->core, GRPC_STATUS_UNAVAILABLE,
                                           "the server is stopping", NULL);
    }
    lock_drop(&server->watch_lock);
}
