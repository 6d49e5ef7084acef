#include "twilio/signature.h"

#include "testing.h"

/* Vectors made with the official package. */
#define ZEROS "00000000000000000000000000000000"
/* A view in a static table. */
#define T(literal)                                                                                 \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }

/* Calls instead of nested braces: the array alignment of clang-format 14 crashes on those. */
#define P(name, value)                                                                             \
    {                                                                                              \
        T(name), T(value)                                                                          \
    }
#define V(url, signature, ...)                                                                     \
    {                                                                                              \
        T(url), T(signature), __VA_ARGS__                                                          \
    }
#define S(signed_url, url, is_valid, ...)                                                          \
    {                                                                                              \
        T(signed_url), T(url), is_valid, __VA_ARGS__                                               \
    }

#define TOKEN STR("12345678901234567890123456789012")

static const struct twilio_param event_params[] = {
    P("EventType", "task.created"),
    P("AccountSid", "AC" ZEROS),
    P("WorkspaceSid", "WS" ZEROS),
    P("TaskSid", "WT" ZEROS),
    P("TaskAttributes", "{\"type\":\"support\"}"),
    P("Timestamp", "1700000000"),
    P("Extra", "1"), /* one more than was signed */
};

static const struct twilio_param repeated_params[] = {
    P("Digits", "1"),    P("Tag", "b"),   P("Tag", "a"),   P("Tag", "b"),
    P("CallSid", "CA1"), P("a", "lower"), P("Z", "upper"),
};

static const struct twilio_param distinct_params[] = {
    P("Tag", "a"),       P("Tag", "b"),   P("Digits", "1"),
    P("CallSid", "CA1"), P("a", "lower"), P("Z", "upper"),
};

static const struct twilio_param utf8_params[] = {
    P("TaskAttributes", "{\"name\":\"Zoë – 東京\"}"),
    P("Empty", ""),
};

static const struct twilio_param one_param[] = {P("A", "1")};

static const struct twilio_param foo_param[] = {P("Foo", "bar")};

#define EVENT_PARAMS event_params, 6

#define JSON_BODY "{\"EventType\":\"task.created\",\"TaskSid\":\"WT1\"}"
#define JSON_URL                                                                                   \
    "https://example.com/json?bodySHA256="                                                         \
    "a6b87657f3e0a38ff2034127be0557a2e3f62d188702e495f2efb441cc8d4279"

struct vector {
    struct str url;
    struct str signature;
    const struct twilio_param *params;
    size_t count;
};

static const struct vector vectors[] = {
    V("https://example.com/taskrouter/events", "y+r3OlevZteLXosWqow3fojzJAg=", EVENT_PARAMS),
    V("https://example.com:8443/taskrouter/events", "x+QlfqmkeTWCa5h5Jcc0wb5Kq2k=", EVENT_PARAMS),
    V("https://example.com:443/taskrouter/events", "tXSIEoCJeL9AWLgbpQK2nVnlIdo=", EVENT_PARAMS),
    V("https://example.com/assign?tenant=a%20b&x=1", "kr+/UgZ7rhlwPr9s27yKgy0Fd2Q=", NULL, 0),
    V("https://example.com/multi", "360ADvUXwg13I62QYpjWKdHePj0=", repeated_params,
      ARRAY_LEN(repeated_params)),
    V("https://example.com/utf8", "VfgUkRtemsEIUylqY4SSr1Us8+8=", utf8_params,
      ARRAY_LEN(utf8_params)),
    V(JSON_URL, "n8mKX+Zi7qGPs07IURdGl1dNrcw=", NULL, 0),
    V("https://user:pa:ss@example.com/q?name=O'Brien", "wh6vlgdQW5KYQTQN1Ek+mUJ6geE=", one_param,
      1),
    V("http://127.0.0.1:8080/cb", "9T41cUPqiTUa2SxM+uxcor2Yj0w=", foo_param, 1),
};

static void test_vectors(void)
{
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        const struct vector *v = &vectors[i];
        char out[TWILIO_SIGNATURE_SIZE] = "";
        CHECK(twilio_sign(TOKEN, v->url, v->params, v->count, out, NULL) == ERR_OK);
        CHECK_TEXT(out, v->signature.ptr);
        CHECK(twilio_verify(TOKEN, v->signature, v->url, v->params, v->count));
    }
}

static void test_others(void)
{
    const struct vector *v = &vectors[0];
    CHECK(!twilio_verify(STR("12345678901234567890123456789013"), v->signature, v->url,
                         EVENT_PARAMS));
    CHECK(!twilio_verify(TOKEN, STR(""), v->url, EVENT_PARAMS));
    CHECK(!twilio_verify(TOKEN, STR("y+r3OlevZteLXosWqow3fojzJAg"), v->url, EVENT_PARAMS));
    CHECK(!twilio_verify(TOKEN, v->signature, v->url, event_params, 5));
}

