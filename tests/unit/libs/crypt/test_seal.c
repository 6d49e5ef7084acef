/* Secrets that are stored: they come back, and only where and with what they were put away. */
#include <string.h>

#include "crypt/seal.h"
#include "testing.h"

#define KEY_A "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
#define KEY_B "f0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct crypt_seal_key keys[2];

static void keys_read(void)
{
    CHECK_I64(crypt_seal_key_read(STR(KEY_A), &keys[0], NULL), ERR_OK);
    CHECK_I64(crypt_seal_key_read(STR(KEY_B), &keys[1], NULL), ERR_OK);
}

static void test_round_trip(void)
{
    static const char *const secrets[] = {"", "x", "0123456789abcdef0123456789abcdef"};
    keys_read();
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        struct buf sealed;
        struct buf opened;
        buf_init(&sealed, 0);
        buf_init(&opened, 0);
        buf_text(&sealed, "before");
        CHECK_I64(crypt_seal(&keys[1], STR("AC1 token"), str_from(secrets[i]), &sealed, NULL),
                  ERR_OK);
        CHECK_I64((int64_t)(sealed.len), (int64_t)(6 + strlen(secrets[i]) + CRYPT_SEAL_OVERHEAD));
        struct str text = {sealed.data + 6, sealed.len - 6};
        CHECK(secrets[i][0] == '\0' || secrets[i][1] == '\0' ||
              str_find(text, str_from(secrets[i])) < 0);
        CHECK_I64(crypt_unseal(keys, 2, STR("AC1 token"), text, &opened, NULL), ERR_OK);
        CHECK(str_eq_text(buf_str(&opened), secrets[i]));
        buf_fini(&sealed);
        buf_fini(&opened);
    }
}

static void test_two_times_differ(void)
{
    struct buf sealed[2];
    keys_read();
    for (int i = 0; i < 2; i++) {
        buf_init(&sealed[i], 0);
        CHECK_I64(crypt_seal(&keys[0], STR("c"), STR("the same"), &sealed[i], NULL), ERR_OK);
    }
    CHECK(!str_eq(buf_str(&sealed[0]), buf_str(&sealed[1])));
    buf_fini(&sealed[0]);
    buf_fini(&sealed[1]);
}

static void test_refused(void)
{
    struct buf sealed;
    struct buf opened;
    struct err err = {0};
    keys_read();
    buf_init(&sealed, 0);
    buf_init(&opened, 0);
    CHECK_I64(crypt_seal(&keys[0], STR("AC1 token"), STR("secret"), &sealed, NULL), ERR_OK);
    struct str text = buf_str(&sealed);
    CHECK_I64(crypt_unseal(keys, 1, STR("AC2 token"), text, &opened, &err), ERR_INTERNAL);
    CHECK_TEXT(err.reason, "SEAL_BROKEN");
    CHECK_I64(crypt_unseal(&keys[1], 1, STR("AC1 token"), text, &opened, &err),
              ERR_FAILED_PRECONDITION);
    CHECK_TEXT(err.reason, "SEAL_KEY_UNKNOWN");
    for (size_t len = 0; len < text.len; len++) {
        struct str cut = {text.ptr, len};
        CHECK(crypt_unseal(keys, 2, STR("AC1 token"), cut, &opened, NULL) != ERR_OK);
    }
    for (size_t i = 0; i < text.len; i++) {
        sealed.data[i] ^= 1;
        CHECK(crypt_unseal(keys, 2, STR("AC1 token"), text, &opened, NULL) != ERR_OK);
        sealed.data[i] ^= 1;
    }
    CHECK_I64((int64_t)(opened.len), (int64_t)(0));
    buf_fini(&sealed);
    buf_fini(&opened);
}

static void test_keys(void)
{
    static const char *const bad[] = {"", "00", KEY_A "0",
                                      "g0112233445566778899aabbccddeeff00112233445566778899aabbccd"
                                      "deeff"};
    struct crypt_seal_key key;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        CHECK_I64(crypt_seal_key_read(str_from(bad[i]), &key, &err), ERR_INVALID_ARGUMENT);
        CHECK_TEXT(err.reason, "SEAL_KEY_INVALID");
    }
}

static const struct test_case cases[] = {
    {"round trip",               test_round_trip      },
    {"never the same twice",     test_two_times_differ},
    {"changed or elsewhere",     test_refused         },
    {"what a key may look like", test_keys            },
};

int main(int argc, char **argv)
{
    return testing_main("seal", cases, ARRAY_LEN(cases), argc, argv);
}
