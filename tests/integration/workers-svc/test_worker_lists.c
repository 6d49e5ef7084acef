/* workers-svc: lists by ordering, queue and expression, and the indexes that serve them. */
#include <stdlib.h>

#include "suite.h"

#define W    SUITE_WORKERS
#define MANY 12000

static const char *activity(const char *workspace_sid, const char *name)
{
    return at(suite_ok(&suite_viewer, W, "ListActivities",
                       "{'workspaceSid':'%s','friendlyName':'%s'}", workspace_sid, name),
              "items.0.sid");
}

/* Workers named M1…: each seventh speaks es, one in a thousand is rare, and the last change of
 * activity is the later the smaller the number, two and two at the same time. */
static const char *crowd(void)
{
    static const char *sid;
    if (sid != NULL)
        return sid;
    sid = suite_workspace();
    CHECK(cluster_sql(
        suite_cluster(),
        suite_text("insert into workers.worker (sid, account_sid, workspace_sid, friendly_name, "
                   "attributes, attributes_text, activity_sid, created_at, status_changed_at, "
                   "updated_at) select 'WK' || lpad(to_hex(g), 32, '0'), '%s', '%s', 'M' || g, "
                   "d, d::text, '%s', now(), "
                   "timestamptz '2030-01-01' - (g / 2) * interval '1 second', now() "
                   "from generate_series(1, %d) g cross join lateral (select jsonb_build_object("
                   "'n', g, 'langs', jsonb_build_array('en', case g %% 7 when 0 then 'es' else "
                   "'de' end), 'team', case g %% 1000 when 0 then 'rare' else 'usual' end) d) x;"
                   "analyze workers.worker",
                   ACCOUNT, sid, activity(sid, "Offline"), MANY)));
    return sid;
}

/* Reads all pages; how many items came, how many pages in out_pages. check: called with each. */
static int read_all(const char *sid, const char *filter, int *out_pages,
                    void (*check)(const json_t *item, int index))
{
    int seen = 0;
    const char *cursor = "";
    *out_pages = 0;
    do {
        const json_t *page =
            suite_ok(&suite_viewer, W, "ListWorkers", "{'workspaceSid':'%s',%s,'cursor':'%s'}", sid,
                     filter, cursor);
        for (int i = 0; i < at_i64(page, "items"); i++, seen++) {
            if (check != NULL)
                check(json_array_get(json_object_get(page, "items"), (size_t)i), seen);
        }
        cursor = at(page, "nextCursor");
        (*out_pages)++;
    } while (cursor[0] != '\0' && *out_pages < 100);
    return seen;
}

static int64_t number_of(const json_t *worker)
{
    return strtoll(at(worker, "friendlyName") + 1, NULL, 10);
}

static void is_descending(const json_t *worker, int index)
{
    /* within a second by SID, which grows with the number: 1, then 3 2, 5 4, … */
    int64_t n = number_of(worker);
    int64_t want = index == 0 ? 1 : index % 2 == 1 ? index + 2 : index;
    CHECK_I64(n, want > MANY ? MANY : want);
}

static void is_ascending(const json_t *worker, int index)
{
    int64_t n = number_of(worker);
    static int64_t last_second;
    if (index > 0)
        CHECK(n / 2 <= last_second);
    last_second = n / 2;
}

static void test_ordering(void)
{
    int pages = 0;
    CHECK_I64(read_all(crowd(), "'pageSize':1000,'ordering':'DateStatusChanged:desc'", &pages,
                       is_descending),
              MANY);
    CHECK_I64(pages, MANY / 1000);
    CHECK_I64(read_all(crowd(), "'pageSize':777,'ordering':'DateStatusChanged:asc'", &pages,
                       is_ascending),
              MANY);
    CHECK_I64(read_all(crowd(),
                       "'pageSize':100,'ordering':'DateStatusChanged:asc',"
                       "'targetWorkersExpression':'langs HAS `es`'",
                       &pages, is_ascending),
              MANY / 7);
    CHECK(suite_refused(&suite_viewer, W, "INVALID_ARGUMENT INVALID_ORDERING ordering",
                        "ListWorkers", "{'workspaceSid':'%s','ordering':'Name:asc'}", crowd()));
    const json_t *page =
        suite_ok(&suite_viewer, W, "ListWorkers",
                 "{'workspaceSid':'%s','pageSize':5,'ordering':'DateStatusChanged:asc'}", crowd());
    CHECK(suite_refused(&suite_viewer, W, "INVALID_ARGUMENT INVALID_CURSOR cursor", "ListWorkers",
                        "{'workspaceSid':'%s','cursor':'%s'}", crowd(), at(page, "nextCursor")));
    CHECK(suite_refused(&suite_viewer, W, "INVALID_ARGUMENT INVALID_CURSOR cursor", "ListWorkers",
                        "{'workspaceSid':'%s','ordering':'DateStatusChanged:desc','cursor':'%s'}",
                        crowd(), at(page, "nextCursor")));
}

/* Who moves while pages are read is seen once or, moved behind the reader, again: nobody else is
 * missed or seen twice. */
