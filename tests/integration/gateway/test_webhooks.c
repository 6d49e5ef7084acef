/* What Twilio calls: signatures, the inbox, repeats. Whether and how events are applied is in
 * test_webhook_consumers.c. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypt/crypt.h"
#include "fixture.h"
#include "twilio/signature.h"

#define PUBLIC   "https://hooks.example.com:8443"
#define CURRENT  "the-current-token-of-the-tests-0001"
#define PREVIOUS "the-previous-token-of-the-tests-001"
#define EVENTS   "/api/webhooks/taskrouter"

#define SID(prefix, digit) prefix "0000000000000000000000000000000" digit

/* No consumer: rows stay as they came. */
static const char *const with_url[] = {
    "TASKROUTER_PUBLIC_URL=" PUBLIC,
    "TWILIO_AUTH_TOKEN=" CURRENT,
    "TWILIO_AUTH_TOKEN_PREVIOUS=" PREVIOUS,
    "TASKROUTER_ASSIGNMENT_INSTRUCTION={\"instruction\":\"accept\"}",
    "TASKROUTER_WEBHOOK_CONSUMERS=0",
    NULL,
};
static const char *const with_proxy[] = {
    "TASKROUTER_TRUSTED_PROXIES=127.0.0.0/8",
    "TWILIO_AUTH_TOKEN=" CURRENT,
    "TASKROUTER_WEBHOOK_CONSUMERS=0",
    NULL,
};
static const char *const with_strangers[] = {
    "TASKROUTER_TRUSTED_PROXIES=10.0.0.0/8",
    "TWILIO_AUTH_TOKEN=" CURRENT,
    "TASKROUTER_WEBHOOK_CONSUMERS=0",
    NULL,
};

/* ---- sending ---- */

#define PARAM(name, value) ((struct twilio_param){STR(name), STR(value)})

/* A webhook to be signed and sent. */
struct webhook {
    const char *token;      /* it is signed with; NULL = CURRENT */
    const char *signed_url; /* NULL = PUBLIC and the path */
    const char *path;
    const char *headers; /* more of them; NULL = none */
    const struct twilio_param *params;
    size_t count;
    const char *json; /* instead of params */
};

static const char *form_of(const struct twilio_param *params, size_t count)
{
    struct buf form;
    buf_init(&form, 0);
    twilio_form_encode(&form, params, count);
    const char *made = text("%s", form.data == NULL ? "" : form.data);
    buf_fini(&form);
    return made;
}

static const char *signature_line(const char *signature, const char *more)
{
    return text("X-Twilio-Signature: %s\r\n%s", signature, more == NULL ? "" : more);
}

static struct reply send_webhook(const struct webhook *webhook)
{
    char signature[TWILIO_SIGNATURE_SIZE] = "";
    const char *token = webhook->token == NULL ? CURRENT : webhook->token;
    const char *url =
        webhook->signed_url == NULL ? text(PUBLIC "%s", webhook->path) : webhook->signed_url;
    if (webhook->json != NULL) {
        struct buf whole;
        buf_init(&whole, 0);
        CHECK(twilio_sign_body(str_from(token), str_from(url), str_from(webhook->json), &whole,
                               signature, NULL) == ERR_OK);
        const char *query = strstr(whole.data, "?");
        const char *path = text("/%s%s", webhook->path, query);
        buf_fini(&whole);
        return ask(NULL, "POST", path, signature_line(signature, webhook->headers), webhook->json);
    }
    CHECK(twilio_sign(str_from(token), str_from(url), webhook->params, webhook->count, signature,
                      NULL) == ERR_OK);
    return ask_form(NULL, "POST", webhook->path, signature_line(signature, webhook->headers),
                    form_of(webhook->params, webhook->count));
}

static long long count_of(const char *where)
{
    char value[32] = "-1";
    CHECK(cluster_sql_value(cluster, text("select count(*) from gateway.webhook where %s", where),
                            value, sizeof value));
    return strtoll(value, NULL, 10);
}

