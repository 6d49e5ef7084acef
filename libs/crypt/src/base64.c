#include <stdint.h>

#include "crypt/crypt.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(struct buf *out, const unsigned char *bytes, size_t len, const char *alphabet,
                   bool has_padding)
{
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t group = (uint32_t)bytes[i] << 16;
        if (left > 1)
            group |= (uint32_t)bytes[i + 1] << 8;
        if (left > 2)
            group |= bytes[i + 2];
        char text[4] = {alphabet[group >> 18], alphabet[group >> 12 & 63U], '=', '='};
        if (left > 1)
            text[2] = alphabet[group >> 6 & 63U];
        if (left > 2)
            text[3] = alphabet[group & 63U];
        buf_append(out, text, left > 2 || has_padding ? 4 : left + 1);
    }
}

void crypt_base64(struct buf *out, const void *bytes, size_t len)
{
    encode(out, bytes, len, standard, true);
}

void crypt_base64url(struct buf *out, const void *bytes, size_t len)
{
    encode(out, bytes, len, url_safe, false);
}

/* 0..63, or 64 for a character outside the alphabet. */
static uint32_t value_of(char c, const char *alphabet)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0') + 52;
    if (c == alphabet[62])
        return 62;
    return c == alphabet[63] ? 63 : 64;
}

static enum err_code invalid(struct err *err)
{
    return ERR_SET(err, ERR_INVALID_ARGUMENT, "BASE64_INVALID",
                   "the text is not valid base64; check that it was copied whole");
}

static enum err_code decode(struct str text, const char *alphabet, struct buf *out, struct err *err)
{
    if (text.len % 4 == 1)
        return invalid(err);
    for (size_t i = 0; i < text.len; i += 4) {
        size_t digits = text.len - i < 4 ? text.len - i : 4;
        uint32_t group = 0;
        for (size_t k = 0; k < 4; k++) {
            uint32_t value = k < digits ? value_of(text.ptr[i + k], alphabet) : 0;
            if (value > 63)
                return invalid(err);
            group = group << 6 | value;
        }
        size_t bytes = digits - 1;
        bool has_stray_bits = bytes < 3 && (group & (0xFFFFFFU >> (8 * bytes))) != 0;
        if (has_stray_bits) /* two texts for the same bytes would both be accepted */
            return invalid(err);
        unsigned char decoded[3] = {(unsigned char)(group >> 16),
                                    (unsigned char)(group >> 8 & 255U),
                                    (unsigned char)(group & 255U)};
        buf_append(out, decoded, bytes);
    }
    if (buf_failed(out))
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "BASE64_TOO_LARGE",
                       "the decoded text is larger than %zu bytes", out->max_bytes);
    return ERR_OK;
}

enum err_code crypt_base64_decode(struct str text, struct buf *out, struct err *err)
{
    if (text.len % 4 != 0)
        return invalid(err);
    for (int i = 0; i < 2 && text.len > 0 && text.ptr[text.len - 1] == '='; i++)
        text.len--;
    return decode(text, standard, out, err);
}

enum err_code crypt_base64url_decode(struct str text, struct buf *out, struct err *err)
{
    return decode(text, url_safe, out, err);
}
