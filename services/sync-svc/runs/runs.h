/*
 * Runs: bringing a workspace in step with Twilio. Begins them (asked for, or when their time has
 * come), makes them in threads of its own, goes on with those whose process died, and keeps any two
 * of one workspace apart, however many processes there are. The record is in the database; a
 * process holds a run by a lease and an epoch, so that one that was replaced can write nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/call.h"
#include "run.h"

struct app;
struct host;
struct runs;
struct upstream;

/* Texts and objects are borrowed. */
struct runs_options {
    const struct host *host; /* with the peers of mirror.h, and the gateway */
    struct upstream *upstream;
    const char *account_sid; /* NULL: there are no credentials, and nothing is run */
    int64_t concurrency;     /* of the upstream */
    int64_t patience_ms;     /* how long a run waits for Twilio, or an owner, to come back */
    int64_t weekly_ms;       /* between full runs by themselves; 0 = never */
    int64_t reconcile_ms;    /* between light ones; 0 = never */
};

/* Never NULL. */
struct runs *runs_open(const struct runs_options *options);
/* Makes runs from now on; ends with the app: what is under way is left to the next process. */
void runs_start(struct runs *runs, struct app *app);
/* No thread may be in it. NULL is allowed. */
void runs_close(struct runs *runs);

/*
 * A new run; *out is as it is stored. Errors: those of run_store_insert (ALREADY_EXISTS
 * SYNC_RUNNING) and of the database. Whether the caller may, and the workspace can be, is the
 * caller's business.
 */
enum err_code runs_begin(struct runs *runs, struct call *call, const struct run *wanted,
                         unsigned kinds, struct run *out, struct err *err) MUST_CHECK;

/* Waits until something of a run of this process changed, or the time is over. */
void runs_wait(struct runs *runs, int64_t until_mono_us);
