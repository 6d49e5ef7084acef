#include "revoked.h"

#include <stdio.h>

#include "testing.h"

static void what_came_behind_the_mark_counts(void)
{
    struct revoked revoked = {.count = 0};
    revoked_note(&revoked, STR("SK1"));
    uint64_t mark = revoked.count;
    CHECK(!revoked_since(&revoked, mark, STR("SK1")));
    CHECK(revoked_since(&revoked, 0, STR("SK1")));
    revoked_note(&revoked, STR("SK2"));
    CHECK(revoked_since(&revoked, mark, STR("SK2")));
    CHECK(!revoked_since(&revoked, mark, STR("SK3")));
    CHECK(!revoked_since(&revoked, revoked.count, STR("SK2")));
}

static void too_many_to_remember_count_as_all(void)
{
    struct revoked revoked = {.count = 0};
    char sid[32];
    for (int i = 0; i < REVOKED_KEPT; i++) {
        (void)snprintf(sid, sizeof sid, "SK%d", i);
        revoked_note(&revoked, str_from(sid));
    }
    CHECK(revoked_since(&revoked, 0, STR("SK0")));
    CHECK(!revoked_since(&revoked, 0, STR("SK999")));
    revoked_note(&revoked, STR("SK1000"));
    CHECK(revoked_since(&revoked, 0, STR("SK999")));
    CHECK(!revoked_since(&revoked, 1, STR("SK0")));
    CHECK(revoked_since(&revoked, 1, STR("SK1")));
}

static const struct test_case cases[] = {
    {"what came behind the mark counts",        what_came_behind_the_mark_counts },
    {"more than are kept count as all that is", too_many_to_remember_count_as_all},
};

int main(int argc, char **argv)
{
    return testing_main("revoked", cases, ARRAY_LEN(cases), argc, argv);
}