/* A new event each time. */
static size_t event_new(struct twilio_param params[8])
{
    static int made;
    const char *sid = text("EV%032x", ++made);
    size_t count = 0;
    params[count++] = PARAM("EventType", "task.created");
    params[count++] = PARAM("AccountSid", ACCOUNT);
    params[count++] = PARAM("WorkspaceSid", SID("WS", "1"));
    params[count++] = PARAM("TaskSid", SID("WT", "1"));
    params[count++] = PARAM("TaskAttributes", "{\"name\":\"Zoë – 東京\"}");
    params[count++] = PARAM("TimestampMs", "1700000000123");
    params[count++] = (struct twilio_param){STR("Sid"), str_from(sid)};
    return count;
}

static void restart(const char *const *env)
{
    program_kill(PROGRAM_GATEWAY);
    program_env_set(PROGRAM_GATEWAY, env);
    program_start(PROGRAM_GATEWAY);
}

/* ---- signatures ---- */

/* The reference's table, at our address. */
static void test_signatures(void)
{
    static const struct {
        const char *signed_url;
        const char *path;
        int status;
    } rows[] = {
        {PUBLIC EVENTS,                           EVENTS,                     204},
        {"https://hooks.example.com" EVENTS,      EVENTS,                     204},
        {"https://hooks.example.com:443" EVENTS,  EVENTS,                     403},
        {"https://hooks.example.com:9443" EVENTS, EVENTS,                     403},
        {"http://hooks.example.com" EVENTS,       EVENTS,                     403},
        {"https://HOOKS.example.com:8443" EVENTS, EVENTS,                     403},
        {"https://other.example.com" EVENTS,      EVENTS,                     403},
        {PUBLIC "/api/webhooks/sms",              EVENTS,                     403},
        {PUBLIC EVENTS "?name=O'Brien",           EVENTS "?name=O'Brien",     204},
        {PUBLIC EVENTS "?name=O%27Brien",         EVENTS "?name=O'Brien",     204},
        {PUBLIC EVENTS "?name=O'Brien",           EVENTS "?name=O%27Brien",   204},
        {PUBLIC EVENTS "?tenant=a%20b&x=1",       EVENTS "?tenant=a%20b&x=1", 204},
        {PUBLIC EVENTS,                           EVENTS "?x=1",              403},
        {PUBLIC EVENTS "?x=1",                    EVENTS,                     403},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct twilio_param params[8];
        struct webhook webhook = {.signed_url = rows[i].signed_url,
                                  .path = rows[i].path,
                                  .params = params,
                                  .count = event_new(params)};
        struct reply reply = send_webhook(&webhook);
        if (reply.status != rows[i].status)
            fprintf(stderr, "%s presented as %s: %s\n", rows[i].signed_url, rows[i].path,
                    reply.text);
        CHECK_I64(reply.status, rows[i].status);
        if (rows[i].status == 403)
            CHECK(is_problem(&reply, 403, "SIGNATURE_INVALID", NULL));
    }
}

static void test_parameters(void)
{
    char signature[TWILIO_SIGNATURE_SIZE] = "";
    struct twilio_param params[12];
    size_t count = event_new(params);
    params[count++] = PARAM("Tag", "b");
    params[count++] = PARAM("Tag", "a");
    params[count++] = PARAM("Tag", "b");
    params[count++] = PARAM("Empty", "");
    CHECK(twilio_sign(STR(CURRENT), STR(PUBLIC EVENTS), params, count, signature, NULL) == ERR_OK);
    const char *line = signature_line(signature, NULL);
    params[count] = PARAM("One", "more");
    CHECK_I64(ask_form(NULL, "POST", EVENTS, line, form_of(params, count + 1)).status, 403);
    CHECK_I64(ask_form(NULL, "POST", EVENTS, line, form_of(params, count - 1)).status, 403);
    CHECK_I64(ask_form(NULL, "POST", EVENTS, line, form_of(params, count)).status, 204);
    /* each distinct value counts once: given twice or not is the same request */
    params[count - 2] = params[count - 1];
    CHECK_I64(ask_form(NULL, "POST", EVENTS, line, form_of(params, count - 1)).status, 204);
    CHECK_I64(count_of("parameters like '%\"Tag\"%'"), 1);
}

static void test_tokens(void)
{
    static const struct {
        const char *token;
        int status;
    } rows[] = {
        {CURRENT,                               204},
        {PREVIOUS,                              204},
        {SECRET,                                204}, /* of our own account */
        {"another-token-of-the-tests-000001",   403},
        {"the-current-token-of-the-tests-0002", 403},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct twilio_param params[8];
        struct webhook webhook = {
            .token = rows[i].token, .path = EVENTS, .params = params, .count = event_new(params)};
        CHECK_I64(send_webhook(&webhook).status, rows[i].status);
    }
}

