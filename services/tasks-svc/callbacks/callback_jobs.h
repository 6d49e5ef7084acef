/* Callbacks that ended long ago are deleted, and those that wait are counted: jobs of app. */
#pragma once

#include <stdint.h>

#include "app/app.h"

struct db_pool;

struct callback_jobs {
    struct db_pool *pool;
    int64_t keep_ms;      /* delivered and dropped ones */
    int64_t keep_dead_ms; /* dead ones */
};

extern const struct app_job_def callback_forget_job; /* ctx: struct callback_jobs * */
extern const struct app_job_def callback_count_job;  /* likewise */
