/* Twilio is away, or wants to be left alone: when clients are told to come again. Twilio is played
 * here; it answers all the same. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "mirrored.h"
#include "peer.h"

#define WORKSPACE "WS000000000000000000000000000000aa"

enum { PATIENCE_MS = 90000 };

/* Its changes may take their time. */
static const char *const gateway_env[] = {"TWILIO_WORKSPACE_SID=" WORKSPACE, NULL};

static struct peer *twilio;
static const char *_Atomic answer; /* all of them */

static void answer_all(void *ctx, const struct peer_request *request, struct buf *out)
{
    (void)ctx;
    (void)request;
    buf_text(out, atomic_load(&answer));
}

/* A sync-svc that knows nothing yet of that Twilio. */
static void begin(const char *raw)
{
    static const char *env[5];
    env[0] = "TWILIO_ACCOUNT_SID=" ACCOUNT;
    env[1] = "TWILIO_AUTH_TOKEN=" SECRET;
    env[2] = "TWILIO_WORKSPACE_SID=" WORKSPACE;
    env[3] = text("TASKROUTER_TWILIO_URL=http://127.0.0.1:%d", peer_port(twilio));
    atomic_store(&answer, raw);
    program_kill(PROGRAM_SYNC);
    program_env_set(PROGRAM_SYNC, env);
    program_start(PROGRAM_SYNC);
}

#define AWAY(more) "HTTP/1.1 503 Away\r\n" more "Content-Length: 0\r\nConnection: close\r\n\r\n"
#define BUSY(more) "HTTP/1.1 429 Busy\r\n" more "Content-Length: 0\r\nConnection: close\r\n\r\n"

static long told(const struct reply *reply)
{
    return strtol(header_of(reply, "Retry-After"), NULL, 10);
}

/* ---- cases ---- */

static void test_asked(void)
{
    begin(AWAY("Retry-After: 50\r\n"));
    struct reply reply = ask(BOOTSTRAP, "GET", "/sync/check", NULL, NULL);
    CHECK(is_problem(&reply, 503, "UPSTREAM_AWAY", NULL));
    CHECK(told(&reply) > 1 && told(&reply) <= 50);
}

static void test_asked_for_long(void)
{
    begin(AWAY("Retry-After: 3600\r\n"));
    struct reply reply = ask(BOOTSTRAP, "GET", "/sync/check", NULL, NULL);
    CHECK_I64(reply.status, 503);
    CHECK_I64(told(&reply), 60);
    begin(BUSY("Retry-After: 3600\r\n"));
    reply = ask(BOOTSTRAP, "GET", "/sync/check", NULL, NULL);
    CHECK(is_problem(&reply, 429, "UPSTREAM_BUSY", NULL));
    CHECK_I64(told(&reply), 60);
    reply = ask(BOOTSTRAP, "GET", "/sync/check", NULL, NULL); /* nor was it asked again */
    CHECK(is_problem(&reply, 429, "UPSTREAM_BUSY", NULL));
    CHECK_I64(told(&reply), 60);
}

/* A write, in both dialects. */
static void test_written(void)
{
    begin(AWAY("Retry-After: 3600\r\n"));
    workspace_of_twilio(WORKSPACE);
    struct reply reply = ask(BOOTSTRAP, "POST", "/queues", "X-Workspace-Sid: " WORKSPACE "\r\n",
                             "{'friendlyName':'Q'}");
    CHECK(is_problem(&reply, 503, "OUTCOME_UNKNOWN", NULL)); /* a server's error says nothing */
    CHECK_I64(told(&reply), 60);
    reply = ask_form(basic(ACCOUNT, SECRET), "POST", "/v1/Workspaces/" WORKSPACE "/TaskQueues",
                     NULL, "FriendlyName=R");
    CHECK_I64(reply.status, 503);
    CHECK_I64(told(&reply), 60);
}

static bool is_told_to_wait(void *ctx)
{
    long *most_s = ctx;
    struct reply reply = ask(BOOTSTRAP, "GET", "/sync/check", NULL, NULL);
    CHECK_I64(reply.status, 503);
    CHECK(told(&reply) >= 1 && told(&reply) <= 30); /* as long as the breaker waits at most */
    if (told(&reply) > *most_s)
        *most_s = told(&reply);
    return *most_s > 1;
}

/* Without a word of Twilio's it is when it will be looked for next. */
static void test_breaker(void)
{
    long most_s = 0;
    begin(AWAY(""));
    CHECK(until(is_told_to_wait, &most_s, PATIENCE_MS));
}

static const struct test_case cases[] = {
    {"as long as Twilio asks for",                    test_asked         },
    {"a minute at most",                              test_asked_for_long},
    {"the same for what was to be written",           test_written       },
    {"else when it will be looked for the next time", test_breaker       },
};

int main(int argc, char **argv)
{
    atomic_store(&answer, AWAY(""));
    twilio = peer_open(answer_all, NULL);
    int status =
        fixture_all_main("gateway retry after", gateway_env, cases, ARRAY_LEN(cases), argc, argv);
    peer_close(twilio);
    return status;
}
