#include "svc/order.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/parse.h"

static enum err_code refuse(const char *const *names, size_t name_count, struct err *err)
{
    char list[128] = "";
    size_t len = 0;
    for (size_t i = 0; i < name_count && len < sizeof list; i++) {
        int more = snprintf(list + len, sizeof list - len, "%s%s", i == 0 ? "" : ", ", names[i]);
        len += more > 0 ? (size_t)more : 0;
    }
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_ORDERING", "ordering",
                     "Ordering must be comma-separated pairs of a name and asc or desc, such as "
                     "%s:asc; the names are: %s",
                     names[0], list);
}

static bool take_clause(struct str text, const char *const *names, size_t name_count,
                        struct order_clause *out)
{
    bool has_direction = text.len > 0 && memchr(text.ptr, ':', text.len) != NULL;
    struct str name = str_trim(str_split(&text, ':'));
    struct str direction = str_trim(text);
    out->is_desc = has_direction && str_eq_nocase(direction, STR("desc"));
    if (has_direction && !out->is_desc && !str_eq_nocase(direction, STR("asc")))
        return false;
    for (out->field = 0; out->field < (int)name_count; out->field++) {
        if (str_eq_text(name, names[out->field]))
            return true;
    }
    return false;
}

static bool has_field(const struct order *order, int field)
{
    for (size_t i = 0; i < order->count; i++) {
        if (order->clauses[i].field == field)
            return true;
    }
    return false;
}

enum err_code order_parse(const char *text, const char *tag, const char *const *names,
                          size_t name_count, struct order *out, struct err *err)
{
    struct str rest = str_trim(str_from(text));
    struct order order = {.count = 0};
    (void)snprintf(order.tag, sizeof order.tag, "%.7s", tag);
    bool is_good = true;
    for (bool is_last = rest.len == 0; !is_last && is_good;) {
        is_last = memchr(rest.ptr, ',', rest.len) == NULL;
        struct order_clause clause;
        is_good = order.count < ORDER_CLAUSES_MAX &&
                  take_clause(str_split(&rest, ','), names, name_count, &clause) &&
                  !has_field(&order, clause.field) && (is_last || rest.len > 0);
        if (is_good)
            order.clauses[order.count++] = clause;
    }
    if (!is_good)
        return refuse(names, name_count, err);
    size_t len = strlen(order.tag);
    for (size_t i = 0; i < order.count; i++) {
        order.tag[len++] = (char)('0' + order.clauses[i].field);
        order.tag[len++] = order.clauses[i].is_desc ? '-' : '+';
    }
    *out = order;
    return ERR_OK;
}

char *order_key(struct arena *arena, const int64_t *numbers, size_t count, const char *sid)
{
    char text[ORDER_CLAUSES_MAX * 24 + 1] = "";
    size_t len = 0;
    INVARIANT(count <= ORDER_CLAUSES_MAX);
    for (size_t i = 0; i < count; i++) {
        int more = snprintf(text + len, sizeof text - len, "%" PRId64 ",", numbers[i]);
        len += more > 0 ? (size_t)more : 0;
    }
    return arena_printf(arena, "%s%s", text, sid);
}

bool order_key_read(const char *key, int64_t *out_numbers, size_t count, const char **out_sid)
{
    struct str rest = str_from(key);
    for (size_t i = 0; i < count; i++) {
        if (!parse_i64(str_split(&rest, ','), ORDER_NUMBER_MIN, ORDER_NUMBER_MAX, &out_numbers[i]))
            return false;
    }
    *out_sid = rest.ptr;
    return parse_is_sid(rest, NULL);
}
