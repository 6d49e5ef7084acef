/*
 * The folder of samples: "<type>.<n>.json", one for every form in which an event was ever
 * published. The highest n is today's; none is ever changed or deleted.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "kinds.h"

struct sample_newest {
    int number;   /* 0: there is none */
    json_t *json; /* the caller's; NULL when there is none or it is no JSON */
};

struct sample_newest sample_newest(const char *folder, const struct event_kind *kind);

void sample_path(const char *folder, const struct event_kind *kind, int number, char *out,
                 size_t out_size);

/* What the encoders give today, as a value of the caller's. */
json_t *sample_today(const struct event_kind *kind);
