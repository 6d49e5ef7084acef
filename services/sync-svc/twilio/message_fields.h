/* Fields of messages by their names, for tables that speak of many kinds of messages. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

/* NULL when the type has no such field; type may be NULL. */
const ProtobufCFieldDescriptor *field_find(const ProtobufCMessageDescriptor *type,
                                           const char *name);

/* Where the field's value is. */
void *field_at(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
const void *field_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* A text; "" when there is no such field or it is empty. */
const char *field_text(const ProtobufCMessage *message, const char *name);

/* Borrows the text. A type without the field is left alone. */
void field_text_set(ProtobufCMessage *message, const char *name, const char *text);

/* A message within; NULL when absent. */
ProtobufCMessage *field_message(const ProtobufCMessage *message, const char *name);
void field_message_set(ProtobufCMessage *message, const char *name, ProtobufCMessage *inner);

/* A repeated field, borrowed. */
void field_list_set(ProtobufCMessage *message, const char *name, void *items, size_t count);

bool field_bool(const ProtobufCMessage *message, const char *name);
void field_bool_set(ProtobufCMessage *message, const char *name, bool value);

/* Of "optional" and of texts and messages: whether there is a value (for a text: not ""). Plain
 * numbers and booleans always have one. */
bool field_is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
