#include "rate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/lock.h"
#include "base/map.h"
#include "metrics/metrics.h"

enum { RATE_LOCK_RANK = 330, ACCOUNTS_MAX = 4096 };

static const struct metric_def refused_def = {
    .name = "taskrouter_gateway_rate_limited_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Requests refused because their account had made too many, by class of operation.",
    .labels = {"class"},
};

static const char *const class_names[RATE_CLASS_COUNT] = {
    [RATE_GENERAL] = "general",
    [RATE_CREATE_TASK] = "create_task",
    [RATE_TARGET_WORKERS] = "target_workers",
    [RATE_EVALUATE_TASKS] = "evaluate_tasks",
    [RATE_EVALUATE_WORKERS] = "evaluate_workers",
    [RATE_BULK_STATISTICS] = "bulk_statistics",
};

/* How long ago, in filling time, each bucket was empty; owned by the map, key is account. A bucket
 * holds (now - empty_at) * rate requests, at most the window's. */
struct buckets {
    struct sid account;
    int64_t empty_at_us[RATE_CLASS_COUNT];
};

struct rate {
    int64_t per_second[RATE_CLASS_COUNT];
    struct lock lock; /* guards what follows */
    struct map accounts;
};

struct rate *rate_new(const int64_t per_second[RATE_CLASS_COUNT])
{
    struct rate *rate = xcalloc(1, sizeof *rate);
    memcpy(rate->per_second, per_second, sizeof rate->per_second);
    lock_init(&rate->lock, "rate", RATE_LOCK_RANK);
    map_init(&rate->accounts);
    return rate;
}

static void forget(struct rate *rate)
{
    for (size_t i = 0; i < rate->accounts.count; i++)
        free(rate->accounts.entries[i].value);
    map_clear(&rate->accounts);
}

void rate_free(struct rate *rate)
{
    if (rate == NULL)
        return;
    forget(rate);
    map_fini(&rate->accounts);
    lock_fini(&rate->lock);
    free(rate);
}

/* Those of an account seen for the first time are full. */
static struct buckets *buckets_of(struct rate *rate, const char *account_sid, int64_t now_us)
{
    struct sid account = sid_from(str_from(account_sid));
    struct buckets *buckets = map_get(&rate->accounts, str_from(account.text));
    if (buckets != NULL)
        return buckets;
    if (rate->accounts.count >= ACCOUNTS_MAX)
        forget(rate);
    buckets = xcalloc(1, sizeof *buckets);
    buckets->account = account;
    for (size_t i = 0; i < RATE_CLASS_COUNT; i++)
        buckets->empty_at_us[i] = now_us - RATE_WINDOW_S * US_PER_S;
    (void)map_put(&rate->accounts, str_from(buckets->account.text), buckets);
    return buckets;
}

static int64_t filled_us(const struct buckets *buckets, enum rate_class class, int64_t now_us)
{
    int64_t us = now_us - buckets->empty_at_us[class];
    return us > RATE_WINDOW_S * US_PER_S ? RATE_WINDOW_S * US_PER_S : us;
}

/* What the bucket says if one more is taken. */
static struct rate_answer look(const struct rate *rate, const struct buckets *buckets,
                               enum rate_class class, int64_t now_us)
{
    int64_t per_second = rate->per_second[class];
    int64_t one_us = US_PER_S / per_second;
    int64_t left_us = filled_us(buckets, class, now_us) - one_us;
    struct rate_answer answer = {
        .is_limited = true,
        .is_refused = left_us < 0,
        .limit = per_second * RATE_WINDOW_S,
        .remaining = left_us < 0 ? 0 : left_us / one_us,
    };
    if (answer.is_refused)
        answer.retry_after_s = (int)((-left_us + US_PER_S - 1) / US_PER_S);
    (void)snprintf(answer.config, sizeof answer.config,
                   "%" PRId64 " per second, averaged over %d s", per_second, RATE_WINDOW_S);
    return answer;
}

static void take(const struct rate *rate, struct buckets *buckets, enum rate_class class,
                 int64_t now_us)
{
    int64_t one_us = US_PER_S / rate->per_second[class];
    buckets->empty_at_us[class] = now_us - filled_us(buckets, class, now_us) + one_us;
}

void rate_take_at(struct rate *rate, const char *account_sid, enum rate_class class,
                  int64_t now_mono_us, struct rate_answer *out)
{
    bool has_general = rate->per_second[RATE_GENERAL] > 0;
    bool has_own = class != RATE_GENERAL && rate->per_second[class] > 0;
    enum rate_class tightest = has_own ? class : RATE_GENERAL;
    *out = (struct rate_answer){0};
    if (!has_general && !has_own)
        return;
    lock_take(&rate->lock);
    struct buckets *buckets = buckets_of(rate, account_sid, now_mono_us);
    *out = look(rate, buckets, tightest, now_mono_us);
    if (has_general && has_own) {
        struct rate_answer general = look(rate, buckets, RATE_GENERAL, now_mono_us);
        bool is_tighter =
            general.is_refused == out->is_refused
                ? general.remaining < out->remaining || general.retry_after_s > out->retry_after_s
                : general.is_refused;
        if (is_tighter) {
            *out = general;
            tightest = RATE_GENERAL;
        }
    }
    if (!out->is_refused && has_general)
        take(rate, buckets, RATE_GENERAL, now_mono_us);
    if (!out->is_refused && has_own)
        take(rate, buckets, class, now_mono_us);
    lock_drop(&rate->lock);
    if (out->is_refused)
        metric_inc(METRIC_SERIES(metric_register(&refused_def), class_names[tightest]));
}

void rate_take(struct rate *rate, const char *account_sid, enum rate_class class,
               struct rate_answer *out)
{
    rate_take_at(rate, account_sid, class, clock_mono_us(), out);
}
