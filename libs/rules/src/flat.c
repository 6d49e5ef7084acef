/* The flat list of the earlier platform. */
#include "rules/condition.h"

enum err_code rule_flat_to_text(struct str json, struct buf *out, struct err *err)
{
    (void)out;
    if (str_eq(str_trim(json), STR("[]")))
        return ERR_OK;
    return ERR_FIELD(err, ERR_UNIMPLEMENTED, "CONDITIONS_UNIMPLEMENTED", "conditions",
                     "The flat list of conditions is not understood yet; write condition.");
}

bool rule_text_to_flat(struct str text, struct buf *out)
{
    (void)text;
    (void)out;
    return false;
}

bool rule_flat_read(struct str stored, struct str condition, struct buf *out)
{
    (void)stored;
    return rule_text_to_flat(condition, out);
}
