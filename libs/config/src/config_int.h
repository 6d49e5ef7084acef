/* What the files of libs/config share. */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "config/config.h"

enum {
    ENV_FILE_MAX_BYTES = 256 * 1024,
    ENV_FILE_MAX_VARIABLES = 2000,
    CONFIG_TEXT_MAX = 4096, /* bytes of a text whose row gives no maximum */
    CONFIG_PROBLEMS_MAX = 64
};

/* A value as given, before it is checked. */
struct raw_value {
    const char *text; /* NUL-terminated, in the arena */
    char origin[64];  /* "environment", "default", ".env line 7", "set" */
};

/* A checked value; which member counts follows from the type. */
struct config_value {
    int64_t number; /* also bool and enum */
    const char *text;
};

/*
 * Reads dotenv text into *out (key -> struct raw_value): KEY=value, export KEY=value, 'literal',
 * "with \n escapes", # comments. The last of two lines with one key counts. False on the first
 * line that is not so; *out_line and *out_why say where and why.
 */
bool env_file_parse(struct arena *arena, struct str text, const char *file_name, struct map *out,
                    int *out_line, const char **out_why);

/* Checks text against the row. On false, *why is the rest of the sentence "KEY ...". Secrets are
 * not repeated in it. */
bool setting_parse(struct arena *arena, const struct config_setting *setting, const char *text,
                   struct config_value *out, struct buf *why);

/* "a duration from 1s to 2m, such as 5s": what to write for this row. */
void setting_expected(const struct config_setting *setting, struct buf *out);

/* "port, 1 to 65535" and so on, for help: type with its bounds. */
void setting_type(const struct config_setting *setting, struct buf *out);
