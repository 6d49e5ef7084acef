#include "user.h"

#include <string.h>

/* One @ with something on both sides and a dot behind it, no white space: more than that only the
 * mail server knows. */
bool user_is_email(struct str email)
{
    if (email.len == 0 || email.len > USER_EMAIL_MAX)
        return false;
    for (size_t i = 0; i < email.len; i++) {
        if ((unsigned char)email.ptr[i] <= ' ' || email.ptr[i] == 0x7F)
            return false;
    }
    struct str host = email;
    struct str local = str_split(&host, '@');
    return local.len > 0 && host.len > 2 && memchr(host.ptr, '@', host.len) == NULL &&
           memchr(host.ptr + 1, '.', host.len - 2) != NULL;
}

static enum err_code check_length(const char *field, const char *shown, const char *value,
                                  size_t min_chars, struct err *err)
{
    struct str text = str_from(value);
    size_t chars = str_utf8_count(text);
    if (chars <= USER_NAME_MAX && (min_chars == 0 || str_trim(text).len > 0))
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_LENGTH", field,
                     "%s must have %zu to %d characters", shown, min_chars, USER_NAME_MAX);
}

enum err_code user_check(const struct user *user, struct err *err)
{
    if (!user_is_email(str_from(user->email)))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_EMAIL", "email",
                         "email must be an address such as ann@example.com");
    enum err_code code = check_length("name", "name", user->name, 1, err);
    if (code != ERR_OK)
        return code;
    if (user->role < ROLE_VIEWER || user->role > ROLE_ADMIN)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_ROLE", "role",
                         "role must be one of: viewer, agent, supervisor, admin");
    code = check_length("department", "department", user->department, 0, err);
    if (code == ERR_OK)
        code =
            check_length("quickbase_user_id", "quickbaseUserId", user->quickbase_user_id, 0, err);
    return code;
}