/* Another account's tokens do not count, unless it is the one that is configured. */
static void test_own_tokens(void)
{
    struct twilio_param params[8];
    struct reply made = ask(BOOTSTRAP, "POST", "/accounts", NULL, "{'friendlyName':'Other'}");
    CHECK_I64(made.status, 201);
    const char *sid = at(made.body, "account.sid");
    struct reply second =
        ask(BOOTSTRAP, "POST", text("/accounts/%s/secondary-auth-token", sid), NULL, "{}");
    const char *const tokens[] = {at(made.body, "authToken"), at(second.body, "authToken")};
    struct webhook webhook = {.path = EVENTS, .params = params};
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        webhook.token = tokens[i];
        webhook.count = event_new(params);
        CHECK_I64(send_webhook(&webhook).status, 403);
    }
    const char *const env[] = {text("TASKROUTER_ACCOUNT_SID=%s", sid), with_url[0], with_url[1],
                               with_url[4], NULL};
    restart(env);
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        webhook.token = tokens[i];
        webhook.count = event_new(params);
        CHECK_I64(send_webhook(&webhook).status, 204);
    }
    restart(with_url);
}

static void test_unsigned(void)
{
    struct twilio_param params[8];
    size_t count = event_new(params);
    struct reply reply = ask_form(NULL, "POST", EVENTS, NULL, form_of(params, count));
    CHECK(is_problem(&reply, 403, "SIGNATURE_MISSING", NULL));
    /* no API token stands in for a signature */
    reply = ask_form(BOOTSTRAP, "POST", EVENTS, NULL, form_of(params, count));
    CHECK(is_problem(&reply, 403, "SIGNATURE_MISSING", NULL));
    reply =
        ask_form(NULL, "POST", EVENTS, "X-Twilio-Signature: nonsense\r\n", form_of(params, count));
    CHECK(is_problem(&reply, 403, "SIGNATURE_INVALID", NULL));
    struct reply summary = ask(BOOTSTRAP, "GET", "/webhooks/summary", NULL, NULL);
    CHECK_I64(summary.status, 200);
    CHECK_TEXT(at(summary.body, "refused.0.reason"), "missing");
    CHECK(at_i64(summary.body, "refused.0.count") >= 2);
    CHECK(at_i64(summary.body, "refused.1.count") >= 1);
    CHECK(at(summary.body, "lastRefusedDate")[0] != '\0');
    struct reply metrics = ask(NULL, "GET", "//metrics", NULL, NULL);
    CHECK(strstr(metrics.text, "taskrouter_webhooks_refused_total{reason=\"missing\"}") != NULL);
}

static void test_json(void)
{
    struct webhook webhook = {
        .path = EVENTS,
        .json = "{\"EventType\":\"task.created\",\"Sid\":\"EVffffffffffffffffffffffffffffffff\","
                "\"TaskSid\":\"WT00000000000000000000000000000002\",\"Number\":4,"
                "\"Nested\":{\"a\":[1]},\"Nothing\":null}"};
    CHECK_I64(send_webhook(&webhook).status, 204);
    char stored[512] = "";
    CHECK(cluster_sql_value(
        cluster, "select parameters from gateway.webhook where lane = '" SID("WT", "2") "'", stored,
        sizeof stored));
    CHECK(strstr(stored, "[\"Number\",\"4\"],[\"Nested\",\"{\\\"a\\\":[1]}\"]]") != NULL);
    /* another body than was signed */
    char signature[TWILIO_SIGNATURE_SIZE] = "";
    struct buf url;
    buf_init(&url, 0);
    CHECK(twilio_sign_body(STR(CURRENT), STR(PUBLIC EVENTS), STR("{}"), &url, signature, NULL) ==
          ERR_OK);
    const char *path = text("/" EVENTS "%s", strstr(url.data, "?"));
    buf_fini(&url);
    const char *line = signature_line(signature, NULL);
    CHECK_I64(ask(NULL, "POST", path, line, "{ }").status, 403);
    CHECK_I64(ask(NULL, "POST", path, line, "{}").status, 204);
    /* what is signed and no object */
    webhook.json = "[1]";
    struct reply reply = send_webhook(&webhook);
    CHECK(is_problem(&reply, 400, "JSON_INVALID", at(reply.body, "field")) || reply.status == 400);
}

