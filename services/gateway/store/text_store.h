/* Rows of conversations by text messages: which task is the open one. */
#pragma once

#include <stdint.h>

#include "base/call.h"
#include "db/db.h"

/* Texts are borrowed and never NULL. */
struct text_conversation {
    const char *sid; /* CV… */
    const char *workspace_sid;
    const char *from_number;
    const char *to_number;
    int64_t number;           /* how many tasks it has had */
    const char *task_sid;     /* the newest; "": none yet */
    const char *last_message; /* SID of the newest that its task has; "" = none */
};

/* Inserts it unless one between the numbers is there, and reads what is there. */
enum err_code text_store_open(struct db_pool *pool, struct call *call,
                              struct text_conversation *conversation, struct err *err) MUST_CHECK;

/* Writes number, task_sid, workspace_sid and last_message. */
enum err_code text_store_update(struct db_pool *pool, struct call *call,
                                const struct text_conversation *conversation,
                                struct err *err) MUST_CHECK;

/* Removes at most limit of those that nothing has been written to since. */
enum err_code text_store_prune(struct db_pool *pool, struct call *call, int64_t older_than_us,
                               int64_t limit, int64_t *out_removed, struct err *err) MUST_CHECK;
