/* Shared by the files of runs/. */
#pragma once

#include "runs.h"

/* Whoever waits in runs_wait looks again. Threads: any. */
void runs_wake(struct runs *runs);
