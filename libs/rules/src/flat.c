/* The flat list of the earlier platform becomes text. */
#include "rules/condition.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/parse.h"
#include "expr/tree.h"
#include "flat_int.h"
#include "jx/jx.h"

enum flat_op {
    OP_NONE,
    OP_EQUALS,
    OP_CONTAINS,
    OP_STARTS_WITH,
    OP_ENDS_WITH,
    OP_REGEX,
    OP_IN,
    OP_NOT_IN,
    OP_GREATER_THAN,
    OP_LESS_THAN,
    OP_BETWEEN,
    OP_COUNT,
};

static const struct {
    const char *name;
    const char *word; /* between name and value, where that is all */
} ops[OP_COUNT] = {
    [OP_NONE] = {NULL,           NULL         },
    [OP_EQUALS] = {"equals",       "=="         },
    [OP_CONTAINS] = {"contains",     "CONTAINS"   },
    [OP_STARTS_WITH] = {"starts_with",  "STARTS_WITH"},
    [OP_ENDS_WITH] = {"ends_with",    "ENDS_WITH"  },
    [OP_REGEX] = {"regex",        "MATCHES"    },
    [OP_IN] = {"in",           "IN"         },
    [OP_NOT_IN] = {"not_in",       "NOT IN"     },
    [OP_GREATER_THAN] = {"greater_than", ">"          },
    [OP_LESS_THAN] = {"less_than",    "<"          },
    [OP_BETWEEN] = {"between",      NULL         },
};

/* One element of the list on its way. */
struct row {
    size_t index;
    struct err *err;
    struct buf *out;
    enum flat_op op;
    struct flat_name name;
    struct str path;
    json_t *values; /* own; one, or those of a list */
    bool is_time;   /* of type time without a field: the value decides */
};

static enum err_code refuse(const struct row *row, const char *member, const char *why)
{
    char field[64];
    (void)snprintf(field, sizeof field, "conditions[%zu]%s%s", row->index,
                   member[0] == '\0' ? "" : ".", member);
    return ERR_FIELD(row->err, ERR_INVALID_ARGUMENT, "CONDITION_INVALID", field,
                     "Condition %zu: %s", row->index + 1, why);
}

static struct str text_of(const json_t *value)
{
    return (struct str){.ptr = json_string_value(value), .len = json_string_length(value)};
}

/* ---- reading --------------------------------------------------------------------------------- */

static enum err_code read_op(struct row *row, const json_t *object)
{
    const char *text = jx_get_text(object, "operator", "");
    for (int i = OP_NONE + 1; i < OP_COUNT; i++) {
        if (strcmp(ops[i].name, text) == 0) {
            row->op = (enum flat_op)i;
            return ERR_OK;
        }
    }
    return refuse(row, "operator",
                  "operator is one of equals, contains, starts_with, ends_with, regex, in, not_in, "
                  "greater_than, less_than and between.");
}

static bool is_name(struct str name)
{
    struct err err = {0};
    struct expr_path *path = NULL;
    char text[256];
    if (name.len == 0 || name.len > 200)
        return false;
    (void)snprintf(text, sizeof text, "task.attributes.%.*s", STR_ARG(name));
    if (strlen(text) != strlen("task.attributes.") + name.len ||
        expr_path_compile(str_from(text), &expr_context_rule, &path, &err) != ERR_OK)
        return false;
    expr_path_free(path);
    return true;
}

static enum err_code read_name(struct row *row, const json_t *object)
{
    const char *type = jx_get_text(object, "type", "");
    json_t *field = jx_get(object, "field");
    bool is_known = false;
    if (field != NULL && !json_is_string(field))
        return refuse(row, "field", "field is a text.");
    struct str name = field == NULL ? STR("") : text_of(field);
    for (size_t i = 0; i < flat_name_count; i++) {
        if (strcmp(flat_names[i].type, type) != 0)
            continue;
        is_known = true;
        bool is_any = flat_names[i].path == NULL && name.len > 0;
        if (!is_any && !str_eq_text(name, flat_names[i].field))
            continue;
        if (is_any && !is_name(name))
            return refuse(row, "field",
                          "field is a name such as customer_type or site.city (letters, digits, "
                          "'_' and '$', joined by '.').");
        row->name = flat_names[i];
        row->path = is_any ? name : str_from(flat_names[i].path);
        return ERR_OK;
    }
    row->is_time = is_known && name.len == 0 && strcmp(type, "time") == 0;
    if (row->is_time)
        return ERR_OK;
    if (is_known)
        return refuse(row, "field",
                      name.len == 0 ? "this type needs a field." : "this type has no such field.");
    return refuse(row, "type",
                  "type is one of keyword, time, customer, phone, department, priority, attribute, "
                  "hours, queue, worker, language and skill.");
}

