/* Any bytes: what jx_parse accepts, jx_is_json accepts, and writing gives the same value again. */
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "fuzz.h"
#include "jx/jx.h"
#include "jx/writer.h"

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
    if (jx_parse(text, NULL, &value, &err) != ERR_OK) {
        INVARIANT(err.code == ERR_INVALID_ARGUMENT);
        return 0;
    }
    INVARIANT(is_json);
    buf_init(&out, 0);
    jx_writer_init(&w, &out);
    jx_value(&w, value);
    enum err_code written = jx_writer_finish(&w, &err);
    INVARIANT(written == ERR_OK);
    enum err_code parsed = jx_parse(buf_str(&out), NULL, &again, &err);
    INVARIANT(parsed == ERR_OK);
    INVARIANT(json_equal(value, again));
    buf_fini(&out);
    return 0;
}
