#include "metrics/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/lock.h"
#include "base/macros.h"
#include "metrics_int.h"

enum { LABEL_VALUE_BYTES = 127 };

static const int64_t us_bounds[METRIC_BOUNDS] = {
    100,     250,      500,      1000,     2500,      5000,      10000,
    25000,   50000,    100000,   250000,   500000,    1000000,   2500000,
    5000000, 10000000, 30000000, 60000000, 300000000, 900000000, 3600000000};
static const int64_t plain_bounds[METRIC_BOUNDS] = {
    1,    2,    4,    8,     16,    32,    64,     128,    256,    512,    1024,
    2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144, 524288, 1048576};

/* Two locks, because callbacks take locks of the modules that own the values (any rank between),
 * while metric_series may be called by whoever holds one of those. */
static struct lock callback_lock = {
    .mutex = PTHREAD_MUTEX_INITIALIZER, .name = "metric callbacks", .rank = METRICS_RANK_CALLBACKS};
static struct lock registry_lock = {
    .mutex = PTHREAD_MUTEX_INITIALIZER, .name = "metrics", .rank = METRICS_RANK_REGISTRY};
static struct metric *first_metric;
static struct metric_callback *first_callback;

const int64_t *metric_bounds(const struct metric_def *def)
{
    return metric_is_seconds(def) ? us_bounds : plain_bounds;
}

bool metric_is_seconds(const struct metric_def *def)
{
    return strcmp(def->unit, "seconds") == 0;
}

/* ---- Registering ---- */

static bool is_name(const char *name)
{
    if (name[0] < 'a' || name[0] > 'z')
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

static bool def_is_sound(const struct metric_def *def)
{
    if (!is_name(def->name) || def->kind <= METRIC_NONE || def->kind >= METRIC_KIND_COUNT ||
        def->unit == NULL || def->help == NULL)
        return false;
    for (size_t i = 0; i < METRIC_MAX_LABELS && def->labels[i] != NULL; i++) {
        if (!is_name(def->labels[i]) || strcmp(def->labels[i], "le") == 0)
            return false;
    }
    struct str name = str_from(def->name);
    bool is_total = str_ends_with(name, STR("_total"));
    if (is_total != (def->kind == METRIC_COUNTER))
        return false;
    if (is_total)
        name.len -= strlen("_total");
    return str_ends_with(name, str_from(def->unit));
}

static bool defs_agree(const struct metric_def *a, const struct metric_def *b)
{
    if (a->kind != b->kind || strcmp(a->unit, b->unit) != 0)
        return false;
    for (size_t i = 0; i < METRIC_MAX_LABELS; i++) {
        if ((a->labels[i] == NULL) != (b->labels[i] == NULL) ||
            (a->labels[i] != NULL && strcmp(a->labels[i], b->labels[i]) != 0))
            return false;
    }
    return true;
}

static struct metric *metric_new(const struct metric_def *def)
{
    struct metric *metric = xcalloc(1, sizeof *metric);
    metric->def = def;
    map_init(&metric->by_key);
    while (metric->label_count < METRIC_MAX_LABELS && def->labels[metric->label_count] != NULL)
        metric->label_count++;
    return metric;
}

struct metric *metric_register(const struct metric_def *def)
{
    INVARIANT(def_is_sound(def));
    lock_take(&registry_lock);
    struct metric **at = &first_metric;
    while (*at != NULL && strcmp((*at)->def->name, def->name) < 0)
        at = &(*at)->next;
    if (*at == NULL || strcmp((*at)->def->name, def->name) != 0) {
        struct metric *metric = metric_new(def);
        metric->next = *at;
        *at = metric;
    }
    struct metric *found = *at;
    lock_drop(&registry_lock);
    INVARIANT(defs_agree(found->def, def));
    return found;
}

/* ---- Series ---- */

/* The value as it is shown. The key is made of the same, as two series that look alike would make
 * the whole page unreadable to Prometheus. */
static struct str value_shown(const char *value)
{
    struct str text = str_from(value);
    if (text.len > LABEL_VALUE_BYTES) {
        text.len = LABEL_VALUE_BYTES;
        while (text.len > 0 && ((unsigned char)text.ptr[text.len] & 0xc0) == 0x80)
            text.len--; /* not through the middle of a character */
    }
    return str_is_utf8(text) ? text : STR("invalid");
}

static void label_escape(struct buf *out, struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c == '\n')
            buf_text(out, "\\n");
        else if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else
            buf_char(out, c);
    }
}

static char *key_of(const struct metric *metric, const char *const *values)
{
    INVARIANT(metric->label_count == 0 || values != NULL);
    struct buf key;
    buf_init(&key, 0);
    buf_text(&key, "");
    for (size_t i = 0; i < metric->label_count; i++) {
        label_escape(&key, value_shown(values[i])); /* a bare '"' divides: inside it is escaped */
        buf_char(&key, '"');
    }
    char *text = buf_take(&key);
    return text != NULL ? text : xstrdup("");
}

