/*
 * Twilio's TaskRouter REST dialect (/v1) as data: one row per operation of the vendor's OpenAPI
 * document says which RPC it is, what its parameters are called and which fields they fill, who may
 * call it, and how the reply is shown. One handler serves all rows (twilio.c); the rules are the
 * services'. Source: the reference's sections 2 to 4.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "base/str.h"
#include "http/http.h"
#include "rate.h"
#include "svc/host.h"

#define TWILIO_PREFIX "/v1"

enum {
    TWILIO_BODY_BYTES = 64 << 10,     /* attributes of 4096 characters, each percent-encoded */
    TWILIO_LARGE_BODY_BYTES = 4 << 20 /* a workflow's document of 1 MB, percent-encoded */
};

enum twilio_kind {
    TWILIO_NONE,
    TWILIO_LIST,   /* GET: a page with its meta */
    TWILIO_FETCH,  /* GET: the item */
    TWILIO_CREATE, /* POST: 201 */
    TWILIO_UPDATE, /* POST on an item: only what is sent changes */
    TWILIO_DELETE, /* DELETE: 204 */
    TWILIO_BULK,   /* POST with a JSON body that changes nothing: 200 */
};

enum twilio_type {
    TWILIO_TEXT,
    TWILIO_SID,     /* of one of the kinds in words: "WK,WQ,WW" */
    TWILIO_BOOL,    /* true, 1 and yes are true, all else is false */
    TWILIO_INT,     /* in the range min to max */
    TWILIO_DATE,    /* ISO 8601; without offset: UTC */
    TWILIO_ENUM,    /* a word of the field's type */
    TWILIO_ENUMS,   /* several: repeated, or with commas */
    TWILIO_INTS,    /* several, with commas */
    TWILIO_WORD,    /* selects what is done: one of the op's actions */
    TWILIO_CHOICE,  /* text: one of words */
    TWILIO_CHOICES, /* text: some of words, repeated or with commas */
    TWILIO_TYPE_COUNT,
};

/* Which message a parameter is part of. */
enum twilio_target {
    TWILIO_OF_ITEM,    /* the request, or the item nested in it */
    TWILIO_OF_REQUEST, /* with a nested item: the request beside it */
    TWILIO_OF_ACTION,  /* the request of the chosen action */
    TWILIO_OF_DATA,    /* a member of the action's instruction_data, by its own name */
    TWILIO_TARGET_COUNT,
};

struct twilio_op_param {
    const char *name; /* "FriendlyName"; NULL ends the list */
    enum twilio_type type;
    const char *field; /* proto field; NULL for members of instruction_data and selectors */
    enum twilio_target target;
    bool is_required;
    const char *words;
    int64_t min;
    int64_t max; /* both 0: what the field's type holds */
    const char
        *otherwise;     /* what is read when the request has none of `unless` either; NULL: none */
    const char *unless; /* another parameter's name */
};

/* A path parameter. */
struct twilio_path {
    const char *name;   /* "TaskSid"; NULL ends the list */
    const char *prefix; /* "WT"; NULL: a unique name will do as well */
    const char *field;  /* field of the item or request that it fills; NULL: none */
    const char *check;  /* field of the reply that must be the same; NULL: none */
};

struct twilio_call {
    enum peer peer;
    const char *rpc; /* NULL: none */
    const ProtobufCMessageDescriptor *request;
    const ProtobufCMessageDescriptor *reply; /* NULL: nothing comes back */
};

/* One of several things that an update may do, chosen by a parameter's value. */
struct twilio_action {
    const char *param; /* NULL ends the list */
    const char *value; /* NULL: any */
    const char *field; /* of the action's request that takes the value; NULL: none */
    const char *needs; /* a parameter that must come with it; NULL: none */
    bool takes_item; /* the item's own fields go with it, as an update's: both happen or neither */
    struct twilio_call call;
    bool is_alone; /* the item's own fields may not change in the same request */
};

/* How a message is shown: twilio_views.c. */
struct twilio_view;

struct twilio_op {
    const char *name; /* operationId of the vendor's document */
    enum http_method method;
    const char *pattern; /* whole path */
    enum twilio_kind kind;
    enum role role;
    struct twilio_call call;
    const char *nested; /* TWILIO_UPDATE: the request's field with the item; NULL = none */
    const struct twilio_path *path; /* all but WorkspaceSid, which every row below one has */
    const struct twilio_op_param *params;
    const struct twilio_action *actions; /* TWILIO_UPDATE; NULL: the call is all there is */
    const struct twilio_view *view;
    const char *key;                  /* of a list: "tasks" */
    const struct twilio_call *parent; /* must be there before a list of its parts is made */
    const char *parent_field;         /* of the parent's request that the path parameter fills */
    int part;                         /* enum StatisticsPart of statistics; 0 = both */
    enum rate_class rate;
    const char *rate_param; /* the class is meant when this parameter is given; NULL: always */
    bool has_etag;          /* shows the version, takes If-Match */
    bool has_large_body;
    bool newest_first;       /* of a list whose request has that field */
    bool changes_workspaces; /* the account's default workspace may be another one afterwards */
    bool beside_suffices;    /* an update may consist of parameters beside the item alone */
};

extern const struct twilio_op twilio_ops[];
extern const size_t twilio_op_count;

/* The row of that method and pattern; NULL when there is none. */
const struct twilio_op *twilio_op_find(enum http_method method, const char *pattern);

/* True for the kinds that the audit log records. */
bool twilio_is_change(const struct twilio_op *op);

/* The field of that name, or NULL. type may be NULL. */
const ProtobufCFieldDescriptor *twilio_field(const ProtobufCMessageDescriptor *type,
                                             const char *name);

/* The type that TWILIO_OF_ITEM parameters and the path fill: the nested item or the request. */
const ProtobufCMessageDescriptor *twilio_item_type(const struct twilio_op *op);

/* The parameter of that name, or NULL. */
const struct twilio_op_param *twilio_param_named(const struct twilio_op *op, struct str name);

/* True when the comma-separated words have this one. Case counts. */
bool twilio_words_have(const char *words, struct str word);
