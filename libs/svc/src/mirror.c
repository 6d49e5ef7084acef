#include "svc/mirror.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/str.h"
#include "jx/jx.h"
#include "rpc/pb.h"
#include "svc/wire.h"

enum { JSON_DEPTH = 60 }; /* what jx reads at most */

/* ---- requests ---- */

enum err_code mirror_refuse(const char *workspace_sid, struct err *err)
{
    return ERR_SET(
        err, ERR_UNAVAILABLE, MIRRORED,
        "workspace %s is mirrored from Twilio: sync-svc makes its changes there and cannot be "
        "reached now; see that it runs and that TASKROUTER_GRPC_SYNC says where",
        workspace_sid);
}

enum err_code mirror_require_local(const struct workspaces *workspaces, struct call *call,
                                   const char *sid, struct workspace_copy *out, struct err *err)
{
    enum err_code code = workspaces_require(workspaces, call, sid, out, err);
    if (code == ERR_OK && out->is_mirrored)
        return mirror_refuse(sid, err);
    return code;
}

enum err_code mirror_missing(enum err_code code, bool is_mirrored, const char *option,
                             struct err *err)
{
    if (code != ERR_NOT_FOUND || !is_mirrored || err == NULL)
        return code;
    size_t len = strlen(err->detail);
    (void)snprintf(err->detail + len, sizeof err->detail - len,
                   "; if it exists at Twilio, run taskrouter sync %s", option);
    return code;
}

enum err_code mirror_check_mirrored(const char *workspace_sid, bool is_mirrored, struct err *err)
{
    if (is_mirrored)
        return ERR_OK;
    return ERR_FIELD(err, ERR_FAILED_PRECONDITION, "NOT_MIRRORED", "workspace_sid",
                     "workspace %s is routed by this suite, not by Twilio; nothing is put into it",
                     workspace_sid);
}

enum err_code mirror_require_mirrored(const struct workspaces *workspaces, struct call *call,
                                      const char *sid, struct workspace_copy *out, struct err *err)
{
    enum err_code code = workspaces_require(workspaces, call, sid, out, err);
    return code == ERR_OK ? mirror_check_mirrored(sid, out->is_mirrored, err) : code;
}

enum err_code mirror_check_request(size_t item_count,
                                   const Google__Protobuf__Timestamp *observed_at,
                                   int64_t *out_observed_at_us, struct err *err)
{
    if (item_count > MIRROR_ITEMS_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_MANY_ITEMS", "items",
                         "%zu items are too many for a request; send at most %d", item_count,
                         MIRROR_ITEMS_MAX);
    int64_t at_us = wire_time_us(observed_at);
    if (at_us <= 0)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "observed_at",
                         "observed_at is required; say when Twilio was asked");
    int64_t now_us = clock_now_us();
    *out_observed_at_us = at_us < now_us ? at_us : now_us;
    return ERR_OK;
}

/* ---- what differs ---- */

/* Whole characters only: bytes that go on a character are not counted. */
static char *cut(struct arena *arena, const char *text)
{
    struct str all = str_from(text);
    size_t len = 0;
    for (size_t chars = 0; len < all.len; len++) {
        bool begins = ((unsigned char)all.ptr[len] & 0xC0U) != 0x80U;
        if (begins && chars++ == MIRROR_TEXT_MAX)
            break;
    }
    return arena_str_dup(arena, (struct str){all.ptr, len});
}

void mirror_diff_init(struct mirror_diff *diff, struct arena *arena)
{
    *diff = (struct mirror_diff){.arena = arena};
}

static void add(struct mirror_diff *diff, const char *name, const char *ours, const char *theirs)
{
    INVARIANT(diff->count < MIRROR_FIELDS_MAX);
    Taskrouter__Common__V1__MirrorField *field =
        PB_NEW(diff->arena, taskrouter__common__v1__mirror_field);
    diff->fields[diff->count++] = field;
    if (field == NULL)
        return;
    field->name = wire_text(diff->arena, name);
    field->ours = cut(diff->arena, ours);
    field->theirs = cut(diff->arena, theirs);
}

