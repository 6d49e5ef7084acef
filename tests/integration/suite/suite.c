#include "suite.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/ids.h"
#include "google/protobuf/empty.pb-c.h"
#include "jx/jx.h"
#include "pbjson/pbjson.h"
#include "rpc/client.h"
#include "rpc/server.h"
#include "suite_int.h"
#include "taskrouter/queues/v1/mirror.pb-c.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "taskrouter/routing/v1/hours.pb-c.h"
#include "taskrouter/routing/v1/mirror.pb-c.h"
#include "taskrouter/routing/v1/routing.pb-c.h"
#include "taskrouter/routing/v1/rules.pb-c.h"
#include "taskrouter/sync/v1/sync.pb-c.h"
#include "taskrouter/sync/v1/writes.pb-c.h"
#include "taskrouter/tasks/v1/callbacks.pb-c.h"
#include "taskrouter/tasks/v1/explain.pb-c.h"
#include "taskrouter/tasks/v1/mirror.pb-c.h"
#include "taskrouter/tasks/v1/statistics.pb-c.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"
#include "taskrouter/workers/v1/mirror.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

#define SERVICE_TOKEN "the-service-token-of-the-tests-0123456789"

enum {
    ARENA_BYTES = 512 << 20,
    START_MS = 30000,
    STOP_MS = 15000,
    CALL_US = 20 * 1000 * 1000,
    ENV_ROOM = 40,
};

struct suite *suite;

struct service_row {
    const char *program;
    const char *role; /* of the database */
    const char *peer; /* TASKROUTER_GRPC_<this> */
    const ProtobufCServiceDescriptor *api;
    const ProtobufCServiceDescriptor *mirror; /* its service Mirror; NULL: none */
};

static const struct service_row service_rows[SUITE_SERVICE_COUNT] = {
    [SUITE_WORKERS] = {"workers-svc", "workers", "WORKERS",
                       &taskrouter__workers__v1__workers__descriptor,
                       &taskrouter__workers__v1__mirror__descriptor                                          },
    [SUITE_QUEUES] = {"queues-svc",  "queues",  "QUEUES",  &taskrouter__queues__v1__queues__descriptor,
                       &taskrouter__queues__v1__mirror__descriptor                                           },
    [SUITE_ROUTING] = {"routing-svc", "routing", "ROUTING",
                       &taskrouter__routing__v1__routing__descriptor,
                       &taskrouter__routing__v1__mirror__descriptor                                          },
    [SUITE_SYNC] = {"sync-svc",    "sync",    "SYNC",    &taskrouter__sync__v1__sync__descriptor,     NULL},
    [SUITE_TASKS] = {"tasks-svc",   "tasks",   "TASKS",   &taskrouter__tasks__v1__tasks__descriptor,
                       &taskrouter__tasks__v1__mirror__descriptor                                            },
};

/* Further services that one of the programs serves; their methods have names of their own. */
static const ProtobufCServiceDescriptor *const more_apis[] = {
    &taskrouter__routing__v1__rules__descriptor,    &taskrouter__tasks__v1__explain__descriptor,
    &taskrouter__tasks__v1__statistics__descriptor, &taskrouter__tasks__v1__callbacks__descriptor,
    &taskrouter__routing__v1__hours__descriptor,    &taskrouter__sync__v1__writes__descriptor,
};

#define IDENTITY(role_, actor, account)                                                            \
    {                                                                                              \
        .role = (role_), .actor_sid = (actor), .account_sid = (account), .worker_sid = "",         \
        .workspace_sid = ""                                                                        \
    }

const struct identity suite_admin =
    IDENTITY(ROLE_ADMIN, "US00000000000000000000000000000001", ACCOUNT);
const struct identity suite_supervisor =
    IDENTITY(ROLE_SUPERVISOR, "US00000000000000000000000000000002", ACCOUNT);
const struct identity suite_agent =
    IDENTITY(ROLE_AGENT, "US00000000000000000000000000000003", ACCOUNT);
const struct identity suite_viewer =
    IDENTITY(ROLE_VIEWER, "US00000000000000000000000000000004", ACCOUNT);
const struct identity suite_stranger =
    IDENTITY(ROLE_ADMIN, "US00000000000000000000000000000005", OTHER_ACCOUNT);
const struct identity suite_service_id = IDENTITY(ROLE_SERVICE, "", "");

/* ---- tasks-svc, played ---- */

