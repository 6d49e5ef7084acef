/*
 * Callbacks of workspaces and workflows: one thread reads the event log of the shards that are
 * ours, writes what has to be sent into the outbox, has it sent (libs/httpc), has the answers
 * carried out by the shard, and records what became of each. Nothing is lost or made twice whatever
 * is killed; a receiver may see one again, with the same Sid.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct callbacks;
struct db_pool;
struct shell;
struct signing;

struct callbacks_options {
    const char *database_url;
    const char *schema;
    const char *service;  /* for application_name */
    const char *instance; /* who we are among replicas: unique per process start */
    struct shell *shell;
    int shards;
    struct signing *signing; /* knows what signs; borrowed */
    const char *ca_file;     /* NULL = the system's CAs */
    bool allows_private;
    int transfers;      /* at once */
    int64_t attempts;   /* of an event, before it is dead */
    int64_t max_age_ms; /* likewise */
    int64_t backoff_ms; /* after the first failure */
    int event_timeout_ms;
    int assignment_timeout_ms;
};

/* Starts the thread. Never NULL. Texts are copied. */
struct callbacks *callbacks_open(const struct callbacks_options *options);

/* The shard has committed something. Threads: any. */
void callbacks_wake(struct callbacks *callbacks, int shard);

/* Something may be due that was not before: sent again by an operator. Threads: any. */
void callbacks_wake_all(struct callbacks *callbacks);

/* How long an event is tried. */
int64_t callbacks_max_age_ms(const struct callbacks *callbacks);

/* Takes nothing new, gives what is under way so long, ends the thread. While the shell still runs;
 * may be woken afterwards. */
void callbacks_close(struct callbacks *callbacks, int drain_ms);
void callbacks_free(struct callbacks *callbacks); /* closed; NULL is allowed */
