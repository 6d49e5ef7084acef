#include "bridging.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "peer.h"

const char *lines_workspace;
const char *within;
static const char *available;
static const char *offline;
const char *support;
struct carrier carrier = {.lock = PTHREAD_MUTEX_INITIALIZER, .released = PTHREAD_COND_INITIALIZER};

/* ---- the carrier ---- */

const char *leg_of(int index)
{
    return text("CA%032x", 0x500 + index);
}

static int carrier_port;

const char *carrier_url(const char *path)
{
    return text("http://127.0.0.1:%d%s", carrier_port, path);
}

static void on_app(const struct peer_request *request, struct buf *out)
{
    struct str signature = peer_header(request, "X-Twilio-Signature");
    struct str token = peer_header(request, "I-Twilio-Idempotency-Token");
    (void)pthread_mutex_lock(&carrier.lock);
    int index = carrier.heard_count++;
    bool is_failed = carrier.failures > 0;
    carrier.failures -= is_failed;
    if (index < ASKED_MAX) {
        struct heard *heard = &carrier.heard[index];
        heard->is_get = str_eq(request->method, STR("GET"));
        (void)snprintf(heard->url, sizeof heard->url, "http://127.0.0.1:%d%.*s", carrier_port,
                       STR_ARG(request->path));
        (void)snprintf(heard->body, sizeof heard->body, "%.*s", STR_ARG(request->body));
        (void)snprintf(heard->signature, sizeof heard->signature, "%.*s", STR_ARG(signature));
        (void)snprintf(heard->token, sizeof heard->token, "%.*s", STR_ARG(token));
        heard->is_failed = is_failed;
    }
    (void)pthread_mutex_unlock(&carrier.lock);
    peer_answer(out, is_failed ? 500 : 200, "{}");
}

/* What waits there, and is refused when it is released. */
static bool is_wrong(const struct peer_request *request)
{
    return str_find(request->body, STR("-wrong&")) >= 0;
}

static void on_change(const struct peer_request *request, struct buf *out)
{
    bool is_hang_up = str_eq(request->body, STR("Status=completed"));
    (void)pthread_mutex_lock(&carrier.lock);
    int index = carrier.change_count++;
    if (index < ASKED_MAX) {
        (void)snprintf(carrier.changes[index].path, sizeof carrier.changes[index].path, "%.*s",
                       (int)request->path.len, request->path.ptr);
        (void)snprintf(carrier.changes[index].body, BODY_MAX, "%.*s", (int)request->body.len,
                       request->body.ptr);
    }
    while (carrier.is_holding && str_find(request->body, STR("%2Fheld")) >= 0)
        (void)pthread_cond_wait(&carrier.released, &carrier.lock);
    (void)pthread_mutex_unlock(&carrier.lock);
    if (is_hang_up || carrier.mood == MOOD_TAKES)
        peer_answer(out, 200, "{\"sid\":\"CA00\",\"status\":\"in-progress\"}");
    else if (carrier.mood == MOOD_REFUSES)
        peer_answer(out, 404, "{\"code\":20404,\"message\":\"no such call\"}");
}

/* Calls to "client:lost…" are placed, but nobody is told so. */
static void on_question(void *ctx, const struct peer_request *request, struct buf *out)
{
    (void)ctx;
    char answer[128];
    if (str_starts_with(request->path, STR("/app"))) {
        on_app(request, out);
        return;
    }
    if (str_find(request->path, STR("/Calls.json")) < 0) {
        on_change(request, out);
        return;
    }
    (void)pthread_mutex_lock(&carrier.lock);
    int index = carrier.count++;
    if (index < ASKED_MAX)
        (void)snprintf(carrier.bodies[index], BODY_MAX, "%.*s", (int)request->body.len,
                       request->body.ptr);
    while (carrier.is_holding && str_find(request->body, STR("To=client%3Aheld")) >= 0)
        (void)pthread_cond_wait(&carrier.released, &carrier.lock);
    (void)pthread_mutex_unlock(&carrier.lock);
    (void)snprintf(answer, sizeof answer, "{\"sid\":\"CA%032x\",\"status\":\"queued\"}",
                   (unsigned)(0x500 + index));
    if (is_wrong(request))
        peer_answer(out, 400, "{\"code\":21217,\"message\":\"no such telephone\"}");
    else if (str_find(request->body, STR("To=client%3Alost")) < 0)
        peer_answer(out, 201, answer);
}

