#include "flat_int.h"

#include <string.h>

#include "base/macros.h"

/* The first row that fits a name is the one it is read back as. "time" without a field is settled
 * by its value. */
const struct flat_name flat_names[] = {
    {"keyword",    "",             EXPR_SLOT_TASK,    "keywords",      true },
    {"department", "",             EXPR_SLOT_TASK,    "department",    false},
    {"priority",   "",             EXPR_SLOT_TASK,    "priority",      false},
    {"language",   "",             EXPR_SLOT_TASK,    "language",      false},
    {"skill",      "",             EXPR_SLOT_TASK,    "skills",        true },
    {"attribute",  "*",            EXPR_SLOT_TASK,    NULL,            false},
    {"phone",      "",             EXPR_SLOT_CALLER,  "phone",         false},
    {"phone",      "line",         EXPR_SLOT_LINE,    "phone",         false},
    {"customer",   "",             EXPR_SLOT_CALLER,  "customer_type", false},
    {"customer",   "*",            EXPR_SLOT_CALLER,  NULL,            false},
    {"time",       "hour",         EXPR_SLOT_TIME,    "hour",          false},
    {"time",       "time",         EXPR_SLOT_TIME,    "time",          false},
    {"time",       "weekday",      EXPR_SLOT_TIME,    "weekday",       false},
    {"time",       "day_name",     EXPR_SLOT_TIME,    "day_name",      false},
    {"time",       "minute",       EXPR_SLOT_TIME,    "minute",        false},
    {"time",       "date",         EXPR_SLOT_TIME,    "date",          false},
    {"time",       "day",          EXPR_SLOT_TIME,    "day",           false},
    {"time",       "month",        EXPR_SLOT_TIME,    "month",         false},
    {"time",       "year",         EXPR_SLOT_TIME,    "year",          false},
    {"hours",      "",             EXPR_SLOT_HOURS,   "open",          false},
    {"hours",      "open",         EXPR_SLOT_HOURS,   "open",          false},
    {"hours",      "holiday",      EXPR_SLOT_HOURS,   "holiday",       false},
    {"hours",      "holiday_name", EXPR_SLOT_HOURS,   "holiday_name",  false},
    {"queue",      "",             EXPR_SLOT_QUEUE,   "waiting",       false},
    {"queue",      "waiting",      EXPR_SLOT_QUEUE,   "waiting",       false},
    {"queue",      "longest_wait", EXPR_SLOT_QUEUE,   "longest_wait",  false},
    {"worker",     "",             EXPR_SLOT_WORKERS, "available",     false},
    {"worker",     "available",    EXPR_SLOT_WORKERS, "available",     false},
    {"worker",     "total",        EXPR_SLOT_WORKERS, "total",         false},
};
const size_t flat_name_count = ARRAY_LEN(flat_names);

const char *flat_root(enum expr_slot slot)
{
    switch (slot) {
    case EXPR_SLOT_TASK:
        return "task.attributes.";
    case EXPR_SLOT_CALLER:
        return "caller.";
    case EXPR_SLOT_LINE:
        return "line.";
    case EXPR_SLOT_TIME:
        return "time.";
    case EXPR_SLOT_HOURS:
        return "hours.";
    case EXPR_SLOT_QUEUE:
        return "queue.";
    case EXPR_SLOT_WORKERS:
        return "workers.";
    case EXPR_SLOT_TASK_INFO:
        return "task.";
    case EXPR_SLOT_WORKER:
    case EXPR_SLOT_COUNT:
        break;
    }
    return "";
}

const char *flat_weekday(struct str text)
{
    static const char *const days[] = {"monday", "tuesday",  "wednesday", "thursday",
                                       "friday", "saturday", "sunday"};
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        if (str_eq_nocase(text, str_from(days[i])))
            return days[i];
    }
    return NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool flat_clock(struct str text, char out[6])
{
    size_t hour_len = text.len == 4 ? 1 : 2;
    if (text.len < 4 || text.len > 5 || text.ptr[hour_len] != ':')
        return false;
    out[0] = '0';
    if (hour_len == 2)
        out[0] = text.ptr[0];
    out[1] = text.ptr[hour_len - 1];
    (void)memcpy(out + 2, text.ptr + hour_len, 3);
    out[5] = '\0';
    return is_digit(out[0]) && is_digit(out[1]) && is_digit(out[3]) && is_digit(out[4]) &&
           (out[0] < '2' || (out[0] == '2' && out[1] < '4')) && out[3] < '6';
}

bool flat_goes_round(const struct flat_name *name)
{
    return name->slot == EXPR_SLOT_TIME && name->path != NULL &&
           (strcmp(name->path, "hour") == 0 || strcmp(name->path, "time") == 0 ||
            strcmp(name->path, "weekday") == 0 || strcmp(name->path, "minute") == 0 ||
            strcmp(name->path, "month") == 0 || strcmp(name->path, "day") == 0);
}
