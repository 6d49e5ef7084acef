/*
 * What tools/sqlembed makes of .sql files: plain constant data, so that a store can name its
 * statements without knowing libpq. Nothing here is ever built at run time.
 */
#pragma once

/* One "-- name: x" block. Names are C identifiers with external linkage, hence unique in a
 * program. */
struct db_stmt {
    const char *name;
    const char *sql;
    int param_count; /* the highest $n */
};

/* One migrations/NNNN_what_it_does.sql. */
struct db_migration {
    int number;       /* NNNN, from 1, growing */
    const char *name; /* what_it_does */
    const char *sql;  /* any number of statements; runs in one transaction */
    const char *hash; /* 16 hex digits over the file's bytes: an applied file must not change */
};
