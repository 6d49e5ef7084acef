/*
 * SQL files as C constants, at build time.
 *   sqlembed statements FILE.sql OUT.c OUT.h     "-- name: x" blocks -> const struct db_stmt x
 *   sqlembed migrations IDENT OUT.c OUT.h FILES  NNNN_name.sql -> IDENT_migrations[], _count
 * Refuses what would only fail at run time: names twice, two statements in one block, a gap in $n,
 * migration numbers out of order. Errors read FILE:LINE: sentence; exit status 1.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/parse.h"
#include "base/str.h"

/* NOLINTBEGIN(concurrency-mt-unsafe): there is one thread */

enum {
    MAX_STATEMENTS = 512, /* per file; a store with more wants splitting */
    MAX_PARAMS = 99,
    MAX_MIGRATIONS = 9999,
    MAX_NAME = 60, /* PostgreSQL cuts names at 63 bytes */
    HASH_SIZE = 17,
};

struct statement {
    struct str name;
    struct str sql;
    int line;
    int param_count;
};

static int fail(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4);

static int fail(const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fprintf(stderr, "%s:%d: ", file, line);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    return 1;
}

static int read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return fail(path, 1, "cannot open: %s", strerror(errno));
    char chunk[8192];
    size_t got = 0;
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0)
        buf_append(out, chunk, got);
    int is_bad = ferror(file);
    (void)fclose(file);
    if (is_bad || buf_failed(out))
        return fail(path, 1, "cannot read");
    if (memchr(out->data == NULL ? "" : out->data, '\0', out->len) != NULL ||
        !str_is_utf8(buf_str(out)))
        return fail(path, 1, "is not UTF-8 text");
    return 0;
}

static int write_file(const char *path, const struct buf *text)
{
    FILE *file = buf_failed(text) ? NULL : fopen(path, "wb");
    if (file == NULL)
        return fail(path, 1, "cannot write: %s", strerror(errno));
    size_t put = fwrite(text->data, 1, text->len, file);
    if (fclose(file) != 0 || put != text->len)
        return fail(path, 1, "cannot write: %s", strerror(errno));
    return 0;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_name(struct str name)
{
    if (name.len == 0 || name.len > MAX_NAME || (name.ptr[0] >= '0' && name.ptr[0] <= '9'))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (!is_name_char(name.ptr[i]))
            return false;
    }
    return true;
}

/* One C string literal per line of text; the strings are joined by the compiler. */
static void put_literal(struct buf *out, struct str text)
{
    buf_text(out, "    \"");
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\n') {
            buf_text(out, "\\n");
            if (i + 1 < text.len)
                buf_text(out, "\"\n    \"");
        } else if (c == '"' || c == '\\') {
            buf_char(out, '\\');
            buf_char(out, c);
        } else if (c == '?') {
            buf_text(out, "\\?"); /* no trigraphs */
        } else if (c == '\t') {
            buf_text(out, "\\t");
        } else if (c != '\r') {
            buf_char(out, c);
        }
    }
    buf_char(out, '"');
}

