/*
 * What was revoked lately, so that a channel which was let in before and is listed only after a
 * revocation came by is not kept. Who opens one takes a mark, then looks at the token, then asks
 * with the mark, in the same lock as revocations are noted. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/ids.h"
#include "base/str.h"

enum { REVOKED_KEPT = 64 };

struct revoked {
    struct sid ring[REVOKED_KEPT];
    uint64_t count; /* of all so far; the next mark */
};

void revoked_note(struct revoked *revoked, struct str sid);

/* Whether that SID was revoked behind the mark, or so many were that it cannot be told. */
bool revoked_since(const struct revoked *revoked, uint64_t mark, struct str sid);
