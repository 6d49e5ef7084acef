#include "pq_life.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/macros.h"

enum { BATCH = 64, THREADS = 2, PARAMS_MAX = 4, ARRAY_BYTES = 20 + BATCH * (4 + SID_LEN) };

struct lane {
    pthread_t thread;
    const char *url;
    int64_t until_us;
    int64_t lives;
    bool has_failed;
};

static const char tables[] =
    "create table if not exists life_task (sid text primary key, state text not null, version int "
    "not null, attributes json not null, queue text not null, worker text not null default '', at "
    "timestamptz not null default now()) with (fillfactor = 80);"
    "create table if not exists life_reservation (sid text primary key, task text not null, worker "
    "text not null, state text not null, version int not null, at timestamptz not null default "
    "now()) with (fillfactor = 80);"
    "create index if not exists life_by_task on life_reservation (task);"
    "create table if not exists life_event (seq bigserial primary key, sid text not null, type "
    "text "
    "not null, task text not null, data json not null, at timestamptz not null default now());";

#define ATTRIBUTES "{\"type\":\"permit\",\"level\":3,\"language\":\"en\"}"

/* $1 tasks, $2 reservations */
static const char *const steps[][3] = {
    {"insert into life_task (sid, state, version, attributes, queue) select t, 'pending', 1, "
     "'" ATTRIBUTES "', 'WQ00000000000000000000000000000001' from unnest($1::text[]) t",
     "select 1 from unnest($2::text[]) r where false and r = any ($1::text[])",                                                                                            "insert into life_event (sid, type, task, data) select 'EV' || substr(t, 3), 'task.created', "
     "t, '{\"task\":" ATTRIBUTES "}' from unnest($1::text[]) t where $2::text[] is not null"              },
    {"update life_task set state = 'reserved', version = 2, at = now() from unnest($1::text[]) t "
     "where sid = t",                                                                            "insert into life_reservation (sid, task, worker, state, version) select r, t, "
     "'WK00000000000000000000000000000001', 'pending', 1 from unnest($1::text[], $2::text[]) as x "
     "(t, r)",                                                                                                                                   "insert into life_event (sid, type, task, data) select 'EV' || substr(r, 3), "
     "'reservation.created', t, '{\"task\":" ATTRIBUTES "}' from unnest($1::text[], $2::text[]) as "
     "x (t, r)"                                                                                                                                  },
    {"update life_task set state = 'assigned', version = 3, worker = "
     "'WK00000000000000000000000000000001', at = now() from unnest($1::text[]) t where sid = t", "update life_reservation set state = 'accepted', version = 2, at = now() from "
     "unnest($2::text[]) r where sid = r and $1::text[] is not null", "insert into life_event (sid, type, task, data) select 'EV' || substr(r, 3), "
     "'reservation.accepted', t, '{\"task\":" ATTRIBUTES
     "}' from unnest($1::text[], $2::text[]) as "
     "x (t, r)"},
    {"update life_task set state = 'completed', version = 4, at = now() from unnest($1::text[]) t "
     "where sid = t",                                                                            "update life_reservation set state = 'completed', version = 3, at = now() from "
     "unnest($2::text[]) r where sid = r and $1::text[] is not null",                                                                            "insert into life_event (sid, type, task, data) select 'EV' || substr(t, 3), "
     "'task.completed', t, '{\"task\":" ATTRIBUTES "}' from unnest($1::text[]) t where $2::text[] "
     "is not null"                                                                        },
};

static void put_u32(char *at, unsigned value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (char)(unsigned char)(value >> (24 - 8 * i));
}

/* text[] in binary */
static void fill_sids(char array[ARRAY_BYTES], const char *prefix)
{
    put_u32(array, 1);
    put_u32(array + 4, 0);
    put_u32(array + 8, 25);
    put_u32(array + 12, BATCH);
    put_u32(array + 16, 1);
    for (int i = 0; i < BATCH; i++) {
        struct sid sid = sid_new(prefix);
        char *at = array + 20 + (size_t)i * (4 + SID_LEN);
        put_u32(at, SID_LEN);
        memcpy(at + 4, sid.text, SID_LEN);
    }
}

