#include "twilio_url.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/str.h"
#include "http/http.h"

enum { RANGES_MAX = 64, V4_BYTES = 4, V6_BYTES = 16, HOST_MAX_BYTES = 255, PREFIX_MAX_BYTES = 255 };

struct range {
    unsigned char bytes[V6_BYTES];
    size_t len; /* of the address: 4 or 16 */
    unsigned bits;
};

struct twilio_proxies {
    struct range ranges[RANGES_MAX];
    size_t count;
};

/* ---- ranges ---- */

/* IPv6 forms of IPv4 addresses count as these. */
static bool address_parse(struct str text, unsigned char bytes[V6_BYTES], size_t *out_len)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    char copy[INET6_ADDRSTRLEN];
    if (text.len == 0 || text.len >= sizeof copy)
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, bytes) == 1) {
        *out_len = V4_BYTES;
        return true;
    }
    if (inet_pton(AF_INET6, copy, bytes) != 1)
        return false;
    *out_len = V6_BYTES;
    if (memcmp(bytes, mapped, sizeof mapped) == 0) {
        memmove(bytes, bytes + sizeof mapped, V4_BYTES);
        *out_len = V4_BYTES;
    }
    return true;
}

static bool range_parse(struct str text, struct range *out)
{
    struct str rest = text;
    struct str address = str_split(&rest, '/');
    int64_t bits = 0;
    if (!address_parse(address, out->bytes, &out->len))
        return false;
    bits = (int64_t)out->len * 8;
    if (rest.ptr != NULL && !parse_i64(rest, 0, bits, &bits))
        return false;
    out->bits = (unsigned)bits;
    return true;
}

static bool range_has(const struct range *range, const unsigned char *bytes, size_t len)
{
    if (range->len != len)
        return false;
    size_t whole = range->bits / 8;
    unsigned left = range->bits % 8;
    if (memcmp(range->bytes, bytes, whole) != 0)
        return false;
    return left == 0 || ((range->bytes[whole] ^ bytes[whole]) >> (8 - left)) == 0;
}

enum err_code twilio_proxies_new(const char *list, struct twilio_proxies **out, struct err *err)
{
    struct twilio_proxies *proxies = xcalloc(1, sizeof *proxies);
    struct str rest = str_from(list);
    while (rest.ptr != NULL) {
        struct str part = str_trim(str_split(&rest, ','));
        if (part.len == 0)
            continue;
        if (proxies->count == RANGES_MAX ||
            !range_parse(part, &proxies->ranges[proxies->count++])) {
            free(proxies);
            return ERR_SET(err, ERR_INVALID_ARGUMENT, "CONFIG_INVALID",
                           "TASKROUTER_TRUSTED_PROXIES: \"%.*s\" is not an address or a range "
                           "such as 10.0.0.0/8; write at most %d, separated by commas",
                           (int)(part.len > 60 ? 60 : part.len), part.ptr, RANGES_MAX);
        }
    }
    *out = proxies;
    return ERR_OK;
}

void twilio_proxies_free(struct twilio_proxies *proxies)
{
    free(proxies);
}

bool twilio_proxies_trust(const struct twilio_proxies *proxies, const char *peer)
{
    unsigned char bytes[V6_BYTES];
    size_t len = 0;
    if (proxies->count == 0 || !address_parse(str_from(peer), bytes, &len))
        return false;
    for (size_t i = 0; i < proxies->count; i++) {
        if (range_has(&proxies->ranges[i], bytes, len))
            return true;
    }
    return false;
}

/* ---- the URL ---- */

static bool has_only(struct str text, const char *marks)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_alnum && (c == '\0' || strchr(marks, c) == NULL))
            return false;
    }
    return text.len > 0;
}

static bool is_host(struct str text)
{
    return text.len <= HOST_MAX_BYTES && has_only(text, ".-_:[]");
}

/* The last value of the last line, the one that the nearest proxy wrote: a proxy that adds a line
 * leaves the client's in front. {NULL, 0} when there is none. */
static struct str forwarded(const struct http_request *req, const char *name)
{
    struct str last = {NULL, 0};
    for (size_t i = 0; i < req->headers.count; i++) {
        struct str rest = req->headers.items[i].value;
        if (!str_eq_nocase(req->headers.items[i].name, str_from(name)))
            continue;
        while (rest.ptr != NULL)
            last = str_trim(str_split(&rest, ','));
    }
    return last.len > 0 ? last : (struct str){NULL, 0};
}

static bool has_port(struct str host)
{
    for (size_t i = host.len; i > 0 && host.ptr[i - 1] != ']'; i--) {
        if (host.ptr[i - 1] == ':')
            return true;
    }
    return false;
}

static struct str without_slash(struct str text)
{
    while (text.len > 0 && text.ptr[text.len - 1] == '/')
        text.len--;
    return text;
}

static const char *from_proxy(const struct http_request *req, struct str host, struct arena *arena)
{
    struct str proto = forwarded(req, "X-Forwarded-Proto");
    struct str named = forwarded(req, "X-Forwarded-Host");
    struct str port = forwarded(req, "X-Forwarded-Port");
    struct str prefix = without_slash(forwarded(req, "X-Forwarded-Prefix"));
    bool is_secure = str_eq_nocase(proto, STR("https"));
    int64_t number = 0;
    if (named.ptr != NULL && is_host(named))
        host = named;
    if (prefix.len > PREFIX_MAX_BYTES || !has_only(prefix, "/.-_~") || prefix.ptr[0] != '/')
        prefix = STR("");
    bool has_own =
        !has_port(host) && parse_i64(port, 1, 65535, &number) && number != (is_secure ? 443 : 80);
    if (has_own)
        return arena_printf(arena, "%s://%.*s:%d%.*s", is_secure ? "https" : "http", STR_ARG(host),
                            (int)number, STR_ARG(prefix));
    return arena_printf(arena, "%s://%.*s%.*s", is_secure ? "https" : "http", STR_ARG(host),
                        STR_ARG(prefix));
}

const char *twilio_root_url(const struct twilio_proxies *proxies, const char *public_url,
                            const struct http_request *req, struct arena *arena)
{
    if (public_url != NULL)
        return arena_str_dup(arena, without_slash(str_from(public_url)));
    struct str host = http_header(req, "Host");
    if (!is_host(host))
        host = STR("localhost");
    if (twilio_proxies_trust(proxies, req->peer))
        return from_proxy(req, host, arena);
    return arena_printf(arena, "http://%.*s", STR_ARG(host));
}
