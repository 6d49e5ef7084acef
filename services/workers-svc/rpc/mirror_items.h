/*
 * One request of the service Mirror (workers/v1/mirror.proto): what all kinds of resources have in
 * common here, around the items of svc/mirror.h.
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

struct put {
    struct workers *workers;
    struct call *call;
    const char *workspace_sid; /* of the request */
    int64_t observed_at_us;
    bool is_dry_run;
    struct workspace workspace; /* filled by put_begin */
    struct mirror_item *items;
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

/* Only that: items anew, without a name. */
enum err_code put_new_items(struct put *put, struct err *err) MUST_CHECK;

/* What is stored of an item that has a name. row_workspace_sid: where, when there is a row. */
void put_found(struct put *put, struct mirror_item *item, const struct mirror_found *found,
               const char *row_workspace_sid);

/* Outcomes and details of all. Looks for those that vanished before they were known. */
enum err_code put_settle(struct put *put, struct db_conn *conn, const struct mirror_kind *kind,
                         struct err *err) MUST_CHECK;

/* After that: the SIDs of rows that get another name, which must be freed first. */
enum err_code put_renamed(const struct put *put, struct str **out_sids, size_t *out_count,
                          struct err *err) MUST_CHECK;

/* Written, or only seen again. */
bool put_is_stored(const struct mirror_item *item);

/* theirs where it is known, else ours, else when it was observed. */
int64_t put_date(const struct put *put, const Google__Protobuf__Timestamp *theirs, int64_t ours_us);

/* A copy in the call's arena. */
const char *put_detail(const struct put *put, const struct err *cause);

enum err_code put_reply(const struct put *put, Taskrouter__Common__V1__MirrorResults **out_reply,
                        struct err *err) MUST_CHECK;
