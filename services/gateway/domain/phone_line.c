#include "phone_line.h"

#include <string.h>

#include "base/macros.h"
#include "base/parse.h"

enum {
    NUMBER_DIGITS_MIN = 3, /* +911 and the like are no country's numbers, but do no harm */
    NUMBER_DIGITS_MAX = 15,
    URL_MAX = 2048,
    LANGUAGE_MAX = 35,
    TIMEOUT_MAX_S = 60,
    TRIES_MAX = 10,
};

static const char *const doing_names[LINE_DOING_COUNT] = {[LINE_NOTHING] = "",
#define X(name, text) [LINE_##name] = (text),
                                                          LINE_DOINGS(X)
#undef X
};

const char *line_doing_name(enum line_doing doing)
{
    return doing_names[doing];
}

enum line_doing line_doing_from(struct str name)
{
    for (int i = LINE_NOTHING + 1; i < LINE_DOING_COUNT; i++)
        if (str_eq_text(name, doing_names[i]))
            return (enum line_doing)i;
    return LINE_NOTHING;
}

void phone_line_defaults(struct phone_line *line)
{
    *line = (struct phone_line){
        .sid = "",
        .account_sid = "",
        .workspace_sid = "",
        .phone_number = "",
        .friendly_name = "",
        .greeting = "",
        .voicemail_greeting = "",
        .wait_music_url = "",
        .after_hours = LINE_VOICEMAIL,
        .after_hours_target = "",
        .after_hours_message = "",
        .department = "",
        .workflow_sid = "",
        .menu = {.greeting = ""},
        .language = "",
        .announce_position = true,
    };
}

/* ---- checks ---- */

static bool is_number(struct str text)
{
    if (text.len < 1 + NUMBER_DIGITS_MIN || text.len > 1 + NUMBER_DIGITS_MAX || text.ptr[0] != '+')
        return false;
    for (size_t i = 1; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || (i == 1 && text.ptr[i] == '0'))
            return false;
    return true;
}

/* Printable ASCII without spaces and what could end an attribute. */
static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~' || strchr("<>\"'", text.ptr[i]) != NULL)
            return false;
    return true;
}

bool phone_line_is_target(struct str text)
{
    if (text.len > LINE_TARGET_MAX || !is_plain(text))
        return false;
    return is_number(text) ||
           ((str_starts_with(text, STR("sip:")) || str_starts_with(text, STR("sips:"))) &&
            memchr(text.ptr, '@', text.len) != NULL);
}

bool phone_line_is_sound(struct str text)
{
    return (str_starts_with(text, STR("https://")) || str_starts_with(text, STR("http://"))) &&
           text.len > sizeof "https://" && text.len <= URL_MAX && is_plain(text);
}

static enum err_code check_said(const char *field, const char *value, size_t max, struct err *err)
{
    size_t chars = str_utf8_count(str_from(value));
    if (chars <= max)
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_LENGTH", field,
                     "%s has %zu characters; at most %zu are allowed", field, chars, max);
}

static enum err_code check_texts(const struct phone_line *line, struct err *err)
{
    const struct {
        const char *field;
        const char *value;
        size_t max;
    } rows[] = {
        {"friendly_name",       line->friendly_name,       LINE_NAME_MAX },
        {"greeting",            line->greeting,            LINE_TEXT_MAX },
        {"voicemail_greeting",  line->voicemail_greeting,  LINE_TEXT_MAX },
        {"after_hours_message", line->after_hours_message, LINE_TEXT_MAX },
        {"department",          line->department,          LINE_LABEL_MAX},
        {"menu",                line->menu.greeting,       LINE_TEXT_MAX },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum err_code code = check_said(rows[i].field, rows[i].value, rows[i].max, err);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

static bool is_language(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && !(c == '-' && i > 0))
            return false;
    }
    return text.len <= LANGUAGE_MAX;
}

static enum err_code check_option(const struct line_menu *menu, size_t index, struct err *err)
{
    const struct line_option *option = &menu->options[index];
    bool is_digit = strlen(option->digit) == 1 && strchr("0123456789*#", option->digit[0]) != NULL;
    if (!is_digit)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_DIGIT", "menu",
                         "each option's digit must be one of 0-9, * and #, not \"%.8s\"",
                         option->digit);
    for (size_t i = 0; i < index; i++)
        if (menu->options[i].digit[0] == option->digit[0])
            return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "DIGIT_TWICE", "menu",
                             "two options have the digit %s", option->digit);
    if (option->action == LINE_NOTHING)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_ACTION", "menu",
                         "the action of digit %s must be one of: enqueue, voicemail, transfer, "
                         "repeat, hang_up",
                         option->digit);
    if (option->action == LINE_TRANSFER && !phone_line_is_target(str_from(option->target)))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_TARGET", "menu",
                         "digit %s transfers to \"%.64s\", which is neither a number such as "
                         "+15125550100 nor a sip: address",
                         option->digit, option->target);
    if (strlen(option->attributes) > LINE_ATTRIBUTES_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_LENGTH", "menu",
                         "the attributes of digit %s have more than %d bytes", option->digit,
                         LINE_ATTRIBUTES_MAX);
    enum err_code code = check_said("menu", option->label, LINE_LABEL_MAX, err);
    return code == ERR_OK ? check_said("menu", option->department, LINE_LABEL_MAX, err) : code;
}

static enum err_code check_menu(const struct line_menu *menu, struct err *err)
{
    if (menu->option_count > LINE_MENU_OPTIONS_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_MANY_OPTIONS", "menu",
                         "a menu has at most %d options", LINE_MENU_OPTIONS_MAX);
    if (menu->timeout_s < 0 || menu->timeout_s > TIMEOUT_MAX_S)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "OUT_OF_RANGE", "menu",
                         "timeoutS of the menu must be 0 (5 s) to %d", TIMEOUT_MAX_S);
    if (menu->max_tries < 0 || menu->max_tries > TRIES_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "OUT_OF_RANGE", "menu",
                         "maxTries of the menu must be 0 (3) to %d", TRIES_MAX);
    for (size_t i = 0; i < menu->option_count; i++) {
        enum err_code code = check_option(menu, i, err);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

enum err_code phone_line_check(const struct phone_line *line, struct err *err)
{
    if (!is_number(str_from(line->phone_number)))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_PHONE", "phone_number",
                         "phoneNumber must be written as +15125550100");
    enum err_code code = check_texts(line, err);
    if (code != ERR_OK)
        return code;
    if (line->after_hours == LINE_NOTHING || line->after_hours == LINE_REPEAT)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_ACTION", "after_hours",
                         "afterHours must be one of: voicemail, transfer, hang_up, enqueue");
    if (line->after_hours == LINE_TRANSFER &&
        !phone_line_is_target(str_from(line->after_hours_target)))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_TARGET", "after_hours_target",
                         "afterHoursTarget must be a number such as +15125550100 or a sip: address "
                         "where afterHours is transfer");
    if (line->wait_music_url[0] != '\0' && !phone_line_is_sound(str_from(line->wait_music_url)))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_URL", "wait_music_url",
                         "waitMusicUrl must be an http or https URL");
    if (line->workflow_sid[0] != '\0' && !parse_is_sid(str_from(line->workflow_sid), "WW"))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_SID", "workflow_sid",
                         "workflowSid must be WW and 32 hexadecimal digits");
    if (!is_language(str_from(line->language)))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_LANGUAGE", "language",
                         "language must be a tag such as en-US");
    return check_menu(&line->menu, err);
}
