/*
 * What one request or job run carries through every layer: its memory, its deadline, who asks, and
 * the ids that tie log lines together. Made at the edge (rpc, http, consumer, job), passed down,
 * never stored past the request.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

/* Ordered: a role may do all that the ones before it may. */
#define ROLES(X)                                                                                   \
    X(VIEWER, "viewer")         /* reads */                                                        \
    X(AGENT, "agent")           /* + works on the reservations of its own worker */                \
    X(SUPERVISOR, "supervisor") /* + tasks, workers, rules */                                      \
    X(ADMIN, "admin")           /* + workspaces, users, tokens, settings */                        \
    X(SERVICE, "service")       /* our own services among themselves */

/* Names are ROLE_<first column>. */
enum role {
    ROLE_NONE,
#define X(name, text) ROLE_##name,
    ROLES(X)
#undef X
        ROLE_COUNT,
};

const char *role_name(enum role role); /* "none" for ROLE_NONE */
enum role role_from(const char *name); /* ROLE_NONE when unknown */

/* Who asks. Texts are NUL-terminated, live as long as the call, and are never NULL. */
struct identity {
    enum role role;            /* ROLE_NONE: not authenticated */
    const char *actor_sid;     /* user, token or service: "US…", "TK…" or "service:gateway" */
    const char *account_sid;   /* "AC…"; the caller sees this account's workspaces only */
    const char *worker_sid;    /* the agent's own worker, or "" */
    const char *workspace_sid; /* restricts the caller to one workspace, or "" */
};

#define REQUEST_ID_SIZE  40 /* "RQ" + 32 hex digits, or the caller's own, cut */
#define TRACEPARENT_SIZE 56 /* W3C traceparent, 55 characters */

struct call {
    struct arena *arena;
    int64_t deadline_mono_us; /* absolute monotonic; 0 = none (jobs only) */
    struct identity who;
    char request_id[REQUEST_ID_SIZE];
    char traceparent[TRACEPARENT_SIZE]; /* "" when the caller sent none */
    const char *name;                   /* RPC path, route or job name; for logs and metrics */
};

/* A call with everything empty, an identity without role, and a fresh request id. */
void call_init(struct call *call, struct arena *arena, const char *name, int64_t budget_us);

/* Microseconds left until the deadline, at least 0; INT64_MAX when there is none. */
int64_t call_left_us(const struct call *call);

/* ERR_OK, or DEADLINE_EXCEEDED set in *err. */
enum err_code call_check(const struct call *call, struct err *err) MUST_CHECK;

/* RESOURCE_EXHAUSTED REQUEST_TOO_LARGE: the call's arena is full. */
enum err_code call_no_room(struct err *err);
