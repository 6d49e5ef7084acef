#include "revoked.h"

void revoked_note(struct revoked *revoked, struct str sid)
{
    revoked->ring[revoked->count++ % REVOKED_KEPT] = sid_from(sid);
}

bool revoked_since(const struct revoked *revoked, uint64_t mark, struct str sid)
{
    if (revoked->count - mark > REVOKED_KEPT)
        return true;
    for (uint64_t i = mark; i < revoked->count; i++) {
        if (str_eq_text(sid, revoked->ring[i % REVOKED_KEPT].text))
            return true;
    }
    return false;
}
