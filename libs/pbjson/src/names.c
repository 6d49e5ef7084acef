#include "names_int.h"

#include <stdio.h>
#include <string.h>

#include "pbjson/pbjson.h"

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static char to_upper(char c)
{
    return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

static char to_lower(char c)
{
    return (char)(is_upper(c) ? c - 'A' + 'a' : c);
}

char *pbjson_camel(const char *proto_path, char *out, size_t out_size)
{
    size_t len = 0;
    bool is_next_upper = false;
    for (const char *at = proto_path; *at != '\0' && len + 1 < out_size; at++) {
        if (*at == '_') {
            is_next_upper = true;
            continue;
        }
        char letter = *at;
        if (is_next_upper)
            letter = to_upper(letter);
        out[len++] = letter;
        is_next_upper = false;
    }
    if (out_size > 0)
        out[len] = '\0';
    return out;
}

bool names_snake(struct str camel, char *out, size_t out_size)
{
    size_t len = 0;
    for (size_t i = 0; i < camel.len; i++) {
        if (camel.ptr[i] == '_' || len + 3 > out_size)
            return false;
        if (is_upper(camel.ptr[i]))
            out[len++] = '_';
        out[len++] = to_lower(camel.ptr[i]);
    }
    out[len] = '\0';
    return true;
}

bool names_match(const char *proto_name, const char *key)
{
    if (strcmp(proto_name, key) == 0)
        return true;
    bool is_next_upper = false;
    for (; *proto_name != '\0'; proto_name++) {
        if (*proto_name == '_') {
            is_next_upper = true;
            continue;
        }
        if (*key++ != (is_next_upper ? to_upper(*proto_name) : *proto_name))
            return false;
        is_next_upper = false;
    }
    return *key == '\0';
}

bool names_has(const char *const *names, const char *name)
{
    for (; names != NULL && *names != NULL; names++) {
        if (strcmp(*names, name) == 0)
            return true;
    }
    return false;
}

const ProtobufCEnumValue *names_enum_value(const ProtobufCEnumDescriptor *type, int value)
{
    for (unsigned i = 0; i < type->n_values; i++) {
        if (type->values[i].value == value)
            return &type->values[i];
    }
    return NULL;
}

/* Bytes of the prefix that a value's name shares with its type: "TASK_STATUS_" of TaskStatus, 0
 * when the name does not follow the rule. */
static size_t prefix_len(const ProtobufCEnumDescriptor *type, const char *name)
{
    size_t len = 0;
    for (const char *at = type->short_name; *at != '\0'; at++) {
        if (is_upper(*at) && at != type->short_name && name[len++] != '_')
            return 0;
        if (name[len++] != to_upper(*at))
            return 0;
    }
    return name[len] == '_' ? len + 1 : 0;
}

void names_enum_short(const ProtobufCEnumDescriptor *type, const ProtobufCEnumValue *value,
                      char *out, size_t out_size)
{
    const char *at = value->name + prefix_len(type, value->name);
    size_t len = 0;
    for (; *at != '\0' && len + 1 < out_size; at++)
        out[len++] = to_lower(*at);
    out[len] = '\0';
}

char *pbjson_enum_short(const ProtobufCEnumDescriptor *type, int value, char *out, size_t out_size)
{
    const ProtobufCEnumValue *known = names_enum_value(type, value);
    if (out_size == 0)
        return out;
    if (known == NULL)
        (void)snprintf(out, out_size, "%d", value);
    else
        names_enum_short(type, known, out, out_size);
    return out;
}

/* The same letters, case ignored, where only the name has underscores. */
static bool is_run_together(struct str text, const char *name)
{
    size_t at = 0;
    for (; *name != '\0'; name++) {
        if (*name == '_')
            continue;
        if (at == text.len || !str_eq_nocase((struct str){text.ptr + at, 1}, (struct str){name, 1}))
            return false;
        at++;
    }
    return at == text.len;
}

bool pbjson_enum_from(const ProtobufCEnumDescriptor *type, struct str text, int *out)
{
    for (unsigned i = 0; i < type->n_values; i++) {
        const char *name = type->values[i].name;
        const char *tail = name + prefix_len(type, name);
        if (str_eq_nocase(text, str_from(name)) || str_eq_nocase(text, str_from(tail)) ||
            is_run_together(text, tail)) {
            *out = type->values[i].value;
            return true;
        }
    }
    return false;
}

size_t names_element_size(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return 4; /* 32-bit numbers and enums */
    }
}
