/* Clients of the other processes of tasks-svc, by address: made when first needed, kept while they
 * are among the last ones used. Threads: any. */
#pragma once

#include "rpc/client.h"

struct peers;

/* config: target is left empty; texts are borrowed. */
struct peers *peers_open(const struct rpc_client_config *config);
void peers_close(struct peers *peers); /* none may be held; NULL is allowed */

/* To be given back. NULL when too many are in use at once. */
struct rpc_client *peers_acquire(struct peers *peers, const char *address);
void peers_release(struct peers *peers, struct rpc_client *client);