static void put_head(struct buf *out, const char *include)
{
    buf_printf(out,
               "/* Made by tools/sqlembed; edit the .sql file instead. */\n#include \"%s\"\n\n",
               include);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* ---- Statements ---- */

/* Position after a quoted piece or comment that starts at i, or i when none does; *out_is_comment
 * tells which. Unterminated pieces reach to the end. */
static size_t skip_quoted(struct str sql, size_t i, bool *out_is_comment)
{
    const char *s = sql.ptr;
    *out_is_comment = false;
    if (s[i] == '\'' || s[i] == '"') {
        size_t end = i + 1;
        while (end < sql.len && s[end] != s[i])
            end++;
        return end < sql.len ? end + 1 : end;
    }
    if (s[i] == '-' && i + 1 < sql.len && s[i + 1] == '-') {
        *out_is_comment = true;
        while (i < sql.len && s[i] != '\n')
            i++;
        return i;
    }
    if (s[i] == '/' && i + 1 < sql.len && s[i + 1] == '*') {
        *out_is_comment = true;
        for (i += 2; i < sql.len; i++) {
            if (s[i] == '/' && s[i - 1] == '*')
                return i + 1;
        }
        return sql.len;
    }
    if (s[i] == '$') { /* $tag$ … $tag$ */
        size_t end = i + 1;
        while (end < sql.len && is_name_char(s[end]))
            end++;
        if (end >= sql.len || s[end] != '$' || (s[i + 1] >= '0' && s[i + 1] <= '9'))
            return i;
        struct str tag = {s + i, end + 1 - i};
        ptrdiff_t close = str_find((struct str){s + end + 1, sql.len - end - 1}, tag);
        return close < 0 ? sql.len : end + 1 + (size_t)close + tag.len;
    }
    return i;
}

/* Counts parameters; cuts the final semicolon and what follows the last word (remarks that belong
 * to the next block). */
static int check_statement(const char *file, struct statement *statement)
{
    bool is_used[MAX_PARAMS + 1] = {false};
    struct str sql = str_trim(statement->sql);
    size_t ended_at = sql.len;
    size_t words_end = 0;
    size_t i = 0;
    while (i < sql.len) {
        bool is_comment = false;
        size_t next = skip_quoted(sql, i, &is_comment);
        char c = sql.ptr[i];
        bool is_space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
        if (ended_at < i && !is_comment && !is_space)
            return fail(file, statement->line,
                        "\""
                        "%.*s\" holds two statements; a block is one",
                        STR_ARG(statement->name));
        if (next != i) {
            if (!is_comment)
                words_end = next;
            i = next;
            continue;
        }
        if (c == ';' && ended_at == sql.len)
            ended_at = i;
        i++;
        if (!is_space && ended_at == sql.len)
            words_end = i;
        if (c != '$')
            continue;
        size_t end = i;
        while (end < sql.len && sql.ptr[end] >= '0' && sql.ptr[end] <= '9')
            end++;
        int64_t number = 0;
        if (!parse_i64((struct str){sql.ptr + i, end - i}, 1, MAX_PARAMS, &number))
            return fail(file, statement->line, "\"%.*s\": a parameter must be $1 to $%d",
                        STR_ARG(statement->name), MAX_PARAMS);
        is_used[number] = true;
        words_end = end;
        if (number > statement->param_count)
            statement->param_count = (int)number;
        i = end;
    }
    if (words_end == 0)
        return fail(file, statement->line, "\"%.*s\" is empty", STR_ARG(statement->name));
    for (int n = 1; n <= statement->param_count; n++) {
        if (!is_used[n])
            return fail(file, statement->line, "\"%.*s\" uses $%d but not $%d",
                        STR_ARG(statement->name), statement->param_count, n);
    }
    statement->sql = (struct str){sql.ptr, words_end};
    return 0;
}

static int add_statement(const char *file, struct statement *list, size_t *count, struct str name,
                         int line)
{
    if (!is_name(name))
        return fail(file, line, "the name \"%.*s\" must be 1 to %d of a-z, 0-9 and _",
                    STR_ARG(name), MAX_NAME);
    for (size_t i = 0; i < *count; i++) {
        if (str_eq(list[i].name, name))
            return fail(file, line, "the name \"%.*s\" was used in line %d already", STR_ARG(name),
                        list[i].line);
    }
    if (*count == MAX_STATEMENTS)
        return fail(file, line, "more than %d statements in one file", MAX_STATEMENTS);
    list[(*count)++] = (struct statement){.name = name, .line = line};
    return 0;
}

static int parse_statements(const char *file, struct str text, struct statement *list,
                            size_t *out_count)
{
    int line = 0;
    struct str rest = text;
    while (rest.ptr != NULL) {
        struct str row = str_split(&rest, '\n');
        line++;
        struct str trimmed = str_trim(row);
        struct statement *last = *out_count == 0 ? NULL : &list[*out_count - 1];
        if (str_starts_with(trimmed, STR("-- name:"))) {
            struct str name = str_trim((struct str){trimmed.ptr + 8, trimmed.len - 8});
            if (add_statement(file, list, out_count, name, line) != 0)
                return 1;
        } else if (last == NULL) {
            if (trimmed.len != 0 && !str_starts_with(trimmed, STR("--")))
                return fail(file, line, "SQL before the first \"-- name:\" line");
        } else {
            if (last->sql.ptr == NULL)
                last->sql.ptr = row.ptr;
            last->sql.len = (size_t)(row.ptr + row.len - last->sql.ptr);
        }
    }
    if (*out_count == 0)
        return fail(file, 1, "no \"-- name:\" line");
    for (size_t i = 0; i < *out_count; i++) {
        if (check_statement(file, &list[i]) != 0)
            return 1;
    }
    return 0;
}

/* Pedantic C guarantees literals of 4,095 characters only; both our compilers take any length. */
static const char long_literals[] = "#pragma GCC diagnostic ignored \"-Woverlength-strings\"\n\n";

static int embed_statements(const char *file, const char *out_c, const char *out_h)
{
    static struct statement list[MAX_STATEMENTS];
    size_t count = 0;
    struct buf text;
    struct buf c;
    struct buf h;
    buf_init(&text, 0);
    buf_init(&c, 0);
    buf_init(&h, 0);
    int status = read_file(file, &text);
    if (status == 0)
        status = parse_statements(file, buf_str(&text), list, &count);
    if (status == 0) {
        put_head(&c, base_name(out_h));
        buf_text(&c, long_literals);
        buf_text(&h, "/* Made by tools/sqlembed; edit the .sql file instead. */\n#pragma once\n\n"
                     "#include \"db/stmt.h\"\n\n");
        for (size_t i = 0; i < count; i++) {
            buf_printf(&h, "extern const struct db_stmt %.*s;\n", STR_ARG(list[i].name));
            buf_printf(&c, "const struct db_stmt %.*s = {\n    \"%.*s\",\n", STR_ARG(list[i].name),
                       STR_ARG(list[i].name));
            put_literal(&c, list[i].sql);
            buf_printf(&c, ",\n    %d,\n};\n\n", list[i].param_count);
        }
        status = write_file(out_c, &c) != 0 || write_file(out_h, &h) != 0;
    }
    buf_fini(&text);
    buf_fini(&c);
    buf_fini(&h);
    return status;
}

/* ---- Migrations ---- */

/* FNV-1a, 64 bits. Of its own: these values are kept in databases and must never change. */
static void hash_text(struct str text, char out[HASH_SIZE])
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(1099511628211);
    (void)snprintf(out, HASH_SIZE, "%016llx", (unsigned long long)hash);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(base_name(*(char *const *)a), base_name(*(char *const *)b));
}