static enum err_code list_tasks(void *app, struct call *call,
                                const Taskrouter__Tasks__V1__ListTasksRequest *request,
                                Taskrouter__Tasks__V1__ListTasksResponse **out_reply,
                                struct err *err)
{
    (void)err;
    const struct suite *self = app;
    INVARIANT(call->who.role == ROLE_SERVICE);
    INVARIANT(request->n_assignment_status == 2);
    if (!__atomic_load_n(&self->is_busy, __ATOMIC_SEQ_CST))
        return ERR_OK;
    Taskrouter__Tasks__V1__ListTasksResponse *reply =
        PB_NEW(call->arena, taskrouter__tasks__v1__list_tasks_response);
    reply->items = ARENA_ARRAY(call->arena, Taskrouter__Tasks__V1__Task *, 1);
    reply->items[0] = PB_NEW(call->arena, taskrouter__tasks__v1__task);
    reply->items[0]->sid = arena_strdup(call->arena, "WT00000000000000000000000000000001");
    reply->n_items = 1;
    *out_reply = reply;
    return ERR_OK;
}

static const struct rpc_method tasks_methods[] = {
    RPC_UNARY("ListTasks", list_tasks, Taskrouter__Tasks__V1__ListTasksRequest,
              Taskrouter__Tasks__V1__ListTasksResponse, 2000, ROLE_VIEWER, 0),
};

static const struct rpc_service tasks_service = {
    .descriptor = &taskrouter__tasks__v1__tasks__descriptor,
    .methods = tasks_methods,
    .method_count = ARRAY_LEN(tasks_methods),
};

static int play_tasks(struct suite *self)
{
    struct err err = {.code = ERR_OK};
    enum err_code code =
        rpc_server_open(&(struct rpc_server_config){.listen = "127.0.0.1:0",
                                                    .auth = {.service_token = SERVICE_TOKEN}},
                        &self->tasks, &err);
    if (code == ERR_OK) {
        rpc_server_add(self->tasks, &tasks_service, self);
        code = rpc_server_start(self->tasks, &err);
    }
    INVARIANT(code == ERR_OK);
    return rpc_server_port(self->tasks);
}

void suite_set_busy(bool is_busy)
{
    __atomic_store_n(&suite->is_busy, is_busy, __ATOMIC_SEQ_CST);
}

/* ---- Start and stop ---- */

static void start_service(struct suite *self, enum suite_service service, const char *const *shared,
                          size_t shared_count, int grpc_port)
{
    const struct service_row *row = &service_rows[service];
    self->http[service] = arena_printf(self->arena, "127.0.0.1:%d", process_free_port());
    const char **env = ARENA_ARRAY(self->arena, const char *, ENV_ROOM);
    INVARIANT(env != NULL && shared_count + 4 < ENV_ROOM);
    self->env[service] = env;
    size_t count = 0;
    for (; count < shared_count; count++)
        env[count] = shared[count];
    env[count++] = arena_printf(self->arena, "TASKROUTER_GRPC_LISTEN=127.0.0.1:%d", grpc_port);
    env[count++] = arena_printf(self->arena, "TASKROUTER_HTTP_LISTEN=%s", self->http[service]);
    env[count++] = arena_printf(self->arena, "TASKROUTER_DATABASE_URL=%s",
                                cluster_db_url(self->cluster, row->role));
    struct process_options options = {
        .program = row->program,
        .args = (const char *const[]){"--migrate", NULL},
        .env = env,
    };
    if (process_run(&options, START_MS) != 0) {
        (void)fprintf(stderr, "%s --migrate failed\n", row->program);
        exit(2);
    }
    options.args = NULL;
    self->processes[service] = process_start(&options);
}

/* Our channel looks for a server that was gone only now and then: until it has found the new one,
 * calls fail at once. Any answer will do, "no such method" is one. */
static bool is_reached(enum suite_service service)
{
    struct call call;
    struct err err;
    ProtobufCMessage *reply = NULL;
    Google__Protobuf__Empty nothing;
    google__protobuf__empty__init(&nothing);
    const char *path = arena_printf(suite->arena, "/%s/Reach", service_rows[service].api->name);
    int64_t until_us = clock_mono_us() + START_MS * US_PER_MS;
    while (clock_mono_us() < until_us) {
        call_init(&call, suite->arena, "test", CALL_US);
        if (rpc_call(suite->clients[service], &call, path, &nothing.base,
                     &google__protobuf__empty__descriptor, &reply, &err) != ERR_UNAVAILABLE)
            return true;
        process_sleep_ms(20);
    }
    return false;
}

bool suite_restart(enum suite_service service)
{
    process_free(suite->processes[service]);
    suite->processes[service] = process_start(&(struct process_options){
        .program = service_rows[service].program, .env = suite->env[service]});
    return process_wait_ready(suite->processes[service], suite->http[service], START_MS) &&
           is_reached(service);
}

