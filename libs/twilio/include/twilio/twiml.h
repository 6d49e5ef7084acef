/*
 * Writes TwiML, what a call (or a text message) is answered with: an XML document of verbs, one
 * function each. Whatever texts come in, what comes out is well-formed: they are escaped,
 * characters that XML 1.0 has no place for are left out, broken UTF-8 becomes U+FFFD. What does not
 * belong where it is written, and more than TWIML_BYTES_MAX, fails stickily: append freely, check
 * twiml_finish. Knows no rules of calls.
 *
 *     struct twiml t;
 *     twiml_init(&t, &buf);
 *     twiml_gather_begin(&t, &(struct twiml_gather){.action = url, .num_digits = 1});
 *     twiml_say(&t, "Press one.", "en-US");
 *     twiml_end(&t);
 *     twiml_hangup(&t);
 *     code = twiml_finish(&t, err);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
    TWIML_BYTES_MAX = 64 << 10, /* of a document; Twilio takes no more */
    TWIML_SAY_MAX = 4096,       /* characters of what is said; the rest is left out */
    TWIML_MESSAGE_MAX = 1600,   /* characters of a text message, likewise */
    TWIML_DEPTH_MAX = 4,
};

#define TWIML_TYPE "text/xml; charset=utf-8"

/* On the caller's stack; the fields are the writer's own. */
struct twiml {
    struct buf *out;
    size_t start;                        /* what out held before stays in front */
    unsigned char open[TWIML_DEPTH_MAX]; /* elements */
    unsigned depth;
    bool has_failed;  /* of nesting; out tells of the other failure */
    bool has_content; /* of the innermost element */
};

/* out: its limit should leave room for TWIML_BYTES_MAX. */
void twiml_init(struct twiml *t, struct buf *out);

/* Closes the document. Errors: RESOURCE_EXHAUSTED TWIML_TOO_LARGE; INTERNAL TWIML_NESTING. */
enum err_code twiml_finish(struct twiml *t, struct err *err) MUST_CHECK;

/* In all structs and parameters: NULL and 0 leave the attribute out. */

/* language: "en-US". A text of white space alone, or none, says nothing: no verb is written. */
void twiml_say(struct twiml *t, const char *text, const char *language);
void twiml_play(struct twiml *t, const char *url, int64_t loop); /* loop 0: once */
void twiml_pause(struct twiml *t, int64_t seconds);
void twiml_redirect(struct twiml *t, const char *url);
void twiml_hangup(struct twiml *t);
void twiml_leave(struct twiml *t);
void twiml_reject(struct twiml *t, const char *reason); /* "busy" or "rejected" */
void twiml_message(struct twiml *t, const char *text);  /* of an answer to a text message */

struct twiml_gather {
    const char *action;
    int64_t num_digits;
    int64_t timeout_s;
    const char *finish_on_key; /* "" is meant: no key ends it */
    bool action_on_empty;      /* asks action also when nothing was pressed */
};
/* Say, Play and Pause may be within; then twiml_end. */
void twiml_gather_begin(struct twiml *t, const struct twiml_gather *gather);

struct twiml_record {
    const char *action;
    int64_t max_length_s;
    int64_t timeout_s; /* of silence */
    const char *finish_on_key;
    bool transcribe;
    const char *transcribe_callback;
    const char *status_callback;
    const char *status_events; /* "completed absent" */
};
void twiml_record(struct twiml *t, const struct twiml_record *record);

/* Into a queue of the provider's by its name, or with workflow_sid into TaskRouter. */
struct twiml_enqueue {
    const char *action;
    const char *wait_url;
    const char *name; /* or: */
    const char *workflow_sid;
    const char *task;        /* its attributes, JSON */
    const int64_t *priority; /* NULL: not given; so the next */
    const int64_t *timeout_s;
};
void twiml_enqueue(struct twiml *t, const struct twiml_enqueue *enqueue);

struct twiml_dial {
    const char *action;
    const char *caller_id;
    int64_t timeout_s;
    int64_t time_limit_s;
    const char *record; /* "record-from-answer-dual" */
    const char *recording_callback;
    bool answer_on_bridge;
    bool hangup_on_star;
};
/* The functions below may be within; then twiml_end. */
void twiml_dial_begin(struct twiml *t, const struct twiml_dial *dial);

/* Who is dialled, with what its leg tells. */
struct twiml_leg {
    const char *address; /* number, client's name, sip: address, name of the queue */
    const char *url;     /* TwiML for who answers, before they are connected */
    const char *status_callback;
    const char *status_events; /* "initiated ringing answered completed" */
};
void twiml_number(struct twiml *t, const struct twiml_leg *leg);
void twiml_client(struct twiml *t, const struct twiml_leg *leg);
void twiml_sip(struct twiml *t, const struct twiml_leg *leg);

struct twiml_queue {
    const char *name;
    const char *url;             /* TwiML for who waited, before they are connected */
    const char *reservation_sid; /* of Twilio's TaskRouter; so the next */
    const char *post_work_activity_sid;
};
void twiml_queue(struct twiml *t, const struct twiml_queue *queue);

struct twiml_conference {
    const char *name;
    bool muted;
    const char *beep;     /* "true", "false", "onEnter", "onExit" */
    const char *wait_url; /* "" is meant: silence */
    bool starts_late;     /* startConferenceOnEnter="false" */
    bool end_on_exit;
    int64_t max_participants;
    const char *record; /* "record-from-start" */
    const char *recording_callback;
    const char *status_callback;
    const char *status_events;
};
void twiml_conference(struct twiml *t, const struct twiml_conference *conference);

/* Ends Gather or Dial. */
void twiml_end(struct twiml *t);
