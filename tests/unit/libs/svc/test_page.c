#include "svc/page.h"

#include "testing.h"

static struct arena *arena;

static enum err_code from(int32_t size, const char *cursor, struct page *out, struct err *err)
{
    return page_from(arena, "tq", size, cursor, out, err);
}

static void test_size(void)
{
    static const struct {
        int32_t asked;
        int32_t want; /* 0: refused */
    } rows[] = {
        {0,         PAGE_SIZE_DEFAULT},
        {1,         1                },
        {1000,      1000             },
        {1001,      1000             },
        {INT32_MAX, 1000             },
        {-1,        0                },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct page page = {0};
        struct err err = {.code = ERR_OK};
        enum err_code code = from(rows[i].asked, "", &page, &err);
        CHECK_I64(code, rows[i].want == 0 ? ERR_INVALID_ARGUMENT : ERR_OK);
        CHECK_I64(page.size, rows[i].want);
        if (code == ERR_OK)
            CHECK_TEXT(page.after, "");
        else
            CHECK_TEXT(err.field, "page_size");
    }
}

static void test_round_trip(void)
{
    static const char *const keys[] = {"WQ0123456789abcdef0123456789abcdef", "7", "a:b:c",
                                       "\xC3\xA9"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct page page = {0};
        char *cursor = page_cursor(arena, "tq", keys[i]);
        REQUIRE(cursor != NULL);
        CHECK(strpbrk(cursor, "+/=&? ") == NULL); /* goes into a URL as it is */
        CHECK_I64(from(5, cursor, &page, NULL), ERR_OK);
        CHECK_TEXT(page.after, keys[i]);
    }
}

static void test_foreign(void)
{
    static const char *const cursors[] = {
        "!",      "a",       "tq:x",   "dHE6", "dHE",     "dHE6YQ==",
        "d3c6YQ", "dHE6AAA", "dHE6_w", "OmE",  " dHE6YQ",
    };
    for (size_t i = 0; i < ARRAY_LEN(cursors); i++) {
        struct page page = {0};
        struct err err = {.code = ERR_OK};
        CHECK_I64(from(5, cursors[i], &page, &err), ERR_INVALID_ARGUMENT);
        CHECK_TEXT(err.reason, "INVALID_CURSOR");
        CHECK_TEXT(err.field, "cursor");
        CHECK(page.after == NULL);
    }
    struct page page = {0};
    CHECK_I64(from(5, page_cursor(arena, "tc", "a"), &page, NULL), ERR_INVALID_ARGUMENT);
    CHECK_I64(from(5, page_cursor(arena, "tqx", "a"), &page, NULL), ERR_INVALID_ARGUMENT);
    char huge[4000];
    memset(huge, 'A', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    CHECK_I64(from(5, huge, &page, NULL), ERR_INVALID_ARGUMENT);
    /* every single-character change of a good cursor is refused or still a plain key */
    char *good = page_cursor(arena, "tq", "WQ0123456789abcdef0123456789abcdef");
    for (size_t i = 0; good != NULL && good[i] != '\0'; i++) {
        char kept = good[i];
        for (int c = 1; c < 256; c++) {
            good[i] = (char)c;
            struct page out = {0};
            if (from(5, good, &out, NULL) == ERR_OK)
                CHECK(out.after != NULL && out.after[0] != '\0');
        }
        good[i] = kept;
    }
}

static void test_full(void)
{
    char *cursor = page_cursor(arena, "tq", "WQ0123456789abcdef0123456789abcdef");
    struct arena *full = arena_new(8);
    struct page page = {0};
    struct err err = {.code = ERR_OK};
    CHECK_I64(page_from(full, "tq", 5, cursor, &page, &err), ERR_RESOURCE_EXHAUSTED);
    CHECK(page_cursor(full, "tq", "WQ0123456789abcdef0123456789abcdef") == NULL);
    arena_free(full);
}

static const struct test_case cases[] = {
    {"a page has 50 items unless asked, at most 1000",            test_size      },
    {"a cursor brings its key back",                              test_round_trip},
    {"a cursor of another list, or no cursor at all, is refused", test_foreign   },
    {"a full arena is an error, not a crash",                     test_full      },
};

int main(int argc, char **argv)
{
    arena = arena_new(16 << 20);
    int status = testing_main("svc page", cases, ARRAY_LEN(cases), argc, argv);
    arena_free(arena);
    return status;
}
