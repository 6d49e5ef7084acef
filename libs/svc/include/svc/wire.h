/* Small conversions between wire messages and ours. Results live in the arena given. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "google/protobuf/timestamp.pb-c.h"

/* NULL when at_us is 0 (absent on the wire) or the arena is exhausted. */
Google__Protobuf__Timestamp *wire_time(struct arena *arena, int64_t at_us);

/* 0 when absent. */
int64_t wire_time_us(const Google__Protobuf__Timestamp *time);

/* A copy that is never NULL unless the arena is exhausted; for the wire's char * fields. */
char *wire_text(struct arena *arena, const char *text);
