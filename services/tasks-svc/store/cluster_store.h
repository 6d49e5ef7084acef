/* The processes of this service, and which of them runs which shard. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "db/db.h"

/* Texts live as long as the call's arena. */
struct replica_row {
    const char *instance;
    const char *address;
    bool is_leaving;
};

struct shard_row {
    const char *owner; /* its instance; "" = nobody ever took it */
    const char *address;
    const char *successor; /* "" = nobody */
    bool is_successor_warm;
    bool is_free; /* nobody runs it: never taken, given back, expired, or its session is gone */
    int64_t epoch;
    int64_t event_seq;
    int64_t left_ms; /* of the lease */
};

struct cluster_row {
    struct replica_row *replicas; /* the living, in order of instance */
    size_t replica_count;
    struct shard_row *shards; /* all, by number */
};

/* "I am here, at this address", for ttl_ms. The session holds the instance's lock from then on. */
enum err_code cluster_store_beat(struct db_conn *conn, struct call *call, const char *instance,
                                 const char *address, bool is_leaving, int64_t ttl_ms,
                                 struct err *err) MUST_CHECK;

enum err_code cluster_store_look(struct db_conn *conn, struct call *call, int shard_count,
                                 struct cluster_row *out, struct err *err) MUST_CHECK;

enum err_code cluster_store_leave(struct db_conn *conn, struct call *call, const char *instance,
                                  struct err *err) MUST_CHECK;

/* Ends the session of an owner that hangs in a transaction though its lease is over. */
enum err_code cluster_store_evict(struct db_conn *conn, struct call *call, int shard,
                                  struct err *err) MUST_CHECK;
