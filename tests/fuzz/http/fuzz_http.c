/*
 * Input: a letter that chooses the decoder (q = query or form, p = path against a table, h = header
 * with parameters, a = Authorization), then the text. What a query decodes to is encoded again and
 * must decode to the same; every text must be UTF-8, NUL-terminated and without zero bytes.
 */
#include <string.h>

#include "base/buf.h"
#include "base/macros.h"
#include "fuzz.h"
#include "http/params.h"
#include "router_int.h"

enum { MAX_PARAMS = 64 };

static void text_check(struct str text)
{
    INVARIANT(text.ptr != NULL && strlen(text.ptr) == text.len);
    INVARIANT(str_is_utf8(text));
}

static void encode(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        buf_printf(out, "%%%02X", (unsigned)(unsigned char)text.ptr[i]);
}

static void query_run(struct arena *arena, struct str text)
{
    struct http_params first;
    struct http_params second;
    struct err err = {0};
    if (http_params_decode(arena, text, MAX_PARAMS, &first, &err) != ERR_OK)
        return;
    INVARIANT(first.count <= MAX_PARAMS);
    struct buf again;
    buf_init(&again, 1 << 22);
    for (size_t i = 0; i < first.count; i++) {
        text_check(first.items[i].name);
        text_check(first.items[i].value);
        encode(&again, first.items[i].name);
        buf_char(&again, '=');
        encode(&again, first.items[i].value);
        buf_char(&again, '&');
    }
    enum err_code code = http_params_decode(arena, buf_str(&again), MAX_PARAMS, &second, &err);
    INVARIANT(code == ERR_OK || arena_is_exhausted(arena));
    INVARIANT(code != ERR_OK || first.count == second.count);
    for (size_t i = 0; code == ERR_OK && i < first.count; i++) {
        INVARIANT(str_eq(first.items[i].name, second.items[i].name));
        INVARIANT(str_eq(first.items[i].value, second.items[i].value));
    }
    buf_fini(&again);
}

static enum err_code handler(void *ctx, struct http_request *req, struct http_response *res,
                             struct err *err)
{
    (void)ctx;
    (void)req;
    (void)res;
    (void)err;
    return ERR_OK;
}

static const struct http_route routes[] = {
    {HTTP_GET, "/",                handler, 0, 0, ROLE_NONE, 0},
    {HTTP_GET, "/a/{one}/b/{two}", handler, 0, 0, ROLE_NONE, 0},
    {HTTP_GET, "/a/{one}/b/c",     handler, 0, 0, ROLE_NONE, 0},
    {HTTP_GET, "/ui/{path...}",    handler, 0, 0, ROLE_NONE, 0},
};

static void path_run(struct arena *arena, struct str text)
{
    static const struct http_route_set set = {.routes = routes, .count = ARRAY_LEN(routes)};
    struct router router;
    struct router_match match;
    struct err err = {0};
    enum err_code code = router_init(&router, &set, 1, &err);
    INVARIANT(code == ERR_OK);
    code = router_match(&router, HTTP_GET, text, arena, &match, &err);
    for (size_t i = 0; code == ERR_OK && i < match.params.count; i++) {
        struct str value = match.params.items[i].value;
        text_check(value);
        if (match.route->segments[0].text.len != 2) /* not "ui" */
            continue;
        struct str rest = value; /* nothing may climb out of a folder */
        while (rest.ptr != NULL) {
            struct str part = str_split(&rest, '/');
            INVARIANT(!str_eq(part, STR("..")) && !str_eq(part, STR(".")));
            INVARIANT(part.len == 0 || memchr(part.ptr, '\\', part.len) == NULL);
        }
    }
    router_fini(&router);
}

static void header_run(struct arena *arena, struct str text)
{
    struct str main_part;
    struct http_params params;
    struct err err = {0};
    if (http_header_split(arena, text, MAX_PARAMS, &main_part, &params, &err) != ERR_OK)
        return;
    INVARIANT(params.count <= MAX_PARAMS && main_part.len <= text.len);
    for (size_t i = 0; i < params.count; i++)
        INVARIANT(params.items[i].name.len > 0 && params.items[i].value.ptr != NULL);
}

static void credentials_run(struct arena *arena, struct str text)
{
    struct str user;
    struct str password;
    struct str token;
    if (http_bearer_token(text, &token))
        INVARIANT(token.len > 0 && token.len < text.len);
    if (!http_basic_credentials(arena, text, &user, &password))
        return;
    text_check(user);
    text_check(password);
    INVARIANT(user.len + password.len < text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 1 << 16)
        return 0;
    struct str text = {(const char *)data + 1, size - 1};
    struct arena *arena = arena_new(1 << 20);
    switch (data[0]) {
    case 'q':
        query_run(arena, text);
        break;
    case 'p':
        path_run(arena, text);
        break;
    case 'h':
        header_run(arena, text);
        break;
    case 'a':
        credentials_run(arena, text);
        break;
    default:
        break;
    }
    arena_free(arena);
    return 0;
}
