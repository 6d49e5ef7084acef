#include "base/buf.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "testing.h"

static void appends_add_up_and_stay_terminated(void)
{
    struct buf buf;
    buf_init(&buf, 0);
    CHECK(buf.data == NULL);
    buf_text(&buf, "a");
    buf_char(&buf, 'b');
    buf_i64(&buf, INT64_MIN);
    buf_u64(&buf, UINT64_MAX);
    buf_printf(&buf, "[%3d]", 7);
    buf_str_append(&buf, (struct str){NULL, 0});
    CHECK_STR(buf_str(&buf), "ab-922337203685477580818446744073709551615[  7]");
    CHECK_TEXT(buf.data, "ab-922337203685477580818446744073709551615[  7]");
    for (int i = 0; i < 10000; i++)
        buf_text(&buf, "0123456789");
    CHECK_I64(buf.len, 47 + 100000);
    CHECK_I64(buf.data[buf.len], 0);
    buf_fini(&buf);
}

static void the_limit_is_exact_and_failure_sticks(void)
{
    struct buf buf;
    buf_init(&buf, 5);
    buf_text(&buf, "12345");
    CHECK(!buf_failed(&buf));
    buf_char(&buf, '6');
    CHECK(buf_failed(&buf));
    CHECK_STR(buf_str(&buf), "12345");
    CHECK(!buf_reserve(&buf, 0));
    CHECK(buf_take(&buf) == NULL);
    buf_clear(&buf);
    CHECK(!buf_failed(&buf));
    CHECK_TEXT(buf.data, "");
    buf_printf(&buf, "%s", "123456");
    CHECK(buf_failed(&buf));
    buf_fini(&buf);
}

static void an_absurd_size_fails_without_overflow(void)
{
    struct buf buf;
    buf_init(&buf, 100);
    buf_text(&buf, "x");
    CHECK(!buf_reserve(&buf, SIZE_MAX));
    CHECK(buf_failed(&buf));
    buf_fini(&buf);
}

static void the_bytes_can_be_taken(void)
{
    struct buf buf;
    buf_init(&buf, 0);
    CHECK(buf_take(&buf) == NULL);
    buf_text(&buf, "mine");
    char *text = buf_take(&buf);
    CHECK_TEXT(text, "mine");
    free(text);
    CHECK_I64(buf.len, 0);
    buf_text(&buf, "again");
    CHECK_STR(buf_str(&buf), "again");
    buf_fini(&buf);
    buf_fini(&buf); /* twice does no harm */
}

static void heap_copies_are_terminated(void)
{
    char *copy = xstr_dup((struct str){"abcdef", 3});
    CHECK_TEXT(copy, "abc");
    free(copy);
    CHECK(xstrdup(NULL) == NULL);
    copy = xstrdup("x");
    copy = xrealloc(copy, 4, 10);
    CHECK_TEXT(copy, "x");
    free(copy);
    char *none = xcalloc(0, 0);
    CHECK(none != NULL);
    free(none);
}

static const struct test_case cases[] = {
    {"appends add up and stay terminated",    appends_add_up_and_stay_terminated   },
    {"the limit is exact and failure sticks", the_limit_is_exact_and_failure_sticks},
    {"an absurd size fails without overflow", an_absurd_size_fails_without_overflow},
    {"the bytes can be taken",                the_bytes_can_be_taken               },
    {"heap copies are terminated",            heap_copies_are_terminated           },
};

int main(int argc, char **argv)
{
    return testing_main("buf", cases, ARRAY_LEN(cases), argc, argv);
}
