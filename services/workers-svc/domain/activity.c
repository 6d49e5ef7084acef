#include "activity.h"

#include "base/str.h"

enum err_code activity_check(const struct activity *activity, struct err *err)
{
    struct str name = str_from(activity->friendly_name);
    if (str_trim(name).len > 0 && str_utf8_count(name) <= ACTIVITY_NAME_MAX)
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_FRIENDLY_NAME", "friendly_name",
                     "friendlyName must have 1 to %d characters that are not all spaces",
                     ACTIVITY_NAME_MAX);
}