void carrier_hold(bool is_holding)
{
    (void)pthread_mutex_lock(&carrier.lock);
    carrier.is_holding = is_holding;
    (void)pthread_cond_broadcast(&carrier.released);
    (void)pthread_mutex_unlock(&carrier.lock);
}

/* How often the contact was called; *out_last: which one was the last. */
int asked_for(const char *contact, int *out_last)
{
    int found = 0;
    const char *needle = text("To=client%%3A%s&", contact);
    (void)pthread_mutex_lock(&carrier.lock);
    for (int i = 0; i < carrier.count && i < ASKED_MAX; i++) {
        if (strstr(carrier.bodies[i], needle) == NULL)
            continue;
        found++;
        *out_last = i;
    }
    (void)pthread_mutex_unlock(&carrier.lock);
    return found;
}

static bool is_called(void *ctx)
{
    const char *const *contact = ctx;
    int last = 0;
    return asked_for(*contact, &last) > 0;
}

/* Which call it is. */
int called(const char *contact)
{
    int last = -1;
    CHECK(until(is_called, &contact, PATIENCE_MS));
    CHECK_I64(asked_for(contact, &last), 1);
    return last < 0 ? 0 : last; /* nobody: it has failed, and goes on with any */
}

struct change {
    const char *call; /* the provider's SID */
    const char *part; /* of what was asked */
};

static int changes_of(const struct change *change)
{
    int found = 0;
    (void)pthread_mutex_lock(&carrier.lock);
    for (int i = 0; i < carrier.change_count && i < ASKED_MAX; i++)
        found += strstr(carrier.changes[i].path, change->call) != NULL &&
                 strstr(carrier.changes[i].body, change->part) != NULL;
    (void)pthread_mutex_unlock(&carrier.lock);
    return found;
}

static bool is_changed(void *ctx)
{
    return changes_of(ctx) > 0;
}

/* The carrier was asked to change the call so, once. */
bool changed(const char *call, const char *part)
{
    struct change change = {call, part};
    return until(is_changed, &change, PATIENCE_MS) && changes_of(&change) == 1;
}

/* ---- the workspace ---- */

struct reply make(const char *path, const char *body)
{
    struct reply reply = ask(BOOTSTRAP, "POST", path, within, body);
    CHECK_I64(reply.status, 201);
    return reply;
}

static const char *activity_of(const char *name)
{
    json_t *items =
        json_object_get(ask(BOOTSTRAP, "GET", "/activities", within, NULL).body, "items");
    for (size_t i = 0; i < json_array_size(items); i++)
        if (strcmp(at(json_array_get(items, i), "friendlyName"), name) == 0)
            return text("%s", at(json_array_get(items, i), "sid"));
    CHECK(false);
    return "";
}

static void setup(void)
{
    if (lines_workspace != NULL)
        return;
    lines_workspace = text("%s", workspace_new());
    within = text("X-Workspace-Sid: %s\r\n", lines_workspace);
    available = activity_of("Available");
    offline = activity_of("Offline");
    struct reply queue = make("/queues", "{'friendlyName':'Support'}");
    support = text("%s", at(queue.body, "sid"));
    (void)make("/workflows",
               text("{'friendlyName':'Main','configuration':{'task_routing':{'default_filter':"
                    "{'queue':'%s'}}}}",
                    support));
    (void)make("/lines", "{'phoneNumber':'" NUMBER "','friendlyName':'Main line'}");
}

const char *worker_new(const char *name, const char *attributes)
{
    setup();
    struct reply made =
        make("/workers", text("{'friendlyName':'%s','attributes':%s,'activitySid':'%s'}", name,
                              attributes, available));
    return text("%s", at(made.body, "sid"));
}

/* The router has heard of it: at most one is ever there. */
static bool is_nobody_there(void *ctx)
{
    (void)ctx;
    return at_i64(ask(BOOTSTRAP, "GET", text("/statistics/queues/%s", support), within, NULL).body,
                  "realtime.totalAvailableWorkers") == 0;
}

void worker_leaves(const char *worker)
{
    CHECK_I64(ask(BOOTSTRAP, "PATCH", text("/workers/%s", worker), within,
                  text("{'activitySid':'%s'}", offline))
                  .status,
              200);
    CHECK(until(is_nobody_there, NULL, PATIENCE_MS));
}

/* ---- webhooks ---- */

const char *waiting_call(void)
{
    const char *call = call_new();
    CHECK_I64(ring(call, NUMBER).status, 200);
    return call;
}