void mirror_diff_text(struct mirror_diff *diff, const char *name, const char *ours,
                      const char *theirs)
{
    if (!str_eq(str_from(ours), str_from(theirs)))
        add(diff, name, ours, theirs);
}

void mirror_diff_i64(struct mirror_diff *diff, const char *name, int64_t ours, int64_t theirs)
{
    if (ours == theirs)
        return;
    add(diff, name, arena_printf(diff->arena, "%" PRId64, ours),
        arena_printf(diff->arena, "%" PRId64, theirs));
}

void mirror_diff_bool(struct mirror_diff *diff, const char *name, bool ours, bool theirs)
{
    if (ours != theirs)
        add(diff, name, ours ? "true" : "false", theirs ? "true" : "false");
}

bool mirror_json_eq(struct str a, struct str b)
{
    static const struct jx_limits limits = {.max_depth = JSON_DEPTH, .allows_duplicates = true};
    AUTO(jx_cleanup) json_t *left = NULL;
    AUTO(jx_cleanup) json_t *right = NULL;
    struct err err;
    return jx_parse(a, &limits, &left, &err) == ERR_OK &&
           jx_parse(b, &limits, &right, &err) == ERR_OK && json_equal(left, right) == 1;
}

void mirror_diff_json(struct mirror_diff *diff, const char *name, const char *ours,
                      const char *theirs)
{
    struct str left = str_from(ours);
    struct str right = str_from(theirs);
    if (!str_eq(left, right) && !mirror_json_eq(left, right))
        add(diff, name, ours, theirs);
}

/* ---- what is done ---- */

mirror_outcome mirror_judge_put(const struct mirror_row *row, int64_t observed_at_us,
                                const struct mirror_diff *diff)
{
    if (!row->exists)
        return MIRROR_CREATED;
    if (observed_at_us < row->observed_at_us)
        return MIRROR_STALE;
    if (row->is_vanished)
        return MIRROR_CREATED;
    return diff->count > 0 ? MIRROR_UPDATED : MIRROR_UNCHANGED;
}

mirror_outcome mirror_judge_vanish(const struct mirror_row *row, int64_t observed_at_us)
{
    if (!row->exists || row->is_vanished)
        return MIRROR_UNKNOWN;
    return observed_at_us < row->observed_at_us ? MIRROR_STALE : MIRROR_VANISHED;
}

Taskrouter__Common__V1__MirrorResult *
mirror_result(struct arena *arena, const char *sid, const char *friendly_name,
              mirror_outcome outcome, const struct mirror_diff *diff, const char *detail)
{
    Taskrouter__Common__V1__MirrorResult *result =
        PB_NEW(arena, taskrouter__common__v1__mirror_result);
    size_t count = diff == NULL ? 0 : diff->count;
    Taskrouter__Common__V1__MirrorField **fields =
        ARENA_ARRAY(arena, Taskrouter__Common__V1__MirrorField *, count);
    if (result == NULL || fields == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        fields[i] = diff->fields[i];
    result->sid = wire_text(arena, sid);
    result->friendly_name = wire_text(arena, friendly_name);
    result->outcome = outcome;
    result->fields = fields;
    result->n_fields = count;
    result->detail = wire_text(arena, detail);
    return arena_is_exhausted(arena) ? NULL : result;
}

Taskrouter__Common__V1__MirrorResults *
mirror_results(struct arena *arena, Taskrouter__Common__V1__MirrorResult **items, size_t count)
{
    Taskrouter__Common__V1__MirrorResults *results =
        PB_NEW(arena, taskrouter__common__v1__mirror_results);
    if (results == NULL || arena_is_exhausted(arena))
        return NULL;
    results->items = items;
    results->n_items = count;
    return results;
}
