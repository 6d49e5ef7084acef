#include "worker_token.h"

#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"
#include "crypt/jwt.h"
#include "jx/jx.h"

enum { JSON_DEPTH = 8, POLICIES_MAX = 64, SEGMENTS_MAX = 16 };

/* A clock of the maker's that is ahead of ours by less is no reason to refuse. */
#define LEEWAY_US (30 * US_PER_S)

/* Seconds since 1970 that are still microseconds in 64 bits. */
#define TIME_MAX_S INT64_C(1000000000000)

static enum err_code invalid(struct err *err, const char *what)
{
    return ERR_SET(err, ERR_UNAUTHENTICATED, "TOKEN_INVALID", "the worker token %s", what);
}

bool worker_token_is_formed(struct str token)
{
    return crypt_jwt_is_formed(token);
}

/* ---- reading ---- */

static void drop_json(void *json)
{
    json_decref(json);
}

/* The object lives as long as the arena. */
static bool object_read(struct arena *arena, const struct buf *text, json_t **out)
{
    struct jx_limits limits = {.max_bytes = WORKER_TOKEN_MAX, .max_depth = JSON_DEPTH};
    if (jx_parse_object(buf_str(text), &limits, out, NULL) != ERR_OK)
        return false;
    arena_defer(arena, drop_json, *out);
    return true;
}

static bool parts_read(struct arena *arena, struct str token, json_t **out_header,
                       json_t **out_payload)
{
    struct buf header;
    struct buf payload;
    buf_init(&header, WORKER_TOKEN_MAX);
    buf_init(&payload, WORKER_TOKEN_MAX);
    bool is_read =
        token.len <= WORKER_TOKEN_MAX && crypt_jwt_read(token, &header, &payload, NULL) == ERR_OK &&
        object_read(arena, &header, out_header) && object_read(arena, &payload, out_payload);
    buf_fini(&header);
    buf_fini(&payload);
    return is_read;
}

static bool is_algorithm(const char *name)
{
    return strcmp(name, "HS256") == 0 || strcmp(name, "HS384") == 0 || strcmp(name, "HS512") == 0;
}

/* "" where it is not a SID of that kind. */
static const char *sid_of(const json_t *object, const char *key, const char *prefix)
{
    const char *sid = jx_get_text(object, key, "");
    return parse_is_sid(str_from(sid), prefix) ? sid : "";
}

/* A time claim; false where it is no number in range. Absent: 0. */
static bool time_read(const json_t *payload, const char *key, int64_t *out_us)
{
    const json_t *value = jx_get(payload, key);
    *out_us = 0;
    if (value == NULL)
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > TIME_MAX_S)
        return false;
    *out_us = json_integer_value(value) * US_PER_S;
    return true;
}

static enum err_code access_read(const json_t *header, const json_t *payload,
                                 struct worker_token *out, struct err *err)
{
    const json_t *grant = jx_get(jx_get(payload, "grants"), "task_router");
    if (strcmp(jx_get_text(header, "cty", ""), "twilio-fpa;v=1") != 0)
        return invalid(err, "is no access token: its header lacks cty twilio-fpa;v=1");
    out->account_sid = sid_of(payload, "sub", "AC");
    out->workspace_sid = sid_of(grant, "workspace_sid", "WS");
    out->worker_sid = sid_of(grant, "worker_sid", "WK");
    if (out->account_sid[0] == '\0')
        return invalid(err, "names no account (sub)");
    if (out->workspace_sid[0] == '\0' || out->worker_sid[0] == '\0')
        return invalid(err, "has no TaskRouter grant with a workspace and a worker");
    if (strcmp(jx_get_text(grant, "role", "worker"), "worker") != 0)
        return invalid(err, "grants a role that is not known here; the role must be worker");
    return ERR_OK;
}

static enum err_code capability_read(const json_t *payload, struct worker_token *out,
                                     struct err *err)
{
    out->is_capability = true;
    out->account_sid = sid_of(payload, "account_sid", "AC");
    out->workspace_sid = sid_of(payload, "workspace_sid", "WS");
    out->worker_sid = sid_of(payload, "worker_sid", "WK");
    out->policies = jx_get(payload, "policies");
    if (strcmp(out->account_sid, out->issuer) != 0)
        return invalid(err, "names another account than its issuer");
    if (out->workspace_sid[0] == '\0' || out->worker_sid[0] == '\0')
        return invalid(err, "names no workspace and worker; only workers' tokens are taken");
    if (!json_is_array(out->policies) || json_array_size(out->policies) > POLICIES_MAX)
        return invalid(err, "has no list of at most 64 policies");
    return ERR_OK;
}

