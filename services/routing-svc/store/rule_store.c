#include "rule_store.h"

#include <string.h>

#include "base/clock.h"
#include "rule_json.h"
#include "rule_store_sql.h"

/* Those of a rule and of a version begin alike. */
enum rule_column {
    COL_SID,
    COL_ACCOUNT_SID,
    COL_WORKSPACE_SID,
    COL_NAME,
    COL_DESCRIPTION,
    COL_PRIORITY,
    COL_IS_ENABLED,
    COL_CONDITION,
    COL_CONDITIONS,
    COL_ACTIONS,
    COL_VALID_FROM,
    COL_VALID_UNTIL,
    COL_LABELS,
    COL_VERSION,
    COL_CREATED_AT,
    COL_UPDATED_AT,
    COL_MATCH_COUNT,
    COL_LAST_MATCHED_AT,
    COL_VERSION_CREATED_AT = COL_UPDATED_AT, /* of versions; so the next */
    COL_IS_DELETION = COL_MATCH_COUNT,
    COL_AUTHOR_SID = COL_LAST_MATCHED_AT,
    COL_AUTHOR_TYPE,
    COL_COMMENT,
};

static enum err_code from_row(const struct db_result *result, int row, struct call *call,
                              struct rule *out, struct err *err)
{
    struct str *labels = NULL;
    size_t label_count = 0;
    if (!db_get_texts(result, row, COL_LABELS, call->arena, &labels, &label_count))
        return call_no_room(err);
    *out = (struct rule){
        .sid = db_get_text(result, row, COL_SID),
        .account_sid = db_get_text(result, row, COL_ACCOUNT_SID),
        .workspace_sid = db_get_text(result, row, COL_WORKSPACE_SID),
        .name = db_get_text(result, row, COL_NAME),
        .description = db_get_text(result, row, COL_DESCRIPTION),
        .priority = db_get_i64(result, row, COL_PRIORITY),
        .is_enabled = db_get_bool(result, row, COL_IS_ENABLED),
        .condition = db_get_text(result, row, COL_CONDITION),
        .conditions = db_get_text(result, row, COL_CONDITIONS),
        .valid_from_us = db_get_time_us(result, row, COL_VALID_FROM),
        .valid_until_us = db_get_time_us(result, row, COL_VALID_UNTIL),
        .labels = labels,
        .label_count = label_count,
        .version = db_get_i64(result, row, COL_VERSION),
        .created_at_us = db_get_time_us(result, row, COL_CREATED_AT),
        .updated_at_us = db_get_time_us(result, row, COL_UPDATED_AT),
    };
    return rule_actions_read(call->arena, db_get_text(result, row, COL_ACTIONS), out, err);
}

static enum err_code from_rule_row(const struct db_result *result, int row, struct call *call,
                                   struct rule *out, struct err *err)
{
    enum err_code code = from_row(result, row, call, out, err);
    if (code != ERR_OK)
        return code;
    out->match_count = db_get_i64(result, row, COL_MATCH_COUNT);
    out->last_matched_at_us = db_get_time_us(result, row, COL_LAST_MATCHED_AT);
    return ERR_OK;
}

static enum err_code explain(enum err_code code, const struct rule *rule, struct err *err)
{
    if (code == ERR_ALREADY_EXISTS && db_err_is_constraint(err, "rule_name"))
        return ERR_FIELD(err, ERR_ALREADY_EXISTS, "RULE_NAME_TAKEN", "name",
                         "a rule named \"%s\" exists already; choose another name", rule->name);
    return code;
}

/* Of our own: what a list may ask for. */
static struct str *targets_of(struct call *call, const struct rule *rule, size_t *out_count)
{
    struct str *targets = ARENA_ARRAY(call->arena, struct str, rule->action_count);
    size_t count = 0;
    for (size_t i = 0; targets != NULL && i < rule->action_count; i++) {
        if (rule_action_has_our_target(rule->actions[i].type))
            targets[count++] = rule->actions[i].target;
    }
    *out_count = count;
    return targets;
}

