#include "schedule_events.h"

#include "pbjson/pbjson.h"
#include "routing.h"
#include "rpc/pb.h"
#include "svc/event.h"
#include "svc/wire.h"
#include "taskrouter/events/v1/events.pb-c.h"

typedef Taskrouter__Routing__V1__Schedule wire_schedule;
typedef Taskrouter__Routing__V1__WeeklySchedule wire_week;
typedef Taskrouter__Routing__V1__TimeSlot wire_slot;

/* ---- to the wire and to text ---- */

static char **texts_to_wire(struct arena *arena, const struct str *texts, size_t count)
{
    char **wires = ARENA_ARRAY(arena, char *, count);
    for (size_t i = 0; i < count && wires != NULL; i++)
        wires[i] = arena_str_dup(arena, texts[i]);
    return wires;
}

/* What was stored was read before; newer members may have been added by a newer program. */
static enum err_code parse_hours(struct call *call, const struct schedule *schedule,
                                 wire_schedule **out, struct err *err)
{
    ProtobufCMessage *message = NULL;
    enum err_code code =
        pbjson_decode(schedule->hours, &taskrouter__routing__v1__schedule__descriptor,
                      &pbjson_event, call->arena, &message, NULL, err);
    if (code == ERR_INVALID_ARGUMENT)
        return ERR_SET(err, ERR_INTERNAL, "HOURS_UNREADABLE", "the hours of schedule %s",
                       schedule->sid);
    *out = (wire_schedule *)(void *)message;
    return code;
}

enum err_code schedule_to_wire(struct call *call, const struct schedule *schedule,
                               wire_schedule **out, struct err *err)
{
    struct arena *arena = call->arena;
    wire_schedule *wire = NULL;
    enum err_code code = parse_hours(call, schedule, &wire, err);
    if (code != ERR_OK)
        return code;
    wire->sid = wire_text(arena, schedule->sid);
    wire->account_sid = wire_text(arena, schedule->account_sid);
    wire->workspace_sid = wire_text(arena, schedule->workspace_sid);
    wire->name = wire_text(arena, schedule->name);
    wire->time_zone = wire_text(arena, schedule->time_zone);
    wire->is_default = schedule->is_default;
    wire->task_queue_sids = texts_to_wire(arena, schedule->queue_sids, schedule->queue_count);
    wire->n_task_queue_sids = schedule->queue_count;
    wire->phone_numbers = texts_to_wire(arena, schedule->lines, schedule->line_count);
    wire->n_phone_numbers = schedule->line_count;
    wire->version = schedule->version;
    wire->date_created = wire_time(arena, schedule->created_at_us);
    wire->date_updated = wire_time(arena, schedule->updated_at_us);
    if (arena_is_exhausted(arena))
        return call_no_room(err);
    *out = wire;
    return ERR_OK;
}

enum err_code schedule_hours_text(struct call *call, const wire_schedule *wire, struct str *out,
                                  struct err *err)
{
    wire_schedule hours;
    taskrouter__routing__v1__schedule__init(&hours);
    hours.weekly_schedule = wire->weekly_schedule;
    hours.holidays = wire->holidays;
    hours.n_holidays = wire->n_holidays;
    hours.special_hours = wire->special_hours;
    hours.n_special_hours = wire->n_special_hours;
    return pbjson_text(&hours.base, &pbjson_canonical, call->arena, out, err);
}

/* ---- to what libs/hours compiles ---- */

static const struct hours_slot_def *slots_of(struct arena *arena, wire_slot *const *wires,
                                             size_t count)
{
    struct hours_slot_def *slots = ARENA_ARRAY(arena, struct hours_slot_def, count);
    for (size_t i = 0; i < count && slots != NULL; i++)
        slots[i] = (struct hours_slot_def){wires[i]->start, wires[i]->end};
    return slots;
}

static struct hours_day_def day_of(struct arena *arena,
                                   const Taskrouter__Routing__V1__DayHours *wire)
{
    if (wire == NULL)
        return (struct hours_day_def){.is_open = false};
    return (struct hours_day_def){
        .is_open = wire->is_open,
        .slots = slots_of(arena, wire->time_slots, wire->n_time_slots),
        .slot_count = wire->n_time_slots,
    };
}

