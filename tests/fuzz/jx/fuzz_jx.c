/* Any bytes: what jx_parse accepts, jx_is_json accepts, and writing gives the same value again.
 * What jx_plain_read takes is an object, and its members are what writing gives. */
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "fuzz.h"
#include "jx/jx.h"
#include "jx/plain.h"
#include "jx/writer.h"

static void check_plain(const struct jx_plain *plain, struct str written)
{
    struct buf out;
    struct jx_writer w;
    buf_init(&out, 0);
    jx_writer_init(&w, &out);
    jx_object_begin(&w);
    for (size_t i = 0; i < plain->count; i++) {
        jx_key_str(&w, plain->members[i].key);
        jx_raw(&w, plain->members[i].value);
    }
    jx_object_end(&w);
    enum err_code code = jx_writer_finish(&w, NULL);
    INVARIANT(code == ERR_OK);
    INVARIANT(!plain->is_compact || str_eq(buf_str(&out), written));
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct err err = {0};
    AUTO(jx_cleanup) json_t *value = NULL;
    AUTO(jx_cleanup) json_t *again = NULL;
    struct buf out;
    struct jx_writer w;
    bool is_json = jx_is_json(text, 0);
    bool is_object = jx_check_object_text(text, JX_ATTRIBUTES_CHARS, "attributes", &err) == ERR_OK;
    INVARIANT(is_json || !is_object);
    struct jx_plain plain;
    bool is_plain = jx_plain_read(text, &plain);
    if (jx_parse(text, NULL, &value, &err) != ERR_OK) {
        INVARIANT(!is_plain || text.len > JX_MAX_BYTES);
        INVARIANT(err.code == ERR_INVALID_ARGUMENT);
        return 0;
    }
    INVARIANT(is_json);
    buf_init(&out, 0);
    jx_writer_init(&w, &out);
    jx_value(&w, value);
    enum err_code written = jx_writer_finish(&w, &err);
    INVARIANT(written == ERR_OK);
    if (is_plain)
        check_plain(&plain, buf_str(&out));
    enum err_code parsed = jx_parse(buf_str(&out), NULL, &again, &err);
    INVARIANT(parsed == ERR_OK);
    INVARIANT(json_equal(value, again));
    buf_fini(&out);
    return 0;
}
