/* Mirrored workspaces: what differs, what is done with it, and what is refused. */
#include "svc/mirror.h"

#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "testing.h"

enum { ARENA_BYTES = 1 << 20 };

static void only_what_differs_is_a_field(void)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct mirror_diff diff;
    mirror_diff_init(&diff, arena);
    mirror_diff_text(&diff, "same", "a", "a");
    mirror_diff_text(&diff, "none", NULL, "");
    mirror_diff_i64(&diff, "number", 7, 7);
    mirror_diff_bool(&diff, "truth", true, true);
    CHECK_I64(diff.count, 0);
    mirror_diff_text(&diff, "text", "a", "b");
    mirror_diff_i64(&diff, "number", -1, 7);
    mirror_diff_bool(&diff, "truth", true, false);
    REQUIRE(diff.count == 3);
    CHECK_TEXT(diff.fields[0]->name, "text");
    CHECK_TEXT(diff.fields[0]->ours, "a");
    CHECK_TEXT(diff.fields[0]->theirs, "b");
    CHECK_TEXT(diff.fields[1]->ours, "-1");
    CHECK_TEXT(diff.fields[1]->theirs, "7");
    CHECK_TEXT(diff.fields[2]->ours, "true");
    CHECK_TEXT(diff.fields[2]->theirs, "false");
}

static void documents_are_compared_as_values(void)
{
    static const struct {
        const char *ours;
        const char *theirs;
        bool is_same;
    } rows[] = {
        {"{\"a\":1,\"b\":[1,2]}", "{ \"b\" : [1, 2],\n\"a\":1 }", true },
        {"{\"a\":\"\\u00e9\"}",   "{\"a\":\"\xC3\xA9\"}",         true },
        {"{\"a\":[1,2]}",         "{\"a\":[2,1]}",                false},
        {"{\"a\":1}",             "{\"a\":\"1\"}",                false},
        {"{\"a\":1}",             "{\"a\":1,\"b\":null}",         false},
        {"not json",              "not json",                     true },
        {"not json",              "not  json",                    false},
        {"",                      "{}",                           false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
        struct mirror_diff diff;
        mirror_diff_init(&diff, arena);
        mirror_diff_json(&diff, "attributes", rows[i].ours, rows[i].theirs);
        CHECK_I64(diff.count, rows[i].is_same ? 0 : 1);
    }
}

static void long_values_are_cut_between_characters(void)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    char text[3 * 400 + 1] = "";
    for (size_t i = 0; i < 400; i++)
        memcpy(text + 3 * i, "\xE2\x82\xAC", 4); /* a euro sign */
    struct mirror_diff diff;
    mirror_diff_init(&diff, arena);
    mirror_diff_text(&diff, "text", text, "x");
    REQUIRE(diff.count == 1);
    CHECK_I64(strlen(diff.fields[0]->ours), 3 * MIRROR_TEXT_MAX);
    CHECK(str_is_utf8(str_from(diff.fields[0]->ours)));
    CHECK_TEXT(diff.fields[0]->theirs, "x");
}

static void an_older_observation_changes_nothing(void)
{
    static const struct {
        struct mirror_row row;
        int64_t observed_us;
        bool differs;
        mirror_outcome put;
        mirror_outcome vanish;
    } rows[] = {
        {{.exists = false},                                          5, true,  MIRROR_CREATED,   MIRROR_UNKNOWN },
        {{.exists = true, .observed_at_us = 6},                      5, true,  MIRROR_STALE,     MIRROR_STALE   },
        {{.exists = true, .observed_at_us = 5},                      5, true,  MIRROR_UPDATED,   MIRROR_VANISHED},
        {{.exists = true, .observed_at_us = 4},                      5, false, MIRROR_UNCHANGED, MIRROR_VANISHED},
        {{.exists = true, .is_vanished = true, .observed_at_us = 4},
         5,                                                             false,
         MIRROR_CREATED,                                                                         MIRROR_UNKNOWN },
        {{.exists = true, .is_vanished = true, .observed_at_us = 6},
         5,                                                             true,
         MIRROR_STALE,                                                                           MIRROR_UNKNOWN },
    };
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct mirror_diff diff;
        mirror_diff_init(&diff, arena);
        if (rows[i].differs)
            mirror_diff_bool(&diff, "x", true, false);
        CHECK_I64(mirror_judge_put(&rows[i].row, rows[i].observed_us, &diff), rows[i].put);
        CHECK_I64(mirror_judge_vanish(&rows[i].row, rows[i].observed_us), rows[i].vanish);
    }
}

