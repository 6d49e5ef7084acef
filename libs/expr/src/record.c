#include "expr/record.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "base/parse.h"
#include "record_int.h"

enum { FIRST_ENTRIES = 24 }; /* most documents have no more values */

/* While reading, texts and ends are offsets (in as.i64); they become pointers in the final block.
 */
struct reader {
    const char *start;
    const char *at;
    const char *end;
    struct entry *entries; /* first, then a heap block */
    size_t count;
    size_t capacity;
    struct entry *first; /* FIRST_ENTRIES of the caller's */
    char *decoded;       /* texts that had escapes; made at the first one */
    size_t decoded_len;
    size_t depth;
    struct err *err;
};

/* ---- values -------------------------------------------------------------------------------- */

struct expr_value expr_value_null(void)
{
    return (struct expr_value){.kind = EXPR_KIND_NONE};
}

struct expr_value expr_value_bool(bool value)
{
    return (struct expr_value){.kind = EXPR_KIND_BOOL, .as.i64 = value};
}

struct expr_value expr_value_i64(int64_t value)
{
    return (struct expr_value){.kind = EXPR_KIND_I64, .as.i64 = value};
}

struct expr_value expr_value_f64(double value)
{
    /* Below 2^53 every integral double is exactly an integer: one form for equal numbers. */
    if (value > -9007199254740992.0 && value < 9007199254740992.0 && trunc(value) == value)
        return expr_value_i64((int64_t)value);
    return (struct expr_value){.kind = EXPR_KIND_F64, .as.f64 = value};
}

struct expr_value expr_value_str(struct str value)
{
    INVARIANT(value.len < (1U << 28));
    return (struct expr_value){.kind = EXPR_KIND_STR,
                               .len = (uint32_t)value.len & 0xFFFFFFFU,
                               .as.text = value.len == 0 ? "" : value.ptr,
                               .hash = text_hash(value)};
}

enum expr_kind expr_value_kind(struct expr_value value)
{
    return (enum expr_kind)value.kind;
}

struct str expr_value_text(struct expr_value value)
{
    if (value.kind != EXPR_KIND_STR)
        return (struct str){.ptr = "", .len = 0};
    return (struct str){.ptr = value.as.text, .len = value.len};
}

/* ---- pieces shared with the expression reader ------------------------------------------------ */

static int32_t hex4(const char *at, const char *end)
{
    int32_t value = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

int32_t escape_decode(const char **at, const char *end)
{
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    if (*at == end)
        return -1;
    char c = *(*at)++;
    const char *name = c == '\0' ? NULL : strchr(names, c);
    if (name != NULL)
        return values[name - names];
    if (c != 'u')
        return -1;
    int32_t point = hex4(*at, end);
    if (point < 0)
        return -1;
    *at += 4;
    if (point >= 0xDC00 && point <= 0xDFFF)
        return -2;
    if (point < 0xD800 || point > 0xDBFF)
        return point;
    if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
        return -2;
    int32_t low = hex4(*at + 2, end);
    if (low < 0xDC00 || low > 0xDFFF)
        return -2;
    *at += 6;
    return 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
}

size_t utf8_put(uint32_t point, char out[4])
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xC0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xE0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3F));
        out[2] = (char)(0x80 | (point & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 0x3F));
    out[2] = (char)(0x80 | (point >> 6 & 0x3F));
    out[3] = (char)(0x80 | (point & 0x3F));
    return 4;
}

bool number_parse(struct str text, struct expr_value *out)
{
    int64_t whole = 0;
    double real = 0;
    if (parse_i64(text, INT64_MIN, INT64_MAX, &whole)) {
        *out = expr_value_i64(whole);
        return true;
    }
    if (!parse_double(text, &real))
        return false;
    *out = expr_value_f64(real);
    return true;
}

/* ---- reading JSON ---------------------------------------------------------------------------- */

static enum err_code refuse(struct reader *r, const char *expected)
{
    return ERR_SET(
        r->err, ERR_INVALID_ARGUMENT, "JSON_INVALID",
        "The attributes are not valid JSON: at column %zu expected %s.",
        str_utf8_count((struct str){.ptr = r->start, .len = (size_t)(r->at - r->start)}) + 1,
        expected);
}

