/*
 * Orderings of lists as Twilio writes them: "Priority:desc,DateCreated:asc". Refuses to know what
 * the names mean: each list has its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define ORDER_CLAUSES_MAX 4
#define ORDER_TAG_SIZE    (8 + 2 * ORDER_CLAUSES_MAX)

struct order_clause {
    int field; /* index into the names */
    bool is_desc;
};

struct order {
    struct order_clause clauses[ORDER_CLAUSES_MAX];
    size_t count; /* 0: none was asked for */
    /* For page_from and page_cursor: the list's tag and the ordering, so that a cursor goes on in
     * no other order than it began in. */
    char tag[ORDER_TAG_SIZE];
};

/*
 * names: what may be ordered by, each at most once; tag: the list's, at most 7 letters. White space
 * around names is allowed, a name without direction is ascending, direction in any case.
 * Errors: INVALID_ARGUMENT, reason INVALID_ORDERING, field "ordering".
 */
enum err_code order_parse(const char *text, const char *tag, const char *const *names,
                          size_t name_count, struct order *out, struct err *err) MUST_CHECK;

/* The key of a cursor in such a list: the numbers that it is ordered by, then the SID. NULL when
 * the arena is exhausted. */
char *order_key(struct arena *arena, const int64_t *numbers, size_t count, const char *sid);

/* What lists are ordered by is within the times of the years 1 to 9999, in microseconds. Cursors
 * are not signed: past these, statements and arithmetic would fail. */
#define ORDER_NUMBER_MIN INT64_C(-62135596800000000)
#define ORDER_NUMBER_MAX INT64_C(253402300799999999)

/* And back; out_sid is within key. False for what order_key did not make, as far as one can tell.
 */
bool order_key_read(const char *key, int64_t *out_numbers, size_t count, const char **out_sid);
