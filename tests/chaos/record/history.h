/*
 * The history file of a run: one JSON object per line (tests/chaos/README.md lists them), each
 * written by a single write(2), so that whatever ends the recorder leaves whole lines behind.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

struct history;

/* Ends the program when the file cannot be made. */
struct history *history_open(const char *path);
void history_close(struct history *history); /* NULL is allowed */

/* Takes the object over. Threads: any. */
void history_add(struct history *history, json_t *line);

/* Numbers calls from 1. Threads: any. */
int64_t history_next_id(struct history *history);

/* A line {"k":kind,"t":now,...}; the rest as json_pack's "{s:s}" pairs would be added by the
 * caller. */
json_t *history_line(const char *kind);
