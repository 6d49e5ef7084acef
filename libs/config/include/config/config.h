/*
 * Settings: tables of rows in, checked structs out. Values come from a .env file, then from the
 * environment (which wins), then from config_set (tests and tools; wins over both). Everything is
 * checked before anything is written, and each problem is one line that names the variable and says
 * what to write. getenv is called here and nowhere else.
 *
 * Texts in the filled structs belong to the config and live until config_free.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum config_type {
    CONFIG_NONE,
    CONFIG_STRING,      /* const char *; min and max are bytes of length */
    CONFIG_INT,         /* int64_t */
    CONFIG_BOOL,        /* bool; true/false, yes/no, 1/0 */
    CONFIG_DURATION_MS, /* int64_t milliseconds; "250ms", "5s", "2m", "1h", "7d"; bare = ms */
    CONFIG_BYTES,       /* int64_t; "4096", "64KiB", "16MiB", "1GiB" (KB, MB, GB mean the same) */
    CONFIG_URL,         /* const char *; choices lists the schemes: "postgresql,postgres" */
    CONFIG_HOST_PORT,   /* const char *; "127.0.0.1:7001", "[::1]:7001", "tasks-svc:7001" */
    CONFIG_SID,         /* const char *; choices is the two-letter prefix */
    CONFIG_ENUM,        /* int; position in choices, counted from 1 */
    CONFIG_PATH,        /* const char *; a file that can be read */
    CONFIG_TYPE_COUNT,
};

/*
 * One row. An empty value in the environment counts as absent. Absent without a default gives NULL,
 * 0 or false, and is an error when is_required. min and max bound numbers (both 0 = no bound) and,
 * for texts, the length in bytes (max 0 = 4096).
 */
struct config_setting {
    const char *key; /* "TASKROUTER_DRAIN_MS" */
    enum config_type type;
    bool is_secret; /* masked when printed */
    bool is_required;
    bool is_reloadable;       /* numbers, bools and enums only: SIGHUP applies it */
    const char *default_text; /* parsed like a given value; NULL = none */
    int64_t min;
    int64_t max;
    const char *unit;    /* shown in help; NULL = by type */
    const char *choices; /* CONFIG_ENUM, CONFIG_URL: comma-separated; CONFIG_SID: prefix */
    const char *help;    /* one sentence */
    size_t offset;       /* both by CONFIG_FIELD */
    size_t size;
};

/* Where a row's value goes: CONFIG_FIELD(struct task_settings, shard_count). */
#define CONFIG_FIELD(type_, member)                                                                \
    .offset = offsetof(type_, member), .size = sizeof(((type_ *)0)->member)

struct config;

struct config *config_new(void); /* never NULL */
void config_free(struct config *config);

/* Adds a table whose values go to *settings (caller's; zeroed by the caller). The table must be
 * static const. Two rows with one key are our own mistake (abort). */
void config_add(struct config *config, const struct config_setting *table, size_t count,
                void *settings);

/* A value that wins over file and environment. Before config_load. */
void config_set(struct config *config, const char *key, const char *value);

/* A further file of the same form, read where it is there: .env and the environment win over it.
 * Before config_load; kept by the caller. */
void config_set_fallback_file(struct config *config, const char *path);

/* Ignores .env and the environment: only config_set and defaults count. For tests. */
void config_isolate(struct config *config);

/*
 * Reads and checks everything, then fills the structs; on any problem fills none. The file is the
 * one named by TASKROUTER_ENV_FILE (must be readable) or ./.env where present.
 * Errors: INVALID_ARGUMENT/CONFIG_INVALID with the first problem; all of them by config_problem.
 */
enum err_code config_load(struct config *config, struct err *err) MUST_CHECK;

/* Problem lines of the last load, "TASKROUTER_X is missing: write ..."; NULL past the last. */
const char *config_problem(const struct config *config, size_t index);

/*
 * Reads again and applies the rows that are reloadable (each value is one aligned store; readers on
 * other threads may see the old value a little longer). Rows that changed but cannot be reloaded
 * are counted in *out_ignored. Errors: as config_load, nothing applied.
 */
enum err_code config_reload(struct config *config, size_t *out_ignored, struct err *err) MUST_CHECK;

/* "KEY=value" lines with secrets masked and where each value came from. */
void config_print(const struct config *config, struct buf *out);

/* Plain text for --help: key, type, default, help. */
void config_help(const struct config *config, struct buf *out);

/* The same as a Markdown table, for READMEs. */
void config_markdown(const struct config *config, struct buf *out);
