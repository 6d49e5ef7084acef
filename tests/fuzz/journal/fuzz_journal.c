/*
 * A journal: what is read keeps within its bytes, and, written again, reads as the same and writes
 * the same bytes; what is refused says so.
 */
#include <string.h>

#include "base/arena.h"
#include "base/macros.h"
#include "engine/journal.h"
#include "fuzz.h"

enum { MAX_BYTES = 64 << 10, ARENA_BYTES = 4 << 20 };

static bool is_inside(struct str text, struct str bytes)
{
    return text.len == 0 || (text.ptr >= bytes.ptr && text.ptr + text.len <= bytes.ptr + bytes.len);
}

static void entry_check(const struct journal_entry *entry, struct str bytes)
{
    const struct engine_command *command = &entry->command;
    INVARIANT(entry->kind < JOURNAL_KIND_COUNT);
    if (entry->kind != JOURNAL_APPLY)
        return;
    INVARIANT(command->kind > ENGINE_COMMAND_NONE && command->kind < ENGINE_COMMAND_COUNT);
    if (command->kind == ENGINE_PUT_WORKER) {
        INVARIANT(is_inside(command->worker.name, bytes));
        INVARIANT(is_inside(command->worker.attributes, bytes));
        for (size_t i = 0; i < command->worker.channel_count; i++)
            INVARIANT(strlen(command->worker.channels[i].channel_sid.text) <= SID_LEN);
    } else if (command->kind == ENGINE_CREATE_TASK) {
        INVARIANT(is_inside(command->create.attributes, bytes));
        INVARIANT(strlen(command->create.routing_target.text) <= SID_LEN);
    }
}

/* False: refused. */
static bool again(struct str bytes, struct arena *arena, struct journal *out)
{
    struct journal_reader reader;
    struct journal_entry entry;
    struct err err = {0};
    if (journal_open(&reader, bytes, &err) != ERR_OK) {
        INVARIANT(err.detail[0] != '\0');
        return false;
    }
    for (;;) {
        if (journal_next(&reader, arena, &entry, &err) != ERR_OK) {
            INVARIANT(err.detail[0] != '\0');
            return false;
        }
        if (entry.kind == JOURNAL_NONE)
            return true;
        entry_check(&entry, bytes);
        journal_put(out, &entry);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct journal first;
    struct journal second;
    if (size > MAX_BYTES)
        return 0;
    struct arena *arena = arena_new(ARENA_BYTES);
    journal_init(&first, 0);
    journal_init(&second, 0);
    if (again((struct str){(const char *)data, size}, arena, &first)) {
        bool is_read = again(buf_str(&first.bytes), arena, &second);
        INVARIANT(is_read);
        INVARIANT(str_eq(buf_str(&first.bytes), buf_str(&second.bytes)));
    }
    journal_fini(&first);
    journal_fini(&second);
    arena_free(arena);
    return 0;
}