static inline void skip_space(struct reader *r)
{
    const char *at = r->at;
    while (at < r->end && (unsigned char)*at <= ' ' &&
           (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    r->at = at;
}

/* A text as it was read: where it begins in text-plus-decoded, and its bytes. */
struct piece {
    size_t off;
    struct str text;
};

static enum err_code read_escaped(struct reader *r, const char *from, struct piece *out)
{
    size_t json_len = (size_t)(r->end - r->start);
    if (r->decoded == NULL)
        r->decoded = xcalloc(json_len, 1); /* an escape is never shorter than what it stands for */
    char *to = r->decoded + r->decoded_len;
    char *first = to;
    memcpy(to, from, (size_t)(r->at - from));
    to += r->at - from;
    while (r->at < r->end && *r->at != '"') {
        if ((unsigned char)*r->at < 0x20)
            return refuse(r, "no control character inside a string (write \\n, \\t or \\u00XX)");
        if (*r->at != '\\') {
            *to++ = *r->at++;
            continue;
        }
        const char *escape = r->at++;
        int32_t point = escape_decode(&r->at, r->end);
        if (point <= 0) {
            r->at = escape;
            return refuse(r, point == -2  ? "a complete pair of \\uD8XX\\uDCXX escapes"
                             : point == 0 ? "no \\u0000, which cannot be stored"
                                          : "one of the escapes \\\" \\\\ \\/ \\b \\f \\n \\r \\t "
                                            "\\uXXXX");
        }
        char bytes[4];
        size_t len = utf8_put((uint32_t)point, bytes);
        memcpy(to, bytes, len);
        to += len;
    }
    if (r->at == r->end)
        return refuse(r, "a closing quote");
    r->at++;
    out->off = json_len + 1 + r->decoded_len;
    out->text = (struct str){.ptr = first, .len = (size_t)(to - first)};
    r->decoded_len += out->text.len;
    return ERR_OK;
}

/* The first quote, backslash or control character, eight bytes at a time. A byte's high bit tells
 * of a hit; subtracting borrows from those behind a hit only, so that the first one is right. */
static inline const char *plain_end(const char *at, const char *end)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t highs = UINT64_C(0x8080808080808080);
    while (end - at >= 8) {
        uint64_t word = 0;
        memcpy(&word, at, sizeof word);
        uint64_t quote = (word ^ ones * '"') - ones;
        uint64_t backslash = (word ^ ones * '\\') - ones;
        uint64_t control = word - ones * 0x20;
        uint64_t hits = (quote | backslash | control) & ~word & highs;
        if (hits != 0) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
            return at + __builtin_ctzll(hits) / 8;
#else
            break;
#endif
        }
        at += 8;
    }
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20)
        at++;
    return at;
}

/* At the opening quote. */
static inline enum err_code read_string(struct reader *r, struct piece *out)
{
    const char *from = r->at + 1;
    const char *at = plain_end(from, r->end);
    r->at = at;
    if (at == r->end)
        return refuse(r, "a closing quote");
    if (*at != '"')
        return read_escaped(r, from, out);
    out->off = (size_t)(from - r->start);
    out->text = (struct str){.ptr = from, .len = (size_t)(at - from)};
    r->at = at + 1;
    return ERR_OK;
}

static bool take_digits(struct reader *r)
{
    const char *from = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at > from;
}

/* An integer without sign of up to 18 digits, as most numbers are; false: not that simple. */
static inline bool plain_integer(const char **from, const char *limit, struct expr_value *out)
{
    const char *at = *from;
    const char *end = limit - at > 19 ? at + 19 : limit;
    int64_t value = 0;
    while (at < end && *at >= '0' && *at <= '9')
        value = value * 10 + (*at++ - '0');
    bool is_whole = at < end && (*at == ',' || *at == '}' || *at == ']');
    if (!is_whole || at == *from || (**from == '0' && at - *from > 1))
        return false;
    *from = at;
    *out = (struct expr_value){.kind = EXPR_KIND_I64, .as.i64 = value};
    return true;
}

