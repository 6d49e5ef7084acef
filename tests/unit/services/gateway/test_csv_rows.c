/* CSV files as people export them. */
#include <stdio.h>

#include "base/buf.h"
#include "csv_rows.h"
#include "testing.h"

enum { ARENA_BYTES = 8 << 20 };

struct seen {
    char text[512]; /* "line:field|field\n" */
    size_t rows;
};

static enum err_code on_row(void *ctx, const struct csv_row *row, struct err *err)
{
    (void)err;
    struct seen *seen = ctx;
    size_t len = strlen(seen->text);
    seen->rows++;
    len += (size_t)snprintf(seen->text + len, sizeof seen->text - len, "%d:", (int)row->line);
    for (size_t i = 0; i < row->count && len < sizeof seen->text; i++)
        len += (size_t)snprintf(seen->text + len, sizeof seen->text - len, "%s%s", i > 0 ? "|" : "",
                                row->fields[i].ptr);
    if (len < sizeof seen->text)
        (void)snprintf(seen->text + len, sizeof seen->text - len, "\n");
    return ERR_OK;
}

static enum err_code read_text(struct str text, struct seen *seen, struct err *err)
{
    *seen = (struct seen){.rows = 0};
    struct arena *arena = arena_new(ARENA_BYTES);
    enum err_code code = csv_read(text, arena, on_row, seen, err);
    arena_free(arena);
    return code;
}

static void test_shapes(void)
{
    static const struct {
        const char *text;
        const char *want;
    } examples[] = {
        {"a,b\n1,2\n",                                  "1:a|b\n2:1|2\n"                       },
        {"a,b\r\n1,2",                                  "1:a|b\n2:1|2\n"                       },
        {"\xEF\xBB\xBF"
         "a;b\n1;\"x;y\"\n",                   "1:a|b\n2:1|x;y\n"                     },
        {"a\tb\n1\t2\n",                                "1:a|b\n2:1|2\n"                       },
        {"a,b\n\"one\ntwo\",\"say \"\"hi\"\"\"\n3,4\n", "1:a|b\n2:one\ntwo|say \"hi\"\n4:3|4\n"},
        {"a,b\n\n\n 1 , 2 \n",                          "1:a|b\n4:1|2\n"                       },
        {"a,b\n,\n",                                    "1:a|b\n2:|\n"                         },
        {"",                                            ""                                     },
        {"a,\xC3\xA9\n",                                "1:a|\xC3\xA9\n"                       },
    };
    for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
        struct seen seen;
        CHECK_I64(read_text(str_from(examples[i].text), &seen, NULL), ERR_OK);
        CHECK_TEXT(seen.text, examples[i].want);
    }
}

static void check_refused(struct str text, const char *words)
{
    struct seen seen;
    struct err err = {0};
    CHECK_I64(read_text(text, &seen, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "CSV_INVALID");
    CHECK_TEXT(err.field, "csv");
    if (!CHECK(strstr(err.detail, words) != NULL))
        (void)printf("  %s\n", err.detail);
}

static void test_malformed(void)
{
    check_refused(STR("a,b\n1,2\n3,\"x\"y\n"), "line 3");
    check_refused(STR("a,b\n1,x\"y\n"), "line 2");
    check_refused(STR("a,b\n1,2\n3,\"never ends\nand so on\n"), "line 3");
    check_refused(STR("a,b\n1,\xFF\n"), "line 2: not UTF-8");
    check_refused(STR("a,b\n1,\0\n"), "NUL");
}

static void test_limits(void)
{
    struct buf text;
    buf_init(&text, 0);
    for (int i = 0; i <= CSV_COLUMNS_MAX; i++)
        buf_text(&text, "c,");
    check_refused(buf_str(&text), "line 1");
    buf_clear(&text);
    buf_text(&text, "a\n");
    for (int i = 0; i <= CSV_FIELD_BYTES_MAX; i++)
        buf_char(&text, 'x');
    check_refused(buf_str(&text), "line 2");
    buf_clear(&text);
    buf_text(&text, "a\n");
    for (int i = 0; i < CSV_ROWS_MAX; i++)
        buf_text(&text, "1\n");
    struct seen seen;
    CHECK_I64(read_text(buf_str(&text), &seen, NULL), ERR_OK);
    CHECK_I64(seen.rows, CSV_ROWS_MAX + 1);
    buf_text(&text, "1\n");
    check_refused(buf_str(&text), "line 10002");
    buf_fini(&text);
}

static const struct test_case cases[] = {
    {"separators, quotes, line breaks and blank lines as they are exported", test_shapes   },
    {"what is malformed is refused with its line",                           test_malformed},
    {"columns, rows and fields have limits",                                 test_limits   },
};

int main(int argc, char **argv)
{
    return testing_main("csv rows", cases, ARRAY_LEN(cases), argc, argv);
}