static void test_content(void)
{
    struct reply reply = ask_form(NULL, "GET", EVENTS, NULL, NULL);
    CHECK_I64(reply.status, 405);
    reply = ask(NULL, "POST", "/" EVENTS, "Content-Type: text/plain\r\n", NULL);
    CHECK(reply.status == 403 || reply.status == 415);
    char *large = malloc(300001);
    REQUIRE(large != NULL);
    memset(large, 'x', 300000);
    large[300000] = '\0';
    CHECK_I64(ask_form(NULL, "POST", EVENTS, NULL, large).status, 413);
    free(large);
    reply = ask_form(NULL, "POST", EVENTS, NULL, "a=%zz");
    CHECK(is_problem(&reply, 400, "BAD_ENCODING", "a"));
}

static void test_proxy(void)
{
    static const char forwarded[] = "Host: inner:8080\r\nX-Forwarded-Proto: https\r\n"
                                    "X-Forwarded-Host: hooks.example.com\r\n";
    struct twilio_param params[8];
    struct webhook webhook = {.signed_url = "https://hooks.example.com" EVENTS,
                              .path = EVENTS,
                              .headers = forwarded,
                              .params = params};
    /* the lines come in front of the signature's */
    webhook.count = event_new(params);
    restart(with_proxy);
    char signature[TWILIO_SIGNATURE_SIZE] = "";
    CHECK(twilio_sign(STR(CURRENT), str_from(webhook.signed_url), params, webhook.count, signature,
                      NULL) == ERR_OK);
    const char *lines = text("%sX-Twilio-Signature: %s\r\n", forwarded, signature);
    const char *form = form_of(params, webhook.count);
    CHECK_I64(ask_form(NULL, "POST", EVENTS, lines, form).status, 204);
    restart(with_strangers);
    CHECK_I64(ask_form(NULL, "POST", EVENTS, lines, form).status, 403);
    restart(with_url);
}

/* ---- inbox ---- */

static void test_answers(void)
{
    static const struct twilio_param assignment[] = {
        {{"ReservationSid", 14}, {SID("WR", "1"), 34}}
    };
    static const struct twilio_param call[] = {
        {{"CallSid", 7},     {SID("CA", "1"), 34}},
        {{"CallStatus", 10}, {"ringing", 7}      }
    };
    static const struct twilio_param message[] = {
        {{"MessageSid", 10}, {SID("SM", "1"), 34} },
        {{"Body", 4},        {"first\nsecond", 12}}
    };
    struct webhook webhook = {
        .path = "/api/webhooks/assignment", .params = assignment, .count = ARRAY_LEN(assignment)};
    struct reply reply = send_webhook(&webhook);
    CHECK_I64(reply.status, 200);
    CHECK_TEXT(header_of(&reply, "Content-Type"), "application/json");
    CHECK_TEXT(reply.text, "{\"instruction\":\"accept\"}");
    static const char *const voice_paths[] = {"/api/webhooks/voice", "/api/webhooks/twilio/voice"};
    for (size_t i = 0; i < ARRAY_LEN(voice_paths); i++) {
        webhook = (struct webhook){.path = voice_paths[i], .params = call, .count = 2};
        reply = send_webhook(&webhook);
        CHECK_I64(reply.status, 200);
        CHECK(strncmp(header_of(&reply, "Content-Type"), "text/xml", 8) == 0);
        CHECK(strstr(reply.text, "<Response><Say ") != NULL); /* no workspace: leave a message */
        CHECK(strstr(reply.text, "<Record ") != NULL);
        CHECK(strstr(reply.text, "<Hangup/></Response>") != NULL);
    }
    CHECK_I64(count_of("kind = 'voice' and state = 'waiting'"), 1); /* the same call */
    webhook = (struct webhook){.path = "/api/webhooks/sms", .params = message, .count = 2};
    reply = send_webhook(&webhook);
    CHECK_I64(reply.status, 200);
    CHECK(strstr(reply.text, "<Response/>") != NULL);
    static const char *const others[] = {
        "/api/webhooks/voice/status", "/api/webhooks/voice/recording",
        "/api/webhooks/voice/transcription", "/api/webhooks/twilio/message-status"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        webhook = (struct webhook){.path = others[i], .params = call, .count = 2};
        CHECK_I64(send_webhook(&webhook).status, 204);
    }
    CHECK_I64(count_of("kind in ('voice_status', 'recording', 'transcription') "
                       "and state = 'waiting' and lane = '" SID("CA", "1") "'"),
              3);
    CHECK_I64(count_of("kind = 'message_status' and state = 'kept'"), 1);
    struct reply kept = ask(BOOTSTRAP, "GET", "/webhooks?kind=sms", NULL, NULL);
    CHECK_TEXT(at(kept.body, "items.0.state"), "waiting");
    CHECK_TEXT(at(kept.body, "items.0.parameters.Body"), "first\nsecond");
}

