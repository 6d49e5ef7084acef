/*
 * gateway, workers-svc and queues-svc as real programs on a private PostgreSQL and NATS,
 * routing-svc, tasks-svc and sync-svc too where a test wants them, and a plain HTTP client. 'Single
 * quotes' in JSON bodies stand for double ones.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "cluster.h"
#include "process.h"
#include "testing.h"

#define ACCOUNT    "AC00000000000000000000000000000001"
#define SECRET     "0123456789abcdef0123456789abcdef"
#define BOOTSTRAP  "tr_the-bootstrap-token-of-the-tests"
#define SECRET_KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

enum program {
    PROGRAM_GATEWAY,
    PROGRAM_WORKERS,
    PROGRAM_QUEUES,
    PROGRAM_ROUTING, /* fixture_all_main only; so the next */
    PROGRAM_TASKS,
    PROGRAM_SYNC,
    PROGRAM_COUNT,
};

/* Starts everything, runs the cases, ends everything; a program that did not end in good order
 * fails the test. */
int fixture_main(const char *name, const struct test_case *cases, size_t count, int argc,
                 char **argv);

/* The same with all programs, and "NAME=value" texts for the gateway's environment; env may be
 * NULL.
 */
int fixture_all_main(const char *name, const char *const *env, const struct test_case *cases,
                     size_t count, int argc, char **argv);

struct rpc_client;

extern struct cluster *cluster;

void program_kill(enum program program);                   /* SIGKILL */
bool program_logs(enum program program, const char *said); /* waits for it */
void program_pause(enum program program, bool is_paused);  /* SIGSTOP, SIGCONT */
void program_start(enum program program);                  /* and waits until it is ready */
/* Another gateway on the same database and bus, ready; process_free, or process_terminate first. */
struct process *gateway_second(void);
const char *gateway_second_http(void); /* of the last one: "127.0.0.1:port" */
/* Where a program serves HTTP: "127.0.0.1:port". */
const char *program_http(enum program program);
void bootstrap_token_set(const char *token); /* for the next start of the gateway; "" = none */

/* "NAME=value" texts for the next start, before its other variables; NULL = none. */
void program_env_set(enum program program, const char *const *env);

/* Calls the program as a service of ours; rpc_client_free. */
struct rpc_client *program_client(enum program program);

/* For the next start of the gateway; "" = none. */
void secret_key_set(const char *key, const char *previous);

/* "Basic …" of a user and a password, as a token for ask. */
const char *basic(const char *user, const char *password);

/* One reply. body: NULL unless JSON. Lives until the next case. */
struct reply {
    int status; /* -1: no reply */
    const char *head;
    const char *text;
    json_t *body;
    int took_ms;
};

/* token: NULL sends no Authorization; "Basic …" is sent as it is. body NULL: none. headers: more
 * lines, each with its CRLF, or NULL. path: below /api/taskrouter unless it begins with "//". */
struct reply ask(const char *token, const char *method, const char *path, const char *headers,
                 const char *body);

/* The same with a form ("a=1&b=x%20y"), sent as it is, and to the letter of path. NULL: none. */
struct reply ask_form(const char *token, const char *method, const char *path, const char *headers,
                      const char *form);

/* POSTs the forms side by side: all are sent before the first reply is read. */
void ask_at_once(const char *token, const char *path, const char *const *forms, struct reply *out,
                 size_t count);

/* Value of a header of the reply; "" when absent. */
const char *header_of(const struct reply *reply, const char *name);

/* Members by path: "items.0.sid"; "" and -1 where there is none. */
const char *at(const json_t *body, const char *path);
long long at_i64(const json_t *body, const char *path);

/* Checks a problem document. field NULL: none is named. */
bool is_problem(const struct reply *reply, int status, const char *reason, const char *field);

/* Formatted text that lives until the end. */
const char *text(const char *format, ...) PRINTF_LIKE(1, 2);

/* A new workspace, its SID. */
const char *workspace_new(void);

/* A token of that role, its secret. more: ",'workerSid':'…'" or "". */
const char *token_new(const char *role, const char *more);

/* Repeats look until true. */
bool until(bool (*look)(void *ctx), void *ctx, int timeout_ms);

/* ---- event streams ---- */

struct sse {
    int fd;
    struct buf in;
};

/* False when it was not answered with 200; in then holds the reply. headers as in ask. */
bool sse_open(struct sse *sse, const char *token, const char *query, const char *headers);
void sse_close(struct sse *sse);

/* Reads until so many blocks with "event: <type>" have come; false when time_ms passed first. */
bool sse_await(struct sse *sse, const char *type, int count, int time_ms);
int sse_count(const struct sse *sse, const char *type); /* of those read so far */

/* Reads until the server has ended the stream. */
bool sse_await_end(struct sse *sse, int time_ms);

/* Reads until an event about the resource has come. */
bool sse_await_about(struct sse *sse, const char *sid, int time_ms);
int sse_count_about(const struct sse *sse, const char *sid); /* of those read so far */

/* The id of the first event about the resource; "" when there is none. */
const char *sse_id_about(const struct sse *sse, const char *sid);
bool sse_has(const struct sse *sse, const char *needle);
