/* Lists of tasks in every order and with expressions, and the indexes that serve them. */
#include <stdlib.h>

#include "tasks_fixture.h"

enum { MANY = 4500, BUSY = 45 };

#define OTHER_QUEUE         "WQ000000000000000000000000000000aa"
#define IN_OTHER_QUEUE      "'taskQueueSid':'" OTHER_QUEUE "'"
#define IN_OTHER_QUEUE_LATE IN_OTHER_QUEUE ",'evaluateTaskAttributes':'n > 2250'"

static struct place place;

/*
 * Rows behind the router's back, which only lists see: 4500 tasks, of which every hundredth is
 * assigned. Most have priority 0, every fiftieth one of 1 to 7; every third counts from one of a
 * hundred earlier times; one in a thousand is rare, every 150th in another queue. Task 77 has a
 * number that jsonb cannot hold.
 */
static const struct place *crowd(void)
{
    if (place.workspace != NULL)
        return &place;
    place = place_new(0);
    CHECK(cluster_sql(
        suite_cluster(),
        suite_text(
            "insert into tasks.task (sid, shard, account_sid, workspace_sid, state, version, "
            "attributes, priority, reason, timeout_s, task_queue_sid, task_channel_sid, "
            "workflow_sid, ignore_capacity, routing_target, worker_sid, call_id, created_at, "
            "updated_at, virtual_start_at, workflow_version, filter_index, target_index, "
            "assignment_count, redrive, sequence) "
            "select 'WT' || lpad(to_hex(g), 32, '0'), 0, '%s', '%s', case when g %% 100 = 50 then "
            "'assigned' else 'pending' end, 1, case g when 77 then '{\"odd\":0e99999,\"team\":"
            "\"rare\"}' else format('{\"n\":%%s,\"team\":\"%%s\",\"langs\":[\"en\",\"%%s\"]}', g, "
            "case g %% 1000 when 0 then 'rare' when 50 then 'rare' else 'usual' end, case g %% 7 "
            "when 0 then 'es' else 'de' end) end::json, case g %% 50 when 0 then g / 50 %% 7 + 1 "
            "else 0 end, '', 86400, case g %% 150 when 1 then '" OTHER_QUEUE "' else '%s' end, "
            "'TC1', '%s', false, case g %% 3000 when 5 then '%s' else '' end, '', '', "
            "timestamptz '2025-01-02' + g * interval '1 second', now(), case g %% 3 when 0 then "
            "timestamptz '2025-01-01' + g %% 100 * interval '1 second' end, 1, 0, 0, 0, 'none', g "
            "from generate_series(1, %d) g; analyze tasks.task",
            ACCOUNT, place.workspace, place.queue, place.workflow, place.queue, MANY)));
    return &place;
}

struct key {
    int64_t priority;
    char start[40];
    char sid[40];
};

static struct key key_of(const json_t *task)
{
    struct key key = {.priority = at_i64(task, "priority")};
    const char *start = at(task, "virtualStartTime");
    (void)snprintf(key.start, sizeof key.start, "%s",
                   start[0] != '\0' ? start : at(task, "dateCreated"));
    (void)snprintf(key.sid, sizeof key.sid, "%s", at(task, "sid"));
    return key;
}

/* <0: a goes before b in the ordering given by letters: p, v, s; capitals go down. */
static int compare(const struct key *a, const struct key *b, const char *order)
{
    for (; *order != '\0'; order++) {
        int result = 0;
        if (*order == 'p' || *order == 'P')
            result = a->priority < b->priority ? -1 : a->priority > b->priority;
        else if (*order == 'v' || *order == 'V')
            result = strcmp(a->start, b->start);
        else
            result = strcmp(a->sid, b->sid);
        if (result != 0)
            return *order >= 'a' ? result : -result;
    }
    return 0;
}

