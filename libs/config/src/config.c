#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "config_int.h"

enum { ARENA_MAX_BYTES = 64 * 1024 * 1024 };

/* A row with where its value goes and what it holds. */
struct entry {
    const struct config_setting *setting;
    char *target;          /* in the settings struct */
    struct raw_value raw;  /* applied; raw.text NULL = absent. Its text is in config->arena */
    struct raw_value next; /* of the load under way */
    struct config_value value;
};

struct config {
    struct arena *arena;
    struct entry *entries;
    size_t count;
    struct map overrides; /* key -> struct raw_value */
    bool is_isolated;
    const char *fallback_file; /* NULL = none */
    char *problems[CONFIG_PROBLEMS_MAX];
    size_t problem_count;
};

struct config *config_new(void)
{
    struct config *config = xcalloc(1, sizeof *config);
    config->arena = arena_new(ARENA_MAX_BYTES);
    map_init(&config->overrides);
    return config;
}

static void problems_clear(struct config *config)
{
    for (size_t i = 0; i < config->problem_count; i++)
        free(config->problems[i]);
    config->problem_count = 0;
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    problems_clear(config);
    map_fini(&config->overrides);
    free(config->entries);
    arena_free(config->arena);
    free(config);
}

static size_t size_of_type(enum config_type type)
{
    switch (type) {
    case CONFIG_INT:
    case CONFIG_DURATION_MS:
    case CONFIG_BYTES:
        return sizeof(int64_t);
    case CONFIG_BOOL:
        return sizeof(bool);
    case CONFIG_ENUM:
        return sizeof(int);
    default:
        return sizeof(const char *);
    }
}

static bool is_text(enum config_type type)
{
    return type != CONFIG_INT && type != CONFIG_DURATION_MS && type != CONFIG_BYTES &&
           type != CONFIG_BOOL && type != CONFIG_ENUM;
}

void config_add(struct config *config, const struct config_setting *table, size_t count,
                void *settings)
{
    config->entries = xrealloc(config->entries, config->count + count, sizeof *config->entries);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < config->count; j++)
            INVARIANT(strcmp(config->entries[j].setting->key, table[i].key) != 0);
        INVARIANT(table[i].size == size_of_type(table[i].type));
        /* a text may be in use on another thread, and a reload's texts do not stay */
        INVARIANT(!table[i].is_reloadable || !is_text(table[i].type));
        config->entries[config->count++] = (struct entry){
            .setting = &table[i],
            .target = (char *)settings + table[i].offset,
        };
    }
}

void config_set(struct config *config, const char *key, const char *value)
{
    struct raw_value *raw = ARENA_NEW(config->arena, struct raw_value);
    char *kept_key = arena_strdup(config->arena, key);
    INVARIANT(raw != NULL && kept_key != NULL);
    raw->text = arena_strdup(config->arena, value);
    (void)snprintf(raw->origin, sizeof raw->origin, "set");
    (void)map_put(&config->overrides, str_from(kept_key), raw);
}

void config_isolate(struct config *config)
{
    config->is_isolated = true;
}

void config_set_fallback_file(struct config *config, const char *path)
{
    config->fallback_file = path;
}

/* ---- Loading ---- */

static void problem_add(struct config *config, struct buf *line)
{
    char *text = buf_take(line);
    if (text != NULL && config->problem_count < CONFIG_PROBLEMS_MAX)
        config->problems[config->problem_count++] = text;
    else
        free(text);
}

static const char *environment(const char *key)
{
    /* The only getenv of the suite; nothing here ever calls setenv. */
    return getenv(key); /* NOLINT(concurrency-mt-unsafe): nobody calls setenv */
}

/* The file's text into *out; false when it cannot be read. */
static bool file_read(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    char chunk[4096];
    size_t got = 0;
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0)
        buf_append(out, chunk, got);
    bool is_ok = ferror(file) == 0;
    (void)fclose(file);
    return is_ok;
}

