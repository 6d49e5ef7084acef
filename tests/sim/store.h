/*
 * What the database holds of one shard, as plain tables: the rows, the log, the copies of what
 * other services own, the lease, the idempotency keys. It decides nothing. A batch is committed
 * whole or not at all (sim.c); store_load brings an engine back as tasks-svc's recovery does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/ids.h"
#include "base/map.h"
#include "engine/engine.h"

struct expr;
struct expr_field;
struct expr_record;
struct workflow_doc;

enum { STORE_MAX_CHANNELS = 16 };

/* One resource of another service as last told. What is compiled from it is the checker's. */
struct store_config {
    struct sid sid;
    struct sid workspace_sid;
    enum engine_command_kind kind; /* ENGINE_PUT_… */
    struct engine_command command; /* the last put */
    int64_t version;
    bool is_deleted;
    struct expr *target;        /* queues: compiled; NULL = nobody */
    struct expr_record *record; /* workers: attributes and built-in fields */
    struct sid moved_to;        /* workers: the activity that events say, until a newer version */
    int64_t moved_at_us;        /* knows of it */
    int64_t last_any;           /* workers: the newest offer, on any channel */
    int64_t last[STORE_MAX_CHANNELS];
    int consumed[STORE_MAX_CHANNELS]; /* counted anew from the open reservations */
    int accepted[STORE_MAX_CHANNELS];
    int open;
};

struct store_document {
    struct sid workflow_sid;
    int64_t version;
    struct str configuration;
    struct workflow_doc *doc; /* parsed when first wanted */
};

struct store_task {
    struct task_row row;
    bool is_written; /* false: only events of the batch in hand have told of it */
    bool is_purged;
    bool is_gone;
    int64_t written_version; /* of the row, for comparing with the events' last word */
    bool is_told;            /* an event of the batch in hand spoke of it */
    bool is_leaving;         /* an event said that it is deleted */
    int pending;             /* offers, counted anew with the workers */
    int accepted;
    bool is_order_off; /* order_by is ignored for its offers: all were chosen at one moment */
    struct expr_record *record;
    struct str record_text; /* what the record was made from */
};

struct store_reservation {
    struct reservation_row row;
    struct store_task *task;
    struct store_config *worker;
    int channel; /* index into channels */
    bool is_written;
    bool is_told;
};

struct store_event {
    struct sid sid;
    int64_t sequence;
    enum engine_event_type type;
    struct sid worker_sid; /* whom the router moved, to where; none = nobody */
    int64_t worker_version;
    struct sid wanted_activity_sid;
};

struct store_key {
    uint64_t key;
    struct sid subject;
};

struct store {
    struct arena *arena; /* of all texts */
    int64_t epoch;
    int64_t event_sequence;
    int64_t row_sequence;
    int64_t published; /* the relay's cursor */
    struct store_config **configs;
    size_t config_count, config_capacity;
    struct map config_map;
    struct store_document **documents;
    size_t document_count, document_capacity;
    struct store_task **tasks;
    size_t task_count, task_capacity;
    struct map task_map;
    struct store_reservation **reservations;
    size_t reservation_count, reservation_capacity;
    struct map reservation_map;
    struct worker_override_row *overrides;
    size_t override_count, override_capacity;
    struct store_event *events;
    size_t event_count, event_capacity;
    struct store_key *keys;
    size_t key_count, key_capacity;
    struct sid channels[STORE_MAX_CHANNELS];
    int channel_count;
    struct expr_field *worker_fields[4]; /* the checker's, made when first wanted */
    struct expr_field *channel_fields[STORE_MAX_CHANNELS][3];
};

void store_init(struct store *store);
void store_fini(struct store *store);

/* Makes room for one more: items is the array, size of one. */
void *store_grow(void *items, size_t count, size_t *capacity, size_t size);

/* Copies a command's texts into the arena. */
struct engine_command store_keep(struct arena *arena, const struct engine_command *command);

struct store_config *store_config(const struct store *store, const struct sid *sid);
struct store_task *store_task(const struct store *store, const struct sid *sid);
struct store_reservation *store_reservation(const struct store *store, const struct sid *sid);
const struct store_key *store_key(const struct store *store, uint64_t key);
int store_channel(struct store *store, const struct sid *sid); /* its index */

/* A config command with its version (deletions carry none of their own). False: an old word. */
bool store_config_put(struct store *store, const struct engine_command *command, int64_t version);

/* Inserts or replaces; texts are copied. */
struct store_task *store_task_put(struct store *store, const struct task_row *row);
struct store_reservation *store_reservation_put(struct store *store,
                                                const struct reservation_row *row);
void store_override_put(struct store *store, const struct worker_override_row *row);
void store_event_put(struct store *store, const struct engine_event *event);
void store_key_put(struct store *store, uint64_t key, const struct sid *subject);

/* Writes a batch's rows as they come, without looking at them (replay.c; check.c looks). */
void store_take(struct store *store, const struct engine_effects *effects);

/* Loads a fresh engine from the rows; what came due is in *out. */
void store_load(const struct store *store, struct engine *engine, int64_t now_us,
                struct engine_effects *out);

/* Whether a command is a config one, and whether it deletes. */
bool store_is_config(enum engine_command_kind kind);
bool store_is_deletion(enum engine_command_kind kind);
/* The SID that a config command is about. */
struct sid store_subject(const struct engine_command *command);
int64_t store_version(const struct engine_command *command); /* of a put */
