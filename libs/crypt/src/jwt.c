#include "crypt/jwt.h"

#include <jwt.h>

#include "crypt/crypt.h"

static bool is_digit(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

bool crypt_jwt_is_formed(struct str token)
{
    int parts = 0;
    struct str rest = token;
    while (rest.ptr != NULL) {
        struct str part = str_split(&rest, '.');
        parts++;
        if (part.len == 0)
            return false;
        for (size_t i = 0; i < part.len; i++) {
            if (!is_digit(part.ptr[i]))
                return false;
        }
    }
    return parts == 3;
}

static enum err_code invalid(struct err *err)
{
    return ERR_SET(err, ERR_INVALID_ARGUMENT, "JWT_INVALID",
                   "the token is no JSON web token; check that it was copied whole");
}

enum err_code crypt_jwt_read(struct str token, struct buf *out_header, struct buf *out_payload,
                             struct err *err)
{
    struct str rest = token;
    if (!crypt_jwt_is_formed(token))
        return invalid(err);
    enum err_code code = crypt_base64url_decode(str_split(&rest, '.'), out_header, err);
    if (code == ERR_OK)
        code = crypt_base64url_decode(str_split(&rest, '.'), out_payload, err);
    return code == ERR_INVALID_ARGUMENT ? invalid(err) : code;
}

enum err_code crypt_jwt_verify(struct str token, struct str secret, struct err *err)
{
    jwt_t *jwt = NULL;
    const void *key = secret.ptr;
    bool is_signed = crypt_jwt_is_formed(token) && secret.len > 0 && secret.len <= INT32_MAX &&
                     jwt_decode(&jwt, token.ptr, key, (int)secret.len) == 0;
    if (is_signed) {
        jwt_alg_t algorithm = jwt_get_alg(jwt);
        is_signed =
            algorithm == JWT_ALG_HS256 || algorithm == JWT_ALG_HS384 || algorithm == JWT_ALG_HS512;
        jwt_free(jwt);
    }
    if (!is_signed)
        return ERR_SET(err, ERR_UNAUTHENTICATED, "JWT_NOT_SIGNED",
                       "the token was not signed with the secret of its issuer");
    return ERR_OK;
}
