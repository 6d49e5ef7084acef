#include "world.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"
#include "crypt/crypt.h"

enum {
    LISTS_MAX = 512,
    FAULTS_MAX = 16,
    REQUESTS_MAX = 20000,
    PATH_SIZE = 512,
    REQUEST_BYTES = 8192,
    PATIENCE_MS = 30000,
};

struct list {
    char path[PATH_SIZE];
    json_t *items; /* an array */
};

struct fault {
    char path[PATH_SIZE];
    int after;
    int times;
    const char *raw;
    void (*hook)(void);
};

static struct {
    int fd;
    pthread_t thread;
    atomic_bool is_closing;
    pthread_mutex_t lock; /* guards what follows */
    struct list lists[LISTS_MAX];
    size_t list_count;
    struct list hidden[FAULTS_MAX];
    size_t hidden_count;
    struct fault faults[FAULTS_MAX];
    size_t fault_count;
    char *requests[REQUESTS_MAX];
    size_t request_count;
    char *authorization;
    size_t page_max;
    int delay_ms;
    int under_way;
    int most_at_once;
} world = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void take(void)
{
    (void)pthread_mutex_lock(&world.lock);
}

static void drop(void)
{
    (void)pthread_mutex_unlock(&world.lock);
}

/* ---- what is there ---- */

static struct list *list_at(const char *path)
{
    for (size_t i = 0; i < world.list_count; i++) {
        if (strcmp(world.lists[i].path, path) == 0)
            return &world.lists[i];
    }
    return NULL;
}

static ptrdiff_t item_at(const struct list *list, const char *sid)
{
    for (size_t i = 0; list != NULL && i < json_array_size(list->items); i++) {
        const json_t *item = json_array_get(list->items, i);
        if (strcmp(json_string_value(json_object_get(item, "sid")), sid) == 0)
            return (ptrdiff_t)i;
    }
    return -1;
}

void world_put(const char *list_path, const char *json, ...)
{
    char text[8192];
    va_list args;
    va_start(args, json);
    int len = vsnprintf(text, sizeof text, json, args);
    va_end(args);
    INVARIANT(len > 0 && (size_t)len < sizeof text);
    char quoted[2 * sizeof text];
    size_t end = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '`')
            quoted[end++] = '\\';
        quoted[end] = *c;
        if (*c == '\'' || *c == '`')
            quoted[end] = '"';
        end++;
    }
    quoted[end] = '\0';
    json_t *item = json_loads(quoted, 0, NULL);
    INVARIANT(item != NULL);
    take();
    struct list *list = list_at(list_path);
    if (list == NULL) {
        INVARIANT(world.list_count < LISTS_MAX);
        list = &world.lists[world.list_count++];
        (void)snprintf(list->path, sizeof list->path, "%s", list_path);
        list->items = json_array();
    }
    ptrdiff_t at = item_at(list, json_string_value(json_object_get(item, "sid")));
    if (at >= 0)
        (void)json_array_set_new(list->items, (size_t)at, item);
    else
        (void)json_array_append_new(list->items, item);
    drop();
}

void world_remove(const char *list_path, const char *sid)
{
    take();
    struct list *list = list_at(list_path);
    ptrdiff_t at = item_at(list, sid);
    if (at >= 0)
        (void)json_array_remove(list->items, (size_t)at);
    drop();
}

void world_hide(const char *list_path, const char *sid)
{
    take();
    struct list *list = list_at(list_path);
    ptrdiff_t at = item_at(list, sid);
    if (at >= 0 && world.hidden_count < FAULTS_MAX) {
        struct list *hidden = &world.hidden[world.hidden_count++];
        *hidden = *list;
        hidden->items = json_incref(json_array_get(list->items, (size_t)at));
        (void)json_array_remove(list->items, (size_t)at);
    }
    drop();
}

void world_show(void)
{
    take();
    for (size_t i = 0; i < world.hidden_count; i++)
        (void)json_array_append_new(list_at(world.hidden[i].path)->items, world.hidden[i].items);
    world.hidden_count = 0;
    drop();
}

void world_clear(void)
{
    world_show();
    take();
    for (size_t i = 0; i < world.list_count; i++)
        json_decref(world.lists[i].items);
    for (size_t i = 0; i < world.request_count; i++)
        free(world.requests[i]);
    world.list_count = 0;
    world.request_count = 0;
    world.fault_count = 0;
    world.page_max = 1000;
    world.delay_ms = 0;
    world.most_at_once = 0;
    drop();
}

void world_credentials(const char *account_sid, const char *auth_token)
{
    char clear[256];
    struct buf line;
    buf_init(&line, 0);
    (void)snprintf(clear, sizeof clear, "%s:%s", account_sid, auth_token);
    buf_text(&line, "Authorization: Basic ");
    crypt_base64(&line, clear, strlen(clear));
    take();
    free(world.authorization);
    world.authorization = buf_take(&line);
    drop();
}

