#include "api.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/macros.h"
#include "cli.h"
#include "jx/jx.h"

enum {
    REPLY_BYTES = 64 << 20,
    REPLY_DEPTH = 60,
    PATIENCE_MS = 30000,
    PAUSE_MS = 250,
    PAUSE_MAX_MS = 5000,
    HEADERS_MAX = 6,
    LIST_MAX_PAGES = 100000,
};

struct api {
    struct cli *cli;
    struct httpc *http;
    const char *workspace;
    const char *authorization; /* a whole header */
    const char *key;           /* what idempotency keys of this run begin with */
    int requests;
};

struct api *api_open(struct cli *cli)
{
    struct api *api = xcalloc(1, sizeof *api);
    struct sid run = sid_new("CL");
    api->cli = cli;
    api->http = httpc_open(&(struct httpc_options){
        .user_agent = "taskrouter/0.1.0",
        .ca_file = cli->settings.ca_file,
        .max_response_bytes = REPLY_BYTES,
        .allows_private = true,
        .offers_http2 = true,
    });
    api->authorization = cli_text(cli, "Authorization: Bearer %s", cli->settings.token);
    api->key = cli_text(cli, "taskrouter-%s", run.text);
    return api;
}

void api_close(struct api *api)
{
    httpc_close(api->http);
    free(api);
}

void api_workspace_set(struct api *api, const char *sid)
{
    api->workspace = sid;
}

const char *api_escape(struct cli *cli, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    struct buf out;
    buf_init(&out, 0);
    for (const char *c = text; *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;
        bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                        (byte >= '0' && byte <= '9') || strchr("-_.~", byte) != NULL;
        if (is_plain) {
            buf_char(&out, *c);
        } else {
            buf_char(&out, '%');
            buf_char(&out, digits[byte >> 4]);
            buf_char(&out, digits[byte & 15]);
        }
    }
    const char *kept = cli_text(cli, "%s", out.len > 0 ? out.data : "");
    buf_fini(&out);
    return kept;
}

/* ---- what an answer means ---- */

static enum err_code code_of(int status)
{
    static const struct {
        int status;
        enum err_code code;
    } rows[] = {
        {401, ERR_UNAUTHENTICATED   },
        {403, ERR_PERMISSION_DENIED },
        {404, ERR_NOT_FOUND         },
        {409, ERR_ALREADY_EXISTS    },
        {412, ERR_ABORTED           },
        {429, ERR_RESOURCE_EXHAUSTED},
        {501, ERR_UNIMPLEMENTED     },
        {503, ERR_UNAVAILABLE       },
        {504, ERR_DEADLINE_EXCEEDED },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].status == status)
            return rows[i].code;
    }
    return status >= 500 ? ERR_INTERNAL : ERR_INVALID_ARGUMENT;
}

static enum err_code fail_connection(const struct api *api, const struct httpc_request *http,
                                     struct err *err)
{
    const char *url = api->cli->settings.url;
    if (http->outcome == HTTPC_TOO_LARGE)
        return ERR_SET(err, ERR_INTERNAL, "REPLY_TOO_LARGE", "the answer of %s is too large", url);
    if (http->outcome == HTTPC_BAD_URL)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "URL_INVALID",
                       "TASKROUTER_URL is no address: %s (%s); write http://host:port", url,
                       http->error);
    return ERR_SET(err, ERR_UNAVAILABLE, "GATEWAY_AWAY",
                   "the gateway does not answer at %s (%s): start the suite (tools/run), or set "
                   "TASKROUTER_URL to where it answers",
                   url, http->error);
}

static enum err_code fail_answer(const struct api *api, const struct httpc_request *http,
                                 const json_t *problem, struct err *err)
{
    const char *url = api->cli->settings.url;
    enum err_code code = code_of(http->status);
    const char *detail = jx_get_text(problem, "detail", NULL);
    const char *reason =
        arena_strdup(api->cli->arena, jx_get_text(problem, "reason", err_code_name(code)));
    const char *field = jx_get_text(problem, "field", "");
    if (detail == NULL)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "NO_GATEWAY",
                       "what answers at %s is no gateway of TaskRouter (status %d): set "
                       "TASKROUTER_URL to where it is",
                       url, http->status);
    if (code == ERR_UNAUTHENTICATED)
        return err_set(err, code, reason, NULL, __FILE__, __LINE__,
                       "TASKROUTER_TOKEN is not accepted at %s (%s): set it to an API token of "
                       "this suite",
                       url, detail);
    if (code == ERR_PERMISSION_DENIED)
        return err_set(err, code, reason, NULL, __FILE__, __LINE__,
                       "TASKROUTER_TOKEN may not do this (%s): use one of a higher role", detail);
    if (strcmp(reason, "NOT_FOUND") == 0) /* the path; what is in a path has reasons of its own */
        return ERR_SET(err, ERR_UNIMPLEMENTED, "NO_GATEWAY",
                       "what answers at %s does not know this request: set TASKROUTER_URL to the "
                       "gateway, or update the suite",
                       url);
    bool names_field = field[0] != '\0' && strstr(detail, field) == NULL;
    return err_set(err, code, reason, NULL, __FILE__, __LINE__, "%s%s%s", names_field ? field : "",
                   names_field ? ": " : "", detail);
}

static enum err_code answer_read(const struct api *api, const struct httpc_request *http,
                                 json_t **out, struct err *err)
{
    struct jx_limits limits = {.max_bytes = REPLY_BYTES, .max_depth = REPLY_DEPTH};
    struct err unread = {0};
    json_t *body = NULL;
    bool has_body = http->reply.len > 0;
    bool is_json = has_body && strstr(http->content_type, "json") != NULL &&
                   jx_parse(buf_str(&http->reply), &limits, &body, &unread) == ERR_OK;
    bool is_good = http->status >= 200 && http->status <= 299 && (is_json || !has_body);
    if (is_good) {
        *out = body;
        return ERR_OK;
    }
    enum err_code code = fail_answer(api, http, body, err);
    json_decref(body);
    return code;
}