static const char *author_type(const char *actor_sid)
{
    static const struct {
        const char *prefix;
        const char *type;
    } types[] = {
        {"US",       "user"   },
        {"TK",       "token"  },
        {"WK",       "worker" },
        {"service:", "service"},
        {"",         "system" },
    };
    size_t i = 0;
    while (strncmp(actor_sid, types[i].prefix, strlen(types[i].prefix)) != 0)
        i++;
    return types[i].type;
}

static enum err_code insert_version(struct db_conn *conn, struct call *call,
                                    const struct rule *rule, const char *actions,
                                    const struct rule_note *note, int64_t at_us, struct err *err)
{
    return db_query(
        conn, call, &rule_version_insert,
        DB_PARAMS(db_cstr(rule->sid), db_i64(rule->version), db_cstr(rule->workspace_sid),
                  db_cstr(rule->account_sid), db_cstr(rule->name), db_cstr(rule->description),
                  db_i64(rule->priority), db_bool(rule->is_enabled), db_cstr(rule->condition),
                  db_cstr(rule->conditions), db_json(str_from(actions)),
                  db_time_us_or_null(rule->valid_from_us), db_time_us_or_null(rule->valid_until_us),
                  db_texts(rule->labels, rule->label_count), db_time_us(rule->created_at_us),
                  db_time_us(at_us), db_bool(note->is_deletion), db_cstr(call->who.actor_sid),
                  db_cstr(author_type(call->who.actor_sid)), db_cstr(note->comment)),
        NULL, err);
}

enum err_code rule_store_insert(struct db_conn *conn, struct call *call, struct rule *rule,
                                const struct rule_note *note, struct err *err)
{
    size_t target_count = 0;
    const char *actions = rule_actions_write(call->arena, rule);
    struct str *targets = targets_of(call, rule, &target_count);
    if (actions == NULL || targets == NULL)
        return call_no_room(err);
    rule->updated_at_us = clock_now_us();
    if (rule->version == 0)
        rule->version = 1;
    if (rule->created_at_us == 0)
        rule->created_at_us = rule->updated_at_us;
    enum err_code code = db_query(
        conn, call, &rule_insert,
        DB_PARAMS(db_cstr(rule->sid), db_cstr(rule->account_sid), db_cstr(rule->workspace_sid),
                  db_cstr(rule->name), db_cstr(rule->description), db_i64(rule->priority),
                  db_bool(rule->is_enabled), db_cstr(rule->condition), db_cstr(rule->conditions),
                  db_json(str_from(actions)), db_time_us_or_null(rule->valid_from_us),
                  db_time_us_or_null(rule->valid_until_us),
                  db_texts(rule->labels, rule->label_count), db_texts(targets, target_count),
                  db_i64(rule->version), db_time_us(rule->created_at_us),
                  db_time_us(rule->updated_at_us)),
        NULL, err);
    if (code != ERR_OK)
        return explain(code, rule, err);
    return insert_version(conn, call, rule, actions, note, rule->updated_at_us, err);
}

static enum err_code not_found(const char *workspace_sid, const char *sid, struct err *err)
{
    return ERR_FIELD(err, ERR_NOT_FOUND, "RULE_NOT_FOUND", "sid",
                     "there is no rule %s in workspace %s", sid, workspace_sid);
}

static enum err_code get_one(struct db_conn *conn, struct call *call, const struct db_stmt *stmt,
                             const char *workspace_sid, const char *sid, struct rule *out,
                             struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, stmt, DB_PARAMS(db_cstr(workspace_sid), db_cstr(sid)), &result, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(result) == 0)
        return not_found(workspace_sid, sid, err);
    return from_rule_row(result, 0, call, out, err);
}

enum err_code rule_store_get(struct db_conn *conn, struct call *call, const char *workspace_sid,
                             const char *sid, struct rule *out, struct err *err)
{
    return get_one(conn, call, &rule_get, workspace_sid, sid, out, err);
}

enum err_code rule_store_lock(struct db_conn *conn, struct call *call, const char *workspace_sid,
                              const char *sid, struct rule *out, struct err *err)
{
    return get_one(conn, call, &rule_get_for_update, workspace_sid, sid, out, err);
}

