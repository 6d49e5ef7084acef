/*
 * Put and Vanish of an owner whose resources are few and have names: task queues, task channels,
 * workflows (workers-svc, with thousands of workers, writes in batches of its own). The order of
 * things is here, as svc/mirror.h describes it; rows, names and events are the owner's, who is
 * asked for them by the functions of struct mirror_keeper. All of one request is one transaction.
 */
#pragma once

#include "svc/mirror.h"

struct db_conn;
struct mirror_put;

/* A row as the owner has it, of whatever workspace. Texts live as long as the call. */
struct mirror_stored {
    void *row; /* the owner's, handed back to meet and vanish */
    const char *sid;
    const char *workspace_sid;
    const char *friendly_name;
    const char *name_key; /* of the name that is unique, folded; "" when it is vanished */
    bool is_vanished;
    int64_t observed_at_us;
};

/* How one kind of resource is kept. Arrays of results are in the call's arena; errors are those of
 * the database and RESOURCE_EXHAUSTED. */
struct mirror_keeper {
    struct mirror_kind kind;

    /* From the request: the owner's rows, and of each item what mirror_put_item takes. */
    enum err_code (*take_in)(struct mirror_put *put, struct call *call, struct err *err);
    enum err_code (*find)(struct db_conn *conn, struct call *call, const struct str *sids,
                          size_t count, struct mirror_stored **out, size_t *out_count,
                          struct err *err);
    /* The item is another state of that row: version, dates and what differs. */
    void (*meet)(struct mirror_put *put, size_t index, const void *row);
    /* Of each name its folded form (*out_keys NULL: they are as they came), and the SID of whoever
     * has it, "" for nobody. */
    enum err_code (*names)(struct db_conn *conn, struct call *call, const char *workspace_sid,
                           const struct str *names, size_t count, const char ***out_keys,
                           const char ***out_holders, struct err *err);
    /* Takes names away from rows that get others. */
    enum err_code (*park)(struct db_conn *conn, struct call *call, const struct str *sids,
                          size_t count, struct err *err);
    /* Row and event of a created or updated item. */
    enum err_code (*write)(struct mirror_put *put, struct db_conn *conn, struct call *call,
                           size_t index, struct err *err);
    /* Unchanged ones: their dates, and when they were observed. */
    enum err_code (*observe)(struct mirror_put *put, struct db_conn *conn, struct call *call,
                             const size_t *indexes, size_t count, struct err *err);
    /* Makes a tombstone, with its event. */
    enum err_code (*vanish)(struct db_conn *conn, struct call *call, void *row,
                            int64_t observed_at_us, struct err *err);
};

/* A Put under way; items in the order of the request. */
struct mirror_put {
    const struct mirror_keeper *keeper;
    const char *workspace_sid;
    const Google__Protobuf__Timestamp *observed_at;
    bool is_dry_run;
    size_t count;
    void *own; /* the owner's: its request, its rows */

    const struct workspace_copy *workspace; /* the rest is filled by mirror_put_run */
    int64_t observed_at_us;
    struct mirror_item *items;
    Taskrouter__Common__V1__MirrorResults *reply;
};

/* What an item of the request says of itself. problem: why it cannot be stored; NULL: it can. Texts
 * are borrowed. */
struct mirror_said {
    const char *sid;
    const char *friendly_name;
    const char *account_sid;
    const char *workspace_sid;
    const char *name; /* that is unique */
    const char *problem;
};

/* For take_in. */
void mirror_put_item(struct mirror_put *put, struct call *call, size_t index,
                     const struct mirror_said *said);

/* Errors: those of mirror_require_mirrored, mirror_check_request and the keeper. */
enum err_code mirror_put_run(struct host *host, const struct workspaces *workspaces,
                             struct call *call, struct mirror_put *put,
                             Taskrouter__Common__V1__MirrorResults **out_reply,
                             struct err *err) MUST_CHECK;

struct mirror_vanish {
    const struct mirror_keeper *const *keepers; /* of the service: by the prefix of a SID */
    size_t keeper_count;
    const char *workspace_sid;
    const Google__Protobuf__Timestamp *observed_at;
    bool is_dry_run;
    char **sids;
    size_t count;

    const struct workspace_copy *workspace; /* the rest is filled by mirror_vanish_run */
    int64_t observed_at_us;
    Taskrouter__Common__V1__MirrorResults *reply;
};

/* Errors: as mirror_put_run. */
enum err_code mirror_vanish_run(struct host *host, const struct workspaces *workspaces,
                                struct call *call, struct mirror_vanish *vanish,
                                Taskrouter__Common__V1__MirrorResults **out_reply,
                                struct err *err) MUST_CHECK;