static bool is_overridden(const char *entry, const char *const *extra_env)
{
    const char *end = strchr(entry, '=');
    for (; extra_env != NULL && *extra_env != NULL; extra_env++) {
        if (strncmp(*extra_env, entry, (size_t)(end - entry) + 1) == 0)
            return true;
    }
    return strncmp(entry, "TASKROUTER_GRPC_LISTEN=", 23) == 0 ||
           strncmp(entry, "TASKROUTER_HTTP_LISTEN=", 23) == 0;
}

struct process *suite_start_twin(enum suite_service service, const char *const *extra_env,
                                 const char **out_http)
{
    const char **env = ARENA_ARRAY(suite->arena, const char *, ENV_ROOM);
    INVARIANT(env != NULL);
    size_t count = 0;
    for (const char **each = suite->env[service]; *each != NULL; each++) {
        if (!is_overridden(*each, extra_env))
            env[count++] = *each;
    }
    for (; extra_env != NULL && *extra_env != NULL && count + 3 < ENV_ROOM; extra_env++)
        env[count++] = *extra_env;
    *out_http = arena_printf(suite->arena, "127.0.0.1:%d", process_free_port());
    env[count++] = arena_printf(suite->arena, "TASKROUTER_HTTP_LISTEN=%s", *out_http);
    suite->twin_grpc = arena_printf(suite->arena, "127.0.0.1:%d", process_free_port());
    env[count++] = arena_printf(suite->arena, "TASKROUTER_GRPC_LISTEN=%s", suite->twin_grpc);
    return process_start(
        &(struct process_options){.program = service_rows[service].program, .env = env});
}

const char *suite_twin_grpc(void)
{
    return suite->twin_grpc;
}

void suite_direct(enum suite_service service, const char *grpc_address)
{
    rpc_client_free(suite->directed[service]);
    suite->directed[service] = NULL;
    if (grpc_address != NULL)
        suite->directed[service] = rpc_client_new(&(struct rpc_client_config){
            .target = grpc_address,
            .peer = service_rows[service].program,
            .self = "test",
            .token = SERVICE_TOKEN,
        });
}

struct suite *suite_start(unsigned services)
{
    struct suite *self = calloc(1, sizeof *self);
    INVARIANT(self != NULL);
    self->arena = arena_new(ARENA_BYTES);
    self->services = services;
    self->cluster = cluster_start(CLUSTER_ALL);
    int ports[SUITE_SERVICE_COUNT];
    const char *shared[16];
    size_t count = 0;
    for (int i = 0; i < SUITE_SERVICE_COUNT; i++) {
        bool is_played = i == SUITE_TASKS && (services & SUITE_BIT(i)) == 0;
        ports[i] = is_played ? play_tasks(self) : process_free_port();
        shared[count++] = arena_printf(self->arena, "TASKROUTER_GRPC_%s=127.0.0.1:%d",
                                       service_rows[i].peer, ports[i]);
    }
    shared[count++] =
        arena_printf(self->arena, "TASKROUTER_GRPC_GATEWAY=127.0.0.1:%d", process_free_port());
    shared[count++] =
        arena_printf(self->arena, "TASKROUTER_NATS_URL=%s", cluster_nats_url(self->cluster));
    shared[count++] = "TASKROUTER_SERVICE_TOKEN=" SERVICE_TOKEN;
    shared[count++] = "TASKROUTER_LOG_LEVEL=info";
    for (int i = 0; i < SUITE_SERVICE_COUNT; i++) {
        if ((services & SUITE_BIT(i)) != 0)
            start_service(self, (enum suite_service)i, shared, count, ports[i]);
    }
    for (int i = 0; i < SUITE_SERVICE_COUNT; i++) {
        if ((services & SUITE_BIT(i)) == 0)
            continue;
        if (!process_wait_ready(self->processes[i], self->http[i], START_MS))
            exit(2);
        self->clients[i] = rpc_client_new(&(struct rpc_client_config){
            .target = arena_printf(self->arena, "127.0.0.1:%d", ports[i]),
            .peer = service_rows[i].program,
            .self = "test",
            .token = SERVICE_TOKEN,
        });
    }
    self->events = events_open(cluster_nats_url(self->cluster));
    suite = self;
    return self;
}

/* A report of a sanitizer, or a crash: nothing that a service may ever print. */
static bool is_log_clean(const struct process *process)
{
    static const char *const bad[] = {"Sanitizer", "runtime error:", "INVARIANT", "abort"};
    FILE *file = fopen(process_log_path(process), "r");
    char line[8192];
    bool is_clean = true;
    while (file != NULL && is_clean && fgets(line, (int)sizeof line, file) != NULL) {
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
            is_clean = is_clean && strstr(line, bad[i]) == NULL;
    }
    if (file != NULL)
        (void)fclose(file);
    return is_clean;
}

