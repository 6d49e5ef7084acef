#include "schedule.h"

#include "base/clock.h"
#include "base/ids.h"
#include "db/db.h"
#include "log/log.h"
#include "run_store.h"
#include "schedule_store.h"
#include "svc/host.h"

enum { KEEP_PERIOD_S = 30, AGAIN_MS = 30000 };

struct cause {
    const char *name;
    bool is_light;
    int64_t period_ms;
};

void schedule_init(struct schedule *schedule, const struct runs_options *options)
{
    *schedule = (struct schedule){.options = options};
}

/* Within five per cent of the period, so that installations do not come to Twilio together. */
static int64_t jittered_ms(int64_t period_ms)
{
    uint64_t chance = 0;
    random_bytes(&chance, sizeof chance);
    return period_ms - period_ms / 20 + (int64_t)(chance % (uint64_t)(period_ms / 10 + 1));
}

struct tick {
    const struct schedule *schedule;
    const struct cause *cause;
    const char *workspace_sid; /* NULL: nothing was due */
    bool has_begun;
};

static enum err_code begin(struct db_conn *conn, struct call *call, struct tick *tick,
                           struct err *err)
{
    struct sid sid = sid_new("SY");
    struct run run = {
        .sid = sid.text,
        .account_sid = tick->schedule->options->account_sid,
        .workspace_sid = tick->workspace_sid,
        .is_light = tick->cause->is_light,
        .cause = tick->cause->name,
    };
    enum err_code code = run_store_insert(conn, call, &run, kinds_all(tick->cause->is_light), err);
    tick->has_begun = code == ERR_OK;
    if (code != ERR_ALREADY_EXISTS)
        return code;
    err_clear(err); /* another one is under way, which nearly does for a light run */
    return ERR_OK;
}

static enum err_code tick_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct tick *tick = ctx;
    const struct cause *cause = tick->cause;
    tick->has_begun = false;
    enum err_code code = schedule_store_due(conn, call, tick->schedule->options->account_sid,
                                            cause->name, &tick->workspace_sid, err);
    if (code != ERR_OK || tick->workspace_sid == NULL)
        return code;
    code = begin(conn, call, tick, err);
    bool is_put_off = !tick->has_begun && !cause->is_light;
    if (code == ERR_OK)
        code = schedule_store_set(conn, call, tick->workspace_sid, cause->name,
                                  is_put_off ? AGAIN_MS : jittered_ms(cause->period_ms), err);
    return code;
}

static enum err_code tick_cause(const struct schedule *schedule, struct call *call,
                                const struct cause *cause, bool is_keeping, bool *out_has_begun,
                                struct err *err)
{
    const struct runs_options *options = schedule->options;
    struct tick tick = {.schedule = schedule, .cause = cause};
    enum err_code code = ERR_OK;
    if (cause->period_ms == 0)
        return ERR_OK;
    if (is_keeping)
        code = schedule_store_keep(options->host->pool, call, options->account_sid, cause->name,
                                   cause->period_ms + cause->period_ms / 10, err);
    if (code == ERR_OK)
        code = db_tx_run(options->host->pool, call, tick_tx, &tick, err);
    if (code == ERR_OK && tick.has_begun)
        *out_has_begun = true;
    return code;
}

enum err_code schedule_tick(struct schedule *schedule, struct call *call, bool *out_has_begun,
                            struct err *err)
{
    const struct runs_options *options = schedule->options;
    const struct cause causes[] = {
        {"weekly",    false, options->weekly_ms   },
        {"reconcile", true,  options->reconcile_ms},
    };
    int64_t now_us = clock_mono_us();
    bool is_keeping =
        schedule->kept_mono_us == 0 || now_us - schedule->kept_mono_us >= KEEP_PERIOD_S * US_PER_S;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < ARRAY_LEN(causes) && code == ERR_OK; i++)
        code = tick_cause(schedule, call, &causes[i], is_keeping, out_has_begun, err);
    if (code == ERR_OK && is_keeping)
        schedule->kept_mono_us = now_us;
    return code;
}
