/* The activities that a queue names: workers-svc is asked whether they exist and what they are
 * called. No connection to the database may be held meanwhile. */
#pragma once

#include "base/call.h"
#include "task_queue.h"

struct queues;

/*
 * Fills the names of the queue's activities, texts in the call's arena, and keeps a copy.
 * Errors: INVALID_ARGUMENT ACTIVITY_NOT_FOUND naming the field; those of the call.
 */
enum err_code activity_check_named(struct queues *queues, struct call *call,
                                   struct task_queue *queue, struct err *err) MUST_CHECK;

/*
 * In a workspace without multitasking a queue needs both activities. Not checked while workers-svc
 * is away.
 * Errors: INVALID_ARGUMENT ACTIVITY_REQUIRED; those of the call.
 */
enum err_code activity_check_required(struct queues *queues, struct call *call,
                                      const struct task_queue *queue, struct err *err) MUST_CHECK;