static void results_say_all_of_it(void)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct mirror_diff diff;
    mirror_diff_init(&diff, arena);
    mirror_diff_i64(&diff, "n", 1, 2);
    Taskrouter__Common__V1__MirrorResult *items[1] = {
        mirror_result(arena, "WQ1", "Name", MIRROR_UPDATED, &diff, "why")};
    Taskrouter__Common__V1__MirrorResults *all = mirror_results(arena, items, 1);
    REQUIRE(all != NULL && all->n_items == 1);
    CHECK_TEXT(all->items[0]->sid, "WQ1");
    CHECK_TEXT(all->items[0]->friendly_name, "Name");
    CHECK_TEXT(all->items[0]->detail, "why");
    CHECK_I64(all->items[0]->n_fields, 1);
    AUTO(arena_cleanup) struct arena *small = arena_new(64);
    CHECK(mirror_result(small, "WQ1", "Name", MIRROR_UPDATED, NULL, "why") == NULL);
}

static void requests_are_bounded_and_of_the_past(void)
{
    struct err err;
    int64_t at_us = 0;
    Google__Protobuf__Timestamp then = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    then.seconds = 1000;
    CHECK_I64(mirror_check_request(MIRROR_ITEMS_MAX, &then, &at_us, &err), ERR_OK);
    CHECK_I64(at_us, 1000 * US_PER_S);
    CHECK_I64(mirror_check_request(MIRROR_ITEMS_MAX + 1, &then, &at_us, &err),
              ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "TOO_MANY_ITEMS");
    CHECK_I64(mirror_check_request(1, NULL, &at_us, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, "observed_at");
    then.seconds = INT64_C(9000000000);
    CHECK_I64(mirror_check_request(0, &then, &at_us, &err), ERR_OK);
    CHECK(at_us <= clock_now_us());
}

static void writes_of_a_mirrored_workspace_name_what_to_mend(void)
{
    struct err err;
    CHECK_I64(mirror_refuse("WS1", &err), ERR_UNAVAILABLE);
    CHECK_TEXT(err.reason, MIRRORED);
    CHECK(strstr(err.detail, "TASKROUTER_GRPC_SYNC") != NULL);
    CHECK_I64(mirror_check_mirrored("WS1", true, &err), ERR_OK);
    CHECK_I64(mirror_check_mirrored("WS1", false, &err), ERR_FAILED_PRECONDITION);
    CHECK_TEXT(err.reason, "NOT_MIRRORED");
    struct rpc_route route = {.target = ""};
    CHECK_I64(mirror_place(NULL, &route), RPC_PLACE_GONE);
    CHECK_I64(mirror_place("sync:9090", &route), RPC_PLACE_THERE);
    CHECK_TEXT(route.target, "sync:9090");
    CHECK(route.is_final && route.budget_ms == MIRROR_BUDGET_MS && route.patience_ms > 0);
}

static const struct test_case cases[] = {
    {"only what differs is a field",                     only_what_differs_is_a_field          },
    {"documents are compared as values",                 documents_are_compared_as_values      },
    {"long values are cut between characters",           long_values_are_cut_between_characters},
    {"an older observation changes nothing",             an_older_observation_changes_nothing  },
    {"results say all of it",                            results_say_all_of_it                 },
    {"requests are bounded and of the past",             requests_are_bounded_and_of_the_past  },
    {"writes of a mirrored workspace name what to mend",
     writes_of_a_mirrored_workspace_name_what_to_mend                                          },
};

int main(int argc, char **argv)
{
    return testing_main("svc mirror", cases, ARRAY_LEN(cases), argc, argv);
}
