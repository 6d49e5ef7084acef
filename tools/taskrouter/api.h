/*
 * The gateway's REST API: one request after another, with the patience of a careful client. What is
 * refused or fails comes as an error in words for the person at the terminal.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "httpc/httpc.h"

struct cli;
struct api;

struct api_request {
    enum httpc_method method;
    const char *path; /* below /api/taskrouter, query included */
    json_t *body;     /* borrowed; NULL = none */
    int64_t version;  /* for If-Match; 0 = none */
    /* Of a POST: it may be sent again, which the gateway tells by the key. */
    bool has_key;
    int timeout_ms; /* 0 = API_TIMEOUT_MS */
};

enum { API_TIMEOUT_MS = 30000, API_PAGE_SIZE = 500 };

struct api *api_open(struct cli *cli);
void api_close(struct api *api);

/* Below which resources are asked for; NULL = none named. Kept by the caller. */
void api_workspace_set(struct api *api, const char *sid);

/*
 * 429, 503 and 504 are asked again for half a minute. *out: the reply's document, the caller's;
 * NULL where there is none. Errors: by the status (412 is ABORTED), reason as the gateway names it;
 * UNAVAILABLE where nothing answers, INVALID_ARGUMENT where what answers is no gateway.
 */
enum err_code api_call(struct api *api, const struct api_request *request, json_t **out,
                       struct err *err) MUST_CHECK;

enum err_code api_get(struct api *api, const char *path, json_t **out, struct err *err) MUST_CHECK;

/* All items of a list, at most max (0 = all) of them. path may have a query. */
enum err_code api_list(struct api *api, const char *path, size_t max, json_t **out,
                       struct err *err) MUST_CHECK;

/* A value of a query, percent-encoded; in the arena. */
const char *api_escape(struct cli *cli, const char *text);
