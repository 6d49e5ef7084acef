/* Several accounts and their API keys: who gets in with what, who sees what, what is shown once,
 * what ends when. */
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"

#define OTHER_KEY "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

struct made {
    const char *sid;
    const char *secret;
    const char *basic;
};

static struct made account_new(const char *name)
{
    struct reply reply =
        ask(BOOTSTRAP, "POST", "/accounts", NULL, text("{'friendlyName':'%s'}", name));
    CHECK_I64(reply.status, 201);
    struct made made = {at(reply.body, "account.sid"), at(reply.body, "authToken"), NULL};
    made.basic = basic(made.sid, made.secret);
    return made;
}

static struct made key_new(const char *token, const char *more)
{
    struct reply reply =
        ask(token, "POST", "/keys", NULL, text("{'friendlyName':'a key'%s}", more));
    CHECK_I64(reply.status, 201);
    struct made made = {at(reply.body, "key.sid"), at(reply.body, "secret"), NULL};
    made.basic = basic(made.sid, made.secret);
    return made;
}

static bool is_in(const char *token)
{
    return ask(token, "GET", "/workspaces", NULL, NULL).status == 200;
}

static bool is_refused(const char *token, const char *reason)
{
    struct reply reply = ask(token, "GET", "/workspaces", NULL, NULL);
    return is_problem(&reply, 401, reason, NULL);
}

static void test_each_its_own(void)
{
    struct made one = account_new("One");
    struct made two = account_new("Two");
    CHECK_I64((int64_t)strlen(one.secret), 32);
    struct reply made =
        ask(one.basic, "POST", "/workspaces", NULL, "{'friendlyName':'Workspace of One'}");
    CHECK_I64(made.status, 201);
    const char *workspace = at(made.body, "sid");
    CHECK_TEXT(at(made.body, "accountSid"), one.sid);
    struct reply seen = ask(two.basic, "GET", "/workspaces", NULL, NULL);
    CHECK_I64(at_i64(seen.body, "items"), 0);
    seen = ask(two.basic, "GET", text("/workspaces/%s", workspace), NULL, NULL);
    CHECK_I64(seen.status, 404);
    seen = ask(two.basic, "GET", "/workers", text("X-Workspace-Sid: %s\r\n", workspace), NULL);
    CHECK_I64(seen.status, 404);
    seen = ask(one.basic, "GET", text("/workspaces/%s", workspace), NULL, NULL);
    CHECK_I64(seen.status, 200);
    seen = ask(BOOTSTRAP, "GET", text("/workspaces/%s", workspace), NULL, NULL);
    CHECK_I64(seen.status, 404); /* the owner manages accounts, it does not look into them */
}

static void test_wrong(void)
{
    struct made one = account_new("One");
    struct made two = account_new("Two");
    struct made key = key_new(one.basic, "");
    CHECK(is_in(key.basic));
    CHECK(is_refused(basic(one.sid, two.secret), "CREDENTIALS_INVALID"));
    CHECK(is_refused(basic(one.sid, key.secret), "CREDENTIALS_INVALID"));
    CHECK(is_refused(basic(key.sid, one.secret), "CREDENTIALS_INVALID"));
    CHECK(is_refused(basic(one.sid, ""), "CREDENTIALS_INVALID"));
    CHECK(is_refused(basic(one.sid, text("%s0", one.secret)), "CREDENTIALS_INVALID"));
    CHECK(
        is_refused(basic("AC00000000000000000000000000000099", one.secret), "CREDENTIALS_INVALID"));
    CHECK(is_refused(basic(ACCOUNT, one.secret), "CREDENTIALS_INVALID"));
    CHECK(
        is_refused(basic("SK00000000000000000000000000000099", key.secret), "CREDENTIALS_INVALID"));
    CHECK(is_refused(basic("", ""), "CREDENTIALS_INVALID"));
    CHECK(is_refused(basic(one.sid, text("%0600d", 1)), "CREDENTIALS_INVALID"));
    CHECK(is_refused(key.secret, "TOKEN_UNKNOWN")); /* it is no Bearer token */
    CHECK(is_in(one.basic));                        /* and none of it was remembered for another */
    CHECK(is_in(key.basic));
    CHECK(is_in(basic(ACCOUNT, SECRET)));
}

