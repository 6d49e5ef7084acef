/*
 * A configuration file from outside: what is refused names its line; what is taken can be planned
 * against a workspace with nothing in it, and its documents are judged.
 */
#include "base/macros.h"
#include "doc.h"
#include "fuzz.h"
#include "moves.h"
#include "plan.h"

enum { ARENA_BYTES = 128 << 20 };

static void refused(enum err_code code, const struct err *err)
{
    INVARIANT(
        code == ERR_RESOURCE_EXHAUSTED ||
        (code == ERR_INVALID_ARGUMENT && str_starts_with(str_from(err->detail), STR("line "))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct err err = {0};
    struct plan *plan = NULL;
    struct doc *file = doc_new(arena);
    struct doc *suite = doc_new(arena);
    struct doc_item *workspace = doc_add(suite, DOC_WORKSPACE, "", NULL);
    workspace->raw = doc_keep(arena, json_object());
    workspace->sid = "WS00000000000000000000000000000001";
    if (size > 64 << 10)
        return 0;
    enum err_code code = doc_read(file, (struct str){(const char *)data, size}, &err);
    if (code == ERR_OK)
        code = plan_make(file, suite, true, &plan, &err);
    if (code == ERR_OK)
        code = moves_check(plan, &err);
    if (code != ERR_OK)
        refused(code, &err);
    else
        INVARIANT(plan->counts[PLAN_DELETE] == 0);
    return 0;
}
