/* Calls of actors: each with its own memory and request id, begun and ended in the history. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "jx/jx.h"
#include "pbjson/pbjson.h"
#include "rpc/client.h"
#include "run_int.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

enum { ARENA_BYTES = 256 << 20, CALL_MS = 3000 };

void actor_init(struct actor *actor, struct scene *scene, const char *name, int number)
{
    struct run *run = scene->run;
    *actor = (struct actor){
        .run = run,
        .scene = scene,
        .name = name,
        .number = number,
        .target = number % run->options->replicas,
        .arena = arena_new(ARENA_BYTES),
    };
    struct str text = str_from(name);
    actor->rng.state = run->options->seed ^ hash_bytes(text.ptr, text.len) ^
                       ((uint64_t)number << 32) ^ ((uint64_t)(scene - run->scenes) << 40);
}

void actor_fini(struct actor *actor)
{
    arena_free(actor->arena);
}

static void drop_json(void *json)
{
    json_decref(json);
}

static char *request_json(struct arena *arena, const char *format, va_list args)
{
    const char *text = arena_vprintf(arena, format, args);
    INVARIANT(text != NULL);
    char *out = arena_alloc(arena, 2 * strlen(text) + 1);
    INVARIANT(out != NULL);
    char *end = out;
    for (; *text != '\0'; text++) {
        if (*text == '`')
            *end++ = '\\';
        *end = *text;
        if (*text == '\'' || *text == '`')
            *end = '"';
        end++;
    }
    *end = '\0';
    return out;
}

static const ProtobufCServiceDescriptor *api_of(enum suite_service service)
{
    switch (service) {
    case SUITE_WORKERS:
        return &taskrouter__workers__v1__workers__descriptor;
    case SUITE_QUEUES:
        return &taskrouter__queues__v1__queues__descriptor;
    default:
        INVARIANT(service == SUITE_TASKS);
        return &taskrouter__tasks__v1__tasks__descriptor;
    }
}

static struct rpc_client *client_of(const struct actor *actor, enum suite_service service)
{
    return service == SUITE_TASKS ? actor->run->replicas[actor->target].client
                                  : suite->clients[service];
}

static enum err_code call(struct actor *actor, struct call *call, enum suite_service service,
                          const char *method_name, const char *json, const json_t **out_body,
                          struct err *err)
{
    static const struct pbjson_options options = {.flags = PBJSON_INT64_NUMBER | PBJSON_ENUM_SHORT |
                                                           PBJSON_EMIT_DEFAULTS};
    const ProtobufCServiceDescriptor *api = api_of(service);
    const ProtobufCMethodDescriptor *method =
        protobuf_c_service_descriptor_get_method_by_name(api, method_name);
    INVARIANT(method != NULL);
    ProtobufCMessage *request = NULL;
    ProtobufCMessage *reply = NULL;
    enum err_code code =
        pbjson_decode(str_from(json), method->input, &options, actor->arena, &request, NULL, err);
    INVARIANT(code == ERR_OK);
    const char *path = arena_printf(actor->arena, "/%s/%s", api->name, method_name);
    code = rpc_call(client_of(actor, service), call, path, request, method->output, &reply, err);
    if (code != ERR_OK)
        return code;
    struct str text = {NULL, 0};
    json_t *body = NULL;
    struct jx_limits limits = {.max_bytes = 64 << 20};
    code = pbjson_text(reply, &options, actor->arena, &text, err);
    if (code == ERR_OK)
        code = jx_parse_object(text, &limits, &body, err);
    INVARIANT(code == ERR_OK);
    arena_defer(actor->arena, drop_json, body);
    *out_body = body;
    return ERR_OK;
}

/* Codes that say for certain that nothing was done. */
static bool is_definite(enum err_code code)
{
    switch (code) {
    case ERR_INVALID_ARGUMENT:
    case ERR_NOT_FOUND:
    case ERR_ALREADY_EXISTS:
    case ERR_PERMISSION_DENIED:
    case ERR_RESOURCE_EXHAUSTED:
    case ERR_FAILED_PRECONDITION:
    case ERR_ABORTED:
    case ERR_OUT_OF_RANGE:
        return true;
    default:
        return false;
    }
}

