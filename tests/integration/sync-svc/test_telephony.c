/* Calls of Twilio's voice API, against a peer that does what its script says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "log/log.h"
#include "peer.h"
#include "telephony.h"
#include "testing.h"
#include "upstream.h"

#define ACCOUNT_SID "AC00000000000000000000000000000001"
#define CALL_SID    "CA00000000000000000000000000000002"
#define CALLS_PATH  "/2010-04-01/Accounts/" ACCOUNT_SID "/Calls"
#define QUEUED                                                                                     \
    {                                                                                              \
        201, "{\"sid\":\"" CALL_SID "\",\"status\":\"queued\",\"to\":\"+1555\"}"                   \
    }
#define ENDED                                                                                      \
    {                                                                                              \
        200, "{\"sid\":\"" CALL_SID "\",\"status\":\"completed\",\"to\":\"+1555\"}"                \
    }
#define NOT_NOW                                                                                    \
    {                                                                                              \
        400, "{\"code\":21220,\"message\":\"not in-progress\"}"                                    \
    }
#define REFUSED                                                                                    \
    {                                                                                              \
        400, "{\"code\":21211,\"message\":\"Invalid 'To'\"}"                                       \
    }
#define UNKNOWN                                                                                    \
    {                                                                                              \
        404, "{\"code\":20404}"                                                                    \
    }
#define BROKEN                                                                                     \
    {                                                                                              \
        500, "{}"                                                                                  \
    }
#define NO_CALL                                                                                    \
    {                                                                                              \
        200, "<html>"                                                                              \
    }
#define SILENT                                                                                     \
    {                                                                                              \
        0, NULL                                                                                    \
    }

enum { SCRIPT_MAX = 4, LAST_MAX = 8192 };

struct answer {
    int status; /* 0: the connection ends without one */
    const char *body;
};

/* Cases run one after the other and the peer answers one request at a time: no lock. */
static struct {
    struct peer *peer;
    struct answer script[SCRIPT_MAX];
    size_t at;
    char last[LAST_MAX]; /* method, path and body of the last request */
} side;

static void answer_next(void *ctx, const struct peer_request *request, struct buf *out)
{
    (void)ctx;
    struct answer answer = side.at < SCRIPT_MAX ? side.script[side.at] : (struct answer){0};
    side.at++;
    (void)snprintf(side.last, sizeof side.last, "%.*s %.*s\n%.*s", (int)request->method.len,
                   request->method.ptr, (int)request->path.len, request->path.ptr,
                   (int)request->body.len, request->body.ptr == NULL ? "" : request->body.ptr);
    if (answer.status != 0)
        peer_answer(out, answer.status, answer.body);
}

#define SCRIPT(...)                                                                                \
    script((const struct answer[]){__VA_ARGS__}, ARRAY_LEN(((const struct answer[]){__VA_ARGS__})))

static void script(const struct answer *answers, size_t count)
{
    memset(side.script, 0, sizeof side.script);
    memcpy(side.script, answers, count * sizeof *answers);
    side.at = 0;
}

static struct arena *arena;
static struct call call;
static struct err err;
static struct telephony_call told;
static struct twilio_voice voice;

static const struct telephony_place wanted = {
    .to = "+15557654321",
    .from = "+15551230000",
    .script = {"<Response><Dial><Queue>CL1</Queue></Dial></Response>", ""},
    .status_callback_url = "https://here.example/leg?a=1",
    .timeout_s = 20,
    .recording_callback_url = "",
};

static void open_here(bool has_credentials)
{
    static char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", peer_port(side.peer));
    voice.account_sid = has_credentials ? ACCOUNT_SID : NULL;
    voice.upstream = upstream_open(&(struct upstream_options){
        .url = url,
        .url_setting = "TASKROUTER_TWILIO_VOICE_URL",
        .api = "voice",
        .account_sid = voice.account_sid,
        .auth_token = has_credentials ? "a-secret-that-no-log-shows-00001" : NULL,
        .rate = 10000,
        .burst = 10000,
        .concurrency = 4,
        .timeout_ms = 5000,
    });
}

static void begin(void)
{
    err_clear(&err);
    arena_reset(arena);
    call_init(&call, arena, "test", 20 * US_PER_S);
}