bool suite_stop(struct suite *self)
{
    if (self == NULL)
        return true;
    bool is_good = true;
    for (int i = 0; i < SUITE_SERVICE_COUNT; i++) { /* all at once; each has to end well */
        if (self->processes[i] != NULL)
            process_ask_to_end(self->processes[i]);
    }
    for (int i = 0; i < SUITE_SERVICE_COUNT; i++) {
        rpc_client_free(self->directed[i]);
        if (self->processes[i] == NULL)
            continue;
        int status = process_await_end(self->processes[i], STOP_MS);
        if (status != 0 || !is_log_clean(self->processes[i])) {
            (void)fprintf(stderr, "%s ended with status %d\n", service_rows[i].program, status);
            process_print_tail(self->processes[i], 12000);
            is_good = false;
        }
        process_free(self->processes[i]);
        rpc_client_free(self->clients[i]);
    }
    events_close(self->events);
    if (self->tasks != NULL)
        rpc_server_drain(self->tasks, 1000);
    rpc_server_close(self->tasks);
    cluster_stop(self->cluster);
    arena_free(self->arena);
    free(self);
    suite = NULL;
    return is_good;
}

int suite_main(const char *name, unsigned services, const struct test_case *cases, size_t count,
               int argc, char **argv)
{
    struct suite *self = suite_start(services);
    int status = testing_main(name, cases, count, argc, argv);
    return suite_stop(self) ? status : 1;
}

struct cluster *suite_cluster(void)
{
    return suite->cluster;
}

struct process *suite_process(enum suite_service service)
{
    return suite->processes[service];
}

const char *suite_http(enum suite_service service)
{
    return suite->http[service];
}

/* ---- Texts ---- */

char *suite_json(const char *format, va_list args)
{
    const char *text = arena_vprintf(suite->arena, format, args);
    INVARIANT(text != NULL);
    char *out = arena_alloc(suite->arena, 2 * strlen(text) + 1);
    INVARIANT(out != NULL);
    char *end = out;
    for (; *text != '\0'; text++) {
        if (*text == '`')
            *end++ = '\\';
        *end++ = *text == '\'' || *text == '`' ? '"' : *text;
    }
    *end = '\0';
    return out;
}

const char *suite_text(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = arena_vprintf(suite->arena, format, args);
    va_end(args);
    INVARIANT(text != NULL);
    return text;
}

static const json_t *find(const json_t *body, const char *path)
{
    struct str rest = str_from(path);
    while (body != NULL && rest.ptr != NULL) {
        struct str part = str_split(&rest, '.');
        char key[128];
        INVARIANT(part.len < sizeof key);
        memcpy(key, part.ptr, part.len);
        key[part.len] = '\0';
        body = json_is_array(body) ? json_array_get(body, strtoul(key, NULL, 10))
                                   : json_object_get(body, key);
    }
    return body;
}

const char *at(const json_t *body, const char *path)
{
    const char *text = json_string_value(find(body, path));
    return text == NULL ? "" : text;
}

int64_t at_i64(const json_t *body, const char *path)
{
    const json_t *value = find(body, path);
    if (json_is_array(value))
        return (int64_t)json_array_size(value);
    if (json_is_boolean(value))
        return json_is_true(value) ? 1 : 0;
    return json_is_integer(value) ? (int64_t)json_integer_value(value) : -1;
}

void suite_keep(void (*fn)(void *ptr), void *ptr)
{
    arena_defer(suite->arena, fn, ptr);
}

int64_t suite_count(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *sql = arena_vprintf(suite->arena, format, args);
    va_end(args);
    char value[64] = "";
    if (!cluster_sql_value(suite->cluster, sql, value, sizeof value) || value[0] == '\0')
        return -1;
    return strtoll(value, NULL, 10);
}

bool suite_until(bool (*look)(const void *ctx), const void *ctx, int timeout_ms)
{
    int64_t until = clock_mono_us() + timeout_ms * US_PER_MS;
    while (!look(ctx)) {
        if (clock_mono_us() > until)
            return false;
        process_sleep_ms(20);
    }
    return true;
}

/* ---- Calls ---- */

static void drop_json(void *json)
{
    json_decref(json);
}