static bool is_list_op(enum flat_op op)
{
    return op == OP_IN || op == OP_NOT_IN || op == OP_BETWEEN;
}

/* Forms that only enter texts write lists as "a, b", ranges also as "8-18". */
static void split_values(struct row *row, struct str text)
{
    bool is_range = row->op == OP_BETWEEN && str_find(text, STR(",")) < 0;
    while (text.ptr != NULL) {
        struct str part = str_trim(str_split(&text, is_range ? '-' : ','));
        (void)json_array_append_new(row->values,
                                    json_stringn(part.len == 0 ? "" : part.ptr, part.len));
    }
}

static enum err_code read_values(struct row *row, json_t *value)
{
    size_t i = 0;
    json_t *item = NULL;
    row->values = json_array();
    if (value == NULL)
        return refuse(row, "value", "value is missing.");
    if (is_list_op(row->op) && json_is_array(value))
        (void)json_array_extend(row->values, value);
    else if (is_list_op(row->op) && json_is_string(value))
        split_values(row, text_of(value));
    else if (row->op == OP_BETWEEN)
        return refuse(row, "value", "value is an array of two, the least and the greatest.");
    else if (!is_list_op(row->op) || !json_is_object(value))
        (void)json_array_append(row->values, value);
    if (row->op == OP_BETWEEN && json_array_size(row->values) != 2)
        return refuse(row, "value", "value is an array of two, the least and the greatest.");
    if (json_array_size(row->values) == 0 || json_array_size(row->values) > RULE_MAX_FLAT_VALUES)
        return refuse(row, "value", "value is an array of 1 to 200 texts or numbers.");
    json_array_foreach(row->values, i, item)
    {
        if (!json_is_string(item) && !json_is_number(item) && !json_is_boolean(item))
            return refuse(row, "value", "a value is a text, a number, true or false.");
        if (json_is_string(item) && is_list_op(row->op) && json_string_length(item) == 0)
            return refuse(row, "value", "a value of a list is empty.");
    }
    return ERR_OK;
}

/* ---- values as the name has them ------------------------------------------------------------- */

static bool is_number_text(const json_t *value)
{
    struct expr_value number;
    return json_is_string(value) && expr_text_number(text_of(value), &number);
}

enum value_kind { KIND_NONE, KIND_NUMBER, KIND_CLOCK, KIND_WEEKDAY };

static enum value_kind kind_of(const json_t *value)
{
    char clock[6];
    if (json_is_number(value) || is_number_text(value))
        return KIND_NUMBER;
    if (!json_is_string(value))
        return KIND_NONE;
    if (flat_clock(text_of(value), clock))
        return KIND_CLOCK;
    return flat_weekday(text_of(value)) != NULL ? KIND_WEEKDAY : KIND_NONE;
}

/* The one kind of all values. */
static enum value_kind common_kind(const struct row *row)
{
    enum value_kind kind = kind_of(json_array_get(row->values, 0));
    for (size_t i = 1; i < json_array_size(row->values); i++) {
        if (kind_of(json_array_get(row->values, i)) != kind)
            return KIND_NONE;
    }
    return kind;
}

static void set_time_name(struct row *row, const char *path)
{
    for (size_t i = 0; i < flat_name_count; i++) {
        if (flat_names[i].slot == EXPR_SLOT_TIME && strcmp(flat_names[i].path, path) == 0)
            row->name = flat_names[i];
    }
    row->path = str_from(path);
}

static enum err_code settle_time(struct row *row)
{
    enum value_kind kind = common_kind(row);
    bool is_weekday = !row->is_time && str_eq_text(row->path, "weekday");
    if (row->is_time && kind == KIND_NONE)
        return refuse(row, "value",
                      "a time is an hour from 0 to 23, \"HH:MM\" or the name of a weekday; other "
                      "parts of a date need a field.");
    if (is_weekday && kind != KIND_NUMBER && kind != KIND_WEEKDAY)
        return refuse(row, "value", "a weekday is a name or a number from 1 (Monday) to 7.");
    if (kind == KIND_WEEKDAY && (row->is_time || is_weekday))
        set_time_name(row, "day_name");
    else if (row->is_time)
        set_time_name(row, kind == KIND_NUMBER ? "hour" : "time");
    return ERR_OK;
}