static enum err_code read_number(struct reader *r, struct expr_value *out)
{
    const char *from = r->at;
    if (plain_integer(&r->at, r->end, out))
        return ERR_OK;
    if (*r->at == '-')
        r->at++;
    if (r->at < r->end && *r->at == '0')
        r->at++;
    else if (!take_digits(r))
        return refuse(r, "a digit");
    if (r->at < r->end && *r->at == '.') {
        r->at++;
        if (!take_digits(r))
            return refuse(r, "a digit behind the decimal point");
    }
    if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
        r->at++;
        if (r->at < r->end && (*r->at == '+' || *r->at == '-'))
            r->at++;
        if (!take_digits(r))
            return refuse(r, "a digit in the exponent");
    }
    if (!number_parse((struct str){.ptr = from, .len = (size_t)(r->at - from)}, out)) {
        r->at = from;
        return refuse(r, "a number that fits a 64-bit floating-point value");
    }
    return ERR_OK;
}

static enum err_code read_word(struct reader *r, struct str word, struct expr_value value,
                               struct expr_value *out)
{
    struct str rest = {.ptr = r->at, .len = (size_t)(r->end - r->at)};
    if (!str_starts_with(rest, word))
        return refuse(r, "a value (an object, array, string, number, true, false or null)");
    r->at += word.len;
    *out = value;
    return ERR_OK;
}

static void more_room(struct reader *r)
{
    bool is_first = r->entries == r->first;
    r->capacity *= 2;
    r->entries = xrealloc(is_first ? NULL : r->entries, r->capacity, sizeof *r->entries);
    if (is_first)
        memcpy(r->entries, r->first, r->count * sizeof *r->entries);
}

static inline enum err_code add_entry(struct reader *r, struct entry entry, size_t *out_index)
{
    if (r->count >= EXPR_JSON_MAX_VALUES)
        return ERR_SET(r->err, ERR_INVALID_ARGUMENT, "JSON_TOO_LARGE",
                       "The attributes hold more than %d values; make them fewer.",
                       EXPR_JSON_MAX_VALUES);
    if (r->count == r->capacity)
        more_room(r);
    *out_index = r->count;
    r->entries[r->count++] = entry;
    return ERR_OK;
}

static enum err_code read_value(struct reader *r, size_t self);

/* The value of a text, with its offset in place of the pointer. */
static inline struct expr_value piece_value(const struct piece *piece)
{
    return (struct expr_value){.kind = EXPR_KIND_STR,
                               .len = (uint32_t)piece->text.len & 0xFFFFFFFU,
                               .as.i64 = (int64_t)piece->off,
                               .hash = text_hash(piece->text)};
}

/* A key, its colon, its value, as a new entry below parent. */
static enum err_code read_member(struct reader *r, size_t parent)
{
    struct piece key;
    if (r->at == r->end || *r->at != '"')
        return refuse(r, "a key in double quotes");
    enum err_code code = read_string(r, &key);
    if (code != ERR_OK)
        return code;
    skip_space(r);
    if (r->at == r->end || *r->at != ':')
        return refuse(r, "':' behind the key");
    r->at++;
    size_t self = 0;
    code = add_entry(r,
                     (struct entry){.path_hash = path_hash_step(r->entries[parent].path_hash,
                                                                text_hash(key.text)),
                                    .key_off = (uint32_t)key.off,
                                    .place.key_len = (uint16_t)key.text.len,
                                    .place.parent = (uint16_t)parent},
                     &self);
    return code != ERR_OK ? code : read_value(r, self);
}

/* What most members are: "key":"text" or "key":12, without spaces and escapes. False: it is to be
 * read the long way, and nothing has been done. */
static inline bool read_simple_member(struct reader *r, size_t parent)
{
    const char *end = r->end;
    const char *key = r->at + 1;
    if (r->count == r->capacity || r->count >= EXPR_JSON_MAX_VALUES || r->at == end ||
        *r->at != '"')
        return false;
    const char *key_end = plain_end(key, end);
    if (end - key_end < 3 || key_end[0] != '"' || key_end[1] != ':')
        return false;
    struct entry *entry = &r->entries[r->count];
    const char *at = key_end + 2;
    if (*at == '"') {
        const char *text = at + 1;
        at = plain_end(text, end);
        if (at == end || *at != '"')
            return false;
        struct piece piece = {
            (size_t)(text - r->start), {text, (size_t)(at - text)}
        };
        entry->value = piece_value(&piece);
        at++;
    } else if (!plain_integer(&at, end, &entry->value)) {
        return false;
    }
    struct str name = {key, (size_t)(key_end - key)};
    entry->path_hash = path_hash_step(r->entries[parent].path_hash, text_hash(name));
    entry->key_off = (uint32_t)(key - r->start);
    entry->place = (struct entry_place){.key_len = (uint16_t)name.len, .parent = (uint16_t)parent};
    r->count++;
    r->at = at;
    return true;
}

