/*
 * Pages in Twilio's envelope. A PageToken carries the cursors of the page it leads to and of those
 * before it, so that previous_page_url works; a MAC over them and the list's path refuses tokens
 * that this list did not give out. Pure but for the arena.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/params.h"

struct jx_writer;
struct twilio_op;

enum {
    TWILIO_PAGE_CURSORS = 64,      /* pages that one can go back */
    TWILIO_TOKEN_MAX_BYTES = 6144, /* of a token; older cursors are left out first */
};

struct twilio_page {
    int32_t size;
    int64_t number;      /* the client's own bookkeeping */
    size_t cursor_count; /* at least 1; the last is this page's */
    const char *cursors[TWILIO_PAGE_CURSORS];
    bool has_token;
};

/* This page's cursor, "" at the beginning. */
const char *twilio_page_cursor(const struct twilio_page *page);

/*
 * Reads PageSize (cut to 1..1000), Page and PageToken. key: of the MAC. path: of the request.
 * Errors: INVALID_ARGUMENT naming the parameter; reason PAGE_WITHOUT_TOKEN for a Page beyond 0
 * without a token (Twilio's 40153).
 */
enum err_code twilio_page_read(const struct http_params *given, struct str key, struct str path,
                               struct arena *arena, struct twilio_page *out,
                               struct err *err) MUST_CHECK;

/* The page behind the cursor, of a list's reply type, at most size items; NULL: no more for now. */
typedef const ProtobufCMessage *(*twilio_more_fn)(void *ctx, const char *cursor, int32_t size);

/*
 * Fills a page that a service cut short because it had to search long, so that clients see pages as
 * Twilio makes them: as long as items are missing, there is a cursor, and more has something. The
 * items of reply are then in the arena. Errors: RESOURCE_EXHAUSTED.
 */
enum err_code twilio_page_fill(struct arena *arena, int32_t size, ProtobufCMessage *reply,
                               twilio_more_fn more, void *ctx, struct err *err) MUST_CHECK;

struct twilio_page_out {
    const struct twilio_op *op;
    const struct http_params *given;
    struct str key;
    struct str path;         /* of the request, with /v1 */
    const char *root;        /* "https://host/prefix", without /v1 */
    const char *next_cursor; /* "": this is the last page */
};

/* The member "meta" of a list. Errors: RESOURCE_EXHAUSTED; INTERNAL of the MAC. */
enum err_code twilio_page_meta(struct jx_writer *w, const struct twilio_page *page,
                               const struct twilio_page_out *out, struct arena *arena,
                               struct err *err) MUST_CHECK;
