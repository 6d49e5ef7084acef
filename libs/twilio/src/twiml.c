#include "twilio/twiml.h"

#include <string.h>

#include "base/macros.h"

enum element {
    NOTHING,
    RESPONSE,
    SAY,
    PLAY,
    PAUSE,
    REDIRECT,
    HANGUP,
    LEAVE,
    REJECT,
    MESSAGE,
    GATHER,
    RECORD,
    ENQUEUE,
    TASK,
    DIAL,
    NUMBER,
    CLIENT,
    SIP,
    QUEUE,
    CONFERENCE,
    ELEMENT_COUNT,
};

#define BIT(element) (1U << (unsigned)(element))

/* Its name, and in which elements it may be. */
static const struct {
    const char *name;
    unsigned parents;
} elements[ELEMENT_COUNT] = {
    [NOTHING] = {"",           0                          },
    [RESPONSE] = {"Response",   0                          },
    [SAY] = {"Say",        BIT(RESPONSE) | BIT(GATHER)},
    [PLAY] = {"Play",       BIT(RESPONSE) | BIT(GATHER)},
    [PAUSE] = {"Pause",      BIT(RESPONSE) | BIT(GATHER)},
    [REDIRECT] = {"Redirect",   BIT(RESPONSE)              },
    [HANGUP] = {"Hangup",     BIT(RESPONSE)              },
    [LEAVE] = {"Leave",      BIT(RESPONSE)              },
    [REJECT] = {"Reject",     BIT(RESPONSE)              },
    [MESSAGE] = {"Message",    BIT(RESPONSE)              },
    [GATHER] = {"Gather",     BIT(RESPONSE)              },
    [RECORD] = {"Record",     BIT(RESPONSE)              },
    [ENQUEUE] = {"Enqueue",    BIT(RESPONSE)              },
    [TASK] = {"Task",       BIT(ENQUEUE)               },
    [DIAL] = {"Dial",       BIT(RESPONSE)              },
    [NUMBER] = {"Number",     BIT(DIAL)                  },
    [CLIENT] = {"Client",     BIT(DIAL)                  },
    [SIP] = {"Sip",        BIT(DIAL)                  },
    [QUEUE] = {"Queue",      BIT(DIAL)                  },
    [CONFERENCE] = {"Conference", BIT(DIAL)                  },
};

/* ---- characters ---- */

/* Bytes of the character that text begins with, 0 when it is none; *out_point: which. */
static size_t character_read(const unsigned char *text, size_t len, uint32_t *out_point)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = text[0];
    size_t size = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (size == 0 || size > len || first > 0xF4)
        return 0;
    uint32_t point = size == 1 ? first : first & (0xFFU >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xC0U) != 0x80U)
            return 0;
        point = point << 6 | (text[i] & 0x3FU);
    }
    bool is_surrogate = point >= 0xD800 && point <= 0xDFFF;
    *out_point = point;
    return point < least[size] || is_surrogate || point > 0x10FFFF ? 0 : size;
}

/* XML 1.0, production Char. */
static bool is_allowed(uint32_t point)
{
    return point == '\t' || point == '\n' || point == '\r' ||
           (point >= 0x20 && point != 0xFFFE && point != 0xFFFF);
}

static const char *escape_of(uint32_t point, bool is_attribute)
{
    switch (point) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&apos;";
    case '\r': /* readers make line feeds of it */
        return "&#13;";
    case '\n': /* and spaces of these, in attributes */
        return is_attribute ? "&#10;" : NULL;
    case '\t':
        return is_attribute ? "&#9;" : NULL;
    default:
        return NULL;
    }
}

static void text_write(struct twiml *t, const char *text, size_t max_chars, bool is_attribute)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t left = strlen(text);
    for (size_t chars = 0; left > 0 && chars < max_chars && !buf_failed(t->out); chars++) {
        uint32_t point = 0;
        size_t size = character_read(at, left, &point);
        if (size == 0) {
            buf_text(t->out, "\xEF\xBF\xBD");
            size = 1;
        } else if (is_allowed(point)) {
            const char *escape = escape_of(point, is_attribute);
            if (escape != NULL)
                buf_text(t->out, escape);
            else
                buf_append(t->out, at, size);
        }
        at += size;
        left -= size;
    }
}

/* ---- elements ---- */

struct attribute {
    const char *name;
    const char *text; /* or: */
    int64_t number;
    bool has_number;
};

#define TEXT(name, value)                                                                          \
    {                                                                                              \
        (name), (value), 0, false                                                                  \
    }
#define NUMBER_OF(name, value)                                                                     \
    {                                                                                              \
        (name), NULL, (value), (value) != 0                                                        \
    }
#define FLAG(name, value, word)                                                                    \
    {                                                                                              \
        (name), (value) ? (word) : NULL, 0, false                                                  \
    }

