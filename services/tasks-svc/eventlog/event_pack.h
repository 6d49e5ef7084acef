/*
 * The events of one commit as one compact block, and back. What several events share (texts, the
 * task and the worker as of then) is stored once; SIDs take 18 bytes. Records carry their length
 * and new fields go to their end, so that older blocks stay readable. Makes no JSON: that is for
 * readers (event_store.h). Knows no SQL.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "engine/effects.h"
#include "rows.h"

/* An event of another service that comes so much later than it happened is marked, so that lists by
 * time find it; our own clock and theirs differ by less than that. */
enum { EVENT_LATE_US = 600 * 1000 * 1000 };

/* Collects the events of a batch. One per shard, used again and again. */
struct event_packer {
    struct map places; /* text -> place in the table of texts, from 1 */
    struct buf texts;
    struct buf records;
    struct buf block;
    size_t text_count;
    unsigned char *is_keyed; /* by place */
    size_t keyed_capacity;
    int64_t *keys;
    size_t key_count;
    size_t key_capacity;
    /* The last of each, because several events of a batch speak of the same. */
    const struct task_row *task;
    const struct engine_worker_ref *worker;
    uint64_t task_count;
    uint64_t worker_count;
    int64_t base_us;
    int64_t oldest_us;
    int64_t newest_us; /* of our own events */
    size_t count;
};

void event_packer_init(struct event_packer *packer);
void event_packer_fini(struct event_packer *packer);

/* Texts that are packed must live until event_pack_end. base_us: the time of the batch. */
void event_pack_begin(struct event_packer *packer, int64_t base_us);
void event_pack_own(struct event_packer *packer, const struct engine_event *event,
                    const char *actor_sid, const char *request_id);

/* Where an event came from that our engine did not decide. */
struct event_origin {
    const char *source; /* of mirror_is_source */
    const char *type;   /* also one that the engine has no name for */
    struct str extras;  /* its data as Twilio gave it, JSON object; empty: as of our own */
};

/* An event of a task that is routed elsewhere: read like our own, but not ours to decide; can be
 * looked up by its SID, too. */
void event_pack_mirrored(struct event_packer *packer, const struct engine_event *event,
                         const char *actor_sid, const char *request_id,
                         const struct event_origin *origin);

/* Another service's: seq is not looked at. */
void event_pack_foreign(struct event_packer *packer, const struct event_row *row);

/* Errors: RESOURCE_EXHAUSTED. out: views into the packer, valid until it begins anew. */
enum err_code event_pack_end(struct event_packer *packer, struct packed_events *out,
                             struct err *err) MUST_CHECK;

/* What a block can be looked up by: SIDs of workspace, task, reservation, worker, queue and
 * workflow, types, SIDs of other services' events, and this mark of late ones. */
#define EVENT_KEY_LATE "late"
int64_t event_key(struct str text);

/* One event of a block. */
struct packed_event {
    struct event_row row;           /* of our own without data and extras */
    const struct engine_event *own; /* NULL: another service's, or of before the log was packed */
    bool is_mirrored; /* own, but decided elsewhere; row.extras is what it came with, or empty */
};

/* Everything lives in the arena; the payload may go. Errors: RESOURCE_EXHAUSTED; INTERNAL
 * LOG_DAMAGED. */
enum err_code event_unpack(struct arena *arena, struct str payload, int64_t first_seq,
                           struct packed_event **out, size_t *out_count,
                           struct err *err) MUST_CHECK;