static void test_keys(void)
{
    struct made one = account_new("One");
    struct made admin = key_new(one.basic, "");
    struct made viewer = key_new(one.basic, ",'role':'viewer'");
    CHECK_I64(ask(viewer.basic, "POST", "/workspaces", NULL, "{'friendlyName':'X'}").status, 403);
    CHECK_I64(ask(admin.basic, "POST", "/workspaces", NULL, "{'friendlyName':'X'}").status, 201);
    CHECK_I64(at_i64(ask(viewer.basic, "GET", "/workspaces", NULL, NULL).body, "items"), 1);
    struct reply list = ask(one.basic, "GET", "/keys?pageSize=1", NULL, NULL);
    CHECK_I64(at_i64(list.body, "items"), 1);
    CHECK(strstr(list.text, admin.secret) == NULL && strstr(list.text, "secret") == NULL);
    list = ask(one.basic, "GET", text("/keys?cursor=%s", at(list.body, "nextCursor")), NULL, NULL);
    CHECK_I64(at_i64(list.body, "items"), 1);
    CHECK_I64(at_i64(ask(BOOTSTRAP, "GET", text("/keys?accountSid=%s", one.sid), NULL, NULL).body,
                     "items"),
              2);
    CHECK_I64(ask(one.basic, "DELETE", text("/keys/%s", viewer.sid), NULL, NULL).status, 204);
    CHECK(is_refused(viewer.basic, "CREDENTIALS_INVALID"));
    CHECK(is_in(admin.basic));
    CHECK_I64(ask(one.basic, "DELETE", text("/keys/%s", viewer.sid), NULL, NULL).status, 204);
    CHECK_I64(ask(BOOTSTRAP, "DELETE", text("/keys/%s", admin.sid), NULL, NULL).status, 204);
    CHECK(is_refused(admin.basic, "CREDENTIALS_INVALID"));
}

static void test_nothing_clear_is_stored(void)
{
    struct made one = account_new("One");
    struct made key = key_new(one.basic, "");
    char value[256];
    const char *query =
        text("select count(*) from gateway.account a, gateway.api_key k where position('%s'::bytea "
             "in a.auth_token) > 0 or position('%s'::bytea in k.secret) > 0",
             one.secret, key.secret);
    CHECK(cluster_sql_value(cluster, query, value, sizeof value));
    CHECK_TEXT(value, "0");
    /* A sealed secret copied to another row lets nobody in. */
    struct made two = account_new("Two");
    query = text("with c as (update gateway.account set auth_token = (select auth_token from "
                 "gateway.account where sid = '%s') where sid = '%s' returning 1) select count(*) "
                 "from c",
                 one.sid, two.sid);
    CHECK(cluster_sql_value(cluster, query, value, sizeof value));
    CHECK_TEXT(value, "1");
    CHECK_I64(ask(basic(two.sid, one.secret), "GET", "/workspaces", NULL, NULL).status, 500);
}

static void test_rotation(void)
{
    struct made one = account_new("One");
    const char *path = text("/accounts/%s/secondary-auth-token", one.sid);
    struct reply reply = ask(one.basic, "POST", text("%s/promote", path), NULL, "{}");
    CHECK(is_problem(&reply, 400, "NO_SECONDARY_AUTH_TOKEN", NULL));
    reply = ask(one.basic, "POST", path, NULL, "{}");
    CHECK_I64(reply.status, 200);
    const char *second = basic(one.sid, at(reply.body, "authToken"));
    CHECK_I64(at_i64(reply.body, "account.hasSecondaryAuthToken"), 1);
    CHECK(is_in(one.basic));
    CHECK(is_in(second));
    CHECK_I64(ask(second, "POST", text("%s/promote", path), NULL, "{}").status, 200);
    CHECK(is_refused(one.basic, "CREDENTIALS_INVALID"));
    CHECK(is_in(second));
    reply = ask(second, "POST", path, NULL, "{}");
    const char *third = basic(one.sid, at(reply.body, "authToken"));
    CHECK(is_in(third));
    CHECK_I64(ask(second, "POST", text("%s/drop", path), NULL, "{}").status, 200);
    CHECK(is_refused(third, "CREDENTIALS_INVALID"));
    CHECK(is_in(second));
    reply = ask(BOOTSTRAP, "POST", "/accounts/" ACCOUNT "/secondary-auth-token", NULL, "{}");
    CHECK(is_problem(&reply, 400, "AUTH_TOKEN_CONFIGURED", NULL));
}