void world_page_max(size_t items)
{
    take();
    world.page_max = items;
    drop();
}

void world_delay(int ms)
{
    take();
    world.delay_ms = ms;
    drop();
}

static void add_fault(const char *path, int after, int times, const char *raw, void (*hook)(void))
{
    take();
    INVARIANT(world.fault_count < FAULTS_MAX);
    struct fault *fault = &world.faults[world.fault_count++];
    *fault = (struct fault){.after = after, .times = times, .raw = raw, .hook = hook};
    (void)snprintf(fault->path, sizeof fault->path, "%s", path);
    drop();
}

void world_fault(const char *path, int after, int times, const char *raw)
{
    add_fault(path, after, times, raw, NULL);
}

void world_hook(const char *path, int after, void (*hook)(void))
{
    add_fault(path, after, 1, "", hook);
}

int world_requests(const char *path)
{
    int count = 0;
    take();
    for (size_t i = 0; i < world.request_count; i++)
        count += strstr(world.requests[i], path) != NULL ? 1 : 0;
    drop();
    return count;
}

int world_most_at_once(void)
{
    take();
    int most = world.most_at_once;
    drop();
    return most;
}

/* ---- answers ---- */

static char *reply(const char *status, const char *body)
{
    struct buf out;
    buf_init(&out, 0);
    buf_printf(&out,
               "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
               status, strlen(body), body);
    return buf_take(&out);
}

/* The value of a query's parameter with %2C as a comma, in out; "" when there is none. */
static void parameter(const char *query, const char *name, char *out, size_t size)
{
    char key[64];
    (void)snprintf(key, sizeof key, "%s=", name);
    const char *at = query == NULL ? NULL : strstr(query, key);
    size_t len = 0;
    if (at != NULL && (at == query || at[-1] == '&')) {
        for (at += strlen(key); *at != '\0' && *at != '&' && len + 1 < size; at++) {
            bool is_comma = strncmp(at, "%2C", 3) == 0;
            out[len] = *at;
            if (is_comma)
                out[len] = ',';
            len++;
            at += is_comma ? 2 : 0;
        }
    }
    out[len] = '\0';
}

static bool is_wanted(const json_t *item, const char *statuses)
{
    const char *status = json_string_value(json_object_get(item, "assignment_status"));
    return statuses[0] == '\0' || (status != NULL && strstr(statuses, status) != NULL);
}

static const char *list_key(const char *path)
{
    static const char *const keys[][2] = {
        {"/Workspaces",   "workspaces"  },
        {"/Activities",   "activities"  },
        {"/Workers",      "workers"     },
        {"/TaskQueues",   "task_queues" },
        {"/Workflows",    "workflows"   },
        {"/Tasks",        "tasks"       },
        {"/TaskChannels", "channels"    },
        {"/Channels",     "channels"    },
        {"/Reservations", "reservations"},
    };
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (str_ends_with(str_from(path), str_from(keys[i][0])))
            return keys[i][1];
    }
    return NULL;
}

static char *page_reply(const char *path, const char *query)
{
    char size_text[32];
    char token[64];
    char statuses[128];
    parameter(query, "PageSize", size_text, sizeof size_text);
    parameter(query, "PageToken", token, sizeof token);
    parameter(query, "AssignmentStatus", statuses, sizeof statuses);
    const struct list *list = list_at(path);
    size_t wanted = size_text[0] == '\0' ? 50 : strtoul(size_text, NULL, 10);
    size_t size = wanted < world.page_max ? wanted : world.page_max;
    ptrdiff_t after = token[0] == '\0' ? -1 : item_at(list, token + 2);
    if (token[0] != '\0' && after < 0)
        return reply("400 Bad Request",
                     "{\"code\":40153,\"message\":\"no such page\",\"status\":400}");
    json_t *items = json_array();
    size_t at = (size_t)(after + 1);
    size_t count = list == NULL ? 0 : json_array_size(list->items);
    for (; at < count && json_array_size(items) < size; at++) {
        json_t *item = json_array_get(list->items, at);
        if (is_wanted(item, statuses))
            (void)json_array_append(items, item);
    }
    char next[2048] = "";
    if (at < count)
        (void)snprintf(
            next, sizeof next, "https://elsewhere.invalid/not%s?PageSize=%zu&PageToken=PA%s%s%s",
            path, wanted,
            json_string_value(json_object_get(json_array_get(list->items, at - 1), "sid")),
            statuses[0] == '\0' ? "" : "&AssignmentStatus=", statuses);
    json_t *root = json_pack("{s{ssss?}so}", "meta", "key", list_key(path), "next_page_url",
                             next[0] == '\0' ? NULL : next, list_key(path), items);
    INVARIANT(root != NULL);
    char *body = json_dumps(root, JSON_COMPACT);
    char *out = reply("200 OK", body);
    json_decref(root);
    free(body);
    return out;
}

