#include "router_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static bool segment_parse(struct str text, struct route_segment *out)
{
    bool has_open = text.len > 0 && text.ptr[0] == '{';
    bool has_close = text.len > 0 && text.ptr[text.len - 1] == '}';
    if (has_open != has_close || text.len == 0)
        return false;
    if (!has_open) {
        *out = (struct route_segment){SEGMENT_LITERAL, text};
        return true;
    }
    struct str name = {text.ptr + 1, text.len - 2};
    bool is_rest = str_ends_with(name, STR("..."));
    if (is_rest)
        name.len -= 3;
    *out = (struct route_segment){is_rest ? SEGMENT_REST : SEGMENT_PARAM, name};
    return name.len > 0;
}

static bool route_parse(const struct http_route *row, struct router_route *out)
{
    if (row->handler == NULL || row->pattern == NULL || row->pattern[0] != '/' ||
        row->method <= HTTP_METHOD_NONE || row->method >= HTTP_METHOD_COUNT)
        return false;
    if (row->pattern[1] == '\0')
        return true; /* "/" has no segments */
    struct str rest = str_from(row->pattern + 1);
    while (rest.ptr != NULL) {
        struct str text = str_split(&rest, '/');
        if (out->segment_count == ROUTER_MAX_SEGMENTS)
            return false;
        struct route_segment *segment = &out->segments[out->segment_count++];
        if (!segment_parse(text, segment))
            return false;
        if (segment->kind == SEGMENT_REST && rest.ptr != NULL)
            return false;
    }
    return true;
}

/* Literals before parameters before rests, from the left; then by text, so that equal shapes are
 * neighbours; then HEAD before GET, so that a row of its own wins. */
static int route_compare(const void *left, const void *right)
{
    const struct router_route *a = left;
    const struct router_route *b = right;
    for (size_t i = 0; i < a->segment_count && i < b->segment_count; i++) {
        const struct route_segment *x = &a->segments[i];
        const struct route_segment *y = &b->segments[i];
        if (x->kind != y->kind)
            return x->kind < y->kind ? -1 : 1;
        int order = x->kind == SEGMENT_LITERAL ? str_cmp(x->text, y->text) : 0;
        if (order != 0)
            return order;
    }
    if (a->segment_count != b->segment_count)
        return a->segment_count < b->segment_count ? -1 : 1;
    return (int)b->row->method - (int)a->row->method;
}

enum err_code router_init(struct router *router, const struct http_route_set *sets,
                          size_t set_count, struct err *err)
{
    size_t count = 0;
    for (size_t i = 0; i < set_count; i++)
        count += sets[i].count;
    *router = (struct router){
        .routes = xcalloc(count + 1, sizeof *router->routes),
        .sets = sets,
        .set_count = set_count,
    };
    for (size_t i = 0; i < set_count; i++) {
        for (size_t j = 0; j < sets[i].count; j++) {
            struct router_route *route = &router->routes[router->count];
            route->row = &sets[i].routes[j];
            route->set = &sets[i];
            if (!route_parse(route->row, route)) {
                router_fini(router);
                return ERR_SET(err, ERR_INVALID_ARGUMENT, "BAD_ROUTE",
                               "row %zu of route set %zu is malformed", j, i);
            }
            router->count++;
        }
    }
    qsort(router->routes, router->count, sizeof *router->routes, route_compare);
    for (size_t i = 1; i < router->count; i++) {
        if (route_compare(&router->routes[i - 1], &router->routes[i]) != 0)
            continue;
        enum err_code code = ERR_SET(
            err, ERR_INVALID_ARGUMENT, "BAD_ROUTE", "%s %s is in the tables twice",
            http_method_name(router->routes[i].row->method), router->routes[i].row->pattern);
        router_fini(router);
        return code;
    }
    return ERR_OK;
}

void router_fini(struct router *router)
{
    free(router->routes);
    *router = (struct router){0};
}

struct path_parts {
    struct str items[ROUTER_MAX_SEGMENTS];
    size_t count;
    bool is_too_deep;
};

