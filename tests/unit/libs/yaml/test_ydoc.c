#include "yaml/ydoc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jx/jx.h"
#include "testing.h"

enum { ARENA_BYTES = 64 << 20, ROUNDS = 3000, CHILDREN_MAX = 5, TEXT_PARTS_MAX = 6 };

static struct arena *arena;
static struct err err;

static const struct ydoc_node *parsed(const char *text)
{
    struct ydoc_node *root = NULL;
    arena_free(arena);
    arena = arena_new(ARENA_BYTES);
    err_clear(&err);
    return ydoc_parse(arena, str_from(text), NULL, &root, &err) == ERR_OK ? root : NULL;
}

static void plain_words_are_what_they_look_like(void)
{
    static const struct {
        const char *text;
        enum ydoc_kind kind;
    } rows[] = {
        {"",      YDOC_NULL},
        {"~",     YDOC_NULL},
        {"null",  YDOC_NULL},
        {"nULL",  YDOC_TEXT},
        {"true",  YDOC_BOOL},
        {"False", YDOC_BOOL},
        {"yes",   YDOC_TEXT},
        {"off",   YDOC_TEXT},
        {"0",     YDOC_INT },
        {"-12",   YDOC_INT },
        {"007",   YDOC_TEXT},
        {"+1",    YDOC_TEXT},
        {"0x10",  YDOC_TEXT},
        {"1_000", YDOC_TEXT},
        {"12:30", YDOC_TEXT},
        {"1.5",   YDOC_REAL},
        {"-2e3",  YDOC_REAL},
        {"1.",    YDOC_TEXT},
        {".5",    YDOC_TEXT},
        {"1e",    YDOC_TEXT},
        {".inf",  YDOC_TEXT},
        {"1==1",  YDOC_TEXT},
        {"'1'",   YDOC_TEXT},
        {"\"\"",  YDOC_TEXT},
        {"[]",    YDOC_LIST},
        {"{}",    YDOC_MAP },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct ydoc_node *node = parsed(rows[i].text);
        REQUIRE(node != NULL);
        if (node->kind != rows[i].kind)
            (void)fprintf(stderr, "%s is %s\n", rows[i].text, ydoc_kind_name(node->kind));
        CHECK_I64(node->kind, rows[i].kind);
    }
}

static void a_tree_knows_its_lines(void)
{
    const struct ydoc_node *root = parsed("# first\nqueues:\n  - name: A\n    order: FIFO\n"
                                          "  - name: B\ntext: |\n  one\n  two\n");
    REQUIRE(root != NULL && root->kind == YDOC_MAP);
    CHECK_I64(root->count, 2);
    const struct ydoc_node *queues = ydoc_get(root, "queues");
    REQUIRE(queues != NULL && queues->kind == YDOC_LIST && queues->count == 2);
    CHECK_I64(queues->items[1]->line, 5);
    CHECK_I64(queues->items[0]->key_lines[1], 4);
    CHECK_STR(ydoc_get(queues->items[1], "name")->text, "B");
    CHECK_STR(ydoc_get(root, "text")->text, "one\ntwo\n");
    CHECK(ydoc_get(root, "tex") == NULL);
}

