/* Gauges that are counted in the database now and then: a job of app.
 */
#pragma once

#include "app/app.h"

struct db_pool;

extern const struct app_job_def gauges_job; /* ctx: struct db_pool * */