static void env_file_read(struct config *config, const char *path, bool is_named,
                          struct arena *scratch, struct map *out)
{
    struct buf text;
    struct buf problem;
    buf_init(&text, ENV_FILE_MAX_BYTES);
    buf_init(&problem, 0);
    int line = 0;
    const char *why = NULL;
    bool is_there = file_read(path, &text);
    if (!is_there && is_named)
        buf_printf(&problem, "TASKROUTER_ENV_FILE is \"%s\": write a file that can be read", path);
    else if (buf_failed(&text))
        buf_printf(&problem, "%s is larger than %d bytes: shorten it", path, ENV_FILE_MAX_BYTES);
    else if (is_there && !env_file_parse(scratch, buf_str(&text), path, out, &line, &why))
        buf_printf(&problem, "%s line %d: %s; write KEY=value", path, line, why);
    if (problem.len > 0)
        problem_add(config, &problem);
    buf_fini(&problem);
    buf_fini(&text);
}

static void env_file_load(struct config *config, struct arena *scratch, struct map *out)
{
    const char *named = environment("TASKROUTER_ENV_FILE");
    bool is_named = named != NULL && named[0] != '\0';
    if (config->fallback_file != NULL)
        env_file_read(config, config->fallback_file, false, scratch, out);
    env_file_read(config, is_named ? named : ".env", is_named, scratch, out);
}

/* The value in force for a row: set, environment, file, default; texts live in scratch or longer.
 */
static struct raw_value raw_find(const struct config *config, const struct map *file,
                                 const struct config_setting *setting)
{
    struct str key = str_from(setting->key);
    const struct raw_value *given = map_get(&config->overrides, key);
    struct raw_value raw = {0};
    const char *variable = config->is_isolated ? NULL : environment(setting->key);
    if (given == NULL && variable != NULL)
        raw = (struct raw_value){.text = variable, .origin = "environment"};
    else if (given == NULL)
        given = map_get(file, key);
    if (given != NULL)
        raw = *given;
    if (raw.text != NULL && raw.text[0] != '\0')
        return raw;
    return (struct raw_value){.text = setting->default_text, .origin = "default"};
}

static void entry_check(struct config *config, struct arena *texts, struct entry *entry)
{
    struct buf problem;
    buf_init(&problem, 0);
    const struct config_setting *setting = entry->setting;
    entry->value = (struct config_value){0};
    buf_printf(&problem, "%s ", setting->key);
    bool is_ok = true;
    if (entry->next.text != NULL) {
        is_ok = setting_parse(texts, setting, entry->next.text, &entry->value, &problem);
        if (!is_ok && strcmp(entry->next.origin, "environment") != 0)
            buf_printf(&problem, " (from %s)", entry->next.origin);
    } else if (setting->is_required) {
        is_ok = false;
        buf_text(&problem, "is missing: ");
        setting_expected(setting, &problem);
        buf_printf(&problem, " (%s)", setting->help);
    }
    if (!is_ok)
        problem_add(config, &problem);
    buf_fini(&problem);
}

/* Fills next and value of all entries; their texts live in the arena given. */
static enum err_code entries_check(struct config *config, struct arena *texts, struct err *err)
{
    struct map file;
    map_init(&file);
    struct arena *scratch = arena_new(ARENA_MAX_BYTES);
    problems_clear(config);
    if (!config->is_isolated)
        env_file_load(config, scratch, &file);
    for (size_t i = 0; i < config->count; i++) {
        struct entry *entry = &config->entries[i];
        entry->next = raw_find(config, &file, entry->setting);
        entry_check(config, texts, entry);
        if (entry->next.text != NULL)
            entry->next.text = arena_strdup(texts, entry->next.text);
    }
    arena_free(scratch);
    map_fini(&file);
    if (arena_is_exhausted(texts))
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "CONFIG_TOO_LARGE",
                       "the settings take more than %d bytes", ARENA_MAX_BYTES);
    if (config->problem_count > 0)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "CONFIG_INVALID", "%s", config->problems[0]);
    return ERR_OK;
}

/* One aligned store each, so that a reader on another thread sees the old value or the new. */
static void entry_apply(struct entry *entry)
{
    void *target = entry->target;
    switch (entry->setting->type) {
    case CONFIG_INT:
    case CONFIG_DURATION_MS:
    case CONFIG_BYTES:
        __atomic_store_n((int64_t *)target, entry->value.number, __ATOMIC_RELAXED);
        break;
    case CONFIG_BOOL:
        __atomic_store_n((bool *)target, entry->value.number != 0, __ATOMIC_RELAXED);
        break;
    case CONFIG_ENUM:
        __atomic_store_n((int *)target, (int)entry->value.number, __ATOMIC_RELAXED);
        break;
    default:
        *(const char **)target = entry->value.text;
        break;
    }
    entry->raw = entry->next;
}