static struct hours_week_def week_of(struct arena *arena, const wire_week *wire)
{
    if (wire == NULL)
        return (struct hours_week_def){.days = {{.is_open = false}}};
    return (struct hours_week_def){
        .days =
            {
                   day_of(arena, wire->monday),
                   day_of(arena, wire->tuesday),
                   day_of(arena, wire->wednesday),
                   day_of(arena, wire->thursday),
                   day_of(arena, wire->friday),
                   day_of(arena, wire->saturday),
                   day_of(arena, wire->sunday),
                   },
    };
}

static const struct hours_holiday_def *holidays_of(struct arena *arena, const wire_schedule *wire)
{
    struct hours_holiday_def *holidays =
        ARENA_ARRAY(arena, struct hours_holiday_def, wire->n_holidays);
    for (size_t i = 0; i < wire->n_holidays && holidays != NULL; i++) {
        const Taskrouter__Routing__V1__Holiday *holiday = wire->holidays[i];
        holidays[i] = (struct hours_holiday_def){
            .name = holiday->name,
            .date = holiday->date,
            .day = {.is_open = holiday->is_open,
                    .slots = slots_of(arena, holiday->time_slots, holiday->n_time_slots),
                    .slot_count = holiday->n_time_slots},
        };
    }
    return holidays;
}

static const struct hours_special_def *specials_of(struct arena *arena, const wire_schedule *wire)
{
    struct hours_special_def *specials =
        ARENA_ARRAY(arena, struct hours_special_def, wire->n_special_hours);
    for (size_t i = 0; i < wire->n_special_hours && specials != NULL; i++) {
        const Taskrouter__Routing__V1__SpecialHours *special = wire->special_hours[i];
        specials[i] = (struct hours_special_def){
            .name = special->name,
            .start_date = special->start_date,
            .end_date = special->end_date,
            .week = week_of(arena, special->schedule),
        };
    }
    return specials;
}

enum err_code schedule_wire_compile(struct call *call, const wire_schedule *wire,
                                    const char *workspace_zone, struct hours_schedule **out,
                                    struct err *err)
{
    struct hours_def def = {
        .time_zone = wire->time_zone[0] != '\0' ? wire->time_zone : workspace_zone,
        .week = week_of(call->arena, wire->weekly_schedule),
        .holidays = holidays_of(call->arena, wire),
        .holiday_count = wire->n_holidays,
        .specials = specials_of(call->arena, wire),
        .special_count = wire->n_special_hours,
    };
    if (arena_is_exhausted(call->arena))
        return call_no_room(err);
    return hours_schedule_new(&def, out, err);
}

enum err_code schedule_compile(struct call *call, const struct schedule *schedule,
                               const char *workspace_zone, struct hours_schedule **out,
                               struct err *err)
{
    wire_schedule *wire = NULL;
    enum err_code code = parse_hours(call, schedule, &wire, err);
    if (code != ERR_OK)
        return code;
    wire->time_zone = arena_strdup(call->arena, schedule->time_zone);
    if (wire->time_zone == NULL)
        return call_no_room(err);
    return schedule_wire_compile(call, wire, workspace_zone, out, err);
}

/* ---- events ---- */

enum err_code schedule_event_append(struct db_conn *conn, struct call *call,
                                    const struct schedule *schedule, const char *type,
                                    bool is_deleted, struct err *err)
{
    Taskrouter__Events__V1__ScheduleEvent data;
    taskrouter__events__v1__schedule_event__init(&data);
    data.deleted = is_deleted;
    enum err_code code = schedule_to_wire(call, schedule, &data.schedule, err);
    if (code != ERR_OK)
        return code;
    return svc_event_append(conn, call,
                            &(struct svc_event){
                                .source = ROUTING_SOURCE,
                                .type = type,
                                .workspace_sid = schedule->workspace_sid,
                                .account_sid = schedule->account_sid,
                                .subject_sid = schedule->sid,
                                .version = schedule->version,
                                .data = &data.base,
                            },
                            err);
}
