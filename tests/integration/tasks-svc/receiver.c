#include "receiver.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "http/http.h"
#include "testing.h"
#include "twilio/signature.h"

enum { REQUESTS_MAX = 20000, PATHS_MAX = 200, WAIT_MS = 15000, PARAMS_MAX = 100 };

struct seen {
    char path[64];
    json_t *params;
    char key[64];
    bool is_signed;
};

struct scripted {
    char path[64];
    struct receiver_reply reply;
    bool is_held;
};

static struct {
    struct http_server *server;
    struct lock lock;
    struct cond changed;
    struct seen *seen;
    int count;
    struct scripted paths[PATHS_MAX];
    int path_count;
    bool is_ending;
} receiver;

static struct scripted *script_of(const char *path)
{
    for (int i = 0; i < receiver.path_count; i++) {
        if (strcmp(receiver.paths[i].path, path) == 0)
            return &receiver.paths[i];
    }
    INVARIANT(receiver.path_count < PATHS_MAX);
    struct scripted *script = &receiver.paths[receiver.path_count++];
    (void)snprintf(script->path, sizeof script->path, "%s", path);
    script->reply = (struct receiver_reply){.status = 204};
    return script;
}

static void remember(struct http_request *req, const char *path, struct err *err)
{
    struct http_params form = {0};
    struct twilio_param params[PARAMS_MAX];
    bool is_form = http_form(req, &form, err) == ERR_OK && form.count <= PARAMS_MAX;
    INVARIANT(is_form && receiver.count < REQUESTS_MAX);
    struct seen *seen = &receiver.seen[receiver.count++];
    seen->params = json_object();
    for (size_t i = 0; i < form.count; i++) {
        params[i] = (struct twilio_param){form.items[i].name, form.items[i].value};
        (void)json_object_set_new(seen->params, form.items[i].name.ptr,
                                  json_string(form.items[i].value.ptr));
    }
    (void)snprintf(seen->path, sizeof seen->path, "%s", path);
    (void)snprintf(seen->key, sizeof seen->key, "%.*s",
                   STR_ARG(http_header(req, "I-Twilio-Idempotency-Token")));
    seen->is_signed = twilio_verify(STR(RECEIVER_TOKEN), http_header(req, "X-Twilio-Signature"),
                                    str_from(receiver_url(path)), params, form.count);
}

static enum err_code on_post(void *ctx, struct http_request *req, struct http_response *res,
                             struct err *err)
{
    (void)ctx;
    const char *path = req->path.ptr;
    lock_take(&receiver.lock);
    remember(req, path, err);
    struct scripted *script = script_of(path);
    struct receiver_reply reply = script->reply;
    if (script->reply.times > 0 && --script->reply.times == 0)
        script->reply = (struct receiver_reply){.status = 204};
    cond_broadcast(&receiver.changed);
    int64_t until = clock_mono_us() + reply.delay_ms * US_PER_MS;
    while (script->is_held && !receiver.is_ending)
        cond_wait(&receiver.changed, &receiver.lock);
    bool is_in_time = reply.delay_ms > 0;
    while (is_in_time && !receiver.is_ending)
        is_in_time = cond_wait_until(&receiver.changed, &receiver.lock, until);
    lock_drop(&receiver.lock);
    res->status = reply.status;
    if (reply.type != NULL)
        http_set_header(res, "Content-Type", reply.type);
    if (reply.body != NULL)
        buf_text(&res->body, reply.body);
    return ERR_OK;
}

static const struct http_route routes[] = {
    {.method = HTTP_POST,
     .pattern = "/{path...}",
     .handler = on_post,
     .budget_ms = 60000,
     .max_body_bytes = 1 << 20},
};

