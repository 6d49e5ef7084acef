/* Names of fields and enum values in both spellings, and the facts about descriptors that reading
 * and writing share. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* google.protobuf.Timestamp's range: the years 1 to 9999. */
#define TIMESTAMP_MIN_S INT64_C(-62135596800)
#define TIMESTAMP_MAX_S INT64_C(253402300799)

enum { NAMES_MAX = 64 }; /* bytes of the longest field or enum name, with its NUL */

/* "friendlyName" to "friendly_name"; false when it has an underscore or does not fit. */
bool names_snake(struct str camel, char *out, size_t out_size);

/* Whether key is the proto name or its camelCase spelling. */
bool names_match(const char *proto_name, const char *key);

/* Whether a NULL-terminated list (NULL: empty) holds name. */
bool names_has(const char *const *names, const char *name);

const ProtobufCEnumValue *names_enum_value(const ProtobufCEnumDescriptor *type, int value);
void names_enum_short(const ProtobufCEnumDescriptor *type, const ProtobufCEnumValue *value,
                      char *out, size_t out_size);

/* Bytes of one value in memory, as a member or as an element of a repeated field. */
size_t names_element_size(const ProtobufCFieldDescriptor *field);