static bool may_begin(struct twiml *t, enum element element)
{
    enum element parent = t->depth > 0 ? (enum element)t->open[t->depth - 1] : NOTHING;
    if ((elements[element].parents & BIT(parent)) == 0)
        t->has_failed = true;
    return !t->has_failed;
}

/* Up to its name and attributes. */
static bool element_open(struct twiml *t, enum element element, const struct attribute *attributes,
                         size_t count)
{
    if (!may_begin(t, element))
        return false;
    if (!t->has_content)
        buf_char(t->out, '>');
    t->has_content = true;
    buf_char(t->out, '<');
    buf_text(t->out, elements[element].name);
    for (size_t i = 0; i < count; i++) {
        const struct attribute *attribute = &attributes[i];
        if (attribute->text == NULL && !attribute->has_number)
            continue;
        buf_printf(t->out, " %s=\"", attribute->name);
        if (attribute->text != NULL)
            text_write(t, attribute->text, SIZE_MAX, true);
        else
            buf_i64(t->out, attribute->number);
        buf_char(t->out, '"');
    }
    return true;
}

static void element_begin(struct twiml *t, enum element element, const struct attribute *attributes,
                          size_t count)
{
    if (!element_open(t, element, attributes, count))
        return;
    INVARIANT(t->depth < TWIML_DEPTH_MAX); /* by the table of elements */
    t->open[t->depth++] = (unsigned char)element;
    t->has_content = false;
}

static void element_end(struct twiml *t)
{
    enum element element = (enum element)t->open[--t->depth];
    if (t->has_content)
        buf_printf(t->out, "</%s>", elements[element].name);
    else
        buf_text(t->out, "/>");
    t->has_content = true;
}

/* An element with a text, or none (NULL). */
static void element_put(struct twiml *t, enum element element, const struct attribute *attributes,
                        size_t count, const char *text, size_t max_chars)
{
    if (!element_open(t, element, attributes, count))
        return;
    if (text == NULL || text[0] == '\0') {
        buf_text(t->out, "/>");
        return;
    }
    buf_char(t->out, '>');
    text_write(t, text, max_chars, false);
    buf_printf(t->out, "</%s>", elements[element].name);
}

#define PUT(t, element, text, ...)                                                                 \
    do {                                                                                           \
        const struct attribute list_[] = {__VA_ARGS__};                                            \
        element_put((t), (element), list_, ARRAY_LEN(list_), (text), SIZE_MAX);                    \
    } while (0)
#define BEGIN(t, element, ...)                                                                     \
    do {                                                                                           \
        const struct attribute list_[] = {__VA_ARGS__};                                            \
        element_begin((t), (element), list_, ARRAY_LEN(list_));                                    \
    } while (0)

/* ---- documents ---- */

void twiml_init(struct twiml *t, struct buf *out)
{
    *t = (struct twiml){.out = out, .start = out->len, .depth = 1, .open = {RESPONSE}};
    buf_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response");
}

enum err_code twiml_finish(struct twiml *t, struct err *err)
{
    if (t->depth != 1)
        t->has_failed = true;
    if (t->has_failed)
        return ERR_SET(err, ERR_INTERNAL, "TWIML_NESTING",
                       "a verb was written where TwiML has no place for it");
    element_end(t);
    if (buf_failed(t->out) || t->out->len - t->start > TWIML_BYTES_MAX)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "TWIML_TOO_LARGE",
                       "the answer has more than %d bytes, which Twilio does not take",
                       TWIML_BYTES_MAX);
    return ERR_OK;
}

void twiml_end(struct twiml *t)
{
    if (t->has_failed || t->depth < 2)
        t->has_failed = true;
    else
        element_end(t);
}

/* ---- verbs ---- */

/* Twilio refuses a Say with nothing to say. */
static bool says_something(const char *text)
{
    return text != NULL && str_trim(str_from(text)).len > 0;
}

void twiml_say(struct twiml *t, const char *text, const char *language)
{
    const struct attribute attributes[] = {TEXT("language", language)};
    if (says_something(text))
        element_put(t, SAY, attributes, ARRAY_LEN(attributes), text, TWIML_SAY_MAX);
    else
        (void)may_begin(t, SAY);
}

void twiml_play(struct twiml *t, const char *url, int64_t loop)
{
    PUT(t, PLAY, url, NUMBER_OF("loop", loop));
}

void twiml_pause(struct twiml *t, int64_t seconds)
{
    PUT(t, PAUSE, NULL, NUMBER_OF("length", seconds));
}

void twiml_redirect(struct twiml *t, const char *url)
{
    element_put(t, REDIRECT, NULL, 0, url, SIZE_MAX);
}

void twiml_hangup(struct twiml *t)
{
    element_put(t, HANGUP, NULL, 0, NULL, 0);
}

