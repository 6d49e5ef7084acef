#include "link.h"

#include "testing.h"

static struct arena *arena;

static const struct link_user users[] = {
    {"US1", "Jane Doe", "jane@example.com", "QB-1"},
    {"US2", "John Roe", "john@example.com", "QB-2"},
    {"US3", "",         "twin@example.com", ""    },
    {"US4", "Twin",     "TWIN@example.com", ""    },
    {"US5", "Ann",      "ann@example.com",  "7"   },
    {"US6", "Bob",      "",                 "QB-6"},
};

#define WORKER(sid_, email_, id_, user_)                                                           \
    {                                                                                              \
        .sid = (sid_), .friendly_name = "W " sid_, .email = (email_), .quickbase_id = (id_),       \
        .user_sid = (user_)                                                                        \
    }

static void match(struct link_worker *workers, size_t count)
{
    struct err err = {0};
    arena_reset(arena);
    CHECK_I64(link_match(arena, users, ARRAY_LEN(users), workers, count, &err), ERR_OK);
}

static const char *matched(const struct link_worker *worker)
{
    return worker->match == NULL ? "" : worker->match->sid;
}

static void test_found(void)
{
    struct link_worker workers[] = {
        WORKER("WK1", " JANE@Example.COM ", "", ""),
        WORKER("WK2", "", "qb-2", ""),
        WORKER("WK3", "ann@example.com", "7", ""),
        WORKER("WK4", "nobody@example.com", "QB-9", ""),
        WORKER("WK5", "", "", ""),
        WORKER("WK6", "nobody@example.com", "QB-6", ""),
    };
    static const char *const want[][2] = {
        {"US1", "e-mail"                    },
        {"US2", "quickbaseUserId"           },
        {"US5", "e-mail and quickbaseUserId"},
        {"",    ""                          },
        {"",    ""                          },
        {"US6", "quickbaseUserId"           },
    };
    match(workers, ARRAY_LEN(workers));
    for (size_t i = 0; i < ARRAY_LEN(workers); i++) {
        CHECK_TEXT(matched(&workers[i]), want[i][0]);
        CHECK(workers[i].conflict == NULL);
        if (workers[i].match != NULL)
            CHECK_TEXT(workers[i].by, want[i][1]);
    }
}

static void test_unclear(void)
{
    struct link_worker workers[] = {
        WORKER("WK1", "twin@example.com", "", ""),
        WORKER("WK2", "jane@example.com", "QB-2", ""),
        WORKER("WK3", "ann@example.com", "", ""),
        WORKER("WK4", "", "7", ""),
        WORKER("WK5", "", "7", ""),
    };
    match(workers, ARRAY_LEN(workers));
    for (size_t i = 0; i < ARRAY_LEN(workers); i++)
        CHECK_TEXT(matched(&workers[i]), "");
    CHECK_TEXT(workers[0].conflict,
               "the e-mail twin@example.com is that of two users, user twin@example.com, US3 and "
               "Twin (TWIN@example.com, US4)");
    CHECK_TEXT(workers[1].conflict,
               "the e-mail jane@example.com is that of Jane Doe (jane@example.com, US1), but the "
               "quickbaseUserId QB-2 that of John Roe (john@example.com, US2)");
    CHECK_TEXT(workers[2].conflict, "Ann (ann@example.com, US5) is claimed by worker W WK4 (WK4)");
    CHECK_TEXT(workers[3].conflict, "Ann (ann@example.com, US5) is claimed by worker W WK3 (WK3)");
    CHECK_TEXT(workers[4].conflict, "Ann (ann@example.com, US5) is claimed by worker W WK3 (WK3)");
}

static void test_kept(void)
{
    struct link_worker workers[] = {
        WORKER("WK1", "jane@example.com", "", ""),
        WORKER("WK2", "john@example.com", "", "US1"), /* by hand: stays */
        WORKER("WK3", "john@example.com", "", ""),
    };
    match(workers, ARRAY_LEN(workers));
    CHECK_TEXT(matched(&workers[0]), "");
    CHECK_TEXT(workers[0].conflict,
               "Jane Doe (jane@example.com, US1) is linked already to worker W WK2 (WK2)");
    CHECK(workers[1].match == NULL && workers[1].conflict == NULL);
    CHECK_TEXT(matched(&workers[2]), "US2");
}

static void test_room(void)
{
    bool is_done = false;
    for (size_t bytes = 8; bytes < 16384 && !is_done; bytes += 64) {
        struct link_worker workers[] = {
            WORKER("WK1", "jane@example.com", "QB-2", ""),
            WORKER("WK2", "ann@example.com", "", ""),
            WORKER("WK3", "", "7", ""),
        };
        struct err err = {0};
        AUTO(arena_cleanup) struct arena *small = arena_new(bytes);
        enum err_code code = link_match(small, users, ARRAY_LEN(users), workers, 3, &err);
        CHECK(code == ERR_OK || code == ERR_RESOURCE_EXHAUSTED);
        is_done = code == ERR_OK;
    }
    CHECK(is_done);
}

static const struct test_case cases[] = {
    {"a worker is the user with its e-mail or id",      test_found  },
    {"what is not clear names both sides",              test_unclear},
    {"links that there are stay, and block others",     test_kept   },
    {"without room nothing is matched, with a refusal", test_room   },
};

int main(int argc, char **argv)
{
    arena = arena_new(1 << 20);
    int status = testing_main("link", cases, ARRAY_LEN(cases), argc, argv);
    arena_free(arena);
    return status;
}
