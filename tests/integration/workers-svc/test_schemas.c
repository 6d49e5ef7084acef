/* The schemas of all services: every statement can be prepared, and who may read what. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "suite.h"

/* NOLINTBEGIN(concurrency-mt-unsafe): the test program's main thread */

static bool read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    char chunk[4096];
    for (size_t got = fread(chunk, 1, sizeof chunk, file); got > 0;
         got = fread(chunk, 1, sizeof chunk, file))
        buf_append(out, chunk, got);
    (void)fclose(file);
    return !buf_failed(out);
}

/* Appends "prepare <name> as <sql>;" for each "-- name: x" block. */
static int append_prepares(struct str text, struct buf *out)
{
    int count = 0;
    struct str rest = text;
    for (ptrdiff_t i = str_find(rest, STR("-- name: ")); i >= 0;
         i = str_find(rest, STR("-- name: "))) {
        rest = (struct str){rest.ptr + i + 9, rest.len - (size_t)i - 9};
        struct str name = str_trim(str_split(&rest, '\n'));
        ptrdiff_t end = str_find(rest, STR("-- name: "));
        struct str sql = str_trim((struct str){rest.ptr, end < 0 ? rest.len : (size_t)end});
        bool is_statement_of_its_own =
            str_starts_with(name, STR("db_begin")) || str_eq(name, STR("db_commit")) ||
            str_eq(name, STR("db_rollback")) || str_starts_with(name, STR("db_migrations_create"));
        if (is_statement_of_its_own)
            continue;
        /* a comment at the end must not swallow the semicolon */
        buf_printf(out, "prepare %.*s as %.*s%s\n", STR_ARG(name), STR_ARG(sql),
                   str_ends_with(sql, STR(";")) ? "" : "\n;");
        count++;
    }
    return count;
}

static int prepare_all(const char *role, const char *pattern)
{
    const char *root = getenv("TR_SOURCE_DIR");
    glob_t found;
    int count = 0;
    if (root == NULL || glob(suite_text("%s/%s", root, pattern), 0, NULL, &found) != 0)
        return 0;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct buf sql;
        struct buf script;
        buf_init(&sql, 0);
        buf_init(&script, 0);
        buf_printf(&script, "set search_path = %s; set role taskrouter_%s;\n", role, role);
        CHECK(read_file(found.gl_pathv[i], &sql));
        count += append_prepares(buf_str(&sql), &script);
        if (!cluster_sql(suite_cluster(), script.data)) {
            (void)fprintf(stderr, "in %s\n", found.gl_pathv[i]);
            CHECK(false);
        }
        buf_fini(&sql);
        buf_fini(&script);
    }
    globfree(&found);
    return count;
}

static const char *const roles[] = {"workers", "queues", "routing", "sync"};

static void test_statements(void)
{
    for (size_t i = 0; i < ARRAY_LEN(roles); i++)
        CHECK(prepare_all(roles[i], suite_text("services/%s-svc/store/*.sql", roles[i])) > 2);
    for (size_t i = 1; i < ARRAY_LEN(roles); i++)
        CHECK(prepare_all(roles[i], "libs/svc/src/workspaces.sql") == 4);
    for (size_t i = 0; i < 3; i++)
        CHECK(prepare_all(roles[i], "libs/db/src/*.sql") > 5);
    CHECK(prepare_all("workers", "libs/outbox/src/*.sql") > 0);
}

/* psql as a role, with its own connection settings: what it prints, "denied" when it may not. */
static const char *as_role(const char *role, const char *sql)
{
    const char *log = suite_text("%s/psql.out", cluster_dir(suite_cluster()));
    (void)remove(log);
    const char *args[] = {"-c", "exec 2>&1; psql -X -A -t -d \"$0\" -c \"$1\" || true",
                          cluster_db_url(suite_cluster(), role), sql, NULL};
    if (process_run(&(struct process_options){.program = "sh", .args = args, .log_path = log},
                    20000) != 0)
        return "psql failed";
    struct buf out;
    buf_init(&out, 0);
    const char *text = read_file(log, &out) && out.data != NULL
                           ? suite_text("%.*s", STR_ARG(str_trim(buf_str(&out))))
                           : "";
    buf_fini(&out);
    bool is_denied = strstr(text, "ERROR:  permission denied") != NULL ||
                     strstr(text, "in a read-only transaction") != NULL;
    return is_denied ? "denied" : text;
}

static void test_reader(void)
{
    const char *ws = suite_workspace();
    const char *here = at(suite_ok(&suite_viewer, SUITE_WORKERS, "ListActivities",
                                   "{'workspaceSid':'%s','friendlyName':'Available'}", ws),
                          "items.0.sid");
    (void)suite_ok(&suite_supervisor, SUITE_WORKERS, "CreateWorker",
                   "{'workspaceSid':'%s','friendlyName':'Jane','activitySid':'%s'}", ws, here);
    /* setup-guide.md, Debugging, step 3, word for word */
    CHECK_TEXT(as_role("reader", "-- Verify worker-activity relations\n"
                                 "SELECT w.\"friendlyName\", a.\"friendlyName\" \n"
                                 "FROM \"Worker\" w \n"
                                 "LEFT JOIN \"Activity\" a ON w.\"activitySid\" = "
                                 "a.\"twilioActivitySid\";"),
               "Jane|Available");
    CHECK_TEXT(as_role("reader", "select count(*) from worker"), "denied");
    CHECK_TEXT(as_role("reader", "select count(*) from workers.workspace"), "denied");
    CHECK_TEXT(as_role("reader", "delete from \"Activity\""), "denied");
    CHECK_TEXT(as_role("reader", "create table workers.x (a int)"), "denied");
    CHECK_TEXT(as_role("reader", "create table public.x (a int)"), "denied");
}

static void test_roles(void)
{
    static const char *const tables[] = {"workers.worker", "queues.task_queue", "routing.workflow",
                                         "sync.run"};
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        for (size_t j = 0; j < ARRAY_LEN(tables); j++) {
            const char *count =
                as_role(roles[i], suite_text("select count(*) < 0 from %s", tables[j]));
            CHECK_TEXT(count, i == j ? "f" : "denied");
            if (i != j)
                CHECK_TEXT(as_role(roles[i], suite_text("delete from %s", tables[j])), "denied");
        }
    }
}

/* NOLINTEND(concurrency-mt-unsafe) */

static const struct test_case cases[] = {
    {"every statement of the services can be prepared",                  test_statements},
    {"the guide's query runs verbatim for the reader, who sees no more", test_reader    },
    {"a service's role reaches its own schema only",                     test_roles     },
};

int main(int argc, char **argv)
{
    return suite_main("schemas", SUITE_ALL, cases, ARRAY_LEN(cases), argc, argv);
}
