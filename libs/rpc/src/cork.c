/*
 * One sendmsg for each reply is what limits a busy server. While many events come in one burst, the
 * sockets of the callers are corked, so that the kernel joins their replies, and uncorked before
 * the loop waits again. Small loads never meet the threshold.
 *
 * The core does not tell a call's socket: it is found among our descriptors by the peer's address,
 * and checked again each time it is corked. A wrong or missing guess costs only the saving.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <grpc/support/alloc.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "server_int.h"

enum {
    BURST_MIN = 6,   /* events in a burst before corking pays; with three, small loads lose */
    BURST_MAX = 64,  /* events before the corks are pulled in any case */
    LOOK_EVERY = 16, /* with all known callers corked, how often one looks for another */
    MAX_CALLERS = 64,
    MAX_DESCRIPTORS = 4096,
    SEARCH_PAUSE_US = 100 * 1000,
    PEER_SIZE = 80,
};

struct caller {
    char peer[PEER_SIZE]; /* as grpc_call_get_peer says it */
    int fd;               /* -1: not found */
    bool is_corked;
};

struct corker {
    struct caller callers[MAX_CALLERS + 1]; /* the last one is never used */
    size_t count;
    size_t next_replaced;
    size_t corked;
    size_t burst; /* events since the loop last waited */
    int64_t searched_mono_us;
};

struct corker *corker_new(void)
{
    return xcalloc(1, sizeof(struct corker));
}

void corker_free(struct corker *corker)
{
    free(corker);
}

static bool peer_of(int fd, char out[PEER_SIZE])
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } address;
    socklen_t len = sizeof address;
    char text[INET6_ADDRSTRLEN];
    if (getpeername(fd, &address.any, &len) != 0)
        return false;
    if (address.any.sa_family == AF_INET &&
        inet_ntop(AF_INET, &address.v4.sin_addr, text, sizeof text) != NULL) {
        (void)snprintf(out, PEER_SIZE, "ipv4:%s:%d", text, ntohs(address.v4.sin_port));
        return true;
    }
    if (address.any.sa_family != AF_INET6)
        return false;
    if (IN6_IS_ADDR_V4MAPPED(&address.v6.sin6_addr)) {
        if (inet_ntop(AF_INET, &address.v6.sin6_addr.s6_addr[12], text, sizeof text) == NULL)
            return false;
        (void)snprintf(out, PEER_SIZE, "ipv4:%s:%d", text, ntohs(address.v6.sin6_port));
        return true;
    }
    if (inet_ntop(AF_INET6, &address.v6.sin6_addr, text, sizeof text) == NULL)
        return false;
    (void)snprintf(out, PEER_SIZE, "ipv6:%%5B%s%%5D:%d", text, ntohs(address.v6.sin6_port));
    return true;
}

static int descriptor_find(const char *peer)
{
    char text[PEER_SIZE];
    for (int fd = 3; fd < MAX_DESCRIPTORS; fd++) {
        if (peer_of(fd, text) && strcmp(text, peer) == 0)
            return fd;
    }
    return -1;
}

static void cork_set(int fd, int is_on)
{
    (void)setsockopt(fd, IPPROTO_TCP, TCP_CORK, &is_on, sizeof is_on);
}

static struct caller *caller_find(struct corker *corker, const char *peer)
{
    for (size_t i = 0; i < corker->count; i++) {
        if (strcmp(corker->callers[i].peer, peer) == 0)
            return &corker->callers[i];
    }
    int64_t now = clock_mono_us();
    if (now - corker->searched_mono_us < SEARCH_PAUSE_US)
        return NULL; /* many short connections: looking costs more than corking saves */
    corker->searched_mono_us = now;
    struct caller *caller = &corker->callers[corker->count];
    if (corker->count < MAX_CALLERS) {
        corker->count++;
    } else {
        caller = &corker->callers[corker->next_replaced];
        if (caller->is_corked)
            return NULL;
        corker->next_replaced = (corker->next_replaced + 1) % MAX_CALLERS;
    }
    (void)snprintf(caller->peer, sizeof caller->peer, "%s", peer);
    caller->fd = descriptor_find(peer);
    return caller;
}

bool corker_event(struct corker *corker)
{
    if (corker == NULL)
        return false;
    if (++corker->burst % BURST_MAX == 0) {
        size_t burst = corker->burst;
        corker_flush(corker);
        corker->burst = burst; /* the burst goes on */
    }
    return true;
}

void corker_call(struct corker *corker, grpc_call *core)
{
    if (corker == NULL || corker->burst < BURST_MIN)
        return;
    bool is_looking = corker->burst % LOOK_EVERY < 2;
    if (corker->corked > 0 && corker->corked >= corker->count && !is_looking)
        return;
    char *peer = grpc_call_get_peer(core);
    struct caller *caller = peer == NULL ? NULL : caller_find(corker, peer);
    if (caller != NULL && !caller->is_corked && caller->fd >= 0) {
        char text[PEER_SIZE];
        if (peer_of(caller->fd, text) && strcmp(text, caller->peer) == 0) {
            cork_set(caller->fd, 1);
            caller->is_corked = true;
            corker->corked++;
        } else { /* the connection is gone */
            *caller = corker->callers[--corker->count];
        }
    }
    gpr_free(peer);
}

void corker_flush(struct corker *corker)
{
    if (corker == NULL)
        return;
    for (size_t i = 0; corker->corked > 0 && i < corker->count; i++) {
        if (!corker->callers[i].is_corked)
            continue;
        cork_set(corker->callers[i].fd, 0);
        corker->callers[i].is_corked = false;
        corker->corked--;
    }
    corker->burst = 0;
}
