/*
 * SIDs: two capital letters and 32 hex digits of a time-ordered 128-bit value, so that indexes stay
 * local: 48 bits of milliseconds, 16 bits of a counter within the process, 64 random bits.
 * Made in the owning service; opaque text everywhere else (a SID from Twilio is as good).
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

#define SID_LEN  34
#define SID_SIZE 35 /* with the NUL */

struct sid {
    char text[SID_SIZE]; /* NUL-terminated; all zero = no SID */
};

/* prefix: two letters. Random bits from the kernel. Threads: any. */
struct sid sid_new(const char *prefix);

/* The same from given parts, for the engine: deterministic. */
struct sid sid_make(const char *prefix, int64_t at_us, uint16_t counter, uint64_t random);

/* The same from its two halves, where many are made. */
void sid_put(struct sid *out, const char *prefix, uint64_t high, uint64_t low);

/* A SID that depends on its input alone (FNV-1a twice, 128 bits): for things that several parties
 * may create for the same reason, such as a workspace's default channels. */
struct sid sid_derive(const char *prefix, struct str scope, struct str name);

/* Copies a view of at most SID_LEN bytes; longer or empty text gives the zero SID. */
struct sid sid_from(struct str text);

int sid_is_set(const struct sid *sid);

/* Kernel randomness; aborts when there is none. */
void random_bytes(void *out, size_t len);
