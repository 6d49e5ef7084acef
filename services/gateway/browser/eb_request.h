/* One request of the browser SDK: what it asks for, and the resource that answers it. */
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "base/call.h"
#include "http/http.h"

struct gateway;

enum eb_kind {
    EB_NONE,
    EB_ACTIVITIES,
    EB_WORKER,
    EB_CHANNELS,
    EB_CHANNEL,
    EB_RESERVATIONS,
    EB_RESERVATION,
    EB_TASK,
    EB_KIND_COUNT,
};

/* Texts live in the arena. */
struct eb_request {
    struct str token;
    enum http_method method; /* GET or POST */
    struct str path;         /* in the dialect: "/v1/Workspaces/WS…/Workers/WK…" */
    struct http_params params;
    enum eb_kind kind; /* by eb_request_bind */
    const char *workspace_sid;
    const char *sids[2]; /* the SIDs in the path behind it; NULL where there is none */
};

/* Errors: INVALID_ARGUMENT, naming the member. */
enum err_code eb_request_read(struct arena *arena, struct str body, struct eb_request *out,
                              struct err *err) MUST_CHECK;

/* Finds out what the path names. Errors: NOT_FOUND for what is not served here. */
enum err_code eb_request_bind(struct eb_request *request, struct arena *arena,
                              struct err *err) MUST_CHECK;

/* The resource or the list, a new value of the caller's. Errors: those of the services. */
enum err_code eb_request_show(struct gateway *gateway, struct call *call,
                              const struct eb_request *request, json_t **out,
                              struct err *err) MUST_CHECK;
