/*
 * Log lines: one JSON object per line on stderr, one write(2), at most 4 KiB, UTC microseconds.
 * LOG_WARN(call, "reservation expired", LOG_STR("task_id", id), LOG_I64("age_ms", age));
 * The message is a constant lower-case phrase; everything variable is a field. call may be NULL.
 * Never log bodies, tokens or personal data: there is no masking here.
 * Threads: any. Before log_init lines carry the service "taskrouter" at level info.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/call.h"
#include "base/err.h"
#include "base/str.h"

/* Ordered: a level shows itself and those before it. error = a person must act; warn = handled but
 * notable; info = lifecycle; debug = everything. */
enum log_level {
    LOG_LEVEL_NONE,
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_COUNT,
};

const char *log_level_name(enum log_level level); /* "none" for LOG_LEVEL_NONE */
enum log_level log_level_from(const char *name);  /* LOG_LEVEL_NONE when unknown */

/* service is copied (31 bytes at most). level LOG_LEVEL_NONE silences everything. */
void log_init(const char *service, enum log_level level);
void log_level_set(enum log_level level);
bool log_is_on(enum log_level level);

/* Where lines go; 2 (stderr) at the start. For tests and for tools that write a file. */
void log_fd_set(int fd);

/* Writes a "suppressed" summary for each call site whose repeats were held back and whose second is
 * over. libs/app calls it once a second. */
void log_tick(void);

enum log_field_kind {
    LOG_FIELD_NONE, /* ends the list */
    LOG_FIELD_TEXT,
    LOG_FIELD_VIEW,
    LOG_FIELD_I64,
    LOG_FIELD_BOOL,
    LOG_FIELD_DOUBLE,
    LOG_FIELD_ERR,
};

/* One field. key: a literal in snake_case; "" for LOG_FIELD_ERR, which makes four fields. */
struct log_field {
    const char *key;
    enum log_field_kind kind;
    union {
        const char *text; /* NULL is written as null */
        struct str view;
        int64_t i64;
        bool flag;
        double number;
        const struct err *err; /* code, reason, origin, detail (and field where it has one) */
    } as;
};

#define LOG_STR(k, v)  ((struct log_field){.key = (k), .kind = LOG_FIELD_TEXT, .as.text = (v)})
#define LOG_VIEW(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_VIEW, .as.view = (v)})
#define LOG_I64(k, v)                                                                              \
    ((struct log_field){.key = (k), .kind = LOG_FIELD_I64, .as.i64 = (int64_t)(v)})
#define LOG_BOOL(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_BOOL, .as.flag = (v)})
#define LOG_DOUBLE(k, v)                                                                           \
    ((struct log_field){.key = (k), .kind = LOG_FIELD_DOUBLE, .as.number = (v)})
#define LOG_ERR(e) ((struct log_field){.key = "", .kind = LOG_FIELD_ERR, .as.err = (e)})
#define LOG_END    ((struct log_field){.key = NULL, .kind = LOG_FIELD_NONE, .as.i64 = 0})

/*
 * LOG_x(call or NULL, "constant phrase", fields...). error and warn are limited to LOG_SITE_BURST
 * lines a second per call site; what was held back is counted in a later line of that site.
 */
#define LOG_ERROR(call, ...) LOG_AT(LOG_LEVEL_ERROR, call, __VA_ARGS__)
#define LOG_WARN(call, ...)  LOG_AT(LOG_LEVEL_WARN, call, __VA_ARGS__)
#define LOG_INFO(call, ...)  LOG_AT(LOG_LEVEL_INFO, call, __VA_ARGS__)
#define LOG_DEBUG(call, ...) LOG_AT(LOG_LEVEL_DEBUG, call, __VA_ARGS__)

#define LOG_SITE_BURST 10
#define LOG_LINE_BYTES 4096

/* One per LOG_x in the source; its fields belong to libs/log. */
struct log_site {
    const char *msg; /* of the first line held back */
    enum log_level level;
    int64_t window_mono_us; /* start of the current second */
    int64_t lines;          /* written in it */
    int64_t suppressed;     /* held back and not yet reported */
    struct log_site *next;
    bool is_listed;
};

#define LOG_AT(level, call, ...)                                                                   \
    do {                                                                                           \
        static struct log_site log_site_;                                                          \
        if (log_is_on(level))                                                                      \
            log_write(&log_site_, (level), (call), __VA_ARGS__, LOG_END);                          \
    } while (0)

/* Behind the macros: fields are struct log_field by value, closed by LOG_END. */
void log_write(struct log_site *site, enum log_level level, const struct call *call,
               const char *msg, ...);
