/* The journal's bytes: every command comes back as it was, and what is damaged is refused. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "engine/journal.h"
#include "testing.h"
#include "world.h"

enum { ARENA_BYTES = 1 << 20 };

/* A new field of a command wants a place in the table (journal.c) before its size is put here. */
static void sizes_are_those_that_the_table_was_written_for(void)
{
    CHECK_I64(sizeof(struct engine_workspace), 176);
    CHECK_I64(sizeof(struct engine_activity), 104);
    CHECK_I64(sizeof(struct engine_channel), 104);
    CHECK_I64(sizeof(struct engine_queue), 192);
    CHECK_I64(sizeof(struct engine_workflow), 136);
    CHECK_I64(sizeof(struct engine_worker), 184);
    CHECK_I64(sizeof(struct engine_worker_channel), 44);
    CHECK_I64(sizeof(struct engine_ref), 70);
    CHECK_I64(sizeof(struct engine_create), 256);
    CHECK_I64(sizeof(struct engine_update), 176);
    CHECK_I64(sizeof(struct engine_action), 176);
}

static struct engine_command create_command(void)
{
    struct engine_command command = {.kind = ENGINE_CREATE_TASK};
    command.create = (struct engine_create){
        .workspace_sid = world_sid("WS", 1),
        .attributes = STR("{\"a\":1}"),
        .workflow_sid = world_sid("WW", 2),
        .queue_sid = world_sid("WQ", 3),
        .routing_target = sid_from(STR("not hex")),
        .channel = STR("voice"),
        .has_ignore_capacity = true,
        .has_priority = true,
        .priority = -5,
        .has_timeout = true,
        .timeout_s = INT64_MAX,
        .virtual_start_us = INT64_MIN,
        .call_id = STR("CA1"),
        .rules = STR("[1]"),
    };
    return command;
}

static void check_create(const struct engine_create *create)
{
    CHECK_TEXT(create->workspace_sid.text, world_sid("WS", 1).text);
    CHECK_STR(create->attributes, "{\"a\":1}");
    CHECK_TEXT(create->workflow_sid.text, world_sid("WW", 2).text);
    CHECK_TEXT(create->queue_sid.text, world_sid("WQ", 3).text);
    CHECK_TEXT(create->routing_target.text, "not hex");
    CHECK_STR(create->channel, "voice");
    CHECK(create->has_ignore_capacity && !create->ignore_capacity);
    CHECK(create->has_priority && create->has_timeout);
    CHECK_I64(create->priority, -5);
    CHECK_I64(create->timeout_s, INT64_MAX);
    CHECK_I64(create->virtual_start_us, INT64_MIN);
    CHECK_STR(create->call_id, "CA1");
    CHECK_STR(create->rules, "[1]");
}

static void entries_come_back_in_order_with_their_times(void)
{
    struct journal journal;
    struct journal_reader reader;
    struct journal_entry entry = {.kind = JOURNAL_LOAD,
                                  .now_us = INT64_C(1700000000000000),
                                  .seed = UINT64_MAX,
                                  .event_sequence = 12,
                                  .row_sequence = 34};
    struct err err = {0};
    struct arena *arena = arena_new(ARENA_BYTES);
    journal_init(&journal, 0);
    CHECK(journal_is_empty(&journal));
    journal_put(&journal, &entry);
    journal_put(&journal,
                &(struct journal_entry){.kind = JOURNAL_TICK, .now_us = entry.now_us - 7});
    journal_put(&journal, &(struct journal_entry){.kind = JOURNAL_APPLY,
                                                  .now_us = entry.now_us,
                                                  .command = create_command()});
    CHECK_I64(journal_open(&reader, buf_str(&journal.bytes), &err), ERR_OK);
    CHECK_I64(journal_next(&reader, arena, &entry, &err), ERR_OK);
    CHECK_I64(entry.kind, JOURNAL_LOAD);
    CHECK_I64(entry.now_us, INT64_C(1700000000000000));
    CHECK(entry.seed == UINT64_MAX);
    CHECK_I64(entry.event_sequence, 12);
    CHECK_I64(entry.row_sequence, 34);
    CHECK_I64(journal_next(&reader, arena, &entry, &err), ERR_OK);
    CHECK_I64(entry.kind, JOURNAL_TICK);
    CHECK_I64(entry.now_us, INT64_C(1700000000000000) - 7);
    CHECK_I64(journal_next(&reader, arena, &entry, &err), ERR_OK);
    CHECK_I64(entry.kind, JOURNAL_APPLY);
    CHECK_I64(entry.now_us, INT64_C(1700000000000000));
    CHECK_I64(entry.command.kind, ENGINE_CREATE_TASK);
    check_create(&entry.command.create);
    CHECK_I64(journal_next(&reader, arena, &entry, &err), ERR_OK);
    CHECK_I64(entry.kind, JOURNAL_NONE);
    journal_clear(&journal);
    CHECK(journal_is_empty(&journal));
    journal_fini(&journal);
    arena_free(arena);
}

