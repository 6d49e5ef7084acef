#include "rpc/pb.h"

#include <string.h>

#include "base/macros.h"

static void *pb_alloc(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void pb_free(void *arena, void *ptr)
{
    (void)arena;
    (void)ptr;
}

ProtobufCAllocator arena_pb_allocator(struct arena *arena)
{
    return (ProtobufCAllocator){.alloc = pb_alloc, .free = pb_free, .allocator_data = arena};
}

void *pb_new(struct arena *arena, const ProtobufCMessageDescriptor *type)
{
    void *message = arena_alloc(arena, type->sizeof_message);
    if (message != NULL)
        protobuf_c_message_init(type, message);
    return message;
}

static enum err_code check_text(const ProtobufCFieldDescriptor *field, const char *text,
                                struct err *err)
{
    if (text == NULL || str_is_utf8(str_from(text)))
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_UTF8", field->name,
                     "send %s as UTF-8 text", field->name);
}

static enum err_code check_value(const ProtobufCFieldDescriptor *field, const void *value,
                                 struct err *err)
{
    const void *pointer = NULL;
    memcpy(&pointer, value, sizeof pointer); /* both kinds of field hold one pointer */
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return check_text(field, pointer, err);
    return pointer == NULL ? ERR_OK : pb_check_utf8(pointer, err);
}

static enum err_code check_field(const ProtobufCFieldDescriptor *field,
                                 const ProtobufCMessage *message, struct err *err)
{
    const char *base = (const char *)message + field->offset;
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        uint32_t which = 0;
        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
            memcpy(&which, (const char *)message + field->quantifier_offset, sizeof which);
            if (which != field->id)
                return ERR_OK;
        }
        return check_value(field, base, err);
    }
    size_t count = 0;
    memcpy(&count, (const char *)message + field->quantifier_offset, sizeof count);
    const char *items = NULL;
    memcpy(&items, base, sizeof items);
    for (size_t i = 0; i < count; i++) {
        enum err_code code = check_value(field, items + i * sizeof(void *), err);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

/* Recursion ends with the proto's nesting: no message below proto/ is recursive. */
enum err_code pb_check_utf8(const ProtobufCMessage *message, struct err *err)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        enum err_code code = check_field(field, message, err);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

enum err_code pb_decode(struct arena *arena, const ProtobufCMessageDescriptor *type,
                        struct str bytes, ProtobufCMessage **out_message, struct err *err)
{
    ProtobufCAllocator allocator = arena_pb_allocator(arena);
    ProtobufCMessage *message =
        protobuf_c_message_unpack(type, &allocator, bytes.len, (const uint8_t *)bytes.ptr);
    if (message == NULL && arena_is_exhausted(arena))
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                       "the message unpacks to more than is allowed; send fewer or smaller parts");
    if (message == NULL)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "MALFORMED_MESSAGE",
                       "the bytes are no %s message; check the proto used to encode it",
                       type->short_name);
    enum err_code code = pb_check_utf8(message, err);
    if (code == ERR_OK)
        *out_message = message;
    return code;
}