static char *item_reply(char *path)
{
    char *slash = strrchr(path, '/');
    INVARIANT(slash != NULL);
    *slash = '\0';
    const struct list *list = list_at(path);
    ptrdiff_t at = item_at(list, slash + 1);
    if (at < 0)
        return reply("404 Not Found", "{\"code\":20404,\"message\":\"not found\",\"status\":404}");
    char *body = json_dumps(json_array_get(list->items, (size_t)at), JSON_COMPACT);
    char *out = reply("200 OK", body);
    free(body);
    return out;
}

/* The fault that is due for the path; a hook is taken out to be run without the lock. */
static const struct fault *fault_due(const char *target, void (**out_hook)(void))
{
    for (size_t i = 0; i < world.fault_count; i++) {
        struct fault *fault = &world.faults[i];
        if (fault->times == 0 || strstr(target, fault->path) == NULL)
            continue;
        if (fault->after > 0) {
            fault->after--;
            continue;
        }
        if (fault->times > 0)
            fault->times--;
        if (fault->hook == NULL)
            return fault;
        *out_hook = fault->hook;
    }
    return NULL;
}

/* Bytes to send, for free(); NULL hangs up. */
static char *answer(char *target, const char *request)
{
    void (*hook)(void) = NULL;
    take();
    INVARIANT(world.request_count < REQUESTS_MAX);
    world.requests[world.request_count++] = strdup(target);
    bool is_let_in = world.authorization == NULL || strstr(request, world.authorization) != NULL;
    const struct fault *fault = fault_due(target, &hook);
    const char *raw = fault == NULL ? "" : fault->raw;
    drop();
    if (hook != NULL)
        hook();
    if (fault != NULL)
        return raw == NULL ? NULL : strdup(raw);
    if (!is_let_in)
        return reply("401 Unauthorized", "{\"code\":20003,\"message\":\"Authenticate\"}");
    char *query = strchr(target, '?');
    if (query != NULL)
        *query++ = '\0';
    take();
    char *out = list_key(target) != NULL ? page_reply(target, query) : item_reply(target);
    drop();
    return out;
}

/* ---- connections ---- */

static bool read_request(int fd, char *out, size_t size)
{
    size_t len = 0;
    while (len + 1 < size) {
        struct pollfd poller = {.fd = fd, .events = POLLIN};
        if (poll(&poller, 1, PATIENCE_MS) <= 0)
            return false;
        ssize_t got = read(fd, out + len, size - 1 - len);
        if (got <= 0)
            return false;
        len += (size_t)got;
        out[len] = '\0';
        if (strstr(out, "\r\n\r\n") != NULL) /* only GET comes here */
            return true;
    }
    return false;
}

static void count_one(int more)
{
    take();
    world.under_way += more;
    if (world.under_way > world.most_at_once)
        world.most_at_once = world.under_way;
    drop();
}

static void *serve_one(void *ctx)
{
    int fd = *(int *)ctx;
    char request[REQUEST_BYTES];
    char target[PATH_SIZE * 2];
    bool goes_on = true;
    free(ctx);
    while (goes_on && read_request(fd, request, sizeof request) &&
           sscanf(request, "GET %1023s", target) == 1) {
        count_one(1);
        char *bytes = answer(target, request);
        take();
        int delay_ms = world.delay_ms;
        drop();
        if (delay_ms > 0)
            (void)poll(NULL, 0, delay_ms);
        count_one(-1);
        goes_on = bytes != NULL && send(fd, bytes, strlen(bytes), MSG_NOSIGNAL) >= 0 &&
                  strstr(bytes, "Connection: close") == NULL;
        free(bytes);
    }
    (void)close(fd);
    return NULL;
}

static void *serve(void *ctx)
{
    (void)ctx;
    while (!atomic_load(&world.is_closing)) {
        struct pollfd poller = {.fd = world.fd, .events = POLLIN};
        if (poll(&poller, 1, 50) <= 0)
            continue;
        int *fd = malloc(sizeof *fd);
        INVARIANT(fd != NULL);
        *fd = accept(world.fd, NULL, NULL);
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve_one, fd) == 0)
            (void)pthread_detach(thread);
    }
    return NULL;
}

int world_start(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    world.fd = socket(AF_INET, SOCK_STREAM, 0);
    bool is_up =
        bind(world.fd, (const struct sockaddr *)(const void *)&address, sizeof address) == 0 &&
        listen(world.fd, 64) == 0 &&
        getsockname(world.fd, (struct sockaddr *)(void *)&address, &len) == 0 &&
        pthread_create(&world.thread, NULL, serve, NULL) == 0;
    INVARIANT(is_up);
    world_clear();
    return ntohs(address.sin_port);
}

void world_stop(void)
{
    atomic_store(&world.is_closing, true);
    (void)pthread_join(world.thread, NULL);
    (void)close(world.fd);
    world_clear();
    free(world.authorization);
    world.authorization = NULL;
}
