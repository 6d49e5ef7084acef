#include "task_channel.h"

#include <string.h>

#include "base/name.h"
#include "base/str.h"

const struct task_channel_default task_channel_defaults[TASK_CHANNEL_DEFAULT_COUNT] = {
    {"default", "Default"          },
    {"voice",   "Voice"            },
    {"chat",    "Programmable Chat"},
    {"sms",     "SMS"              },
    {"video",   "Video"            },
};

bool task_channel_is_default(const char *unique_name)
{
    for (size_t i = 0; i < TASK_CHANNEL_DEFAULT_COUNT; i++) {
        if (strcmp(unique_name, task_channel_defaults[i].unique_name) == 0)
            return true;
    }
    return false;
}

static bool is_name_character(char c, bool is_first)
{
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
    return is_letter || (!is_first && c >= '0' && c <= '9');
}

static bool is_unique_name(const char *name)
{
    for (size_t i = 0; name[i] != '\0'; i++) {
        if (!is_name_character(name[i], i == 0))
            return false;
    }
    return name[0] != '\0';
}

enum err_code task_channel_check(const struct task_channel *channel, struct err *err)
{
    struct str friendly = str_from(channel->friendly_name);
    if (!name_is_good(friendly, TASK_CHANNEL_NAME_MAX))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_FRIENDLY_NAME", "friendly_name",
                         "friendlyName must have 1 to %d characters, not all of them spaces, none "
                         "a control character",
                         TASK_CHANNEL_NAME_MAX);
    if (memchr(friendly.ptr, '-', friendly.len) != NULL)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_FRIENDLY_NAME", "friendly_name",
                         "friendlyName must not contain hyphens; use a space or an underscore");
    if (strlen(channel->unique_name) > TASK_CHANNEL_NAME_MAX ||
        !is_unique_name(channel->unique_name))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_UNIQUE_NAME", "unique_name",
                         "uniqueName must be 1 to %d letters, digits, _ or $ and not begin with a "
                         "digit",
                         TASK_CHANNEL_NAME_MAX);
    return ERR_OK;
}

static enum err_code check_mirrored_name(const char *field, const char *shown, const char *name,
                                         struct err *err)
{
    size_t chars = str_utf8_count(str_from(name));
    if (chars >= 1 && chars <= TASK_CHANNEL_MIRRORED_NAME_MAX)
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_NAME", field,
                     "%s has %zu characters; it must have 1 to %d", shown, chars,
                     TASK_CHANNEL_MIRRORED_NAME_MAX);
}

enum err_code task_channel_check_mirrored(const struct task_channel *channel, struct err *err)
{
    enum err_code code =
        check_mirrored_name("friendly_name", "friendlyName", channel->friendly_name, err);
    return code == ERR_OK
               ? check_mirrored_name("unique_name", "uniqueName", channel->unique_name, err)
               : code;
}
