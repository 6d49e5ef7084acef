/*
 * Writes into workspaces that Twilio routes. Their owners send them here unchanged; each goes to
 * Twilio first and then into the owner's table, with a record (store/intent_store.h) made before,
 * so that whatever ends in between, nothing exists on one side alone: the record is taken up again,
 * it is found out what Twilio did, and that is stored. Serves the write methods of the owners' own
 * services, on threads of its own, so that nothing else waits for Twilio.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "svc/host.h"
#include "svc/workspaces.h"

struct app;
struct decider;
struct upstream;
struct writes;

/* Texts may be NULL; all is borrowed for its life. */
struct writes_options {
    const struct host *host;
    const struct workspaces *workspaces;
    struct upstream *upstream;
    struct decider *decider;   /* of tasks that name no destination */
    const char *account_sid;   /* TWILIO_ACCOUNT_SID */
    const char *workspace_sid; /* TWILIO_WORKSPACE_SID: whose workflow the next is */
    const char *workflow_sid;  /* TWILIO_WORKFLOW_SID: of tasks that name none */
    size_t threads;            /* writes under way at once */
    size_t queue;              /* that wait for a thread; more: RESOURCE_EXHAUSTED */
    int64_t settle_ms;         /* how long Twilio may still carry out what it did not answer */
};

/* Before host_open, so that it outlives the calls: registers its end. Never NULL. */
struct writes *writes_new(struct app *app);

/* After host_open, before host_serve: adds the services, starts threads and jobs. */
void writes_start(struct writes *writes, const struct writes_options *options);