static enum err_code read_element(struct reader *r, size_t parent, uint32_t index)
{
    size_t self = 0;
    enum err_code code =
        add_entry(r,
                  (struct entry){.path_hash = path_hash_index(r->entries[parent].path_hash, index),
                                 .key_off = index,
                                 .place.parent = (uint16_t)parent,
                                 .place.is_element = true},
                  &self);
    return code != ERR_OK ? code : read_value(r, self);
}

static enum err_code read_container(struct reader *r, size_t self, bool is_object)
{
    char close = is_object ? '}' : ']';
    uint32_t count = 0;
    if (++r->depth > EXPR_JSON_MAX_DEPTH)
        return ERR_SET(r->err, ERR_INVALID_ARGUMENT, "JSON_TOO_DEEP",
                       "The attributes are nested deeper than %d levels; flatten them.",
                       EXPR_JSON_MAX_DEPTH);
    r->at++;
    skip_space(r);
    bool is_first = true;
    while (r->at == r->end || *r->at != close || !is_first) {
        enum err_code code = ERR_OK;
        if (!is_object)
            code = read_element(r, self, count);
        else if (!read_simple_member(r, self))
            code = read_member(r, self);
        if (code != ERR_OK)
            return code;
        count++;
        is_first = false;
        skip_space(r);
        if (r->at < r->end && *r->at == close)
            break;
        if (r->at == r->end || *r->at != ',')
            return refuse(r, is_object ? "',' or '}'" : "',' or ']'");
        r->at++;
        skip_space(r);
    }
    r->at++;
    r->depth--;
    r->entries[self].value =
        (struct expr_value){.kind = is_object ? EXPR_KIND_OBJECT : EXPR_KIND_ARRAY,
                            .len = count & 0xFFFFFFFU,
                            .as.i64 = (int64_t)r->count};
    return ERR_OK;
}

/* The value of entry self. (Entries move as more are read: hold the index, never a pointer.) */
static enum err_code read_value(struct reader *r, size_t self)
{
    struct expr_value value = expr_value_null();
    enum err_code code = ERR_OK;
    skip_space(r);
    char c = '\0';
    if (r->at < r->end)
        c = *r->at;
    if (c == '{' || c == '[')
        return read_container(r, self, c == '{');
    if (c == '"') {
        struct piece text;
        code = read_string(r, &text);
        if (code != ERR_OK)
            return code;
        value = piece_value(&text);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        code = read_number(r, &value);
    } else if (c == 't') {
        code = read_word(r, STR("true"), expr_value_bool(true), &value);
    } else if (c == 'f') {
        code = read_word(r, STR("false"), expr_value_bool(false), &value);
    } else {
        code = read_word(r, STR("null"), expr_value_null(), &value);
    }
    if (code == ERR_OK)
        r->entries[self].value = value;
    return code;
}

static enum err_code read_document(struct reader *r)
{
    size_t root = 0;
    skip_space(r);
    if (r->at == r->end || *r->at != '{')
        return refuse(r, "'{' (attributes are a JSON object)");
    enum err_code code = add_entry(r, (struct entry){.path_hash = PATH_HASH_ROOT}, &root);
    if (code == ERR_OK)
        code = read_value(r, root);
    if (code != ERR_OK)
        return code;
    skip_space(r);
    return r->at == r->end ? ERR_OK : refuse(r, "nothing behind the closing '}'");
}

/* ---- the final block ------------------------------------------------------------------------- */

static bool is_same_place(const struct expr_record *record, const struct entry *a,
                          const struct entry *b)
{
    if (a->path_hash != b->path_hash || a->place.parent != b->place.parent ||
        a->place.is_element != b->place.is_element)
        return false;
    return !a->place.is_element && a->place.key_len == b->place.key_len &&
           memcmp(record->text + a->key_off, record->text + b->key_off, a->place.key_len) == 0;
}

