#include "phases.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "process.h"

#define METRIC_NAME "taskrouter_shard_phase_seconds"

enum { PAGE_BYTES = 4 << 20 };

static struct phase *phase_of(struct phases *phases, const char *name, size_t len)
{
    for (size_t i = 0; i < phases->count; i++) {
        if (strlen(phases->phases[i].name) == len &&
            strncmp(phases->phases[i].name, name, len) == 0)
            return &phases->phases[i];
    }
    if (phases->count == PHASES_MAX || len >= sizeof phases->phases[0].name)
        return NULL;
    struct phase *phase = &phases->phases[phases->count++];
    memcpy(phase->name, name, len);
    return phase;
}

/* taskrouter_shard_phase_seconds_bucket{phase="wait",le="0.0001"} 12 */
static void take_line(struct phases *phases, const char *line)
{
    const char *name = strstr(line, "phase=\"");
    const char *value = strstr(line, "} ");
    const char *end = strchr(line, '\n');
    if (name == NULL || value == NULL || end == NULL || name > end || value > end)
        return;
    name += strlen("phase=\"");
    struct phase *phase = phase_of(phases, name, strcspn(name, "\""));
    if (phase == NULL)
        return;
    const char *bound = strstr(line, "le=\"");
    if (strncmp(line, METRIC_NAME "_sum", strlen(METRIC_NAME "_sum")) == 0) {
        phase->sum_s = strtod(value + 2, NULL);
    } else if (strncmp(line, METRIC_NAME "_count", strlen(METRIC_NAME "_count")) == 0) {
        phase->count = strtoll(value + 2, NULL, 10);
    } else if (bound != NULL && bound < end && phase->bucket_count < PHASE_BUCKETS_MAX) {
        bound += strlen("le=\"");
        phase->bounds_s[phase->bucket_count] = *bound == '+' ? HUGE_VAL : strtod(bound, NULL);
        phase->counts[phase->bucket_count++] = strtoll(value + 2, NULL, 10);
    }
}

bool phases_read(const char *address, struct phases *out)
{
    memset(out, 0, sizeof *out);
    char *page = xcalloc(1, PAGE_BYTES);
    bool is_read = process_http_get(address, "/metrics", page, PAGE_BYTES) == 200;
    const char *line = is_read ? strstr(page, "\n" METRIC_NAME) : NULL;
    while (line != NULL) {
        take_line(out, line + 1);
        line = strstr(line + 1, "\n" METRIC_NAME);
    }
    free(page);
    return is_read && out->count > 0;
}

struct phase phase_since(const struct phases *before, const struct phase *phase)
{
    struct phase since = *phase;
    for (size_t i = 0; i < before->count; i++) {
        const struct phase *old = &before->phases[i];
        if (strcmp(old->name, phase->name) != 0)
            continue;
        since.sum_s -= old->sum_s;
        since.count -= old->count;
        for (size_t b = 0; b < since.bucket_count && b < old->bucket_count; b++)
            since.counts[b] -= old->counts[b];
    }
    return since;
}

double phase_quantile_ms(const struct phase *phase, double share)
{
    for (size_t i = 0; i < phase->bucket_count; i++) {
        if ((double)phase->counts[i] >= share * (double)phase->count)
            return phase->bounds_s[i] * 1000;
    }
    return 0;
}
