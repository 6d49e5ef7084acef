/*
 * Messages as Twilio's JSON: every key of the vendor's schema, null where there is nothing, dates
 * in ISO 8601 with seconds. Pure: knows tables (twilio_views.h) and descriptors.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/str.h"

enum { TWILIO_WORD_SIZE = 64 };

struct jx_writer;
struct twilio_op;
struct twilio_view;

/* base: "https://host/prefix/v1", no slash at the end. */
void twilio_render_item(struct jx_writer *w, const struct twilio_view *view, const char *base,
                        const ProtobufCMessage *message);

/* A StatisticsReport as the answer of an operation of its own. url: of the request, no query. */
void twilio_render_report(struct jx_writer *w, const struct twilio_op *op, const char *url,
                          const ProtobufCMessage *message);

/* The same as an entry of TaskQueues/Statistics. */
void twilio_render_report_entry(struct jx_writer *w, const ProtobufCMessage *message);

/* A ListQueueStatisticsResponse as the bulk answer. */
void twilio_render_bulk(struct jx_writer *w, const char *account_sid, const char *workspace_sid,
                        const char *url, const ProtobufCMessage *reply);

/* Fields of messages by name, for codecs that know none. "" and 0 where there is none. */
const char *twilio_text_of(const ProtobufCMessage *message, const char *field);
const char *twilio_word_of(const ProtobufCMessage *message, const char *name,
                           char out[TWILIO_WORD_SIZE]); /* an enum's, "pending" */
int64_t twilio_version_of(const ProtobufCMessage *message);

/* The items of a list's reply; others in their place, borrowed. */
ProtobufCMessage *const *twilio_items_of(const ProtobufCMessage *reply, size_t *out_count);
void twilio_items_set(ProtobufCMessage *reply, ProtobufCMessage **items, size_t count);

/* A text of one message becomes another's, which is of the same type; borrowed. */
void twilio_text_share(ProtobufCMessage *to, const ProtobufCMessage *from, const char *field);