static enum err_code path_split(struct arena *arena, struct str path, struct path_parts *out,
                                struct err *err)
{
    struct str rest = {path.ptr + 1, path.len - 1};
    if (rest.len == 0)
        return ERR_OK;
    while (rest.ptr != NULL) {
        struct str raw = str_split(&rest, '/');
        if (out->count == ROUTER_MAX_SEGMENTS) {
            out->is_too_deep = true;
            return ERR_OK;
        }
        struct str *part = &out->items[out->count];
        enum err_code code = http_segment_decode(arena, raw, part, err);
        if (code != ERR_OK)
            return code;
        if (str_eq(*part, STR(".")) || str_eq(*part, STR("..")))
            return ERR_SET(err, ERR_INVALID_ARGUMENT, "BAD_PATH",
                           "a path must not contain \".\" or \"..\" segments");
        out->count++;
    }
    return ERR_OK;
}

static bool route_fits(const struct router_route *route, const struct path_parts *parts)
{
    for (size_t i = 0; i < route->segment_count; i++) {
        const struct route_segment *segment = &route->segments[i];
        if (i >= parts->count || (parts->items[i].len == 0 && segment->kind != SEGMENT_REST))
            return false;
        if (segment->kind == SEGMENT_REST)
            return true;
        if (segment->kind == SEGMENT_LITERAL && !str_eq(segment->text, parts->items[i]))
            return false;
    }
    return parts->count == route->segment_count;
}

/* The remaining segments with '/' between; escaped separators are refused, since a rest is made for
 * looking up files. */
static enum err_code rest_join(struct arena *arena, const struct path_parts *parts, size_t from,
                               struct str *out, struct err *err)
{
    size_t len = 0;
    for (size_t i = from; i < parts->count; i++)
        len += parts->items[i].len + 1;
    char *text = arena_alloc(arena, len + 1);
    if (text == NULL)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE", "the path is too long");
    size_t used = 0;
    for (size_t i = from; i < parts->count; i++) {
        struct str part = parts->items[i];
        if (part.len > 0 &&
            (memchr(part.ptr, '/', part.len) != NULL || memchr(part.ptr, '\\', part.len) != NULL))
            return ERR_SET(err, ERR_INVALID_ARGUMENT, "BAD_PATH",
                           "a path must not contain escaped separators");
        if (i > from)
            text[used++] = '/';
        if (part.len > 0)
            memcpy(text + used, part.ptr, part.len);
        used += part.len;
    }
    *out = (struct str){text, used};
    return ERR_OK;
}

static enum err_code params_bind(struct arena *arena, const struct router_route *route,
                                 const struct path_parts *parts, struct http_params *out,
                                 struct err *err)
{
    struct http_param *items = ARENA_ARRAY(arena, struct http_param, route->segment_count);
    if (items == NULL)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE", "the path is too long");
    size_t count = 0;
    for (size_t i = 0; i < route->segment_count; i++) {
        const struct route_segment *segment = &route->segments[i];
        if (segment->kind == SEGMENT_LITERAL)
            continue;
        items[count].name = segment->text;
        items[count].value = parts->items[i];
        if (segment->kind == SEGMENT_REST) {
            enum err_code code = rest_join(arena, parts, i, &items[count].value, err);
            if (code != ERR_OK)
                return code;
        }
        count++;
    }
    *out = (struct http_params){items, count};
    return ERR_OK;
}

static bool method_fits(enum http_method row, enum http_method asked)
{
    return row == asked || (row == HTTP_GET && asked == HTTP_HEAD);
}

enum err_code router_match(const struct router *router, enum http_method method, struct str path,
                           struct arena *arena, struct router_match *out, struct err *err)
{
    *out = (struct router_match){0};
    struct path_parts parts = {.count = 0};
    if (path.len == 0 || path.ptr[0] != '/')
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "BAD_PATH", "a path must begin with \"/\"");
    enum err_code code = path_split(arena, path, &parts, err);
    if (code != ERR_OK || parts.is_too_deep)
        return code;
    for (size_t i = 0; i < router->count; i++) {
        const struct router_route *route = &router->routes[i];
        if (!route_fits(route, &parts))
            continue;
        out->allowed |= 1U << route->row->method;
        if (method_fits(route->row->method, method)) {
            out->route = route;
            return params_bind(arena, route, &parts, &out->params, err);
        }
    }
    if ((out->allowed & (1U << HTTP_GET)) != 0)
        out->allowed |= 1U << HTTP_HEAD;
    return ERR_OK;
}

const struct http_route_set *router_set_for(const struct router *router, struct str path)
{
    for (size_t i = 0; i < router->set_count; i++) {
        const struct http_route_set *set = &router->sets[i];
        if (set->prefix != NULL && str_starts_with(path, str_from(set->prefix)))
            return set;
    }
    return NULL;
}