enum err_code worker_token_read(struct arena *arena, struct str token, struct worker_token *out,
                                struct err *err)
{
    json_t *header = NULL;
    json_t *payload = NULL;
    *out = (struct worker_token){0};
    if (!parts_read(arena, token, &header, &payload))
        return invalid(err, "cannot be read, or is longer than 8192 bytes");
    if (!is_algorithm(jx_get_text(header, "alg", "")))
        return invalid(err, "must be signed with HS256, HS384 or HS512");
    if (!time_read(payload, "exp", &out->expires_at_us) || out->expires_at_us == 0 ||
        !time_read(payload, "nbf", &out->not_before_us))
        return invalid(err, "does not say in whole seconds when it expires (exp)");
    out->issuer = jx_get_text(payload, "iss", "");
    if (parse_is_sid(str_from(out->issuer), "SK"))
        return access_read(header, payload, out, err);
    if (parse_is_sid(str_from(out->issuer), "AC"))
        return capability_read(payload, out, err);
    return invalid(err, "names neither a key nor an account as its issuer (iss)");
}

enum err_code worker_token_check_time(const struct worker_token *token, int64_t now_us,
                                      struct err *err)
{
    if (token->expires_at_us <= now_us)
        return ERR_SET(err, ERR_UNAUTHENTICATED, "TOKEN_EXPIRED",
                       "the token has expired; make another one");
    if (token->not_before_us > now_us + LEEWAY_US)
        return invalid(err, "is not valid yet (nbf)");
    return ERR_OK;
}

/* ---- what it allows ---- */

/* Of a path or of a pattern, from /v1 on; 0 when there are too many. */
static size_t segments_of(struct str path, struct str segments[SEGMENTS_MAX])
{
    size_t count = 0;
    struct str rest = path;
    while (rest.ptr != NULL) {
        if (count == SEGMENTS_MAX)
            return 0;
        segments[count++] = str_split(&rest, '/');
    }
    return count;
}

/* "*" is one segment, "**" any number of them, none too. After a "**" the shortest way on is tried
 * first, then longer ones; only the last "**" is ever taken back, so time is bounded. */
static bool fits(const struct str *pattern, size_t pattern_count, const struct str *path,
                 size_t path_count)
{
    size_t i = 0;
    size_t k = 0;
    size_t after_rest = 0; /* behind the last "**"; 0: there was none */
    size_t rest_end = 0;   /* and how far it reaches */
    while (k < path_count) {
        bool is_rest = i < pattern_count && str_eq_text(pattern[i], "**");
        bool is_same = i < pattern_count && !is_rest &&
                       (str_eq_text(pattern[i], "*") || str_eq(pattern[i], path[k]));
        if (is_rest) {
            after_rest = ++i;
            rest_end = k;
        } else if (is_same) {
            i++;
            k++;
        } else if (after_rest > 0) {
            i = after_rest;
            k = ++rest_end;
        } else {
            return false;
        }
    }
    while (i < pattern_count && str_eq_text(pattern[i], "**"))
        i++;
    return i == pattern_count;
}

static bool url_fits(struct str url, struct str path)
{
    struct str wanted[SEGMENTS_MAX];
    struct str given[SEGMENTS_MAX];
    ptrdiff_t host = str_find(url, STR("://"));
    if (host >= 0) { /* whose host it is says nothing: the SDK writes the vendor's */
        url = (struct str){url.ptr + host + 3, url.len - (size_t)host - 3};
        const char *slash = memchr(url.ptr, '/', url.len);
        if (slash == NULL)
            return false;
        url = (struct str){slash, url.len - (size_t)(slash - url.ptr)};
    }
    size_t wanted_count = segments_of(url, wanted);
    size_t given_count = segments_of(path, given);
    return wanted_count > 0 && given_count > 0 && fits(wanted, wanted_count, given, given_count);
}

/*
 * {"Name": "value"} wants that value, {"Name": {"required": true}} any. A filter that names
 * parameters lets no others through. None, or an empty one, lets all through.
 */
static bool filter_allows(json_t *filter, const struct http_params *params)
{
    const char *name = NULL;
    json_t *rule = NULL;
    if (json_object_size(filter) == 0)
        return true;
    for (size_t i = 0; i < params->count; i++) { /* a repeated one counts each time */
        const struct http_param *given = &params->items[i];
        rule = json_object_get(filter, given->name.ptr);
        if (rule == NULL ||
            (json_is_string(rule) && !str_eq_text(given->value, json_string_value(rule))))
            return false;
    }
    json_object_foreach(filter, name, rule)
    {
        bool is_needed = json_is_string(rule) || jx_get_bool(rule, "required", false);
        if (is_needed && !http_params_has(params, name))
            return false;
    }
    return true;
}

