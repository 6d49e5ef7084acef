#include "vault.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "crypt/crypt.h"
#include "crypt/seal.h"

enum { KEYS_MAX = 2, SECRET_BYTES_MAX = 4096 };

struct vault {
    struct crypt_seal_key keys[KEYS_MAX]; /* the first one seals */
    size_t count;
};

enum err_code vault_new(const char *key, const char *previous, struct vault **out, struct err *err)
{
    struct vault *vault = xcalloc(1, sizeof *vault);
    const char *texts[KEYS_MAX] = {key, previous};
    for (size_t i = 0; i < KEYS_MAX && key != NULL; i++) {
        if (texts[i] == NULL)
            continue;
        enum err_code code =
            crypt_seal_key_read(str_from(texts[i]), &vault->keys[vault->count], err);
        if (code != ERR_OK) {
            vault_free(vault);
            return code;
        }
        vault->count++;
    }
    *out = vault;
    return ERR_OK;
}

void vault_free(struct vault *vault)
{
    if (vault == NULL)
        return;
    crypt_wipe(vault->keys, sizeof vault->keys);
    free(vault);
}

enum err_code vault_seal(const struct vault *vault, struct call *call, const char *sid,
                         struct str secret, struct str *out_sealed, struct err *err)
{
    if (vault->count == 0)
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "SECRET_KEY_MISSING",
                       "this gateway cannot keep secrets yet; set TASKROUTER_SECRET_KEY to the "
                       "output of: openssl rand -hex 32");
    struct buf sealed;
    buf_init(&sealed, SECRET_BYTES_MAX);
    enum err_code code = crypt_seal(&vault->keys[0], str_from(sid), secret, &sealed, err);
    if (code == ERR_OK) {
        *out_sealed = arena_str(call->arena, buf_str(&sealed));
        if (arena_is_exhausted(call->arena))
            code = call_no_room(err);
    }
    buf_fini(&sealed);
    return code;
}

enum err_code vault_open(const struct vault *vault, struct call *call, const char *sid,
                         struct str sealed, struct str *out_secret, struct err *err)
{
    struct buf secret;
    buf_init(&secret, SECRET_BYTES_MAX);
    enum err_code code =
        crypt_unseal(vault->keys, vault->count, str_from(sid), sealed, &secret, err);
    if (code == ERR_FAILED_PRECONDITION)
        code = ERR_SET(err, ERR_UNAVAILABLE, "SECRET_KEY_MISSING",
                       "the secret of %s was sealed with a key that is not configured here; set "
                       "TASKROUTER_SECRET_KEY as before",
                       sid);
    if (code == ERR_OK) {
        *out_secret = arena_str(call->arena, buf_str(&secret));
        if (arena_is_exhausted(call->arena))
            code = call_no_room(err);
    }
    if (secret.data != NULL)
        crypt_wipe(secret.data, secret.len);
    buf_fini(&secret);
    return code;
}
