#include "log/log.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"

enum {
    LOG_LOCK_RANK = 990, /* above all others: a line may be written whatever is held */
    SERVICE_SIZE = 32,
    TAIL_BYTES = 16,     /* room kept for ,"cut":true}\n */
    MIN_VALUE_BYTES = 16 /* a field is left out rather than begun with less room than this */
};

/* A line under construction. Appends past the limit are dropped and remembered. */
struct line {
    char bytes[LOG_LINE_BYTES];
    size_t len;
    bool is_cut;
};

/* The level is read by every LOG_x and changed by a reload: an atomic, like those of metrics. */
static _Atomic int current_level = LOG_LEVEL_INFO;
static _Atomic int current_fd = STDERR_FILENO;
static char service_name[SERVICE_SIZE] = "taskrouter";

/* Guards the fields of all sites and the list of those that hold something back. */
static struct lock site_lock = {
    .mutex = PTHREAD_MUTEX_INITIALIZER, .name = "log sites", .rank = LOG_LOCK_RANK};
static struct log_site *first_site;

static const char *const level_names[LOG_LEVEL_COUNT] = {"none", "error", "warn", "info", "debug"};

const char *log_level_name(enum log_level level)
{
    return level < LOG_LEVEL_COUNT ? level_names[level] : "none";
}

enum log_level log_level_from(const char *name)
{
    for (int i = LOG_LEVEL_ERROR; i < LOG_LEVEL_COUNT; i++) {
        if (name != NULL && strcmp(name, level_names[i]) == 0)
            return (enum log_level)i;
    }
    return LOG_LEVEL_NONE;
}

void log_init(const char *service, enum log_level level)
{
    (void)snprintf(service_name, sizeof service_name, "%s", service);
    log_level_set(level);
}

void log_level_set(enum log_level level)
{
    atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
}

bool log_is_on(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&current_level, memory_order_relaxed);
}

void log_fd_set(int fd)
{
    atomic_store(&current_fd, fd);
}

/* ---- Building a line ---- */

static size_t line_room(const struct line *line)
{
    return LOG_LINE_BYTES - TAIL_BYTES - line->len;
}

static bool line_put(struct line *line, const char *bytes, size_t len)
{
    if (len > line_room(line)) {
        line->is_cut = true;
        return false;
    }
    memcpy(line->bytes + line->len, bytes, len);
    line->len += len;
    return true;
}

static void line_text(struct line *line, const char *text)
{
    (void)line_put(line, text, strlen(text));
}

/* Length of the well-formed UTF-8 sequence at the front of text, or 0. */
static size_t sequence_len(struct str text)
{
    unsigned char first = (unsigned char)text.ptr[0];
    size_t len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (len > text.len || !str_is_utf8((struct str){text.ptr, len}))
        return 0;
    return len;
}

/* One character as it stands inside a JSON string: control characters of both sets and whatever is
 * not UTF-8 never reach a terminal or break a line. */
static bool line_character(struct line *line, struct str text, size_t *out_used)
{
    size_t len = sequence_len(text);
    unsigned char first = (unsigned char)text.ptr[0];
    *out_used = len == 0 ? 1 : len;
    if (len == 0)
        return line_put(line, "\\ufffd", 6);
    bool is_control = (len == 1 && (first < 0x20 || first == 0x7f)) ||
                      (len == 2 && first == 0xc2 && (unsigned char)text.ptr[1] < 0xa0);
    if (is_control) {
        static const char hex[] = "0123456789abcdef";
        unsigned code = len == 1 ? first : (unsigned char)text.ptr[1];
        char escape[6] = {'\\', 'u', '0', '0', hex[code >> 4], hex[code & 15]};
        return line_put(line, escape, sizeof escape);
    }
    if (first == '"' || first == '\\') {
        char escape[2] = {'\\', (char)first};
        return line_put(line, escape, sizeof escape);
    }
    return line_put(line, text.ptr, len);
}

/* The caller has made sure of room for both quotes; the closing one goes into the reserve. */
static void line_string(struct line *line, struct str text)
{
    line->bytes[line->len++] = '"';
    while (text.len > 0) {
        size_t used = 0;
        if (line_room(line) < 8) {
            line->is_cut = true;
            break;
        }
        if (!line_character(line, text, &used))
            break;
        text.ptr += used;
        text.len -= used;
    }
    line->bytes[line->len++] = '"';
}

/* ,"key": and room for a value; false when the field does not fit any more. Keys are ours. */
static bool line_key(struct line *line, const char *key)
{
    size_t len = strlen(key);
    if (line_room(line) < len + 4 + MIN_VALUE_BYTES) {
        line->is_cut = true;
        return false;
    }
    (void)line_put(line, ",\"", 2);
    (void)line_put(line, key, len);
    (void)line_put(line, "\":", 2);
    return true;
}

static void field_text(struct line *line, const char *key, struct str value)
{
    if (line_key(line, key))
        line_string(line, value);
}

static void field_i64(struct line *line, const char *key, int64_t value)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%lld", (long long)value);
    if (line_room(line) < strlen(digits) + MIN_VALUE_BYTES)
        line->is_cut = true;
    else if (line_key(line, key))
        line_text(line, digits);
}

static void field_double(struct line *line, const char *key, double value)
{
    char digits[32];
    (void)snprintf(digits, sizeof digits, isfinite(value) ? "%.15g" : "null", value);
    if (line_room(line) < strlen(digits) + strlen(key) + MIN_VALUE_BYTES)
        line->is_cut = true;
    else if (line_key(line, key))
        line_text(line, digits);
}