static void test_repeat(void)
{
    struct twilio_param params[8];
    struct webhook webhook = {.path = EVENTS, .params = params, .count = event_new(params)};
    const char *row = text("key = '%s'", params[webhook.count - 1].value.ptr);
    struct reply first = send_webhook(&webhook);
    CHECK_I64(first.status, 204);
    CHECK_TEXT(header_of(&first, "Content-Type"), "application/json");
    webhook.headers = "I-Twilio-Idempotency-Token: another\r\n";
    CHECK_I64(send_webhook(&webhook).status, 204);
    CHECK_I64(count_of(row), 1);
    CHECK_I64(count_of(text("%s and state = 'waiting' and lane = '%s'", row, SID("WT", "1"))), 1);
    /* the answer of the first time, whatever it would be now */
    static const struct twilio_param assignment[] = {
        {{"ReservationSid", 14}, {SID("WR", "2"), 34}}
    };
    webhook = (struct webhook){
        .path = "/api/webhooks/assignment", .params = assignment, .count = ARRAY_LEN(assignment)};
    CHECK_TEXT(send_webhook(&webhook).text, "{\"instruction\":\"accept\"}");
    CHECK(cluster_sql(cluster, "update gateway.webhook set answer = '{\"instruction\":\"reject\"}' "
                               "where kind = 'assignment' and key = '" SID("WR", "2") "'"));
    CHECK_TEXT(send_webhook(&webhook).text, "{\"instruction\":\"reject\"}");
}

static void test_lanes(void)
{
    static const struct {
        const char *name;
        const char *sid;
        const char *lane;
    } rows[] = {
        {"WorkerSid",    SID("WK",          "7"),         SID("WK", "7")},
        {"ResourceSid",          SID("WA",                           "7"),                           SID("WA", "7")},
        {"WorkspaceSid",          SID("WS","7"),SID("WS", "7")},
        {"TaskSid", "nonsense", "nothing"                },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *sid = text("EVf%030dc", (int)i);
        struct twilio_param params[] = {
            {STR("Sid"),             str_from(sid)        },
            {str_from(rows[i].name), str_from(rows[i].sid)}
        };
        struct webhook webhook = {.path = EVENTS, .params = params, .count = 2};
        CHECK_I64(send_webhook(&webhook).status, 204);
        char lane[64] = "";
        CHECK(cluster_sql_value(cluster,
                                text("select lane from gateway.webhook where key = '%s'", sid),
                                lane, sizeof lane));
        CHECK_TEXT(lane, rows[i].lane);
    }
    /* the same thing without a name is known by its body */
    struct twilio_param nameless[] = {PARAM("EventType", "odd")};
    struct webhook webhook = {.path = EVENTS, .params = nameless, .count = 1};
    CHECK_I64(send_webhook(&webhook).status, 204);
    CHECK_I64(send_webhook(&webhook).status, 204);
    CHECK_I64(count_of("key like 'body:%' and event_type = 'odd'"), 1);
}

static bool is_back(void *ctx)
{
    return send_webhook(ctx).status == 204;
}

static void test_database_away(void)
{
    struct twilio_param params[8];
    struct webhook webhook = {.path = EVENTS, .params = params, .count = event_new(params)};
    cluster_kill(cluster, CLUSTER_POSTGRES);
    struct reply reply = send_webhook(&webhook);
    CHECK_I64(reply.status, 503);
    CHECK(header_of(&reply, "Retry-After")[0] != '\0');
    cluster_restart(cluster, CLUSTER_POSTGRES);
    CHECK(until(is_back, &webhook, 20000));
    CHECK_I64(count_of(text("key = '%s'", params[webhook.count - 1].value.ptr)), 1);
}

