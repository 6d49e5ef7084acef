#include "httpc/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "testing.h"

static bool is_public(const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        return httpc_address_is_public((const struct sockaddr *)(const void *)&in);
    CHECK(inet_pton(AF_INET6, text, &in6.sin6_addr) == 1);
    return httpc_address_is_public((const struct sockaddr *)(const void *)&in6);
}

static void test_special(void)
{
    static const char *const texts[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::10.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:192.168.0.1",
        "::ffff:0:127.0.0.1",
        "::ffff:0:a00:1",
        "1::1",
        "4000::1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:c0a8:101::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (!CHECK(!is_public(texts[i])))
            (void)fprintf(stderr, "%s\n", texts[i]);
    }
}

static void test_public(void)
{
    static const char *const texts[] = {
        "1.1.1.1",          "9.255.255.255",  "11.0.0.1",        "100.63.255.255",
        "100.128.0.1",      "126.0.0.1",      "128.0.0.1",       "169.253.0.1",
        "172.15.255.255",   "172.32.0.1",     "192.0.1.1",       "192.167.1.1",
        "198.17.255.255",   "198.20.0.1",     "223.255.255.255", "::ffff:8.8.8.8",
        "64:ff9b::808:808", "2002:808:808::", "2606:4700::1111", "2a00:1450:4001::1",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (!CHECK(is_public(texts[i])))
            (void)fprintf(stderr, "%s\n", texts[i]);
    }
}

static void test_family(void)
{
    struct sockaddr other = {.sa_family = AF_UNIX};
    CHECK(!httpc_address_is_public(&other));
}

static const struct test_case cases[] = {
    {"special addresses are not public, however they are dressed", test_special},
    {"their neighbours are",                                       test_public },
    {"other families are not",                                     test_family },
};

int main(int argc, char **argv)
{
    return testing_main("httpc address", cases, ARRAY_LEN(cases), argc, argv);
}
