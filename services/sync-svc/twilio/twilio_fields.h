/* Which member of Twilio's JSON becomes which field of our messages: the tables of twilio_json.c.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "twilio_json.h"

enum twilio_type {
    TWILIO_TYPE_SID,    /* hint: its prefix */
    TWILIO_TYPE_TEXT,   /* max: characters */
    TWILIO_TYPE_OBJECT, /* JSON object as text; max: characters; empty becomes {} */
    TWILIO_TYPE_BOOL,
    TWILIO_TYPE_INT, /* min, max */
    TWILIO_TYPE_DATE,
    TWILIO_TYPE_ENUM, /* hint: what stands before the name in ours */
};

struct twilio_field {
    const char *key;  /* NULL ends a table */
    const char *name; /* of the proto field */
    enum twilio_type type;
    bool is_needed; /* absent and null are refused */
    const char *hint;
    int64_t min;
    int64_t max;
};

struct twilio_table {
    const char *noun;
    const char *prefix;
    const char *segment;  /* of the path: "Workers" */
    const char *parent;   /* segment of what it belongs to, below the workspace; NULL: nothing */
    const char *list_key; /* meta.key and name of the array */
    const ProtobufCMessageDescriptor *message;
    const struct twilio_field *fields;
};

extern const struct twilio_table twilio_tables[TWILIO_RESOURCE_COUNT];
