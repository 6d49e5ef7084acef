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

typedef uint8_t byte_vector __attribute__((vector_size(16)));

/* Sixteen digits at once: each byte stands twice, the even one keeps its high half and the odd one
 * its low half, then all become digits. */
static inline void put_hex16(char *out, uint64_t value)
{
    const byte_vector halves = {0xF0, 0x0F, 0xF0, 0x0F, 0xF0, 0x0F, 0xF0, 0x0F,
                                0xF0, 0x0F, 0xF0, 0x0F, 0xF0, 0x0F, 0xF0, 0x0F};
    byte_vector x = {0};
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    memcpy(&x, &value, sizeof value);
    x = __builtin_shufflevector(x, x, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7) & halves;
    x = (x >> 4 | x) & 0x0F;
    byte_vector is_letter = (byte_vector)(x > 9);
    x += '0' + (is_letter & ('a' - '0' - 10));
    memcpy(out, &x, sizeof x);
}

void sid_put(struct sid *out, const char *prefix, uint64_t high, uint64_t low)
{
    out->text[0] = prefix[0];
    out->text[1] = prefix[1];
    put_hex16(out->text + 2, high);
    put_hex16(out->text + 18, low);
    out->text[SID_LEN] = '\0';
}

struct sid sid_make(const char *prefix, int64_t at_us, uint16_t counter, uint64_t random)
{
    struct sid sid;
    sid_put(&sid, prefix, (uint64_t)(at_us / US_PER_MS) << 16 | counter, random);
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
