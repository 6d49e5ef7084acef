/* Which addresses belong to the public internet. */
#pragma once

#include <stdbool.h>

struct sockaddr;

/* False for loopback, private, link-local, shared, multicast, documentation and reserved ranges,
 * for IPv6 addresses that stand for such an IPv4 address, and for other families. Source: IANA's
 * registries of special-purpose addresses. */
bool httpc_address_is_public(const struct sockaddr *address);
