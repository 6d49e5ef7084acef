#include "twilio_error.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "jx/writer.h"
#include "pbjson/pbjson.h"
#include "twilio_ops.h"

enum { WORD_MAX_BYTES = 64, MORE_INFO_SIZE = 64, CODE_BAD_PARAMETER = 20001 };

/* Reasons with a status or code of their own. Source: sections 2.5 and 17 of the reference. */
static const struct {
    const char *reason;
    int status; /* 0: the error's */
    int code;
} known_reasons[] = {
    {"METHOD_NOT_ALLOWED",      405, 20004},
    {"VERSION_MISMATCH",        412, 20412},
    {"PRECONDITION_FAILED",     412, 20412},
    {"RESERVATION_RESCINDED",   410, 20410},
    {"PAGE_WITHOUT_TOKEN",      400, 40153},
    {"STATISTICS_TOO_OLD",      400, 14241},
    {"TOO_MANY_ACTIVE_WORKERS", 400, 14240},
};

static const struct {
    int status;
    int code;
} known_statuses[] = {
    {400, CODE_BAD_PARAMETER},
    {401, 20003             },
    {405, 20004             },
};

static int code_of(int status)
{
    for (size_t i = 0; i < ARRAY_LEN(known_statuses); i++) {
        if (known_statuses[i].status == status)
            return known_statuses[i].code;
    }
    return 20000 + status;
}

static const char *fixed_message(int status)
{
    switch (status) {
    case 401:
        return "Authenticate";
    case 405:
        return "Method not allowed";
    case 429:
        return "Too Many Requests";
    case 500:
        return "Internal server error";
    case 503:
        return "Service is unavailable. Please try again.";
    case 504:
        return "The service did not answer in time. Please try again.";
    default:
        return NULL;
    }
}

static void message_put(struct jx_writer *w, struct str path, int status, const struct err *err)
{
    const char *fixed = fixed_message(status);
    if (status == 404) {
        struct buf text;
        if (str_starts_with(path, STR(TWILIO_PREFIX "/")))
            path = (struct str){path.ptr + strlen(TWILIO_PREFIX), path.len - strlen(TWILIO_PREFIX)};
        buf_init(&text, 0);
        buf_printf(&text, "The requested resource %.*s was not found", STR_ARG(path));
        jx_put_str(w, "message", buf_str(&text));
        buf_fini(&text);
    } else {
        jx_put_text(w, "message", fixed != NULL ? fixed : err->detail);
    }
}

/* Names taken, things in use, states that do not allow it: all of it is 400 at Twilio. */
static int status_of(int status, const struct err *err)
{
    return err->code == ERR_ALREADY_EXISTS || err->code == ERR_FAILED_PRECONDITION ? 400 : status;
}

int twilio_error_body(struct str path, int status, const struct err *err, struct buf *out)
{
    char more_info[MORE_INFO_SIZE];
    struct jx_writer w;
    struct err ignored = {0};
    int answer = status_of(status, err);
    int code = 0;
    for (size_t i = 0; i < ARRAY_LEN(known_reasons) && err->reason != NULL; i++) {
        if (strcmp(err->reason, known_reasons[i].reason) != 0)
            continue;
        answer = known_reasons[i].status;
        code = known_reasons[i].code;
    }
    if (answer < 400)
        answer = 500;
    if (code == 0)
        code = code_of(answer);
    (void)snprintf(more_info, sizeof more_info, "https://www.twilio.com/docs/errors/%d", code);
    jx_writer_init(&w, out);
    jx_object_begin(&w);
    jx_put_i64(&w, "code", code);
    message_put(&w, path, answer, err);
    jx_put_text(&w, "more_info", more_info);
    jx_put_i64(&w, "status", answer);
    jx_object_end(&w);
    (void)(jx_writer_finish(&w, &ignored) == ERR_OK); /* a short text into an empty buffer */
    return answer;
}

/* ---- words ---- */

/* Whether the word is the proto name, also in camelCase ("friendlyName") as services may say it. */
static bool is_name_of(const char *field, const char *word)
{
    char camel[WORD_MAX_BYTES];
    return field != NULL && (strcmp(field, word) == 0 ||
                             strcmp(pbjson_camel(field, camel, sizeof camel), word) == 0);
}

/* Whether the parameter is the word in PascalCase: "task_channel" is TaskChannel. */
static bool is_spelling_of(const char *param, const char *word)
{
    char camel[WORD_MAX_BYTES];
    (void)pbjson_camel(word, camel, sizeof camel);
    camel[0] = (char)toupper((unsigned char)camel[0]);
    return strcmp(param, camel) == 0;
}

static const char *param_of_field(const struct twilio_op *op, const char *field)
{
    for (const struct twilio_op_param *param = op->params; param != NULL && param->name != NULL;
         param++) {
        if (is_name_of(param->field, field) || is_spelling_of(param->name, field))
            return param->name;
    }
    for (const struct twilio_action *action = op->actions; action != NULL && action->param != NULL;
         action++) {
        if (is_name_of(action->field, field))
            return action->param;
    }
    return NULL;
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* More than one word in one: what is not prose. */
static bool is_compound(const char *word)
{
    for (const char *c = word; *c != '\0'; c++) {
        if (*c == '_' || (c > word && *c >= 'A' && *c <= 'Z'))
            return word[0] >= 'a' && word[0] <= 'z';
    }
    return false;
}

static bool has_word(const char *text, const char *word)
{
    return str_find(str_from(text), str_from(word)) >= 0;
}

/* Words that are names of fields become parameter names; all else stays. */
static void detail_translate(const struct twilio_op *op, struct err *err)
{
    char said[sizeof err->detail];
    size_t len = 0;
    const char *at = err->detail;
    while (*at != '\0' && len + 1 < sizeof said) {
        char word[WORD_MAX_BYTES];
        size_t word_len = 0;
        while (is_word_char(at[word_len]))
            word_len++;
        const char *name = NULL;
        if (word_len > 0 && word_len < sizeof word) {
            memcpy(word, at, word_len);
            word[word_len] = '\0';
            bool is_named = is_compound(word) || strcmp(word, err->field) == 0;
            name = is_named ? param_of_field(op, word) : NULL;
        }
        size_t take = word_len > 0 ? word_len : 1;
        const char *from = name != NULL ? name : at;
        size_t from_len = name != NULL ? strlen(name) : take;
        if (from_len > sizeof said - 1 - len)
            from_len = sizeof said - 1 - len;
        memcpy(said + len, from, from_len);
        len += from_len;
        at += take;
    }
    said[len] = '\0';
    memcpy(err->detail, said, len + 1);
}

static bool is_of_path(const struct twilio_op *op, const char *field)
{
    for (const struct twilio_path *part = op->path; part != NULL && part->name != NULL; part++) {
        if (part->field != NULL && strcmp(part->field, field) == 0)
            return true;
    }
    return false;
}

/* A path that no service can make sense of leads nowhere; what a parameter names and is not there
 * is a bad parameter. */
void twilio_error_translate(const struct twilio_op *op, struct err *err)
{
    const char *param = err->field[0] == '\0' ? NULL : param_of_field(op, err->field);
    detail_translate(op, err);
    if (param == NULL) {
        if (err->code == ERR_INVALID_ARGUMENT && is_of_path(op, err->field))
            err->code = ERR_NOT_FOUND;
        return;
    }
    if (err->code == ERR_NOT_FOUND)
        err->code = ERR_INVALID_ARGUMENT;
    if (!has_word(err->detail, param))
        (void)err_wrap(err, "Invalid parameter %s", param);
    (void)snprintf(err->field, sizeof err->field, "%s", param);
}