static void test_suspended(void)
{
    struct made one = account_new("One");
    struct made key = key_new(one.basic, "");
    struct reply token =
        ask(one.basic, "POST", "/tokens", NULL, "{'friendlyName':'T','role':'viewer'}");
    const char *bearer = at(token.body, "secret");
    CHECK(is_in(one.basic) && is_in(key.basic) && is_in(bearer));
    struct sse sse;
    CHECK(sse_open(&sse, bearer, "", NULL));
    const char *path = text("/accounts/%s", one.sid);
    struct reply reply = ask(one.basic, "PATCH", path, NULL, "{'suspended':true}");
    CHECK(is_problem(&reply, 403, "OWNER_ONLY", NULL));
    CHECK_I64(ask(BOOTSTRAP, "PATCH", path, NULL, "{'suspended':true}").status, 200);
    CHECK(is_refused(one.basic, "ACCOUNT_SUSPENDED"));
    CHECK(is_refused(key.basic, "ACCOUNT_SUSPENDED"));
    CHECK(is_refused(bearer, "ACCOUNT_SUSPENDED"));
    CHECK(is_refused(basic(one.sid, "wrong"), "CREDENTIALS_INVALID"));
    CHECK(sse_await_end(&sse, 10000));
    sse_close(&sse);
    CHECK_I64(ask(BOOTSTRAP, "PATCH", path, NULL, "{'suspended':false}").status, 200);
    CHECK(is_in(one.basic) && is_in(key.basic) && is_in(bearer));
    reply = ask(BOOTSTRAP, "PATCH", "/accounts/" ACCOUNT, NULL, "{'suspended':true}");
    CHECK(is_problem(&reply, 400, "OWNER_NOT_SUSPENDABLE", "suspended"));
}

static void test_reach(void)
{
    struct made one = account_new("One");
    struct made two = account_new("Two");
    struct made key = key_new(two.basic, "");
    struct reply reply = ask(one.basic, "POST", "/accounts", NULL, "{'friendlyName':'X'}");
    CHECK(is_problem(&reply, 403, "OWNER_ONLY", NULL));
    reply = ask(one.basic, "GET", text("/accounts/%s", two.sid), NULL, NULL);
    CHECK(is_problem(&reply, 404, "ACCOUNT_NOT_FOUND", "sid"));
    reply = ask(one.basic, "GET", "/accounts/AC00000000000000000000000000000099", NULL, NULL);
    CHECK(is_problem(&reply, 404, "ACCOUNT_NOT_FOUND", "sid"));
    reply = ask(one.basic, "GET", "/accounts", NULL, NULL);
    CHECK_I64(at_i64(reply.body, "items"), 1);
    CHECK_TEXT(at(reply.body, "items.0.sid"), one.sid);
    CHECK(at_i64(ask(BOOTSTRAP, "GET", "/accounts", NULL, NULL).body, "items") >= 3);
    reply = ask(BOOTSTRAP, "GET", "/accounts/" ACCOUNT, NULL, NULL);
    CHECK_I64(at_i64(reply.body, "isOwner"), 1);
    reply = ask(one.basic, "DELETE", text("/keys/%s", key.sid), NULL, NULL);
    CHECK(is_problem(&reply, 404, "KEY_NOT_FOUND", "sid"));
    reply = ask(one.basic, "POST", "/keys", NULL,
                text("{'friendlyName':'X','accountSid':'%s'}", two.sid));
    CHECK(is_problem(&reply, 404, "ACCOUNT_NOT_FOUND", "accountSid"));
    struct made given = key_new(BOOTSTRAP, text(",'accountSid':'%s'", two.sid));
    CHECK(is_in(given.basic));
    reply = ask(one.basic, "PATCH", text("/accounts/%s", one.sid), "If-Match: \"7\"\r\n",
                "{'friendlyName':'New'}");
    CHECK_I64(reply.status, 412);
    reply = ask(one.basic, "PATCH", text("/accounts/%s", one.sid), "If-Match: \"1\"\r\n",
                "{'friendlyName':'New'}");
    CHECK_TEXT(at(reply.body, "friendlyName"), "New");
    CHECK_TEXT(header_of(&reply, "ETag"), "\"2\"");
    const char *restricted = token_new("admin", text(",'workspaceSid':'%s'", workspace_new()));
    reply = ask(restricted, "GET", "/accounts", NULL, NULL);
    CHECK(is_problem(&reply, 403, "WORKSPACE_RESTRICTED", NULL));
    reply = ask(restricted, "POST", "/keys", NULL, "{'friendlyName':'X'}");
    CHECK(is_problem(&reply, 403, "WORKSPACE_RESTRICTED", NULL));
    CHECK_I64(ask(token_new("supervisor", ""), "GET", "/keys", NULL, NULL).status, 403);
}

