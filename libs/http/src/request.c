#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "server_int.h"

struct header_walk {
    struct exchange *ex;
    struct http_param *items; /* NULL while counting */
    size_t count;
    size_t bytes;
};

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *key,
                                 size_t key_bytes, const char *value, size_t value_bytes)
{
    (void)kind;
    struct header_walk *walk = cls;
    if (walk->items != NULL) {
        walk->items[walk->count].name = (struct str){key, key_bytes};
        walk->items[walk->count].value =
            value == NULL ? (struct str){"", 0} : (struct str){value, value_bytes};
    }
    walk->count++;
    walk->bytes += key_bytes + value_bytes + 4; /* ": " and the line end */
    return MHD_YES;
}

/* The names and values stay where libmicrohttpd has them: valid until the reply is out. */
static enum err_code headers_collect(struct exchange *ex, struct MHD_Connection *mhd,
                                     struct err *err)
{
    const struct http_server_config *config = &ex->server->config;
    struct header_walk walk = {.ex = ex};
    (void)MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, on_header, &walk);
    if (walk.count > config->max_headers || walk.bytes > config->max_header_bytes)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "HEADERS_TOO_LARGE",
                       "%zu header fields with %zu bytes were sent; at most %zu with %zu bytes are "
                       "allowed",
                       walk.count, walk.bytes, config->max_headers, config->max_header_bytes);
    walk.items = ARENA_ARRAY(ex->arena, struct http_param, walk.count);
    if (walk.items == NULL)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE", "too many header fields");
    walk.count = 0;
    (void)MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, on_header, &walk);
    ex->req.headers = (struct http_params){walk.items, walk.count};
    return ERR_OK;
}

static size_t header_count(const struct http_request *req, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < req->headers.count; i++)
        count += str_eq_nocase(req->headers.items[i].name, str_from(name));
    return count;
}

/* A name is a token; a value has no character that ends a line or a text. "Content-Length : 4" is
 * no Content-Length to us, but is one to a proxy in front. Source: RFC 9110 section 5, RFC 9112
 * section 5.1. */
static bool is_field_sound(const struct http_param *field)
{
    static const char token_marks[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < field->name.len; i++) {
        char c = field->name.ptr[i];
        bool is_alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_alnum && memchr(token_marks, c, sizeof token_marks - 1) == NULL)
            return false;
    }
    for (size_t i = 0; i < field->value.len; i++) {
        unsigned char c = (unsigned char)field->value.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return field->name.len > 0;
}

/* What two readers could understand differently is refused, so that no request hides in another's
 * body. Source: RFC 9112 section 6.3. */
static enum err_code framing_check(struct exchange *ex, struct err *err)
{
    for (size_t i = 0; i < ex->req.headers.count; i++) {
        if (!is_field_sound(&ex->req.headers.items[i]))
            return ERR_SET(err, ERR_INVALID_ARGUMENT, "BAD_FRAMING",
                           "header field %zu has characters that are not allowed, or a space "
                           "before its colon",
                           i + 1);
    }
    size_t lengths = header_count(&ex->req, "Content-Length");
    size_t codings = header_count(&ex->req, "Transfer-Encoding");
    if (lengths > 1 || codings > 1 || lengths + codings > 1 || header_count(&ex->req, "Host") > 1)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "BAD_FRAMING",
                       "send one Host, and either one Content-Length or one Transfer-Encoding");
    if (codings == 1 && !str_eq_nocase(http_header(&ex->req, "Transfer-Encoding"), STR("chunked")))
        return ERR_SET(err, ERR_UNIMPLEMENTED, "BAD_FRAMING",
                       "only the transfer coding \"chunked\" is supported");
    uint64_t length = 0;
    if (lengths == 1 &&
        !parse_u64(http_header(&ex->req, "Content-Length"), (uint64_t)INT64_MAX, &length))
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "BAD_FRAMING",
                       "Content-Length must be a decimal number");
    return ERR_OK;
}

static bool is_request_id(struct str text)
{
    static const char allowed[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.";
    if (text.len == 0 || text.len >= REQUEST_ID_SIZE)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\0' || strchr(allowed, text.ptr[i]) == NULL)
            return false;
    }
    return true;
}

static bool is_lower_hex(struct str text)
{
    bool has_other_than_zero = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        has_other_than_zero |= c != '0';
    }
    return has_other_than_zero;
}

