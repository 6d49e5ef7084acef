/*
 * Those who apply what is in the inbox: each takes many lanes, has sync-svc apply their events with
 * one call, and gives them back. Lanes are apart from each other, so several may work at a time, in
 * any number of processes; one that dies leaves its lanes to the others when its lease ends. As
 * long as one suffices, one does it, for much at once costs less than little often. While sync-svc
 * is away they knock once a second with a single webhook; what waits for Twilio rests longer each
 * time, lane by lane, for as long as it takes.
 */
#pragma once

#include "app/app.h"
#include "twilio/form.h"

struct call;
struct consumers;
struct db_pool;
struct rpc_client;
struct webhook_due;

/* Applies a row that is no event of the workspace. *out_outcome: a word that outlives the call. */
typedef enum err_code consumers_apply_fn(void *ctx, struct call *call,
                                         const struct webhook_due *row,
                                         const struct twilio_param *params, size_t count,
                                         const char **out_outcome, struct err *err);

struct consumers_options {
    struct db_pool *pool;    /* borrowed; so the next */
    struct rpc_client *sync; /* of sync-svc, calling as the service itself */
    consumers_apply_fn *apply;
    void *apply_ctx;
    int count;           /* threads; 0 = this process applies nothing */
    int64_t waiting_max; /* webhooks that may wait to be applied; 0 = any number */
    int64_t max_age_ms;  /* of what is done or kept; 0 = for ever; so the next */
    int64_t dead_max_age_ms;
};

struct consumers *consumers_new(const struct consumers_options *options);
void consumers_free(struct consumers *consumers); /* NULL is allowed */
void consumers_start(struct consumers *consumers, struct app *app);

/* False: so much waits already that no more is to be taken. Threads: any. */
bool consumers_have_room(struct consumers *consumers);

/* Something has come, one webhook. Threads: any. */
void consumers_wake(struct consumers *consumers);
