/*
 * The text is a worker token from outside, or the header and the payload of one with a line break
 * between: whatever it is, reading it is safe, and what is read is within its bounds. Nobody
 * without the secret makes a signature.
 */
#include <string.h>

#include "base/macros.h"
#include "base/parse.h"
#include "crypt/crypt.h"
#include "crypt/jwt.h"
#include "fuzz.h"
#include "worker_token.h"

enum { ARENA_BYTES = 4 << 20 };

static void token_run(struct arena *arena, struct str text)
{
    struct err err = {0};
    struct worker_token token;
    const struct http_params none = {NULL, 0};
    if (worker_token_read(arena, text, &token, &err) != ERR_OK) {
        INVARIANT(err.code == ERR_UNAUTHENTICATED);
        return;
    }
    INVARIANT(worker_token_is_formed(text));
    INVARIANT(parse_is_sid(str_from(token.worker_sid), "WK"));
    INVARIANT(parse_is_sid(str_from(token.workspace_sid), "WS"));
    INVARIANT(parse_is_sid(str_from(token.account_sid), "AC"));
    INVARIANT(token.expires_at_us > 0);
    INVARIANT(!token.is_capability || strcmp(token.issuer, token.account_sid) == 0);
    (void)(worker_token_check_time(&token, 0, NULL) == ERR_OK);
    const char *path =
        arena_printf(arena, "/v1/Workspaces/%s/Workers/%s", token.workspace_sid, token.worker_sid);
    enum err_code code = worker_token_check(&token, HTTP_GET, str_from(path), &none, NULL);
    INVARIANT(token.is_capability || code == ERR_OK);
    code = worker_token_check(&token, HTTP_GET, STR("/v1/Workspaces/%57/x"), &none, NULL);
    INVARIANT(code == ERR_PERMISSION_DENIED);
    code = crypt_jwt_verify(text, STR("a secret that no corpus knows"), NULL);
    INVARIANT(code == ERR_UNAUTHENTICATED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    if (size > 2 * WORKER_TOKEN_MAX || (size > 0 && memchr(data, '\0', size) != NULL))
        return 0; /* headers hold none */
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    token_run(arena, arena_str(arena, text));
    struct buf made;
    buf_init(&made, 0);
    struct str rest = text;
    struct str header = str_split(&rest, '\n');
    crypt_base64url(&made, header.ptr, header.len);
    buf_char(&made, '.');
    crypt_base64url(&made, rest.ptr, rest.len);
    buf_text(&made, ".c2lnbmF0dXJl");
    token_run(arena, arena_str(arena, buf_str(&made)));
    buf_fini(&made);
    return 0;
}
