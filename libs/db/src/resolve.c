#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "db_int.h"

enum { MAX_ADDRESSES = 8 };

struct lookup {
    char *host;
    struct addrinfo *found;
    int failure;
};

static void lookup_run(void *ctx)
{
    struct lookup *lookup = ctx;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    lookup->failure = getaddrinfo(lookup->host, NULL, &hints, &lookup->found);
}

static void lookup_free(void *ctx)
{
    struct lookup *lookup = ctx;
    if (lookup->found != NULL)
        freeaddrinfo(lookup->found);
    free(lookup->host);
    free(lookup);
}

/* libpq wants both lists of the same length: "db,db" and "10.0.0.1,10.0.0.2". */
static void lists_make(const struct lookup *lookup, struct db_addresses *out)
{
    struct buf hosts;
    struct buf addresses;
    buf_init(&hosts, 0);
    buf_init(&addresses, 0);
    int count = 0;
    for (const struct addrinfo *at = lookup->found; at != NULL && count < MAX_ADDRESSES;
         at = at->ai_next) {
        char text[INET6_ADDRSTRLEN];
        const void *raw = at->ai_addr;
        const void *bytes = at->ai_family == AF_INET6
                                ? (const void *)&((const struct sockaddr_in6 *)raw)->sin6_addr
                                : (const void *)&((const struct sockaddr_in *)raw)->sin_addr;
        if (inet_ntop(at->ai_family, bytes, text, sizeof text) == NULL)
            continue;
        buf_printf(&hosts, "%s%s", count == 0 ? "" : ",", lookup->host);
        buf_printf(&addresses, "%s%s", count == 0 ? "" : ",", text);
        count++;
    }
    out->hosts = buf_take(&hosts);
    out->addresses = buf_take(&addresses);
}

void db_addresses_free(struct db_addresses *addresses)
{
    free(addresses->hosts);
    free(addresses->addresses);
    *addresses = (struct db_addresses){NULL, NULL};
}

bool db_resolve(const char *host, int64_t deadline, struct db_addresses *out, char *why,
                size_t why_size)
{
    struct lookup *lookup = xcalloc(1, sizeof *lookup);
    lookup->host = xstrdup(host);
    if (!db_aside(lookup_run, lookup_free, lookup, deadline)) {
        (void)snprintf(why, why_size, "the name %s was not looked up in time", host);
        return false;
    }
    bool is_found = lookup->failure == 0 && lookup->found != NULL;
    if (is_found)
        lists_make(lookup, out);
    else
        (void)snprintf(why, why_size, "the name %s is not known: %s", host,
                       gai_strerror(lookup->failure));
    lookup_free(lookup);
    return is_found;
}

/* An address, a socket's directory and a list of hosts are left to libpq. */
static bool is_name(const char *host)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return host != NULL && host[0] != '\0' && host[0] != '/' && host[0] != '@' &&
           strchr(host, ',') == NULL && inet_pton(AF_INET, host, bytes) != 1 &&
           inet_pton(AF_INET6, host, bytes) != 1;
}

char *db_host_of(const char *url)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    const char *host = NULL;
    bool has_address = false;
    for (const PQconninfoOption *each = options; each != NULL && each->keyword != NULL; each++) {
        if (strcmp(each->keyword, "host") == 0)
            host = each->val;
        if (strcmp(each->keyword, "hostaddr") == 0)
            has_address = each->val != NULL && each->val[0] != '\0';
    }
    char *name = !has_address && is_name(host) ? xstrdup(host) : NULL;
    PQconninfoFree(options);
    return name;
}
