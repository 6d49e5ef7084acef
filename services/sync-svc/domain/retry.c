#include "retry.h"

#include "base/clock.h"

enum { STATUS_TOO_MANY = 429, STATUS_SERVER = 500 };

bool retry_is_down(enum retry_outcome outcome, int status)
{
    return outcome != RETRY_ANSWERED || status >= STATUS_SERVER;
}

static bool may_repeat(const struct retry_case *c)
{
    switch (c->outcome) {
    case RETRY_UNSENT:
        return true;
    case RETRY_UNKNOWN:
        return c->is_repeatable;
    case RETRY_ANSWERED:
        break;
    }
    if (c->status == STATUS_TOO_MANY) /* refused before anything was done */
        return true;
    return c->status >= STATUS_SERVER && c->is_repeatable;
}

/* Between half of the step and the whole of it, so that callers do not come back together. */
static int64_t backoff_ms(int attempts, uint64_t chance)
{
    int64_t step_ms = RETRY_FIRST_MS;
    for (int i = 1; i < attempts && step_ms < RETRY_LONGEST_MS; i++)
        step_ms *= 2;
    if (step_ms > RETRY_LONGEST_MS)
        step_ms = RETRY_LONGEST_MS;
    return step_ms / 2 + (int64_t)(chance % (uint64_t)(step_ms / 2 + 1));
}

int64_t retry_wait_us(const struct retry_case *c)
{
    if (c->attempts >= RETRY_ATTEMPTS || !may_repeat(c))
        return -1;
    int64_t wait_ms = backoff_ms(c->attempts, c->chance);
    if (c->retry_after_ms > wait_ms)
        wait_ms = c->retry_after_ms;
    if (wait_ms >= c->left_us / US_PER_MS) /* the caller would not hear of it */
        return -1;
    return wait_ms * US_PER_MS;
}
