#include "sync_report.h"

#include <string.h>

#include "base/macros.h"
#include "jx/jx.h"

enum { VALUE_CHARS = 80, KIND_COLUMN = 16 };

static const char *const counts[] = {"created", "updated", "unchanged", "vanished", "conflicting"};

static void counts_print(FILE *out, const json_t *run)
{
    size_t index = 0;
    json_t *kind = NULL;
    (void)fprintf(out, "%-*s", KIND_COLUMN, "kind");
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        (void)fprintf(out, " %11s", counts[i]);
    (void)fputc('\n', out);
    json_array_foreach(jx_get(run, "progress"), index, kind)
    {
        const char *error = jx_get_text(kind, "error", "");
        (void)fprintf(out, "%-*s", KIND_COLUMN, jx_get_text(kind, "kind", ""));
        for (size_t i = 0; i < ARRAY_LEN(counts); i++)
            (void)fprintf(out, " %11lld", (long long)jx_get_i64(kind, counts[i], 0));
        if (jx_get_i64(kind, "linked", 0) > 0)
            (void)fprintf(out, "  linked %lld", (long long)jx_get_i64(kind, "linked", 0));
        (void)fprintf(out, "%s%s\n", error[0] != '\0' ? "  failed: " : "", error);
    }
}

/* Cut, and without what would act on a terminal. */
static void value_print(FILE *out, const char *text)
{
    size_t len = 0;
    for (; len < VALUE_CHARS && text[len] != '\0'; len++) {
        unsigned char c = (unsigned char)text[len];
        (void)fputc(c < ' ' || c == 0x7F ? ' ' : c, out);
    }
    while (((unsigned char)text[len] & 0xC0) == 0x80)
        (void)fputc((unsigned char)text[len++], out); /* the rest of a character */
    if (text[len] != '\0')
        (void)fputs("…", out);
}

static void item_print(FILE *out, const json_t *item)
{
    const json_t *result = jx_get(item, "result");
    const char *detail = jx_get_text(result, "detail", "");
    size_t index = 0;
    json_t *field = NULL;
    (void)fprintf(out, "  %-12s%s ", jx_get_text(result, "outcome", ""),
                  jx_get_text(item, "kind", ""));
    (void)fputc('"', out);
    value_print(out, jx_get_text(result, "friendlyName", ""));
    (void)fprintf(out, "\" (%s)", jx_get_text(result, "sid", ""));
    if (detail[0] != '\0') {
        (void)fputs(": ", out);
        (void)fputs(detail, out);
    }
    (void)fputc('\n', out);
    json_array_foreach(jx_get(result, "fields"), index, field)
    {
        (void)fprintf(out, "      %s: ", jx_get_text(field, "name", ""));
        value_print(out, jx_get_text(field, "ours", ""));
        (void)fputs(" -> ", out);
        value_print(out, jx_get_text(field, "theirs", ""));
        (void)fputc('\n', out);
    }
}

long long sync_differences(const json_t *run)
{
    static const char *const what[] = {"created", "updated", "vanished", "conflicting"};
    size_t index = 0;
    json_t *kind = NULL;
    long long sum = 0;
    json_array_foreach(jx_get(run, "progress"), index, kind)
    {
        for (size_t i = 0; i < ARRAY_LEN(what); i++)
            sum += (long long)jx_get_i64(kind, what[i], 0);
    }
    return sum;
}

void sync_report(FILE *out, const json_t *run, const json_t *items, bool is_all)
{
    size_t index = 0;
    json_t *item = NULL;
    const char *detail = jx_get_text(run, "detail", "");
    const char *sid = jx_get_text(run, "sid", "");
    json_array_foreach(items, index, item)
    {
        item_print(out, item);
    }

    if (!is_all)
        (void)fprintf(out, "  … and more: taskrouter sync --follow %s --json has all\n", sid);
    counts_print(out, run);
    (void)fprintf(out, "%s %s: %s%s%s\n", jx_get_bool(run, "dryRun", false) ? "Dry run" : "Run",
                  sid, jx_get_text(run, "state", "unknown"), detail[0] != '\0' ? ": " : "", detail);
}