static char *labels_render(const struct metric *metric, const char *const *values)
{
    INVARIANT(metric->label_count == 0 || values != NULL);
    struct buf out;
    buf_init(&out, 0);
    for (size_t i = 0; i < metric->label_count; i++) {
        buf_printf(&out, "%s%s=\"", i > 0 ? "," : "", metric->def->labels[i]);
        label_escape(&out, value_shown(values[i]));
        buf_char(&out, '"');
    }
    char *text = buf_take(&out);
    return text != NULL ? text : xstrdup("");
}

/* Under the registry lock. key is taken over. */
static struct metric_series *series_new(struct metric *metric, char *key, const char *const *values)
{
    struct metric_series *series = xcalloc(1, sizeof *series);
    series->metric = metric;
    series->key = key;
    series->labels = labels_render(metric, values);
    (void)map_put(&metric->by_key, str_from(key), series);
    metric->series_count++;
    if (metric->last != NULL)
        metric->last->next = series;
    else
        metric->first = series;
    metric->last = series;
    return series;
}

/* Under the registry lock: where everything beyond the bound is counted. */
static struct metric_series *series_other(struct metric *metric)
{
    static const char *const other[METRIC_MAX_LABELS] = {"other", "other", "other", "other"};
    char *key = key_of(metric, other);
    struct metric_series *series = map_get(&metric->by_key, str_from(key));
    if (series == NULL)
        return series_new(metric, key, other);
    free(key);
    return series;
}

struct metric_series *metric_series(struct metric *metric, const char *const *values)
{
    size_t max = metric->def->max_series > 0 ? metric->def->max_series : METRIC_SERIES_PER_DEFAULT;
    char *key = key_of(metric, values);
    lock_take(&registry_lock);
    struct metric_series *series = map_get(&metric->by_key, str_from(key));
    if (series == NULL && metric->series_count >= max)
        series = series_other(metric);
    if (series == NULL)
        series = series_new(metric, TAKE(key), values);
    lock_drop(&registry_lock);
    free(key);
    return series;
}

struct metric_series *metric_single(const struct metric_def *def)
{
    static const char *const no_values[METRIC_MAX_LABELS] = {NULL};
    INVARIANT(def->labels[0] == NULL);
    return metric_series(metric_register(def), no_values);
}

/* ---- Updating ---- */

void metric_add(struct metric_series *series, int64_t n)
{
    if (series != NULL)
        atomic_fetch_add_explicit(&series->value, n, memory_order_relaxed);
}

void metric_inc(struct metric_series *series)
{
    metric_add(series, 1);
}

void metric_set(struct metric_series *series, int64_t value)
{
    if (series != NULL)
        atomic_store_explicit(&series->value, value, memory_order_relaxed);
}

int64_t metric_value(const struct metric_series *series)
{
    if (series == NULL)
        return 0;
    if (series->metric->def->kind != METRIC_HISTOGRAM)
        return atomic_load_explicit(&series->value, memory_order_relaxed);
    int64_t count = 0;
    for (size_t i = 0; i <= METRIC_BOUNDS; i++)
        count += atomic_load_explicit(&series->buckets[i], memory_order_relaxed);
    return count;
}

