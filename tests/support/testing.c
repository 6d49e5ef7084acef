#include "testing.h"

#include <CUnit/Basic.h>
#include <stdio.h>

int testing_main(const char *suite, const struct test_case *cases, size_t count, int argc,
                 char **argv)
{
    const char *only = argc > 1 ? argv[1] : NULL;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 2;
    CU_pSuite cu_suite = CU_add_suite(suite, NULL, NULL);
    for (size_t i = 0; cu_suite != NULL && i < count; i++) {
        if (only == NULL || strstr(cases[i].name, only) != NULL)
            CU_add_test(cu_suite, cases[i].name, cases[i].run);
    }
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    if (run == 0)
        (void)fprintf(stderr, "no test ran\n");
    return failures == 0 && run > 0 ? 0 : 1;
}

int testing_check(int is_true, const char *expression, const char *file, int line)
{
    CU_assertImplementation(is_true ? CU_TRUE : CU_FALSE, (unsigned)line, expression, file, "",
                            CU_FALSE);
    return is_true;
}

int testing_check_text(const char *actual, const char *want, const char *expression,
                       const char *file, int line)
{
    int is_same = actual == want || (actual != NULL && want != NULL && strcmp(actual, want) == 0);
    if (!is_same)
        (void)printf("\n    %s:%d: %s is \"%s\", wanted \"%s\"", file, line, expression,
                     actual == NULL ? "(null)" : actual, want == NULL ? "(null)" : want);
    return testing_check(is_same, expression, file, line);
}

int testing_check_i64(long long actual, long long want, const char *expression, const char *file,
                      int line)
{
    if (actual != want)
        (void)printf("\n    %s:%d: %s is %lld, wanted %lld", file, line, expression, actual, want);
    return testing_check(actual == want, expression, file, line);
}

int testing_check_str(struct str actual, const char *want, const char *expression, const char *file,
                      int line)
{
    int is_same = str_eq_text(actual, want);
    if (!is_same)
        (void)printf("\n    %s:%d: %s is \"%.*s\", wanted \"%s\"", file, line, expression,
                     STR_ARG(actual), want);
    return testing_check(is_same, expression, file, line);
}
