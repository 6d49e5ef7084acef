#include "csv_rows.h"

#include <csv.h>
#include <string.h>

#include "base/call.h"

struct reading {
    struct csv_parser parser;
    struct arena *arena;
    csv_row_fn *fn;
    void *ctx;
    struct err *err;
    enum err_code code; /* of the first thing that went wrong */
    struct str fields[CSV_COLUMNS_MAX];
    size_t count;
    size_t rows;
    int64_t line;     /* being read */
    int64_t row_line; /* on which the row began; 0 = none has */
};

static void fail(struct reading *r, enum err_code code)
{
    if (r->code == ERR_OK)
        r->code = code;
}

static void on_field(void *bytes, size_t len, void *ctx)
{
    struct reading *r = ctx;
    if (r->code != ERR_OK)
        return;
    if (r->count == CSV_COLUMNS_MAX || len > CSV_FIELD_BYTES_MAX) {
        fail(r, ERR_FIELD(r->err, ERR_INVALID_ARGUMENT, "CSV_INVALID", "csv",
                          "line %lld: at most %d columns of at most %d bytes each are read",
                          (long long)r->row_line, CSV_COLUMNS_MAX, CSV_FIELD_BYTES_MAX));
        return;
    }
    struct str copy = str_trim(arena_str(r->arena, (struct str){bytes, len}));
    r->fields[r->count].ptr = arena_str_dup(r->arena, copy);
    r->fields[r->count].len = copy.len;
    if (r->fields[r->count++].ptr == NULL)
        fail(r, ERR_SET(r->err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                        "the file needs too much memory; import it in parts"));
}

static void on_row(int end, void *ctx)
{
    (void)end; /* which character ended it */
    struct reading *r = ctx;
    if (r->code != ERR_OK)
        return;
    if (r->rows++ == CSV_ROWS_MAX + 1) { /* and the header */
        fail(r, ERR_FIELD(r->err, ERR_INVALID_ARGUMENT, "CSV_INVALID", "csv",
                          "line %lld: at most %d rows are read at once; import the file in parts",
                          (long long)r->row_line, CSV_ROWS_MAX));
        return;
    }
    struct csv_row row = {r->fields, r->count, r->row_line};
    fail(r, r->fn(r->ctx, &row, r->err));
    r->count = 0;
    r->row_line = 0;
}

static char separator_of(struct str text)
{
    for (size_t i = 0; i < text.len && text.ptr[i] != '\n'; i++) {
        if (text.ptr[i] == ',' || text.ptr[i] == ';' || text.ptr[i] == '\t')
            return text.ptr[i];
    }
    return ',';
}

static enum err_code malformed(const struct reading *r, struct err *err)
{
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "CSV_INVALID", "csv",
                     "line %lld: a quote is out of place; a field with quotes in it is written in "
                     "quotes, and those in it twice",
                     (long long)(r->row_line != 0 ? r->row_line : r->line));
}

/* Line by line, so that rows know where they begin. */
static enum err_code read_lines(struct reading *r, struct str text, struct err *err)
{
    while (text.len > 0 && r->code == ERR_OK) {
        const char *newline = memchr(text.ptr, '\n', text.len);
        size_t len = newline == NULL ? text.len : (size_t)(newline - text.ptr) + 1;
        struct str line = {text.ptr, len};
        r->line++;
        if (r->row_line == 0 && str_trim(line).len > 0)
            r->row_line = r->line;
        if (!str_is_utf8(line))
            return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "CSV_INVALID", "csv",
                             "line %lld: not UTF-8; save the file as CSV UTF-8",
                             (long long)r->line);
        if (csv_parse(&r->parser, line.ptr, line.len, on_field, on_row, r) != line.len)
            return r->code != ERR_OK ? r->code : malformed(r, err);
        text = (struct str){text.ptr + len, text.len - len};
    }
    if (r->code == ERR_OK && csv_fini(&r->parser, on_field, on_row, r) != 0)
        return malformed(r, err);
    return r->code;
}

enum err_code csv_read(struct str text, struct arena *arena, csv_row_fn *fn, void *ctx,
                       struct err *err)
{
    struct reading r = {.arena = arena, .fn = fn, .ctx = ctx, .err = err, .code = ERR_OK};
    if (str_starts_with(text, STR("\xEF\xBB\xBF")))
        text = (struct str){text.ptr + 3, text.len - 3};
    if (memchr(text.ptr == NULL ? "" : text.ptr, '\0', text.len) != NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "CSV_INVALID", "csv",
                         "the file is no text: it has a NUL byte");
    if (csv_init(&r.parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
        return call_no_room(err);
    csv_set_delim(&r.parser, (unsigned char)separator_of(text));
    enum err_code code = read_lines(&r, text, err);
    csv_free(&r.parser);
    return code;
}
