/*
 * The REST interface as data: one row per route says which RPC it is, which fields of its request
 * come from where, and who may call it. One handler serves all rows (rest.c), and the OpenAPI
 * document is made from the same rows (openapi.c), so that neither can say anything else.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/call.h"
#include "base/str.h"
#include "http/http.h"
#include "svc/host.h"
#include "webhook.h"

#define REST_PREFIX "/api/taskrouter"

enum {
    REST_BODY_BYTES = 64 << 10,
    REST_LARGE_BODY_BYTES = 2 << 20,
    REST_WEBHOOK_BODY_BYTES = 256 << 10,
};

enum rest_kind {
    REST_NONE,
    REST_LIST,     /* GET: query parameters in, {items, nextCursor} out */
    REST_GET,      /* GET: the item */
    REST_CREATE,   /* POST: 201, Location */
    REST_UPDATE,   /* PATCH: only the fields sent change; If-Match */
    REST_DELETE,   /* DELETE: 204; If-Match */
    REST_ACTION,   /* POST: does something to an item, which comes back */
    REST_CHECK,    /* POST that changes nothing */
    REST_STREAM,   /* GET: server-sent events, stream.c */
    REST_DOCUMENT, /* GET: the OpenAPI document */
    REST_WEBHOOK,  /* POST of Twilio, signed: webhooks/ */
};

/* Lists of proto names, NULL-terminated; NULL for none. */
struct rest_route {
    enum http_method method;
    const char *pattern; /* whole path; parameters are camelCase field names of the request */
    enum rest_kind kind;
    enum role role;  /* ROLE_NONE: open to all */
    enum peer peer;  /* PEER_GATEWAY: our own Directory, called in process */
    const char *rpc; /* "/taskrouter.workers.v1.Workers/GetWorker"; NULL for the last kinds */
    const ProtobufCMessageDescriptor *request;
    const ProtobufCMessageDescriptor *reply; /* NULL: nothing, 204 */
    const char *key;                         /* field that {sid} fills; NULL = "sid" */
    const char *nested;           /* REST_UPDATE: the request's field with the item; NULL = the
                                     request itself has the fields */
    const char *const *body;      /* what the body may set, of the item or of the request */
    const char *const *body_more; /* with nested: what it may set of the request beside */
    const char *const *query;     /* REST_LIST: its parameters */
    bool has_large_body;          /* up to REST_LARGE_BODY_BYTES; else REST_BODY_BYTES */
    /* No workspace named: the token's own, else none, and the service knows which one is meant. */
    bool may_lack_workspace;
    bool is_in_workspace;      /* PEER_GATEWAY: works within one, as all of the others do */
    int budget_ms;             /* for the whole request; 0 = UPSTREAM_BUDGET_MS */
    const char *reason;        /* what "reason" says when the body does not; NULL = nothing */
    bool is_own_worker;        /* an agent's {sid} must be its own worker */
    bool changes_workspaces;   /* the default workspace may be another one afterwards */
    enum webhook_kind webhook; /* REST_WEBHOOK */
    const char *tag;           /* OpenAPI: group */
    const char *summary;       /* OpenAPI: one phrase */
    const char *operation;     /* OpenAPI: id; NULL = the RPC's name */
};

/* True for the kinds that the audit log records. */
bool rest_is_change(const struct rest_route *row);

/* The field of that name, or NULL. type may be NULL. */
const ProtobufCFieldDescriptor *rest_field(const ProtobufCMessageDescriptor *type,
                                           const char *name);

/* The type of the item that an update changes: the nested message, or the request itself. */
const ProtobufCMessageDescriptor *rest_item_type(const struct rest_route *row);

/* Whether the route works within a workspace, which the request then has to name or leave to the
 * default. */
bool rest_has_workspace(const struct rest_route *row);

/* The field of the item or request that a path parameter (camelCase) fills. */
const ProtobufCFieldDescriptor *rest_path_field(const struct rest_route *row, struct str param);

/* The rows of one part of the interface, routes_<part>.c. */
struct rest_area {
    const struct rest_route *rows;
    size_t count;
};

extern const struct rest_area rest_area_workers;
extern const struct rest_area rest_area_routing;
extern const struct rest_area rest_area_tasks;
extern const struct rest_area rest_area_calls;
extern const struct rest_area rest_area_accounts;

/* All of them; the index must be smaller than the count. */
size_t rest_route_count(void);
const struct rest_route *rest_route_at(size_t index);