/* "true" for true, "8:00" for "08:00", "Monday" for "monday". */
static void settle_value(struct row *row, size_t index)
{
    json_t *value = json_array_get(row->values, index);
    char clock[6];
    if (!json_is_string(value))
        return;
    struct str text = text_of(value);
    bool is_flag = row->name.slot == EXPR_SLOT_HOURS && !str_eq_text(row->path, "holiday_name");
    if (is_flag && (str_eq_text(text, "true") || str_eq_text(text, "false"))) {
        (void)json_array_set_new(row->values, index, json_boolean(str_eq_text(text, "true")));
    } else if (row->name.slot != EXPR_SLOT_TIME) {
        return;
    } else if (str_eq_text(row->path, "day_name") && flat_weekday(text) != NULL) {
        (void)json_array_set_new(row->values, index, json_string(flat_weekday(text)));
    } else if (str_eq_text(row->path, "time") && flat_clock(text, clock)) {
        (void)json_array_set_new(row->values, index, json_string(clock));
    }
}

/* ---- writing --------------------------------------------------------------------------------- */

static void put_quoted(struct buf *out, struct str text)
{
    buf_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '"' || c == '\\')
            buf_char(out, '\\');
        if (c < 0x20)
            buf_printf(out, "\\u%04x", c);
        else
            buf_char(out, (char)c);
    }
    buf_char(out, '"');
}

/* Patterns are taken as they are: the other quote, or a backslash where there is none yet. */
static void put_pattern(struct buf *out, struct str text)
{
    char quote = str_find(text, STR("\"")) < 0 ? '"' : '\'';
    buf_char(out, quote);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\\' && i + 1 < text.len)
            buf_char(out, text.ptr[i++]);
        else if (text.ptr[i] == quote)
            buf_char(out, '\\');
        buf_char(out, text.ptr[i]);
    }
    buf_char(out, quote);
}

static enum err_code put_number(struct row *row, const json_t *value)
{
    char text[64];
    if (json_is_integer(value)) {
        buf_i64(row->out, json_integer_value(value));
        return ERR_OK;
    }
    (void)snprintf(text, sizeof text, "%.15g", json_real_value(value));
    if (strchr(text, 'e') != NULL || strchr(text, 'n') != NULL)
        return refuse(row, "value", "a number has at most 15 digits.");
    buf_text(row->out, text);
    return ERR_OK;
}

static enum err_code put_value(struct row *row, size_t index)
{
    const json_t *value = json_array_get(row->values, index);
    bool has_order = row->op >= OP_GREATER_THAN;
    if (json_is_number(value))
        return put_number(row, value);
    if (json_is_boolean(value))
        buf_text(row->out, json_is_true(value) ? "true" : "false");
    else if (row->op == OP_REGEX)
        put_pattern(row->out, text_of(value));
    else if (has_order && is_number_text(value) &&
             !memchr(text_of(value).ptr, 'e', text_of(value).len))
        buf_str_append(row->out, text_of(value)); /* texts have their own order */
    else
        put_quoted(row->out, text_of(value));
    return ERR_OK;
}

static enum err_code put_test(struct row *row, const char *word, size_t index)
{
    buf_printf(row->out, "%s%.*s %s ", flat_root(row->name.slot), STR_ARG(row->path), word);
    return put_value(row, index);
}

/* name IN ["a", "b"] */
static enum err_code put_list(struct row *row)
{
    enum err_code code = ERR_OK;
    buf_printf(row->out, "%s%.*s %s [", flat_root(row->name.slot), STR_ARG(row->path),
               ops[row->op].word);
    for (size_t i = 0; i < json_array_size(row->values) && code == ERR_OK; i++) {
        if (i > 0)
            buf_text(row->out, ", ");
        code = put_value(row, i);
    }
    buf_char(row->out, ']');
    return code;
}

/* An array is in a list when one of its elements is. */
static enum err_code put_members(struct row *row)
{
    enum err_code code = ERR_OK;
    size_t count = json_array_size(row->values);
    if (row->op == OP_NOT_IN)
        buf_text(row->out, "NOT ");
    if (count > 1)
        buf_char(row->out, '(');
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        if (i > 0)
            buf_text(row->out, " OR ");
        code = put_test(row, "CONTAINS", i);
    }
    if (count > 1)
        buf_char(row->out, ')');
    return code;
}

static bool value_number(const json_t *value, double *out)
{
    struct expr_value number;
    if (json_is_number(value)) {
        *out = json_number_value(value);
        return true;
    }
    if (!json_is_string(value) || !expr_text_number(text_of(value), &number))
        return false;
    *out = expr_value_kind(number) == EXPR_KIND_I64 ? (double)number.as.i64 : number.as.f64;
    return true;
}

static enum err_code put_between(struct row *row)
{
    const json_t *low = json_array_get(row->values, 0);
    const json_t *high = json_array_get(row->values, 1);
    double a = 0;
    double b = 0;
    bool is_backward = false;
    if (value_number(low, &a) && value_number(high, &b))
        is_backward = a > b;
    else if (json_is_string(low) && json_is_string(high))
        is_backward = str_cmp(text_of(low), text_of(high)) > 0;
    else
        return refuse(row, "value", "both ends of a range are numbers, or both are texts.");
    if (is_backward && !flat_goes_round(&row->name))
        return refuse(row, "value", "the first end of the range is greater than the second.");
    if (is_backward)
        buf_char(row->out, '(');
    enum err_code code = put_test(row, ">=", 0);
    buf_text(row->out, is_backward ? " OR " : " AND ");
    if (code == ERR_OK)
        code = put_test(row, "<=", 1);
    if (is_backward)
        buf_char(row->out, ')');
    return code;
}

