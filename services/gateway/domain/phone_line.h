/* Phone lines: the numbers that we answer, and how. Pure rules. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum {
    LINE_NAME_MAX = 64,   /* characters, so the next */
    LINE_TEXT_MAX = 1000, /* of what is said */
    LINE_LABEL_MAX = 100,
    LINE_TARGET_MAX = 255,
    LINE_MENU_OPTIONS_MAX = 12,
    LINE_ATTRIBUTES_MAX = 1024, /* bytes, of a menu option */
};

/* Names are LINE_<first column>: name on the wire. What becomes of a call that is not queued. */
#define LINE_DOINGS(X)                                                                             \
    X(VOICEMAIL, "voicemail")                                                                      \
    X(TRANSFER, "transfer")                                                                        \
    X(HANG_UP, "hang_up")                                                                          \
    X(ENQUEUE, "enqueue")                                                                          \
    X(REPEAT, "repeat") /* of menus only */

enum line_doing {
    LINE_NOTHING,
#define X(name, text) LINE_##name,
    LINE_DOINGS(X)
#undef X
        LINE_DOING_COUNT,
};

const char *line_doing_name(enum line_doing doing);
enum line_doing line_doing_from(struct str name); /* LINE_NOTHING when unknown */

/* Texts are borrowed and never NULL; so in all structs here. */
struct line_option {
    const char *digit;
    const char *label;
    const char *department;
    const char *attributes; /* JSON object as text, or "" */
    enum line_doing action;
    const char *target;
};

struct line_menu {
    const char *greeting;
    const struct line_option *options;
    size_t option_count; /* 0: the line has no menu */
    int64_t timeout_s;
    int64_t max_tries;
};

struct phone_line {
    const char *sid; /* PL… */
    const char *account_sid;
    const char *workspace_sid;
    const char *phone_number; /* E.164 */
    const char *friendly_name;
    const char *greeting;
    const char *voicemail_greeting;
    const char *wait_music_url;
    enum line_doing after_hours; /* never REPEAT */
    const char *after_hours_target;
    const char *after_hours_message;
    const char *department;
    const char *workflow_sid;
    struct line_menu menu;
    const char *language;
    bool announce_position;
    bool record_calls;
    int64_t version;
    int64_t created_at_us;
    int64_t updated_at_us;
};

/* A line as good as none: texts empty, voicemail after hours, position announced. */
void phone_line_defaults(struct phone_line *line);

/* Whether it is something that can be called: E.164, or a sip: or sips: address. */
bool phone_line_is_target(struct str text);

/* What a caller hears may be the URL of a sound. */
bool phone_line_is_sound(struct str text);

/* Attributes must be checked to be objects. Errors: INVALID_ARGUMENT naming the field. */
enum err_code phone_line_check(const struct phone_line *line, struct err *err) MUST_CHECK;