static bool has_value(const struct http_params *params, const char *name, const char *value)
{
    size_t pos = 0;
    struct str given = {NULL, 0};
    while (http_params_next(params, name, &pos, &given)) {
        if (str_eq_text(given, value))
            return true;
    }
    return false;
}

/* The same of a policy that forbids: what comes beside, or a second time, is no way around it. */
static bool filter_forbids(json_t *filter, const struct http_params *params)
{
    const char *name = NULL;
    json_t *rule = NULL;
    json_object_foreach(filter, name, rule)
    {
        if (json_is_string(rule)
                ? !has_value(params, name, json_string_value(rule))
                : jx_get_bool(rule, "required", false) && !http_params_has(params, name))
            return false;
    }
    return true;
}

static bool policy_fits(const json_t *policy, bool allows, enum http_method method, struct str path,
                        const struct http_params *params)
{
    json_t *filter = jx_get(policy, method == HTTP_POST ? "post_filter" : "query_filter");
    return str_eq_nocase(str_from(jx_get_text(policy, "method", "")),
                         str_from(http_method_name(method))) &&
           url_fits(str_from(jx_get_text(policy, "url", "")), path) &&
           (allows ? filter_allows(filter, params) : filter_forbids(filter, params));
}

/* One that forbids wins. */
static bool policies_allow(const json_t *policies, enum http_method method, struct str path,
                           const struct http_params *params)
{
    bool is_allowed = false;
    for (size_t i = 0; i < json_array_size(policies); i++) {
        const json_t *policy = json_array_get(policies, i);
        bool allows = jx_get_bool(policy, "allow", false);
        if (!policy_fits(policy, allows, method, path, params))
            continue;
        if (!allows)
            return false;
        is_allowed = true;
    }
    return is_allowed;
}

/* Below /v1/Workspaces/<its workspace>; "WK" stands for its worker. */
static const struct {
    enum http_method method;
    const char *pattern;
} worker_rules[] = {
    {HTTP_GET,  ""                        },
    {HTTP_GET,  "/Activities/**"          },
    {HTTP_GET,  "/TaskChannels/**"        },
    {HTTP_GET,  "/Tasks/*"                },
    {HTTP_GET,  "/Tasks/*/Reservations/**"},
    {HTTP_POST, "/Tasks/*"                },
    {HTTP_GET,  "/Workers/WK/**"          },
    {HTTP_POST, "/Workers/WK"             },
    {HTTP_POST, "/Workers/WK/**"          },
};

static bool worker_may(const struct worker_token *token, enum http_method method, struct str path)
{
    struct str given[SEGMENTS_MAX];
    struct str wanted[SEGMENTS_MAX];
    size_t given_count = segments_of(path, given);
    /* "", "v1", "Workspaces", its SID, and what follows */
    if (given_count < 4 || given[0].len > 0 || !str_eq_text(given[1], "v1") ||
        !str_eq_text(given[2], "Workspaces") || !str_eq_text(given[3], token->workspace_sid))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(worker_rules); i++) {
        size_t count = segments_of(str_from(worker_rules[i].pattern), wanted);
        for (size_t k = 0; k < count; k++) {
            if (str_eq_text(wanted[k], "WK"))
                wanted[k] = str_from(token->worker_sid);
        }
        /* The pattern's first, empty segment stands where the workspace's SID is. */
        if (worker_rules[i].method == method &&
            fits(wanted + 1, count - 1, given + 4, given_count - 4))
            return true;
    }
    return false;
}

enum err_code worker_token_check(const struct worker_token *token, enum http_method method,
                                 struct str path, const struct http_params *params, struct err *err)
{
    if (method == HTTP_HEAD)
        method = HTTP_GET;
    /* An encoded path could be told from the one that a policy forbids, and be the same. */
    bool is_plain = path.len > 0 && memchr(path.ptr, '%', path.len) == NULL;
    bool is_allowed = !is_plain              ? false
                      : token->is_capability ? policies_allow(token->policies, method, path, params)
                                             : worker_may(token, method, path);
    if (is_allowed)
        return ERR_OK;
    return ERR_SET(err, ERR_PERMISSION_DENIED, "NOT_ALLOWED", "%s",
                   token->is_capability
                       ? "no policy of the capability token allows this request"
                       : "a worker's access token does not allow this; it reaches its own worker, "
                         "tasks by SID, activities and task channels");
}
