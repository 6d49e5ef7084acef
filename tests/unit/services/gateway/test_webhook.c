#include "webhook.h"

#include <string.h>

#include "base/clock.h"
#include "testing.h"
#include "webhook_params.h"

#define T(literal)                                                                                 \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }
#define P(name, value)                                                                             \
    {                                                                                              \
        T(name), T(value)                                                                          \
    }

#define TASK   "WT00000000000000000000000000000001"
#define WORKER "WK00000000000000000000000000000001"
#define CALL   "CA00000000000000000000000000000001"

static struct webhook_facts facts_of(struct arena *arena, enum webhook_kind kind,
                                     const struct twilio_param *params, size_t count,
                                     const char *token)
{
    struct webhook_facts facts = {0};
    CHECK(webhook_facts_read(kind, params, count, str_from(token), "hash", arena, &facts));
    return facts;
}

static void test_event(void)
{
    static const struct twilio_param params[] = {
        P("Sid", "EV1"),       P("EventType", "reservation.created"),
        P("TaskSid", TASK),    P("WorkerSid", WORKER),
        P("Timestamp", "170"), P("TimestampMs", "1700000000123"),
        P("AccountSid", "AC"),
    };
    AUTO(arena_cleanup) struct arena *arena = arena_new(1 << 16);
    struct webhook_facts facts =
        facts_of(arena, WEBHOOK_EVENT, params, ARRAY_LEN(params), "a-token");
    CHECK_TEXT(facts.key, "EV1");
    CHECK_TEXT(facts.lane, TASK);
    CHECK_STR(facts.event_type, "reservation.created");
    CHECK_STR(facts.account_sid, "");
    CHECK_I64(facts.occurred_at_us, INT64_C(1700000000123000));
    facts = facts_of(arena, WEBHOOK_EVENT, params, 2, NULL);
    CHECK_TEXT(facts.lane, "nothing");
    CHECK_I64(facts.occurred_at_us, 0);
    facts = facts_of(arena, WEBHOOK_EVENT, params + 3, 2, NULL);
    CHECK_TEXT(facts.key, "body:hash");
    CHECK_TEXT(facts.lane, WORKER);
    CHECK_I64(facts.occurred_at_us, 0); /* 1970 is no time of an event */
}

static void test_keys(void)
{
    static const struct twilio_param params[] = {
        P("CallSid", CALL),
        P("CallStatus", "ringing"),
        P("RecordingSid", "RE1"),
        P("ReservationSid", "WR1"),
        P("RecordingStatus", "absent"),
        P("MessageSid", "SM1"),
        P("From", "+1"),
        P("To", "+2"),
        P("turn", "2"),
    };
    static const struct {
        enum webhook_kind kind;
        const char *token;
        const char *key;
        const char *lane;
    } rows[] = {
        {WEBHOOK_VOICE,          NULL,       CALL ":ringing",         CALL       },
        {WEBHOOK_VOICE,          "token-1",  CALL ":ringing:token-1", CALL       },
        {WEBHOOK_VOICE,          "no token", CALL ":ringing",         CALL       },
        {WEBHOOK_VOICE_MENU,     NULL,       CALL ":2:hash",          CALL       },
        {WEBHOOK_VOICE_MENU,     "token-1",  CALL ":token-1",         CALL       },
        {WEBHOOK_VOICE_WAIT,     NULL,       "body:hash",             ""         },
        {WEBHOOK_VOICE_STATUS,   "token-1",  CALL ":ringing",         CALL       },
        {WEBHOOK_VOICE_LEG,      "token-1",  CALL ":ringing",         CALL       },
        {WEBHOOK_RECORDING,      NULL,       "RE1:absent",            CALL       },
        {WEBHOOK_TRANSCRIPTION,  NULL,       "body:hash",             CALL       },
        {WEBHOOK_ASSIGNMENT,     "token-1",  "WR1",                   ""         },
        {WEBHOOK_SMS,            "token-1",  "SM1",                   "sms:+1>+2"},
        {WEBHOOK_MESSAGE_STATUS, NULL,       "body:hash",             ""         },
    };
    AUTO(arena_cleanup) struct arena *arena = arena_new(1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct webhook_facts facts =
            facts_of(arena, rows[i].kind, params, ARRAY_LEN(params), rows[i].token);
        CHECK_TEXT(facts.key, rows[i].key);
        CHECK_TEXT(facts.lane, rows[i].lane);
    }
}

static void test_legs(void)
{
    static const struct twilio_param params[] = {P("CallSid", "CA00000000000000000000000000000002"),
                                                 P("ParentCallSid", CALL)};
    static const struct twilio_param nonsense[] = {P("CallSid", "CA1"), P("ParentCallSid", "x")};
    AUTO(arena_cleanup) struct arena *arena = arena_new(1 << 16);
    CHECK_TEXT(facts_of(arena, WEBHOOK_VOICE_STATUS, params, 2, NULL).lane, CALL);
    CHECK_TEXT(facts_of(arena, WEBHOOK_VOICE_STATUS, nonsense, 2, NULL).lane, "");
    for (int i = WEBHOOK_NONE + 1; i < WEBHOOK_KIND_COUNT; i++) {
        bool is_voice = strncmp(webhook_kind_name((enum webhook_kind)i), "voice", 5) == 0;
        bool is_told = i == WEBHOOK_VOICE_STATUS || i == WEBHOOK_VOICE_LEG;
        bool speaks = (is_voice && !is_told) || i == WEBHOOK_SMS;
        CHECK_I64(webhook_is_conversation((enum webhook_kind)i), speaks);
    }
}