static enum err_code place(void)
{
    begin();
    return twilio_voice_provider.place(&voice, &call, &wanted, &told, &err);
}

static bool was_sent(const char *text)
{
    return strstr(side.last, text) != NULL;
}

static void test_place(void)
{
    open_here(true);
    SCRIPT(QUEUED);
    CHECK_I64(place(), ERR_OK);
    CHECK_TEXT(told.sid, CALL_SID);
    CHECK_TEXT(told.status, "queued");
    CHECK(was_sent("POST " CALLS_PATH ".json\n"));
    CHECK(was_sent("To=%2B15557654321&From=%2B15551230000&Twiml=%3CResponse%3E"));
    CHECK(was_sent("StatusCallback=https%3A%2F%2Fhere.example%2Fleg%3Fa%3D1&"
                   "StatusCallbackEvent=initiated&StatusCallbackEvent=ringing&"
                   "StatusCallbackEvent=answered&StatusCallbackEvent=completed&Timeout=20"));
    CHECK(!was_sent("Record"));
    upstream_close(voice.upstream);
}

/* Nobody is called twice because an answer got lost. */
static void test_unknown_outcome(void)
{
    static const struct answer answers[] = {BROKEN, SILENT, NO_CALL};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        open_here(true);
        SCRIPT(answers[i]);
        CHECK_I64(place(), ERR_UNAVAILABLE);
        CHECK_TEXT(err.reason, "OUTCOME_UNKNOWN");
        CHECK_I64((int64_t)side.at, 1);
        upstream_close(voice.upstream);
    }
}

static void test_refused(void)
{
    open_here(true);
    SCRIPT(REFUSED, UNKNOWN, NOT_NOW);
    CHECK_I64(place(), ERR_FAILED_PRECONDITION);
    CHECK_TEXT(err.reason, "CALL_REFUSED");
    CHECK(strstr(err.detail, "Invalid 'To'") != NULL);
    begin();
    CHECK_I64(twilio_voice_provider.get(&voice, &call, CALL_SID, &told, &err), ERR_NOT_FOUND);
    begin();
    CHECK_I64(twilio_voice_provider.redirect(&voice, &call, CALL_SID, &wanted.script, &told, &err),
              ERR_FAILED_PRECONDITION);
    CHECK_TEXT(err.reason, "CALL_ENDED");
    CHECK(was_sent("POST " CALLS_PATH "/" CALL_SID ".json\n"));
    upstream_close(voice.upstream);
}

static void test_hang_up(void)
{
    open_here(true);
    SCRIPT(ENDED, NOT_NOW, ENDED);
    begin();
    CHECK_I64(twilio_voice_provider.hang_up(&voice, &call, CALL_SID, &told, &err), ERR_OK);
    CHECK(was_sent("Status=completed"));
    begin();
    CHECK_I64(twilio_voice_provider.hang_up(&voice, &call, CALL_SID, &told, &err), ERR_OK);
    CHECK_TEXT(told.status, "completed");
    CHECK(was_sent("GET " CALLS_PATH "/" CALL_SID ".json"));
    upstream_close(voice.upstream);
}

static void test_not_configured(void)
{
    open_here(false);
    SCRIPT(QUEUED);
    CHECK_I64(place(), ERR_FAILED_PRECONDITION);
    CHECK_TEXT(err.reason, "TELEPHONY_NOT_CONFIGURED");
    CHECK_I64((int64_t)side.at, 0);
    upstream_close(voice.upstream);
}

static const struct test_case cases[] = {
    {"a call is placed with what was asked for",       test_place          },
    {"an answer that got lost places no second call",  test_unknown_outcome},
    {"what the provider refuses is told in its words", test_refused        },
    {"hanging up a call that is over is no error",     test_hang_up        },
    {"without credentials nobody is called",           test_not_configured },
};

int main(int argc, char **argv)
{
    log_init("test-telephony", LOG_LEVEL_ERROR);
    arena = arena_new(4 << 20);
    side.peer = peer_open(answer_next, NULL);
    int status = testing_main("telephony", cases, ARRAY_LEN(cases), argc, argv);
    peer_close(side.peer);
    arena_free(arena);
    return status;
}
