#include "eb_request.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/parse.h"
#include "jx/jx.h"

enum { URL_MAX = 512, PARAMS_MAX = 64, SEGMENTS_MAX = 8 };

/* segments: behind the workspace's SID; "WK" and the like stand for a SID of that kind. */
struct eb_shape {
    const char *segments[4];
    bool allows_post;
    enum eb_kind kind;
};

/* ---- reading ---- */

static enum err_code bad(struct err *err, const char *member, const char *wanted)
{
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_REQUEST", member, "%s must be %s", member,
                     wanted);
}

/* Letters, digits, slashes and the like: nothing that is encoded or means something elsewhere. */
static bool is_plain_path(struct str url)
{
    for (size_t i = 0; i < url.len; i++) {
        char c = url.ptr[i];
        bool is_plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                        (c >= '0' && c <= '9') || c == '/' || c == '_' || c == '-';
        if (!is_plain)
            return false;
    }
    return url.len > 0 && url.len <= URL_MAX && url.ptr[0] != '/';
}

/* The SDK's name for a worker's channels is its own. */
static const char *path_of(struct arena *arena, struct str url)
{
    static const struct str theirs = {"/WorkerChannels", sizeof "/WorkerChannels" - 1};
    ptrdiff_t at = str_find(url, theirs);
    if (at < 0)
        return arena_printf(arena, "/v1/%.*s", STR_ARG(url));
    struct str tail = {url.ptr + at + theirs.len, url.len - (size_t)at - theirs.len};
    return arena_printf(arena, "/v1/%.*s/Channels%.*s", (int)at, url.ptr, STR_ARG(tail));
}

/* How a value would stand in a form. NULL: no memory; JSON texts are for attributes. */
static const char *value_text(struct arena *arena, const json_t *value)
{
    if (json_is_string(value))
        return arena_strdup(arena, json_string_value(value));
    if (json_is_boolean(value))
        return json_is_true(value) ? "true" : "false";
    if (json_is_integer(value))
        return arena_printf(arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    const char *kept = text == NULL ? NULL : arena_strdup(arena, text);
    free(text);
    return kept;
}

static bool add_param(struct arena *arena, struct http_param *items, size_t *count,
                      const char *name, const json_t *value)
{
    if (*count == PARAMS_MAX)
        return false;
    const char *text = value_text(arena, value);
    const char *kept = arena_strdup(arena, name);
    if (text == NULL || kept == NULL)
        return false;
    items[(*count)++] = (struct http_param){str_from(kept), str_from(text)};
    return true;
}

/* Lists are repeated parameters; null is absent. */
static enum err_code params_read(struct arena *arena, json_t *params, struct http_params *out,
                                 struct err *err)
{
    const char *name = NULL;
    json_t *value = NULL;
    size_t count = 0;
    bool is_good = true;
    struct http_param *items = ARENA_ARRAY(arena, struct http_param, PARAMS_MAX);
    if (items == NULL)
        return call_no_room(err);
    json_object_foreach(params, name, value)
    {
        if (json_is_null(value))
            continue;
        if (!json_is_array(value)) {
            is_good = is_good && add_param(arena, items, &count, name, value);
            continue;
        }
        for (size_t i = 0; i < json_array_size(value); i++)
            is_good = is_good && add_param(arena, items, &count, name, json_array_get(value, i));
    }
    *out = (struct http_params){items, count};
    return is_good ? ERR_OK : bad(err, "params", "an object of at most 64 values");
}

enum err_code eb_request_read(struct arena *arena, struct str body, struct eb_request *out,
                              struct err *err)
{
    AUTO(jx_cleanup) json_t *root = NULL;
    struct jx_limits limits = {.max_bytes = 64 << 10};
    enum err_code code = jx_parse_object(body, &limits, &root, err);
    if (code != ERR_OK)
        return code;
    const char *method = jx_get_text(root, "method", "");
    struct str url = str_from(jx_get_text(root, "url", ""));
    json_t *params = jx_get(root, "params");
    *out = (struct eb_request){.method = HTTP_GET};
    if (strcmp(method, "POST") == 0)
        out->method = HTTP_POST;
    else if (strcmp(method, "GET") != 0)
        return bad(err, "method", "GET or POST");
    if (!is_plain_path(url))
        return bad(err, "url", "a path such as Workspaces/WS…/Workers/WK…");
    if (params != NULL && !json_is_object(params))
        return bad(err, "params", "an object");
    out->path = str_from(path_of(arena, url));
    out->token = str_from(arena_strdup(arena, jx_get_text(root, "token", "")));
    code = params_read(arena, params, &out->params, err);
    return code == ERR_OK && arena_is_exhausted(arena) ? call_no_room(err) : code;
}

/* ---- which ---- */

static const struct eb_shape shapes[] = {
    {{"Activities"},                          false, EB_ACTIVITIES  },
    {{"Workers", "WK"},                       true,  EB_WORKER      },
    {{"Workers", "WK", "Channels"},           false, EB_CHANNELS    },
    {{"Workers", "WK", "Channels", "WC"},     true,  EB_CHANNEL     },
    {{"Workers", "WK", "Reservations"},       false, EB_RESERVATIONS},
    {{"Workers", "WK", "Reservations", "WR"}, true,  EB_RESERVATION },
    {{"Tasks", "WT"},                         true,  EB_TASK        },
};

static bool fits(const struct eb_shape *shape, const struct str *segments, size_t count,
                 const char *sids[2])
{
    size_t found = 0;
    sids[0] = sids[1] = NULL;
    for (size_t i = 0; i < ARRAY_LEN(shape->segments); i++) {
        const char *wanted = shape->segments[i];
        if (i >= count || wanted == NULL)
            return i >= count && wanted == NULL;
        if (strlen(wanted) == 2) {
            if (!parse_is_sid(segments[i], wanted))
                return false;
            sids[found++] = segments[i].ptr;
        } else if (!str_eq_text(segments[i], wanted)) {
            return false;
        }
    }
    return count == ARRAY_LEN(shape->segments);
}

/* Segments become texts of their own: the slashes behind them end them. */
static size_t segments_cut(struct eb_request *request, struct str segments[SEGMENTS_MAX],
                           struct arena *arena)
{
    size_t count = 0;
    struct str rest = {request->path.ptr + 1, request->path.len - 1};
    while (rest.ptr != NULL && count < SEGMENTS_MAX)
        segments[count++] = arena_str(arena, str_split(&rest, '/'));
    return rest.ptr == NULL && !arena_is_exhausted(arena) ? count : 0;
}

enum err_code eb_request_bind(struct eb_request *request, struct arena *arena, struct err *err)
{
    struct str segments[SEGMENTS_MAX];
    size_t count = segments_cut(request, segments, arena);
    bool is_below =
        count > 3 && str_eq_text(segments[1], "Workspaces") && parse_is_sid(segments[2], "WS");
    for (size_t i = 0; i < ARRAY_LEN(shapes) && is_below; i++) {
        if (!fits(&shapes[i], segments + 3, count - 3, request->sids) ||
            (request->method == HTTP_POST && !shapes[i].allows_post))
            continue;
        request->workspace_sid = segments[2].ptr;
        request->kind = shapes[i].kind;
        return ERR_OK;
    }
    return ERR_SET(err, ERR_NOT_FOUND, "NOT_FOUND", "there is no such path for a worker");
}
