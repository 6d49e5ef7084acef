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

/* Eight digits at a time: each half-byte goes to a byte of its own, then all become digits at
 * once. */
static void put_hex8(char *out, uint32_t value)
{
    uint64_t x = value;
    x = (x << 16 | x) & UINT64_C(0x0000FFFF0000FFFF);
    x = (x << 8 | x) & UINT64_C(0x00FF00FF00FF00FF);
    x = (x << 4 | x) & UINT64_C(0x0F0F0F0F0F0F0F0F);
    uint64_t is_letter = (x + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
    x += UINT64_C(0x3030303030303030) + is_letter * ('a' - '0' - 10);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    memcpy(out, &x, sizeof x);
}

static void put_hex16(char *out, uint64_t value)
{
    put_hex8(out, (uint32_t)(value >> 32));
    put_hex8(out + 8, (uint32_t)value);
}

struct sid sid_make(const char *prefix, int64_t at_us, uint16_t counter, uint64_t random)
{
    struct sid sid = {{0}};
    sid.text[0] = prefix[0];
    sid.text[1] = prefix[1];
    put_hex16(sid.text + 2, (uint64_t)(at_us / US_PER_MS) << 16 | counter);
    put_hex16(sid.text + 18, random);
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
        put_hex16(sid.text + 2 + 16 * i, hash);
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
