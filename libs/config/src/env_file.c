#include <stdio.h>
#include <string.h>

#include "config_int.h"

/* What is left of the file; one line is taken at a time. */
struct env_parser {
    struct arena *arena;
    struct str rest;
    const char *why;
};

static size_t key_len(struct str line)
{
    size_t len = 0;
    while (len < line.len) {
        char c = line.ptr[len];
        bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
        bool is_digit = c >= '0' && c <= '9';
        if (!is_letter && !(is_digit && len > 0))
            break;
        len++;
    }
    return len;
}

static bool rest_is_blank(struct str rest)
{
    rest = str_trim(rest);
    return rest.len == 0 || rest.ptr[0] == '#';
}

static bool fail(struct env_parser *parser, const char *why)
{
    parser->why = why;
    return false;
}

/* 'literal': nothing is special but the closing quote. */
static bool value_single(struct env_parser *parser, struct str text, const char **out)
{
    const char *end = text.len > 1 ? memchr(text.ptr + 1, '\'', text.len - 1) : NULL;
    if (end == NULL)
        return fail(parser, "the single quote is not closed");
    size_t used = (size_t)(end - text.ptr) + 1;
    if (!rest_is_blank((struct str){text.ptr + used, text.len - used}))
        return fail(parser, "there is text after the closing quote");
    *out = arena_str_dup(parser->arena, (struct str){text.ptr + 1, used - 2});
    return *out != NULL || fail(parser, "the file is too large");
}

/* "text" with \n \r \t \" \\ \$ */
static bool value_double(struct env_parser *parser, struct str text, const char **out)
{
    char *copy = arena_alloc(parser->arena, text.len + 1);
    if (copy == NULL)
        return fail(parser, "the file is too large");
    size_t len = 0;
    for (size_t i = 1; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '"') {
            *out = copy;
            if (!rest_is_blank((struct str){text.ptr + i + 1, text.len - i - 1}))
                return fail(parser, "there is text after the closing quote");
            return true;
        }
        if (c != '\\') {
            copy[len++] = c;
            continue;
        }
        i++;
        static const char escapes[] = "nrt\"\\$";
        static const char meanings[] = "\n\r\t\"\\$";
        const char *at = i < text.len ? memchr(escapes, text.ptr[i], sizeof escapes - 1) : NULL;
        if (at == NULL)
            return fail(parser, "after a backslash only n, r, t, \", \\ and $ are known");
        copy[len++] = meanings[at - escapes];
    }
    return fail(parser, "the double quote is not closed");
}

/* Bare: up to " #" or the end of the line. */
static bool value_bare(struct env_parser *parser, struct str text, const char **out)
{
    for (size_t i = 0; i < text.len; i++) {
        bool begins_comment =
            text.ptr[i] == '#' && (i == 0 || text.ptr[i - 1] == ' ' || text.ptr[i - 1] == '\t');
        if (begins_comment)
            text.len = i;
    }
    *out = arena_str_dup(parser->arena, str_trim(text));
    return *out != NULL || fail(parser, "the file is too large");
}

static bool value_parse(struct env_parser *parser, struct str text, const char **out)
{
    text = str_trim(text);
    if (text.len > 0 && text.ptr[0] == '\'')
        return value_single(parser, text, out);
    if (text.len > 0 && text.ptr[0] == '"')
        return value_double(parser, text, out);
    return value_bare(parser, text, out);
}

/* One line: nothing, or a key with its value. */
static bool line_parse(struct env_parser *parser, struct str line, struct str *out_key,
                       const char **out_value)
{
    line = str_trim(line);
    out_key->len = 0;
    if (rest_is_blank(line))
        return true;
    if (memchr(line.ptr, '\0', line.len) != NULL)
        return fail(parser, "there is a NUL byte");
    if (str_starts_with(line, STR("export ")))
        line = str_trim((struct str){line.ptr + 7, line.len - 7});
    size_t len = key_len(line);
    struct str after = str_trim((struct str){line.ptr + len, line.len - len});
    if (len == 0 || after.len == 0 || after.ptr[0] != '=')
        return fail(parser, "this is not KEY=value");
    *out_key = (struct str){line.ptr, len};
    return value_parse(parser, (struct str){after.ptr + 1, after.len - 1}, out_value);
}

bool env_file_parse(struct arena *arena, struct str text, const char *file_name, struct map *out,
                    int *out_line, const char **out_why)
{
    struct env_parser parser = {.arena = arena, .rest = text};
    for (int number = 1; parser.rest.ptr != NULL; number++) {
        struct str key;
        const char *value = NULL;
        struct str line = str_split(&parser.rest, '\n');
        bool is_ok = line_parse(&parser, line, &key, &value);
        if (is_ok && key.len > 0) {
            struct raw_value *raw = ARENA_NEW(arena, struct raw_value);
            struct str kept = arena_str(arena, key);
            if (raw == NULL || kept.ptr == NULL || out->count >= ENV_FILE_MAX_VARIABLES) {
                is_ok = fail(&parser, "there are too many variables");
            } else {
                raw->text = value;
                (void)snprintf(raw->origin, sizeof raw->origin, "%.40s line %d", file_name, number);
                (void)map_put(out, kept, raw);
            }
        }
        if (!is_ok) {
            *out_line = number;
            *out_why = parser.why;
            return false;
        }
    }
    return true;
}
