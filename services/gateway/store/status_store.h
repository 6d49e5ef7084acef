/* Rows of what applications are told of workers' calls. Texts live in the call's arena. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/call.h"
#include "db/db.h"

/* Texts are borrowed and never NULL. */
struct leg_status {
    int64_t id;
    const char *reservation_sid;
    const char *provider_call_sid;
    const char *status; /* the provider's word */
    const char *workspace_sid;
    const char *url;
    bool is_get;
    const char *parameters; /* JSON object of texts */
    int64_t attempts;       /* the one under way included */
};

/* To be told at once, unless it was told, or is to be, already: *out_is_new. */
enum err_code status_store_put(struct db_pool *pool, struct call *call,
                               const struct leg_status *status, bool *out_is_new,
                               struct err *err) MUST_CHECK;

/* Takes the next one that is due, and no earlier one of its reservation waits: it is the caller's
 * until until_us. *out_found false: there is none. */
enum err_code status_store_take(struct db_pool *pool, struct call *call, int64_t until_us,
                                struct leg_status *out, bool *out_found,
                                struct err *err) MUST_CHECK;

/* It was told, or is given up for that reason. */
enum err_code status_store_end(struct db_pool *pool, struct call *call, int64_t id,
                               bool is_delivered, const char *why, struct err *err) MUST_CHECK;

/* To be tried again then, as all that go to its URL. */
enum err_code status_store_rest(struct db_pool *pool, struct call *call,
                                const struct leg_status *status, int64_t until_us, const char *why,
                                struct err *err) MUST_CHECK;

/* Removes at most limit of those that were made before. */
enum err_code status_store_prune(struct db_pool *pool, struct call *call, int64_t older_than_us,
                                 int64_t limit, int64_t *out_removed, struct err *err) MUST_CHECK;