static inline void index_entry(const struct expr_record *record, struct entry *entries,
                               uint16_t *slots, uint16_t self)
{
    uint32_t at = entries[self].path_hash & record->slot_mask;
    while (slots[at] != 0) {
        struct entry *other = &entries[slots[at]];
        if (is_same_place(record, other, &entries[self])) {
            other->place.is_dead = true; /* what lies below it is unreachable with it */
            break;
        }
        at = (at + 1) & record->slot_mask;
    }
    slots[at] = self;
}

/* The record's block, or a new one when that is too small (or watched by a sanitizer). */
static char *block_for(struct expr_record *old, size_t bytes, size_t *out_bytes)
{
#ifndef TR_SANITIZE
    if (old != NULL && old->bytes >= bytes) {
        *out_bytes = old->bytes;
        return (char *)old;
    }
#endif
    expr_record_free(old);
    *out_bytes = bytes;
    return xrealloc(NULL, 1, bytes);
}

static struct expr_record *build(const struct reader *r, struct expr_record *old)
{
    size_t json_len = (size_t)(r->end - r->start);
    size_t slot_count = 4;
    while (slot_count < r->count + r->count / 2)
        slot_count *= 2;
    size_t entries_bytes = r->count * sizeof(struct entry);
    size_t slots_bytes = slot_count * sizeof(uint16_t);
    size_t bytes =
        sizeof(struct expr_record) + entries_bytes + slots_bytes + json_len + 1 + r->decoded_len;
    char *block = block_for(old, bytes, &bytes);
    struct expr_record *record = (struct expr_record *)(void *)block;
    struct entry *entries = (struct entry *)(void *)(block + sizeof *record);
    uint16_t *slots = (uint16_t *)(void *)(block + sizeof *record + entries_bytes);
    char *text = block + sizeof *record + entries_bytes + slots_bytes;
    INVARIANT(r->entries != NULL); /* the document itself is the first */
    memcpy(entries, r->entries, entries_bytes);
    memset(slots, 0, slots_bytes);
    memcpy(text, r->start, json_len);
    text[json_len] = '\0';
    if (r->decoded_len > 0)
        memcpy(text + json_len + 1, r->decoded, r->decoded_len);
    *record = (struct expr_record){.text = text,
                                   .entries = entries,
                                   .slots = slots,
                                   .slot_mask = (uint32_t)(slot_count - 1),
                                   .json_len = (uint32_t)json_len,
                                   .bytes = bytes};
    for (size_t i = 0; i < r->count; i++) {
        struct expr_value *value = &entries[i].value;
        if (value->kind == EXPR_KIND_STR) {
            value->as.text = text + value->as.i64;
        } else if (value->kind == EXPR_KIND_ARRAY || value->kind == EXPR_KIND_OBJECT) {
            value->as.end = entries + value->as.i64;
        }
        if (i > 0)
            index_entry(record, entries, slots, (uint16_t)i);
    }
    return record;
}

enum err_code expr_record_new(struct str json, struct expr_record **out_record, struct err *err)
{
    struct expr_record *record = NULL;
    enum err_code code = expr_record_renew(json, &record, err);
    if (code == ERR_OK)
        *out_record = record;
    return code;
}

/* io_record NULL: only looked at. */
static enum err_code read_json(struct str json, struct expr_record **io_record, struct err *err)
{
    if (json.len > EXPR_JSON_MAX_BYTES)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "JSON_TOO_LARGE",
                       "The attributes are %zu bytes long; at most %d are allowed.", json.len,
                       EXPR_JSON_MAX_BYTES);
    if (!str_is_utf8(json))
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "JSON_INVALID",
                       "The attributes are not valid UTF-8.");
    struct entry first[FIRST_ENTRIES];
    struct reader reader = {.start = json.len == 0 ? "" : json.ptr,
                            .entries = first,
                            .capacity = FIRST_ENTRIES,
                            .first = first,
                            .err = err};
    reader.at = reader.start;
    reader.end = reader.start + json.len;
    enum err_code code = read_document(&reader);
    if (code == ERR_OK && io_record != NULL)
        *io_record = build(&reader, *io_record);
    if (reader.entries != first)
        free(reader.entries);
    free(reader.decoded);
    return code;
}