static struct answer call_with(const struct identity *who, enum suite_service service,
                               const char *method_name, const char *json)
{
    static const struct pbjson_options options = {.flags =
                                                      PBJSON_INT64_NUMBER | PBJSON_EMIT_DEFAULTS};
    const ProtobufCServiceDescriptor *api = service_rows[service].api;
    const ProtobufCMethodDescriptor *method =
        protobuf_c_service_descriptor_get_method_by_name(api, method_name);
    if (method == NULL && service_rows[service].mirror != NULL) {
        api = service_rows[service].mirror;
        method = protobuf_c_service_descriptor_get_method_by_name(api, method_name);
    }
    for (size_t i = 0; method == NULL && i < ARRAY_LEN(more_apis); i++) {
        api = more_apis[i];
        method = protobuf_c_service_descriptor_get_method_by_name(api, method_name);
    }
    INVARIANT(method != NULL);
    struct answer answer = {.code = ERR_OK};
    struct call call;
    call_init(&call, suite->arena, "test", CALL_US);
    call.who = *who;
    ProtobufCMessage *request = NULL;
    ProtobufCMessage *reply = NULL;
    struct str text = {NULL, 0};
    answer.code = pbjson_decode(str_from(json), method->input, &options, suite->arena, &request,
                                NULL, &answer.err);
    if (answer.code != ERR_OK)
        (void)fprintf(stderr, "bad request in the test: %.400s: %s\n", json, answer.err.detail);
    INVARIANT(answer.code == ERR_OK);
    const char *path = arena_printf(suite->arena, "/%s/%s", api->name, method_name);
    int64_t began_us = clock_mono_us();
    struct rpc_client *client =
        suite->directed[service] != NULL ? suite->directed[service] : suite->clients[service];
    answer.code = rpc_call(client, &call, path, request, method->output, &reply, &answer.err);
    answer.took_ms = (clock_mono_us() - began_us) / US_PER_MS;
    if (answer.code != ERR_OK)
        return answer;
    struct err err = {.code = ERR_OK};
    json_t *body = NULL;
    enum err_code code = pbjson_text(reply, &options, suite->arena, &text, &err);
    struct jx_limits limits = {.max_bytes = 64 << 20};
    if (code == ERR_OK)
        code = jx_parse_object(text, &limits, &body, &err);
    if (code != ERR_OK)
        (void)fprintf(stderr, "unreadable reply: %s\n", err.detail);
    INVARIANT(code == ERR_OK);
    arena_defer(suite->arena, drop_json, body);
    answer.body = body;
    return answer;
}

struct answer suite_call(const struct identity *who, enum suite_service service, const char *method,
                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *json = suite_json(format, args);
    va_end(args);
    return call_with(who, service, method, json);
}

const json_t *suite_ok(const struct identity *who, enum suite_service service, const char *method,
                       const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *json = suite_json(format, args);
    va_end(args);
    struct answer answer = call_with(who, service, method, json);
    if (answer.code != ERR_OK)
        (void)fprintf(stderr, "%s %.400s: %s %s: %s\n", method, json, err_code_name(answer.code),
                      answer.err.reason, answer.err.detail);
    CHECK_I64(answer.code, ERR_OK);
    return answer.body;
}

/* want: see suite_refused. */
static bool is_as_wanted(const struct answer *answer, const char *want)
{
    ptrdiff_t colon = str_find(str_from(want), STR(" : "));
    struct str head = colon < 0 ? str_from(want) : (struct str){want, (size_t)colon};
    const char *text = colon < 0 ? "" : want + colon + 3;
    struct str code = str_split(&head, ' ');
    struct str reason = str_split(&head, ' ');
    return answer->code != ERR_OK && str_eq_text(code, err_code_name(answer->code)) &&
           str_eq_text(reason, answer->err.reason == NULL ? "" : answer->err.reason) &&
           (head.ptr == NULL || str_eq_text(head, answer->err.field)) &&
           strstr(answer->err.detail, text) != NULL;
}

bool suite_refused(const struct identity *who, enum suite_service service, const char *want,
                   const char *method, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *json = suite_json(format, args);
    va_end(args);
    struct answer answer = call_with(who, service, method, json);
    bool is_so = is_as_wanted(&answer, want);
    if (!is_so)
        (void)fprintf(stderr, "%s %.400s:\n  is  %s %s %s : %s\n  not %s\n", method, json,
                      err_code_name(answer.code),
                      answer.err.reason == NULL ? "" : answer.err.reason, answer.err.field,
                      answer.err.detail, want);
    CHECK(is_so);
    return is_so;
}

const char *suite_workspace(void)
{
    struct sid name = sid_new("NM");
    return at(suite_ok(&suite_admin, SUITE_WORKERS, "CreateWorkspace", "{'friendlyName':'%s'}",
                       name.text),
              "sid");
}
