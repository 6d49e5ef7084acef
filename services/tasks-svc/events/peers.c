#include "peers.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/lock.h"
#include "base/macros.h"

enum { PEERS_MAX = 32, PEERS_LOCK_RANK = 640 };

struct peer {
    char *address; /* NULL: the place is free */
    struct rpc_client *client;
    int users;
    uint64_t used; /* when it was last acquired, in the count of all */
};

struct peers {
    struct rpc_client_config config;
    struct lock lock;
    struct peer items[PEERS_MAX];
    uint64_t uses;
};

struct peers *peers_open(const struct rpc_client_config *config)
{
    struct peers *peers = xcalloc(1, sizeof *peers);
    peers->config = *config;
    lock_init(&peers->lock, "peers", PEERS_LOCK_RANK);
    return peers;
}

static void empty(struct peer *peer)
{
    free(peer->address);
    rpc_client_free(peer->client);
    *peer = (struct peer){0};
}

void peers_close(struct peers *peers)
{
    if (peers == NULL)
        return;
    for (size_t i = 0; i < PEERS_MAX; i++)
        empty(&peers->items[i]);
    lock_fini(&peers->lock);
    free(peers);
}

/* The one with that address, else the free one or the one unused for longest; NULL: all in use. */
static struct peer *find(struct peers *peers, const char *address)
{
    struct peer *found = NULL;
    for (size_t i = 0; i < PEERS_MAX; i++) {
        struct peer *peer = &peers->items[i];
        if (peer->address != NULL && strcmp(peer->address, address) == 0)
            return peer;
        if (peer->users == 0 && (found == NULL || peer->used < found->used))
            found = peer;
    }
    return found;
}

struct rpc_client *peers_acquire(struct peers *peers, const char *address)
{
    struct rpc_client *client = NULL;
    lock_take(&peers->lock);
    struct peer *peer = find(peers, address);
    if (peer != NULL && (peer->address == NULL || strcmp(peer->address, address) != 0)) {
        struct rpc_client_config config = peers->config;
        config.target = address;
        empty(peer);
        peer->address = xstrdup(address);
        peer->client = rpc_client_new(&config);
    }
    if (peer != NULL) {
        peer->users++;
        peer->used = ++peers->uses;
        client = peer->client;
    }
    lock_drop(&peers->lock);
    return client;
}

void peers_release(struct peers *peers, struct rpc_client *client)
{
    lock_take(&peers->lock);
    for (size_t i = 0; i < PEERS_MAX; i++)
        peers->items[i].users -= client != NULL && peers->items[i].client == client;
    lock_drop(&peers->lock);
}
