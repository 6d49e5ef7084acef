/* Reading Twilio for a run: pages, single resources, many at once; with patience while it is away
 * or its answers come broken. Private to runs/. */
#pragma once

#include "job.h"
#include "twilio_json.h"

/* One thing to read. */
struct fetch {
    enum twilio_resource resource;
    const char *path;
    const char *query; /* of a list: "PageSize=…"; NULL: the resource itself */

    bool takes_odd; /* a resource that is not as documented leaves message NULL, and is no error */

    /* What came; lives in the arena. */
    struct twilio_page page;   /* of a list */
    ProtobufCMessage *message; /* of a resource */
    bool is_gone;              /* Twilio says that there is no such thing (404) */
    int64_t observed_at_us;    /* when it was asked */
};

#define FETCH_PAGE_SIZE "PageSize=1000"

/*
 * Errors: those of upstream_call and twilio_read, once patience is over; OUT_OF_RANGE PAGE_GONE for
 * a page that Twilio does not know (any more); FAILED_PRECONDITION UPSTREAM_REFUSED with Twilio's
 * words for what else it refuses; CANCELLED RUN_HALTED.
 */
enum err_code fetch(struct job *job, struct arena *arena, struct fetch *fetch,
                    struct err *err) MUST_CHECK;

/*
 * Several at a time, as many as leave room for others' calls. Of lists, all pages, as one; they
 * must be short. The first error ends it. What came lives until fetch_many_end, which is due in any
 * case.
 */
enum { FETCH_WIDTH_MAX = 16 };

struct fetch_many {
    struct job *job;
    struct fetch *fetches;
    size_t count;
    struct arena *arenas[FETCH_WIDTH_MAX]; /* of the threads */
    size_t width;
};
enum err_code fetch_many(struct fetch_many *many, struct err *err) MUST_CHECK;
void fetch_many_end(struct fetch_many *many); /* for AUTO() */
