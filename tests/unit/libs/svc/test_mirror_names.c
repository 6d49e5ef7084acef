/* Names of one Put request: swaps, chains, holders, and who gives way. */
#include "base/macros.h"
#include "svc/mirror_names.h"
#include "testing.h"

enum { MAX = 4 };

struct row {
    const char *what;
    struct mirror_name names[MAX];
    const char *want; /* a letter for each: '-' may have its name, else who has it instead */
};

#define MOVES(sid_, now_, wanted_, holder_)                                                        \
    {                                                                                              \
        .sid = (sid_), .now = (now_), .wanted = (wanted_), .holder = (holder_)                     \
    }
#define KEPT(sid_, now_, wanted_)                                                                  \
    {                                                                                              \
        .sid = (sid_), .now = (now_), .wanted = (wanted_), .holder = "", .is_kept = true           \
    }

/* clang-format off: a case a line or two */
static const struct row rows[] = {
    {"new ones",                       {MOVES("A", "", "a", ""), MOVES("B", "", "b", "")},     "--"},
    {"as they are",                    {MOVES("A", "a", "a", "A"), MOVES("B", "b", "b", "B")}, "--"},
    {"a swap",                         {MOVES("A", "a", "b", "B"), MOVES("B", "b", "a", "A")}, "--"},
    {"a round of three",
     {MOVES("A", "a", "b", "B"), MOVES("B", "b", "c", "C"), MOVES("C", "c", "a", "A")},
     "---"                                                                                         },
    {"a chain",
     {MOVES("A", "a", "b", "B"), MOVES("B", "b", "c", ""), MOVES("N", "", "a", "A")},
     "---"                                                                                         },
    {"held outside",                   {MOVES("A", "a", "x", "X"), MOVES("B", "b", "c", "")},  "X-"},
    {"the first gets it",              {MOVES("A", "", "n", ""), MOVES("B", "", "n", "")},     "-A"},
    {"who has it keeps it",            {MOVES("A", "", "b", "B"), MOVES("B", "b", "b", "B")},  "B-"},
    {"who stays keeps it",             {MOVES("A", "a", "b", "B"), KEPT("B", "b", "z")},       "B-"},
    {"a chain that breaks at its end",
     {MOVES("A", "a", "b", "B"), MOVES("B", "b", "c", "C"), MOVES("C", "c", "x", "X")},
     "BCX"                                                                                         },
    {"the same from behind",
     {MOVES("C", "c", "x", "X"), MOVES("B", "b", "c", "C"), MOVES("A", "a", "b", "B"),
      MOVES("N", "", "n", "")},
     "XCB-"                                                                                        },
    {"a swap with one who stays",      {KEPT("A", "a", "b"), MOVES("B", "b", "a", "A")},       "-A"},
};
/* clang-format on */

static void test_resolve(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct mirror_name names[MAX];
        size_t count = strlen(rows[i].want);
        memcpy(names, rows[i].names, sizeof names);
        mirror_names_resolve(names, count);
        char got[MAX + 1] = "";
        for (size_t j = 0; j < count; j++)
            got[j] = (names[j].taken_by == NULL ? "-" : names[j].taken_by)[0];
        if (strcmp(got, rows[i].want) != 0)
            (void)fprintf(stderr, "%s:\n", rows[i].what);
        CHECK_TEXT(got, rows[i].want);
    }
}

/* All of a full request shift by one: settled at once, and refused to the last when the end is
 * held. */
static void test_many(void)
{
    enum { COUNT = 200 };
    static struct mirror_name names[COUNT];
    static char keys[COUNT + 1][16];
    static char sids[COUNT + 1][16];
    for (int i = 0; i <= COUNT; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "k%d", i);
        (void)snprintf(sids[i], sizeof sids[i], "S%d", i);
    }
    for (int is_held = 0; is_held < 2; is_held++) {
        for (int i = 0; i < COUNT; i++)
            names[i] = (struct mirror_name){
                .sid = sids[i],
                .now = keys[i],
                .wanted = keys[i + 1],
                .holder = i + 1 < COUNT || is_held ? sids[i + 1] : "",
            };
        mirror_names_resolve(names, COUNT);
        for (int i = 0; i < COUNT; i++)
            CHECK((names[i].taken_by != NULL) == (is_held == 1));
    }
}

static const struct test_case cases[] = {
    {"who may have its name, in one request", test_resolve},
    {"a request full of renamings",           test_many   },
};

int main(int argc, char **argv)
{
    return testing_main("mirror_names", cases, ARRAY_LEN(cases), argc, argv);
}
