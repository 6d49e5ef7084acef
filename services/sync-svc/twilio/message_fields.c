#include "message_fields.h"

#include <stdint.h>
#include <string.h>

const ProtobufCFieldDescriptor *field_find(const ProtobufCMessageDescriptor *type, const char *name)
{
    return type == NULL ? NULL : protobuf_c_message_descriptor_get_field_by_name(type, name);
}

void *field_at(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    char *base = (void *)message;
    return base + field->offset;
}

const void *field_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const char *base = (const void *)message;
    return base + field->offset;
}

/* NULL unless the message has a field of that type, once. */
static const ProtobufCFieldDescriptor *field_typed(const ProtobufCMessage *message,
                                                   const char *name, ProtobufCType type)
{
    const ProtobufCFieldDescriptor *field = field_find(message->descriptor, name);
    return field != NULL && field->type == type && field->label != PROTOBUF_C_LABEL_REPEATED ? field
                                                                                             : NULL;
}

const char *field_text(const ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field = field_typed(message, name, PROTOBUF_C_TYPE_STRING);
    if (field == NULL || !field_is_set(message, field))
        return "";
    return *(const char *const *)field_of(message, field);
}

void field_text_set(ProtobufCMessage *message, const char *name, const char *text)
{
    const ProtobufCFieldDescriptor *field = field_typed(message, name, PROTOBUF_C_TYPE_STRING);
    if (field != NULL)
        memcpy(field_at(message, field), &text, sizeof text);
}

ProtobufCMessage *field_message(const ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field = field_typed(message, name, PROTOBUF_C_TYPE_MESSAGE);
    return field == NULL ? NULL : *(ProtobufCMessage *const *)field_of(message, field);
}

void field_message_set(ProtobufCMessage *message, const char *name, ProtobufCMessage *inner)
{
    const ProtobufCFieldDescriptor *field = field_typed(message, name, PROTOBUF_C_TYPE_MESSAGE);
    if (field != NULL)
        *(ProtobufCMessage **)field_at(message, field) = inner;
}

void field_list_set(ProtobufCMessage *message, const char *name, void *items, size_t count)
{
    const ProtobufCFieldDescriptor *field = field_find(message->descriptor, name);
    if (field == NULL || field->label != PROTOBUF_C_LABEL_REPEATED)
        return;
    char *base = (void *)message;
    memcpy(field_at(message, field), &items, sizeof items);
    memcpy(base + field->quantifier_offset, &count, sizeof count);
}

bool field_bool(const ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field = field_typed(message, name, PROTOBUF_C_TYPE_BOOL);
    return field != NULL && *(const protobuf_c_boolean *)field_of(message, field) != 0;
}

void field_bool_set(ProtobufCMessage *message, const char *name, bool value)
{
    const ProtobufCFieldDescriptor *field = field_typed(message, name, PROTOBUF_C_TYPE_BOOL);
    if (field != NULL)
        *(protobuf_c_boolean *)field_at(message, field) = value;
}

bool field_is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const char *base = (const void *)message;
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) { /* what "optional" becomes */
        uint32_t which = 0;
        memcpy(&which, base + field->quantifier_offset, sizeof which);
        return which == field->id;
    }
    const void *value = NULL;
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        memcpy(&value, field_of(message, field), sizeof value);
        return value != NULL && *(const char *)value != '\0';
    case PROTOBUF_C_TYPE_MESSAGE:
        memcpy(&value, field_of(message, field), sizeof value);
        return value != NULL;
    default:
        return true;
    }
}
