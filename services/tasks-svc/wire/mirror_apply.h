/*
 * One observation of tasks and reservations that Twilio routes, as Mirror.Apply brings it, read
 * into rows: what the shard then lays over what is stored (shell/mirror.c). A fault of the request
 * or of its event refuses it; a fault of one item is that item's alone, which is then CONFLICTING.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "engine/rows.h"
#include "taskrouter/tasks/v1/mirror.pb-c.h"

/* Sources of events of the log that are Twilio's, and of those that we make of what we found out.
 */
#define MIRROR_SOURCE      "/twilio"
#define MIRROR_SYNC_SOURCE "/twilio-sync"

/* Any of the two. */
bool mirror_is_source(const char *source);

enum apply_item_kind {
    APPLY_ITEM_NONE,
    APPLY_ITEM_TASK,
    APPLY_ITEM_RESERVATION,
    APPLY_ITEM_VANISHED, /* of either */
    APPLY_ITEM_DELETED,  /* a task */
};

struct apply_item {
    enum apply_item_kind kind;
    struct sid sid;
    struct task_row task;
    struct reservation_row reservation;
    const char *conflict; /* why it cannot be stored; NULL: it can */
};

/* An event of Twilio. SIDs of what it is about: "" where it does not say. */
struct mirror_event {
    struct sid sid;
    const char *type;
    int64_t at_us;
    bool is_of_reservation; /* else of a task */
    struct sid task_sid;
    struct sid reservation_sid;
    struct sid worker_sid;
    struct sid queue_sid;
    struct sid workflow_sid;
    const char *actor_sid;
    const char *request_id;
    struct str data; /* as Twilio gave it: a JSON object */
};

struct mirror_apply {
    struct apply_item *items; /* tasks, reservations, vanished, deleted: in the request's order */
    size_t item_count;
    struct mirror_event *event; /* NULL: none */
    int64_t observed_at_us;
    bool is_dry_run;
    const struct err *refusal; /* of one of many, instead of all else; NULL: none */
};

/*
 * Everything is in the arena or the request, which both outlive the outcome. Rows come without
 * account_sid, which is their workspace's. Errors: INVALID_ARGUMENT; RESOURCE_EXHAUSTED.
 */
enum err_code mirror_apply_read(struct arena *arena,
                                const Taskrouter__Tasks__V1__ApplyRequest *request,
                                struct mirror_apply *out, struct err *err) MUST_CHECK;