static void test_json(void)
{
    struct buf url;
    char out[TWILIO_SIGNATURE_SIZE] = "";
    buf_init(&url, 0);
    CHECK(twilio_sign_body(TOKEN, STR("https://example.com/json#part"), STR(JSON_BODY), &url, out,
                           NULL) == ERR_OK);
    CHECK_STR(buf_str(&url), JSON_URL);
    CHECK_TEXT(out, "n8mKX+Zi7qGPs07IURdGl1dNrcw=");
    CHECK(twilio_verify_body(TOKEN, str_from(out), STR(JSON_URL), STR(JSON_BODY)));
    CHECK(!twilio_verify_body(TOKEN, str_from(out), STR(JSON_URL), STR(JSON_BODY " ")));
    CHECK(
        !twilio_verify_body(TOKEN, str_from(out), STR("https://example.com/json"), STR(JSON_BODY)));
    buf_clear(&url);
    CHECK(twilio_sign_body(TOKEN, STR("https://example.com/json?a=1"), STR("x"), &url, out, NULL) ==
          ERR_OK);
    CHECK(str_find(buf_str(&url), STR("?a=1&bodySHA256=")) > 0);
    CHECK(twilio_verify_body(TOKEN, str_from(out), buf_str(&url), STR("x")));
    buf_fini(&url);
}

/* What the official validator answers. */
static void test_spellings(void)
{
    static const struct {
        struct str signed_url; /* as given to twilio_sign */
        struct str url;        /* presented */
        bool is_valid;
        const struct twilio_param *params;
        size_t count;
    } rows[] = {
        S("https://example.com/taskrouter/events", "https://example.com:8443/taskrouter/events",
          true, EVENT_PARAMS),
        S("https://example.com:8443/taskrouter/events", "https://example.com/taskrouter/events",
          false, EVENT_PARAMS),
        S("https://example.com:443/taskrouter/events", "https://example.com/taskrouter/events",
          true, EVENT_PARAMS),
        S("http://127.0.0.1/cb", "http://127.0.0.1:8080/cb", true, foo_param, 1),
        S("https://example.com/taskrouter/events", "https://EXAMPLE.com/taskrouter/events", true,
          EVENT_PARAMS),
        S("https://example.com", "https://example.com/", false, NULL, 0),
        S("https://example.com/", "https://example.com", true, NULL, 0),
        S("https://example.com/q?name=O%27Brien", "https://example.com/q?name=O'Brien", true,
          one_param, 1),
        S("https://user:pa:ss@example.com/q?name=O'Brien",
          "https://user:pa:ss@example.com/q?name=O%27Brien", false, one_param, 1),
        S("https://[2001:db8::1]/cb", "https://[2001:DB8::1]:8443/cb", true, foo_param, 1),
        S("https://example.com/q?a=b%20c&d=", "https://example.com/q?a=b+c&d", true, NULL, 0),
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char signature[TWILIO_SIGNATURE_SIZE] = "";
        CHECK(twilio_sign(TOKEN, rows[i].signed_url, rows[i].params, rows[i].count, signature,
                          NULL) == ERR_OK);
        CHECK_I64(
            twilio_verify(TOKEN, str_from(signature), rows[i].url, rows[i].params, rows[i].count),
            rows[i].is_valid);
    }
    CHECK(!twilio_verify(TOKEN, vectors[0].signature, vectors[0].url, event_params,
                         ARRAY_LEN(event_params)));
    CHECK(twilio_verify(TOKEN, vectors[4].signature, vectors[4].url, distinct_params,
                        ARRAY_LEN(distinct_params)));
}

static void test_no_url(void)
{
    static const char *const texts[] = {"",         "/taskrouter", "example.com/x", "ftp://a/b",
                                        "https://", "http://:80/", "http://a:b/",   "http://u@/"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        char signature[TWILIO_SIGNATURE_SIZE] = "";
        CHECK(twilio_sign(TOKEN, str_from(texts[i]), NULL, 0, signature, NULL) == ERR_OK);
        CHECK(!twilio_verify(TOKEN, str_from(signature), str_from(texts[i]), NULL, 0));
    }
}

static void test_order(void)
{
    static const struct twilio_param one_way[] = {P("\xEF\xBC\x81", "1"),
                                                  P("\xF0\x9F\x98\x80", "2")};
    char sorted[TWILIO_SIGNATURE_SIZE] = "";
    char plain[TWILIO_SIGNATURE_SIZE] = "";
    CHECK(twilio_sign(TOKEN, STR("https://a/"), one_way, 2, sorted, NULL) == ERR_OK);
    CHECK(twilio_sign(TOKEN,
                      STR("https://a/\xF0\x9F\x98\x80"
                          "2"
                          "\xEF\xBC\x81"
                          "1"),
                      NULL, 0, plain, NULL) == ERR_OK);
    CHECK_TEXT(sorted, plain);
}

static void test_form(void)
{
    static const struct twilio_param params[] = {
        P("Name", "a b+c&d=é~"),
        P("Empty", ""),
    };
    struct buf out;
    buf_init(&out, 0);
    twilio_form_encode(&out, params, ARRAY_LEN(params));
    CHECK_STR(buf_str(&out), "Name=a%20b%2Bc%26d%3D%C3%A9~&Empty=");
    buf_fini(&out);
}

static const struct test_case cases[] = {
    {"the nine published vectors are signed and verified",              test_vectors  },
    {"another token, signature or set of parameters is refused",        test_others   },
    {"a body that is no form is signed by its hash in the URL",         test_json     },
    {"a URL is taken in the spellings that the official validator has", test_spellings},
    {"what is no absolute http URL is never valid",                     test_no_url   },
    {"names are sorted by UTF-16 code unit",                            test_order    },
    {"a form is percent-encoded UTF-8",                                 test_form     },
};

int main(int argc, char **argv)
{
    return testing_main("twilio signature", cases, ARRAY_LEN(cases), argc, argv);
}
