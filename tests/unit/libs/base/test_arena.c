#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include "testing.h"

static void memory_is_zeroed_and_aligned(void)
{
    struct arena *arena = arena_new(1 << 20);
    for (size_t size = 0; size < 200; size++) {
        unsigned char *p = arena_alloc(arena, size);
        REQUIRE(p != NULL);
        CHECK((uintptr_t)p % _Alignof(max_align_t) == 0);
        for (size_t i = 0; i < size; i++)
            CHECK(p[i] == 0);
        memset(p, 0xAA, size);
    }
    arena_reset(arena); /* reused memory is zeroed again */
    unsigned char *p = arena_alloc(arena, 100);
    CHECK(p[0] == 0 && p[99] == 0);
    arena_free(arena);
}

static void large_requests_get_room_of_their_own(void)
{
    struct arena *arena = arena_new(16 << 20);
    char *small = arena_strdup(arena, "small");
    char *large = arena_alloc(arena, 5 << 20);
    REQUIRE(large != NULL);
    memset(large, 'x', 5 << 20);
    CHECK_TEXT(small, "small");
    CHECK_TEXT(arena_strdup(arena, "after"), "after");
    arena_free(arena);
}

static void past_the_ceiling_it_stays_failed_until_reset(void)
{
    struct arena *arena = arena_new(256);
    CHECK(arena_alloc(arena, 128) != NULL);
    CHECK(!arena_is_exhausted(arena));
    CHECK(arena_alloc(arena, 129) == NULL);
    CHECK(arena_is_exhausted(arena));
    CHECK(arena_alloc(arena, 1) == NULL);
    CHECK(arena_strdup(arena, "x") == NULL);
    CHECK(arena_printf(arena, "%d", 1) == NULL);
    CHECK(arena_str(arena, STR("x")).ptr == NULL);
    CHECK_I64(arena_str(arena, STR("x")).len, 0);
    arena_reset(arena);
    CHECK(!arena_is_exhausted(arena));
    CHECK_I64(arena_used(arena), 0);
    CHECK(arena_alloc(arena, 256) != NULL);
    arena_free(arena);
}

static void sizes_that_overflow_are_refused(void)
{
    struct arena *arena = arena_new(SIZE_MAX);
    CHECK(arena_alloc(arena, SIZE_MAX) == NULL);
    arena_reset(arena);
    CHECK(arena_calloc(arena, SIZE_MAX / 2, 3) == NULL);
    CHECK(arena_is_exhausted(arena));
    arena_reset(arena);
    CHECK(arena_str_dup(arena, (struct str){"", SIZE_MAX}) == NULL);
    arena_free(arena);
}

static void copies_and_formatted_text_are_terminated(void)
{
    struct arena *arena = arena_new(4096);
    CHECK_TEXT(arena_str_dup(arena, (struct str){"abcdef", 3}), "abc");
    CHECK_TEXT(arena_str_dup(arena, (struct str){NULL, 0}), "");
    CHECK_TEXT(arena_strdup(arena, NULL), "");
    CHECK_TEXT(arena_printf(arena, "%s-%05d", "n", 42), "n-00042");
    CHECK_STR(arena_str(arena, STR("view")), "view");
    arena_free(arena);
}

static void rewinding_gives_the_room_back(void)
{
    struct arena *arena = arena_new(64 << 10);
    char *kept = arena_strdup(arena, "kept");
    size_t used = arena_used(arena);
    for (int i = 0; i < 1000; i++) { /* 1000 * 8 KiB would be far past the ceiling */
        struct arena_mark mark = arena_mark(arena);
        CHECK(arena_alloc(arena, 4 << 10) != NULL);
        CHECK(arena_alloc(arena, 4 << 10) != NULL);
        arena_rewind(arena, mark);
    }
    CHECK_I64(arena_used(arena), used);
    CHECK_TEXT(kept, "kept");
    arena_free(arena);
}

static void an_empty_arena_can_be_rewound(void)
{
    struct arena *arena = arena_new(4096);
    struct arena_mark mark = arena_mark(arena);
    CHECK(arena_alloc(arena, 100) != NULL);
    arena_rewind(arena, mark);
    CHECK_I64(arena_used(arena), 0);
    CHECK(arena_alloc(arena, 100) != NULL);
    arena_free(arena);
}

static void rewinding_does_not_hide_exhaustion(void)
{
    struct arena *arena = arena_new(100);
    struct arena_mark mark = arena_mark(arena);
    CHECK(arena_alloc(arena, 1000) == NULL);
    arena_rewind(arena, mark);
    CHECK(arena_is_exhausted(arena));
    arena_free(arena);
}

static char order[8];

static void note(void *letter)
{
    const char text[2] = {*(const char *)letter, '\0'};
    if (strlen(order) + 1 < sizeof order)
        memcpy(order + strlen(order), text, 2);
}

static char a = 'a';
static char b = 'b';
static char c = 'c';

static void deferred_calls_run_last_in_first_out(void)
{
    order[0] = '\0';
    struct arena *arena = arena_new(4096);
    arena_defer(arena, note, &a);
    struct arena_mark mark = arena_mark(arena);
    arena_defer(arena, note, &b);
    arena_defer(arena, note, &c);
    arena_rewind(arena, mark);
    CHECK_TEXT(order, "cb");
    arena_defer(arena, note, &c);
    arena_reset(arena);
    CHECK_TEXT(order, "cbca");
    arena_defer(arena, note, &b);
    arena_free(arena);
    CHECK_TEXT(order, "cbcab");
}

static void a_defer_without_room_runs_at_once(void)
{
    order[0] = '\0';
    struct arena *arena = arena_new(1);
    arena_defer(arena, note, &a);
    CHECK_TEXT(order, "a");
    arena_free(arena);
    CHECK_TEXT(order, "a");
}

static void cleanup_accepts_null(void)
{
    AUTO(arena_cleanup) struct arena *none = NULL;
    AUTO(arena_cleanup) struct arena *some = arena_new(64);
    arena_free(NULL);
    CHECK(none == NULL && some != NULL);
}

static const struct test_case cases[] = {
    {"memory is zeroed and aligned",                 memory_is_zeroed_and_aligned                },
    {"large requests get room of their own",         large_requests_get_room_of_their_own        },
    {"past the ceiling it stays failed until reset", past_the_ceiling_it_stays_failed_until_reset},
    {"sizes that overflow are refused",              sizes_that_overflow_are_refused             },
    {"copies and formatted text are terminated",     copies_and_formatted_text_are_terminated    },
    {"rewinding gives the room back",                rewinding_gives_the_room_back               },
    {"an empty arena can be rewound",                an_empty_arena_can_be_rewound               },
    {"rewinding does not hide exhaustion",           rewinding_does_not_hide_exhaustion          },
    {"deferred calls run last in, first out",        deferred_calls_run_last_in_first_out        },
    {"a defer without room runs at once",            a_defer_without_room_runs_at_once           },
    {"cleanup accepts NULL",                         cleanup_accepts_null                        },
};

int main(int argc, char **argv)
{
    return testing_main("arena", cases, ARRAY_LEN(cases), argc, argv);
}