static void test_bad_input(void)
{
    static const struct {
        const char *path;
        const char *body;
        const char *reason;
        const char *field;
    } rows[] = {
        {"/accounts", "{}",                                      "INVALID_FRIENDLY_NAME", "friendlyName"},
        {"/accounts", "{'friendlyName':'  '}",                   "INVALID_FRIENDLY_NAME", "friendlyName"},
        {"/accounts", "{'friendlyName':'X','sid':'AC1'}",        "FIELD_UNKNOWN",         "sid"         },
        {"/keys",     "{}",                                      "INVALID_FRIENDLY_NAME", "friendlyName"},
        {"/keys",     "{'friendlyName':'X','role':'agent'}",     "INVALID_ROLE",          "role"        },
        {"/keys",     "{'friendlyName':'X','role':'service'}",   "INVALID_ROLE",          "role"        },
        {"/keys",     "{'friendlyName':'X','accountSid':'AC1'}", "INVALID_SID",           "accountSid"  },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply reply = ask(BOOTSTRAP, "POST", rows[i].path, NULL, rows[i].body);
        CHECK(is_problem(&reply, 400, rows[i].reason, rows[i].field));
    }
    struct reply reply = ask(BOOTSTRAP, "GET", "/accounts/AC1", NULL, NULL);
    CHECK(is_problem(&reply, 400, "INVALID_SID", "sid"));
    reply = ask(BOOTSTRAP, "DELETE", "/keys/SK00000000000000000000000000000099", NULL, NULL);
    CHECK(is_problem(&reply, 404, "KEY_NOT_FOUND", "sid"));
    reply = ask(BOOTSTRAP, "POST",
                "/accounts/AC00000000000000000000000000000099/"
                "secondary-auth-token",
                NULL, "{}");
    CHECK(is_problem(&reply, 404, "ACCOUNT_NOT_FOUND", "sid"));
}

static bool is_audited(void *ctx)
{
    char value[64] = "";
    return cluster_sql_value(cluster, ctx, value, sizeof value) && atoi(value) > 0;
}

static void test_audit(void)
{
    struct made one = account_new("One");
    struct made key = key_new(one.basic, "");
    char query[512];
    (void)snprintf(query, sizeof query,
                   "select count(*) from gateway.audit_log where action = 'CreateKey' and "
                   "resource_sid = '%s' and account_sid = '%s' and outcome = 'OK'",
                   key.sid, one.sid);
    CHECK(until(is_audited, query, 5000));
    CHECK_I64(ask(key.basic, "POST", "/workspaces", NULL, "{'friendlyName':'X'}").status, 201);
    (void)snprintf(query, sizeof query,
                   "select count(*) from gateway.audit_log where action = 'CreateWorkspace' and "
                   "actor_sid = '%s' and account_sid = '%s'",
                   key.sid, one.sid);
    CHECK(until(is_audited, query, 5000));
}

static void restart(const char *key, const char *previous)
{
    secret_key_set(key, previous);
    program_kill(PROGRAM_GATEWAY);
    program_start(PROGRAM_GATEWAY);
}

static void test_key_of_keys(void)
{
    struct made one = account_new("One");
    struct made key = key_new(one.basic, "");
    restart(OTHER_KEY, SECRET_KEY);
    CHECK(is_in(one.basic) && is_in(key.basic));
    CHECK(is_in(key_new(one.basic, "").basic));
    restart("", "");
    struct reply reply = ask(one.basic, "GET", "/workspaces", NULL, NULL);
    CHECK(is_problem(&reply, 503, "SECRET_KEY_MISSING", NULL));
    reply = ask(BOOTSTRAP, "POST", "/accounts", NULL, "{'friendlyName':'X'}");
    CHECK(is_problem(&reply, 400, "SECRET_KEY_MISSING", NULL));
    CHECK(is_in(basic(ACCOUNT, SECRET)));
    restart(SECRET_KEY, "");
    CHECK(is_in(one.basic) && is_in(key.basic));
}

static const struct test_case cases[] = {
    {"each account sees its own",      test_each_its_own           },
    {"what does not fit is refused",   test_wrong                  },
    {"keys",                           test_keys                   },
    {"nothing clear is stored",        test_nothing_clear_is_stored},
    {"two auth tokens",                test_rotation               },
    {"a suspended account",            test_suspended              },
    {"who reaches whom",               test_reach                  },
    {"bad input",                      test_bad_input              },
    {"audit",                          test_audit                  },
    {"the key that seals is replaced", test_key_of_keys            },
};

int main(int argc, char **argv)
{
    return fixture_main("accounts", cases, ARRAY_LEN(cases), argc, argv);
}
