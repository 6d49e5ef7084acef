/* getrandom() is outside POSIX. */
#define _DEFAULT_SOURCE
#include "base/ids.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/macros.h"

void random_bytes(void *out, size_t len)
{
    char *at = out;
    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        INVARIANT(n > 0);
        at += n;
        len -= (size_t)n;
    }
}

static void put_hex(char *out, uint64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = "0123456789abcdef"[value & 0xFU];
        value >>= 4;
    }
}

struct sid sid_make(const char *prefix, int64_t at_us, uint16_t counter, uint64_t random)
{
    struct sid sid = {{0}};
    sid.text[0] = prefix[0];
    sid.text[1] = prefix[1];
    put_hex(sid.text + 2, (uint64_t)(at_us / US_PER_MS), 12);
    put_hex(sid.text + 14, counter, 4);
    put_hex(sid.text + 18, random, 16);
    return sid;
}

struct sid sid_new(const char *prefix)
{
    static atomic_ushort counter;
    uint64_t random = 0;
    random_bytes(&random, sizeof random);
    return sid_make(prefix, clock_now_us(), atomic_fetch_add(&counter, 1), random);
}

static uint64_t fnv1a(uint64_t hash, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        hash ^= (unsigned char)bytes.ptr[i];
        hash *= UINT64_C(0x100000001b3);
    }
    return hash;
}

struct sid sid_derive(const char *prefix, struct str scope, struct str name)
{
    static const uint64_t offsets[] = {UINT64_C(0xcbf29ce484222325), UINT64_C(0x9ae16a3b2f90404f)};
    struct sid sid = {{0}};
    sid.text[0] = prefix[0];
    sid.text[1] = prefix[1];
    for (size_t i = 0; i < 2; i++) {
        uint64_t hash = fnv1a(offsets[i], scope);
        hash = fnv1a(hash, STR("/"));
        hash = fnv1a(hash, name);
        put_hex(sid.text + 2 + 16 * i, hash, 16);
    }
    return sid;
}

struct sid sid_from(struct str text)
{
    struct sid sid = {{0}};
    if (text.len > 0 && text.len <= SID_LEN)
        memcpy(sid.text, text.ptr, text.len);
    return sid;
}

int sid_is_set(const struct sid *sid)
{
    return sid->text[0] != '\0';
}
