#include "webhook.h"

#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"

enum {
    TOKEN_MAX_BYTES = 128,
    PART_MAX_BYTES = 64,
    TURN_MAX_BYTES = 16,
    REST_FIRST_MS = 250,
    REST_MAX_MS = 15000,
};

/* 2001 … 2100: what lies beyond is no time of an event. */
#define STAMP_MIN_MS (INT64_C(978307200) * 1000)
#define STAMP_MAX_MS (INT64_C(4102444800) * 1000)

static const char *const kind_names[WEBHOOK_KIND_COUNT] = {[WEBHOOK_NONE] = "",
#define X(name, text) [WEBHOOK_##name] = (text),
                                                           WEBHOOK_KINDS(X)
#undef X
};

static const char *const state_names[WEBHOOK_STATE_COUNT] = {[WEBHOOK_STATE_NONE] = "",
#define X(name, text) [WEBHOOK_STATE_##name] = (text),
                                                             WEBHOOK_STATES(X)
#undef X
};

/* Parameters that together name a webhook; all must be there. */
static const char *const key_parts[WEBHOOK_KIND_COUNT] = {
    [WEBHOOK_NONE] = "",
    [WEBHOOK_EVENT] = "Sid",
    [WEBHOOK_ASSIGNMENT] = "ReservationSid",
    [WEBHOOK_VOICE] = "CallSid CallStatus",
    [WEBHOOK_VOICE_STATUS] = "CallSid CallStatus",
    [WEBHOOK_RECORDING] = "RecordingSid RecordingStatus",
    [WEBHOOK_TRANSCRIPTION] = "TranscriptionSid TranscriptionStatus",
    [WEBHOOK_SMS] = "MessageSid",
    [WEBHOOK_MESSAGE_STATUS] = "MessageSid MessageStatus",
    [WEBHOOK_VOICE_MENU] = "CallSid",
    [WEBHOOK_VOICE_WAIT] = "CallSid QueueTime",
    [WEBHOOK_VOICE_QUEUE_END] = "CallSid QueueResult",
    [WEBHOOK_VOICE_VOICEMAIL] = "CallSid",
    [WEBHOOK_VOICE_TRANSFER_END] = "CallSid",
    [WEBHOOK_VOICE_LEG] = "CallSid CallStatus",
};

const char *webhook_kind_name(enum webhook_kind kind)
{
    return kind_names[kind];
}

enum webhook_kind webhook_kind_from(struct str name)
{
    for (int i = WEBHOOK_NONE + 1; i < WEBHOOK_KIND_COUNT; i++)
        if (str_eq_text(name, kind_names[i]))
            return (enum webhook_kind)i;
    return WEBHOOK_NONE;
}

const char *webhook_state_name(enum webhook_state state)
{
    return state_names[state];
}

enum webhook_state webhook_state_from(struct str name)
{
    for (int i = WEBHOOK_STATE_NONE + 1; i < WEBHOOK_STATE_COUNT; i++)
        if (str_eq_text(name, state_names[i]))
            return (enum webhook_state)i;
    return WEBHOOK_STATE_NONE;
}

static struct str param_of(const struct twilio_param *params, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(params[i].name, name))
            return params[i].value;
    return STR("");
}

struct str webhook_param(const struct twilio_param *params, size_t count, const char *name)
{
    return param_of(params, count, str_from(name));
}

/* ---- facts ---- */

static bool is_token(struct str token)
{
    if (token.len == 0 || token.len > TOKEN_MAX_BYTES)
        return false;
    for (size_t i = 0; i < token.len; i++)
        if (token.ptr[i] <= ' ' || token.ptr[i] > '~')
            return false;
    return true;
}

/* NULL when a part is missing or too long to be a name, or the arena is full. */
static const char *named_key(enum webhook_kind kind, const struct twilio_param *params,
                             size_t count, struct arena *arena)
{
    const char *key = NULL;
    struct str rest = str_from(key_parts[kind]);
    while (rest.ptr != NULL) {
        struct str part = param_of(params, count, str_split(&rest, ' '));
        if (part.len == 0 || part.len > PART_MAX_BYTES)
            return NULL;
        key = key == NULL ? arena_str_dup(arena, part)
                          : arena_printf(arena, "%s:%.*s", key, STR_ARG(part));
        if (key == NULL)
            return NULL;
    }
    return key;
}

bool webhook_is_conversation(enum webhook_kind kind)
{
    switch (kind) {
    case WEBHOOK_VOICE:
    case WEBHOOK_VOICE_MENU:
    case WEBHOOK_VOICE_WAIT:
    case WEBHOOK_VOICE_QUEUE_END:
    case WEBHOOK_VOICE_VOICEMAIL:
    case WEBHOOK_VOICE_TRANSFER_END:
    case WEBHOOK_SMS:
        return true;
    case WEBHOOK_NONE:
    case WEBHOOK_EVENT:
    case WEBHOOK_ASSIGNMENT:
    case WEBHOOK_VOICE_STATUS:
    case WEBHOOK_RECORDING:
    case WEBHOOK_TRANSCRIPTION:
    case WEBHOOK_MESSAGE_STATUS:
    case WEBHOOK_VOICE_LEG:
    case WEBHOOK_KIND_COUNT:
        break;
    }
    return false;
}

/* A call asks for what to do more than once in its life, mostly with the same words. */
static const char *key_of(enum webhook_kind kind, const struct twilio_param *params, size_t count,
                          struct str token, const char *body_hash, struct arena *arena)
{
    const char *key = named_key(kind, params, count, arena);
    if (key == NULL)
        return arena_printf(arena, "body:%s", body_hash);
    if (kind == WEBHOOK_SMS || !webhook_is_conversation(kind))
        return key;
    if (is_token(token))
        return arena_printf(arena, "%s:%.*s", key, STR_ARG(token));
    if (kind == WEBHOOK_VOICE)
        return key;
    struct str turn = webhook_param(params, count, WEBHOOK_TURN);
    turn.len = turn.len < TURN_MAX_BYTES ? turn.len : TURN_MAX_BYTES;
    return arena_printf(arena, "%s:%.*s:%s", key, STR_ARG(turn), body_hash);
}

