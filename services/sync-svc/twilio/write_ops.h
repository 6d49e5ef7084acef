/*
 * The writes of our API as Twilio's: one row per method says which request of Twilio's it becomes.
 * Tables and what is read off them; what is sent is write_form.h. Source: the reference's
 * section 3.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/call.h"
#include "twilio_json.h"

enum write_kind {
    WRITE_NONE,
    WRITE_CREATE, /* POST on the list */
    WRITE_UPDATE, /* POST on the item: the fields that the mask names, or that are there */
    WRITE_ACTION, /* POST on the item: another state */
    WRITE_DELETE,
};

enum write_how {
    WRITE_HOW_FIELD,   /* sent when it is there: in the mask, set, or not the type's zero */
    WRITE_HOW_ALWAYS,  /* of a create: sent even when it is false */
    WRITE_HOW_BESIDE,  /* a flag of the request beside the item: sent when it is true */
    WRITE_HOW_NESTED,  /* of an action: a field of its "task", sent when the mask names it */
    WRITE_HOW_OURS,    /* Twilio knows no such thing: it is for our row alone */
    WRITE_HOW_REFUSED, /* what Twilio cannot do: must not be there */
};

struct write_param {
    const char *name;  /* "FriendlyName"; NULL when nothing is sent */
    const char *field; /* of the item, or of the request; NULL ends the list */
    enum write_how how;
    bool is_key;       /* of a create: by this Twilio's resource is known to be the one */
    const char *shown; /* the resource's field, when it has another name there */
    const char *other; /* another field of it that may hold the value instead: a unique name */
    const char *empty; /* what an empty text stands for; NULL: nothing */
};

struct write_op {
    const char *rpc; /* "/taskrouter.workers.v1.Workers/CreateWorker" */
    enum role role;
    enum write_kind kind;
    enum twilio_resource resource;
    const ProtobufCMessageDescriptor *request;
    const ProtobufCMessageDescriptor *reply; /* NULL: empty */
    const char *item;                        /* the request's field with the resource; NULL: none */
    const char *sid;                         /* the field that names it; NULL: it is created */
    const struct write_param *params;        /* NULL: none */
    const char *status_param;                /* "AssignmentStatus"; NULL: no state is named */
    const char *status_value;                /* NULL: an instruction, with its parameters */
    const char *status_field;                /* of the resource */
    int status;                              /* what it then is */
    const char *reason;                      /* sent as Reason when the request has none */
    bool has_etag;                           /* Twilio takes If-Match */
    bool is_once;                            /* doing it twice would be noticed */
};

extern const struct write_op write_ops[];
extern const size_t write_op_count;

/* NULL when there is none. */
const struct write_op *write_op_find(const char *rpc);

/* Where the fields are: the item within the request, or the request. NULL: the item is missing. */
const ProtobufCMessage *write_item(const struct write_op *op, const ProtobufCMessage *request);

/* The message that has the parameter's field; NULL when it is missing. */
const ProtobufCMessage *write_param_source(const struct write_op *op,
                                           const ProtobufCMessage *request,
                                           const struct write_param *param);

/* "" where there is none. */
const char *write_workspace_sid(const struct write_op *op, const ProtobufCMessage *request);
const char *write_sid(const struct write_op *op, const ProtobufCMessage *request);

/* Whether the request's mask names the field; without a mask, whether it is there. */
bool write_names(const struct write_op *op, const ProtobufCMessage *request,
                 const struct write_param *param);

/* The field that goes by that parameter's name at Twilio; NULL when there is none. */
const char *write_field_of(const struct write_op *op, struct str param_name);