enum err_code expr_record_renew(struct str json, struct expr_record **io_record, struct err *err)
{
    INVARIANT(*io_record == NULL || (*io_record)->field_count == 0);
    return read_json(json, io_record, err);
}

enum err_code expr_record_check(struct str json, struct err *err)
{
    return read_json(json, NULL, err);
}

void expr_record_free(struct expr_record *record)
{
    if (record == NULL)
        return;
    for (uint32_t i = 0; i < record->field_count; i++)
        free(record->fields[i].text);
    free(record->fields);
    free(record);
}

struct str expr_record_json(const struct expr_record *record)
{
    return (struct str){.ptr = record->text, .len = record->json_len};
}

size_t expr_record_bytes(const struct expr_record *record)
{
    size_t bytes = record->bytes + record->field_capacity * sizeof *record->fields;
    for (uint32_t i = 0; i < record->field_count; i++)
        bytes += record->fields[i].capacity;
    return bytes;
}

/* ---- built-in fields ------------------------------------------------------------------------- */

struct expr_field *expr_field_new(struct str name)
{
    struct expr_field *field = xcalloc(1, sizeof *field);
    field->name = xstr_dup(name);
    field->len = (uint32_t)name.len;
    field->hash = PATH_HASH_ROOT;
    struct str rest = {.ptr = field->name, .len = name.len};
    field->bit = path_bit(str_split(&rest, '.'));
    rest = (struct str){.ptr = field->name, .len = name.len};
    while (rest.ptr != NULL)
        field->hash = path_hash_step(field->hash, text_hash(str_split(&rest, '.')));
    return field;
}

void expr_field_free(struct expr_field *field)
{
    if (field == NULL)
        return;
    free(field->name);
    free(field);
}

const struct expr_value *record_find_field(const struct expr_record *record,
                                           const struct path *path)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct expr_field *field = record->fields[i].field;
        if (field->hash == path->hash &&
            str_eq(path->name, (struct str){.ptr = field->name, .len = field->len}))
            return &record->fields[i].value;
    }
    return NULL;
}

static struct field_value *field_at(struct expr_record *record, const struct expr_field *field)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        if (record->fields[i].field == field)
            return &record->fields[i];
    }
    if (record->field_count == record->field_capacity) {
        record->field_capacity += 4;
        record->fields = xrealloc(record->fields, record->field_capacity, sizeof *record->fields);
    }
    struct field_value *value = &record->fields[record->field_count++];
    *value = (struct field_value){.field = field};
    record->field_bits |= field->bit;
    return value;
}

void expr_record_set_i64(struct expr_record *record, const struct expr_field *field, int64_t value)
{
    field_at(record, field)->value = expr_value_i64(value);
}

void expr_record_set_bool(struct expr_record *record, const struct expr_field *field, bool value)
{
    field_at(record, field)->value = expr_value_bool(value);
}

void expr_record_set_str(struct expr_record *record, const struct expr_field *field,
                         struct str value)
{
    struct field_value *to = field_at(record, field);
    if (to->text == NULL || to->capacity < value.len) {
        to->text = xrealloc(to->text, value.len + 1, 1);
        to->capacity = value.len + 1;
    }
    if (value.len > 0)
        memmove(to->text, value.ptr, value.len);
    to->value = expr_value_str((struct str){.ptr = to->text, .len = value.len});
}

void expr_record_set_view(struct expr_record *record, const struct expr_field *field,
                          struct str value)
{
    field_at(record, field)->value = expr_value_str(value);
}

void expr_record_unset(struct expr_record *record, const struct expr_field *field)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        if (record->fields[i].field != field)
            continue;
        free(record->fields[i].text);
        record->fields[i] = record->fields[--record->field_count];
        return;
    }
}

void expr_record_move_fields(struct expr_record *from, struct expr_record *to)
{
    for (uint32_t i = 0; i < to->field_count; i++)
        free(to->fields[i].text);
    free(to->fields);
    to->fields = from->fields;
    to->field_count = from->field_count;
    to->field_capacity = from->field_capacity;
    to->field_bits = from->field_bits;
    from->fields = NULL;
    from->field_count = 0;
    from->field_capacity = 0;
    from->field_bits = 0;
}