void leg_says(const char *reservation, int leg, const char *status)
{
    struct form form = {.count = 0};
    put(&form, "CallSid", leg_of(leg));
    put(&form, "AccountSid", ACCOUNT);
    put(&form, "CallStatus", status);
    put(&form, "Direction", "outbound-api");
    CHECK_I64(send_form(text("/voice/leg?reservation=%s", reservation), &form, NULL).status, 204);
}

/* ---- what is there ---- */

const char *call_member(const char *call, const char *member)
{
    return at(ask(BOOTSTRAP, "GET", text("/calls/%s", call), within, NULL).body, member);
}

struct wish {
    const char *path;
    const char *member;
    const char *value;
};

static bool is_so(void *ctx)
{
    const struct wish *wish = ctx;
    return strcmp(at(ask(BOOTSTRAP, "GET", wish->path, within, NULL).body, wish->member),
                  wish->value) == 0;
}

bool becomes(const char *path, const char *member, const char *value)
{
    struct wish wish = {path, member, value};
    bool is_true = until(is_so, &wish, PATIENCE_MS);
    if (!is_true)
        (void)fprintf(stderr, "%s: %s\n", path, ask(BOOTSTRAP, "GET", path, within, NULL).text);
    return is_true;
}

const char *leg_column(const char *reservation, const char *column)
{
    char value[256] = "";
    CHECK(cluster_sql_value(
        cluster,
        text("select %s from gateway.bridge_leg where reservation_sid = '%s'", column, reservation),
        value, sizeof value));
    return text("%s", value);
}

static bool is_leg(void *ctx)
{
    const struct wish *wish = ctx;
    return strcmp(leg_column(wish->path, wish->member), wish->value) == 0;
}

bool leg_column_becomes(const char *reservation, const char *column, const char *value)
{
    struct wish wish = {reservation, column, value};
    return until(is_leg, &wish, PATIENCE_MS);
}

bool leg_becomes(const char *reservation, const char *state)
{
    return leg_column_becomes(reservation, "state", state);
}

struct offer {
    const char *worker;
    const char *sid;
};

static bool is_offered(void *ctx)
{
    struct offer *offer = ctx;
    struct reply found = ask(
        BOOTSTRAP, "GET",
        text("/reservations?workerSid=%s&reservationStatus=pending", offer->worker), within, NULL);
    offer->sid = text("%s", at(found.body, "items.0.sid"));
    return offer->sid[0] != '\0';
}

const char *offered(const char *worker)
{
    struct offer offer = {worker, ""};
    CHECK(until(is_offered, &offer, PATIENCE_MS));
    return offer.sid;
}

void act(const char *reservation, const char *action, const char *body)
{
    struct reply reply =
        ask(BOOTSTRAP, "POST", text("/reservations/%s/%s", reservation, action), within, body);
    CHECK_I64(reply.status, 200);
}

const char *task_path(const char *call)
{
    return text("/tasks/%s", call_member(call, "taskSid"));
}

void cancel(const char *task)
{
    CHECK_I64(ask(BOOTSTRAP, "POST", text("%s/cancel", task), within, "{}").status, 200);
}

/* ---- redirects ---- */

const char *redirect_column(const char *reservation, const char *column)
{
    char value[256] = "";
    CHECK(cluster_sql_value(
        cluster,
        text("select coalesce((select %s::text from gateway.bridge_redirect where reservation_sid "
             "= '%s'), '')",
             column, reservation),
        value, sizeof value));
    return text("%s", value);
}

static bool is_redirect(void *ctx)
{
    const struct wish *wish = ctx;
    return strcmp(redirect_column(wish->path, wish->member), wish->value) == 0;
}

bool redirect_becomes(const char *reservation, const char *column, const char *value)
{
    struct wish wish = {reservation, column, value};
    return until(is_redirect, &wish, PATIENCE_MS);
}

/* ---- main ---- */

int bridging_main(const char *name, const char *const *env, const struct test_case *cases,
                  size_t count, int argc, char **argv)
{
    static char url[64];
    static const char *sync_env[] = {url, "TWILIO_ACCOUNT_SID=" ACCOUNT, "TWILIO_AUTH_TOKEN=" TOKEN,
                                     NULL};
    struct peer *peer = peer_open(on_question, NULL);
    carrier_port = peer_port(peer);
    (void)snprintf(url, sizeof url, "TASKROUTER_TWILIO_VOICE_URL=http://127.0.0.1:%d",
                   peer_port(peer));
    program_env_set(PROGRAM_SYNC, sync_env);
    int status = fixture_all_main(name, env, cases, count, argc, argv);
    peer_close(peer);
    return status;
}
