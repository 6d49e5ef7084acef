/* explicit_bzero() is outside POSIX. */
#define _DEFAULT_SOURCE
#include "crypt/crypt.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/ids.h"

static const char token_prefix[] = "tr_";
enum { TOKEN_RANDOM_BYTES = 32 };

static enum err_code crypto_failed(struct err *err, const char *what)
{
    return ERR_SET(err, ERR_INTERNAL, "CRYPTO_FAILED", "%s could not be computed", what);
}

/* OpenSSL wants a valid pointer even for no bytes. */
static const void *bytes_of(struct str data)
{
    return data.len == 0 ? "" : data.ptr;
}

enum err_code crypt_sha1(struct str data, unsigned char out[CRYPT_SHA1_SIZE], struct err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (EVP_Digest(bytes_of(data), data.len, digest, &len, EVP_sha1(), NULL) != 1 ||
        len != CRYPT_SHA1_SIZE)
        return crypto_failed(err, "a SHA-1 digest");
    memcpy(out, digest, CRYPT_SHA1_SIZE);
    return ERR_OK;
}

enum err_code crypt_sha256(struct str data, unsigned char out[CRYPT_SHA256_SIZE], struct err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (EVP_Digest(bytes_of(data), data.len, digest, &len, EVP_sha256(), NULL) != 1 ||
        len != CRYPT_SHA256_SIZE)
        return crypto_failed(err, "a SHA-256 digest");
    memcpy(out, digest, CRYPT_SHA256_SIZE);
    return ERR_OK;
}

static void put_hex(char *out, const unsigned char *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 0xFU];
    }
    out[2 * len] = '\0';
}

enum err_code crypt_sha256_hex(struct str data, char out[CRYPT_SHA256_HEX_SIZE], struct err *err)
{
    unsigned char digest[CRYPT_SHA256_SIZE];
    enum err_code code = crypt_sha256(data, digest, err);
    if (code == ERR_OK)
        put_hex(out, digest, sizeof digest);
    return code;
}

static enum err_code hmac(const EVP_MD *kind, struct str key, struct str data, unsigned char *out,
                          size_t out_size, struct err *err)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (key.len > INT32_MAX ||
        HMAC(kind, bytes_of(key), (int)key.len, bytes_of(data), data.len, mac, &len) == NULL ||
        len != out_size)
        return crypto_failed(err, "an HMAC");
    memcpy(out, mac, out_size);
    return ERR_OK;
}

enum err_code crypt_hmac_sha256(struct str key, struct str data,
                                unsigned char out[CRYPT_SHA256_SIZE], struct err *err)
{
    return hmac(EVP_sha256(), key, data, out, CRYPT_SHA256_SIZE, err);
}

enum err_code crypt_hmac_sha1(struct str key, struct str data, unsigned char out[CRYPT_SHA1_SIZE],
                              struct err *err)
{
    return hmac(EVP_sha1(), key, data, out, CRYPT_SHA1_SIZE, err);
}

/* Compares digests: their length is fixed, and where two digests differ says nothing about where
 * the texts do. */
bool crypt_equal(struct str a, struct str b)
{
    unsigned char digest_a[CRYPT_SHA256_SIZE];
    unsigned char digest_b[CRYPT_SHA256_SIZE];
    enum err_code code_a = crypt_sha256(a, digest_a, NULL);
    enum err_code code_b = crypt_sha256(b, digest_b, NULL);
    return code_a == ERR_OK && code_b == ERR_OK &&
           CRYPTO_memcmp(digest_a, digest_b, sizeof digest_a) == 0;
}

void crypt_token_new(char out[CRYPT_TOKEN_SIZE])
{
    unsigned char random[TOKEN_RANDOM_BYTES];
    struct buf text;
    buf_init(&text, CRYPT_TOKEN_SIZE);
    random_bytes(random, sizeof random);
    buf_text(&text, token_prefix);
    crypt_base64url(&text, random, sizeof random);
    INVARIANT(!buf_failed(&text) && text.len == CRYPT_TOKEN_LEN);
    memcpy(out, text.data, CRYPT_TOKEN_SIZE);
    crypt_wipe(random, sizeof random);
    crypt_wipe(text.data, text.len);
    buf_fini(&text);
}

static bool is_base64url(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

bool crypt_token_is_formed(struct str text)
{
    if (text.len != CRYPT_TOKEN_LEN || !str_starts_with(text, str_from(token_prefix)))
        return false;
    for (size_t i = sizeof token_prefix - 1; i < text.len; i++) {
        if (!is_base64url(text.ptr[i]))
            return false;
    }
    return true;
}

enum err_code crypt_token_hash(struct str token, char out[CRYPT_SHA256_HEX_SIZE], struct err *err)
{
    return crypt_sha256_hex(token, out, err);
}

void crypt_random_hex(char *out, size_t byte_count)
{
    unsigned char random[64];
    for (size_t done = 0; done < byte_count;) {
        size_t n = byte_count - done < sizeof random ? byte_count - done : sizeof random;
        random_bytes(random, n);
        put_hex(out + 2 * done, random, n);
        done += n;
    }
    out[2 * byte_count] = '\0';
    crypt_wipe(random, sizeof random);
}

void crypt_wipe(void *secret, size_t len)
{
    explicit_bzero(secret, len);
}
