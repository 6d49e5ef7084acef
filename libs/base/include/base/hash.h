/*
 * A quick hash of short keys, for tables in memory only: it may be another one in the next release
 * or on another machine. What is kept or shared between processes uses hash_bytes (base/map.h).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

__extension__ typedef unsigned __int128 hash_wide; /* the only place where we need 128 bits */

/* Both halves of the product, and the words themselves, so that a zero factor hides nothing. */
static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
    hash_wide product =
        (hash_wide)(a ^ UINT64_C(0x9E3779B97F4A7C15)) * (b ^ UINT64_C(0xD6E8FEB86659FD93));
    return (uint64_t)product ^ (uint64_t)(product >> 64) ^ a ^ (b << 32 | b >> 32);
}

static inline uint64_t hash_word(const unsigned char *at)
{
    uint64_t word = 0;
    memcpy(&word, at, sizeof word);
    return word;
}

static inline uint32_t hash_half(const unsigned char *at)
{
    uint32_t word = 0;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Ends are read as whole words that overlap: no loop over single bytes. */
static inline uint64_t hash_quick(const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    const size_t whole = len;
    uint64_t hash = UINT64_C(0x2545F4914F6CDD1D);
    uint64_t a = 0;
    uint64_t b = 0;
    while (len > 16) {
        hash = hash_fold(hash ^ hash_word(at), hash_word(at + 8));
        at += 16;
        len -= 16;
    }
    if (len >= 8) {
        a = hash_word(at);
        b = hash_word(at + len - 8);
    } else if (len >= 4) {
        a = hash_half(at);
        b = hash_half(at + len - 4);
    } else if (len > 0) {
        a = (uint64_t)at[0] << 16 | (uint64_t)at[len / 2] << 8 | at[len - 1];
    }
    return hash_fold(hash ^ a ^ whole * UINT64_C(0x94D049BB133111EB), b);
}