static void put(json_t *line, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0')
        (void)json_object_set_new(line, key, json_string(text));
}

static void record_call(struct actor *actor, const struct call *call, int64_t id,
                        enum suite_service service, const char *method, struct about about)
{
    json_t *line = history_line("call");
    (void)json_object_set_new(line, "id", json_integer((json_int_t)id));
    (void)json_object_set_new(line, "by", json_sprintf("%s %d", actor->name, actor->number));
    put(line, "m", method);
    put(line, "rid", call->request_id);
    put(line, "key", about.key);
    put(line, "on", about.subject);
    if (service == SUITE_TASKS)
        (void)json_object_set_new(line, "to", json_integer(actor->target));
    history_add(actor->scene->history, line);
}

static void record_end(struct actor *actor, int64_t id, const struct result *result,
                       const struct err *err)
{
    static const char *const kinds[] = {"ok", "refused", "unknown"};
    json_t *line = history_line(kinds[result->outcome]);
    (void)json_object_set_new(line, "id", json_integer((json_int_t)id));
    if (result->outcome == OUTCOME_OK) {
        put(line, "sid", at(result->body, "sid"));
        put(line, "st", at(result->body, "assignmentStatus"));
        put(line, "st", at(result->body, "reservationStatus"));
        put(line, "task", at(result->body, "taskSid"));
        put(line, "worker", at(result->body, "workerSid"));
        if (result->version > 0)
            (void)json_object_set_new(line, "v", json_integer((json_int_t)result->version));
    } else {
        put(line, "code", err_code_name(err->code));
        put(line, "why", err->reason);
        put(line, "say", err->detail);
    }
    history_add(actor->scene->history, line);
}

static void count_ack(struct run *run)
{
    int64_t now = clock_mono_us();
    int64_t last = __atomic_exchange_n(&run->last_ack, now, __ATOMIC_SEQ_CST);
    (void)__atomic_add_fetch(&run->acks, 1, __ATOMIC_SEQ_CST);
    if (last > 0 && now - last > __atomic_load_n(&run->longest_gap_us, __ATOMIC_SEQ_CST))
        __atomic_store_n(&run->longest_gap_us, now - last, __ATOMIC_SEQ_CST);
}

struct result actor_change(struct actor *actor, enum suite_service service, const char *method,
                           struct about about, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *json = request_json(actor->arena, format, args);
    va_end(args);
    struct err err;
    struct call parent;
    struct result result = {.outcome = OUTCOME_OK};
    err_clear(&err);
    call_init(&parent, actor->arena, "chaos", CALL_MS * US_PER_MS);
    parent.who = suite_admin;
    int64_t id = history_next_id(actor->scene->history);
    record_call(actor, &parent, id, service, method, about);
    enum err_code code = call(actor, &parent, service, method, json, &result.body, &err);
    if (code == ERR_OK)
        result.version = at_i64(result.body, "version");
    else
        result.outcome = is_definite(code) ? OUTCOME_REFUSED : OUTCOME_UNKNOWN;
    record_end(actor, id, &result, &err);
    if (result.outcome == OUTCOME_OK && service == SUITE_TASKS && strncmp(method, "Get", 3) != 0)
        count_ack(actor->run);
    if (result.outcome == OUTCOME_UNKNOWN)
        actor->target = (actor->target + 1) % actor->run->options->replicas;
    return result;
}

struct result actor_read(struct actor *actor, enum suite_service service, const char *method,
                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *json = request_json(actor->arena, format, args);
    va_end(args);
    struct err err;
    struct call parent;
    struct result result = {.outcome = OUTCOME_OK};
    err_clear(&err);
    call_init(&parent, actor->arena, "chaos", CALL_MS * US_PER_MS);
    parent.who = suite_admin;
    enum err_code code = call(actor, &parent, service, method, json, &result.body, &err);
    if (code != ERR_OK) {
        result.outcome = is_definite(code) ? OUTCOME_REFUSED : OUTCOME_UNKNOWN;
        actor->target = (actor->target + 1) % actor->run->options->replicas;
    }
    return result;
}