void metric_observe(struct metric_series *series, int64_t value)
{
    if (series == NULL)
        return;
    const int64_t *bounds = metric_bounds(series->metric->def);
    size_t low = 0;
    size_t high = METRIC_BOUNDS; /* the first bound >= value, METRIC_BOUNDS = none */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (bounds[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    atomic_fetch_add_explicit(&series->buckets[low], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&series->value, value, memory_order_relaxed);
}

void metric_observe_us(struct metric_series *series, int64_t us)
{
    metric_observe(series, us);
}

/* ---- Callbacks ---- */

void metric_callback_add(const struct metric_def *def, const char *const *values,
                         metric_callback_fn fn, void *ctx)
{
    struct metric *metric = metric_register(def);
    INVARIANT(def->kind != METRIC_HISTOGRAM);
    struct metric_callback *callback = xcalloc(1, sizeof *callback);
    callback->metric = metric;
    callback->labels = labels_render(metric, values);
    callback->fn = fn;
    callback->ctx = ctx;
    lock_take(&callback_lock);
    struct metric_callback **end = &first_callback;
    while (*end != NULL)
        end = &(*end)->next;
    *end = callback;
    lock_drop(&callback_lock);
}

void metric_callback_remove(const void *ctx)
{
    lock_take(&callback_lock);
    for (struct metric_callback **at = &first_callback; *at != NULL;) {
        struct metric_callback *callback = *at;
        if (callback->ctx != ctx) {
            at = &callback->next;
            continue;
        }
        *at = callback->next;
        free(callback->labels);
        free(callback);
    }
    lock_drop(&callback_lock);
}

/* ---- Rendering ---- */

static void sample_name(struct buf *out, const struct metric_def *def, const char *suffix,
                        const char *labels, const char *le)
{
    buf_text(out, def->name);
    buf_text(out, suffix);
    if (labels[0] == '\0' && le == NULL) {
        buf_char(out, ' ');
        return;
    }
    buf_printf(out, "{%s", labels);
    if (le != NULL)
        buf_printf(out, "%sle=\"%s\"", labels[0] != '\0' ? "," : "", le);
    buf_text(out, "} ");
}

/* Microseconds as seconds without the rounding of a double. */
static void value_render(struct buf *out, const struct metric_def *def, int64_t value)
{
    if (!metric_is_seconds(def)) {
        buf_printf(out, "%lld\n", (long long)value);
        return;
    }
    const char *sign = value < 0 ? "-" : "";
    uint64_t us = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    buf_printf(out, "%s%llu.%06llu\n", sign, (unsigned long long)(us / 1000000),
               (unsigned long long)(us % 1000000));
}

static void histogram_render(struct buf *out, const struct metric_series *series)
{
    const struct metric_def *def = series->metric->def;
    const int64_t *bounds = metric_bounds(def);
    int64_t count = 0;
    for (size_t i = 0; i <= METRIC_BOUNDS; i++) {
        char le[32] = "+Inf";
        if (i < METRIC_BOUNDS)
            (void)snprintf(le, sizeof le, "%.10g",
                           metric_is_seconds(def) ? (double)bounds[i] / 1e6 : (double)bounds[i]);
        count += atomic_load_explicit(&series->buckets[i], memory_order_relaxed);
        sample_name(out, def, "_bucket", series->labels, le);
        buf_printf(out, "%lld\n", (long long)count);
    }
    sample_name(out, def, "_sum", series->labels, NULL);
    value_render(out, def, atomic_load_explicit(&series->value, memory_order_relaxed));
    sample_name(out, def, "_count", series->labels, NULL);
    buf_printf(out, "%lld\n", (long long)count);
}

/* One sample per set of labels: several owners of the same gauge in one process are added up. */
static void callbacks_render(struct buf *out, const struct metric *metric)
{
    for (struct metric_callback *cb = first_callback; cb != NULL; cb = cb->next) {
        if (cb->metric != metric || cb->is_rendered)
            continue;
        double sum = 0;
        for (struct metric_callback *same = cb; same != NULL; same = same->next) {
            if (same->metric == metric && strcmp(same->labels, cb->labels) == 0) {
                sum += same->value;
                same->is_rendered = true;
            }
        }
        sample_name(out, metric->def, "", cb->labels, NULL);
        buf_printf(out, "%.15g\n", sum);
    }
}

static bool has_callback(const struct metric *metric)
{
    for (const struct metric_callback *cb = first_callback; cb != NULL; cb = cb->next) {
        if (cb->metric == metric)
            return true;
    }
    return false;
}

static void metric_render(struct buf *out, const struct metric *metric)
{
    static const char *const kinds[METRIC_KIND_COUNT] = {"untyped", "counter", "gauge",
                                                         "histogram"};
    if (metric->first == NULL && !has_callback(metric))
        return;
    buf_printf(out, "# HELP %s ", metric->def->name);
    for (const char *c = metric->def->help; *c != '\0'; c++) {
        if (*c == '\n' || *c == '\\')
            buf_text(out, *c == '\n' ? "\\n" : "\\\\");
        else
            buf_char(out, *c);
    }
    buf_printf(out, "\n# TYPE %s %s\n", metric->def->name, kinds[metric->def->kind]);
    for (const struct metric_series *series = metric->first; series != NULL;
         series = series->next) {
        if (metric->def->kind == METRIC_HISTOGRAM) {
            histogram_render(out, series);
            continue;
        }
        sample_name(out, metric->def, "", series->labels, NULL);
        value_render(out, metric->def, atomic_load_explicit(&series->value, memory_order_relaxed));
    }
    callbacks_render(out, metric);
}

void metrics_render(struct buf *out)
{
    lock_take(&callback_lock);
    for (struct metric_callback *cb = first_callback; cb != NULL; cb = cb->next) {
        cb->value = cb->fn(cb->ctx); /* the registry lock is not held here */
        cb->is_rendered = false;
    }
    lock_take(&registry_lock);
    for (const struct metric *metric = first_metric; metric != NULL; metric = metric->next)
        metric_render(out, metric);
    lock_drop(&registry_lock);
    lock_drop(&callback_lock);
}
