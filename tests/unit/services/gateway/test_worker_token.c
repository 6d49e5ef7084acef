/* What worker tokens say and allow, and whose signature counts. */
#include <stdio.h>
#include <string.h>

#include "auth.h"
#include "base/clock.h"
#include "crypt/crypt.h"
#include "crypt/jwt.h"
#include "testing.h"
#include "vault.h"
#include "worker_token.h"

#define AC     "AC00000000000000000000000000000001"
#define SK     "SK00000000000000000000000000000001"
#define WS     "WS00000000000000000000000000000001"
#define WK     "WK00000000000000000000000000000001"
#define HEADER "{'alg':'HS256','typ':'JWT','cty':'twilio-fpa;v=1'}"
#define GRANT                                                                                      \
    "'grants':{'identity':'x','task_router':{'workspace_sid':'" WS "','worker_sid':'" WK           \
    "','role':'worker'}}"
#define ACCESS "{'jti':'x','iss':'" SK "','sub':'" AC "','exp':4000000000," GRANT "}"
#define CAPABILITY(policies)                                                                       \
    "{'iss':'" AC "','exp':4000000000,'version':'v1','account_sid':'" AC "','channel':'" WK        \
    "','workspace_sid':'" WS "','worker_sid':'" WK "','policies':" policies "}"

static struct arena *arena;
static struct worker_token token;
static struct err err;

/* Single quotes stand for double ones. */
static void part_append(struct buf *out, const char *json)
{
    struct buf text;
    buf_init(&text, 0);
    for (const char *c = json; *c != '\0'; c++)
        buf_char(&text, (char)(*c == '\'' ? '"' : *c));
    crypt_base64url(out, text.data, text.len);
    buf_fini(&text);
}

static struct str make(const char *header, const char *payload, const char *secret)
{
    struct buf out;
    unsigned char mac[CRYPT_SHA256_SIZE];
    buf_init(&out, 0);
    part_append(&out, header);
    buf_char(&out, '.');
    part_append(&out, payload);
    CHECK_I64(crypt_hmac_sha256(str_from(secret), buf_str(&out), mac, NULL), ERR_OK);
    buf_char(&out, '.');
    crypt_base64url(&out, mac, sizeof mac);
    struct str made = arena_str(arena, buf_str(&out));
    buf_fini(&out);
    return made;
}

static enum err_code read(const char *header, const char *payload)
{
    err_clear(&err);
    return worker_token_read(arena, make(header, payload, "secret"), &token, &err);
}

static void test_access(void)
{
    CHECK_I64(read(HEADER, ACCESS), ERR_OK);
    CHECK(!token.is_capability);
    CHECK_TEXT(token.issuer, SK);
    CHECK_TEXT(token.account_sid, AC);
    CHECK_TEXT(token.workspace_sid, WS);
    CHECK_TEXT(token.worker_sid, WK);
    CHECK_I64(token.expires_at_us, INT64_C(4000000000) * US_PER_S);
}

static void test_capability(void)
{
    CHECK_I64(read("{'alg':'HS256','typ':'JWT'}", CAPABILITY("[]")), ERR_OK);
    CHECK(token.is_capability);
    CHECK_TEXT(token.issuer, AC);
    CHECK_TEXT(token.worker_sid, WK);
}

