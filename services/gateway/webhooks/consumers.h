/*
 * Those who apply what is in the inbox: each takes a few lanes, has sync-svc apply their events one
 * after the other, and gives them back. Lanes are apart from each other, so several work at a time,
 * in any number of processes; one that dies leaves its lanes to the others when its lease ends.
 * While sync-svc or Twilio is away, lanes rest longer each time, for as long as it takes.
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
    int count;          /* threads; 0 = this process applies nothing */
    int64_t max_age_ms; /* of what is done or kept; 0 = for ever; so the next */
    int64_t dead_max_age_ms;
};

struct consumers *consumers_new(const struct consumers_options *options);
void consumers_free(struct consumers *consumers); /* NULL is allowed */
void consumers_start(struct consumers *consumers, struct app *app);

/* Something has come. Threads: any. */
void consumers_wake(struct consumers *consumers);