void twiml_leave(struct twiml *t)
{
    element_put(t, LEAVE, NULL, 0, NULL, 0);
}

void twiml_reject(struct twiml *t, const char *reason)
{
    PUT(t, REJECT, NULL, TEXT("reason", reason));
}

void twiml_message(struct twiml *t, const char *text)
{
    if (says_something(text))
        element_put(t, MESSAGE, NULL, 0, text, TWIML_MESSAGE_MAX);
    else
        (void)may_begin(t, MESSAGE);
}

void twiml_gather_begin(struct twiml *t, const struct twiml_gather *gather)
{
    BEGIN(t, GATHER, TEXT("action", gather->action), NUMBER_OF("numDigits", gather->num_digits),
          NUMBER_OF("timeout", gather->timeout_s), TEXT("finishOnKey", gather->finish_on_key),
          FLAG("actionOnEmptyResult", gather->action_on_empty, "true"));
}

void twiml_record(struct twiml *t, const struct twiml_record *record)
{
    PUT(t, RECORD, NULL, TEXT("action", record->action),
        NUMBER_OF("maxLength", record->max_length_s), NUMBER_OF("timeout", record->timeout_s),
        TEXT("finishOnKey", record->finish_on_key), FLAG("transcribe", record->transcribe, "true"),
        TEXT("transcribeCallback", record->transcribe_callback),
        TEXT("recordingStatusCallback", record->status_callback),
        TEXT("recordingStatusCallbackEvent", record->status_events));
}

void twiml_enqueue(struct twiml *t, const struct twiml_enqueue *enqueue)
{
    const struct attribute attributes[] = {
        TEXT("action", enqueue->action),
        TEXT("waitUrl", enqueue->wait_url),
        TEXT("workflowSid", enqueue->workflow_sid),
    };
    if (enqueue->workflow_sid == NULL) {
        element_put(t, ENQUEUE, attributes, ARRAY_LEN(attributes), enqueue->name, SIZE_MAX);
        return;
    }
    element_begin(t, ENQUEUE, attributes, ARRAY_LEN(attributes));
    const struct attribute of_task[] = {
        {"priority", NULL, enqueue->priority != NULL ? *enqueue->priority : 0,
         enqueue->priority != NULL },
        {"timeout",  NULL, enqueue->timeout_s != NULL ? *enqueue->timeout_s : 0,
         enqueue->timeout_s != NULL},
    };
    if (enqueue->task != NULL)
        element_put(t, TASK, of_task, ARRAY_LEN(of_task), enqueue->task, SIZE_MAX);
    twiml_end(t);
}

void twiml_dial_begin(struct twiml *t, const struct twiml_dial *dial)
{
    BEGIN(t, DIAL, TEXT("action", dial->action), TEXT("callerId", dial->caller_id),
          NUMBER_OF("timeout", dial->timeout_s), NUMBER_OF("timeLimit", dial->time_limit_s),
          TEXT("record", dial->record), TEXT("recordingStatusCallback", dial->recording_callback),
          FLAG("answerOnBridge", dial->answer_on_bridge, "true"),
          FLAG("hangupOnStar", dial->hangup_on_star, "true"));
}

static void leg_put(struct twiml *t, enum element element, const struct twiml_leg *leg)
{
    PUT(t, element, leg->address, TEXT("url", leg->url),
        TEXT("statusCallback", leg->status_callback),
        TEXT("statusCallbackEvent", leg->status_events));
}

void twiml_number(struct twiml *t, const struct twiml_leg *leg)
{
    leg_put(t, NUMBER, leg);
}

void twiml_client(struct twiml *t, const struct twiml_leg *leg)
{
    leg_put(t, CLIENT, leg);
}

void twiml_sip(struct twiml *t, const struct twiml_leg *leg)
{
    leg_put(t, SIP, leg);
}

void twiml_queue(struct twiml *t, const struct twiml_queue *queue)
{
    PUT(t, QUEUE, queue->name, TEXT("url", queue->url),
        TEXT("reservationSid", queue->reservation_sid),
        TEXT("postWorkActivitySid", queue->post_work_activity_sid));
}

void twiml_conference(struct twiml *t, const struct twiml_conference *conference)
{
    PUT(t, CONFERENCE, conference->name, FLAG("muted", conference->muted, "true"),
        TEXT("beep", conference->beep), TEXT("waitUrl", conference->wait_url),
        FLAG("startConferenceOnEnter", conference->starts_late, "false"),
        FLAG("endConferenceOnExit", conference->end_on_exit, "true"),
        NUMBER_OF("maxParticipants", conference->max_participants),
        TEXT("record", conference->record),
        TEXT("recordingStatusCallback", conference->recording_callback),
        TEXT("statusCallback", conference->status_callback),
        TEXT("statusCallbackEvent", conference->status_events));
}
