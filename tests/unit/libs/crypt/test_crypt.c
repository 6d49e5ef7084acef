#include "crypt/crypt.h"

#include <string.h>

#include "testing.h"

static void hex(const unsigned char *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15U];
    }
    out[2 * len] = '\0';
}

/* FIPS 180-4 examples. */
static void sha256_gives_the_published_digests(void)
{
    char out[CRYPT_SHA256_HEX_SIZE];
    CHECK(crypt_sha256_hex((struct str){NULL, 0}, out, NULL) == ERR_OK);
    CHECK_TEXT(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(crypt_sha256_hex(STR("abc"), out, NULL) == ERR_OK);
    CHECK_TEXT(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* RFC 4231 and RFC 2202, test case 2. */
static void hmac_gives_the_published_codes(void)
{
    unsigned char mac[CRYPT_SHA256_SIZE];
    char text[2 * CRYPT_SHA256_SIZE + 1];
    struct str data = STR("what do ya want for nothing?");
    CHECK(crypt_hmac_sha256(STR("Jefe"), data, mac, NULL) == ERR_OK);
    hex(mac, CRYPT_SHA256_SIZE, text);
    CHECK_TEXT(text, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(crypt_hmac_sha1(STR("Jefe"), data, mac, NULL) == ERR_OK);
    hex(mac, CRYPT_SHA1_SIZE, text);
    CHECK_TEXT(text, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    CHECK(crypt_hmac_sha256((struct str){NULL, 0}, (struct str){NULL, 0}, mac, NULL) == ERR_OK);
    hex(mac, CRYPT_SHA256_SIZE, text);
    CHECK_TEXT(text, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

/* RFC 4648, section 10, and the two characters that differ. */
static void base64_goes_there_and_back(void)
{
    static const struct {
        const char *plain;
        const char *standard;
        const char *url;
    } rows[] = {
        {"",             "",         ""        },
        {"f",            "Zg==",     "Zg"      },
        {"fo",           "Zm8=",     "Zm8"     },
        {"foo",          "Zm9v",     "Zm9v"    },
        {"foob",         "Zm9vYg==", "Zm9vYg"  },
        {"foobar",       "Zm9vYmFy", "Zm9vYmFy"},
        {"\xFB\xEF\xFF", "++//",     "--__"    },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf text;
        struct buf back;
        buf_init(&text, 0);
        buf_init(&back, 0);
        crypt_base64(&text, rows[i].plain, strlen(rows[i].plain));
        CHECK_STR(buf_str(&text), rows[i].standard);
        CHECK(crypt_base64_decode(buf_str(&text), &back, NULL) == ERR_OK);
        CHECK_STR(buf_str(&back), rows[i].plain);
        buf_clear(&text);
        buf_clear(&back);
        crypt_base64url(&text, rows[i].plain, strlen(rows[i].plain));
        CHECK_STR(buf_str(&text), rows[i].url);
        CHECK(crypt_base64url_decode(buf_str(&text), &back, NULL) == ERR_OK);
        CHECK_STR(buf_str(&back), rows[i].plain);
        buf_fini(&text);
        buf_fini(&back);
    }
}

static void bad_base64_is_refused(void)
{
    static const char *const standard[] = {"Z",    "Zg",   "Zg=",        "Zh==", "Zm9=", "Zg==Zg==",
                                           "Z===", "====", "Zm9vYg==\n", "Zm 9", "--__", "Zm9v="};
    static const char *const url[] = {"Z", "Zg==", "Zh", "Zm9", "++//", "Zm9v "};
    struct buf out;
    buf_init(&out, 0);
    for (size_t i = 0; i < ARRAY_LEN(standard); i++)
        CHECK(crypt_base64_decode(str_from(standard[i]), &out, NULL) == ERR_INVALID_ARGUMENT);
    for (size_t i = 0; i < ARRAY_LEN(url); i++)
        CHECK(crypt_base64url_decode(str_from(url[i]), &out, NULL) == ERR_INVALID_ARGUMENT);
    buf_fini(&out);
    buf_init(&out, 2);
    CHECK(crypt_base64_decode(STR("Zm9v"), &out, NULL) == ERR_RESOURCE_EXHAUSTED);
    buf_fini(&out);
}

static void secrets_compare_by_content(void)
{
    CHECK(crypt_equal(STR("secret"), STR("secret")));
    CHECK(crypt_equal(STR(""), (struct str){NULL, 0}));
    CHECK(!crypt_equal(STR("secret"), STR("secreT")));
    CHECK(!crypt_equal(STR("secret"), STR("secret2")));
    CHECK(!crypt_equal(STR("secret"), STR("")));
}

static void tokens_are_formed_and_differ(void)
{
    char a[CRYPT_TOKEN_SIZE];
    char b[CRYPT_TOKEN_SIZE];
    char hash[CRYPT_SHA256_HEX_SIZE];
    char again[CRYPT_SHA256_HEX_SIZE];
    crypt_token_new(a);
    crypt_token_new(b);
    CHECK_I64(strlen(a), CRYPT_TOKEN_LEN);
    CHECK(strncmp(a, "tr_", 3) == 0);
    CHECK(strcmp(a, b) != 0);
    CHECK(crypt_token_is_formed(str_from(a)));
    CHECK(!crypt_token_is_formed((struct str){a, CRYPT_TOKEN_LEN - 1}));
    CHECK(crypt_token_hash(str_from(a), hash, NULL) == ERR_OK);
    CHECK(crypt_sha256_hex(str_from(a), again, NULL) == ERR_OK);
    CHECK_TEXT(hash, again);
    a[10] = '=';
    CHECK(!crypt_token_is_formed(str_from(a)));
    b[0] = 'x';
    CHECK(!crypt_token_is_formed(str_from(b)));
}

static void random_hex_has_the_length_asked_for(void)
{
    char text[201];
    char other[201];
    crypt_random_hex(text, 100);
    crypt_random_hex(other, 100);
    CHECK_I64(strlen(text), 200);
    CHECK_I64(strspn(text, "0123456789abcdef"), 200);
    CHECK(strcmp(text, other) != 0);
    crypt_random_hex(text, 0);
    CHECK_TEXT(text, "");
}

static void wiping_leaves_zeros(void)
{
    char secret[8] = "secret!";
    static const char zeros[8];
    crypt_wipe(secret, sizeof secret);
    CHECK(memcmp(secret, zeros, sizeof secret) == 0);
}

static const struct test_case cases[] = {
    {"SHA-256 gives the published digests", sha256_gives_the_published_digests },
    {"HMAC gives the published codes",      hmac_gives_the_published_codes     },
    {"base64 goes there and back",          base64_goes_there_and_back         },
    {"bad base64 is refused",               bad_base64_is_refused              },
    {"secrets compare by content",          secrets_compare_by_content         },
    {"tokens are well-formed and differ",   tokens_are_formed_and_differ       },
    {"random hex has the length asked for", random_hex_has_the_length_asked_for},
    {"wiping leaves zeros",                 wiping_leaves_zeros                },
};

int main(int argc, char **argv)
{
    return testing_main("crypt", cases, ARRAY_LEN(cases), argc, argv);
}
