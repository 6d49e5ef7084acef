/* Between the files of auth: what is remembered, and how it is asked for. */
#pragma once

#include "auth.h"
#include "base/lock.h"
#include "base/map.h"
#include "crypt/crypt.h"
#include "token.h"

#define AUTH_TOUCH_S 60 /* how exact the time of last use is */

struct auth {
    struct db_pool *pool;
    const struct vault *vault;
    const char *account_sid;
    const char *auth_token;
    struct lock lock; /* guards what follows */
    struct map known;
    uint64_t forgets; /* grows with auth_forget: what was read before it is not remembered after */
};

/* One credential on its way through the memory; hash is its key there. */
struct auth_question {
    char hash[CRYPT_SHA256_HEX_SIZE];
    uint64_t forgets;
};

/* Says the refusal of the state in *err and counts it. */
enum err_code auth_refuse(enum token_state state, struct err *err) MUST_CHECK;

/* Whether the memory knows the answer, which is then *out_code. */
bool auth_recall(struct auth *auth, struct call *call, struct auth_question *question,
                 enum err_code *out_code, struct identity *out_who, struct err *err);

/* Remembers what was found (token NULL: nothing) and gives the answer. Texts of *out_who are the
 * token's. */
enum err_code auth_conclude(struct auth *auth, const struct auth_question *question,
                            const struct token *token, enum token_state state,
                            struct identity *out_who, struct err *err) MUST_CHECK;
