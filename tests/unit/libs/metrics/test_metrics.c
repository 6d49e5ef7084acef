#include "metrics/metrics.h"

#include <pthread.h>
#include <stdio.h>

#include "testing.h"

static struct buf page;

static bool page_has(const char *text)
{
    bool has = page.data != NULL && strstr(page.data, text) != NULL;
    if (!has)
        (void)fprintf(stderr, "missing: %s\n", text);
    return has;
}

static void page_render(void)
{
    buf_init(&page, 0);
    metrics_render(&page);
    CHECK(!buf_failed(&page));
}

static void counters_render_with_help_type_and_labels(void)
{
    static const struct metric_def def = {
        .name = "test_calls_total",
        .kind = METRIC_COUNTER,
        .unit = "",
        .help = "Calls\nand \\ more.",
        .labels = {"method", "code"},
    };
    struct metric *metric = metric_register(&def);
    CHECK(metric_register(&def) == metric);
    struct metric_series *series = METRIC_SERIES(metric, "Cre\"ate\n\\", "OK");
    CHECK(METRIC_SERIES(metric, "Cre\"ate\n\\", "OK") == series);
    metric_add(series, 41);
    metric_inc(series);
    page_render();
    CHECK(page_has("# HELP test_calls_total Calls\\nand \\\\ more.\n"
                   "# TYPE test_calls_total counter\n"
                   "test_calls_total{method=\"Cre\\\"ate\\n\\\\\",code=\"OK\"} 42\n"));
    buf_fini(&page);
}

static void histograms_are_cumulative_and_in_seconds(void)
{
    static const struct metric_def def = {
        .name = "test_wait_seconds",
        .kind = METRIC_HISTOGRAM,
        .unit = "seconds",
        .help = "Waiting.",
    };
    struct metric_series *series = metric_single(&def);
    metric_observe_us(series, 0);
    metric_observe_us(series, 100); /* a bound belongs to its bucket */
    metric_observe_us(series, 101);
    metric_observe_us(series, 2000000);
    metric_observe_us(series, INT64_C(4000000000));
    page_render();
    CHECK(page_has("test_wait_seconds_bucket{le=\"0.0001\"} 2\n"));
    CHECK(page_has("test_wait_seconds_bucket{le=\"0.00025\"} 3\n"));
    CHECK(page_has("test_wait_seconds_bucket{le=\"2.5\"} 4\n"));
    CHECK(page_has("test_wait_seconds_bucket{le=\"3600\"} 4\n"));
    CHECK(page_has("test_wait_seconds_bucket{le=\"+Inf\"} 5\n"));
    CHECK(page_has("test_wait_seconds_sum 4002.000201\ntest_wait_seconds_count 5\n"));
    CHECK_I64(metric_value(series), 5);
    buf_fini(&page);
}

static void series_beyond_the_bound_are_counted_as_other(void)
{
    static const struct metric_def def = {
        .name = "test_bounded",
        .kind = METRIC_GAUGE,
        .unit = "",
        .help = "Bounded.",
        .labels = {"who"},
        .max_series = 3,
    };
    struct metric *metric = metric_register(&def);
    char name[16];
    for (int i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof name, "w%d", i);
        metric_add(METRIC_SERIES(metric, name), 1);
    }
    page_render();
    CHECK(page_has("test_bounded{who=\"w2\"} 1\ntest_bounded{who=\"other\"} 7\n"));
    CHECK(strstr(page.data, "w3") == NULL);
    buf_fini(&page);
}

static double twice(void *ctx)
{
    return 2.5 * *(int *)ctx;
}

static void callbacks_are_asked_while_rendering_until_removed(void)
{
    static const struct metric_def def = {
        .name = "test_depth", .kind = METRIC_GAUGE, .unit = "", .help = "Depth."};
    int a = 1;
    int b = 2;
    metric_callback_add(&def, NULL, twice, &a);
    metric_callback_add(&def, NULL, twice, &b);
    page_render();
    CHECK(page_has("test_depth 7.5\n"));
    buf_fini(&page);
    metric_callback_remove(&a);
    page_render();
    CHECK(page_has("test_depth 5\n"));
    buf_fini(&page);
    metric_callback_remove(&b);
    page_render();
    CHECK(page.data == NULL || strstr(page.data, "test_depth") == NULL);
    buf_fini(&page);
}

static void values_that_look_alike_are_one_series(void)
{
    static const struct metric_def def = {
        .name = "test_alike_total",
        .kind = METRIC_COUNTER,
        .unit = "",
        .help = "Alike.",
        .labels = {"a", "b"}
    };
    struct metric *metric = metric_register(&def);
    metric_inc(METRIC_SERIES(metric, "\xff", "x"));
    metric_inc(METRIC_SERIES(metric, "\xfe\xff", "x"));
    metric_inc(METRIC_SERIES(metric, "p\"", "q")); /* not the same as: */
    metric_inc(METRIC_SERIES(metric, "p", "\"q"));
    page_render();
    CHECK(page_has("test_alike_total{a=\"invalid\",b=\"x\"} 2\n"));
    CHECK(page_has("test_alike_total{a=\"p\\\"\",b=\"q\"} 1\n"));
    CHECK(page_has("test_alike_total{a=\"p\",b=\"\\\"q\"} 1\n"));
    buf_fini(&page);
}

static void *add_many(void *arg)
{
    for (int i = 0; i < 10000; i++)
        metric_inc(arg);
    return NULL;
}

static void threads_lose_no_increment(void)
{
    static const struct metric_def def = {
        .name = "test_threads_total", .kind = METRIC_COUNTER, .unit = "", .help = "Threads."};
    struct metric_series *series = metric_single(&def);
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        REQUIRE(pthread_create(&threads[i], NULL, add_many, series) == 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        (void)pthread_join(threads[i], NULL);
    CHECK_I64(metric_value(series), 40000);
    metric_inc(NULL);
    metric_observe_us(NULL, 1);
}

static void the_process_describes_itself(void)
{
    metrics_process_add("test", "1.2.3");
    metrics_process_add("test", "1.2.3");
    page_render();
    CHECK(page_has("taskrouter_build_info{service=\"test\",version=\"1.2.3\"} 1\n"));
    CHECK(page_has("# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 0."));
    CHECK(page_has("process_resident_memory_bytes "));
    CHECK(page_has("process_open_fds "));
    buf_fini(&page);
}

static const struct test_case cases[] = {
    {"counters render with help, type and escaped labels",
     counters_render_with_help_type_and_labels                                                         },
    {"histograms are cumulative and in seconds",           histograms_are_cumulative_and_in_seconds    },
    {"series beyond the bound are counted as other",       series_beyond_the_bound_are_counted_as_other},
    {"callbacks are asked while rendering until removed",
     callbacks_are_asked_while_rendering_until_removed                                                 },
    {"values that look alike are one series",              values_that_look_alike_are_one_series       },
    {"threads lose no increment",                          threads_lose_no_increment                   },
    {"the process describes itself",                       the_process_describes_itself                },
};

int main(int argc, char **argv)
{
    return testing_main("metrics", cases, ARRAY_LEN(cases), argc, argv);
}
