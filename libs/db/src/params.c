#include "db_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

/* ---- Constructors ---- */

struct db_param db_null(void)
{
    return (struct db_param){.type = DB_NULL};
}

struct db_param db_text(struct str text)
{
    return (struct db_param){.type = DB_TEXT, .as.text = text};
}

struct db_param db_cstr(const char *text)
{
    return text == NULL ? db_null() : db_text(str_from(text));
}

struct db_param db_text_or_null(struct str text)
{
    return text.len == 0 ? db_null() : db_text(text);
}

struct db_param db_json(struct str json)
{
    return db_text(json);
}

struct db_param db_i64(int64_t value)
{
    return (struct db_param){.type = DB_I64, .as.i64 = value};
}

struct db_param db_f64(double value)
{
    return (struct db_param){.type = DB_F64, .as.f64 = value};
}

struct db_param db_bool(bool value)
{
    return (struct db_param){.type = DB_BOOL, .as.boolean = value};
}

struct db_param db_time_us(int64_t at_us)
{
    return (struct db_param){.type = DB_TIME, .as.i64 = at_us};
}

struct db_param db_time_us_or_null(int64_t at_us)
{
    return at_us == 0 ? db_null() : db_time_us(at_us);
}

struct db_param db_bytes(struct str bytes)
{
    return (struct db_param){.type = DB_BYTES, .as.text = bytes};
}

struct db_param db_texts(const struct str *texts, size_t count)
{
    return (struct db_param){.type = DB_TEXTS, .count = count, .as.texts = texts};
}

struct db_param db_jsons(const struct str *texts, size_t count)
{
    return (struct db_param){.type = DB_JSONS, .count = count, .as.texts = texts};
}

struct db_param db_i64s(const int64_t *values, size_t count)
{
    return (struct db_param){.type = DB_I64S, .count = count, .as.i64s = values};
}

struct db_param db_bools(const bool *values, size_t count)
{
    return (struct db_param){.type = DB_BOOLS, .count = count, .as.bools = values};
}

struct db_param db_times_us(const int64_t *values, size_t count)
{
    return (struct db_param){.type = DB_TIMES, .count = count, .as.i64s = values};
}

/* ---- Arrays in binary: dimensions, null flag, element type, count, lower bound, elements ---- */

enum { OID_BOOL = 16, OID_INT8 = 20, OID_TEXT = 25, OID_TIMESTAMPTZ = 1184, OID_JSONB = 3802 };
enum { ARRAY_HEAD_BYTES = 20, JSONB_VERSION = 1 };

/* PostgreSQL counts microseconds from 2000-01-01. */
#define PG_EPOCH_US (INT64_C(946684800) * US_PER_S)

static char *put_u32(char *at, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *at++ = (char)(unsigned char)(value >> shift);
    return at;
}

static char *put_u64(char *at, uint64_t value)
{
    return put_u32(put_u32(at, (uint32_t)(value >> 32)), (uint32_t)value);
}

static char *put_head(char *at, size_t count, uint32_t oid, bool has_null)
{
    at = put_u32(at, count > 0 ? 1 : 0);
    at = put_u32(at, has_null ? 1 : 0);
    at = put_u32(at, oid);
    if (count == 0)
        return at;
    at = put_u32(at, (uint32_t)count);
    return put_u32(at, 1);
}

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the request needs more memory than one request may use");
}

static enum err_code bad_text(struct err *err)
{
    return ERR_SET(err, ERR_INVALID_ARGUMENT, "INVALID_TEXT",
                   "a text must not contain the NUL character");
}

static bool has_nul(struct str text)
{
    return text.ptr != NULL && memchr(text.ptr, '\0', text.len) != NULL;
}

