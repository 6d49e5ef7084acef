/* What a shard remembers beside the engine. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "shard_int.h"
#include "testing.h"

static void test_keys(void)
{
    struct known_keys keys;
    struct sid hash = sid_from(STR("RH1"));
    keys_init(&keys);
    CHECK(keys_get(&keys, "AC1", "CreateTask", STR("k")) == NULL);
    keys_put(&keys, "AC1", "CreateTask", STR("k"), &hash, STR("reply"));
    const struct known_key *found = keys_get(&keys, "AC1", "CreateTask", STR("k"));
    REQUIRE(found != NULL);
    CHECK_TEXT(found->request_hash.text, "RH1");
    CHECK_I64(found->reply_len, 5);
    CHECK(keys_get(&keys, "AC2", "CreateTask", STR("k")) == NULL);
    CHECK(keys_get(&keys, "AC1", "CancelTask", STR("k")) == NULL);
    CHECK(keys.is_complete);
    keys_fini(&keys);
}

static void test_replies(void)
{
    enum { REPLY_BYTES = 1 << 20, COUNT = SHARD_REPLIES_BYTES / REPLY_BYTES + 6 };
    struct known_keys keys;
    struct sid hash = sid_from(STR("RH1"));
    char *reply = xcalloc(1, REPLY_BYTES);
    char name[16];
    keys_init(&keys);
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(name, sizeof name, "k%d", i);
        keys_put(&keys, "AC1", "CreateTask", str_from(name), &hash,
                 (struct str){reply, REPLY_BYTES});
    }
    const struct known_key *oldest = keys_get(&keys, "AC1", "CreateTask", STR("k5"));
    const struct known_key *kept = keys_get(&keys, "AC1", "CreateTask", STR("k6"));
    REQUIRE(oldest != NULL && kept != NULL);
    CHECK(oldest->reply == NULL);
    CHECK(kept->reply != NULL);
    CHECK_I64(keys.reply_bytes, SHARD_REPLIES_BYTES);
    CHECK(keys.is_complete);
    keys_fini(&keys);
    free(reply);
}

static void test_tombs(void)
{
    struct shard shard = {0};
    struct sid sid = sid_from(STR("WQ1"));
    map_init(&shard.tombs);
    CHECK(!tombs_hold(&shard, &sid, 1));
    tombs_put(&shard, &sid, 4);
    tombs_put(&shard, &sid, 3);
    CHECK(tombs_hold(&shard, &sid, 4));
    CHECK(!tombs_hold(&shard, &sid, 5));
    tombs_clear(&shard);
    CHECK(!tombs_hold(&shard, &sid, 1));
    map_fini(&shard.tombs);
}

static void test_heard(void)
{
    struct heard_events heard = {0};
    char sid[SID_LEN + 1];
    CHECK(!heard_before(&heard, "EV1"));
    CHECK(heard_before(&heard, "EV1"));
    for (int i = 2; i <= HEARD_MAX + 1; i++) {
        (void)snprintf(sid, sizeof sid, "EV%d", i);
        CHECK(!heard_before(&heard, sid));
    }
    CHECK(heard_before(&heard, "EV2"));
    CHECK(!heard_before(&heard, "EV1")); /* the oldest is forgotten: the log knows it */
    heard_clear(&heard);
    CHECK(!heard_before(&heard, "EV2"));
    heard_clear(&heard);
    map_fini(&heard.map);
}

static const struct test_case cases[] = {
    {"a key is known by account, method and text",         test_keys   },
    {"replies that do not fit are left to the database",   test_replies},
    {"an older word does not bring back what was deleted", test_tombs  },
    {"an event that comes twice at once is heard once",    test_heard  },
};

int main(int argc, char **argv)
{
    return testing_main("known", cases, ARRAY_LEN(cases), argc, argv);
}