static void test_stable(void)
{
    const char *sid = suite_workspace();
    const char *sids[9];
    for (int i = 0; i < 9; i++)
        sids[i] = at(suite_ok(&suite_supervisor, W, "CreateWorker",
                              "{'workspaceSid':'%s','friendlyName':'S%d'}", sid, i),
                     "sid");
    const char *cursor = "";
    unsigned seen = 0;
    for (int pages = 0; pages < 9; pages++) {
        const json_t *page = suite_ok(
            &suite_viewer, W, "ListWorkers",
            "{'workspaceSid':'%s','pageSize':2,'ordering':'DateStatusChanged:asc','cursor':'%s'}",
            sid, cursor);
        for (int i = 0; i < at_i64(page, "items"); i++)
            seen |= 1U << number_of(json_array_get(json_object_get(page, "items"), (size_t)i));
        cursor = at(page, "nextCursor");
        if (cursor[0] == '\0')
            break;
        (void)suite_ok(&suite_supervisor, W, "UpdateWorker",
                       "{'worker':{'workspaceSid':'%s','sid':'%s','activitySid':'%s'},"
                       "'updateMask':'activitySid'}",
                       sid, sids[pages], activity(sid, "Available"));
    }
    CHECK_I64(seen, 0x1FF);
}

static void test_expressions(void)
{
    static const struct {
        const char *expression;
        int want;
        int pages; /* of 100 */
    } rows[] = {
        {"team == `rare`",                              MANY / 1000, 1             },
        {"langs HAS `es` AND team == `rare`",           1,           1             }, /* 7000 */
        {"langs HAS `es`",                              MANY / 7,    MANY / 700 + 1},
        {"team IN [`rare`, `other`]",                   MANY / 1000, 1             },
        {"friendly_name == `M11999`",                   1,           1             },
        {"sid == `WK00000000000000000000000000002edf`", 1,           1             },
        {"activity_name == `Available`",                0,           1             },
        {"team == `nowhere`",                           0,           1             },
        {"1==2",                                        0,           1             },
        {"n == 11999",                                  1,           3             },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int pages = 0;
        CHECK_I64(read_all(crowd(),
                           suite_text("'pageSize':100,'targetWorkersExpression':'%s'",
                                      rows[i].expression),
                           &pages, NULL),
                  rows[i].want);
        CHECK_I64(pages, rows[i].pages);
    }
}

static void test_queue(void)
{
    const char *queue = at(suite_ok(&suite_supervisor, SUITE_QUEUES, "CreateTaskQueue",
                                    "{'workspaceSid':'%s','friendlyName':'Rare','targetWorkers':"
                                    "'worker.team == `rare`'}",
                                    crowd()),
                           "sid");
    (void)suite_ok(&suite_supervisor, SUITE_QUEUES, "CreateTaskQueue",
                   "{'workspaceSid':'%s','friendlyName':'Nobody','targetWorkers':''}", crowd());
    const struct {
        const char *filter;
        int want;
    } rows[] = {
        {suite_text("'taskQueueSid':'%s'", queue),                                12},
        {"'taskQueueName':'rare'",                                12                                             },
        {suite_text("'taskQueueSid':'%s','targetWorkersExpression':'n > 6500'",                                queue),6},
        {suite_text("'taskQueueSid':'%s','available':true",                               queue),                                                                                                                 0},
        {"'taskQueueName':'Nobody'",0},
        {"'taskQueueName':'No such'",       0                                               },
        {"'taskQueueSid':'WQ00000000000000000000000000000001'",      0                                   },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int pages = 0;
        CHECK_I64(read_all(crowd(), suite_text("'pageSize':100,%s", rows[i].filter), &pages, NULL),
                  rows[i].want);
    }
    CHECK(suite_refused(&suite_viewer, W, "INVALID_ARGUMENT INVALID_SID task_queue_sid",
                        "ListWorkers", "{'workspaceSid':'%s','taskQueueSid':'WW1'}", crowd()));
}

static void test_indexes(void)
{
    const char *ws = crowd();
    const char *none = "null, null, null, null, null, null, null";
    const char *file = "store/worker_store.sql";
    CHECK(
        suite_uses_index("workers", true, file, "worker_list",
                         suite_text("'%s', 'WK00000000000000000000000000001edf', 51, %s", ws, none),
                         "Index Scan using worker_"));
    CHECK(
        suite_uses_index("workers", true, file, "worker_list",
                         suite_text("'%s', '', 51, 'M77', null, null, null, null, null, null", ws),
                         "worker_friendly_name"));
    CHECK(suite_uses_index(
        "workers", true, file, "worker_list_by_status",
        suite_text("'%s', 'WK1', 51, null, null, null, null, null, now(), null", ws),
        "worker_by_status"));
    CHECK(suite_uses_index("workers", true, file, "worker_list_by_status_desc",
                           suite_text("'%s', '', 51, %s", ws, none),
                           "Backward using worker_by_status"));
    CHECK(suite_uses_index(
        "workers", true, file, "worker_find",
        suite_text("'%s', array['{\"team\":\"rare\"}']::jsonb[], 4001, %s", ws, none),
        "worker_by_attributes"));
    CHECK(suite_uses_index(
        "workers", true, file, "worker_list",
        suite_text("'%s', '', 250, null, null, null, null, array['WK1','WK2'], null, null", ws),
        "worker_pkey"));
    CHECK(suite_uses_index(
        "workers", true, file, "worker_list",
        suite_text("'%s', '', 51, null, null, null, null, null, null, 'US1'", ws), "worker_user"));
    CHECK(suite_uses_index("workers", true, file, "worker_by_user", suite_text("'%s', 'US1'", ws),
                           "worker_user"));
}

static const struct test_case cases[] = {
    {"workers are ordered by their last change of activity, page by page", test_ordering   },
    {"pages stay whole while workers move",                                test_stable     },
    {"an expression finds what is rare at once, what is common by page",   test_expressions},
    {"the workers of a queue are those that its expression matches",       test_queue      },
    {"every list has an index",                                            test_indexes    },
};

int main(int argc, char **argv)
{
    return suite_main("workers-svc lists", SUITE_ALL, cases, ARRAY_LEN(cases), argc, argv);
}
