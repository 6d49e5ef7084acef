/* Two JSON objects become one. */
#include "rules/rules.h"

#include "jx/jx.h"
#include "jx/writer.h"

static enum err_code parse(struct str text, json_t **out, struct err *err)
{
    static const struct jx_limits limits = {.allows_duplicates = true};
    return jx_parse_object(text.len == 0 ? STR("{}") : text, &limits, out, err);
}

enum err_code rule_attributes_merge(struct str own, struct str added, bool replaces,
                                    struct buf *out, struct err *err)
{
    AUTO(jx_cleanup) json_t *merged = NULL;
    AUTO(jx_cleanup) json_t *other = NULL;
    enum err_code code = parse(own, &merged, err);
    if (code == ERR_OK)
        code = parse(added, &other, err);
    if (code != ERR_OK)
        return code;
    if (replaces)
        (void)json_object_update(merged, other);
    else
        (void)json_object_update_missing(merged, other);
    struct jx_writer writer;
    jx_writer_init(&writer, out);
    jx_value(&writer, merged);
    return jx_writer_finish(&writer, err);
}
