/* The course of a run: load under faults, healing, draining, reading. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "run_int.h"
#include "world.h"

static void phase(struct run *run, const char *name)
{
    json_t *line = history_line("phase");
    (void)json_object_set_new(line, "is", json_string(name));
    history_add(run->history, line);
}

static void record_meta(struct run *run)
{
    json_t *line = history_line("meta");
    (void)json_object_set_new(line, "format", json_integer(1));
    (void)json_object_set_new(line, "seed", json_integer((json_int_t)run->options->seed));
    (void)json_object_set_new(line, "replicas", json_integer(run->options->replicas));
    (void)json_object_set_new(line, "ws", json_string(run->world.workspace));
    history_add(run->history, line);
}

struct crew {
    struct actor actors[ACTORS_MAX];
    int count;
};

static void hire(struct crew *crew, struct run *run, const char *name, int number,
                 void *(*work)(void *))
{
    INVARIANT(crew->count < ACTORS_MAX);
    struct actor *actor = &crew->actors[crew->count++];
    actor_init(actor, run, name, number);
    int failed = pthread_create(&actor->thread, NULL, work, actor);
    INVARIANT(failed == 0);
}

static void hire_all(struct crew *crew, struct run *run)
{
    for (int i = 0; i < run->options->creators; i++)
        hire(crew, run, "creator", i, creator_main);
    for (int i = 0; i < run->options->agents; i++)
        hire(crew, run, "agent", i, agent_main);
    hire(crew, run, "config", 0, config_main);
}

static void dismiss(struct crew *crew)
{
    for (int i = 0; i < crew->count; i++) {
        (void)pthread_join(crew->actors[i].thread, NULL);
        actor_fini(&crew->actors[i]);
    }
}

static void set(bool *flag, bool value)
{
    __atomic_store_n(flag, value, __ATOMIC_SEQ_CST);
}

bool chaos_run(const struct chaos_options *options)
{
    struct run run = {.options = options, .history = history_open(options->history_path)};
    static struct crew crew;
    crew.count = 0;
    bool is_good = options->replicas <= REPLICAS_MAX && options->workers <= WORKERS_MAX &&
                   replicas_start(&run) && world_make(&run.world, options->workers, options->seed);
    if (!is_good) {
        (void)fprintf(stderr, "chaos: the world could not be made\n");
        replicas_stop(&run);
        history_close(run.history);
        return false;
    }
    record_meta(&run);
    struct observers *observers = observers_start(&run);
    set(&run.is_loading, true);
    phase(&run, "load");
    hire_all(&crew, &run);
    bool is_healed = nemesis_load(&run);
    phase(&run, "heal");
    set(&run.is_loading, false);
    phase(&run, final_drain(&run) ? "drained" : "stranded");
    set(&run.is_ending, true);
    dismiss(&crew);
    bool is_read = final_read(&run, observers);
    observers_stop(observers);
    replicas_stop(&run);
    phase(&run, is_read ? "end" : "unread");
    history_close(run.history);
    if (!is_healed || !is_read)
        (void)fprintf(stderr, "chaos: %s\n",
                      is_healed ? "what is left could not be read"
                                : "something does not come back");
    return is_healed && is_read;
}