/* Source: W3C Trace Context, version 00. */
static bool is_traceparent(struct str text)
{
    if (text.len != TRACEPARENT_SIZE - 1 || !str_starts_with(text, STR("00-")) ||
        text.ptr[35] != '-' || text.ptr[52] != '-')
        return false;
    struct str flags = {text.ptr + 53, 2};
    return is_lower_hex((struct str){text.ptr + 3, 32}) &&
           is_lower_hex((struct str){text.ptr + 36, 16}) &&
           (is_lower_hex(flags) || str_eq(flags, STR("00")));
}

static void ids_take(struct exchange *ex)
{
    struct str id = http_header(&ex->req, "X-Request-Id");
    if (is_request_id(id)) {
        memcpy(ex->call.request_id, id.ptr, id.len);
        ex->call.request_id[id.len] = '\0';
    }
    struct str trace = http_header(&ex->req, "traceparent");
    if (is_traceparent(trace)) {
        memcpy(ex->call.traceparent, trace.ptr, trace.len);
        ex->call.traceparent[trace.len] = '\0';
    }
}

static enum http_method method_from(const char *text)
{
    for (int i = HTTP_METHOD_NONE + 1; i < HTTP_METHOD_COUNT; i++) {
        if (strcmp(text, http_method_name((enum http_method)i)) == 0)
            return (enum http_method)i;
    }
    return HTTP_METHOD_NONE;
}

/* "http://host/path" is allowed as a target (RFC 9112 section 3.2.2); the host says nothing to us.
 */
static struct str target_path(struct str target)
{
    struct str rest = target;
    if (str_starts_with(rest, STR("http://")) || str_starts_with(rest, STR("https://"))) {
        ptrdiff_t slashes = str_find(rest, STR("//"));
        struct str tail = {rest.ptr + slashes + 2, rest.len - (size_t)slashes - 2};
        ptrdiff_t slash = str_find(tail, STR("/"));
        rest = slash < 0 ? STR("/") : (struct str){tail.ptr + slash, tail.len - (size_t)slash};
    }
    return rest;
}

enum err_code request_fill(struct exchange *ex, struct MHD_Connection *mhd, const char *method,
                           const char *version, struct err *err)
{
    struct http_request *req = &ex->req;
    const struct http_server_config *config = &ex->server->config;
    req->method = method_from(method);
    enum err_code code = headers_collect(ex, mhd, err);
    if (code != ERR_OK)
        return code;
    ids_take(ex);
    struct str query = target_path(req->target); /* first: refusals are in the words of the path */
    req->path = str_split(&query, '?');
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
        return ERR_SET(err, ERR_UNIMPLEMENTED, "HTTP_VERSION",
                       "the server speaks HTTP/1.1 and HTTP/1.0");
    code = framing_check(ex, err);
    if (code != ERR_OK)
        return code;
    if (req->target.len > config->max_target_bytes)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "URI_TOO_LONG",
                       "path and query have %zu bytes; at most %zu are allowed", req->target.len,
                       config->max_target_bytes);
    return http_params_decode(ex->arena, query, config->max_params, &req->query, err);
}

struct str http_header(const struct http_request *req, const char *name)
{
    for (size_t i = 0; i < req->headers.count; i++) {
        if (str_eq_nocase(req->headers.items[i].name, str_from(name)))
            return req->headers.items[i].value;
    }
    return (struct str){NULL, 0};
}

struct str http_path_param(const struct http_request *req, const char *name)
{
    return http_params_get(&req->path_params, name);
}

struct str http_query(const struct http_request *req, const char *name)
{
    return http_params_get(&req->query, name);
}

bool http_has_type(const struct http_request *req, const char *media_type)
{
    struct str rest = http_header(req, "Content-Type");
    return str_eq_nocase(str_trim(str_split(&rest, ';')), str_from(media_type));
}

enum err_code http_form(struct http_request *req, struct http_params *out, struct err *err)
{
    if (req->body.len > 0 && !http_has_type(req, "application/x-www-form-urlencoded"))
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "UNSUPPORTED_MEDIA_TYPE",
                       "send the body as application/x-www-form-urlencoded");
    return http_params_decode(req->call->arena, req->body, req->server->config.max_params, out,
                              err);
}

bool http_etag_matches(const struct http_request *req, const char *header, const char *etag)
{
    struct str rest = http_header(req, header);
    while (rest.ptr != NULL) {
        struct str one = str_trim(str_split(&rest, ','));
        if (str_starts_with(one, STR("W/")))
            one = (struct str){one.ptr + 2, one.len - 2};
        if (str_eq(one, STR("*")) || str_eq_text(one, etag))
            return true;
    }
    return false;
}