static enum err_code put_row(struct row *row)
{
    if (row->op == OP_REGEX && !json_is_string(json_array_get(row->values, 0)))
        return refuse(row, "value", "a regular expression is a text.");
    if (row->op == OP_BETWEEN)
        return put_between(row);
    if (row->name.is_list && (row->op == OP_IN || row->op == OP_NOT_IN))
        return put_members(row);
    if (row->name.is_list && row->op == OP_EQUALS)
        return put_test(row, ops[OP_CONTAINS].word, 0);
    if (row->op == OP_IN || row->op == OP_NOT_IN)
        return put_list(row);
    return put_test(row, ops[row->op].word, 0);
}

/* What was written is compiled, so that a pattern's fault is told with its row. */
static enum err_code check_row(struct row *row, size_t from)
{
    struct err why = {0};
    struct expr *expr = NULL;
    struct str text = buf_str(row->out);
    text = (struct str){.ptr = text.ptr + from, .len = text.len - from};
    if (buf_failed(row->out))
        return ERR_OK; /* told at the end */
    if (expr_compile(text, &expr_context_rule, &expr, &why) == ERR_OK) {
        expr_free(expr);
        return ERR_OK;
    }
    const char *pattern = strstr(why.detail, "the pattern is");
    return refuse(row, "value", pattern != NULL ? pattern : why.detail);
}

static enum err_code translate(struct row *row, json_t *object)
{
    static const char *const members[] = {"type", "operator", "value", "field"};
    const char *key = NULL;
    json_t *value = NULL;
    if (!json_is_object(object))
        return refuse(row, "", "a condition is an object of type, operator, value and field.");
    json_object_foreach(object, key, value)
    {
        size_t i = 0;
        while (i < 4 && strcmp(key, members[i]) != 0)
            i++;
        if (i == 4)
            return refuse(row, "",
                          "a condition has type, operator, value and field, nothing else.");
    }
    enum err_code code = read_op(row, object);
    if (code == ERR_OK)
        code = read_name(row, object);
    if (code == ERR_OK)
        code = read_values(row, jx_get(object, "value"));
    if (code == ERR_OK && (row->is_time || row->name.slot == EXPR_SLOT_TIME))
        code = settle_time(row);
    for (size_t i = 0; code == ERR_OK && i < json_array_size(row->values); i++)
        settle_value(row, i);
    size_t from = row->out->len;
    if (code == ERR_OK)
        code = put_row(row);
    return code == ERR_OK ? check_row(row, from) : code;
}

static enum err_code translate_all(json_t *list, struct buf *out, struct err *err)
{
    size_t i = 0;
    json_t *item = NULL;
    if (!json_is_array(list) || json_array_size(list) > RULE_MAX_FLAT_ROWS)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "CONDITION_INVALID", "conditions",
                         "Conditions are an array of at most %d objects.", RULE_MAX_FLAT_ROWS);
    json_array_foreach(list, i, item)
    {
        struct row row = {.index = i, .err = err, .out = out};
        if (i > 0)
            buf_text(out, " AND ");
        enum err_code code = translate(&row, item);
        json_decref(row.values);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

enum err_code rule_flat_to_text(struct str json, struct buf *out, struct err *err)
{
    static const struct jx_limits limits = {.max_bytes = RULE_MAX_FLAT_BYTES, .max_depth = 4};
    AUTO(jx_cleanup) json_t *list = NULL;
    struct err why = {0};
    struct buf text;
    enum err_code code = jx_parse(json, &limits, &list, &why);
    if (code != ERR_OK)
        return ERR_FIELD(err, code, why.reason, "conditions", "%s", why.detail);
    buf_init(&text, RULE_MAX_CONDITION_BYTES);
    code = translate_all(list, &text, err);
    if (code == ERR_OK && buf_failed(&text))
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "CONDITION_TOO_LARGE", "conditions",
                         "The conditions have more than %d bytes as an expression; shorten them.",
                         RULE_MAX_CONDITION_BYTES);
    if (code == ERR_OK)
        code = rule_condition_check(buf_str(&text), &why);
    if (code == ERR_OK)
        buf_str_append(out, buf_str(&text));
    else if (why.code != ERR_OK)
        code = ERR_FIELD(err, code, why.reason, "conditions", "%s", why.detail);
    buf_fini(&text);
    return code;
}