static void put_all_kinds(struct journal *journal)
{
    static const struct engine_worker_channel channels[] = {
        {.capacity = 3, .is_available = true},
        {.capacity = INT32_MIN            },
    };
    for (int kind = ENGINE_COMMAND_NONE + 1; kind < ENGINE_COMMAND_COUNT; kind++) {
        struct engine_command command = {.kind = (enum engine_command_kind)kind};
        if (command.kind == ENGINE_PUT_WORKER) {
            command.worker.channels = channels;
            command.worker.channel_count = ARRAY_LEN(channels);
            command.worker.status_changed_us = 7;
        }
        if (command.kind == ENGINE_CREATE_TASK)
            command = create_command();
        journal_put(journal, &(struct journal_entry){
                                 .kind = JOURNAL_APPLY, .now_us = kind, .command = command});
    }
}

/* Reads all; the code of the first failure. */
static enum err_code read_all(struct str bytes, struct journal *again, struct arena *arena)
{
    struct journal_reader reader;
    struct journal_entry entry;
    struct err err = {0};
    enum err_code code = journal_open(&reader, bytes, &err);
    while (code == ERR_OK) {
        code = journal_next(&reader, arena, &entry, &err);
        if (code != ERR_OK || entry.kind == JOURNAL_NONE)
            break;
        if (again != NULL)
            journal_put(again, &entry);
    }
    CHECK((code == ERR_OK) == (err.reason == NULL));
    return code;
}

static void every_command_is_written_again_to_the_same_bytes(void)
{
    struct journal journal;
    struct journal again;
    struct arena *arena = arena_new(ARENA_BYTES);
    journal_init(&journal, 0);
    journal_init(&again, 0);
    put_all_kinds(&journal);
    CHECK_I64(read_all(buf_str(&journal.bytes), &again, arena), ERR_OK);
    CHECK(str_eq(buf_str(&journal.bytes), buf_str(&again.bytes)));
    journal_fini(&journal);
    journal_fini(&again);
    arena_free(arena);
}

/* What came with version 2 stands at the end of a put of a workspace. */
static void journals_of_before_are_read(void)
{
    struct journal journal;
    struct journal_reader reader;
    struct journal_entry entry;
    struct arena *arena = arena_new(ARENA_BYTES);
    struct engine_command command = {.kind = ENGINE_PUT_WORKSPACE};
    journal_init(&journal, 0);
    command.workspace = (struct engine_workspace){
        .sid = world_sid("WS", 1), .version = 3, .is_lifo_first = true, .is_mirrored = true};
    journal_put(&journal, &(struct journal_entry){.kind = JOURNAL_APPLY, .command = command});
    REQUIRE(journal_open(&reader, buf_str(&journal.bytes), NULL) == ERR_OK);
    REQUIRE(journal_next(&reader, arena, &entry, NULL) == ERR_OK);
    CHECK(entry.command.workspace.is_mirrored);
    journal.bytes.data[0] = 1;
    struct str old = {journal.bytes.data, journal.bytes.len - 1};
    REQUIRE(journal_open(&reader, old, NULL) == ERR_OK);
    REQUIRE(journal_next(&reader, arena, &entry, NULL) == ERR_OK);
    CHECK_I64(entry.command.workspace.version, 3);
    CHECK(entry.command.workspace.is_lifo_first);
    CHECK(!entry.command.workspace.is_mirrored);
    CHECK_I64(reader.rest.len, 0);
    journal.bytes.data[0] = 5;
    CHECK_I64(journal_open(&reader, old, NULL), ERR_INVALID_ARGUMENT);
    journal_fini(&journal);
    arena_free(arena);
}

