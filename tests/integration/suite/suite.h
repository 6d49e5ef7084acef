/*
 * workers-svc, queues-svc, routing-svc and sync-svc as real programs on a private PostgreSQL and
 * NATS; tasks-svc is real when it is in the set, else played by the test. Requests and replies are
 * written as JSON: 'single quotes' stand for double ones and `back quotes` for \" (JSON within a
 * JSON text).
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/call.h"
#include "base/macros.h"
#include "cluster.h"
#include "process.h"
#include "testing.h"

enum suite_service {
    SUITE_WORKERS,
    SUITE_QUEUES,
    SUITE_ROUTING,
    SUITE_SYNC,
    SUITE_TASKS,
    SUITE_SERVICE_COUNT,
};

#define SUITE_BIT(service) (1U << (unsigned)(service))
#define SUITE_ALL          0xFU /* without tasks-svc */

#define ACCOUNT       "AC00000000000000000000000000000001"
#define OTHER_ACCOUNT "AC00000000000000000000000000000002"

struct suite;

/* Migrates and starts the services of the set and waits until they are ready; ends the program when
 * they do not get there. From the main thread. */
struct suite *suite_start(unsigned services);

/* TERM for all; a service that did not end in good order, or whose log shows a sanitizer's report,
 * is printed and makes this false. NULL is allowed. */
bool suite_stop(struct suite *suite);

/* Starts a service of the set again after it was ended, at the same addresses, and waits until it
 * is ready; false when it does not get there. */
bool suite_restart(enum suite_service service);

/* Starts another process of the service on ports of its own, with "NAME=value" texts on top of the
 * environment; *out_http is where it is probed. The caller frees it. */
struct process *suite_start_twin(enum suite_service service, const char *const *extra_env,
                                 const char **out_http);

/* Where the gRPC server of the process that suite_start_twin started last listens. */
const char *suite_twin_grpc(void);

/* From now on the calls below to the service go to that address; NULL: to the service's own. */
void suite_direct(enum suite_service service, const char *grpc_address);

/* testing_main between start and stop. */
int suite_main(const char *name, unsigned services, const struct test_case *cases, size_t count,
               int argc, char **argv);

extern struct suite *suite; /* the running one, for cases */

struct cluster *suite_cluster(void);
struct process *suite_process(enum suite_service service);
const char *suite_http(enum suite_service service); /* "127.0.0.1:port" of its probes */

/* While true, the played tasks-svc says that a task waits in every queue and workflow. */
void suite_set_busy(bool is_busy);

/* ---- Who calls ---- */

extern const struct identity suite_admin; /* of ACCOUNT; so the next three */
extern const struct identity suite_supervisor;
extern const struct identity suite_agent; /* without worker */
extern const struct identity suite_viewer;
extern const struct identity suite_stranger;   /* admin of OTHER_ACCOUNT */
extern const struct identity suite_service_id; /* one of our services */

/* ---- Calls ---- */

struct answer {
    enum err_code code;
    struct err err;     /* when not ERR_OK */
    const json_t *body; /* the reply, every field; lives as long as the suite */
    int64_t took_ms;
};

struct answer suite_call(const struct identity *who, enum suite_service service, const char *method,
                         const char *format, ...) PRINTF_LIKE(4, 5);

/* The reply, or NULL after a failed check that prints the error. */
const json_t *suite_ok(const struct identity *who, enum suite_service service, const char *method,
                       const char *format, ...) PRINTF_LIKE(4, 5);

/* Checks that the call is refused as want says: "CODE REASON", "CODE REASON field" or with
 * " : text" behind either, which the sentence then holds. */
bool suite_refused(const struct identity *who, enum suite_service service, const char *want,
                   const char *method, const char *format, ...) PRINTF_LIKE(5, 6);

/* Members by path: "items.0.sid". "" and -1 where there is none. */
const char *at(const json_t *body, const char *path);
int64_t at_i64(const json_t *body, const char *path); /* true is 1; an array gives its length */

/* "%s" of a format, for keeping: lives as long as the suite. */
const char *suite_text(const char *format, ...) PRINTF_LIKE(1, 2);

/* Runs fn(ptr) when the suite ends. */
void suite_keep(void (*fn)(void *ptr), void *ptr);

/* A workspace of ACCOUNT with a name nobody has, its SID; "" after a failed check. */
const char *suite_workspace(void);

/* SQL as superuser; the first value as a number, -1 on failure. */
int64_t suite_count(const char *format, ...) PRINTF_LIKE(1, 2);

/* ---- Events on JetStream ---- */

struct seen_event {
    const char *subject;
    const char *msg_id;
    const json_t *payload; /* CloudEvents */
};

/* Waits up to 10 s for the nth (from 0) event of that type about the resource; NULL after a failed
 * check. */
const struct seen_event *suite_event(const char *type, const char *resource_sid, int nth);

/* So many events of that type about the resource were seen so far; "" counts any. */
int suite_event_count(const char *type, const char *resource_sid);

/* Publishes an event as another service would; data is written like requests. */
bool suite_publish(const char *type, const char *workspace_sid, const char *resource_sid,
                   int64_t version, int64_t at_us, const char *data_format, ...) PRINTF_LIKE(6, 7);

/* What tasks-svc would tell that service alone, about a reservation. */
bool suite_publish_to(const char *service, const char *type, const char *workspace_sid,
                      int64_t at_us, const char *data_format, ...) PRINTF_LIKE(5, 6);

/* Repeats look until it is true, at most so long; looks at 20 ms intervals. */
bool suite_until(bool (*look)(const void *ctx), const void *ctx, int timeout_ms);

/* Whether PostgreSQL takes the index for that statement of a service's file ("workers",
 * "store/worker_store.sql", "worker_list"), planned with the arguments given as SQL. The
 * settings are those of the service's pool: is_scan_free where it avoids scans. */
bool suite_uses_index(const char *service, bool is_scan_free, const char *file,
                      const char *statement, const char *args, const char *index);