static int embed_migration(const char *path, int64_t *last, struct buf *c)
{
    struct str name = str_from(base_name(path));
    struct str rest = name;
    struct str digits = str_split(&rest, '_');
    int64_t number = 0;
    if (digits.len != 4 || !parse_i64(digits, 1, MAX_MIGRATIONS, &number) ||
        !str_ends_with(rest, STR(".sql")) ||
        !is_name((struct str){rest.ptr, rest.len - STR(".sql").len}))
        return fail(path, 1, "a migration's file must be called NNNN_what_it_does.sql");
    if (number != *last + 1)
        return fail(path, 1, "migration %lld follows %lld; numbers are unique and without gaps",
                    (long long)number, (long long)*last);
    *last = number;
    rest.len -= STR(".sql").len;
    struct buf text;
    buf_init(&text, 0);
    int status = read_file(path, &text);
    if (status == 0 && str_trim(buf_str(&text)).len == 0)
        status = fail(path, 1, "is empty");
    if (status == 0) {
        char hash[HASH_SIZE];
        hash_text(buf_str(&text), hash);
        buf_printf(c, "    {%lld, \"%.*s\",\n", (long long)number, STR_ARG(rest));
        put_literal(c, buf_str(&text));
        buf_printf(c, ",\n    \"%s\"},\n", hash);
    }
    buf_fini(&text);
    return status;
}

static int embed_migrations(const char *ident, const char *out_c, const char *out_h, char **files,
                            size_t count)
{
    if (!is_name(str_from(ident)))
        return fail(out_c, 1, "\"%s\" is not an identifier", ident);
    struct buf c;
    struct buf h;
    buf_init(&c, 0);
    buf_init(&h, 0);
    put_head(&c, base_name(out_h));
    buf_text(&c, long_literals);
    buf_printf(&h,
               "/* Made by tools/sqlembed; edit the .sql files instead. */\n#pragma once\n\n"
               "#include <stddef.h>\n\n#include \"db/stmt.h\"\n\n"
               "extern const struct db_migration %s_migrations[];\n"
               "extern const size_t %s_migrations_count;\n",
               ident, ident);
    buf_printf(&c, "const struct db_migration %s_migrations[] = {\n", ident);
    qsort(files, count, sizeof *files, compare_names);
    int64_t last = 0;
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++)
        status = embed_migration(files[i], &last, &c);
    buf_printf(&c, "%s};\n\nconst size_t %s_migrations_count = %zu;\n",
               count == 0 ? "    {0, NULL, NULL, NULL},\n" : "", ident, count);
    if (status == 0)
        status = write_file(out_c, &c) != 0 || write_file(out_h, &h) != 0;
    buf_fini(&c);
    buf_fini(&h);
    return status;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "statements") == 0)
        return embed_statements(argv[2], argv[3], argv[4]);
    if (argc >= 5 && strcmp(argv[1], "migrations") == 0)
        return embed_migrations(argv[2], argv[3], argv[4], argv + 5, (size_t)(argc - 5));
    (void)fprintf(stderr, "usage: sqlembed statements FILE.sql OUT.c OUT.h\n"
                          "       sqlembed migrations IDENT OUT.c OUT.h FILES...\n");
    return 2;
}

/* NOLINTEND(concurrency-mt-unsafe) */
