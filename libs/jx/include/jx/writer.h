/*
 * JSON out: appends compact JSON to a struct buf. Fails stickily, like buf: write everything, check
 * jx_writer_finish once. Commas and escapes are its work; misuse (a value where a key is due) fails
 * instead of writing bad JSON. Bytes that are not UTF-8 become U+FFFD, so the output always parses.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define JX_WRITER_DEPTH 64

/* On the caller's stack; the fields are the writer's own. */
struct jx_writer {
    struct buf *out;
    uint64_t objects;   /* bit per level: 1 object, 0 array */
    uint64_t has_items; /* bit per level */
    unsigned depth;
    bool has_key; /* a key was written, its value is due */
    bool is_done; /* the one top-level value is complete */
    bool has_failed;
};

/* Appends to out; what out held before stays in front. */
void jx_writer_init(struct jx_writer *w, struct buf *out);

/* Errors: RESOURCE_EXHAUSTED when out is full, INTERNAL when the value is incomplete or misused. */
enum err_code jx_writer_finish(const struct jx_writer *w, struct err *err) MUST_CHECK;
void jx_writer_fail(struct jx_writer *w); /* for those who write values on top of this */

void jx_object_begin(struct jx_writer *w);
void jx_object_end(struct jx_writer *w);
void jx_array_begin(struct jx_writer *w);
void jx_array_end(struct jx_writer *w);
void jx_key(struct jx_writer *w, const char *key);
void jx_key_str(struct jx_writer *w, struct str key);

/* Values: after a key, in an array, or once at the top. */
void jx_str(struct jx_writer *w, struct str text);
void jx_text(struct jx_writer *w, const char *text); /* NULL writes null */
void jx_i64(struct jx_writer *w, int64_t value);
void jx_u64(struct jx_writer *w, uint64_t value);
void jx_double(struct jx_writer *w, double value); /* shortest that reads back; not finite: null */
void jx_bool(struct jx_writer *w, bool value);
void jx_null(struct jx_writer *w);
void jx_raw(struct jx_writer *w, struct str json);   /* trusted: validated JSON text */
void jx_time_s(struct jx_writer *w, int64_t at_us);  /* "2026-11-22T20:27:00Z" */
void jx_time_us(struct jx_writer *w, int64_t at_us); /* with six digits of fraction */
void jx_time(struct jx_writer *w, int64_t at_us);    /* fraction only when there is one */
void jx_value(struct jx_writer *w, json_t *value);   /* key order kept; NULL writes null */

/* key and value in one. */
void jx_put_str(struct jx_writer *w, const char *key, struct str text);
void jx_put_text(struct jx_writer *w, const char *key, const char *text);
void jx_put_i64(struct jx_writer *w, const char *key, int64_t value);
void jx_put_bool(struct jx_writer *w, const char *key, bool value);
void jx_put_null(struct jx_writer *w, const char *key);
void jx_put_raw(struct jx_writer *w, const char *key, struct str json);
void jx_put_time_s(struct jx_writer *w, const char *key, int64_t at_us);
void jx_put_time_us(struct jx_writer *w, const char *key, int64_t at_us);

/* Appends text as a JSON string literal with its quotes, without a writer. */
void jx_quote(struct buf *out, struct str text);
