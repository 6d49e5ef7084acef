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

struct db_param db_rows(const struct db_param *columns, size_t column_count)
{
    return (struct db_param){.type = DB_ROWS, .count = column_count, .as.columns = columns};
}

/* ---- Arrays in binary: dimensions, null flag, element type, count, lower bound, elements ---- */

enum {
    OID_NONE = 0,
    OID_BOOL = 16,
    OID_INT8 = 20,
    OID_TEXT = 25,
    OID_TIMESTAMPTZ = 1184,
    OID_JSONB = 3802
};
enum { ARRAY_HEAD_BYTES = 20, JSONB_VERSION = 1 };

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

static uint32_t element_oid(const struct db_param *array)
{
    switch (array->type) {
    case DB_TEXTS:
        return OID_TEXT;
    case DB_JSONS:
        return OID_JSONB;
    case DB_I64S:
        return OID_INT8;
    case DB_BOOLS:
        return OID_BOOL;
    case DB_TIMES:
        return OID_TIMESTAMPTZ;
    default:
        INVARIANT(array->type == DB_ROWS);
        return OID_NONE; /* of types that were created the server does not ask for it */
    }
}

static bool is_text(const struct db_param *array)
{
    return array->type == DB_TEXTS || array->type == DB_JSONS;
}

static bool is_null_at(const struct db_param *array, size_t i)
{
    return is_text(array)            ? array->as.texts[i].ptr == NULL
           : array->type == DB_TIMES ? array->as.i64s[i] == 0
                                     : false;
}

static size_t element_bytes(const struct db_param *array, size_t i)
{
    if (is_null_at(array, i))
        return 0;
    if (is_text(array))
        return array->as.texts[i].len + (array->type == DB_JSONS ? 1 : 0);
    return array->type == DB_BOOLS ? 1 : 8;
}

/* Its length, then itself. */
static char *put_element(char *at, const struct db_param *array, size_t i)
{
    if (is_null_at(array, i))
        return put_u32(at, UINT32_MAX);
    at = put_u32(at, (uint32_t)element_bytes(array, i));
    if (is_text(array)) {
        struct str text = array->as.texts[i];
        if (array->type == DB_JSONS)
            *at++ = JSONB_VERSION;
        memcpy(at, text.ptr, text.len);
        return at + text.len;
    }
    if (array->type == DB_BOOLS) {
        *at++ = array->as.bools[i] ? 1 : 0;
        return at;
    }
    return put_u64(at, (uint64_t)(array->as.i64s[i] - (array->type == DB_TIMES ? PG_EPOCH_US : 0)));
}

/* Adds the bytes of all elements with their lengths. */
static enum err_code measure(const struct db_param *array, size_t *bytes, bool *has_null,
                             struct err *err)
{
    for (size_t i = 0; i < array->count; i++) {
        *bytes += 4 + element_bytes(array, i);
        *has_null = *has_null || is_null_at(array, i);
        if (is_text(array) && has_nul(array->as.texts[i]))
            return bad_text(err);
    }
    return ERR_OK;
}

static enum err_code bind_array(struct arena *arena, const struct db_param *param, char **out,
                                size_t *out_len, struct err *err)
{
    size_t size = ARRAY_HEAD_BYTES;
    bool has_null = false;
    enum err_code code = measure(param, &size, &has_null, err);
    if (code != ERR_OK)
        return code;
    char *at = size > INT32_MAX ? NULL : arena_alloc(arena, size);
    if (at == NULL)
        return no_room(err);
    *out = at;
    at = put_head(at, param->count, element_oid(param), has_null);
    for (size_t i = 0; i < param->count; i++)
        at = put_element(at, param, i);
    *out_len = (size_t)(at - *out);
    return ERR_OK;
}

/* Each row: its length, the number of fields, and of each field the type, length and value. */
static char *put_row(char *at, const struct db_param *rows, size_t i)
{
    char *row = at + 4;
    char *end = put_u32(row, (uint32_t)rows->count);
    for (size_t c = 0; c < rows->count; c++) {
        const struct db_param *column = &rows->as.columns[c];
        end = put_u32(end, element_oid(column));
        end = put_element(end, column, i);
    }
    (void)put_u32(at, (uint32_t)(end - row));
    return end;
}

static enum err_code bind_rows(struct arena *arena, const struct db_param *param, char **out,
                               size_t *out_len, struct err *err)
{
    size_t count = param->count == 0 ? 0 : param->as.columns[0].count;
    size_t size = ARRAY_HEAD_BYTES + count * (8 + 4 * param->count);
    bool has_null = false; /* of fields, which the array's head does not tell */
    for (size_t c = 0; c < param->count; c++) {
        INVARIANT(param->as.columns[c].count == count && param->as.columns[c].type != DB_ROWS);
        enum err_code code = measure(&param->as.columns[c], &size, &has_null, err);
        if (code != ERR_OK)
            return code;
    }
    char *at = size > INT32_MAX ? NULL : arena_alloc(arena, size);
    if (at == NULL)
        return no_room(err);
    *out = at;
    at = put_head(at, count, element_oid(param), false);
    for (size_t i = 0; i < count; i++)
        at = put_row(at, param, i);
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
    case DB_I64S:
    case DB_BOOLS:
    case DB_TIMES:
        code = bind_array(arena, param, &value, &len, err);
        out->formats[i] = 1;
        break;
    case DB_ROWS:
        code = bind_rows(arena, param, &value, &len, err);
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