/* ---- one request ---- */

static bool asks_again(const struct httpc_request *http, const struct api_request *request)
{
    bool is_repeatable = request->method != HTTPC_POST || request->has_key;
    if (http->outcome == HTTPC_ANSWERED)
        return http->status == 429 ||
               (is_repeatable && (http->status == 503 || http->status == 504));
    return http->outcome == HTTPC_FAILED && is_repeatable && http->was_sent;
}

static void send_once(struct api *api, const struct api_request *request, const char *url,
                      const char *const *headers, struct str body, struct httpc_request *http)
{
    *http = (struct httpc_request){
        .url = url,
        .method = request->method,
        .body = body,
        .headers = headers,
        .timeout_ms = request->timeout_ms != 0 ? request->timeout_ms : API_TIMEOUT_MS,
        .is_once = request->method == HTTPC_POST && !request->has_key,
    };
    bool is_started = httpc_run(api->http, http);
    INVARIANT(is_started); /* one at a time, and the client is open */
}

static enum err_code exchange(struct api *api, const struct api_request *request, const char *url,
                              const char *const *headers, struct str body, json_t **out,
                              struct err *err)
{
    int64_t end = clock_mono_us() + PATIENCE_MS * US_PER_MS;
    for (int pause_ms = PAUSE_MS;; pause_ms *= 2) {
        struct httpc_request http;
        send_once(api, request, url, headers, body, &http);
        if (http.retry_after_s > 0 && http.retry_after_s * 1000 > pause_ms)
            pause_ms = http.retry_after_s < PAUSE_MAX_MS / 1000 ? (int)http.retry_after_s * 1000
                                                                : PAUSE_MAX_MS;
        pause_ms = pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS;
        bool is_again = asks_again(&http, request) && !cli_is_interrupted() &&
                        clock_mono_us() + pause_ms * US_PER_MS < end;
        enum err_code code = ERR_OK;
        if (!is_again)
            code = http.outcome == HTTPC_ANSWERED ? answer_read(api, &http, out, err)
                                                  : fail_connection(api, &http, err);
        httpc_request_fini(&http);
        if (!is_again)
            return code;
        cli_pause(pause_ms);
    }
}

enum err_code api_call(struct api *api, const struct api_request *request, json_t **out,
                       struct err *err)
{
    const char *headers[HEADERS_MAX];
    size_t count = 0;
    struct cli *cli = api->cli;
    json_t *unused = NULL;
    size_t url_len = strlen(cli->settings.url);
    while (url_len > 0 && cli->settings.url[url_len - 1] == '/')
        url_len--;
    const char *url =
        cli_text(cli, "%.*s/api/taskrouter%s", (int)url_len, cli->settings.url, request->path);
    char *body = request->body != NULL ? json_dumps(request->body, JSON_COMPACT) : NULL;
    headers[count++] = api->authorization;
    api->requests++;
    if (body != NULL)
        headers[count++] = "Content-Type: application/json";
    if (api->workspace != NULL)
        headers[count++] = cli_text(cli, "X-Workspace-Sid: %s", api->workspace);
    if (request->version > 0)
        headers[count++] = cli_text(cli, "If-Match: \"%lld\"", (long long)request->version);
    if (request->has_key)
        headers[count++] = cli_text(cli, "Idempotency-Key: %s-%d", api->key, api->requests);
    headers[count] = NULL;
    INVARIANT(count < HEADERS_MAX);
    enum err_code code =
        exchange(api, request, url, headers, str_from(body), out != NULL ? out : &unused, err);
    json_decref(unused);
    free(body);
    return code;
}

enum err_code api_get(struct api *api, const char *path, json_t **out, struct err *err)
{
    return api_call(api, &(struct api_request){.method = HTTPC_GET, .path = path}, out, err);
}

/* Moves the page's items over; whether there is another page. */
static bool page_take(json_t *page, size_t max, json_t *all)
{
    size_t index = 0;
    json_t *item = NULL;
    json_array_foreach(jx_get(page, "items"), index, item)
    {
        if (max == 0 || json_array_size(all) < max)
            (void)json_array_append(all, item);
    }
    return jx_get_text(page, "nextCursor", "")[0] != '\0' &&
           (max == 0 || json_array_size(all) < max);
}

enum err_code api_list(struct api *api, const char *path, size_t max, json_t **out, struct err *err)
{
    struct cli *cli = api->cli;
    const char *joint = strchr(path, '?') != NULL ? "&" : "?";
    size_t size = max != 0 && max < API_PAGE_SIZE ? max : API_PAGE_SIZE;
    const char *cursor = NULL;
    json_t *all = json_array();
    for (int pages = 0; pages < LIST_MAX_PAGES; pages++) {
        AUTO(jx_cleanup) json_t *page = NULL;
        const char *asked = cli_text(cli, "%s%spageSize=%zu%s%s", path, joint, size,
                                     cursor != NULL ? "&cursor=" : "",
                                     cursor != NULL ? api_escape(cli, cursor) : "");
        enum err_code code = api_get(api, asked, &page, err);
        if (code != ERR_OK) {
            json_decref(all);
            return code;
        }
        if (!page_take(page, max, all))
            break;
        cursor = cli_text(cli, "%s", jx_get_text(page, "nextCursor", ""));
    }
    *out = all;
    return ERR_OK;
}