struct rule_place rule_place_first(void)
{
    return (struct rule_place){.priority = INT32_MAX, .created_at_us = 0, .sid = ""};
}

enum err_code rule_store_list(struct db_conn *conn, struct call *call, const char *workspace_sid,
                              const struct rule_place *after, size_t limit,
                              const struct rule_filter *filter, struct rule **out,
                              size_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(
        conn, call, &rule_list,
        DB_PARAMS(db_cstr(workspace_sid), db_i64(-after->priority),
                  db_time_us(after->created_at_us), db_cstr(after->sid), db_i64((int64_t)limit),
                  filter->has_enabled ? db_bool(filter->is_enabled) : db_null(),
                  db_text_or_null(str_from(filter->label)),
                  db_text_or_null(str_from(filter->task_queue_sid)),
                  db_text_or_null(str_from(filter->workflow_sid))),
        &result, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(result);
    struct rule *items = ARENA_ARRAY(call->arena, struct rule, count);
    if (items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count && code == ERR_OK; i++)
        code = from_rule_row(result, (int)i, call, &items[i], err);
    *out = items;
    *out_count = count;
    return code;
}

enum err_code rule_store_update(struct db_conn *conn, struct call *call, struct rule *rule,
                                const struct rule_note *note, struct err *err)
{
    size_t target_count = 0;
    const char *actions = rule_actions_write(call->arena, rule);
    struct str *targets = targets_of(call, rule, &target_count);
    if (actions == NULL || targets == NULL)
        return call_no_room(err);
    rule->version++;
    rule->updated_at_us = clock_now_us();
    enum err_code code = db_query(
        conn, call, &rule_update,
        DB_PARAMS(db_cstr(rule->sid), db_cstr(rule->name), db_cstr(rule->description),
                  db_i64(rule->priority), db_bool(rule->is_enabled), db_cstr(rule->condition),
                  db_cstr(rule->conditions), db_json(str_from(actions)),
                  db_time_us_or_null(rule->valid_from_us), db_time_us_or_null(rule->valid_until_us),
                  db_texts(rule->labels, rule->label_count), db_texts(targets, target_count),
                  db_i64(rule->version), db_time_us(rule->updated_at_us)),
        NULL, err);
    if (code != ERR_OK)
        return explain(code, rule, err);
    return insert_version(conn, call, rule, actions, note, rule->updated_at_us, err);
}

enum err_code rule_store_delete(struct db_conn *conn, struct call *call, struct rule *rule,
                                struct err *err)
{
    const char *actions = rule_actions_write(call->arena, rule);
    if (actions == NULL)
        return call_no_room(err);
    rule->version++;
    enum err_code code =
        db_query(conn, call, &rule_delete, DB_PARAMS(db_cstr(rule->sid)), NULL, err);
    if (code != ERR_OK)
        return code;
    return insert_version(conn, call, rule, actions,
                          &(struct rule_note){.comment = "", .is_deletion = true}, clock_now_us(),
                          err);
}

enum err_code rule_store_naming(struct db_conn *conn, struct call *call, const char *workspace_sid,
                                const char *target_sid, const char **out_name, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_query(conn, call, &rule_naming, DB_PARAMS(db_cstr(workspace_sid), db_cstr(target_sid)),
                 &result, err);
    if (code == ERR_OK)
        *out_name = db_row_count(result) == 0 ? NULL : db_get_text(result, 0, 0);
    return code;
}

enum err_code rule_store_delete_all(struct db_conn *conn, struct call *call,
                                    const char *workspace_sid, struct err *err)
{
    static const struct db_stmt *const stmts[] = {&rule_delete_all, &rule_version_delete_all,
                                                  &rule_counter_delete_all,
                                                  &decision_revision_delete};
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < ARRAY_LEN(stmts) && code == ERR_OK; i++)
        code = db_query(conn, call, stmts[i], DB_PARAMS(db_cstr(workspace_sid)), NULL, err);
    return code;
}

/* ---- versions ---- */

