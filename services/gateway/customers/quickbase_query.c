#include "quickbase_query.h"

#include <stdio.h>
#include <string.h>

#include "base/call.h"
#include "base/macros.h"
#include "jx/jx.h"
#include "jx/writer.h"

enum { RECORD_ID_FIELD = 3, KEY_SIZE = 24 };

/* ---- the query ---- */

void quickbase_quote(struct buf *out, struct str value)
{
    buf_char(out, '\'');
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '\'' || value.ptr[i] == '\\')
            buf_char(out, '\\');
        buf_char(out, value.ptr[i]);
    }
    buf_char(out, '\'');
}

static void put_where(struct jx_writer *w, int64_t phone_field, const char *e164)
{
    char formats[PHONE_FORMATS_MAX][PHONE_FORMAT_SIZE];
    size_t count = phone_formats(e164, formats);
    struct buf where;
    buf_init(&where, 0);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&where, "%s{%lld.EX.", i > 0 ? "OR" : "", (long long)phone_field);
        quickbase_quote(&where, str_from(formats[i]));
        buf_char(&where, '}');
    }
    jx_put_str(w, "where", buf_str(&where));
    buf_fini(&where);
}

void quickbase_query(struct buf *out, const char *table_id, const struct quickbase_fields *fields,
                     const char *e164)
{
    const int64_t ids[] = {fields->phone,         fields->coordinator, fields->project_status,
                           fields->name,          fields->email,       fields->organization,
                           fields->customer_type, fields->department,  fields->notes};
    struct jx_writer w;
    jx_writer_init(&w, out);
    jx_object_begin(&w);
    jx_put_text(&w, "from", table_id);
    jx_key(&w, "select");
    jx_array_begin(&w);
    jx_i64(&w, RECORD_ID_FIELD);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        if (ids[i] > 0 && ids[i] != RECORD_ID_FIELD)
            jx_i64(&w, ids[i]);
    }
    jx_array_end(&w);
    put_where(&w, fields->phone, e164);
    jx_key(&w, "options");
    jx_object_begin(&w);
    jx_put_i64(&w, "skip", 0);
    jx_put_i64(&w, "top", QUICKBASE_ROWS);
    jx_object_end(&w);
    jx_object_end(&w);
}

/* ---- the answer ---- */

static const json_t *value_of(const json_t *row, int64_t field)
{
    char key[KEY_SIZE];
    if (field <= 0)
        return NULL;
    (void)snprintf(key, sizeof key, "%lld", (long long)field);
    return json_object_get(json_object_get(row, key), "value");
}

/* One line of at most CUSTOMER_TEXT_MAX characters; NULL when the arena is full. */
static const char *clean(struct arena *arena, const char *text)
{
    char *copy = arena_str_dup(arena, str_trim(str_from(text)));
    size_t chars = 0;
    for (char *c = copy; c != NULL && *c != '\0'; c++) {
        bool begins = ((unsigned char)*c & 0xC0U) != 0x80;
        if (begins && ++chars > CUSTOMER_TEXT_MAX) {
            *c = '\0';
            break;
        }
        if ((unsigned char)*c < ' ' || *c == 0x7F)
            *c = ' ';
    }
    return copy;
}

/* Texts, numbers, check boxes, users (their name) and lists (the first of them). */
static const char *text_of(struct arena *arena, const json_t *value)
{
    if (json_is_array(value))
        value = json_array_get(value, 0);
    if (json_is_string(value))
        return clean(arena, json_string_value(value));
    if (json_is_integer(value))
        return arena_printf(arena, "%lld", (long long)json_integer_value(value));
    if (json_is_real(value))
        return arena_printf(arena, "%.15g", json_real_value(value));
    if (json_is_boolean(value))
        return json_is_true(value) ? "true" : "false";
    return clean(arena, jx_get_text(value, "name", ""));
}

/* A user field has e-mail and id; a text is the one or the other. */
static void read_coordinator(struct arena *arena, const json_t *value, struct customer *out)
{
    if (json_is_array(value))
        value = json_array_get(value, 0);
    if (json_is_object(value)) {
        out->coordinator_email = clean(arena, jx_get_text(value, "email", ""));
        out->coordinator_quickbase_id = clean(arena, jx_get_text(value, "id", ""));
        return;
    }
    const char *text = text_of(arena, value);
    if (text != NULL && strchr(text, '@') != NULL)
        out->coordinator_email = text;
    else
        out->coordinator_quickbase_id = text;
}

static bool has_coordinator(const json_t *row, const struct quickbase_fields *fields)
{
    const json_t *value = value_of(row, fields->coordinator);
    if (json_is_string(value))
        return json_string_length(value) > 0;
    return json_is_number(value) || (json_is_object(value) && json_object_size(value) > 0) ||
           (json_is_array(value) && json_array_size(value) > 0);
}

static enum err_code read_row(const json_t *row, const struct quickbase_fields *fields,
                              const char *e164, struct arena *arena, struct customer *out,
                              struct err *err)
{
    const char **phones = ARENA_ARRAY(arena, const char *, 1);
    struct customer customer = {
        .external_id = text_of(arena, value_of(row, RECORD_ID_FIELD)),
        .name = text_of(arena, value_of(row, fields->name)),
        .email = text_of(arena, value_of(row, fields->email)),
        .organization = text_of(arena, value_of(row, fields->organization)),
        .customer_type = text_of(arena, value_of(row, fields->customer_type)),
        .project_status = text_of(arena, value_of(row, fields->project_status)),
        .department = text_of(arena, value_of(row, fields->department)),
        .notes = text_of(arena, value_of(row, fields->notes)),
        .phones = phones,
        .phone_count = 1,
    };
    read_coordinator(arena, value_of(row, fields->coordinator), &customer);
    if (phones != NULL)
        phones[0] = arena_strdup(arena, e164);
    if (arena_is_exhausted(arena))
        return call_no_room(err);
    customer_defaults(&customer);
    *out = customer;
    return ERR_OK;
}

enum err_code quickbase_read(struct str reply, const struct quickbase_fields *fields,
                             const char *e164, struct arena *arena, struct customer *out,
                             bool *out_found, struct err *err)
{
    AUTO(jx_cleanup) json_t *root = NULL;
    struct jx_limits limits = {.max_bytes = QUICKBASE_REPLY_BYTES, .allows_duplicates = true};
    enum err_code code = jx_parse_object(reply, &limits, &root, err);
    const json_t *rows = code == ERR_OK ? json_object_get(root, "data") : NULL;
    if (!json_is_array(rows))
        return ERR_SET(err, ERR_UNAVAILABLE, "QUICKBASE_ANSWER",
                       "QuickBase's answer is not what its API documents: no list \"data\"");
    const json_t *chosen = json_array_get(rows, 0);
    *out_found = chosen != NULL;
    if (chosen == NULL)
        return ERR_OK;
    const json_t *row = NULL;
    size_t index = 0;
    json_array_foreach(rows, index, row)
    {
        if (has_coordinator(row, fields)) {
            chosen = row;
            break;
        }
    }
    if (!json_is_object(chosen))
        return ERR_SET(err, ERR_UNAVAILABLE, "QUICKBASE_ANSWER",
                       "QuickBase's answer is not what its API documents: a row is no object");
    return read_row(chosen, fields, e164, arena, out, err);
}