static void test_names(void)
{
    for (int i = WEBHOOK_NONE + 1; i < WEBHOOK_KIND_COUNT; i++)
        CHECK_I64(webhook_kind_from(str_from(webhook_kind_name((enum webhook_kind)i))), i);
    for (int i = WEBHOOK_STATE_NONE + 1; i < WEBHOOK_STATE_COUNT; i++)
        CHECK_I64(webhook_state_from(str_from(webhook_state_name((enum webhook_state)i))), i);
    CHECK_I64(webhook_kind_from(STR("")), WEBHOOK_NONE);
    CHECK_I64(webhook_state_from(STR("other")), WEBHOOK_STATE_NONE);
}

static void test_verdicts(void)
{
    CHECK_I64(webhook_verdict_of(ERR_UNAVAILABLE), WEBHOOK_AGAIN);
    CHECK_I64(webhook_verdict_of(ERR_RESOURCE_EXHAUSTED), WEBHOOK_AGAIN);
    CHECK_I64(webhook_verdict_of(ERR_FAILED_PRECONDITION), WEBHOOK_AGAIN);
    CHECK_I64(webhook_verdict_of(ERR_INVALID_ARGUMENT), WEBHOOK_REFUSED);
    CHECK_I64(webhook_verdict_of(ERR_INTERNAL), WEBHOOK_SUSPICIOUS);
    CHECK_I64(webhook_verdict_of(ERR_DEADLINE_EXCEEDED), WEBHOOK_SUSPICIOUS);
    CHECK_I64(webhook_rest_us(1), 250 * US_PER_MS);
    CHECK_I64(webhook_rest_us(2), 500 * US_PER_MS);
    CHECK_I64(webhook_rest_us(7), 15 * US_PER_S);
    CHECK_I64(webhook_rest_us(INT64_MAX), 15 * US_PER_S);
}

static void test_stored(void)
{
    static const struct twilio_param params[] = {
        P("a", "1"),
        P("a", "two\n\"lines\""),
        P("", ""),
        P("ö", "東京"),
    };
    AUTO(arena_cleanup) struct arena *arena = arena_new(1 << 20);
    struct str text = {NULL, 0};
    struct twilio_param *read = NULL;
    size_t count = 0;
    CHECK(webhook_params_write(params, ARRAY_LEN(params), arena, &text, NULL) == ERR_OK);
    CHECK(webhook_params_read(text, arena, &read, &count, NULL) == ERR_OK);
    CHECK_I64(count, ARRAY_LEN(params));
    for (size_t i = 0; i < count; i++) {
        CHECK(str_eq(read[i].name, params[i].name));
        CHECK(str_eq(read[i].value, params[i].value));
    }
    static const char *const broken[] = {"", "{}", "[1]", "[[]]", "[[\"a\"]]", "[[\"a\",1]]"};
    for (size_t i = 0; i < ARRAY_LEN(broken); i++)
        CHECK_I64(webhook_params_read(str_from(broken[i]), arena, &read, &count, NULL),
                  ERR_DATA_LOSS);
}

static void test_json(void)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(1 << 20);
    struct twilio_param *params = NULL;
    size_t count = 0;
    struct err err = {0};
    CHECK(webhook_params_of_json(STR("{\"a\":\"x\",\"b\":1.5,\"c\":null,\"d\":{\"e\":true}}"),
                                 arena, &params, &count, NULL) == ERR_OK);
    CHECK_I64(count, 3);
    CHECK_STR(params[0].value, "x");
    CHECK_STR(params[1].value, "1.5");
    CHECK_STR(params[2].value, "{\"e\":true}");
    CHECK_I64(webhook_params_of_json(STR("[]"), arena, &params, &count, &err),
              ERR_INVALID_ARGUMENT);
    struct buf many;
    buf_init(&many, 0);
    buf_char(&many, '{');
    for (int i = 0; i < 257; i++)
        buf_printf(&many, "%s\"k%d\":1", i > 0 ? "," : "", i);
    buf_char(&many, '}');
    CHECK_I64(webhook_params_of_json(buf_str(&many), arena, &params, &count, &err),
              ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "TOO_MANY_PARAMETERS");
    buf_fini(&many);
}

static const struct test_case cases[] = {
    {"an event is known by its SID and goes with its task",        test_event   },
    {"the others are known by what they are about and its status", test_keys    },
    {"what is about a leg goes with its call",                     test_legs    },
    {"names of kinds and states are read as they are written",     test_names   },
    {"who is away is waited for, what is wrong ends",              test_verdicts},
    {"parameters are stored with their order and repeats",         test_stored  },
    {"members of a JSON body are parameters",                      test_json    },
};

int main(int argc, char **argv)
{
    return testing_main("webhook", cases, ARRAY_LEN(cases), argc, argv);
}