enum err_code rule_version_store_prune(struct db_pool *pool, struct call *call,
                                       int64_t older_than_us, int64_t limit, int64_t *out_removed,
                                       struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code =
        db_pool_query(pool, call, &rule_version_prune,
                      DB_PARAMS(db_time_us(older_than_us), db_i64(limit)), &result, err);
    *out_removed = code == ERR_OK ? db_affected(result) : 0;
    return code;
}

enum err_code rule_version_store_list(struct db_conn *conn, struct call *call,
                                      const char *workspace_sid, const char *rule_sid,
                                      int64_t before, size_t limit, struct rule_version **out,
                                      size_t *out_count, struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(conn, call, &rule_version_list,
                                  DB_PARAMS(db_cstr(workspace_sid), db_cstr(rule_sid),
                                            db_i64(before), db_i64((int64_t)limit)),
                                  &result, err);
    if (code != ERR_OK)
        return code;
    size_t count = (size_t)db_row_count(result);
    struct rule_version *items = ARENA_ARRAY(call->arena, struct rule_version, count);
    if (items == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        code = from_row(result, (int)i, call, &items[i].rule, err);
        items[i].created_at_us = db_get_time_us(result, (int)i, COL_VERSION_CREATED_AT);
        items[i].is_deletion = db_get_bool(result, (int)i, COL_IS_DELETION);
        items[i].author_sid = db_get_text(result, (int)i, COL_AUTHOR_SID);
        items[i].author_type = db_get_text(result, (int)i, COL_AUTHOR_TYPE);
        items[i].comment = db_get_text(result, (int)i, COL_COMMENT);
    }
    *out = items;
    *out_count = count;
    return code;
}

enum err_code rule_version_store_get(struct db_conn *conn, struct call *call,
                                     const char *workspace_sid, const char *rule_sid,
                                     int64_t version, struct rule_version *out, struct err *err)
{
    struct rule_version *items = NULL;
    size_t count = 0;
    bool is_newest = version == 0 || version == INT64_MAX;
    enum err_code code =
        rule_version_store_list(conn, call, workspace_sid, rule_sid,
                                is_newest ? INT64_MAX : version + 1, 1, &items, &count, err);
    if (code != ERR_OK)
        return code;
    if (count == 1 && (is_newest || items[0].rule.version == version)) {
        *out = items[0];
        return ERR_OK;
    }
    if (is_newest)
        return not_found(workspace_sid, rule_sid, err);
    code = rule_version_store_get(conn, call, workspace_sid, rule_sid, 0, out, err);
    if (code != ERR_OK)
        return code;
    return ERR_FIELD(err, ERR_NOT_FOUND, "VERSION_NOT_FOUND", "version",
                     "rule %s has no version %lld; its newest is %lld", rule_sid,
                     (long long)version, (long long)out->rule.version);
}

/* ---- counters, revision ---- */

enum err_code rule_counter_store_add(struct db_conn *conn, struct call *call,
                                     const struct str *sids, const int64_t *matches,
                                     const int64_t *last_at_us, size_t count, struct err *err)
{
    return db_query(
        conn, call, &rule_counter_add,
        DB_PARAMS(db_texts(sids, count), db_i64s(matches, count), db_times_us(last_at_us, count)),
        NULL, err);
}

enum err_code decision_revision_store_get(struct db_conn *conn, struct call *call,
                                          const char *workspace_sid, struct decision_revision *out,
                                          struct err *err)
{
    struct db_result *result = NULL;
    enum err_code code = db_query(conn, call, &decision_revision_get,
                                  DB_PARAMS(db_cstr(workspace_sid)), &result, err);
    if (code != ERR_OK)
        return code;
    if (db_row_count(result) == 0)
        return ERR_FIELD(err, ERR_NOT_FOUND, "WORKSPACE_NOT_FOUND", "workspace_sid",
                         "there is no workspace %s", workspace_sid);
    *out = (struct decision_revision){
        .revision = db_get_i64(result, 0, 0),
        .account_sid = db_get_text(result, 0, 1),
        .friendly_name = db_get_text(result, 0, 2),
        .is_mirrored = db_get_bool(result, 0, 3),
    };
    return ERR_OK;
}
