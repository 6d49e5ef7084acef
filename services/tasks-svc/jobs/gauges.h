/* Gauges that are counted in the database now and then, and the clean-up of old keys: jobs of app.
 */
#pragma once

#include "app/app.h"

struct db_pool;

extern const struct app_job_def gauges_job;    /* ctx: struct db_pool * */
extern const struct app_job_def key_prune_job; /* ctx: struct db_pool * */
