/* One event as event streams send it, with what filters look at. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/str.h"

struct frame {
    uint64_t seq;
    struct str account_sid;
    struct str workspace_sid;
    struct str type;
    struct str resource_sid;
    struct str worker_sids[3]; /* workers it concerns; empty = none */
    struct str text;           /* "id: …\nevent: …\ndata: …\n\n" */
};

/* Reads an event's payload; the frame lives in the arena. Errors: as bus_event_parse. */
enum err_code frame_read(struct arena *arena, uint64_t seq, struct str payload, struct frame *out,
                         struct err *err) MUST_CHECK;

/* A copy on the heap in one block, for free(). */
struct frame *frame_dup(const struct frame *frame);
size_t frame_bytes(const struct frame *frame); /* of such a block */