static void what_is_dangerous_is_refused_with_its_line(void)
{
    static const struct {
        const char *text;
        const char *reason;
        const char *detail; /* how it begins */
    } rows[] = {
        {"a: &x 1\nb: *x\n",          "YAML_REFUSED", "line 1: anchors and aliases"         },
        {"a: 1\nb: *x\n",             "YAML_REFUSED", "line 2: anchors and aliases"         },
        {"a: !!binary x\n",           "YAML_REFUSED", "line 1: tags"                        },
        {"a: 1\nb: 2\na: 3\n",        "YAML_REFUSED", "line 3: the key \"a\" is there twice"},
        {"a: 1\n---\nb: 2\n",         "YAML_REFUSED", "line 2: there is a second document"  },
        {"? [1]\n: 2\n",              "YAML_REFUSED", "line 1: a key must be"               },
        {"a: 99999999999999999999\n", "YAML_REFUSED", "line 1: the number is too large"     },
        {"a: [1\nb: 2\n",             "YAML_INVALID", "line "                               },
        {"a: 1\n\tb: 2\n",            "YAML_INVALID", "line "                               },
        {"a: \"\\q\"\n",              "YAML_INVALID", "line 1: this is not YAML"            },
        {"a: \"\\0\"\n",              "YAML_REFUSED", "line 1: a text has a NUL"            },
        {"a: \xC3\x28\n",             "YAML_INVALID", "line 1: this is not YAML"            },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK(parsed(rows[i].text) == NULL);
        CHECK_TEXT(err.reason, rows[i].reason);
        if (strncmp(err.detail, rows[i].detail, strlen(rows[i].detail)) != 0)
            (void)fprintf(stderr, "%s: %s\n", rows[i].text, err.detail);
        CHECK(strncmp(err.detail, rows[i].detail, strlen(rows[i].detail)) == 0);
        CHECK(strchr(err.detail, '\n') == NULL);
    }
}

static void what_is_too_much_is_refused(void)
{
    static const struct ydoc_limits few = {.max_bytes = 100, .max_depth = 3, .max_nodes = 10};
    struct ydoc_node *root = NULL;
    char deep[64];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    CHECK(parsed(deep) == NULL);
    CHECK_TEXT(err.detail, "line 1: lists and maps are nested too deep");
    CHECK(ydoc_parse(arena, STR("[[[1]]]"), &few, &root, &err) == ERR_OK);
    CHECK(ydoc_parse(arena, STR("[[[[1]]]]"), &few, &root, &err) == ERR_INVALID_ARGUMENT);
    CHECK(ydoc_parse(arena, STR("[1,2,3,4,5,6,7,8,9]"), &few, &root, &err) == ERR_OK);
    CHECK(ydoc_parse(arena, STR("[1,2,3,4,5,6,7,8,9,10]"), &few, &root, &err) ==
          ERR_INVALID_ARGUMENT);
    static char large[102];
    memset(large, '#', sizeof large - 1);
    CHECK(ydoc_parse(arena, str_from(large), &few, &root, &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "YAML_TOO_LARGE");
    AUTO(arena_cleanup) struct arena *small = arena_new(200);
    CHECK(ydoc_parse(small, STR("[1,2,3,4,5,6,7,8,9]"), NULL, &root, &err) ==
          ERR_RESOURCE_EXHAUSTED);
}

/* ---- writing ---- */

static char *written(json_t *value)
{
    struct buf out;
    buf_init(&out, 0);
    err_clear(&err);
    enum err_code code = ydoc_write(&out, value, &err);
    CHECK_TEXT(err.detail, "");
    char *text = code == ERR_OK ? buf_take(&out) : NULL;
    buf_fini(&out);
    return text;
}

static void what_is_written_is_readable(void)
{
    AUTO(jx_cleanup) json_t *value = NULL;
    REQUIRE(jx_parse(STR("{\"name\":\"Über uns\",\"expression\":\"1==1\",\"number\":\"7\","
                         "\"lines\":\"a == 1\\n  AND b == 2\",\"on\":\"yes\",\"none\":[],"
                         "\"targets\":[{\"queue\":\"Q 'x'\",\"priority\":5,\"share\":1.0}]}"),
                     NULL, &value, NULL) == ERR_OK);
    char *text = written(value);
    CHECK_TEXT(text, "name: Über uns\n"
                     "expression: 1==1\n"
                     "number: \"7\"\n"
                     "lines: |-\n"
                     "  a == 1\n"
                     "    AND b == 2\n"
                     "\"on\": \"yes\"\n"
                     "none: []\n"
                     "targets:\n"
                     "- queue: Q 'x'\n"
                     "  priority: 5\n"
                     "  share: 1.0\n");
    free(text);
}

static unsigned random_below(unsigned limit)
{
    static uint64_t state = 88172645463325252U;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 32) % limit);
}