static void test_bad(void)
{
    static const struct {
        const char *header;
        const char *payload;
        const char *said;
    } rows[] = {
        {"{'alg':'none','cty':'twilio-fpa;v=1'}",               ACCESS,                                                                "HS256, HS384 or HS512"},
        {"{'alg':'RS256','cty':'twilio-fpa;v=1'}",              ACCESS,                                                                "HS256, HS384 or HS512"},
        {"{'cty':'twilio-fpa;v=1'}",                            ACCESS,                                                                "HS256, HS384 or HS512"},
        {"{'alg':'HS256','alg':'none','cty':'twilio-fpa;v=1'}", ACCESS,                                                                "cannot be read"       },
        {"{'alg':'HS256'}",                                     ACCESS,                                                                "cty"                  },
        {"[]",                                                  ACCESS,                                                                "cannot be read"       },
        {HEADER,                                                "[]",                                                                  "cannot be read"       },
        {HEADER,                                                "{'a':[[[[[[[[[[[[]]]]]]]]]]]]}",                                      "cannot be read"       },
        {HEADER,                                                "{'iss':'" SK "','sub':'" AC "'," GRANT "}",                           "(exp)"                },
        {HEADER,                                                "{'iss':'" SK "','sub':'" AC "','exp':'4000000000'," GRANT "}",        "(exp)"                },
        {HEADER,                                                "{'iss':'" SK "','sub':'" AC "','exp':4e9," GRANT "}",                 "(exp)"                },
        {HEADER,                                                "{'iss':'" SK "','sub':'" AC "','exp':-1," GRANT "}",                  "(exp)"                },
        {HEADER,                                                "{'iss':'" SK "','sub':'" AC "','exp':9000000000000000000," GRANT "}", "(exp)"                },
        {HEADER,                                                "{'iss':'" SK "','exp':4000000000," GRANT "}",                         "(sub)"                },
        {HEADER,                                                "{'sub':'" AC "','exp':4000000000," GRANT "}",                         "(iss)"                },
        {HEADER,                                                "{'iss':'TK','sub':'" AC "','exp':4000000000," GRANT "}",              "(iss)"                },
        {HEADER,                                                "{'iss':'" SK "','sub':'" AC "','exp':4000000000}",                    "grant"                },
        {HEADER,
         "{'iss':'" SK "','sub':'" AC "','exp':4000000000,'grants':{'task_router':{"
         "'workspace_sid':'" WS "','worker_sid':'" AC "'}}}",
         "grant"                                                                                                                                              },
        {HEADER,
         "{'iss':'" SK "','sub':'" AC "','exp':4000000000,'grants':{'task_router':{"
         "'workspace_sid':'" WS "','worker_sid':'" WK "','role':'admin'}}}",
         "role"                                                                                                                                               },
        {HEADER,                                                "{'iss':'" AC "','exp':4000000000,'account_sid':'" AC "'}",
         "workspace and worker"                                                                                                                               },
        {HEADER,
         "{'iss':'" AC "','exp':4000000000,'account_sid':'"
         "AC00000000000000000000000000000002'}",                                                                                       "another account"      },
        {HEADER,
         "{'iss':'" AC "','exp':4000000000,'account_sid':'" AC "','workspace_sid':'" WS
         "','worker_sid':'" WK "','policies':{}}",
         "policies"                                                                                                                                           },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_I64(read(rows[i].header, rows[i].payload), ERR_UNAUTHENTICATED);
        CHECK_TEXT(err.reason, "TOKEN_INVALID");
        if (strstr(err.detail, rows[i].said) == NULL) {
            fprintf(stderr, "row %zu: %s\n", i, err.detail);
            CHECK(false);
        }
    }
    static char large[WORKER_TOKEN_MAX + 100];
    (void)snprintf(large, sizeof large, "{'iss':'" SK "','x':'%0*d'}", WORKER_TOKEN_MAX, 1);
    CHECK_I64(read(HEADER, large), ERR_UNAUTHENTICATED);
    static const char *const texts[] = {"", "a", "a.b", "a.b.c.d", "a..b", "eyJ.eyJ.!", ".."};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        CHECK_I64(worker_token_read(arena, str_from(texts[i]), &token, NULL), ERR_UNAUTHENTICATED);
}

static void test_time(void)
{
    CHECK_I64(read(HEADER, "{'iss':'" SK "','sub':'" AC "','exp':1000,'nbf':900," GRANT "}"),
              ERR_OK);
    CHECK_I64(worker_token_check_time(&token, 999 * US_PER_S, &err), ERR_OK);
    CHECK_I64(worker_token_check_time(&token, 1000 * US_PER_S, &err), ERR_UNAUTHENTICATED);
    CHECK_TEXT(err.reason, "TOKEN_EXPIRED");
    CHECK_I64(worker_token_check_time(&token, 880 * US_PER_S, &err), ERR_OK);
    CHECK_I64(worker_token_check_time(&token, 860 * US_PER_S, &err), ERR_UNAUTHENTICATED);
    CHECK_TEXT(err.reason, "TOKEN_INVALID");
}

static bool may(enum http_method method, const char *path, const char *form)
{
    struct http_params params;
    CHECK_I64(http_params_decode(arena, str_from(form), 16, &params, NULL), ERR_OK);
    return worker_token_check(&token, method, str_from(path), &params, &err) == ERR_OK;
}

#define BELOW "/v1/Workspaces/" WS

