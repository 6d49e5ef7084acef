#include "httpc/address.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "base/macros.h"

struct range4 {
    uint32_t network;
    unsigned bits;
};

#define IP4(a, b, c, d)                                                                            \
    (((uint32_t)(a) << 24) | ((uint32_t)(b) << 16) | ((uint32_t)(c) << 8) | (uint32_t)(d))

static const struct range4 special4[] = {
    {IP4(0,   0,   0,   0), 8 }, /* this network */
    {IP4(10,  0,   0,   0), 8 },
    {IP4(100, 64,  0,   0), 10}, /* shared with carriers */
    {IP4(127, 0,   0,   0), 8 },
    {IP4(169, 254, 0,   0), 16}, /* link-local, metadata of clouds */
    {IP4(172, 16,  0,   0), 12},
    {IP4(192, 0,   0,   0), 24},
    {IP4(192, 0,   2,   0), 24},
    {IP4(192, 88,  99,  0), 24},
    {IP4(192, 168, 0,   0), 16},
    {IP4(198, 18,  0,   0), 15},
    {IP4(198, 51,  100, 0), 24},
    {IP4(203, 0,   113, 0), 24},
    {IP4(224, 0,   0,   0), 4 }, /* multicast */
    {IP4(240, 0,   0,   0), 4 },
};

struct range6 {
    unsigned char network[16];
    unsigned bits;
};

/* Nothing else of IPv6 is given to hosts of the internet. */
static const struct range6 global6 = {{0x20}, 3};

static const struct range6 special6[] = {
    {{0x20, 0x01, 0x00, 0x00}, 23}, /* Teredo and other protocols' */
    {{0x20, 0x01, 0x0D, 0xB8}, 32},
    {{0x3F, 0xFF, 0x00},       20},
};

/* An IPv4 address inside, at that byte. */
static const struct {
    struct range6 range;
    unsigned at;
} carriers[] = {
    {{{[10] = 0xFF, [11] = 0xFF}, 96}, 12}, /* mapped */
    {{{0x00, 0x64, 0xFF, 0x9B}, 96},   12}, /* NAT64 */
    {{{0x20, 0x02}, 16},               2 }, /* 6to4 */
};

static bool is_public4(uint32_t address)
{
    for (size_t i = 0; i < ARRAY_LEN(special4); i++) {
        uint32_t mask = UINT32_MAX << (32U - special4[i].bits);
        if ((address & mask) == special4[i].network)
            return false;
    }
    return true;
}

static bool is_within(const unsigned char address[16], const struct range6 *range)
{
    size_t whole = range->bits / 8;
    unsigned rest = range->bits % 8;
    if (memcmp(address, range->network, whole) != 0)
        return false;
    if (rest == 0)
        return true;
    unsigned mask = 0xFFU << (8 - rest);
    return ((unsigned)(address[whole] ^ range->network[whole]) & mask & 0xFFU) == 0;
}

static bool is_public6(const unsigned char address[16])
{
    for (size_t i = 0; i < ARRAY_LEN(carriers); i++) {
        const unsigned char *inner = address + carriers[i].at;
        if (is_within(address, &carriers[i].range))
            return is_public4(IP4(inner[0], inner[1], inner[2], inner[3]));
    }
    for (size_t i = 0; i < ARRAY_LEN(special6); i++) {
        if (is_within(address, &special6[i]))
            return false;
    }
    return is_within(address, &global6);
}

bool httpc_address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return is_public4(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        return is_public6(in6.sin6_addr.s6_addr);
    }
    return false;
}
