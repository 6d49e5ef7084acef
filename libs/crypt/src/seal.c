#include "crypt/seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/ids.h"
#include "base/macros.h"
#include "crypt/crypt.h"

/* The sealed text: format, key id, nonce, ciphertext, tag. */
enum { FORMAT = 1, NONCE_SIZE = 12, TAG_SIZE = 16, HEAD_SIZE = 1 + CRYPT_SEAL_ID_SIZE };

_Static_assert(HEAD_SIZE + NONCE_SIZE + TAG_SIZE == CRYPT_SEAL_OVERHEAD, "what seal.h says");

static void context_free(EVP_CIPHER_CTX **context)
{
    EVP_CIPHER_CTX_free(*context);
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum err_code crypt_seal_key_read(struct str hex, struct crypt_seal_key *out, struct err *err)
{
    struct crypt_seal_key key;
    bool is_good = hex.len == CRYPT_SEAL_KEY_DIGITS;
    for (size_t i = 0; i < sizeof key.bytes && is_good; i++) {
        int high = digit_of(hex.ptr[2 * i]);
        int low = digit_of(hex.ptr[2 * i + 1]);
        is_good = high >= 0 && low >= 0;
        key.bytes[i] = is_good ? (unsigned char)(high * 16 + low) : 0;
    }
    if (!is_good)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "SEAL_KEY_INVALID",
                       "a key has %d hexadecimal digits; make one with: openssl rand -hex 32",
                       CRYPT_SEAL_KEY_DIGITS);
    unsigned char digest[CRYPT_SHA256_SIZE];
    const void *bytes = key.bytes;
    enum err_code code = crypt_sha256((struct str){bytes, sizeof key.bytes}, digest, err);
    if (code == ERR_OK) {
        memcpy(key.id, digest, sizeof key.id);
        *out = key;
    }
    crypt_wipe(&key, sizeof key);
    return code;
}

static enum err_code crypto_failed(struct err *err)
{
    return ERR_SET(err, ERR_INTERNAL, "CRYPTO_FAILED", "a secret could not be sealed or opened");
}

/* Text bytes as OpenSSL takes them. */
static const unsigned char *bytes_of(struct str text)
{
    const void *bytes = text.len == 0 ? "" : text.ptr;
    return bytes;
}

enum err_code crypt_seal(const struct crypt_seal_key *key, struct str context, struct str secret,
                         struct buf *out, struct err *err)
{
    AUTO(context_free) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    size_t begin = out->len;
    unsigned char nonce[NONCE_SIZE];
    unsigned char tag[TAG_SIZE];
    int len = 0;
    int tail = 0;
    if (cipher == NULL || secret.len > INT32_MAX || context.len > INT32_MAX ||
        !buf_reserve(out, secret.len + CRYPT_SEAL_OVERHEAD))
        return crypto_failed(err);
    random_bytes(nonce, sizeof nonce);
    buf_char(out, FORMAT);
    buf_append(out, key->id, sizeof key->id);
    buf_append(out, nonce, sizeof nonce);
    buf_str_append(out, secret); /* encrypted where it lies */
    void *text = out->data + begin + HEAD_SIZE + NONCE_SIZE;
    if (EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key->bytes, nonce) != 1 ||
        EVP_EncryptUpdate(cipher, NULL, &len, bytes_of(context), (int)context.len) != 1 ||
        EVP_EncryptUpdate(cipher, text, &len, text, (int)secret.len) != 1 ||
        EVP_EncryptFinal_ex(cipher, (unsigned char *)text + len, &tail) != 1 ||
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, tag) != 1) {
        crypt_wipe(text, secret.len);
        out->len = begin;
        return crypto_failed(err);
    }
    buf_append(out, tag, sizeof tag);
    return ERR_OK;
}

static const struct crypt_seal_key *key_of(const struct crypt_seal_key *keys, size_t count,
                                           const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (CRYPTO_memcmp(keys[i].id, id, CRYPT_SEAL_ID_SIZE) == 0)
            return &keys[i];
    }
    return NULL;
}

static enum err_code broken(struct err *err)
{
    return ERR_SET(err, ERR_INTERNAL, "SEAL_BROKEN",
                   "a stored secret does not open: its row was changed by other means");
}

enum err_code crypt_unseal(const struct crypt_seal_key *keys, size_t key_count, struct str context,
                           struct str sealed, struct buf *out, struct err *err)
{
    if (sealed.len < CRYPT_SEAL_OVERHEAD || sealed.ptr[0] != FORMAT || sealed.len > INT32_MAX ||
        context.len > INT32_MAX)
        return broken(err);
    const struct crypt_seal_key *key = key_of(keys, key_count, sealed.ptr + 1);
    if (key == NULL)
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "SEAL_KEY_UNKNOWN",
                       "a stored secret was sealed with a key that is not configured here");
    AUTO(context_free) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    const unsigned char *nonce = bytes_of(sealed) + HEAD_SIZE;
    size_t text_len = sealed.len - CRYPT_SEAL_OVERHEAD;
    size_t begin = out->len;
    unsigned char tag[TAG_SIZE];
    int len = 0;
    int tail = 0;
    if (cipher == NULL || !buf_reserve(out, text_len + 1))
        return crypto_failed(err);
    memcpy(tag, sealed.ptr + sealed.len - TAG_SIZE, TAG_SIZE);
    buf_append(out, nonce + NONCE_SIZE, text_len); /* decrypted where it lies */
    void *text = out->data + begin;
    bool is_whole =
        EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key->bytes, nonce) == 1 &&
        EVP_DecryptUpdate(cipher, NULL, &len, bytes_of(context), (int)context.len) == 1 &&
        EVP_DecryptUpdate(cipher, text, &len, text, (int)text_len) == 1 &&
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) == 1 &&
        EVP_DecryptFinal_ex(cipher, (unsigned char *)text + len, &tail) == 1;
    if (!is_whole) {
        crypt_wipe(text, text_len);
        out->len = begin;
        return broken(err);
    }
    return ERR_OK;
}
