#include "run_wire.h"

#include "jx/jx.h"
#include "rpc/pb.h"
#include "svc/wire.h"

typedef Taskrouter__Common__V1__MirrorField wire_field;

static const Taskrouter__Sync__V1__RunState wire_states[RUN_STATE_COUNT] = {
    [RUN_STATE_NONE] = TASKROUTER__SYNC__V1__RUN_STATE__RUN_STATE_UNSPECIFIED,
    [RUN_STATE_RUNNING] = TASKROUTER__SYNC__V1__RUN_STATE__RUN_STATE_RUNNING,
    [RUN_STATE_CLEAN] = TASKROUTER__SYNC__V1__RUN_STATE__RUN_STATE_CLEAN,
    [RUN_STATE_PARTIAL] = TASKROUTER__SYNC__V1__RUN_STATE__RUN_STATE_PARTIAL,
    [RUN_STATE_FAILED] = TASKROUTER__SYNC__V1__RUN_STATE__RUN_STATE_FAILED,
};

static const Taskrouter__Sync__V1__KindState wire_kind_states[KIND_STATE_COUNT] = {
    [KIND_STATE_NONE] = TASKROUTER__SYNC__V1__KIND_STATE__KIND_STATE_UNSPECIFIED,
    [KIND_STATE_WAITING] = TASKROUTER__SYNC__V1__KIND_STATE__KIND_STATE_WAITING,
    [KIND_STATE_RUNNING] = TASKROUTER__SYNC__V1__KIND_STATE__KIND_STATE_RUNNING,
    [KIND_STATE_DONE] = TASKROUTER__SYNC__V1__KIND_STATE__KIND_STATE_DONE,
    [KIND_STATE_FAILED] = TASKROUTER__SYNC__V1__KIND_STATE__KIND_STATE_FAILED,
};

static Taskrouter__Sync__V1__RunKind *kind_to_wire(struct arena *arena, const struct run_kind *kind)
{
    Taskrouter__Sync__V1__RunKind *wire = PB_NEW(arena, taskrouter__sync__v1__run_kind);
    if (wire == NULL)
        return NULL;
    wire->kind = wire_text(arena, kind_name(kind->kind));
    wire->state = wire_kind_states[kind->state];
    wire->seen = kind->counts.seen;
    wire->created = kind->counts.created;
    wire->updated = kind->counts.updated;
    wire->unchanged = kind->counts.unchanged;
    wire->vanished = kind->counts.vanished;
    wire->conflicting = kind->counts.conflicting;
    wire->linked = kind->counts.linked;
    wire->error = wire_text(arena, kind->error);
    wire->date_started = wire_time(arena, kind->started_at_us);
    wire->date_ended = wire_time(arena, kind->ended_at_us);
    if (kind->total >= 0) {
        wire->_total_case = TASKROUTER__SYNC__V1__RUN_KIND___TOTAL_TOTAL;
        wire->total = kind->total;
    }
    return wire;
}

Taskrouter__Sync__V1__Run *run_to_wire(struct arena *arena, const struct run *run)
{
    Taskrouter__Sync__V1__Run *wire = PB_NEW(arena, taskrouter__sync__v1__run);
    char **kinds = ARENA_ARRAY(arena, char *, run->kind_count);
    Taskrouter__Sync__V1__RunKind **progress =
        ARENA_ARRAY(arena, Taskrouter__Sync__V1__RunKind *, run->progress_count);
    if (wire == NULL || kinds == NULL || progress == NULL)
        return NULL;
    for (size_t i = 0; i < run->kind_count; i++)
        kinds[i] = arena_str_dup(arena, run->kinds[i]);
    for (size_t i = 0; i < run->progress_count; i++)
        progress[i] = kind_to_wire(arena, &run->progress[i]);
    wire->sid = wire_text(arena, run->sid);
    wire->account_sid = wire_text(arena, run->account_sid);
    wire->workspace_sid = wire_text(arena, run->workspace_sid);
    wire->state = wire_states[run->state];
    wire->kinds = kinds;
    wire->n_kinds = run->kind_count;
    wire->dry_run = run->is_dry_run;
    wire->light = run->is_light;
    wire->cause = wire_text(arena, run->cause);
    wire->detail = wire_text(arena, run->detail);
    wire->date_started = wire_time(arena, run->started_at_us);
    wire->date_ended = wire_time(arena, run->ended_at_us);
    wire->progress = progress;
    wire->n_progress = run->progress_count;
    return arena_is_exhausted(arena) ? NULL : wire;
}

/* ---- items ---- */

static wire_field *field_to_wire(struct arena *arena, const json_t *field)
{
    wire_field *wire = PB_NEW(arena, taskrouter__common__v1__mirror_field);
    if (wire == NULL)
        return NULL;
    wire->name = wire_text(arena, jx_get_text(field, "name", ""));
    wire->ours = wire_text(arena, jx_get_text(field, "ours", ""));
    wire->theirs = wire_text(arena, jx_get_text(field, "theirs", ""));
    return wire;
}

/* What a run stored itself; anything else is left out. */
static void fields_to_wire(struct arena *arena, const char *text,
                           Taskrouter__Common__V1__MirrorResult *result)
{
    AUTO(jx_cleanup) json_t *list = NULL;
    struct err ignored = {0};
    if (jx_parse(str_from(text), NULL, &list, &ignored) != ERR_OK || !json_is_array(list))
        return;
    size_t count = json_array_size(list);
    wire_field **fields = ARENA_ARRAY(arena, wire_field *, count);
    for (size_t i = 0; i < count && fields != NULL; i++)
        fields[i] = field_to_wire(arena, json_array_get(list, i));
    result->fields = fields;
    result->n_fields = count;
}

Taskrouter__Sync__V1__RunItem *run_item_to_wire(struct arena *arena, const struct run_item *item)
{
    Taskrouter__Sync__V1__RunItem *wire = PB_NEW(arena, taskrouter__sync__v1__run_item);
    Taskrouter__Common__V1__MirrorResult *result =
        PB_NEW(arena, taskrouter__common__v1__mirror_result);
    if (wire == NULL || result == NULL)
        return NULL;
    wire->kind = wire_text(arena, kind_name(item->kind));
    wire->result = result;
    result->sid = wire_text(arena, item->sid);
    result->friendly_name = wire_text(arena, item->friendly_name);
    result->outcome = (Taskrouter__Common__V1__MirrorOutcome)item->outcome;
    result->detail = wire_text(arena, item->detail);
    fields_to_wire(arena, item->fields, result);
    return arena_is_exhausted(arena) ? NULL : wire;
}