enum err_code config_load(struct config *config, struct err *err)
{
    enum err_code code = entries_check(config, config->arena, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < config->count; i++)
        entry_apply(&config->entries[i]);
    return ERR_OK;
}

const char *config_problem(const struct config *config, size_t index)
{
    return index < config->problem_count ? config->problems[index] : NULL;
}

static bool entry_is_changed(const struct entry *entry)
{
    if ((entry->raw.text == NULL) != (entry->next.text == NULL))
        return true;
    return entry->raw.text != NULL && strcmp(entry->raw.text, entry->next.text) != 0;
}

enum err_code config_reload(struct config *config, size_t *out_ignored, struct err *err)
{
    /* Texts of its own, so that a process reloaded every minute does not grow. */
    AUTO(arena_cleanup) struct arena *texts = arena_new(ARENA_MAX_BYTES);
    enum err_code code = entries_check(config, texts, err);
    if (code != ERR_OK)
        return code;
    size_t ignored = 0;
    for (size_t i = 0; i < config->count; i++) {
        struct entry *entry = &config->entries[i];
        if (!entry_is_changed(entry))
            continue;
        if (!entry->setting->is_reloadable) {
            ignored++;
            continue;
        }
        if (entry->next.text != NULL)
            entry->next.text = arena_strdup(config->arena, entry->next.text);
        entry_apply(entry);
    }
    *out_ignored = ignored;
    return ERR_OK;
}

/* ---- Showing ---- */

/* A URL keeps what is not secret: user and host are worth seeing, the password is not. */
static void url_print(const char *text, struct buf *out)
{
    struct str url = str_from(text);
    ptrdiff_t scheme = str_find(url, STR("://"));
    const char *at = scheme < 0 ? NULL : strchr(text + scheme, '@');
    const char *colon =
        at == NULL ? NULL : memchr(text + scheme + 3, ':', (size_t)(at - text - scheme - 3));
    bool may_hide_elsewhere = strstr(text, "password=") != NULL || (at != NULL && colon == NULL);
    if (scheme < 0 || may_hide_elsewhere || (at != NULL && strchr(at + 1, '@') != NULL))
        buf_text(out, "********");
    else if (colon == NULL)
        buf_text(out, text);
    else
        buf_printf(out, "%.*s:********%s", (int)(colon - text), text, at);
}

void config_print(const struct config *config, struct buf *out)
{
    for (size_t i = 0; i < config->count; i++) {
        const struct entry *entry = &config->entries[i];
        const struct config_setting *setting = entry->setting;
        if (entry->raw.text == NULL) {
            buf_printf(out, "%s=  # not set\n", setting->key);
            continue;
        }
        buf_printf(out, "%s=", setting->key);
        if (setting->is_secret && setting->type == CONFIG_URL)
            url_print(entry->raw.text, out);
        else
            buf_text(out, setting->is_secret ? "********" : entry->raw.text);
        buf_printf(out, "  # %s\n", entry->raw.origin);
    }
}

void config_help(const struct config *config, struct buf *out)
{
    for (size_t i = 0; i < config->count; i++) {
        const struct config_setting *setting = config->entries[i].setting;
        buf_printf(out, "  %s\n      %s\n      ", setting->key, setting->help);
        setting_type(setting, out);
        if (setting->default_text != NULL)
            buf_printf(out, "; default %s", setting->default_text);
        buf_printf(out, "%s%s%s\n", setting->is_required ? "; required" : "",
                   setting->is_secret ? "; secret" : "",
                   setting->is_reloadable ? "; reloaded on SIGHUP" : "");
    }
}

void config_markdown(const struct config *config, struct buf *out)
{
    buf_text(out, "| variable | type | default | meaning |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < config->count; i++) {
        const struct config_setting *setting = config->entries[i].setting;
        buf_printf(out, "| `%s` | ", setting->key);
        setting_type(setting, out);
        if (setting->default_text != NULL)
            buf_printf(out, " | `%s` | ", setting->default_text);
        else
            buf_text(out, setting->is_required ? " | required | " : " | | ");
        buf_printf(out, "%s%s%s |\n", setting->help, setting->is_secret ? " Secret." : "",
                   setting->is_reloadable ? " Reloaded on SIGHUP." : "");
    }
}