static enum err_code bind_texts(struct arena *arena, const struct db_param *param, char **out,
                                size_t *out_len, struct err *err)
{
    size_t extra = param->type == DB_JSONS ? 1 : 0;
    size_t size = ARRAY_HEAD_BYTES;
    bool has_null = false;
    for (size_t i = 0; i < param->count; i++) {
        struct str text = param->as.texts[i];
        has_null = has_null || text.ptr == NULL;
        size += 4 + extra + text.len;
        if (has_nul(text))
            return bad_text(err);
    }
    char *at = size > INT32_MAX ? NULL : arena_alloc(arena, size);
    if (at == NULL)
        return no_room(err);
    *out = at;
    at = put_head(at, param->count, extra == 1 ? OID_JSONB : OID_TEXT, has_null);
    for (size_t i = 0; i < param->count; i++) {
        struct str text = param->as.texts[i];
        if (text.ptr == NULL) {
            at = put_u32(at, UINT32_MAX);
            continue;
        }
        at = put_u32(at, (uint32_t)(text.len + extra));
        if (extra == 1)
            *at++ = JSONB_VERSION;
        memcpy(at, text.ptr, text.len);
        at += text.len;
    }
    *out_len = (size_t)(at - *out);
    return ERR_OK;
}

static enum err_code bind_numbers(struct arena *arena, const struct db_param *param, char **out,
                                  size_t *out_len, struct err *err)
{
    bool is_time = param->type == DB_TIMES;
    char *at = param->count > INT32_MAX / 16
                   ? NULL
                   : arena_alloc(arena, ARRAY_HEAD_BYTES + param->count * 12);
    if (at == NULL)
        return no_room(err);
    *out = at;
    bool has_null = false;
    for (size_t i = 0; is_time && i < param->count; i++)
        has_null = has_null || param->as.i64s[i] == 0;
    uint32_t oid = param->type == DB_BOOLS ? OID_BOOL : is_time ? OID_TIMESTAMPTZ : OID_INT8;
    at = put_head(at, param->count, oid, has_null);
    for (size_t i = 0; i < param->count; i++) {
        if (param->type == DB_BOOLS) {
            at = put_u32(at, 1);
            *at++ = param->as.bools[i] ? 1 : 0;
        } else if (is_time && param->as.i64s[i] == 0) {
            at = put_u32(at, UINT32_MAX);
        } else {
            at = put_u32(at, 8);
            at = put_u64(at, (uint64_t)(param->as.i64s[i] - (is_time ? PG_EPOCH_US : 0)));
        }
    }
    *out_len = (size_t)(at - *out);
    return ERR_OK;
}

/* ---- Binding ---- */

/* Scalars travel as text, so that the server converts to whatever type the statement has. */
static enum err_code bind_one(struct arena *arena, const struct db_param *param,
                              struct db_bound *out, size_t i, struct err *err)
{
    char *value = NULL;
    size_t len = 0;
    enum err_code code = ERR_OK;
    char time[CLOCK_TEXT_SIZE];
    out->formats[i] = 0;
    switch (param->type) {
    case DB_NULL:
        out->values[i] = NULL;
        return ERR_OK;
    case DB_TEXT:
        if (has_nul(param->as.text))
            return bad_text(err);
        value = arena_str_dup(arena, param->as.text);
        break;
    case DB_I64:
        value = arena_printf(arena, "%" PRId64, param->as.i64);
        break;
    case DB_F64:
        value = arena_printf(arena, "%.17g", param->as.f64);
        break;
    case DB_BOOL:
        value = arena_strdup(arena, param->as.boolean ? "t" : "f");
        break;
    case DB_TIME:
        value = arena_strdup(arena, clock_format_us(param->as.i64, time));
        break;
    case DB_BYTES:
        value = arena_str_dup(arena, param->as.text);
        len = param->as.text.len;
        out->formats[i] = 1;
        break;
    case DB_TEXTS:
    case DB_JSONS:
        code = bind_texts(arena, param, &value, &len, err);
        out->formats[i] = 1;
        break;
    case DB_I64S:
    case DB_BOOLS:
    case DB_TIMES:
        code = bind_numbers(arena, param, &value, &len, err);
        out->formats[i] = 1;
        break;
    }
    if (code != ERR_OK)
        return code;
    if (value == NULL || len > INT32_MAX)
        return no_room(err);
    out->values[i] = value;
    out->lengths[i] = (int)len;
    return ERR_OK;
}

enum err_code db_bind(struct arena *arena, const struct db_stmt *stmt,
                      const struct db_param *params, size_t count, struct db_bound *out,
                      struct err *err)
{
    INVARIANT(count == (size_t)stmt->param_count && count <= DB_MAX_PARAMS);
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < count && code == ERR_OK; i++)
        code = bind_one(arena, &params[i], out, i, err);
    return code;
}