/* What came with version 3 stands at the end of a creation. */
static void creations_of_before_have_no_rules(void)
{
    enum { RULES_BYTES = 4 }; /* length and text */
    struct journal journal;
    struct journal_reader reader;
    struct journal_entry entry;
    struct arena *arena = arena_new(ARENA_BYTES);
    journal_init(&journal, 0);
    journal_put(&journal,
                &(struct journal_entry){.kind = JOURNAL_APPLY, .command = create_command()});
    REQUIRE(journal_open(&reader, buf_str(&journal.bytes), NULL) == ERR_OK);
    REQUIRE(journal_next(&reader, arena, &entry, NULL) == ERR_OK);
    CHECK_STR(entry.command.create.rules, "[1]");
    journal.bytes.data[0] = 2;
    struct str old = {journal.bytes.data, journal.bytes.len - RULES_BYTES};
    REQUIRE(journal_open(&reader, old, NULL) == ERR_OK);
    REQUIRE(journal_next(&reader, arena, &entry, NULL) == ERR_OK);
    CHECK_STR(entry.command.create.call_id, "CA1");
    CHECK_I64(entry.command.create.rules.len, 0);
    CHECK_I64(reader.rest.len, 0);
    journal_fini(&journal);
    arena_free(arena);
}

/* What came with version 4 stands at the end of a put of a worker. */
static void workers_of_before_were_moved_nobody_knows_when(void)
{
    struct journal journal;
    struct journal_reader reader;
    struct journal_entry entry;
    struct arena *arena = arena_new(ARENA_BYTES);
    struct engine_command command = {.kind = ENGINE_PUT_WORKER};
    journal_init(&journal, 0);
    command.worker = (struct engine_worker){
        .sid = world_sid("WK", 1), .version = 3, .reject_pending = true, .status_changed_us = 7};
    journal_put(&journal, &(struct journal_entry){.kind = JOURNAL_APPLY, .command = command});
    REQUIRE(journal_open(&reader, buf_str(&journal.bytes), NULL) == ERR_OK);
    REQUIRE(journal_next(&reader, arena, &entry, NULL) == ERR_OK);
    CHECK_I64(entry.command.worker.status_changed_us, 7);
    journal.bytes.data[0] = 3;
    struct str old = {journal.bytes.data, journal.bytes.len - 1};
    REQUIRE(journal_open(&reader, old, NULL) == ERR_OK);
    REQUIRE(journal_next(&reader, arena, &entry, NULL) == ERR_OK);
    CHECK(entry.command.worker.reject_pending);
    CHECK_I64(entry.command.worker.status_changed_us, 0);
    CHECK_I64(reader.rest.len, 0);
    journal_fini(&journal);
    arena_free(arena);
}

static void no_damage_is_read_beyond_the_end(void)
{
    struct journal journal;
    struct arena *arena = arena_new(ARENA_BYTES);
    journal_init(&journal, 0);
    put_all_kinds(&journal);
    for (size_t len = 1; len < journal.bytes.len; len++) {
        char *cut = xcalloc(len, 1);
        memcpy(cut, journal.bytes.data, len);
        (void)read_all((struct str){cut, len}, NULL, arena);
        cut[len - 1] = (char)0xFF;
        (void)read_all((struct str){cut, len}, NULL, arena);
        free(cut);
    }
    CHECK_I64(read_all(STR("\x05"), NULL, arena), ERR_INVALID_ARGUMENT);
    CHECK_I64(read_all(STR("\x02\x09"), NULL, arena), ERR_INVALID_ARGUMENT);
    CHECK_I64(read_all(STR("\x02\x03\x01\x7f"), NULL, arena), ERR_INVALID_ARGUMENT);
    CHECK_I64(read_all(STR(""), NULL, arena), ERR_OK);
    journal_fini(&journal);
    arena_free(arena);
}

static void a_full_arena_is_said(void)
{
    struct journal journal;
    struct arena *arena = arena_new(64);
    journal_init(&journal, 0);
    put_all_kinds(&journal);
    CHECK_I64(read_all(buf_str(&journal.bytes), NULL, arena), ERR_RESOURCE_EXHAUSTED);
    journal_fini(&journal);
    arena_free(arena);
}

static const struct test_case cases[] = {
    {"sizes are those that the table was written for",
     sizes_are_those_that_the_table_was_written_for                                                 },
    {"entries come back in order with their times",      entries_come_back_in_order_with_their_times},
    {"every command is written again to the same bytes",
     every_command_is_written_again_to_the_same_bytes                                               },
    {"no damage is read beyond the end",                 no_damage_is_read_beyond_the_end           },
    {"a full arena is said",                             a_full_arena_is_said                       },
    {"journals of before are read",                      journals_of_before_are_read                },
    {"workers of before were moved nobody knows when",
     workers_of_before_were_moved_nobody_knows_when                                                 },
    {"creations of before have no rules",                creations_of_before_have_no_rules          },
};

int main(int argc, char **argv)
{
    return testing_main("engine journal", cases, ARRAY_LEN(cases), argc, argv);
}
