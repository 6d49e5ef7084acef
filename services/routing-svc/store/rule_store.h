/*
 * Rows of routing rules, of their versions and counters. SQL in, domain structs out; texts live in
 * the call's arena. Every function takes a connection, so that the caller decides what is one
 * transaction.
 */
#pragma once

#include <stddef.h>

#include "base/call.h"
#include "db/db.h"
#include "rule.h"

/* Why a version is made; the author is the caller. */
struct rule_note {
    const char *comment; /* "" for none */
    bool is_deletion;
};

/* With a version of its own. Sets updated_at_us, and unless they are set (of one that comes back)
 * version and created_at_us. Errors: ALREADY_EXISTS RULE_NAME_TAKEN (name). */
enum err_code rule_store_insert(struct db_conn *conn, struct call *call, struct rule *rule,
                                const struct rule_note *note, struct err *err) MUST_CHECK;

/* Errors: NOT_FOUND RULE_NOT_FOUND. */
enum err_code rule_store_get(struct db_conn *conn, struct call *call, const char *workspace_sid,
                             const char *sid, struct rule *out, struct err *err) MUST_CHECK;
enum err_code rule_store_lock(struct db_conn *conn, struct call *call, const char *workspace_sid,
                              const char *sid, struct rule *out, struct err *err) MUST_CHECK;

/* A place in the order of evaluation. */
struct rule_place {
    int64_t priority;
    int64_t created_at_us;
    const char *sid;
};

/* Before all rules. */
struct rule_place rule_place_first(void);

struct rule_filter {
    bool has_enabled;
    bool is_enabled;
    const char *label; /* "": any; so the next */
    const char *task_queue_sid;
    const char *workflow_sid;
};

/* In the order of evaluation, those behind `after`. */
enum err_code rule_store_list(struct db_conn *conn, struct call *call, const char *workspace_sid,
                              const struct rule_place *after, size_t limit,
                              const struct rule_filter *filter, struct rule **out,
                              size_t *out_count, struct err *err) MUST_CHECK;

/* Writes all fields, counts the version up and makes one. The caller has locked the row. */
enum err_code rule_store_update(struct db_conn *conn, struct call *call, struct rule *rule,
                                const struct rule_note *note, struct err *err) MUST_CHECK;

/* Its deletion is a version too: the rule's version is counted up. */
enum err_code rule_store_delete(struct db_conn *conn, struct call *call, struct rule *rule,
                                struct err *err) MUST_CHECK;

/* The name of a rule that has the target; NULL when there is none. */
enum err_code rule_store_naming(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                const char *target_sid, const char **out_name,
                                struct err *err) MUST_CHECK;

/* Rules, versions and counters of a workspace that is gone. */
enum err_code rule_store_delete_all(struct db_conn *conn, struct call *call,
                                    const char *workspace_sid, struct err *err) MUST_CHECK;

/* Removes at most limit versions that were made before, but no version that a rule is at. */
enum err_code rule_version_store_prune(struct db_pool *pool, struct call *call,
                                       int64_t older_than_us, int64_t limit, int64_t *out_removed,
                                       struct err *err) MUST_CHECK;

/* Newest first, those before `before` (INT64_MAX: from the newest). Of a deleted rule too. */
enum err_code rule_version_store_list(struct db_conn *conn, struct call *call,
                                      const char *workspace_sid, const char *rule_sid,
                                      int64_t before, size_t limit, struct rule_version **out,
                                      size_t *out_count, struct err *err) MUST_CHECK;

/* One of them, or the newest (version 0). Errors: NOT_FOUND RULE_NOT_FOUND, VERSION_NOT_FOUND. */
enum err_code rule_version_store_get(struct db_conn *conn, struct call *call,
                                     const char *workspace_sid, const char *rule_sid,
                                     int64_t version, struct rule_version *out,
                                     struct err *err) MUST_CHECK;

/* Adds to the counters. */
enum err_code rule_counter_store_add(struct db_conn *conn, struct call *call,
                                     const struct str *sids, const int64_t *matches,
                                     const int64_t *last_at_us, size_t count,
                                     struct err *err) MUST_CHECK;

/* What a compiled copy of a workspace's rules is a copy of. */
struct decision_revision {
    int64_t revision;
    const char *account_sid;
    const char *friendly_name;
    bool is_mirrored;
};

/* Errors: NOT_FOUND WORKSPACE_NOT_FOUND. */
enum err_code decision_revision_store_get(struct db_conn *conn, struct call *call,
                                          const char *workspace_sid, struct decision_revision *out,
                                          struct err *err) MUST_CHECK;
