/*
 * YAML from outside: what is refused names its line; what is taken is written again as YAML that
 * gives the same value.
 */
#include "base/macros.h"
#include "fuzz.h"
#include "jx/jx.h"
#include "yaml/ydoc.h"

enum { ARENA_BYTES = 64 << 20 };

static void again(struct arena *arena, json_t *value)
{
    struct buf out;
    struct err err = {0};
    struct ydoc_node *root = NULL;
    buf_init(&out, 0);
    enum err_code code = ydoc_write(&out, value, &err);
    INVARIANT(code == ERR_OK);
    code = ydoc_parse(arena, buf_str(&out), NULL, &root, &err);
    INVARIANT(code == ERR_OK);
    AUTO(jx_cleanup) json_t *back = ydoc_json(root);
    INVARIANT(back != NULL && json_equal(value, back));
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct err err = {0};
    struct ydoc_node *root = NULL;
    enum err_code code =
        ydoc_parse(arena, (struct str){(const char *)data, size}, NULL, &root, &err);
    if (code != ERR_OK) {
        INVARIANT(code == ERR_RESOURCE_EXHAUSTED ||
                  str_starts_with(str_from(err.detail), STR("line ")));
        return 0;
    }
    AUTO(jx_cleanup) json_t *value = ydoc_json(root);
    INVARIANT(value != NULL);
    again(arena, value);
    return 0;
}
