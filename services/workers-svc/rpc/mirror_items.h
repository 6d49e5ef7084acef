/*
 * One request of the service Mirror (workers/v1/mirror.proto) as it is judged item by item: what
 * all kinds of resources have in common. An item that cannot be stored becomes CONFLICTING with a
 * sentence and takes part in nothing more; the others go on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "mirror_store.h"
#include "svc/mirror.h"
#include "workspace.h"

struct workers;

#define MIRROR_OPEN TASKROUTER__COMMON__V1__MIRROR_OUTCOME__MIRROR_OUTCOME_UNSPECIFIED

struct put_item {
    const char *sid;
    const char *name;       /* shown in the result */
    mirror_outcome outcome; /* MIRROR_OPEN until judged */
    const char *detail;
    struct mirror_diff diff;
    const struct mirror_found *found; /* of kinds with names; NULL before it was looked up */
};

struct put {
    struct workers *workers;
    struct call *call;
    const char *workspace_sid; /* of the request */
    int64_t observed_at_us;
    bool is_dry_run;
    struct workspace workspace; /* filled by put_begin */
    struct put_item *items;
    size_t count;
};

/* The fields that all requests have. Errors: INVALID_ARGUMENT. */
enum err_code put_from(struct put *put, struct workers *workers, struct call *call,
                       const char *workspace_sid, size_t count,
                       const Google__Protobuf__Timestamp *observed_at, bool is_dry_run,
                       struct err *err) MUST_CHECK;

/* In the transaction: the workspace, held unless nothing is to change, and items anew. Errors:
 * those of access_workspace; NOT_MIRRORED. */
enum err_code put_begin(struct put *put, struct db_conn *conn, struct err *err) MUST_CHECK;

/* Only that: items anew. */
enum err_code put_new_items(struct put *put, struct err *err) MUST_CHECK;

void put_refuse(struct put *put, struct put_item *item, const char *format, ...) PRINTF_LIKE(3, 4);

/* The item's own SID, its account and its workspace; "" stands for the request's. */
void put_check_ids(struct put *put, size_t index, const char *prefix, const char *account_sid,
                   const char *workspace_sid);

static inline bool put_is_open(const struct put_item *item)
{
    return item->outcome == MIRROR_OPEN;
}

static inline bool put_is_change(const struct put_item *item)
{
    return item->outcome == MIRROR_CREATED || item->outcome == MIRROR_UPDATED;
}

/* By what was found and what differs. row_workspace_sid: where the row is, when there is one. */
void put_judge(struct put *put, struct put_item *item, const char *row_workspace_sid);

/* Refuses changes whose name is another row's; see svc/mirror_names.h. *out_parked: SIDs of rows
 * whose names change hands, in the arena. */
enum err_code put_resolve_names(struct put *put, struct str **out_parked, size_t *out_parked_count,
                                struct err *err) MUST_CHECK;

/* theirs where it is known, else ours, else when it was observed. */
int64_t put_date(const struct put *put, const Google__Protobuf__Timestamp *theirs, int64_t ours_us);

enum err_code put_reply(const struct put *put, Taskrouter__Common__V1__MirrorResults **out_reply,
                        struct err *err) MUST_CHECK;
