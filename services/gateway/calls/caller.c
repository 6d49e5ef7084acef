#include "caller.h"

void caller_find(struct ask *ask, struct caller *out)
{
    *out = (struct caller){.facts = "{}"};
    (void)ask;
}
