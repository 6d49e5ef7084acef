/*
 * The frame of a CUnit executable: a table of cases, one main. The case name is the sentence that
 * is proved. Usage: static const struct test_case cases[] = {{"an empty list has no first",
 * test_x}}; int main(int argc, char **argv) { return testing_main("list", cases, ARRAY_LEN(cases),
 * argc, argv); } With an argument only cases whose name contains it are run. Exit status 1 on any
 * failure.
 */
#pragma once

#include <CUnit/CUnit.h>
#include <stddef.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"

struct test_case {
    const char *name;
    void (*run)(void);
};

int testing_main(const char *suite, const struct test_case *cases, size_t count, int argc,
                 char **argv);

/* Compares and, on a difference, prints both values with the place. */
#define CHECK(condition)         testing_check((condition) ? 1 : 0, #condition, __FILE__, __LINE__)
#define CHECK_TEXT(actual, want) testing_check_text((actual), (want), #actual, __FILE__, __LINE__)
#define CHECK_I64(actual, want)                                                                    \
    testing_check_i64((long long)(actual), (long long)(want), #actual, __FILE__, __LINE__)
#define CHECK_STR(actual, want) testing_check_str((actual), (want), #actual, __FILE__, __LINE__)

/* As CHECK, and ends the case when false. */
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!testing_check((condition) ? 1 : 0, #condition, __FILE__, __LINE__))                   \
            return;                                                                                \
    } while (0)

int testing_check(int is_true, const char *expression, const char *file, int line);
int testing_check_text(const char *actual, const char *want, const char *expression,
                       const char *file, int line);
int testing_check_i64(long long actual, long long want, const char *expression, const char *file,
                      int line);
int testing_check_str(struct str actual, const char *want, const char *expression, const char *file,
                      int line);
