#include "schedule.h"

#include <stdio.h>

#include "base/name.h"
#include "base/parse.h"

enum { FIELD_SIZE = 64, LINE_DIGITS_MIN = 2, LINE_DIGITS_MAX = 15 };

struct claim_kind {
    const char *field;
    const char *shown;
    const char *what;
    const char *reason;
    bool (*is_good)(struct str value);
};

static bool is_queue_sid(struct str value)
{
    return parse_is_sid(value, "WQ");
}

/* "+" and the digits. */
static bool is_line(struct str value)
{
    if (value.len < 1 + LINE_DIGITS_MIN || value.len > 1 + LINE_DIGITS_MAX || value.ptr[0] != '+' ||
        value.ptr[1] == '0')
        return false;
    for (size_t i = 1; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return false;
    }
    return true;
}

static const struct claim_kind queue_kind = {
    .field = "task_queue_sids",
    .shown = "taskQueueSids",
    .what = "the SID of a task queue, as in WQ0123456789abcdef0123456789abcdef",
    .reason = "INVALID_SID",
    .is_good = is_queue_sid,
};

static const struct claim_kind line_kind = {
    .field = "phone_numbers",
    .shown = "phoneNumbers",
    .what = "a phone number with its country, as in +15125550100",
    .reason = "INVALID_PHONE_NUMBER",
    .is_good = is_line,
};

static enum err_code check_claims(const struct claim_kind *kind, const struct str *values,
                                  size_t count, struct err *err)
{
    if (count > SCHEDULE_CLAIMS_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_MANY", kind->field,
                         "%s has %zu entries; it may have at most %d", kind->shown, count,
                         SCHEDULE_CLAIMS_MAX);
    for (size_t i = 0; i < count; i++) {
        char field[FIELD_SIZE];
        (void)snprintf(field, sizeof field, "%s[%zu]", kind->field, i);
        if (!kind->is_good(values[i]))
            return ERR_FIELD(err, ERR_INVALID_ARGUMENT, kind->reason, field,
                             "%s[%zu] is \"%.40s\"; it must be %s", kind->shown, i, values[i].ptr,
                             kind->what);
        for (size_t j = 0; j < i; j++) {
            if (str_eq(values[i], values[j]))
                return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "GIVEN_TWICE", field,
                                 "%s names %.*s twice; keep one of them", kind->shown,
                                 STR_ARG(values[i]));
        }
    }
    return ERR_OK;
}

enum err_code schedule_check(const struct schedule *schedule, struct err *err)
{
    if (!name_is_good(str_from(schedule->name), SCHEDULE_NAME_MAX))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_NAME", "name",
                         "name must have 1 to %d characters, not all of them spaces, none a "
                         "control character",
                         SCHEDULE_NAME_MAX);
    if (schedule->hours.len > SCHEDULE_HOURS_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_LONG", "special_hours",
                         "weeklySchedule, holidays and specialHours have %zu bytes together; they "
                         "may have at most %d",
                         schedule->hours.len, SCHEDULE_HOURS_MAX);
    enum err_code code =
        check_claims(&queue_kind, schedule->queue_sids, schedule->queue_count, err);
    return code == ERR_OK ? check_claims(&line_kind, schedule->lines, schedule->line_count, err)
                          : code;
}
