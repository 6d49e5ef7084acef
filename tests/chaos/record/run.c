/* The course of a run: load under faults, healing, draining, reading. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "run_int.h"
#include "world.h"

static void phase(struct scene *scene, const char *name)
{
    json_t *line = history_line("phase");
    (void)json_object_set_new(line, "is", json_string(name));
    history_add(scene->history, line);
}

static void record_meta(struct scene *scene)
{
    const struct chaos_options *options = scene->run->options;
    json_t *line = history_line("meta");
    (void)json_object_set_new(line, "format", json_integer(1));
    (void)json_object_set_new(line, "seed", json_integer((json_int_t)options->seed));
    (void)json_object_set_new(line, "replicas", json_integer(options->replicas));
    (void)json_object_set_new(line, "ws", json_string(scene->world.workspace));
    history_add(scene->history, line);
}

/* ---- people ---- */

static void hire(struct scene *scene, const char *name, int number, void *(*work)(void *))
{
    INVARIANT(scene->actor_count < ACTORS_MAX);
    struct actor *actor = &scene->actors[scene->actor_count++];
    actor_init(actor, scene, name, number);
    int failed = pthread_create(&actor->thread, NULL, work, actor);
    INVARIANT(failed == 0);
}

static void begin(struct scene *scene)
{
    const struct chaos_options *options = scene->run->options;
    record_meta(scene);
    scene->observers = observers_start(scene);
    phase(scene, "load");
    for (int i = 0; i < options->creators; i++)
        hire(scene, "creator", i, creator_main);
    for (int i = 0; i < options->agents; i++)
        hire(scene, "agent", i, agent_main);
    hire(scene, "config", 0, config_main);
}

static void dismiss(struct scene *scene)
{
    for (int i = 0; i < scene->actor_count; i++) {
        (void)pthread_join(scene->actors[i].thread, NULL);
        actor_fini(&scene->actors[i]);
    }
}

/* ---- the run ---- */

char *chaos_history_path(const struct chaos_options *options, int shard, char *out, size_t size)
{
    if (options->shards == 1)
        (void)snprintf(out, size, "%s", options->history_path);
    else
        (void)snprintf(out, size, "%s.%d", options->history_path, shard);
    return out;
}

static bool make_scenes(struct run *run)
{
    const struct chaos_options *options = run->options;
    char path[512];
    bool is_good = options->replicas <= REPLICAS_MAX && options->workers <= WORKERS_MAX &&
                   options->shards <= SCENES_MAX;
    for (int i = 0; i < options->shards && is_good; i++) {
        run->scenes[i].run = run;
        run->scenes[i].history = history_open(chaos_history_path(options, i, path, sizeof path));
    }
    return is_good && replicas_start(run) && worlds_make(run);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): it is stored to */
static void set(bool *flag, bool value)
{
    __atomic_store_n(flag, value, __ATOMIC_SEQ_CST);
}

static bool play(struct run *run)
{
    int count = run->options->shards;
    set(&run->is_loading, true);
    for (int i = 0; i < count; i++)
        begin(&run->scenes[i]);
    bool is_good = nemesis_load(run);
    for (int i = 0; i < count; i++)
        phase(&run->scenes[i], "heal");
    set(&run->is_loading, false);
    for (int i = 0; i < count; i++)
        phase(&run->scenes[i], final_drain(&run->scenes[i]) ? "drained" : "stranded");
    set(&run->is_ending, true);
    for (int i = 0; i < count; i++)
        dismiss(&run->scenes[i]);
    for (int i = 0; i < count; i++) {
        bool is_read = final_read(&run->scenes[i]);
        observers_stop(run->scenes[i].observers);
        phase(&run->scenes[i], is_read ? "end" : "unread");
        is_good = is_good && is_read;
    }
    if (!is_good)
        (void)fprintf(stderr, "chaos: something did not come back, or could not be read\n");
    return is_good;
}

bool chaos_run(const struct chaos_options *options)
{
    struct run *run = xcalloc(1, sizeof *run);
    run->options = options;
    bool is_made = make_scenes(run);
    if (!is_made)
        (void)fprintf(stderr, "chaos: the world could not be made\n");
    bool is_good = is_made && play(run);
    replicas_stop(run);
    for (int i = 0; i < options->shards && i < SCENES_MAX; i++)
        history_close(run->scenes[i].history);
    free(run);
    return is_good;
}
