/* Which indexes PostgreSQL takes for a statement of a store, with the parameters given. */
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

/* The block "-- name: statement" of the file's text, without its end. */
static struct str find_statement(struct str text, const char *statement)
{
    const char *head = suite_text("-- name: %s\n", statement);
    ptrdiff_t from = str_find(text, str_from(head));
    if (from < 0)
        return (struct str){NULL, 0};
    struct str rest = {text.ptr + from + strlen(head), text.len - (size_t)from - strlen(head)};
    ptrdiff_t end = str_find(rest, STR("-- name: "));
    rest = str_trim((struct str){rest.ptr, end < 0 ? rest.len : (size_t)end});
    if (str_ends_with(rest, STR(";")))
        rest.len--;
    return rest;
}

/* In a function, because "explain execute" gives rows that no query can look at. */
static const char *const explain_function =
    "create or replace function public.plan_of(the_schema text, is_scan_free text, the_sql text, "
    "the_args text) "
    "returns text language plpgsql as $f$ declare line text; plan text := ''; begin "
    "perform set_config(n, case is_scan_free when 'yes' then 'off' else 'on' end, true) "
    "from unnest(array['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin']) n; "
    "perform set_config('search_path', the_schema, true); "
    "perform set_config('plan_cache_mode', 'force_custom_plan', true); "
    "execute 'prepare planned as ' || the_sql; "
    "for line in execute 'explain execute planned(' || the_args || ')' loop "
    "plan := plan || line || E'\\n'; end loop; "
    "execute 'deallocate planned'; return plan; end $f$;";

bool suite_uses_index(const char *service, bool is_scan_free, const char *file,
                      const char *statement, const char *args, const char *index)
{
    struct buf text;
    char plan[8192] = "";
    const char *root = getenv("TR_SOURCE_DIR");
    buf_init(&text, 0);
    bool is_read =
        root != NULL && read_file(suite_text("%s/services/%s-svc/%s", root, service, file), &text);
    struct str sql = is_read ? find_statement(buf_str(&text), statement) : (struct str){NULL, 0};
    bool is_explained =
        sql.len > 0 && cluster_sql(suite_cluster(), explain_function) &&
        cluster_sql_value(suite_cluster(),
                          suite_text("select replace(public.plan_of('%s', '%s', $s$%.*s$s$, "
                                     "$a$%s$a$), E'\\n', ' | ')",
                                     service, is_scan_free ? "yes" : "no", STR_ARG(sql), args),
                          plan, sizeof plan);
    buf_fini(&text);
    bool is_used = is_explained && strstr(plan, index) != NULL;
    if (!is_used)
        (void)fprintf(stderr, "%s does not use %s: %s\n", statement, index, plan);
    return is_used;
}

/* NOLINTEND(concurrency-mt-unsafe) */
