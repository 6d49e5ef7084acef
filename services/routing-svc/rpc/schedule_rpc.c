#include "schedule_rpc.h"

#include "base/ids.h"
#include "limit_store.h"
#include "queue_check.h"
#include "queue_copy_store.h"
#include "routing.h"
#include "rule_save.h"
#include "schedule_events.h"
#include "schedule_input.h"
#include "schedule_store.h"
#include "svc/check.h"
#include "svc/mask.h"
#include "svc/page.h"
#include "svc/repeat.h"
#include "workspace_zone.h"

#define LIST_TAG "bh"
#define QUEUES   "task_queue_sids"

typedef Taskrouter__Routing__V1__Schedule wire_schedule;

/* In the transaction: a queue whose deletion is just being learned would keep its claim. */
static enum err_code hold_queues(struct db_conn *conn, struct call *call,
                                 const struct schedule *schedule, struct err *err)
{
    bool are_all = true;
    enum err_code code =
        schedule->queue_count == 0
            ? ERR_OK
            : queue_copy_store_hold(conn, call, schedule->workspace_sid, schedule->queue_sids,
                                    schedule->queue_count, &are_all, err);
    if (code != ERR_OK || are_all)
        return code;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "QUEUE_NOT_FOUND", QUEUES,
                     "taskQueueSids names a queue that has just been deleted; leave it out");
}

/* ---- create ---- */

struct create_context {
    int64_t limit; /* of schedules in the workspace */
    struct schedule schedule;
};

static enum err_code make(struct db_conn *conn, struct call *call, void *ctx,
                          ProtobufCMessage **out_reply, struct err *err)
{
    struct create_context *create = ctx;
    enum err_code code = workspaces_hold(conn, call, create->schedule.workspace_sid, err);
    if (code == ERR_OK)
        code = limit_store_check(conn, call, ROUTING_LIMIT_SCHEDULES, create->limit,
                                 create->schedule.workspace_sid, err);
    if (code == ERR_OK)
        code = hold_queues(conn, call, &create->schedule, err);
    if (code == ERR_OK)
        code = schedule_store_insert(conn, call, &create->schedule, err);
    if (code == ERR_OK)
        code = schedule_event_append(conn, call, &create->schedule, "schedule.created", false, err);
    wire_schedule *reply = NULL;
    if (code == ERR_OK)
        code = schedule_to_wire(call, &create->schedule, &reply, err);
    if (code == ERR_OK)
        *out_reply = &reply->base;
    return code;
}

/* The request's fields as those of a schedule. */
static wire_schedule from_request(const Taskrouter__Routing__V1__CreateScheduleRequest *request)
{
    wire_schedule wire;
    taskrouter__routing__v1__schedule__init(&wire);
    wire.name = request->name;
    wire.time_zone = request->time_zone;
    wire.weekly_schedule = request->weekly_schedule;
    wire.holidays = request->holidays;
    wire.n_holidays = request->n_holidays;
    wire.special_hours = request->special_hours;
    wire.n_special_hours = request->n_special_hours;
    wire.is_default = request->is_default;
    wire.task_queue_sids = request->task_queue_sids;
    wire.n_task_queue_sids = request->n_task_queue_sids;
    wire.phone_numbers = request->phone_numbers;
    wire.n_phone_numbers = request->n_phone_numbers;
    return wire;
}

/* Hours are ours in mirrored workspaces too: Twilio has none. */
enum err_code schedule_rpc_create(void *app, struct call *call,
                                  const Taskrouter__Routing__V1__CreateScheduleRequest *request,
                                  wire_schedule **out_reply, struct err *err)
{
    struct routing *routing = app;
    struct workspace_copy workspace;
    const char *zone = "";
    enum err_code code =
        workspaces_require(&routing->workspaces, call, request->workspace_sid, &workspace, err);
    if (code != ERR_OK)
        return code;
    struct sid sid = sid_new("BH");
    wire_schedule wire = from_request(request);
    struct create_context create = {
        .limit = routing->settings->limit_schedules,
        .schedule = {.sid = sid.text,
                     .account_sid = workspace.account_sid,
                     .workspace_sid = workspace.sid},
    };
    code = workspace_zone(routing, call, workspace.sid, &zone, err);
    if (code == ERR_OK)
        code = schedule_input(call, zone, &wire, &create.schedule, err);
    if (code == ERR_OK)
        code = queue_check_sids(routing, call, workspace.sid, QUEUES, create.schedule.queue_sids,
                                create.schedule.queue_count, err);
    struct repeat repeat = {
        .method = "CreateSchedule",
        .key = request->idempotency_key,
        .request = &request->base,
        .reply_type = &taskrouter__routing__v1__schedule__descriptor,
    };
    ProtobufCMessage *reply = NULL;
    if (code == ERR_OK)
        code = repeat_tx_run(routing->host.pool, call, &repeat, make, &create, &reply, err);
    if (code != ERR_OK)
        return code;
    rule_saved(routing, workspace.sid);
    *out_reply = (wire_schedule *)(void *)reply;
    return ERR_OK;
}