/* Reads all pages and checks their order; how many tasks came. */
static int read_all(const char *filter, const char *order, int *out_pages)
{
    int seen = 0;
    struct key last = {0};
    const char *cursor = "";
    *out_pages = 0;
    do {
        const json_t *page =
            suite_ok(&suite_viewer, SUITE_TASKS, "ListTasks",
                     "{'workspaceSid':'%s',%s,'cursor':'%s'}", crowd()->workspace, filter, cursor);
        for (int i = 0; i < at_i64(page, "items"); i++, seen++) {
            struct key key = key_of(json_array_get(json_object_get(page, "items"), (size_t)i));
            bool is_behind = seen == 0 || compare(&last, &key, order) < 0;
            CHECK(is_behind);
            if (!is_behind)
                (void)fprintf(stderr, "%s: %s %s after %s\n", filter, order, key.sid, last.sid);
            last = key;
        }
        cursor = at(page, "nextCursor");
        (*out_pages)++;
    } while (cursor[0] != '\0' && *out_pages < 200);
    return seen;
}

static void test_orderings(void)
{
    static const struct {
        const char *ordering;
        const char *order;
    } rows[] = {
        {"",                                   "s"  },
        {"DateCreated:asc",                    "s"  },
        {"DateCreated:desc",                   "S"  },
        {"Priority:asc",                       "ps" },
        {"Priority:desc",                      "Ps" },
        {"Priority:desc,DateCreated:desc",     "PS" },
        {"Priority:asc,DateCreated:desc",      "pS" },
        {"Priority:desc,VirtualStartTime:asc", "Pvs"},
        {"Priority:asc,VirtualStartTime:desc", "pVS"},
        {"VirtualStartTime:asc",               "vs" },
        {"VirtualStartTime:desc",              "VS" },
        {"VirtualStartTime:asc,Priority:desc", "vPs"},
        {"VirtualStartTime:desc,Priority:asc", "VpS"},
        {"DateCreated:asc,Priority:desc",      "s"  },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int pages = 0;
        CHECK_I64(read_all(suite_text("'pageSize':1000,'ordering':'%s'", rows[i].ordering),
                           rows[i].order, &pages),
                  MANY);
        CHECK(pages >= 5 && pages <= 7);
    }
    static const char *const bad[] = {"DateCreated:asc,VirtualStartTime:asc", "Age:asc",
                                      "Priority:desc,Priority:asc"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK(suite_refused(&suite_viewer, SUITE_TASKS,
                            "INVALID_ARGUMENT INVALID_ORDERING ordering", "ListTasks",
                            "{'workspaceSid':'%s','ordering':'%s'}", crowd()->workspace, bad[i]));
    const json_t *page = suite_ok(&suite_viewer, SUITE_TASKS, "ListTasks",
                                  "{'workspaceSid':'%s','pageSize':5,'ordering':'Priority:desc'}",
                                  crowd()->workspace);
    CHECK(suite_refused(&suite_viewer, SUITE_TASKS, "INVALID_ARGUMENT INVALID_CURSOR cursor",
                        "ListTasks",
                        "{'workspaceSid':'%s','ordering':'Priority:asc','cursor':'%s'}",
                        crowd()->workspace, at(page, "nextCursor")));
}

static void test_filters(void)
{
    const char *to_queue = suite_text("'routingTarget':'%s'", crowd()->queue);
    const char *by_workflow = suite_text("'workflowSid':'%s','priority':1", crowd()->workflow);
    struct {
        const char *filter;
        int want;
    } rows[] = {
        {"'evaluateTaskAttributes':'team == `rare`'",                                             10  },
        {"'evaluateTaskAttributes':'team == `rare`','assignmentStatus':['TASK_STATUS_PENDING']",  5   },
        {"'evaluateTaskAttributes':'team == `rare`','assignmentStatus':['TASK_STATUS_ASSIGNED']",
         5                                                                                            },
        {"'evaluateTaskAttributes':'task.langs HAS `es` AND team == `rare`'",                     1   },
        {"'evaluateTaskAttributes':'langs HAS `es`'",                                             641 },
        {"'evaluateTaskAttributes':'n == 4499'",                                                  1   },
        {"'evaluateTaskAttributes':'n > 4490 AND n <= 4495'",                                     5   },
        {"'evaluateTaskAttributes':'odd == 0'",                                                   1   },
        {"'evaluateTaskAttributes':'team == `nowhere`'",                                          0   },
        {"'evaluateTaskAttributes':'1==2'",                                                       0   },
        {IN_OTHER_QUEUE,                                                                          30  },
        {IN_OTHER_QUEUE_LATE,                                                                     15  },
        {"'priority':3",                                                                          13  },
        {"'priority':3,'evaluateTaskAttributes':'team == `usual`'",                               13  },
        {"'assignmentStatus':['TASK_STATUS_ASSIGNED']",                                           BUSY},
        {"'hasAddons':false,'priority':3",                                                        13  },
        {"'hasAddons':true",                                                                      0   },
        {"'routingTarget':'WQ00000000000000000000000000000001'",                                  0   },
        {to_queue,                                                                                2   },
        {by_workflow,                                                                             12  },
    };
    static const struct {
        const char *ordering;
        const char *order;
    } orders[] = {
        {"",                                   "s"  },
        {"VirtualStartTime:desc",              "VS" },
        {"Priority:desc,VirtualStartTime:asc", "Pvs"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t o = 0; o < ARRAY_LEN(orders); o++) {
            int pages = 0;
            int seen = read_all(
                suite_text("%s,'pageSize':100,'ordering':'%s'", rows[i].filter, orders[o].ordering),
                orders[o].order, &pages);
            CHECK_I64(seen, rows[i].want);
            if (seen != rows[i].want)
                (void)fprintf(stderr, "%s %s\n", rows[i].filter, orders[o].ordering);
        }
    }
    /* what is rare is found at once, wherever it is */
    int pages = 0;
    (void)read_all("'evaluateTaskAttributes':'team == `rare`'", "s", &pages);
    CHECK_I64(pages, 1);
    (void)read_all("'taskQueueSid':'" OTHER_QUEUE "','pageSize':100,"
                   "'ordering':'VirtualStartTime:asc'",
                   "vs", &pages);
    CHECK_I64(pages, 1);
}

/* Made up: a priority that cannot be turned around, and a time in the year 0. */
#define CURSOR_PRIORITY                                                                            \
    "dGEyLTErOi05MjIzMzcyMDM2ODU0Nzc1ODA4LDE3MDAwMDAwMDAwMDAwMDAsMCxXVDAwMDAwMDAw"                 \
    "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAx"
#define CURSOR_TIME                                                                                \
    "dGEyKzowLC02MjE1MDAwMDAwMDAwMDAwMCwwLFdUMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw"                 \
    "MDAwMDE"

static void test_refused(void)
{
    static const struct {
        const char *filter;
        const char *want;
    } rows[] = {
        {"'evaluateTaskAttributes':'a =='",
         "INVALID_ARGUMENT EXPRESSION_INVALID evaluate_task_attributes : column"},
        {"'routingTarget':'WT00000000000000000000000000000001'",
         "INVALID_ARGUMENT INVALID_SID routing_target"                          },
        {"'cursor':'dGE6eA','ordering':'VirtualStartTime:asc'",
         "INVALID_ARGUMENT INVALID_CURSOR cursor"                               },
        {"'cursor':'dGEyKzp4','ordering':'VirtualStartTime:asc'",
         "INVALID_ARGUMENT INVALID_CURSOR cursor"                               },
        {"'ordering':'VirtualStartTime:desc,Priority:asc','cursor':'" CURSOR_PRIORITY "'",
         "INVALID_ARGUMENT INVALID_CURSOR cursor"                               },
        {"'ordering':'VirtualStartTime:asc','cursor':'" CURSOR_TIME "'",
         "INVALID_ARGUMENT INVALID_CURSOR cursor"                               },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK(suite_refused(&suite_viewer, SUITE_TASKS, rows[i].want, "ListTasks",
                            "{'workspaceSid':'%s',%s}", crowd()->workspace, rows[i].filter));
}

static void test_names(void)
{
    struct place other = place_new(0);
    (void)task_new(&other, "{}");
    const json_t *queue =
        suite_ok(&suite_viewer, SUITE_QUEUES, "GetTaskQueue", "{'workspaceSid':'%s','sid':'%s'}",
                 other.workspace, other.queue);
    const char *name = at(queue, "friendlyName");
    const char *const filters[] = {
        suite_text("'taskQueueName':'%s'", name),
        suite_text("'taskQueueName':'%s','ordering':'VirtualStartTime:asc'", name),
        suite_text("'taskQueueName':'%s','taskQueueSid':'%s','ordering':'Priority:asc'", name,
                   other.queue),
        "'taskChannel':'default','ordering':'VirtualStartTime:asc'",
    };
    for (size_t i = 0; i < ARRAY_LEN(filters); i++)
        CHECK_I64(at_i64(suite_ok(&suite_viewer, SUITE_TASKS, "ListTasks",
                                  "{'workspaceSid':'%s',%s}", other.workspace, filters[i]),
                         "items"),
                  1);
    static const char *const none[] = {
        "'taskQueueName':'No such','ordering':'VirtualStartTime:asc'",
        "'workflowName':'No such','ordering':'Priority:asc'",
        "'taskChannel':'pigeon','ordering':'VirtualStartTime:asc'",
        /* unique names have their case, with and without an order */
        "'taskChannel':'Default','ordering':'VirtualStartTime:asc'",
        "'taskChannel':'Default'",
    };
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        CHECK_I64(at_i64(suite_ok(&suite_viewer, SUITE_TASKS, "ListTasks",
                                  "{'workspaceSid':'%s',%s}", other.workspace, none[i]),
                         "items"),
                  0);
}

static bool uses_index(const char *statement, const char *args, const char *index)
{
    return suite_uses_index("tasks", false, "store/task_order.sql", statement, args, index);
}

static void test_indexes(void)
{
    const char *ws = crowd()->workspace;
    const char *none = "null, null, null, null, null, null, null";
    const char *start = suite_text("'%s', '', 250, %s, null, 0, 0", ws, none);
    CHECK(uses_index("task_scan_start", start, "using task_by_start"));
    CHECK(uses_index(
        "task_scan_start",
        suite_text("'%s', 'WT1', 250, %s, timestamptz '2025-01-02 01:00', 0, 0", ws, none),
        "using task_by_start"));
    CHECK(uses_index("task_scan_start_desc", start, "Backward using task_by_start"));
    CHECK(uses_index("task_scan_desc", suite_text("'%s', '', 250, %s", ws, none),
                     "Scan Backward using task_"));
    CHECK(uses_index(
        "task_find",
        suite_text("'%s', array['{\"team\":\"rare\"}']::jsonb[], 4001, %s, null, null", ws, none),
        "task_by_attributes"));
    CHECK(uses_index("task_levels_desc", suite_text("'%s', null, 64", ws), "task_by_priority"));
    CHECK(uses_index("task_rows", suite_text("'%s', array['WT1'], 250, %s", ws, none),
                     "Index Scan using task_"));
}

static const struct test_case cases[] = {
    {"tasks come in every order, page by page, none missing or twice", test_orderings},
    {"filters and expressions find the same in every order",           test_filters  },
    {"what is no ordering, expression or cursor is refused",           test_refused  },
    {"names of queues, workflows and channels stand for their SIDs",   test_names    },
    {"every list has an index",                                        test_indexes  },
};

int main(int argc, char **argv)
{
    return suite_main("lists of tasks", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
