/*
 * What an observation of a task or reservation that Twilio routes makes of the row we have: pure,
 * and the same whatever order observations come in, as far as they say the same things.
 *
 * Which of two is later: the one further in its life (waiting, assigned, wrapping, ended), since
 * Twilio never goes back there; of the same stage the one observed later; at equal times the higher
 * state. A cancelation may be replaced by another end: it may be our own, of what had vanished. The
 * later one says what can change; what it does not say ("", 0, no date) is kept. Dates are the same
 * when they are so to the second, as REST writes them.
 */
#pragma once

#include <stdint.h>

#include "mirror_store.h"
#include "svc/mirror.h"

/* The reason of a task that was canceled because Twilio has it no more. */
#define MIRROR_VANISHED_REASON "vanished upstream"

/*
 * CREATED, UPDATED (diff says what), STALE (the row is later and something differs) or UNCHANGED.
 * out: the row to store if it is not ours exactly: state, version, observed_at_us. Rows in theirs
 * and ours may share texts with it. theirs: of the same SID, workspace and account.
 */
mirror_outcome mirror_merge_task(const struct mirror_task *ours, const struct task_row *theirs,
                                 int64_t observed_at_us, struct mirror_task *out,
                                 struct mirror_diff *diff);
mirror_outcome mirror_merge_reservation(const struct mirror_reservation *ours,
                                        const struct reservation_row *theirs,
                                        int64_t observed_at_us, struct mirror_reservation *out,
                                        struct mirror_diff *diff);
