#include "crypt/password.h"

#include <argon2.h>
#include <string.h>

#include "base/ids.h"
#include "base/parse.h"

enum {
    MEMORY_KIB = 19 * 1024,
    PASSES = 2,
    LANES = 1,
    SALT_BYTES = 16,
    HASH_BYTES = 32,
    MEMORY_KIB_CEILING = 1 << 20, /* a planted hash must not make us allocate without bound */
    PASSES_CEILING = 64,
    LANES_CEILING = 64
};

struct costs {
    int64_t memory_kib;
    int64_t passes;
    int64_t lanes;
};

enum err_code crypt_password_hash(struct str password, char out[CRYPT_PASSWORD_SIZE],
                                  struct err *err)
{
    if (!str_is_utf8(password) || str_utf8_count(password) < CRYPT_PASSWORD_MIN_CHARS ||
        password.len > CRYPT_PASSWORD_MAX_BYTES)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PASSWORD_UNFIT", "password",
                         "the password must have at least %d characters and at most %d bytes of "
                         "UTF-8 text",
                         CRYPT_PASSWORD_MIN_CHARS, CRYPT_PASSWORD_MAX_BYTES);
    unsigned char salt[SALT_BYTES];
    random_bytes(salt, sizeof salt);
    int result = argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password.ptr, password.len, salt,
                                       sizeof salt, HASH_BYTES, out, CRYPT_PASSWORD_SIZE);
    if (result == ARGON2_MEMORY_ALLOCATION_ERROR)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "OUT_OF_MEMORY",
                       "there is not enough memory to hash a password; try again");
    if (result != ARGON2_OK)
        return ERR_SET(err, ERR_INTERNAL, "CRYPTO_FAILED", "a password could not be hashed");
    return ERR_OK;
}

static bool take_number(struct str *rest, struct str name, int64_t max, int64_t *out)
{
    struct str part = str_split(rest, ',');
    if (!str_starts_with(part, name))
        return false;
    part.ptr += name.len;
    part.len -= name.len;
    return parse_i64(part, 1, max, out);
}

/* "$argon2id$v=19$m=19456,t=2,p=1$salt$hash" */
static bool read_costs(const char *encoded, struct costs *out)
{
    struct str rest = str_from(encoded);
    if (rest.len >= CRYPT_PASSWORD_SIZE || !str_starts_with(rest, STR("$argon2id$v=19$")))
        return false;
    for (int i = 0; i < 3; i++)
        (void)str_split(&rest, '$');
    struct str costs = str_split(&rest, '$');
    return take_number(&costs, STR("m="), MEMORY_KIB_CEILING, &out->memory_kib) &&
           take_number(&costs, STR("t="), PASSES_CEILING, &out->passes) &&
           take_number(&costs, STR("p="), LANES_CEILING, &out->lanes);
}

enum err_code crypt_password_verify(struct str password, const char *encoded, struct err *err)
{
    struct costs costs;
    if (!read_costs(encoded, &costs))
        return ERR_SET(err, ERR_INTERNAL, "PASSWORD_HASH_INVALID",
                       "a stored password hash cannot be read");
    int result =
        password.len > CRYPT_PASSWORD_MAX_BYTES
            ? ARGON2_VERIFY_MISMATCH
            : argon2id_verify(encoded, password.len == 0 ? "" : password.ptr, password.len);
    if (result == ARGON2_OK)
        return ERR_OK;
    if (result == ARGON2_VERIFY_MISMATCH)
        return ERR_SET(err, ERR_UNAUTHENTICATED, "PASSWORD_WRONG", "the password is wrong");
    if (result == ARGON2_MEMORY_ALLOCATION_ERROR)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "OUT_OF_MEMORY",
                       "there is not enough memory to check a password; try again");
    return ERR_SET(err, ERR_INTERNAL, "PASSWORD_HASH_INVALID",
                   "a stored password hash cannot be read");
}

void crypt_password_pretend(struct str password)
{
    unsigned char salt[SALT_BYTES] = {0};
    unsigned char hash[HASH_BYTES];
    if (password.len > CRYPT_PASSWORD_MAX_BYTES)
        return;
    (void)argon2id_hash_raw(PASSES, MEMORY_KIB, LANES, password.len == 0 ? "" : password.ptr,
                            password.len, salt, sizeof salt, hash, sizeof hash);
}

bool crypt_password_is_outdated(const char *encoded)
{
    struct costs costs;
    return !read_costs(encoded, &costs) || costs.memory_kib < MEMORY_KIB || costs.passes < PASSES;
}
