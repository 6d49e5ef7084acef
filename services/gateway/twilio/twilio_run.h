/*
 * One operation of the dialect from request to answer, whatever it came by: reads it into messages,
 * calls, records changes in the audit log, and writes the reply. Knows no HTTP connection.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/buf.h"
#include "base/call.h"
#include "base/err.h"
#include "http/params.h"
#include "twilio_page.h"
#include "twilio_params.h"

struct gateway;
struct twilio_op;

enum { TWILIO_ETAG_SIZE = 32 };

/* Filled by whoever brings the request, up to the marked line. Borrowed. */
struct twilio_exchange {
    struct gateway *gateway;
    const struct twilio_op *op;
    struct call *call;
    struct str page_key;
    struct str path; /* "/v1/Workspaces" */
    struct http_params path_params;
    struct http_params given; /* query, or form */
    struct str body;          /* TWILIO_BULK: JSON */
    struct str if_match;      /* {NULL, 0}: none */
    const char *root;         /* "https://host/prefix" */
    const char *peer;         /* address of the client, for the audit log */
    /* From here on twilio_run.c's own. */
    struct twilio_page page;
    struct twilio_input input;
    struct twilio_request request;
    const char *rpc; /* what the audit log calls it */
};

struct twilio_answer {
    int status;                  /* 200, 201, 204 */
    struct buf *json;            /* appended to; nothing with 204 */
    char etag[TWILIO_ETAG_SIZE]; /* "" for none */
};

/* Errors are in the client's words; twilio_error.h writes them. */
enum err_code twilio_exchange_run(struct twilio_exchange *x, struct twilio_answer *answer,
                                  struct err *err) MUST_CHECK;
