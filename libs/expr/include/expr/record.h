/*
 * The attributes of one task or worker, parsed once from their JSON text into a block that
 * expressions read without parsing, allocating or hashing anything. The block keeps the text itself
 * (so nobody needs a second copy) and points into it: a record costs its text, 32 bytes per JSON
 * value and 4 to 8 bytes of index per value.
 *
 * Nothing is interned and nothing is shared: expressions carry the hashes of their own names and
 * texts, records carry theirs, and equality is hash, length, then bytes. So records of hostile or
 * endless input leave nothing behind when freed, a record needs no rebinding when a new expression
 * mentions a new name, and both are immutable but for the fields below.
 *
 * Refuses to be a JSON library: no writing, no editing, objects at the root only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define EXPR_JSON_MAX_BYTES  65535 /* of one document; offsets are sized for it */
#define EXPR_JSON_MAX_VALUES 8192  /* keys and array elements in one document */
#define EXPR_JSON_MAX_DEPTH  32    /* nested objects and arrays, the root included */

enum expr_kind {
    EXPR_KIND_NONE, /* null, and what is missing */
    EXPR_KIND_BOOL,
    EXPR_KIND_I64,
    EXPR_KIND_F64, /* a number that is no 64-bit integer */
    EXPR_KIND_STR,
    EXPR_KIND_ARRAY,
    EXPR_KIND_OBJECT,
    EXPR_KIND_COUNT,
};

/* One value; read it through the functions below. 16 bytes, because records hold many. */
struct expr_value {
    union {
        int64_t i64; /* also bool */
        double f64;
        const char *text;
        const void *end; /* containers of a record: behind the last value inside */
    } as;
    uint32_t kind : 4; /* enum expr_kind */
    uint32_t len : 28; /* bytes of a text, elements of an array */
    uint32_t hash;     /* of a text, else 0 */
};

struct expr_value expr_value_null(void);
struct expr_value expr_value_bool(bool value);
struct expr_value expr_value_i64(int64_t value);
struct expr_value expr_value_f64(double value);     /* must be finite */
struct expr_value expr_value_str(struct str value); /* a view: the bytes must outlive the value */

enum expr_kind expr_value_kind(struct expr_value value);
struct str expr_value_text(struct expr_value value); /* empty unless EXPR_KIND_STR */

struct expr_record;

/*
 * Parses a JSON object (RFC 8259, strict: UTF-8, no duplicates surviving (the last wins), no lone
 * surrogates, no U+0000, no number outside a double). The text is copied.
 * **Errors:** INVALID_ARGUMENT JSON_INVALID with the place (byte offset as column) and what was
 * expected; JSON_TOO_LARGE, JSON_TOO_DEEP when a limit above is passed. The field is left empty:
 * the caller knows it.
 */
enum err_code expr_record_new(struct str json, struct expr_record **out_record,
                              struct err *err) MUST_CHECK;
void expr_record_free(struct expr_record *record);
/* Whether expr_record_new would take it, with the same errors. */
enum err_code expr_record_check(struct str json, struct err *err) MUST_CHECK;

/* The same into a record that is needed no more (NULL: none yet) and never had fields: its memory
 * is used again when there is enough of it. When the text is refused, the record stays as it was.
 */
enum err_code expr_record_renew(struct str json, struct expr_record **io_record,
                                struct err *err) MUST_CHECK;

/* The text it was made from, as long as the record lives. */
struct str expr_record_json(const struct expr_record *record);

/* Heap bytes held, for accounting. */
size_t expr_record_bytes(const struct expr_record *record);

/*
 * A name for a built-in field such as "sid" or "channel.voice.assigned_tasks", made once by whoever
 * owns the records and shared by all of them. **Ownership:** the maker's; must outlive every record
 * in which it was set.
 */
struct expr_field;
struct expr_field *expr_field_new(struct str name);
void expr_field_free(struct expr_field *field);

/*
 * Sets a built-in field of this record; it hides an attribute of the same name. Texts are copied.
 * Cheap to repeat: setting again reuses the place.
 */
void expr_record_set_i64(struct expr_record *record, const struct expr_field *field, int64_t value);
void expr_record_set_bool(struct expr_record *record, const struct expr_field *field, bool value);
void expr_record_set_str(struct expr_record *record, const struct expr_field *field,
                         struct str value);

/* Without a copy: the bytes must stay until the field is set again or unset. */
void expr_record_set_view(struct expr_record *record, const struct expr_field *field,
                          struct str value);

/* The attribute is visible again. */
void expr_record_unset(struct expr_record *record, const struct expr_field *field);

/* Moves all built-in fields from one record to another (whose own are dropped): for replacing the
 * attributes of a worker. */
void expr_record_move_fields(struct expr_record *from, struct expr_record *to);
