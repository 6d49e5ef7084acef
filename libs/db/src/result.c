#include "db_int.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"

static void clear_result(void *ptr)
{
    PQclear(ptr);
}

enum err_code db_result_new(struct call *call, PGresult *result, struct db_result **out,
                            struct err *err)
{
    if (out == NULL) {
        PQclear(result);
        return ERR_OK;
    }
    struct db_result *wrapped = ARENA_NEW(call->arena, struct db_result);
    arena_defer(call->arena, clear_result, result); /* clears at once when there is no room */
    if (wrapped == NULL || arena_is_exhausted(call->arena))
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                       "the answer needs more memory than one request may use");
    wrapped->pg = result;
    wrapped->rows = PQntuples(result);
    wrapped->columns = PQnfields(result);
    wrapped->is_binary = PQbinaryTuples(result) == 1;
    *out = wrapped;
    return ERR_OK;
}

int db_row_count(const struct db_result *result)
{
    return result->rows;
}

int64_t db_affected(const struct db_result *result)
{
    PGresult *pg = result->pg; /* PQcmdTuples takes no const */
    int64_t count = 0;
    return parse_i64(str_from(PQcmdTuples(pg)), 0, INT64_MAX, &count) ? count : 0;
}

static void check_place(const struct db_result *result, int row, int column)
{
    INVARIANT(row >= 0 && row < result->rows);
    INVARIANT(column >= 0 && column < result->columns);
}

bool db_is_null(const struct db_result *result, int row, int column)
{
    check_place(result, row, column);
    return PQgetisnull(result->pg, row, column) == 1;
}

struct str db_get_str(const struct db_result *result, int row, int column)
{
    check_place(result, row, column);
    return (struct str){
        .ptr = PQgetvalue(result->pg, row, column),
        .len = (size_t)PQgetlength(result->pg, row, column),
    };
}

const char *db_get_text(const struct db_result *result, int row, int column)
{
    return db_get_str(result, row, column).ptr;
}

/* Results in binary: numbers have their highest byte first. */
static int64_t binary_i64(struct str bytes)
{
    uint64_t value = 0;
    INVARIANT(bytes.len == 2 || bytes.len == 4 || bytes.len == 8);
    memcpy(&value, bytes.ptr, bytes.len);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return (int64_t)value >> (64 - 8 * bytes.len); /* the sign comes along */
}

/* No number, boolean or time is without text, so that what is empty is null. */
int64_t db_get_i64(const struct db_result *result, int row, int column)
{
    struct str text = db_get_str(result, row, column);
    if (text.len == 0)
        return 0;
    if (result->is_binary)
        return binary_i64(text);
    int64_t value = 0;
    bool is_number = parse_i64(text, INT64_MIN, INT64_MAX, &value);
    INVARIANT(is_number);
    return value;
}

double db_get_f64(const struct db_result *result, int row, int column)
{
    if (db_is_null(result, row, column))
        return 0;
    double value = 0;
    bool is_number = parse_double(db_get_str(result, row, column), &value);
    INVARIANT(is_number);
    return value;
}

bool db_get_bool(const struct db_result *result, int row, int column)
{
    struct str text = db_get_str(result, row, column);
    if (text.len == 0)
        return false;
    if (result->is_binary)
        return text.ptr[0] != 0;
    INVARIANT(text.len == 1 && (text.ptr[0] == 't' || text.ptr[0] == 'f'));
    return text.ptr[0] == 't';
}

/* "2026-11-22 20:27:00.123456+00": DateStyle ISO and TimeZone UTC are set for every session. */
int64_t db_get_time_us(const struct db_result *result, int row, int column)
{
    struct str text = db_get_str(result, row, column);
    if (text.len == 0)
        return 0;
    if (result->is_binary)
        return binary_i64(text) + PG_EPOCH_US;
    char iso[40];
    size_t len = text.len - 3; /* without "+00" */
    INVARIANT(text.len >= sizeof "2026-11-22 20:27:00+00" - 1 && text.len < sizeof iso);
    memcpy(iso, text.ptr, len);
    iso[10] = 'T';
    iso[len] = 'Z';
    int64_t at_us = 0;
    bool is_time = parse_time((struct str){iso, len + 1}, &at_us);
    INVARIANT(is_time);
    return at_us;
}

static int hex_digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

bool db_get_bytes(const struct db_result *result, int row, int column, struct arena *arena,
                  struct str *out_bytes)
{
    *out_bytes = (struct str){NULL, 0};
    if (db_is_null(result, row, column))
        return true;
    struct str hex = db_get_str(result, row, column);
    INVARIANT(str_starts_with(hex, STR("\\x")) && hex.len % 2 == 0);
    size_t len = hex.len / 2 - 1;
    char *bytes = arena_alloc(arena, len + 1);
    if (bytes == NULL)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(hex.ptr[2 + 2 * i]);
        int low = hex_digit(hex.ptr[3 + 2 * i]);
        bytes[i] = (char)(unsigned char)(high * 16 + low);
    }
    *out_bytes = (struct str){bytes, len};
    return true;
}

/* One element of "{a,\"b \\\"c\\\"\",NULL}" from at; unescaped into to. Returns the position behind
 * it. */
static const char *read_element(const char *at, char **to, bool *out_is_null)
{
    bool is_quoted = *at == '"';
    const char *start = *to;
    if (is_quoted)
        at++;
    while (is_quoted ? *at != '"' : *at != ',' && *at != '}') {
        if (*at == '\\')
            at++;
        INVARIANT(*at != '\0');
        *(*to)++ = *at++;
    }
    *out_is_null = !is_quoted && *to - start == 4 && memcmp(start, "NULL", 4) == 0;
    return is_quoted ? at + 1 : at;
}

bool db_get_texts(const struct db_result *result, int row, int column, struct arena *arena,
                  struct str **out_texts, size_t *out_count)
{
    *out_texts = NULL;
    *out_count = 0;
    struct str text = db_get_str(result, row, column);
    if (text.len <= 2) /* null or {} */
        return true;
    INVARIANT(text.ptr[0] == '{' && text.ptr[text.len - 1] == '}');
    size_t most = 1;
    for (size_t i = 0; i < text.len; i++)
        most += text.ptr[i] == ',';
    struct str *texts = ARENA_ARRAY(arena, struct str, most);
    char *to = arena_alloc(arena, text.len + most); /* a NUL behind each */
    if (texts == NULL || to == NULL)
        return false;
    const char *at = text.ptr;
    size_t count = 0;
    while (*at != '}') {
        bool is_null = false;
        char *start = to;
        at = read_element(at + 1, &to, &is_null);
        texts[count++] =
            is_null ? (struct str){NULL, 0} : (struct str){start, (size_t)(to - start)};
        *to++ = '\0';
    }
    *out_texts = texts;
    *out_count = count;
    return true;
}