void receiver_start(void)
{
    static struct http_route_set set = {.routes = routes, .count = ARRAY_LEN(routes)};
    struct err err = {0};
    lock_init(&receiver.lock, "receiver", 60);
    cond_init(&receiver.changed);
    receiver.seen = xcalloc(REQUESTS_MAX, sizeof *receiver.seen);
    enum err_code code = http_server_open(&(struct http_server_config){.listen = "127.0.0.1:0",
                                                                       .name = "receiver",
                                                                       .sets = &set,
                                                                       .set_count = 1,
                                                                       .workers = 32,
                                                                       .default_budget_ms = 60000},
                                          &receiver.server, &err);
    INVARIANT(code == ERR_OK);
}

void receiver_stop(void)
{
    lock_take(&receiver.lock);
    receiver.is_ending = true;
    cond_broadcast(&receiver.changed);
    lock_drop(&receiver.lock);
    http_server_close(receiver.server);
    for (int i = 0; i < receiver.count; i++)
        json_decref(receiver.seen[i].params);
    free(receiver.seen);
    cond_fini(&receiver.changed);
    lock_fini(&receiver.lock);
}

const char *receiver_url(const char *path)
{
    static _Thread_local char text[96];
    (void)snprintf(text, sizeof text, "http://127.0.0.1:%d%s", http_server_port(receiver.server),
                   path);
    return text;
}

void receiver_answers(const char *path, struct receiver_reply reply)
{
    lock_take(&receiver.lock);
    script_of(path)->reply = reply;
    lock_drop(&receiver.lock);
}

void receiver_hold(const char *path, bool is_held)
{
    lock_take(&receiver.lock);
    script_of(path)->is_held = is_held;
    cond_broadcast(&receiver.changed);
    lock_drop(&receiver.lock);
}

/* With the lock. n < 0: only counts. */
static const struct seen *find(const char *path, int n, int *out_count)
{
    int count = 0;
    for (int i = 0; i < receiver.count; i++) {
        if (strcmp(receiver.seen[i].path, path) != 0)
            continue;
        if (count == n)
            return &receiver.seen[i];
        count++;
    }
    if (out_count != NULL)
        *out_count = count;
    return NULL;
}

int receiver_count(const char *path)
{
    int count = 0;
    lock_take(&receiver.lock);
    (void)find(path, -1, &count);
    lock_drop(&receiver.lock);
    return count;
}

bool receiver_waits(const char *path, int count)
{
    int64_t until = clock_mono_us() + WAIT_MS * US_PER_MS;
    int seen = 0;
    bool is_in_time = true;
    lock_take(&receiver.lock);
    (void)find(path, -1, &seen);
    while (seen < count && is_in_time) {
        is_in_time = cond_wait_until(&receiver.changed, &receiver.lock, until);
        (void)find(path, -1, &seen);
    }
    lock_drop(&receiver.lock);
    if (seen < count)
        (void)fprintf(stderr, "%s: %d of %d requests\n", path, seen, count);
    return CHECK(seen >= count);
}

const char *receiver_param(const char *path, int n, const char *name)
{
    lock_take(&receiver.lock);
    const struct seen *seen = find(path, n, NULL);
    const char *value =
        seen == NULL ? NULL : json_string_value(json_object_get(seen->params, name));
    lock_drop(&receiver.lock);
    return value == NULL ? "" : value;
}

const char *receiver_key(const char *path, int n)
{
    lock_take(&receiver.lock);
    const struct seen *seen = find(path, n, NULL);
    lock_drop(&receiver.lock);
    return seen == NULL ? "" : seen->key;
}

bool receiver_is_signed(const char *path, int n)
{
    lock_take(&receiver.lock);
    const struct seen *seen = find(path, n, NULL);
    lock_drop(&receiver.lock);
    return seen != NULL && seen->is_signed;
}

int receiver_count_with(const char *path, const char *name, const char *value)
{
    int count = 0;
    lock_take(&receiver.lock);
    for (int i = 0; i < receiver.count; i++) {
        const char *is = json_string_value(json_object_get(receiver.seen[i].params, name));
        if (strcmp(receiver.seen[i].path, path) == 0 && is != NULL && strcmp(is, value) == 0)
            count++;
    }
    lock_drop(&receiver.lock);
    return count;
}