/* Statements of which only the first columns use parameters all get both. */
static bool run_step(PGconn *pg, size_t step, const char *tasks, const char *reservations)
{
    const char *values[] = {tasks, reservations};
    const int lengths[] = {ARRAY_BYTES, ARRAY_BYTES};
    const int formats[] = {1, 1};
    bool is_good = PQenterPipelineMode(pg) == 1;
    is_good = is_good && PQsendQueryPrepared(pg, "begin", 0, NULL, NULL, NULL, 0) == 1;
    int sent = 2;
    for (size_t i = 0; i < 3; i++) {
        if (step == 0 && i == 1)
            continue;
        char name[16];
        (void)snprintf(name, sizeof name, "s%zu%zu", step, i);
        /* the first statement of a step has one parameter only */
        int count = i == 0 ? 1 : 2;
        is_good = is_good && PQsendQueryPrepared(pg, name, count, values, lengths, formats, 0) == 1;
        sent++;
    }
    is_good = is_good && PQsendQueryPrepared(pg, "commit", 0, NULL, NULL, NULL, 0) == 1 &&
              PQpipelineSync(pg) == 1;
    for (int i = 0; i < sent && is_good; i++) {
        PGresult *result = PQgetResult(pg);
        is_good = PQresultStatus(result) == PGRES_COMMAND_OK;
        if (!is_good)
            (void)fprintf(stderr, "libpq life: %s\n", PQerrorMessage(pg));
        PQclear(result);
        PQclear(PQgetResult(pg));
    }
    if (is_good)
        PQclear(PQgetResult(pg)); /* the sync */
    return is_good && PQexitPipelineMode(pg) == 1;
}

static bool prepare(PGconn *pg)
{
    bool is_good = PQstatus(pg) == CONNECTION_OK;
    for (size_t step = 0; step < ARRAY_LEN(steps) && is_good; step++) {
        for (size_t i = 0; i < 3 && is_good; i++) {
            char name[16];
            (void)snprintf(name, sizeof name, "s%zu%zu", step, i);
            PGresult *result = PQprepare(pg, name, steps[step][i], 0, NULL);
            is_good = PQresultStatus(result) == PGRES_COMMAND_OK;
            if (!is_good)
                (void)fprintf(stderr, "libpq life: %s\n", PQerrorMessage(pg));
            PQclear(result);
        }
    }
    PQclear(PQprepare(pg, "begin", "begin", 0, NULL));
    PQclear(PQprepare(pg, "commit", "commit", 0, NULL));
    return is_good;
}

static void *run_lane(void *ctx)
{
    struct lane *lane = ctx;
    char *tasks = malloc(ARRAY_BYTES);
    char *reservations = malloc(ARRAY_BYTES);
    INVARIANT(tasks != NULL && reservations != NULL);
    PGconn *pg = PQconnectdb(lane->url);
    lane->has_failed = !prepare(pg);
    while (!lane->has_failed && clock_mono_us() < lane->until_us) {
        fill_sids(tasks, "WT");
        fill_sids(reservations, "WR");
        for (size_t step = 0; step < ARRAY_LEN(steps) && !lane->has_failed; step++)
            lane->has_failed = !run_step(pg, step, tasks, reservations);
        lane->lives += lane->has_failed ? 0 : BATCH;
    }
    PQfinish(pg);
    free(tasks);
    free(reservations);
    return NULL;
}

double pq_lives_per_s(const char *url, int ms, int64_t *out_lives)
{
    *out_lives = 0;
    PGconn *pg = PQconnectdb(url);
    PGresult *made = PQexec(pg, tables);
    bool is_good = PQresultStatus(made) == PGRES_COMMAND_OK;
    PQclear(made);
    PQfinish(pg);
    if (!is_good)
        return 0;
    struct lane lanes[THREADS] = {0};
    int64_t began_us = clock_mono_us();
    int64_t lives = 0;
    for (int i = 0; i < THREADS; i++) {
        lanes[i].url = url;
        lanes[i].until_us = began_us + ms * US_PER_MS;
        INVARIANT(pthread_create(&lanes[i].thread, NULL, run_lane, &lanes[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(lanes[i].thread, NULL);
        lives += lanes[i].lives;
        is_good = is_good && !lanes[i].has_failed;
    }
    *out_lives = lives;
    return is_good ? (double)lives * US_PER_S / (double)(clock_mono_us() - began_us) : 0;
}