static void test_worker_may(void)
{
    static const struct {
        enum http_method method;
        const char *path;
        bool is_allowed;
    } rows[] = {
        {HTTP_GET,    BELOW,                                                     true },
        {HTTP_HEAD,   BELOW,                                                     true },
        {HTTP_GET,    BELOW "/Activities",                                       true },
        {HTTP_GET,    BELOW "/Workers/" WK,                                      true },
        {HTTP_POST,   BELOW "/Workers/" WK,                                      true },
        {HTTP_GET,    BELOW "/Workers/" WK "/Reservations",                      true },
        {HTTP_POST,   BELOW "/Workers/" WK "/Reservations/WR1",                  true },
        {HTTP_GET,    BELOW "/Tasks/WT1",                                        true },
        {HTTP_POST,   BELOW "/Tasks/WT1",                                        true },
        {HTTP_DELETE, BELOW "/Tasks/WT1",                                        false},
        {HTTP_DELETE, BELOW "/Workers/" WK,                                      false},
        {HTTP_GET,    BELOW "/Tasks",                                            false},
        {HTTP_GET,    BELOW "/Workers",                                          false},
        {HTTP_GET,    BELOW "/Workers/WK00000000000000000000000000000002",       false},
        {HTTP_GET,    BELOW "/Workers/WK%30",                                    false},
        {HTTP_GET,    BELOW "/Events",                                           false},
        {HTTP_POST,   BELOW,                                                     false},
        {HTTP_GET,    "/v1/Workspaces",                                          false},
        {HTTP_GET,    "/v1/Workspaces/WS00000000000000000000000000000002",       false},
        {HTTP_GET,    "/api/taskrouter/workers/" WK,                             false},
        {HTTP_GET,    "",                                                        false},
        {HTTP_GET,    BELOW "/Workers/" WK "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q", false},
    };
    CHECK_I64(read(HEADER, ACCESS), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (may(rows[i].method, rows[i].path, "") != rows[i].is_allowed) {
            fprintf(stderr, "%s %s\n", http_method_name(rows[i].method), rows[i].path);
            CHECK(false);
        }
    }
}

#define URL "https://taskrouter.twilio.com/v1/Workspaces/" WS

static void test_policies(void)
{
    CHECK_I64(
        read(HEADER,
             CAPABILITY("[{'url':'" URL "/Tasks/**','method':'GET','allow':true},"
                        "{'url':'" URL "/Tasks/WT2','method':'GET','allow':false},"
                        "{'url':'" URL "/Workers/" WK "','method':'POST','allow':true,"
                        "'post_filter':{'ActivitySid':{'required':true},'Reason':'x'}},"
                        "{'url':'" URL "/Workers/*/Channels','method':'get','allow':true,"
                        "'query_filter':{'Page':{'required':false}}},"
                        "{'url':'/v1/Workspaces/" WS "/Activities','method':'GET','allow':true},"
                        "{'url':'https://x','method':'GET','allow':true},"
                        "{'method':'GET','allow':true},7,"
                        "{'url':'" URL "/Workflows/**','method':'GET'}]")),
        ERR_OK);
    CHECK(may(HTTP_GET, BELOW "/Tasks/WT1", ""));
    CHECK(may(HTTP_GET, BELOW "/Tasks", ""));
    CHECK(may(HTTP_GET, BELOW "/Tasks/WT1/Reservations/WR1", ""));
    CHECK(!may(HTTP_POST, BELOW "/Tasks/WT1", ""));
    CHECK(!may(HTTP_GET, BELOW "/Tasks/WT2", ""));
    CHECK(!may(HTTP_GET, BELOW "/Tasks/W%542", "")); /* the same, said otherwise */
    CHECK(may(HTTP_POST, BELOW "/Workers/" WK, "ActivitySid=WA1&Reason=x"));
    CHECK(!may(HTTP_POST, BELOW "/Workers/" WK, "ActivitySid=WA1"));
    CHECK(!may(HTTP_POST, BELOW "/Workers/" WK, "Reason=x"));
    CHECK(!may(HTTP_POST, BELOW "/Workers/" WK, "ActivitySid=WA1&Reason=y"));
    CHECK(!may(HTTP_POST, BELOW "/Workers/" WK, "ActivitySid=WA1&Reason=x&Reason=y"));
    CHECK(!may(HTTP_POST, BELOW "/Workers/" WK, "ActivitySid=WA1&Reason=x&Attributes={}"));
    CHECK(may(HTTP_GET, BELOW "/Workers/" WK "/Channels", ""));
    CHECK(may(HTTP_GET, BELOW "/Workers/" WK "/Channels", "Page=1"));
    CHECK(!may(HTTP_GET, BELOW "/Workers/" WK "/Channels", "PageSize=1"));
    CHECK(!may(HTTP_GET, BELOW "/Workers/" WK "/Channels/WC1", ""));
    CHECK(may(HTTP_GET, BELOW "/Activities", ""));
    CHECK(!may(HTTP_GET, BELOW "/Activities/WA1", ""));
    CHECK(!may(HTTP_GET, BELOW "/Workflows/WW1", "")); /* allow is not said */
    CHECK_TEXT(err.reason, "NOT_ALLOWED");
}

