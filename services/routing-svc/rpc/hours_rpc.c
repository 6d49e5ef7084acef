#include "hours_rpc.h"

#include "base/clock.h"
#include "hours/hours.h"
#include "routing.h"
#include "schedule_events.h"
#include "schedule_input.h"
#include "schedule_store.h"
#include "svc/check.h"
#include "svc/wire.h"
#include "workspace_zone.h"

#define AT_END_US (INT64_C(7258118400) * US_PER_S) /* 2200-01-01 */

/* Which schedule is asked, and about when. */
struct question {
    const char *workspace_sid;
    const char *schedule_sid; /* or "": the one that applies to the next two */
    const char *phone_number;
    const char *task_queue_sid;
    const Google__Protobuf__Timestamp *at;
};

struct answer {
    int64_t at_us;
    const char *sid; /* "": none, always open */
    const char *name;
    struct hours_schedule *compiled;
};

static void answer_cleanup(struct answer *answer)
{
    hours_schedule_free(answer->compiled);
}

static enum err_code read_at(const Google__Protobuf__Timestamp *at, int64_t *out_us,
                             struct err *err)
{
    *out_us = at == NULL ? clock_now_us() : wire_time_us(at);
    if (*out_us >= 0 && *out_us < AT_END_US)
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "OUT_OF_RANGE", "at",
                     "at must be a time of 1970 to 2199");
}

static enum err_code find(struct routing *routing, struct call *call,
                          const struct question *question, struct schedule *out, bool *out_found,
                          struct err *err)
{
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    const char *line = "";
    *out_found = true;
    enum err_code code = check_optional_sid("schedule_sid", question->schedule_sid, "BH", err);
    if (code == ERR_OK)
        code = check_optional_sid("task_queue_sid", question->task_queue_sid, "WQ", err);
    if (code == ERR_OK && question->phone_number[0] != '\0')
        code = schedule_line(call, "phone_number", question->phone_number, &line, err);
    if (code == ERR_OK)
        code = db_acquire(routing->host.pool, call, &conn, err);
    if (code != ERR_OK)
        return code;
    if (question->schedule_sid[0] != '\0')
        return schedule_store_get(conn, call, question->workspace_sid, question->schedule_sid, out,
                                  err);
    return schedule_store_find(conn, call, question->workspace_sid, line, question->task_queue_sid,
                               out, out_found, err);
}

/* Zones of workspaces are stored as they came; one that we do not know is nobody's request. */
static enum err_code explain_zone(enum err_code code, struct err *err)
{
    if (code == ERR_INVALID_ARGUMENT)
        err->code = ERR_FAILED_PRECONDITION;
    return code == ERR_INVALID_ARGUMENT ? ERR_FAILED_PRECONDITION : code;
}

static enum err_code answer(struct routing *routing, struct call *call, struct question *question,
                            struct answer *out, struct err *err)
{
    struct workspace_copy workspace;
    struct schedule schedule;
    bool has_schedule = false;
    const char *zone = "";
    enum err_code code =
        workspaces_require(&routing->workspaces, call, question->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = read_at(question->at, &out->at_us, err);
    if (code == ERR_OK)
        code = find(routing, call, question, &schedule, &has_schedule, err);
    if (code == ERR_OK && (!has_schedule || schedule.time_zone[0] == '\0'))
        code = workspace_zone(routing, call, workspace.sid, &zone, err);
    if (code != ERR_OK)
        return code;
    out->sid = has_schedule ? schedule.sid : "";
    out->name = has_schedule ? schedule.name : "";
    return explain_zone(has_schedule ? schedule_compile(call, &schedule, zone, &out->compiled, err)
                                     : hours_schedule_new_always(zone, &out->compiled, err),
                        err);
}

static enum err_code fill_state(struct call *call, const struct answer *answer,
                                Taskrouter__Routing__V1__HoursState **out_reply, struct err *err)
{
    struct arena *arena = call->arena;
    struct hours_state state;
    char local[HOURS_LOCAL_TEXT_SIZE];
    int64_t open_us = 0;
    int64_t close_us = 0;
    Taskrouter__Routing__V1__HoursState *reply =
        PB_NEW(arena, taskrouter__routing__v1__hours_state);
    if (reply == NULL)
        return call_no_room(err);
    hours_at(answer->compiled, answer->at_us, &state);
    hours_next(answer->compiled, answer->at_us, &open_us, &close_us);
    reply->schedule_sid = wire_text(arena, answer->sid);
    reply->schedule_name = wire_text(arena, answer->name);
    reply->time_zone = wire_text(arena, hours_zone_name(hours_schedule_zone(answer->compiled)));
    reply->local_time = wire_text(arena, hours_local_text(&state.local, local));
    reply->is_open = state.is_open;
    reply->is_holiday = state.is_holiday;
    reply->holiday_name = wire_text(arena, state.holiday_name);
    reply->special_name = wire_text(arena, state.special_name);
    reply->next_open = wire_time(arena, open_us);
    reply->next_close = wire_time(arena, close_us);
    if (arena_is_exhausted(arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

enum err_code hours_rpc_get(void *app, struct call *call,
                            const Taskrouter__Routing__V1__GetHoursRequest *request,
                            Taskrouter__Routing__V1__HoursState **out_reply, struct err *err)
{
    AUTO(answer_cleanup) struct answer found = {.compiled = NULL};
    struct question question = {request->workspace_sid, request->schedule_sid,
                                request->phone_number, request->task_queue_sid, request->at};
    enum err_code code = answer(app, call, &question, &found, err);
    return code == ERR_OK ? fill_state(call, &found, out_reply, err) : code;
}

static enum hours_due_kind kind_from_wire(Taskrouter__Routing__V1__DueKind kind)
{
    switch (kind) {
    case TASKROUTER__ROUTING__V1__DUE_KIND__DUE_KIND_VOICEMAIL:
        return HOURS_DUE_VOICEMAIL;
    case TASKROUTER__ROUTING__V1__DUE_KIND__DUE_KIND_MISSED_CALL:
        return HOURS_DUE_MISSED_CALL;
    case TASKROUTER__ROUTING__V1__DUE_KIND__DUE_KIND_TEXT:
        return HOURS_DUE_TEXT;
    case TASKROUTER__ROUTING__V1__DUE_KIND__DUE_KIND_SECONDS:
        return HOURS_DUE_SECONDS;
    default:
        return HOURS_DUE_NONE;
    }
}

enum err_code hours_rpc_due(void *app, struct call *call,
                            const Taskrouter__Routing__V1__GetDueTimeRequest *request,
                            Taskrouter__Routing__V1__DueTime **out_reply, struct err *err)
{
    AUTO(answer_cleanup) struct answer found = {.compiled = NULL};
    struct question question = {request->workspace_sid, request->schedule_sid,
                                request->phone_number, request->task_queue_sid, request->at};
    int64_t due_us = 0;
    enum err_code code = answer(app, call, &question, &found, err);
    if (code == ERR_OK)
        code = hours_due(found.compiled, kind_from_wire(request->kind), found.at_us,
                         request->seconds, &due_us, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Routing__V1__DueTime *reply =
        PB_NEW(call->arena, taskrouter__routing__v1__due_time);
    if (reply == NULL)
        return call_no_room(err);
    reply->due = wire_time(call->arena, due_us);
    reply->schedule_sid = wire_text(call->arena, found.sid);
    reply->time_zone = wire_text(call->arena, hours_zone_name(hours_schedule_zone(found.compiled)));
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}
