#include "schedule_input.h"

#include <stdio.h>

#include "schedule_events.h"
#include "twilio/phone.h"

enum { FIELD_SIZE = 64 };

#define REGION "US" /* of numbers without a country code */

enum err_code schedule_line(struct call *call, const char *field, const char *text,
                            const char **out, struct err *err)
{
    struct phone phone;
    if (phone_parse(str_from(text), REGION, &phone) != PHONE_NUMBER)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_PHONE_NUMBER", field,
                         "%s is \"%.40s\"; it must be a phone number, as in +15125550100", field,
                         text);
    *out = arena_strdup(call->arena, phone.e164);
    return *out == NULL ? call_no_room(err) : ERR_OK;
}

static enum err_code read_lines(struct call *call, const Taskrouter__Routing__V1__Schedule *wire,
                                struct schedule *out, struct err *err)
{
    struct str *lines = ARENA_ARRAY(call->arena, struct str, wire->n_phone_numbers);
    enum err_code code = lines == NULL ? call_no_room(err) : ERR_OK;
    for (size_t i = 0; i < wire->n_phone_numbers && code == ERR_OK; i++) {
        char field[FIELD_SIZE];
        const char *line = NULL;
        (void)snprintf(field, sizeof field, "phone_numbers[%zu]", i);
        code = schedule_line(call, field, wire->phone_numbers[i], &line, err);
        lines[i] = str_from(line);
    }
    out->lines = lines;
    out->line_count = wire->n_phone_numbers;
    return code;
}

static enum err_code read_queues(struct call *call, const Taskrouter__Routing__V1__Schedule *wire,
                                 struct schedule *out, struct err *err)
{
    struct str *queues = ARENA_ARRAY(call->arena, struct str, wire->n_task_queue_sids);
    if (queues == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < wire->n_task_queue_sids; i++)
        queues[i] = str_from(wire->task_queue_sids[i]);
    out->queue_sids = queues;
    out->queue_count = wire->n_task_queue_sids;
    return ERR_OK;
}

/* A week that is missing altogether was forgotten: a closed one is written as {}. */
static enum err_code check_hours(struct call *call, const char *workspace_zone,
                                 const Taskrouter__Routing__V1__Schedule *wire, struct err *err)
{
    if (wire->weekly_schedule == NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "weekly_schedule",
                         "weeklySchedule is required; give the days that are open, as in "
                         "{\"monday\":{\"isOpen\":true,\"timeSlots\":[{\"start\":\"08:00\","
                         "\"end\":\"18:00\"}]}}");
    return schedule_wire_compile(call, wire, workspace_zone, NULL, err);
}

enum err_code schedule_input(struct call *call, const char *workspace_zone,
                             const Taskrouter__Routing__V1__Schedule *wire, struct schedule *out,
                             struct err *err)
{
    out->name = wire->name;
    out->time_zone = wire->time_zone;
    out->is_default = wire->is_default;
    if (wire->n_phone_numbers > SCHEDULE_CLAIMS_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_MANY", "phone_numbers",
                         "phoneNumbers has %zu entries; it may have at most %d",
                         wire->n_phone_numbers, SCHEDULE_CLAIMS_MAX);
    enum err_code code = check_hours(call, workspace_zone, wire, err);
    if (code == ERR_OK)
        code = schedule_hours_text(call, wire, &out->hours, err);
    if (code == ERR_OK)
        code = read_lines(call, wire, out, err);
    if (code == ERR_OK)
        code = read_queues(call, wire, out, err);
    return code == ERR_OK ? schedule_check(out, err) : code;
}