/* Paths of the build machine say nothing: from the project's root on. */
static const char *origin_of(const char *file)
{
    static const char *const roots[] = {"/tests/", "/libs/", "/services/", "/tools/"};
    for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
        const char *at = strstr(file, roots[i]);
        if (at != NULL)
            return at + 1;
    }
    return file;
}

static void field_err(struct line *line, const struct err *err)
{
    if (err == NULL)
        return;
    field_text(line, "code", str_from(err_code_name(err->code)));
    if (err->reason != NULL)
        field_text(line, "reason", str_from(err->reason));
    if (err->file != NULL) {
        char origin[160];
        (void)snprintf(origin, sizeof origin, "%s:%d", origin_of(err->file), err->line);
        field_text(line, "origin", str_from(origin));
    }
    if (err->field[0] != '\0')
        field_text(line, "field", str_from(err->field));
    field_text(line, "detail", str_from(err->detail));
}

static void field_any(struct line *line, const struct log_field *field)
{
    switch (field->kind) {
    case LOG_FIELD_NONE:
        break;
    case LOG_FIELD_TEXT:
        if (field->as.text != NULL)
            field_text(line, field->key, str_from(field->as.text));
        else if (line_key(line, field->key))
            line_text(line, "null");
        break;
    case LOG_FIELD_VIEW:
        field_text(line, field->key, field->as.view);
        break;
    case LOG_FIELD_I64:
        field_i64(line, field->key, field->as.i64);
        break;
    case LOG_FIELD_BOOL:
        if (line_key(line, field->key))
            line_text(line, field->as.flag ? "true" : "false");
        break;
    case LOG_FIELD_DOUBLE:
        field_double(line, field->key, field->as.number);
        break;
    case LOG_FIELD_ERR:
        field_err(line, field->as.err);
        break;
    }
}

static void line_begin(struct line *line, enum log_level level, const char *msg)
{
    char at[CLOCK_TEXT_SIZE];
    line->len = 0;
    line->is_cut = false;
    line_text(line, "{\"time\":\"");
    line_text(line, clock_format_us(clock_now_us(), at));
    line_text(line, "\",\"level\":\"");
    line_text(line, log_level_name(level));
    line_text(line, "\"");
    field_text(line, "service", str_from(service_name));
    field_text(line, "msg", str_from(msg));
}

/* One write: lines of several threads and processes do not mix in a pipe (at most PIPE_BUF). A
 * failure has nowhere to be reported. */
static void line_end(struct line *line)
{
    static const char cut[] = ",\"cut\":true}\n";
    const char *tail = line->is_cut ? cut : "}\n";
    size_t tail_len = strlen(tail);
    memcpy(line->bytes + line->len, tail, tail_len);
    line->len += tail_len;
    ssize_t written = 0;
    do {
        written = write(atomic_load(&current_fd), line->bytes, line->len);
    } while (written < 0 && errno == EINTR);
}

/* ---- Holding back repeats ---- */

/* Whether this line may be written; *out_suppressed = how many before it were not. */
static bool site_admits(struct log_site *site, enum log_level level, const char *msg,
                        int64_t *out_suppressed)
{
    *out_suppressed = 0;
    if (level > LOG_LEVEL_WARN)
        return true;
    int64_t now = clock_mono_us();
    lock_take(&site_lock);
    if (now - site->window_mono_us >= US_PER_S) {
        site->window_mono_us = now;
        site->lines = 0;
    }
    bool is_admitted = site->lines < LOG_SITE_BURST;
    if (is_admitted) {
        site->lines++;
        *out_suppressed = site->suppressed;
        site->suppressed = 0;
    } else {
        site->msg = msg;
        site->level = level;
        site->suppressed++;
        if (!site->is_listed) {
            site->is_listed = true;
            site->next = first_site;
            first_site = site;
        }
    }
    lock_drop(&site_lock);
    return is_admitted;
}

/* Takes a site off the list whose second is over and which still owes a summary. */
static bool site_take_due(struct log_site *out)
{
    int64_t now = clock_mono_us();
    bool is_found = false;
    lock_take(&site_lock);
    for (struct log_site **at = &first_site; *at != NULL && !is_found;) {
        struct log_site *site = *at;
        if (now - site->window_mono_us < US_PER_S) {
            at = &site->next;
            continue;
        }
        *at = site->next;
        is_found = site->suppressed > 0;
        *out = *site;
        site->suppressed = 0;
        site->is_listed = false;
        site->next = NULL;
    }
    lock_drop(&site_lock);
    return is_found;
}

void log_tick(void)
{
    struct log_site due;
    while (site_take_due(&due)) {
        struct line line;
        line_begin(&line, due.level, due.msg);
        field_i64(&line, "suppressed", due.suppressed);
        line_end(&line);
    }
}

void log_write(struct log_site *site, enum log_level level, const struct call *call,
               const char *msg, ...)
{
    int64_t suppressed = 0;
    if (!site_admits(site, level, msg, &suppressed))
        return;
    struct line line;
    line_begin(&line, level, msg);
    if (call != NULL && call->request_id[0] != '\0')
        field_text(&line, "request_id", str_from(call->request_id));
    if (call != NULL && call->name != NULL)
        field_text(&line, "call", str_from(call->name));
    if (suppressed > 0)
        field_i64(&line, "suppressed", suppressed);
    va_list fields;
    va_start(fields, msg);
    for (;;) {
        struct log_field field = va_arg(fields, struct log_field);
        if (field.kind == LOG_FIELD_NONE)
            break;
        field_any(&line, &field);
    }
    va_end(fields);
    line_end(&line);
}
