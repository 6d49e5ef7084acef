/*
 * A PostgreSQL cluster and a nats-server with JetStream for one test executable: in a temporary
 * directory (in memory where there is room), on a private socket and a free port, with
 * deploy/postgres/bootstrap.sql applied; what that makes is kept in the build directory and copied
 * the next time. Not durable unless TR_CLUSTER_FSYNC is set: kill -9 is fine, pulling the plug is
 * not. Everything is gone when the test ends, however it ends. Start it from the main thread (see
 * process.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum cluster_part {
    CLUSTER_NONE = 0,
    CLUSTER_POSTGRES = 1,
    CLUSTER_NATS = 2,
    CLUSTER_ALL = 3,
};

struct cluster;

/* Starts the parts and waits until they serve; ends the program when they do not. */
struct cluster *cluster_start(enum cluster_part parts);
void cluster_stop(struct cluster *cluster); /* NULL is allowed */

/* "workers" gives the URL of taskrouter_workers, "reader" of taskrouter_reader, "postgres" of the
 * superuser; all in the database taskrouter. The text lives as long as the cluster. */
const char *cluster_db_url(struct cluster *cluster, const char *role);
const char *cluster_nats_url(const struct cluster *cluster);
const char *cluster_dir(const struct cluster *cluster); /* for files of the test itself */

/* Faults, per server. After kill or shutdown, restart brings it back at the same place with its
 * data. pause stops the process in its tracks (of PostgreSQL the postmaster alone: no new
 * connections); resume lets it go on. */
void cluster_kill(struct cluster *cluster, enum cluster_part part);     /* SIGKILL */
void cluster_shutdown(struct cluster *cluster, enum cluster_part part); /* in good order */
void cluster_restart(struct cluster *cluster, enum cluster_part part);
void cluster_pause(struct cluster *cluster, enum cluster_part part);
void cluster_resume(struct cluster *cluster, enum cluster_part part);

/* Runs deploy/postgres/bootstrap.sql again, as an upgrade does. */
bool cluster_bootstrap(struct cluster *cluster);

/* SQL as the superuser in the database taskrouter; false (and psql's words on stderr) on failure.
 * value: the first column of the first row, unaligned, cut at size. */
bool cluster_sql(struct cluster *cluster, const char *sql);
bool cluster_sql_value(struct cluster *cluster, const char *sql, char *out_value, size_t size);
