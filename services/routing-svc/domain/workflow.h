/* The rules of a workflow. Its document is parsed by the very code that runs it (libs/engine). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "engine/workflow_doc.h"

#define WORKFLOW_NAME_MAX            128   /* characters */
#define WORKFLOW_RESERVATION_MAX_S   86400 /* seconds */
#define WORKFLOW_RESERVATION_DEFAULT 120

/* Of a workflow that Twilio has, whose rules may be others. */
#define WORKFLOW_MIRRORED_NAME_MAX     256    /* characters */
#define WORKFLOW_MIRRORED_DOCUMENT_MAX 400000 /* bytes: what fits an event */
#define WORKFLOW_MIRRORED_URL_MAX      4096   /* bytes */

struct workflow {
    const char *sid;
    const char *account_sid;
    const char *workspace_sid;
    const char *friendly_name;
    const char *configuration; /* the routing document, JSON text */
    int64_t configuration_version;
    const char *assignment_callback_url; /* or "" */
    const char *fallback_assignment_callback_url;
    int32_t task_reservation_timeout_s;
    int64_t version;
    int64_t created_at_us;
    int64_t updated_at_us;
    int64_t observed_at_us; /* of the mirror of Twilio, filled by its functions only; so the next */
    bool is_vanished;
};

struct workflow_version {
    int64_t configuration_version;
    const char *configuration;
    const char *author_sid;
    int64_t created_at_us;
};

/* Everything but the document. Errors: INVALID_ARGUMENT naming the field. */
enum err_code workflow_check(const struct workflow *workflow, struct err *err) MUST_CHECK;

/* What must hold for a workflow that Twilio routes by: its document need not be one for us. Errors:
 * INVALID_ARGUMENT, the detail says what is wrong. */
enum err_code workflow_check_mirrored(const struct workflow *workflow, struct err *err) MUST_CHECK;

/*
 * Parses the document; *out_doc is the caller's (workflow_doc_free). Whether its queues exist is
 * not known here. Errors: INVALID_ARGUMENT, field configuration, the detail naming the place.
 */
enum err_code workflow_parse(struct str configuration, struct workflow_doc **out_doc,
                             struct err *err) MUST_CHECK;
void workflow_doc_cleanup(struct workflow_doc **doc); /* for AUTO() */