/* Longer than anybody waits for the inbox. */
static void *hold_inbox(void *ctx)
{
    (void)ctx;
    CHECK(cluster_sql(cluster, "lock table gateway.webhook; select pg_sleep(4)"));
    return NULL;
}

static bool is_held(void *ctx)
{
    char count[16] = "";
    (void)ctx;
    return cluster_sql_value(cluster,
                             "select count(*) from pg_locks where granted and mode = "
                             "'AccessExclusiveLock' and relation = 'gateway.webhook'::regclass",
                             count, sizeof count) &&
           strcmp(count, "1") == 0;
}

/* A database that hangs is told like one that is gone: what comes again is stored once. */
static void test_database_hangs(void)
{
    struct twilio_param params[8];
    struct webhook webhook = {.path = EVENTS, .params = params, .count = event_new(params)};
    pthread_t holder;
    REQUIRE(pthread_create(&holder, NULL, hold_inbox, NULL) == 0);
    REQUIRE(until(is_held, NULL, 20000));
    struct reply reply = send_webhook(&webhook);
    (void)pthread_join(holder, NULL);
    CHECK_I64(reply.status, 503);
    CHECK(header_of(&reply, "Retry-After")[0] != '\0');
    CHECK(until(is_back, &webhook, 20000));
    CHECK_I64(count_of(text("key = '%s'", params[webhook.count - 1].value.ptr)), 1);
}

static void test_people(void)
{
    const char *supervisor = token_new("supervisor", "");
    CHECK_I64(ask(supervisor, "GET", "/webhooks", NULL, NULL).status, 403);
    struct reply page = ask(BOOTSTRAP, "GET", "/webhooks?pageSize=2&state=waiting", NULL, NULL);
    CHECK_I64(page.status, 200);
    CHECK_I64(at_i64(page.body, "items"), 2);
    CHECK(strcmp(at(page.body, "items.0.sid"), at(page.body, "items.1.sid")) > 0);
    struct reply next =
        ask(BOOTSTRAP, "GET",
            text("/webhooks?pageSize=2&state=waiting&cursor=%s", at(page.body, "nextCursor")), NULL,
            NULL);
    CHECK(strcmp(at(page.body, "items.1.sid"), at(next.body, "items.0.sid")) > 0);
    struct reply one =
        ask(BOOTSTRAP, "GET", text("/webhooks/%s", at(page.body, "items.0.sid")), NULL, NULL);
    CHECK_TEXT(at(one.body, "kind"), "event");
    CHECK_TEXT(at(one.body, "state"), "waiting");
    struct reply replay = ask(
        BOOTSTRAP, "POST", text("/webhooks/%s/replay", at(page.body, "items.0.sid")), NULL, NULL);
    CHECK(is_problem(&replay, 400, "WEBHOOK_NOT_DEAD", "sid"));
    struct reply none = ask(BOOTSTRAP, "GET", "/webhooks/" SID("WH", "0"), NULL, NULL);
    CHECK(is_problem(&none, 404, "WEBHOOK_NOT_FOUND", "sid"));
}

static const struct test_case cases[] = {
    {"a signature is taken in the spellings of the reference's table",      test_signatures    },
    {"it is over all parameters, each distinct value once",                 test_parameters    },
    {"the current, the previous and our own account's tokens are taken",    test_tokens        },
    {"tokens in the database count when they are the configured account's", test_own_tokens    },
    {"what is unsigned or signed by another is refused and counted",        test_unsigned      },
    {"a JSON body is known by its hash",                                    test_json          },
    {"other methods, types and sizes are refused",                          test_content       },
    {"only a trusted proxy says what the URL was",                          test_proxy         },
    {"each kind is stored and answered",                                    test_answers       },
    {"a repeat gets the first answer and no second row",                    test_repeat        },
    {"events have the lane of their task, worker or resource",              test_lanes         },
    {"without the database all is 503; then it comes in once",              test_database_away },
    {"a database that hangs is told with 503 as well",                      test_database_hangs},
    {"people list and read the inbox, admins only",                         test_people        },
};

int main(int argc, char **argv)
{
    return fixture_all_main("gateway webhooks", with_url, cases, ARRAY_LEN(cases), argc, argv);
}
