/*
 * The inbox: webhooks on stable storage before they are answered. Requests hand in a row and wait;
 * two threads write what has gathered meanwhile, so that a commit serves many. Threads: any.
 */
#pragma once

#include "app/app.h"
#include "webhook_store.h"

struct inbox;

struct inbox *inbox_new(struct db_pool *pool); /* borrowed */
void inbox_free(struct inbox *inbox);          /* NULL is allowed */

/* Starts the threads, which end in APP_FINISH_CALLS after what is registered later. */
void inbox_start(struct inbox *inbox, struct app *app);

/*
 * Returns when the row is committed, or was there before (row->is_repeat, row->answer; texts in
 * call->arena). Errors: those of the database; UNAVAILABLE DRAINING at the end of the process.
 */
enum err_code inbox_put(struct inbox *inbox, struct call *call, struct webhook_new *row,
                        struct err *err) MUST_CHECK;
