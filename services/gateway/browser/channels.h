/*
 * Websockets of workers' pages (Twilio's browser SDK): each hears what concerns its own worker, as
 * {"event_type", "payload"}, from the gateway's feed. Threads: any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "app/app.h"
#include "frame.h"
#include "http/http.h"

struct channels;
struct worker_token;

enum { CHANNELS_PER_WORKER = 10 };

struct channels *channels_new(void);
void channels_free(struct channels *channels); /* after the HTTP server; NULL is allowed */

/* The job that ends those whose token has expired. */
void channels_start(struct channels *channels, struct app *app);

/* Taken before the token is looked at: what is revoked behind it counts for channels_open. */
uint64_t channels_mark(struct channels *channels);

struct channels_ask {
    const struct worker_token *token;
    uint64_t mark;
    bool closes_others; /* the worker's other channels in this process end */
};

/*
 * Turns the request into a channel of the token's worker. Errors: UNAUTHENTICATED TOKEN_REVOKED for
 * what was revoked since the mark; RESOURCE_EXHAUSTED TOO_MANY_SOCKETS; those of http_socket_open.
 */
enum err_code channels_open(struct channels *channels, const struct channels_ask *ask,
                            struct http_request *req, struct http_response *res,
                            struct err *err) MUST_CHECK;

/* An event of the bus, with its payload as published. */
void channels_publish(struct channels *channels, const struct frame *frame, struct str payload);

/* Ends the channels whose token was signed by this key or account. */
void channels_revoke(struct channels *channels, struct str sid);
