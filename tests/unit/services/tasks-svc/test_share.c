/* Who should run which shard. */
#include <string.h>

#include "share.h"
#include "testing.h"

enum { SHARDS = 6 };

static const struct share_replica three[] = {
    {"A", false},
    {"B", false},
    {"C", false}
};

/* owners: one letter a shard, '-' for nobody; free: which of them are free; heirs alike. */
static void fill(struct share_shard *shards, const char *owners, const char *free_ones,
                 const char *heirs)
{
    static const char *const names[] = {"A", "B", "C", "D"};
    for (size_t i = 0; i < SHARDS; i++) {
        shards[i].owner = owners[i] == '-' ? "" : names[owners[i] - 'A'];
        shards[i].successor = heirs[i] == '-' ? "" : names[heirs[i] - 'A'];
        shards[i].is_free = free_ones[i] == 'x';
    }
}

struct take_case {
    const char *owners;
    const char *free_ones;
    const char *heirs;
    const char *takers; /* what follows: letters, '-' for nobody */
};

static void test_takers(void)
{
    static const struct take_case rows[] = {
        {"------", "xxxxxx", "------", "ABCABC"}, /* nobody ever had them */
        {"AAABBB", "------", "------", "------"}, /* none is free */
        {"AAADDD", "---xxx", "------", "---BCB"}, /* D died: to those who have least */
        {"AAABBB", "x-----", "------", "A-----"}, /* A lives still: its own again */
        {"AAABBB", "x-----", "C-----", "C-----"}, /* given to C */
        {"AAABBB", "x-----", "D-----", "A-----"}, /* given to D, which died meanwhile */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct share_shard shards[SHARDS];
        size_t takers[SHARDS];
        char text[SHARDS + 1] = "";
        fill(shards, rows[i].owners, rows[i].free_ones, rows[i].heirs);
        struct share share = {three, ARRAY_LEN(three), shards, SHARDS};
        share_takers(&share, takers);
        for (size_t s = 0; s < SHARDS; s++)
            text[s] = takers[s] == SHARE_NOBODY ? '-' : (char)('A' + takers[s]);
        CHECK_TEXT(text, rows[i].takers);
    }
}

static void test_leaver_takes_nothing(void)
{
    static const struct share_replica replicas[] = {
        {"A", true},
        {"B", true}
    };
    struct share_shard shards[SHARDS];
    size_t takers[SHARDS];
    fill(shards, "AAABBB", "xxxxxx", "------");
    struct share share = {replicas, ARRAY_LEN(replicas), shards, SHARDS};
    share_takers(&share, takers);
    for (size_t i = 0; i < SHARDS; i++)
        CHECK(takers[i] == SHARE_NOBODY);
}

static bool next_move(const char *owners, const char *heirs, const char *self, size_t *out_shard,
                      size_t *out_replica)
{
    struct share_shard shards[SHARDS];
    fill(shards, owners, "------", heirs);
    struct share share = {three, ARRAY_LEN(three), shards, SHARDS};
    return share_next_move(&share, self, out_shard, out_replica);
}

static void test_moves(void)
{
    size_t shard = 0;
    size_t replica = 0;
    REQUIRE(next_move("AAAAAA", "------", "A", &shard, &replica));
    CHECK_I64(shard, 5);
    CHECK_I64(replica, 1);
    CHECK(!next_move("AAAAAA", "-----B", "A", &shard, &replica)); /* one at a time */
    REQUIRE(next_move("AAAABB", "------", "A", &shard, &replica));
    CHECK_I64(replica, 2);
    CHECK(!next_move("AABBCC", "------", "A", &shard, &replica));
    CHECK(!next_move("AAABBC", "-----C", "B", &shard, &replica)); /* one more is near enough */
}

/* Every order of moves ends even, and then nothing moves any more. */
static void test_evens_out(void)
{
    char owners[SHARDS + 1] = "BBBBBB";
    int moves = 0;
    bool is_moving = true;
    while (is_moving && moves < 20) {
        is_moving = false;
        for (char self = 'A'; self <= 'C'; self++) {
            size_t shard = 0;
            size_t replica = 0;
            char name[2] = {self, '\0'};
            if (next_move(owners, "------", name, &shard, &replica)) {
                owners[shard] = (char)('A' + replica);
                is_moving = true;
                moves++;
            }
        }
    }
    CHECK_I64(moves, 4);
    for (char self = 'A'; self <= 'C'; self++) {
        int count = 0;
        for (size_t i = 0; i < SHARDS; i++)
            count += owners[i] == self;
        CHECK_I64(count, 2);
    }
}

static void test_leaver_gives_all(void)
{
    static const struct share_replica replicas[] = {
        {"A", true },
        {"B", false},
        {"C", false}
    };
    char heirs[SHARDS + 1] = "------";
    int moves = 0;
    size_t shard = 0;
    size_t replica = 0;
    struct share_shard shards[SHARDS];
    fill(shards, "AAAABC", "------", heirs);
    struct share share = {replicas, ARRAY_LEN(replicas), shards, SHARDS};
    while (share_next_move(&share, "A", &shard, &replica) && moves < 10) {
        heirs[shard] = (char)('A' + replica);
        fill(shards, "AAAABC", "------", heirs);
        moves++;
    }
    CHECK_I64(moves, 4);
    CHECK_TEXT(heirs, "CBCB--");
}

static const struct test_case cases[] = {
    {"a free shard goes to its heir, its owner, or who has least", test_takers              },
    {"who leaves takes nothing",                                   test_leaver_takes_nothing},
    {"who has two more than another gives one, one at a time",     test_moves               },
    {"shards even out, and then rest",                             test_evens_out           },
    {"who leaves gives everything away",                           test_leaver_gives_all    },
};

int main(int argc, char **argv)
{
    return testing_main("share", cases, ARRAY_LEN(cases), argc, argv);
}
