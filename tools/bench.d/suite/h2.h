/*
 * Just enough HTTP/2 to keep many unary gRPC calls under way on one connection from one thread: a
 * client on gRPC's core costs more than the servers measured. Header fields are indexed after
 * their first use, as a real client does. A call counts as good when a message came with it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct h2;

/* message: NULL ptr when the call failed. */
typedef void (*h2_done_fn)(void *ctx, unsigned slot, struct str message);

/* fields: names and values of further request headers, NULL-terminated; borrowed. NULL when nobody
 * listens. */
struct h2 *h2_open(int port, const char *const *fields, h2_done_fn done, void *ctx);
void h2_close(struct h2 *h2); /* NULL is allowed */

/* Starts a call; path is borrowed for good. done gets the slot, which must not be in use. */
void h2_call(struct h2 *h2, const char *path, unsigned slot, struct str message);

/* Sends what was started and takes what came, waiting up to that long; false when it broke. */
bool h2_run(struct h2 *h2, int wait_us);