/* A policy that forbids is not got around by a parameter more, or by a second value. */
static void test_forbidding(void)
{
    CHECK_I64(
        read(HEADER, CAPABILITY("[{'url':'" URL "/**','method':'POST','allow':true},"
                                "{'url':'" URL "/Workers/" WK "','method':'POST','allow':false,"
                                "'post_filter':{'ActivitySid':{'required':true}}},"
                                "{'url':'" URL "/Tasks/*','method':'POST','allow':false,"
                                "'post_filter':{'AssignmentStatus':'completed'}},"
                                "{'url':'" URL "/**/Channels/**','method':'POST'}]")),
        ERR_OK);
    CHECK(may(HTTP_POST, BELOW "/Workers/" WK, "Attributes={}"));
    CHECK(!may(HTTP_POST, BELOW "/Workers/" WK, "ActivitySid=WA1"));
    CHECK(!may(HTTP_POST, BELOW "/Workers/" WK, "ActivitySid=WA1&x=1"));
    CHECK(may(HTTP_POST, BELOW "/Tasks/WT1", "AssignmentStatus=wrapping"));
    CHECK(!may(HTTP_POST, BELOW "/Tasks/WT1", "AssignmentStatus=completed&x=1"));
    CHECK(!may(HTTP_POST, BELOW "/Tasks/WT1",
               "AssignmentStatus=wrapping&AssignmentStatus=completed"));
    CHECK(may(HTTP_POST, BELOW "/Workers/" WK "/Reservations/WR1", ""));
    CHECK(!may(HTTP_POST, BELOW "/Workers/" WK "/Channels/WC1", ""));
    CHECK(!may(HTTP_POST, BELOW "/Workers/" WK "/Channels", ""));
    CHECK(!may(HTTP_POST, BELOW "/Workers/Channels/Channels/WC1/a", ""));
    CHECK(may(HTTP_POST, BELOW "/Workers/Channel", ""));
}

/* What is remembered of a worker's token is no answer where API tokens are asked for. */
static void test_memory(void)
{
    struct call call;
    struct worker_token read_back;
    struct identity who;
    enum err_code code = ERR_OK;
    struct vault *vault = NULL;
    call_init(&call, arena, "test", US_PER_S);
    REQUIRE(vault_new(NULL, NULL, &vault, NULL) == ERR_OK);
    struct auth *auth = auth_new(AC, "secret", vault); /* needs no database for its own account */
    struct str made = make("{'alg':'HS256'}", CAPABILITY("[]"), "secret");
    CHECK(made.len <= AUTH_TOKEN_MAX);
    CHECK_I64(auth_worker(auth, &call, made, &read_back, &who, &err), ERR_OK);
    CHECK_TEXT(who.worker_sid, WK);
    CHECK(!auth_token_cached(auth, &call, made, &code, &who, &err));
    auth_free(auth);
    vault_free(vault);
}

static void test_signature(void)
{
    struct str good = make(HEADER, ACCESS, "secret");
    CHECK_I64(crypt_jwt_verify(good, STR("secret"), NULL), ERR_OK);
    CHECK_I64(crypt_jwt_verify(good, STR("secreT"), &err), ERR_UNAUTHENTICATED);
    CHECK_TEXT(err.reason, "JWT_NOT_SIGNED");
    CHECK_I64(crypt_jwt_verify(good, STR(""), NULL), ERR_UNAUTHENTICATED);
    CHECK_I64(crypt_jwt_verify(make("{'alg':'none'}", ACCESS, "secret"), STR("secret"), NULL),
              ERR_UNAUTHENTICATED);
    CHECK_I64(crypt_jwt_verify(make("{'alg':'RS256'}", ACCESS, "secret"), STR("secret"), NULL),
              ERR_UNAUTHENTICATED);
    CHECK_I64(crypt_jwt_verify(make("{'alg':'HS512'}", ACCESS, "secret"), STR("secret"), NULL),
              ERR_UNAUTHENTICATED); /* signed with another algorithm than it says */
    char *changed = arena_str_dup(arena, good);
    changed[good.len - 45] = changed[good.len - 45] == 'A' ? 'B' : 'A';
    CHECK_I64(crypt_jwt_verify(str_from(changed), STR("secret"), NULL), ERR_UNAUTHENTICATED);
}

static const struct test_case cases[] = {
    {"an access token",                     test_access    },
    {"a capability token",                  test_capability},
    {"what is refused",                     test_bad       },
    {"when it counts",                      test_time      },
    {"what a worker's access token allows", test_worker_may},
    {"what policies allow",                 test_policies  },
    {"what policies forbid",                test_forbidding},
    {"what is remembered",                  test_memory    },
    {"whose signature counts",              test_signature },
};

int main(int argc, char **argv)
{
    arena = arena_new(64 << 20);
    int status = testing_main("worker_token", cases, ARRAY_LEN(cases), argc, argv);
    arena_free(arena);
    return status;
}
