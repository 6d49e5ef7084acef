/*
 * proto3 JSON for protobuf-c messages, driven by their descriptors: no code per message. Two
 * dialects: canonical proto3 JSON (events) and REST (what the gateway speaks); both are one table
 * of options. Decoding is strict and names what is wrong by the path the client wrote. Refuses
 * groups, maps and recursive messages (we have none).
 */
#pragma once

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct jx_writer;

enum pbjson_flag {
    PBJSON_NONE = 0,
    PBJSON_SNAKE_CASE = 1 << 0,   /* write proto names; reading takes both spellings */
    PBJSON_INT64_NUMBER = 1 << 1, /* 64-bit integers are numbers; strings are refused */
    PBJSON_ENUM_SHORT = 1 << 2,   /* TASK_STATUS_PENDING is "pending", ..._UNSPECIFIED is null */
    PBJSON_EMIT_DEFAULTS =
        1 << 3, /* every field is written: unset messages and optionals as null */
    PBJSON_IGNORE_UNKNOWN =
        1 << 4,                /* unknown fields and enum names are skipped: peers may be newer */
    PBJSON_CAMEL_ONLY = 1 << 5 /* reading takes camelCase only: proto names are unknown fields */
};

struct pbjson_options {
    unsigned flags; /* enum pbjson_flag */
    /* NULL-terminated proto names of string fields that hold JSON text: written as JSON (empty text
     * as null, text that is no JSON object as a string), read from an object or a string. NULL for
     * none.
     */
    const char *const *json_text_fields;
    /* The same for string fields that hold a JSON array; a name in both lists is in this one. */
    const char *const *json_array_fields;
    size_t max_bytes;   /* of input text; 0: 1 MiB */
    unsigned max_depth; /* of input text; 0: 32 */
    /* NULL-terminated proto names that a document may set at its top level; others are refused as
     * unknown, and the error lists these. NULL: every field of the message. */
    const char *const *allowed_fields;
    /* NULL-terminated proto names of enum fields whose short form is written in upper case ("FIFO",
     * as Twilio spells it); reading ignores case anyway. NULL for none. */
    const char *const *upper_enum_fields;
    /* NULL-terminated "Message.field" in proto names that are not written. NULL for none. */
    const char *const *hidden_fields;
};

/* How a field is written under these options, for those who describe documents (OpenAPI). */
bool pbjson_is_json_text(const struct pbjson_options *options,
                         const ProtobufCFieldDescriptor *field);
bool pbjson_is_json_array(const struct pbjson_options *options,
                          const ProtobufCFieldDescriptor *field);
bool pbjson_is_hidden(const struct pbjson_options *options, const ProtobufCMessageDescriptor *type,
                      const ProtobufCFieldDescriptor *field);

/* The enum value as write does ("pending", "FIFO"); returns out. */
char *pbjson_enum_text(const struct pbjson_options *options, const ProtobufCFieldDescriptor *field,
                       int value, char *out, size_t out_size);

extern const struct pbjson_options pbjson_canonical; /* proto3 JSON, strict */
extern const struct pbjson_options pbjson_event; /* canonical that ignores what it does not know */
extern const struct pbjson_options pbjson_rest;  /* int64 numbers, short enums (task orders in
                                                    upper case), every field, JSON texts embedded */

/* Appends the message as one JSON object. Errors: RESOURCE_EXHAUSTED when out is full; INTERNAL
 * when a timestamp is out of range or a JSON text field holds no JSON. */
enum err_code pbjson_encode(const ProtobufCMessage *msg, const struct pbjson_options *options,
                            struct buf *out, struct err *err) MUST_CHECK;

/* The same as a value inside a larger document; failures stay in the writer. msg NULL writes null.
 */
void pbjson_write(struct jx_writer *w, const ProtobufCMessage *msg,
                  const struct pbjson_options *options);

/* As text in the arena. Errors: as pbjson_encode. */
enum err_code pbjson_text(const ProtobufCMessage *msg, const struct pbjson_options *options,
                          struct arena *arena, struct str *out, struct err *err) MUST_CHECK;

/* Proto names of the top-level fields that the document holds (null included), in its order. */
struct pbjson_mask {
    const char **paths; /* in the arena; the strings are the descriptor's */
    size_t count;
};

/*
 * A message from JSON text (pbjson_decode) or from a parsed object (pbjson_from_json). null means
 * the default, or unset for optional fields and messages. out_mask may be NULL.
 * Ownership: the message lives in the arena; never *_free_unpacked.
 * Errors: INVALID_ARGUMENT, reason JSON_*, FIELD_UNKNOWN, FIELD_TYPE, FIELD_RANGE, FIELD_VALUE or
 * FIELD_TWICE; err->field is the path as the client wrote it ("taskQueue.friendlyName").
 * RESOURCE_EXHAUSTED when the arena is full.
 */
enum err_code pbjson_decode(struct str text, const ProtobufCMessageDescriptor *type,
                            const struct pbjson_options *options, struct arena *arena,
                            ProtobufCMessage **out_msg, struct pbjson_mask *out_mask,
                            struct err *err) MUST_CHECK;
enum err_code pbjson_from_json(json_t *object, const ProtobufCMessageDescriptor *type,
                               const struct pbjson_options *options, struct arena *arena,
                               ProtobufCMessage **out_msg, struct pbjson_mask *out_mask,
                               struct err *err) MUST_CHECK;

/* INVALID_ARGUMENT, reason TEXT_NOT_UTF8, naming the first string field (proto path) that is not
 * well-formed: protobuf-c does not check what it unpacks. */
enum err_code pbjson_check_text(const ProtobufCMessage *msg, struct err *err) MUST_CHECK;

/* "friendly_name" to "friendlyName", part by part of a dotted path; cut at out_size. Returns out.
 */
char *pbjson_camel(const char *proto_path, char *out, size_t out_size);

/* An enum value's short form ("pending") and back, case ignored; full names are read too, and short
 * ones without their underscores ("hangup"). */
char *pbjson_enum_short(const ProtobufCEnumDescriptor *type, int value, char *out, size_t out_size);
bool pbjson_enum_from(const ProtobufCEnumDescriptor *type, struct str text, int *out);