/* What is to be done about a call is done in the order in which it was told; about messages, by
 * conversation. */
static const char *call_lane(enum webhook_kind kind, const struct twilio_param *params,
                             size_t count, struct arena *arena)
{
    struct str parent = webhook_param(params, count, "ParentCallSid"); /* of who was dialled */
    struct str call = parse_is_sid(parent, "CA") ? parent : webhook_param(params, count, "CallSid");
    struct str from = webhook_param(params, count, "From");
    struct str to = webhook_param(params, count, "To");
    if (kind == WEBHOOK_VOICE_WAIT)
        return "";
    if (kind == WEBHOOK_SMS)
        return from.len > PART_MAX_BYTES || to.len > PART_MAX_BYTES
                   ? ""
                   : arena_printf(arena, "sms:%.*s>%.*s", STR_ARG(from), STR_ARG(to));
    return parse_is_sid(call, "CA") ? arena_str_dup(arena, call) : "";
}

/* What is about a task goes with the task, though a worker has a part in it. */
static const char *event_lane(const struct twilio_param *params, size_t count, struct arena *arena)
{
    static const struct {
        const char *param;
        const char *prefix; /* NULL = any */
    } rows[] = {
        {"TaskSid",      "WT"},
        {"WorkerSid",    "WK"},
        {"ResourceSid",  NULL},
        {"WorkspaceSid", "WS"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str sid = webhook_param(params, count, rows[i].param);
        if (parse_is_sid(sid, rows[i].prefix))
            return arena_str_dup(arena, sid);
    }
    return "nothing";
}

static const char *lane_of(enum webhook_kind kind, const struct twilio_param *params, size_t count,
                           struct arena *arena)
{
    switch (kind) {
    case WEBHOOK_EVENT:
        return event_lane(params, count, arena);
    case WEBHOOK_NONE:
    case WEBHOOK_ASSIGNMENT:
    case WEBHOOK_MESSAGE_STATUS:
    case WEBHOOK_KIND_COUNT:
        return "";
    case WEBHOOK_VOICE:
    case WEBHOOK_VOICE_STATUS:
    case WEBHOOK_RECORDING:
    case WEBHOOK_TRANSCRIPTION:
    case WEBHOOK_SMS:
    case WEBHOOK_VOICE_MENU:
    case WEBHOOK_VOICE_WAIT:
    case WEBHOOK_VOICE_QUEUE_END:
    case WEBHOOK_VOICE_VOICEMAIL:
    case WEBHOOK_VOICE_TRANSFER_END:
    case WEBHOOK_VOICE_LEG:
        break;
    }
    return call_lane(kind, params, count, arena);
}

static int64_t occurred_at_us(const struct twilio_param *params, size_t count)
{
    int64_t ms = 0;
    if (parse_i64(webhook_param(params, count, "TimestampMs"), STAMP_MIN_MS, STAMP_MAX_MS, &ms))
        return ms * US_PER_MS;
    if (parse_i64(webhook_param(params, count, "Timestamp"), STAMP_MIN_MS / 1000,
                  STAMP_MAX_MS / 1000, &ms))
        return ms * US_PER_S;
    return 0;
}

static struct str sid_or_empty(const struct twilio_param *params, size_t count, const char *name,
                               const char *prefix)
{
    struct str sid = webhook_param(params, count, name);
    return parse_is_sid(sid, prefix) ? sid : STR("");
}

bool webhook_facts_read(enum webhook_kind kind, const struct twilio_param *params, size_t count,
                        struct str token, const char *body_hash, struct arena *arena,
                        struct webhook_facts *out)
{
    struct str type = webhook_param(params, count, "EventType");
    *out = (struct webhook_facts){
        .key = key_of(kind, params, count, token, body_hash, arena),
        .lane = lane_of(kind, params, count, arena),
        .account_sid = sid_or_empty(params, count, "AccountSid", "AC"),
        .workspace_sid = sid_or_empty(params, count, "WorkspaceSid", "WS"),
        .event_type = kind == WEBHOOK_EVENT && type.len <= PART_MAX_BYTES ? type : STR(""),
        .occurred_at_us = occurred_at_us(params, count),
    };
    return out->key != NULL && out->lane != NULL;
}

/* ---- failures ---- */

enum webhook_verdict webhook_verdict_of(enum err_code code)
{
    switch (code) {
    case ERR_INVALID_ARGUMENT:
    case ERR_OUT_OF_RANGE:
        return WEBHOOK_REFUSED;
    case ERR_UNAVAILABLE:
    case ERR_RESOURCE_EXHAUSTED:  /* Twilio has us wait */
    case ERR_FAILED_PRECONDITION: /* credentials missing or refused: somebody mends them */
    case ERR_UNAUTHENTICATED:     /* of the service token, likewise */
    case ERR_PERMISSION_DENIED:
    case ERR_UNIMPLEMENTED: /* sync-svc of another release */
    case ERR_CANCELLED:
        return WEBHOOK_AGAIN;
    default:
        return WEBHOOK_SUSPICIOUS;
    }
}

int64_t webhook_rest_us(int64_t failures)
{
    int64_t ms = REST_FIRST_MS;
    for (int64_t i = 1; i < failures && ms < REST_MAX_MS; i++)
        ms *= 2;
    return (ms < REST_MAX_MS ? ms : REST_MAX_MS) * US_PER_MS;
}
