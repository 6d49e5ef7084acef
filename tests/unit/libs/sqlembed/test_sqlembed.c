/* Runs the tool on small files, as it has no other face than its command line. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "process.h"
#include "testing.h"

static char dir[] = "/tmp/tr-sql-XXXXXX";
static char tool[512];
static char log_text[8192];
static char out_c[65536];
static char out_h[8192];

static void read_text(const char *name, char *out, size_t size)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "rb");
    size_t got = file == NULL ? 0 : fread(out, 1, size - 1, file);
    out[got] = '\0';
    if (file != NULL)
        (void)fclose(file);
}

static void write_bytes(const char *name, const char *bytes, size_t len)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return;
    (void)fwrite(bytes, 1, len, file);
    (void)fclose(file);
}

static void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

/* The status; output files and what was said are read into the buffers. */
static int run(const char *const *args)
{
    static const char *const old[] = {"out.c", "out.h", "log"};
    char path[128];
    for (size_t i = 0; i < ARRAY_LEN(old); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, old[i]);
        (void)unlink(path);
    }
    (void)snprintf(path, sizeof path, "%s/log", dir);
    struct process *process = process_start(
        &(struct process_options){.program = tool, .args = args, .log_path = path, .dir = dir});
    int status = process_wait_exit(process, 10000);
    process_free(process);
    read_text("log", log_text, sizeof log_text);
    read_text("out.c", out_c, sizeof out_c);
    read_text("out.h", out_h, sizeof out_h);
    return status;
}

static int embed(const char *sql)
{
    const char *args[] = {"statements", "in.sql", "out.c", "out.h", NULL};
    write_text("in.sql", sql);
    return run(args);
}

static void blocks_become_statements(void)
{
    CHECK_I64(embed("-- about this file\n\n-- name: task_get\nselect a, '$7;'\nfrom \"t\" -- $8\n"
                    "where id = $1 /* $9 */\n  and ($2::text is null or b = $2);\n\n"
                    "-- of the next\n-- name: task_all\nselect '\\' || 'a?' /* c */\n"),
              0);
    CHECK(strstr(out_h, "extern const struct db_stmt task_get;") != NULL);
    CHECK(strstr(out_h, "extern const struct db_stmt task_all;") != NULL);
    CHECK(strstr(out_c, "\"select a, '$7;'\\n\"") != NULL);
    CHECK(strstr(out_c, "b = $2)\",\n    2,") != NULL);
    CHECK(strstr(out_c, "\"select '\\\\' || 'a\\?'\",\n    0,") != NULL);
    CHECK(strstr(out_c, "of the next") == NULL);
}

static void dollar_quotes_hide_what_they_hold(void)
{
    CHECK_I64(embed("-- name: f\ndo $body$ begin perform $$a;b$$; perform 1; end $body$\n"), 0);
    CHECK(strstr(out_c, "end $body$\",\n    0,") != NULL);
}

struct refusal {
    const char *sql;
    const char *says;
};

static const struct refusal refusals[] = {
    {"-- name: a\nselect 1\n-- name: a\nselect 2\n", "in.sql:3: the name \"a\" was used in line 1"},
    {"-- name: a\nselect 1; select 2\n",             "in.sql:1: \"a\" holds two statements"       },
    {"-- name: a\nselect 1;\n'x'\n",                 "holds two statements"                       },
    {"-- name: a\nselect $2\n",                      "uses $2 but not $1"                         },
    {"-- name: a\nselect $1, $100\n",                "must be $1 to $99"                          },
    {"-- name: a\nselect $0\n",                      "must be $1 to $99"                          },
    {"-- name: a\n-- nothing\n;\n",                  "is empty"                                   },
    {"-- name: a\n",                                 "is empty"                                   },
    {"-- name: A-b\nselect 1\n",                     "must be 1 to 60 of a-z, 0-9 and _"          },
    {"-- name:\nselect 1\n",                         "must be 1 to 60"                            },
    {"select 1\n",                                   "in.sql:1: SQL before the first"             },
    {"\n-- hello\n",                                 "no \"-- name:\" line"                       },
    {"",                                             "no \"-- name:\" line"                       },
    {"-- name: a\nselect '\xff'\n",                  "is not UTF-8 text"                          },
};

