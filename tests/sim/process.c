#include "process.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "engine/follow.h"
#include "faults.h"

struct engine *process_load(const struct store *store, const struct engine_config *config,
                            int64_t now_us, struct engine_effects *effects)
{
    struct engine *engine = engine_new(config);
    engine_effects_init(effects);
    store_load(store, engine, now_us, effects);
    return engine;
}

static struct sim_call *call_add(struct process *process, struct sim_call call)
{
    process->calls = store_grow(process->calls, process->call_count, &process->call_capacity,
                                sizeof *process->calls);
    process->calls[process->call_count] = call;
    return &process->calls[process->call_count++];
}

static void keys_load(struct process *process, const struct store *store)
{
    for (size_t i = 0; i < store->key_count; i++) {
        process->keys = store_grow(process->keys, process->key_count, &process->key_capacity,
                                   sizeof *process->keys);
        process->keys[process->key_count++] = store->keys[i];
    }
    process->stored_keys = process->key_count;
}

static struct process *process_begins(struct store *store, const struct check *check,
                                      int64_t now_us)
{
    struct process *process = xcalloc(1, sizeof *process);
    process->epoch = ++store->epoch;
    process->now_us = now_us;
    keys_load(process, store);
    journal_init(&process->journal, 0);
    journal_put(&process->journal, &(struct journal_entry){.kind = JOURNAL_LOAD,
                                                           .now_us = now_us,
                                                           .seed = check->config.seed,
                                                           .event_sequence = store->event_sequence,
                                                           .row_sequence = store->row_sequence});
    return process;
}

struct process *process_take_over(struct store *store, struct check *check, struct engine *engine,
                                  const struct engine_effects *effects, int64_t now_us)
{
    struct process *process = process_begins(store, check, now_us);
    process->engine = engine;
    process->effects = *effects;
    engine_effects_reset(&process->effects);
    engine_follow_end(engine);
    engine_load_counters(engine, store->event_sequence, store->row_sequence);
    engine_tick(engine, now_us, &process->effects);
    (void)call_add(process, (struct sim_call){.now_us = now_us, .last = process->effects.last});
    bool is_owner = process_commit(process, store, check);
    INVARIANT(is_owner);
    return process;
}

struct process *process_new(struct store *store, struct check *check, int64_t now_us)
{
    struct process *process = process_begins(store, check, now_us);
    process->engine = process_load(store, &check->config, now_us, &process->effects);
    (void)call_add(process, (struct sim_call){
                                .now_us = now_us, .is_load = true, .last = process->effects.last});
    bool is_owner = process_commit(process, store, check);
    INVARIANT(is_owner);
    return process;
}

void process_free(struct process *process)
{
    if (process == NULL)
        return;
    engine_free(process->engine);
    engine_effects_fini(&process->effects);
    journal_fini(&process->journal);
    free(process->keys);
    free(process->calls);
    free(process);
}

void process_begin(struct process *process, int64_t now_us)
{
    engine_effects_reset(&process->effects);
    process->call_count = 0;
    if (now_us > process->now_us)
        process->now_us = now_us;
    engine_tick(process->engine, now_us, &process->effects);
    journal_clear(&process->journal);
    journal_put(&process->journal,
                &(struct journal_entry){.kind = JOURNAL_TICK, .now_us = process->now_us});
    (void)call_add(process,
                   (struct sim_call){.now_us = process->now_us, .last = process->effects.last});
}

/* As batch.c: an older word than what is known, or of what was deleted, is not passed on, unless it
 * asks for something to be done. */
static bool is_news(const struct process *process, const struct store *store,
                    const struct engine_command *command, int64_t version)
{
    struct sid sid = store_subject(command);
    const struct store_config *config = store_config(store, &sid);
    int64_t tomb = config != NULL && config->is_deleted ? config->version : 0;
    for (size_t i = 0; i < process->call_count; i++) {
        const struct sim_call *call = &process->calls[i];
        struct sid other = store_subject(&call->command);
        if (store_is_deletion(call->command.kind) && call->is_passed_on &&
            strcmp(other.text, sid.text) == 0 && call->version > tomb)
            tomb = call->version;
    }
    bool asks = (command->kind == ENGINE_PUT_WORKER && command->worker.reject_pending) ||
                (command->kind == ENGINE_PUT_WORKFLOW && command->workflow.re_evaluate_tasks);
    return version > tomb && (asks || version >= engine_config_version(process->engine, &sid));
}

bool process_apply(struct process *process, const struct store *store,
                   const struct engine_command *command, int64_t version, uint64_t key,
                   struct sid *out_subject)
{
    struct err err = {0};
    *out_subject = (struct sid){{0}};
    for (size_t i = 0; i < process->key_count && key != 0; i++) {
        if (process->keys[i].key == key) {
            *out_subject = process->keys[i].subject;
            return false;
        }
    }
    struct sim_call *call = call_add(process, (struct sim_call){.command = *command,
                                                                .now_us = process->now_us,
                                                                .version = version,
                                                                .before = process->effects.last});
    call->command.tag = process->call_count;
    call->is_passed_on =
        !store_is_config(command->kind) || is_news(process, store, command, version);
    if (call->is_passed_on) {
        process->effects.subject = (struct sid){{0}};
        journal_put(&process->journal, &(struct journal_entry){.kind = JOURNAL_APPLY,
                                                               .now_us = process->now_us,
                                                               .command = *command});
        call->code =
            engine_apply(process->engine, &call->command, process->now_us, &process->effects, &err);
        call->reason = err.reason;
        call->subject = process->effects.subject;
    }
    call->last = process->effects.last;
    if (call->code == ERR_OK && key != 0) {
        process->keys = store_grow(process->keys, process->key_count, &process->key_capacity,
                                   sizeof *process->keys);
        process->keys[process->key_count++] = (struct store_key){key, call->subject};
    }
    return true;
}

bool process_commit(struct process *process, struct store *store, struct check *check)
{
    if (store->epoch != process->epoch && !FAULT(FAULT_NO_FENCE))
        return false;
    for (size_t i = 0; i < process->call_count && !check_has_failed(check); i++)
        check_call(check, &process->calls[i], &process->effects);
    if (!check_has_failed(check))
        check_rows(check, &process->effects);
    for (; process->stored_keys < process->key_count; process->stored_keys++) {
        const struct store_key *key = &process->keys[process->stored_keys];
        if (!FAULT(FAULT_LOST_KEY))
            store_key_put(store, key->key, &key->subject);
    }
    if (!check_has_failed(check))
        check_world(check, process->engine, process->now_us);
    return true;
}