/* ---- get and list ---- */

enum err_code schedule_rpc_get(void *app, struct call *call,
                               const Taskrouter__Routing__V1__GetScheduleRequest *request,
                               wire_schedule **out_reply, struct err *err)
{
    struct routing *routing = app;
    struct workspace_copy workspace;
    enum err_code code =
        workspaces_require(&routing->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "BH", err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    if (code == ERR_OK)
        code = db_acquire(routing->host.pool, call, &conn, err);
    struct schedule schedule;
    if (code == ERR_OK)
        code = schedule_store_get(conn, call, workspace.sid, request->sid, &schedule, err);
    return code == ERR_OK ? schedule_to_wire(call, &schedule, out_reply, err) : code;
}

static enum err_code fill_list(struct call *call, const struct schedule *items, size_t count,
                               size_t limit, bool is_cut,
                               Taskrouter__Routing__V1__ListSchedulesResponse **out_reply,
                               struct err *err)
{
    Taskrouter__Routing__V1__ListSchedulesResponse *reply =
        PB_NEW(call->arena, taskrouter__routing__v1__list_schedules_response);
    wire_schedule **wires = ARENA_ARRAY(call->arena, wire_schedule *, count);
    if (reply == NULL || wires == NULL)
        return call_no_room(err);
    if (count > limit || is_cut) {
        count = count > limit ? limit : count;
        reply->next_cursor = page_cursor(call->arena, LIST_TAG, items[count - 1].sid);
    }
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < count && code == ERR_OK; i++)
        code = schedule_to_wire(call, &items[i], &wires[i], err);
    reply->items = wires;
    reply->n_items = count;
    if (code == ERR_OK && arena_is_exhausted(call->arena))
        code = call_no_room(err);
    *out_reply = reply;
    return code;
}

