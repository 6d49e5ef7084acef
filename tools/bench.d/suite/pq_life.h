/*
 * The same life by hand: what PostgreSQL alone allows. Tables of our own; batches of 64 lives on
 * two connections, a commit per step (create, reserve, accept, complete), task and reservation
 * through all their states and one row per event, by binary arrays through libpq.
 */
#pragma once

#include <stdint.h>

/* Lives per second over that many milliseconds; 0 when it failed. url: of a role that may create
 * tables. *out_lives: how many it were. */
double pq_lives_per_s(const char *url, int ms, int64_t *out_lives);
