/*
 * Those who apply what is in the inbox: each takes a few lanes, has sync-svc apply their events one
 * after the other, and gives them back. Lanes are apart from each other, so several work at a time,
 * in any number of processes; one that dies leaves its lanes to the others when its lease ends.
 * While sync-svc or Twilio is away, lanes rest longer each time, for as long as it takes.
 */
#pragma once

#include "app/app.h"

struct consumers;
struct db_pool;
struct rpc_client;

struct consumers_options {
    struct db_pool *pool;    /* borrowed; so the next */
    struct rpc_client *sync; /* of sync-svc, calling as the service itself */
    int count;               /* threads; 0 = this process applies nothing */
    int64_t max_age_ms;      /* of what is done or kept; 0 = for ever; so the next */
    int64_t dead_max_age_ms;
};

struct consumers *consumers_new(const struct consumers_options *options);
void consumers_free(struct consumers *consumers); /* NULL is allowed */
void consumers_start(struct consumers *consumers, struct app *app);

/* Something has come. Threads: any. */
void consumers_wake(struct consumers *consumers);
