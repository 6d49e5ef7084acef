#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/macros.h"
#include "cli.h"
#include "doc.h"
#include "jx/jx.h"
#include "plan.h"

enum { VALUE_CHARS = 120, KEPT_SHOWN = 10 };

static const struct doc_item *item_of(const struct plan_step *step)
{
    return step->wanted != NULL ? step->wanted : step->current;
}

char *report_step_name(const struct plan_step *step)
{
    const struct doc_item *item = item_of(step);
    struct buf out;
    buf_init(&out, 0);
    if (item->kind == DOC_WORKSPACE)
        buf_text(&out, "workspace");
    else
        buf_printf(&out, "%s \"%s\"", doc_sections[item->kind].noun, item->key);
    char *name = buf_take(&out);
    buf_fini(&out);
    return name;
}

/* Control characters must not reach a terminal; JSON escapes them. */
static void value_print(FILE *out, const json_t *value)
{
    if (value == NULL || json_is_null(value)) {
        (void)fputs("(nothing)", out);
        return;
    }
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    size_t len = text != NULL ? strlen(text) : 0;
    if (len <= VALUE_CHARS) {
        (void)fputs(text != NULL ? text : "", out);
    } else {
        size_t cut = VALUE_CHARS;
        while (cut > 0 && ((unsigned char)text[cut] & 0xC0) == 0x80)
            cut--; /* not within a character */
        (void)fprintf(out, "%.*s…", (int)cut, text);
    }
    free(text);
}

static void difference_print(FILE *out, const struct plan_step *step, const json_t *difference)
{
    (void)fprintf(out, "      %s: ", jx_get_text(difference, "field", ""));
    if (step->action == PLAN_CHANGE) {
        value_print(out, jx_get(difference, "old"));
        (void)fputs(" -> ", out);
    }
    value_print(out, jx_get(difference, "new"));
    (void)fputc('\n', out);
}

static void examples_print(FILE *out, const json_t *moves)
{
    size_t index = 0;
    json_t *example = NULL;
    json_array_foreach(jx_get(moves, "examples"), index, example)
    {
        (void)fprintf(out, "        %s: %s -> %s\n", jx_get_text(example, "sid", ""),
                      jx_get_text(example, "from", ""), jx_get_text(example, "to", ""));
    }
}

static void moves_print(FILE *out, const struct plan_step *step)
{
    const json_t *moves = step->moves;
    long long waiting = jx_get_i64(moves, "waiting", 0);
    const char *more = jx_get_bool(moves, "isAll", true) ? "" : "the first ";
    const json_t *workers = jx_get(moves, "workers");
    if (moves == NULL)
        return;
    if (jx_get(moves, "moved") != NULL) {
        (void)fprintf(out, "      waiting tasks: %lld of %s%lld would be routed elsewhere%s\n",
                      (long long)jx_get_i64(moves, "moved", 0), more, waiting,
                      jx_get_i64(moves, "moved", 0) > 0
                          ? " (new ones always; those that wait now with --re-evaluate)"
                          : "");
        examples_print(out, moves);
    } else if (waiting > 0 || workers != NULL) {
        (void)fprintf(out, "      waiting tasks: %s%lld in this queue",
                      more[0] != '\0' ? "more than " : "", waiting);
        if (workers != NULL)
            (void)fprintf(out, "; workers that match: %lld -> %lld",
                          (long long)jx_get_i64(workers, "old", 0),
                          (long long)jx_get_i64(workers, "new", 0));
        (void)fputs(step->action == PLAN_DELETE ? "; complete or cancel them first\n" : "\n", out);
    }
}

static void step_print(FILE *out, const struct plan_step *step)
{
    static const char signs[] = {
        [PLAN_NONE] = ' ', [PLAN_CREATE] = '+', [PLAN_CHANGE] = '~', [PLAN_DELETE] = '-'};
    size_t index = 0;
    json_t *difference = NULL;
    char *name = report_step_name(step);
    (void)fprintf(out, "  %c %s\n", signs[step->action], name);
    free(name);
    json_array_foreach(step->differences, index, difference)
    {
        difference_print(out, step, difference);
    }

    moves_print(out, step);
}

static void kept_print(FILE *out, const struct plan *plan, bool is_drift)
{
    size_t count = json_array_size(plan->kept);
    size_t index = 0;
    json_t *name = NULL;
    if (count == 0)
        return;
    (void)fprintf(out,
                  "  not in the file%s: ", is_drift ? "" : ", and kept (--delete removes them)");
    json_array_foreach(plan->kept, index, name)
    {
        if (index == KEPT_SHOWN) {
            (void)fprintf(out, ", and %zu more", count - index);
            break;
        }
        (void)fprintf(out, "%s%s", index > 0 ? ", " : "", json_string_value(name));
    }
    (void)fputc('\n', out);
}

void report_plan(FILE *out, const struct cli *cli, const struct plan *plan, bool is_drift)
{
    bool is_same = plan->count == 0 && (!is_drift || json_array_size(plan->kept) == 0);
    (void)fprintf(out, "Workspace \"%s\" (%s)\n", cli->workspace_name, cli->workspace_sid);
    for (size_t i = 0; i < plan->count; i++)
        step_print(out, &plan->steps[i]);
    kept_print(out, plan, is_drift);
    if (is_same)
        (void)fputs(is_drift ? "No drift: it is as the file says.\n"
                             : "No changes: it is as the file says.\n",
                    out);
    else if (is_drift)
        (void)fprintf(out,
                      "Drift: %zu missing, %zu different, %zu not in the file. taskrouter apply "
                      "mends it, taskrouter export takes it over.\n",
                      plan->counts[PLAN_CREATE], plan->counts[PLAN_CHANGE],
                      plan->counts[PLAN_DELETE] + json_array_size(plan->kept));
    else
        (void)fprintf(out, "Plan: %zu to create, %zu to change, %zu to delete.\n",
                      plan->counts[PLAN_CREATE], plan->counts[PLAN_CHANGE],
                      plan->counts[PLAN_DELETE]);
}

json_t *report_plan_json(const struct cli *cli, const struct plan *plan)
{
    static const char *const actions[] = {[PLAN_NONE] = "none",
                                          [PLAN_CREATE] = "create",
                                          [PLAN_CHANGE] = "change",
                                          [PLAN_DELETE] = "delete"};
    static const char *const states[] = {
        [PLAN_WAITING] = "waiting", [PLAN_DONE] = "done", [PLAN_FAILED] = "failed"};
    json_t *changes = json_array();
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_step *step = &plan->steps[i];
        const struct doc_item *item = item_of(step);
        (void)json_array_append_new(
            changes, json_pack("{s:s, s:s, s:s, s:s, s:s?, s:O, s:O?}", "action",
                               actions[step->action], "state", states[step->state], "kind",
                               doc_sections[item->kind].noun, "name", item->key, "sid", item->sid,
                               "differences", step->differences, "tasks", step->moves));
    }
    return json_pack("{s:s, s:s, s:o, s:O}", "workspaceSid", cli->workspace_sid, "workspaceName",
                     cli->workspace_name, "changes", changes, "notInFile", plan->kept);
}
