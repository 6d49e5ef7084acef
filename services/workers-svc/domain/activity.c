#include "activity.h"

#include "base/name.h"
#include "base/str.h"

enum err_code activity_check(const struct activity *activity, struct err *err)
{
    struct str name = str_from(activity->friendly_name);
    if (name_is_good(name, ACTIVITY_NAME_MAX))
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_FRIENDLY_NAME", "friendly_name",
                     "friendlyName must have 1 to %d characters, not all of them spaces, none a "
                     "control character",
                     ACTIVITY_NAME_MAX);
}