static json_t *random_text(void)
{
    static const char *const parts[] = {
        "a",
        " ",
        "\n",
        "\n\n",
        "\t",
        "'",
        "\"",
        ":",
        ": ",
        "#",
        " #",
        "-",
        "- ",
        "?",
        "! ",
        "&",
        "*",
        "%",
        "@",
        "`",
        "|",
        ">",
        "{",
        "}",
        "[",
        "]",
        ",",
        "\\",
        "\r",
        "\x01",
        "0",
        "7",
        "1.5",
        "e3",
        "true",
        "null",
        "~",
        "yes",
        "\xC3\xA9",
        "\xC2\x85",
        "\xE2\x80\xA8",
        "\xEF\xBB\xBF",
        "\xF0\x9F\x98\x80",
        "---",
        "...",
        "\x7F",
        "=",
        "<<",
        "2026-01-01",
        "skills HAS \"x\"",
    };
    struct buf text;
    buf_init(&text, 0);
    for (unsigned i = random_below(TEXT_PARTS_MAX); i > 0; i--)
        buf_text(&text, parts[random_below(ARRAY_LEN(parts))]);
    json_t *made = json_stringn(text.len > 0 ? text.data : "", text.len);
    buf_fini(&text);
    return made;
}

static json_t *random_value(unsigned depth)
{
    static const double reals[] = {0.0,    -0.5,  1.0,    1e300, 1e-300,       0.1,
                                   1.0e15, 3.141, 5e-324, 2.0,   123456789.125};
    static const json_int_t integers[] = {0, 1, -1, 50, INT64_MAX, INT64_MIN};
    json_t *made = NULL;
    switch (random_below(depth == 0 ? 6 : 9)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(random_below(2));
    case 2:
        return json_integer(integers[random_below(ARRAY_LEN(integers))]);
    case 3:
        return json_real(reals[random_below(ARRAY_LEN(reals))]);
    case 4:
    case 5:
        return random_text();
    case 6:
        made = json_array();
        for (unsigned i = random_below(CHILDREN_MAX); i > 0; i--)
            (void)json_array_append_new(made, random_value(depth - 1));
        return made;
    default:
        made = json_object();
        for (unsigned i = random_below(CHILDREN_MAX); i > 0; i--) {
            AUTO(jx_cleanup) json_t *key = random_text();
            (void)json_object_setn_new(made, json_string_value(key), json_string_length(key),
                                       random_value(depth - 1));
        }
        return made;
    }
}

static void what_was_written_is_read_as_it_was(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        AUTO(jx_cleanup) json_t *value = random_value(4);
        AUTO(jx_cleanup) json_t *back = NULL;
        char *text = written(value);
        REQUIRE(text != NULL);
        const struct ydoc_node *node = parsed(text);
        back = node != NULL ? ydoc_json(node) : NULL;
        bool is_same = back != NULL && json_equal(value, back);
        if (!is_same)
            (void)fprintf(stderr, "%s\n%s\n", err.detail, text);
        free(text);
        REQUIRE(is_same);
    }
}

static void test_end(void)
{
    arena_free(arena);
    arena = NULL;
}

static const struct test_case cases[] = {
    {"plain words are what they look like",        plain_words_are_what_they_look_like       },
    {"a tree knows its lines",                     a_tree_knows_its_lines                    },
    {"what is dangerous is refused with its line", what_is_dangerous_is_refused_with_its_line},
    {"what is too much is refused",                what_is_too_much_is_refused               },
    {"what is written is readable",                what_is_written_is_readable               },
    {"what was written is read as it was",         what_was_written_is_read_as_it_was        },
    {"nothing is left",                            test_end                                  },
};

int main(int argc, char **argv)
{
    return testing_main("ydoc", cases, ARRAY_LEN(cases), argc, argv);
}
