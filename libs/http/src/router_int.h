/* Finds the row for a method and path; knows nothing of connections. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "http/http.h"

enum { ROUTER_MAX_SEGMENTS = 24 };

enum segment_kind {
    SEGMENT_NONE,
    SEGMENT_LITERAL,
    SEGMENT_PARAM,
    SEGMENT_REST, /* the last one: takes what remains */
};

struct route_segment {
    enum segment_kind kind;
    struct str text; /* the literal, or the parameter's name */
};

struct route_metrics;

struct router_route {
    const struct http_route *row;
    const struct http_route_set *set;
    struct route_segment segments[ROUTER_MAX_SEGMENTS];
    size_t segment_count;
    struct route_metrics *metrics;
};

struct router {
    struct router_route *routes; /* the more specific pattern first */
    size_t count;
    const struct http_route_set *sets;
    size_t set_count;
};

/* Errors: BAD_ROUTE for malformed patterns, duplicates and rows without a handler. */
enum err_code router_init(struct router *router, const struct http_route_set *sets,
                          size_t set_count, struct err *err) MUST_CHECK;
void router_fini(struct router *router);

struct router_match {
    const struct router_route *route; /* NULL: no row */
    unsigned allowed;                 /* bit per enum http_method that the path has */
    struct http_params params;
};

/*
 * path: as sent. Errors: INVALID_ARGUMENT for undecodable paths, dot segments and more segments
 * than any pattern may have is simply no match.
 */
enum err_code router_match(const struct router *router, enum http_method method, struct str path,
                           struct arena *arena, struct router_match *out,
                           struct err *err) MUST_CHECK;

/* The set whose prefix the path starts with, for errors of unmatched paths; NULL = none. */
const struct http_route_set *router_set_for(const struct router *router, struct str path);
