#include "svc/order.h"

#include "testing.h"

static struct arena *arena;
static const char *const names[] = {"DateCreated", "Priority", "VirtualStartTime"};

static void test_parse(void)
{
    static const struct {
        const char *text;
        const char *tag; /* NULL: refused */
    } rows[] = {
        {"",                                           "ta"      },
        {"  ",                                         "ta"      },
        {"DateCreated:asc",                            "ta0+"    },
        {"DateCreated",                                "ta0+"    },
        {"Priority:desc,VirtualStartTime:asc",         "ta1-2+"  },
        {" Priority : DESC , DateCreated:Asc ",        "ta1-0+"  },
        {"VirtualStartTime:desc,Priority,DateCreated", "ta2-1+0+"},
        {"Priority:up",                                NULL      },
        {"Priority:",                                  NULL      },
        {"priority:asc",                               NULL      },
        {"Age:asc",                                    NULL      },
        {"Priority:asc,",                              NULL      },
        {",Priority:asc",                              NULL      },
        {"Priority:asc,Priority:desc",                 NULL      },
        {"Priority:asc:desc",                          NULL      },
        {"Priority:asc;DateCreated:asc",               NULL      },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct order order = {.count = 99};
        struct err err = {.code = ERR_OK};
        enum err_code code = order_parse(rows[i].text, "ta", names, ARRAY_LEN(names), &order, &err);
        CHECK_I64(code, rows[i].tag == NULL ? ERR_INVALID_ARGUMENT : ERR_OK);
        if (rows[i].tag == NULL) {
            CHECK_TEXT(err.reason, "INVALID_ORDERING");
            CHECK_TEXT(err.field, "ordering");
            CHECK_I64(order.count, 99);
        } else {
            CHECK_TEXT(order.tag, rows[i].tag);
            CHECK_I64(order.count, (strlen(rows[i].tag) - 2) / 2);
        }
    }
}

static void test_keys(void)
{
    static const int64_t numbers[] = {ORDER_NUMBER_MIN, -1, 1700000000000000, ORDER_NUMBER_MAX};
    const char *sid = "WT0123456789abcdef0123456789abcdef";
    for (size_t count = 0; count <= ARRAY_LEN(numbers); count++) {
        int64_t back[4] = {0};
        const char *sid_back = NULL;
        char *key = order_key(arena, numbers, count, sid);
        REQUIRE(key != NULL && order_key_read(key, back, count, &sid_back));
        CHECK(memcmp(back, numbers, count * sizeof *back) == 0);
        CHECK_TEXT(sid_back, sid);
        CHECK(!order_key_read(key, back, count + 1 == 5 ? 3 : count + 1, &sid_back));
    }
    static const char *const bad[] = {"",
                                      "1",
                                      "1,",
                                      "1,WT",
                                      "x,WT0123456789abcdef0123456789abcdef",
                                      "99999999999999999999,WT0123456789abcdef0123456789abcdef",
                                      "-62135596800000001,WT0123456789abcdef0123456789abcdef",
                                      "253402300800000000,WT0123456789abcdef0123456789abcdef",
                                      "1,2,WT0123456789abcdef0123456789abcdef"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t back[1];
        const char *sid_back = NULL;
        CHECK(!order_key_read(bad[i], back, 1, &sid_back));
    }
}

static const struct test_case cases[] = {
    {"an ordering is read as Twilio writes it, or refused", test_parse},
    {"a key of an ordered list comes back as it was",       test_keys },
};

int main(int argc, char **argv)
{
    arena = arena_new(1 << 20);
    int status = testing_main("svc order", cases, ARRAY_LEN(cases), argc, argv);
    arena_free(arena);
    return status;
}
