/* From Twilio's answers to the owners' rows. Private to runs/. */
#pragma once

#include "fetch.h"
#include "mirror.h"
#include "report.h"

/*
 * Puts the messages, in pieces that are small enough, and reports what became of each. A dry run of
 * a workspace that is not here yet asks nobody: all of it is new. out_outcomes: one for each, or
 * NULL. Errors: the owner's, once patience is over.
 */
enum err_code put_rows(struct report *report, enum twilio_resource resource,
                       ProtobufCMessage *const *items, size_t count, int64_t observed_at_us,
                       enum outcome *out_outcomes, struct err *err) MUST_CHECK;

/* The same for what is a page's: those that could not be read are reported as conflicts, all are
 * met. */
enum err_code put_page_items(struct report *report, enum twilio_resource resource,
                             struct twilio_item *const *items, size_t count, int64_t observed_at_us,
                             struct err *err) MUST_CHECK;

/* The same for lists that fetch_many read; those whose owner is gone are left out. are_met: the
 * items count as met by the run. */
enum err_code put_lists(struct report *report, enum twilio_resource resource,
                        const struct fetch *lists, size_t count, bool are_met,
                        struct err *err) MUST_CHECK;

/* Tasks with their reservations. */
enum err_code put_tasks(struct report *report, ProtobufCMessage *const *items, size_t count,
                        int64_t observed_at_us, struct err *err) MUST_CHECK;

/* One request; nothing is reported. */
enum err_code put_batch(struct report *report, const struct mirror_batch *batch,
                        Taskrouter__Common__V1__MirrorResult ***out_results,
                        struct err *err) MUST_CHECK;

/*
 * What is left of a kind's conflicts once all of it was put: names that went round between several
 * requests, or were held by what has vanished. Put again in one request; what it says replaces the
 * conflict in the report.
 */
enum err_code settle_rows(struct job *job, enum kind kind, enum twilio_resource resource,
                          const char *cursor, struct err *err) MUST_CHECK;

/*
 * A dry run puts nothing, so that what hangs on something new is refused by its owner: a worker of
 * a new activity, the channels of a new worker. Such results become what they would be in a run
 * that changes things.
 */
enum err_code expect_results(struct report *report, const struct mirror_batch *batch,
                             Taskrouter__Common__V1__MirrorResult **results,
                             struct err *err) MUST_CHECK;

/* Makes a refused result what it would be if nothing stood in its way. */
enum err_code expect_result(struct report *report, enum twilio_resource resource,
                            const ProtobufCMessage *item,
                            Taskrouter__Common__V1__MirrorResult *result,
                            struct err *err) MUST_CHECK;

/*
 * The end of a kind, from the cursor on: what is ours and was not met is asked for at Twilio, one
 * by one, because a list may shift while it is paged through; what is not there any more is marked
 * as vanished, what is there is put. Of tasks and reservations only those that have not ended.
 */
enum err_code vanish_rows(struct job *job, enum kind kind, enum twilio_resource resource,
                          const char *cursor, const char *cursor_prefix,
                          struct err *err) MUST_CHECK;

/* Rows as their owner lists them. */
struct ours {
    ProtobufCMessage *const *items;
    size_t count;
    const char *next_cursor; /* "" = none */
};
enum err_code ours_page(struct job *job, struct arena *arena, enum twilio_resource resource,
                        const char *cursor, struct ours *out, struct err *err) MUST_CHECK;