enum err_code schedule_rpc_list(void *app, struct call *call,
                                const Taskrouter__Routing__V1__ListSchedulesRequest *request,
                                Taskrouter__Routing__V1__ListSchedulesResponse **out_reply,
                                struct err *err)
{
    struct routing *routing = app;
    struct workspace_copy workspace;
    struct page page;
    enum err_code code =
        workspaces_require(&routing->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = page_from(call->arena, LIST_TAG, request->page_size, request->cursor, &page, err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    if (code == ERR_OK)
        code = db_acquire(routing->host.pool, call, &conn, err);
    struct schedule *items = NULL;
    size_t count = 0;
    bool is_cut = false;
    if (code == ERR_OK) /* one more than the page tells whether there is a next one */
        code = schedule_store_list(conn, call, workspace.sid, page.after, (size_t)page.size + 1,
                                   &items, &count, &is_cut, err);
    return code == ERR_OK ? fill_list(call, items, count, (size_t)page.size, is_cut, out_reply, err)
                          : code;
}

/* ---- update and delete ---- */

static const char *const updatable[] = {
    "name",       "time_zone", "weekly_schedule", "holidays", "special_hours",
    "is_default", QUEUES,      "phone_numbers",
};

struct update_context {
    const Taskrouter__Routing__V1__UpdateScheduleRequest *request;
    const char *workspace_sid;
    const char *workspace_zone;
    wire_schedule *reply;
};

/* Into the schedule as it is. */
static void apply_mask(wire_schedule *wire,
                       const Taskrouter__Routing__V1__UpdateScheduleRequest *request)
{
    const wire_schedule *wanted = request->schedule;
    const Google__Protobuf__FieldMask *mask = request->update_mask;
    if (mask_has(mask, "name"))
        wire->name = wanted->name;
    if (mask_has(mask, "time_zone"))
        wire->time_zone = wanted->time_zone;
    if (mask_has(mask, "weekly_schedule"))
        wire->weekly_schedule = wanted->weekly_schedule;
    if (mask_has(mask, "holidays")) {
        wire->holidays = wanted->holidays;
        wire->n_holidays = wanted->n_holidays;
    }
    if (mask_has(mask, "special_hours")) {
        wire->special_hours = wanted->special_hours;
        wire->n_special_hours = wanted->n_special_hours;
    }
    if (mask_has(mask, "is_default"))
        wire->is_default = wanted->is_default;
    if (mask_has(mask, QUEUES)) {
        wire->task_queue_sids = wanted->task_queue_sids;
        wire->n_task_queue_sids = wanted->n_task_queue_sids;
    }
    if (mask_has(mask, "phone_numbers")) {
        wire->phone_numbers = wanted->phone_numbers;
        wire->n_phone_numbers = wanted->n_phone_numbers;
    }
}

static enum err_code update_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct update_context *update = ctx;
    const Taskrouter__Routing__V1__UpdateScheduleRequest *request = update->request;
    struct schedule schedule;
    wire_schedule *wire = NULL;
    enum err_code code = schedule_store_lock(conn, call, update->workspace_sid,
                                             request->schedule->sid, &schedule, err);
    if (code == ERR_OK)
        code = check_version(request->_expected_version_case != 0, request->expected_version,
                             schedule.version, err);
    if (code == ERR_OK)
        code = schedule_to_wire(call, &schedule, &wire, err);
    if (code != ERR_OK)
        return code;
    apply_mask(wire, request);
    code = schedule_input(call, update->workspace_zone, wire, &schedule, err);
    if (code == ERR_OK && mask_has(request->update_mask, QUEUES))
        code = hold_queues(conn, call, &schedule, err);
    if (code == ERR_OK)
        code = schedule_store_update(conn, call, &schedule, err);
    if (code == ERR_OK)
        code = schedule_event_append(conn, call, &schedule, "schedule.updated", false, err);
    return code == ERR_OK ? schedule_to_wire(call, &schedule, &update->reply, err) : code;
}

/* Before the transaction: others may have to be asked. */
static enum err_code check_queues(struct routing *routing, struct call *call,
                                  const char *workspace_sid, const wire_schedule *wanted,
                                  struct err *err)
{
    struct schedule schedule = {.name = "checked later", .hours = STR("")};
    struct str *sids = ARENA_ARRAY(call->arena, struct str, wanted->n_task_queue_sids);
    if (sids == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < wanted->n_task_queue_sids; i++)
        sids[i] = str_from(wanted->task_queue_sids[i]);
    schedule.queue_sids = sids;
    schedule.queue_count = wanted->n_task_queue_sids;
    enum err_code code = schedule_check(&schedule, err);
    return code == ERR_OK ? queue_check_sids(routing, call, workspace_sid, QUEUES, sids,
                                             schedule.queue_count, err)
                          : code;
}

enum err_code schedule_rpc_update(void *app, struct call *call,
                                  const Taskrouter__Routing__V1__UpdateScheduleRequest *request,
                                  wire_schedule **out_reply, struct err *err)
{
    struct routing *routing = app;
    if (request->schedule == NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "schedule",
                         "schedule is required; give it with workspace_sid and sid");
    struct workspace_copy workspace;
    enum err_code code = workspaces_require(&routing->workspaces, call,
                                            request->schedule->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->schedule->sid, "BH", err);
    if (code == ERR_OK)
        code = mask_check(request->update_mask, updatable, ARRAY_LEN(updatable), err);
    if (code == ERR_OK && mask_has(request->update_mask, QUEUES))
        code = check_queues(routing, call, workspace.sid, request->schedule, err);
    struct update_context update = {.request = request, .workspace_sid = workspace.sid};
    if (code == ERR_OK)
        code = workspace_zone(routing, call, workspace.sid, &update.workspace_zone, err);
    if (code == ERR_OK)
        code = db_tx_run(routing->host.pool, call, update_tx, &update, err);
    if (code != ERR_OK)
        return code;
    rule_saved(routing, workspace.sid);
    *out_reply = update.reply;
    return ERR_OK;
}

struct delete_context {
    const Taskrouter__Routing__V1__DeleteScheduleRequest *request;
    const char *workspace_sid;
};

static enum err_code delete_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    const struct delete_context *removal = ctx;
    struct schedule schedule;
    enum err_code code = schedule_store_lock(conn, call, removal->workspace_sid,
                                             removal->request->sid, &schedule, err);
    if (code == ERR_OK)
        code = check_version(removal->request->_expected_version_case != 0,
                             removal->request->expected_version, schedule.version, err);
    if (code == ERR_OK)
        code = schedule_store_delete(conn, call, schedule.sid, err);
    if (code != ERR_OK)
        return code;
    schedule.version++; /* newer than every event before */
    return schedule_event_append(conn, call, &schedule, "schedule.deleted", true, err);
}

enum err_code schedule_rpc_delete(void *app, struct call *call,
                                  const Taskrouter__Routing__V1__DeleteScheduleRequest *request,
                                  Google__Protobuf__Empty **out_reply, struct err *err)
{
    (void)out_reply; /* empty */
    struct routing *routing = app;
    struct workspace_copy workspace;
    enum err_code code =
        workspaces_require(&routing->workspaces, call, request->workspace_sid, &workspace, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "BH", err);
    struct delete_context removal = {request, workspace.sid};
    if (code == ERR_OK)
        code = db_tx_run(routing->host.pool, call, delete_tx, &removal, err);
    if (code == ERR_OK)
        rule_saved(routing, workspace.sid);
    return code;
}