static void bad_files_are_refused_with_the_place(void)
{
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        CHECK_I64(embed(refusals[i].sql), 1);
        if (!CHECK(strstr(log_text, refusals[i].says) != NULL))
            (void)printf("\n    row %zu said: %s", i, log_text);
        CHECK_TEXT(out_c, "");
    }
    write_bytes("in.sql", "-- name: a\nselect 1\0", 20);
    const char *args[] = {"statements", "in.sql", "out.c", "out.h", NULL};
    CHECK_I64(run(args), 1);
    const char *absent[] = {"statements", "absent.sql", "out.c", "out.h", NULL};
    CHECK_I64(run(absent), 1);
    CHECK(strstr(log_text, "absent.sql:1: cannot open") != NULL);
    const char *nothing[] = {"statements", NULL};
    CHECK_I64(run(nothing), 2);
}

static void migrations_are_sorted_and_hashed(void)
{
    write_text("0001_make_it.sql", "create table a ();\n");
    write_text("0002_more.sql", "");
    write_text("0002_more.sql", "create table b ();\n");
    const char *args[] = {"migrations",    "queues_svc",       "out.c", "out.h",
                          "0002_more.sql", "0001_make_it.sql", NULL};
    CHECK_I64(run(args), 0);
    CHECK(strstr(out_h, "extern const struct db_migration queues_svc_migrations[];") != NULL);
    CHECK(strstr(out_c, "{1, \"make_it\"") != NULL);
    const char *second = strstr(out_c, "{2, \"more\"");
    CHECK(second != NULL && strstr(out_c, "{1, \"make_it\"") < second);
    CHECK(strstr(out_c, "queues_svc_migrations_count = 2;") != NULL);
    /* Kept in databases: a change of the hash function would refuse every schema in use. */
    CHECK(strstr(out_c, "\"c1cdd705e48f32c8\"") != NULL);
    const char *none[] = {"migrations", "x", "out.c", "out.h", NULL};
    CHECK_I64(run(none), 0);
    CHECK(strstr(out_c, "x_migrations_count = 0;") != NULL);
}

static void bad_migrations_are_refused(void)
{
    write_text("0001_a.sql", "select 1;\n");
    write_text("0001_b.sql", "select 1;\n");
    write_text("0003_c.sql", "select 1;\n");
    write_text("2_d.sql", "select 1;\n");
    write_text("0002_empty.sql", " \n");
    static const struct {
        const char *first;
        const char *second;
        const char *says;
    } rows[] = {
        {"0001_a.sql", "0001_b.sql",     "0001_b.sql:1: migration 1 follows 1"},
        {"0001_a.sql", "0003_c.sql",     "migration 3 follows 1"              },
        {"0001_a.sql", "2_d.sql",        "must be called NNNN_what_it_does"   },
        {"0001_a.sql", "0002_empty.sql", "0002_empty.sql:1: is empty"         },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *args[] = {"migrations",   "x", "out.c", "out.h", rows[i].first,
                              rows[i].second, NULL};
        CHECK_I64(run(args), 1);
        if (!CHECK(strstr(log_text, rows[i].says) != NULL))
            (void)printf("\n    row %zu said: %s", i, log_text);
    }
}

static const struct test_case cases[] = {
    {"blocks become statements with their parameters counted", blocks_become_statements            },
    {"dollar quotes hide what they hold",                      dollar_quotes_hide_what_they_hold   },
    {"bad files are refused with the place",                   bad_files_are_refused_with_the_place},
    {"migrations are sorted and hashed",                       migrations_are_sorted_and_hashed    },
    {"bad migrations are refused",                             bad_migrations_are_refused          },
};

int main(int argc, char **argv)
{
    const char *bin = getenv("TR_BIN_DIR");
    (void)snprintf(tool, sizeof tool, "%s/../tools/bin/sqlembed", bin == NULL ? "build/bin" : bin);
    if (mkdtemp(dir) == NULL)
        return 2;
    int status = testing_main("sqlembed", cases, ARRAY_LEN(cases), argc, argv);
    const char *args[] = {"-rf", dir, NULL};
    (void)process_run(&(struct process_options){.program = "/bin/rm", .args = args}, 10000);
    return status;
}
