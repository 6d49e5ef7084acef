#include "token.h"

#include "testing.h"
#include "user.h"

static struct token token_of(enum role role)
{
    return (struct token){.sid = "TK1",
                          .account_sid = "AC1",
                          .friendly_name = "a token",
                          .role = role,
                          .worker_sid = "",
                          .workspace_sid = "",
                          .user_sid = ""};
}

static const struct identity admin = {ROLE_ADMIN, "US1", "AC1", "", ""};

static void states(void)
{
    struct token token = token_of(ROLE_VIEWER);
    struct err err = {0};
    CHECK(token_state_at(NULL, 10) == TOKEN_UNKNOWN);
    CHECK(token_state_at(&token, 10) == TOKEN_VALID);
    token.expires_at_us = 11;
    CHECK(token_state_at(&token, 10) == TOKEN_VALID);
    CHECK(token_state_at(&token, 11) == TOKEN_EXPIRED);
    token.revoked_at_us = 5;
    CHECK(token_state_at(&token, 10) == TOKEN_REVOKED);
    for (int state = TOKEN_STATE_NONE; state < TOKEN_STATE_COUNT; state++) {
        enum err_code want = state == TOKEN_VALID ? ERR_OK : ERR_UNAUTHENTICATED;
        CHECK(token_state_check((enum token_state)state, &err) == want);
    }
}

static void makers(void)
{
    struct err err = {0};
    struct token token = token_of(ROLE_ADMIN);
    struct identity maker = admin;
    CHECK(token_check(&token, &maker, &err) == ERR_OK);
    maker.role = ROLE_SUPERVISOR;
    CHECK(token_check(&token, &maker, &err) == ERR_PERMISSION_DENIED);
    CHECK_TEXT(err.field, "role");
    maker = admin;
    maker.workspace_sid = "WS00000000000000000000000000000001";
    CHECK(token_check(&token, &maker, &err) == ERR_PERMISSION_DENIED);
    CHECK_TEXT(err.field, "workspace_sid");
    token.workspace_sid = maker.workspace_sid;
    CHECK(token_check(&token, &maker, &err) == ERR_OK);
}

static void fields(void)
{
    struct err err = {0};
    struct token token = token_of(ROLE_AGENT);
    CHECK(token_check(&token, &admin, &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, "worker_sid");
    token = token_of(ROLE_SERVICE);
    CHECK(token_check(&token, &admin, &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, "role");
    token = token_of(ROLE_VIEWER);
    token.friendly_name = "  ";
    CHECK(token_check(&token, &admin, &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, "friendly_name");
    CHECK(token_check_ttl(0, &err) == ERR_OK);
    CHECK(token_check_ttl(TOKEN_TTL_MAX_S + 1, &err) == ERR_INVALID_ARGUMENT);
}

static void emails(void)
{
    static const struct {
        const char *email;
        bool is_good;
    } rows[] = {
        {"a@b.de",                     true },
        {"Ann.Lee+x@mail.example.com", true },
        {"",                           false},
        {"ann",                        false},
        {"@b.de",                      false},
        {"a@b",                        false},
        {"a b@c.de",                   false},
        {"a@b@c.de",                   false},
        {"a@.de",                      false},
        {"a@b.de\n",                   false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        struct user user = {.email = rows[i].email,
                            .name = "Ann",
                            .role = ROLE_AGENT,
                            .department = "",
                            .quickbase_user_id = ""};
        CHECK_I64(user_check(&user, &err) == ERR_OK, rows[i].is_good);
    }
}

static const struct test_case cases[] = {
    {"a token is valid until it expires or is revoked", states},
    {"a token cannot do more than its maker",           makers},
    {"a token names what it is for",                    fields},
    {"an email looks like one",                         emails},
};

int main(int argc, char **argv)
{
    return testing_main("token", cases, ARRAY_LEN(cases), argc, argv);
}
