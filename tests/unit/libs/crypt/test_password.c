#include "crypt/password.h"

#include <string.h>

#include "testing.h"

static const char weak[] = "$argon2id$v=19$m=8192,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$"
                           "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

static void a_password_is_known_again_and_another_is_not(void)
{
    char encoded[CRYPT_PASSWORD_SIZE];
    char other[CRYPT_PASSWORD_SIZE];
    struct err err = {0};
    REQUIRE(crypt_password_hash(STR("correct horse"), encoded, &err) == ERR_OK);
    REQUIRE(crypt_password_hash(STR("correct horse"), other, &err) == ERR_OK);
    CHECK(strncmp(encoded, "$argon2id$v=19$m=19456,t=2,p=1$", 31) == 0);
    CHECK(strcmp(encoded, other) != 0); /* salted */
    CHECK(crypt_password_verify(STR("correct horse"), encoded, &err) == ERR_OK);
    CHECK(crypt_password_verify(STR("correct horsf"), encoded, &err) == ERR_UNAUTHENTICATED);
    CHECK(crypt_password_verify((struct str){NULL, 0}, encoded, &err) == ERR_UNAUTHENTICATED);
    CHECK(strstr(err.detail, "horse") == NULL);
    CHECK(!crypt_password_is_outdated(encoded));
    crypt_password_pretend(STR("correct horse"));
}

static void unfit_passwords_are_refused(void)
{
    static char long_text[CRYPT_PASSWORD_MAX_BYTES + 1];
    char encoded[CRYPT_PASSWORD_SIZE];
    struct err err = {0};
    memset(long_text, 'x', sizeof long_text);
    CHECK(crypt_password_hash(STR("nine char"), encoded, &err) == ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, "password");
    CHECK(crypt_password_hash(STR("not utf-8 \xFF"), encoded, &err) == ERR_INVALID_ARGUMENT);
    CHECK(crypt_password_hash((struct str){long_text, sizeof long_text}, encoded, &err) ==
          ERR_INVALID_ARGUMENT);
    CHECK(strstr(err.detail, "xxx") == NULL);
}

static void a_hash_that_cannot_be_read_or_costs_too_much_is_internal(void)
{
    static const char *const bad[] = {
        "",
        "plain text",
        "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$AAAA",
        "$argon2id$v=19$m=19456,t=2$c29tZXNhbHQ$AAAA",
        "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$AAAA",
        "$argon2id$v=19$m=19456,t=4000000000,p=1$c29tZXNhbHQ$AAAA",
        "$argon2id$v=19$m=19456,t=2,p=1$",
        "$argon2id$v=19$m=19456,t=2,p=1$!!!!$AAAA",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        CHECK(crypt_password_verify(STR("correct horse"), bad[i], &err) == ERR_INTERNAL);
    }
    CHECK(crypt_password_is_outdated("plain text"));
}

static void weaker_costs_are_outdated(void)
{
    CHECK(crypt_password_is_outdated(weak));
    CHECK(crypt_password_verify(STR("correct horse"), weak, NULL) == ERR_UNAUTHENTICATED);
}

static const struct test_case cases[] = {
    {"a password is known again and another is not",             a_password_is_known_again_and_another_is_not},
    {"unfit passwords are refused",                              unfit_passwords_are_refused                 },
    {"a hash that cannot be read or costs too much is INTERNAL",
     a_hash_that_cannot_be_read_or_costs_too_much_is_internal                                                },
    {"weaker costs are outdated",                                weaker_costs_are_outdated                   },
};

int main(int argc, char **argv)
{
    return testing_main("password", cases, ARRAY_LEN(cases), argc, argv);
}
