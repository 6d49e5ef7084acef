#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "callbacks_int.h"

enum {
    FAILURES_MAX = 5,       /* in a row, before the receiver is left alone for a while */
    CLOSED_MAX_S = 60,      /* the longest while */
    SHARE_OF_TRANSFERS = 4, /* one URL gets at most one part in so many */
    PRUNE_S = 60,
    FORGET_S = 900, /* longer than a receiver is left alone */
};

static struct str key_str(const struct callback_peer *peer)
{
    return str_from(peer->key);
}

struct callback_peer *peer_get(struct callbacks *callbacks, const char *kind, const char *url)
{
    const char *key = arena_printf(callbacks->arena, "%s\1%s", kind, url);
    if (key == NULL)
        return NULL;
    struct callback_peer *peer = map_get(&callbacks->peers, str_from(key));
    if (peer != NULL)
        return peer;
    peer = xcalloc(1, sizeof *peer);
    peer->key = xstrdup(key);
    (void)map_put(&callbacks->peers, key_str(peer), peer);
    return peer;
}

int64_t peer_room(const struct callbacks *callbacks, const struct callback_peer *peer,
                  int64_t now_mono_us)
{
    int most = (callbacks->options.transfers + SHARE_OF_TRANSFERS - 1) / SHARE_OF_TRANSFERS;
    if (peer->failures >= FAILURES_MAX)
        most = peer->closed_until_mono_us > now_mono_us ? 0 : 1; /* one finds out for all */
    return peer->in_flight >= most ? 0 : most - peer->in_flight;
}

void peer_note(struct callback_peer *peer, bool has_failed, int64_t now_mono_us)
{
    peer->noted_mono_us = now_mono_us;
    if (!has_failed) {
        peer->failures = 0;
        peer->closed_until_mono_us = 0;
        return;
    }
    if (peer->closed_until_mono_us > now_mono_us) /* sent before it was closed */
        return;
    peer->failures++;
    if (peer->failures < FAILURES_MAX)
        return;
    int doublings = peer->failures - FAILURES_MAX;
    int64_t seconds = doublings > 5 ? CLOSED_MAX_S : INT64_C(1) << doublings;
    peer->closed_until_mono_us = now_mono_us + seconds * US_PER_S;
}

static void peer_free(struct callback_peer *peer)
{
    free(peer->key);
    free(peer);
}

void peer_release(struct callbacks *callbacks, struct callback_peer *peer)
{
    if (peer == NULL || peer->in_flight > 0 || peer->failures > 0)
        return;
    (void)map_remove(&callbacks->peers, key_str(peer));
    peer_free(peer);
}

/* URLs come and go with the configuration; a failure of one that is used no more would stay. */
void peers_prune(struct callbacks *callbacks, int64_t now_mono_us)
{
    if (now_mono_us < callbacks->prune_mono_us)
        return;
    callbacks->prune_mono_us = now_mono_us + PRUNE_S * US_PER_S;
    size_t i = 0;
    while (i < callbacks->peers.count) {
        struct callback_peer *peer = callbacks->peers.entries[i].value;
        if (peer->in_flight > 0 || now_mono_us - peer->noted_mono_us < FORGET_S * US_PER_S) {
            i++;
            continue;
        }
        (void)map_remove(&callbacks->peers, key_str(peer));
        peer_free(peer);
    }
}

void peers_fini(struct callbacks *callbacks)
{
    for (size_t i = 0; i < callbacks->peers.count; i++)
        peer_free(callbacks->peers.entries[i].value);
    map_fini(&callbacks->peers);
}
