/* Who gets in: tokens, the account's own credentials, roles, restrictions. */
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"

static void test_missing(void)
{
    struct reply reply = ask(NULL, "GET", "/workers", NULL, NULL);
    CHECK(is_problem(&reply, 401, "UNAUTHENTICATED", NULL));
    CHECK(strstr(header_of(&reply, "WWW-Authenticate"), "Bearer") != NULL);
    reply = ask("", "GET", "/workers", NULL, NULL);
    CHECK(is_problem(&reply, 401, "UNAUTHENTICATED", NULL));
    reply = ask("tr_nobody-has-this-token", "GET", "/workers", NULL, NULL);
    CHECK(is_problem(&reply, 401, "TOKEN_UNKNOWN", NULL));
}

static void test_basic(void)
{
    /* base64 of ACCOUNT:SECRET and of ACCOUNT:wrong */
    const char *good = "Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTowMTIzNDU2Nzg5YWJjZGVmM"
                       "DEyMzQ1Njc4OWFiY2RlZg==";
    const char *bad = "Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTp3cm9uZw==";
    struct reply reply = ask(good, "GET", "/tokens", NULL, NULL);
    CHECK_I64(reply.status, 200);
    reply = ask(bad, "GET", "/tokens", NULL, NULL);
    CHECK(is_problem(&reply, 401, "CREDENTIALS_INVALID", NULL));
}

static void test_revoked(void)
{
    struct reply made =
        ask(BOOTSTRAP, "POST", "/tokens", NULL, "{'friendlyName':'to be revoked','role':'admin'}");
    CHECK_I64(made.status, 201);
    const char *sid = at(made.body, "token.sid");
    const char *secret = at(made.body, "secret");
    CHECK_TEXT(header_of(&made, "Location"), text("/api/taskrouter/tokens/%s", sid));
    CHECK_I64(ask(secret, "GET", "/tokens", NULL, NULL).status, 200);
    CHECK_I64(ask(BOOTSTRAP, "DELETE", text("/tokens/%s", sid), NULL, NULL).status, 204);
    struct reply reply = ask(secret, "GET", "/tokens", NULL, NULL);
    CHECK(is_problem(&reply, 401, "TOKEN_REVOKED", NULL));
    char value[256];
    CHECK(cluster_sql_value(cluster,
                            text("select count(*) from gateway.api_token where token_hash like "
                                 "'%%%s%%' or friendly_name = '%s'",
                                 secret, secret),
                            value, sizeof value));
    CHECK_TEXT(value, "0");
    reply = ask(BOOTSTRAP, "DELETE", "/tokens/TK00000000000000000000000000000000", NULL, NULL);
    CHECK(is_problem(&reply, 404, "TOKEN_NOT_FOUND", "sid"));
}

static void test_expired(void)
{
    struct reply reply = {.status = 0};
    const char *secret = "";
    /* a machine may be too busy to ask within the first second */
    for (int ttl_s = 1; ttl_s <= 16 && reply.status != 200; ttl_s *= 4) {
        secret = token_new("viewer", text(",'ttlS':%d", ttl_s));
        reply = ask(secret, "GET", "/workspaces", NULL, NULL);
    }
    CHECK_I64(reply.status, 200);
    for (int i = 0; i < 1000 && reply.status == 200; i++) {
        process_sleep_ms(50);
        reply = ask(secret, "GET", "/workspaces", NULL, NULL);
    }
    CHECK(is_problem(&reply, 401, "TOKEN_EXPIRED", NULL));
}

static void test_roles(void)
{
    static const struct {
        const char *role;
        const char *method;
        const char *path;
        const char *body;
        bool is_allowed;
    } rows[] = {
        {"viewer",     "GET",  "/workspaces", NULL,                                       true },
        {"viewer",     "POST", "/workspaces", "{'friendlyName':'X'}",                     false},
        {"viewer",     "GET",  "/tokens",     NULL,                                       false},
        {"viewer",     "GET",  "/users",      NULL,                                       false},
        {"supervisor", "GET",  "/users",      NULL,                                       true },
        {"supervisor", "POST", "/workspaces", "{'friendlyName':'X'}",                     false},
        {"supervisor", "POST", "/tokens",     "{'friendlyName':'X','role':'supervisor'}", false},
        {"admin",      "GET",  "/tokens",     NULL,                                       true },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply reply =
            ask(token_new(rows[i].role, ""), rows[i].method, rows[i].path, NULL, rows[i].body);
        if (rows[i].is_allowed)
            CHECK_I64(reply.status, 200);
        else
            CHECK(is_problem(&reply, 403, "PERMISSION_DENIED", NULL));
    }
}

static void test_token_rules(void)
{
    static const struct {
        const char *body;
        const char *reason;
        const char *field;
    } rows[] = {
        {"{'role':'admin'}",                                         "INVALID_FRIENDLY_NAME", "friendlyName"},
        {"{'friendlyName':'X','role':'king'}",                       "INVALID_ROLE",          "role"        },
        {"{'friendlyName':'X','role':'service'}",                    "INVALID_ROLE",          "role"        },
        {"{'friendlyName':'X','role':'agent'}",                      "FIELD_REQUIRED",        "workerSid"   },
        {"{'friendlyName':'X','role':'viewer','workerSid':'WS1'}",   "INVALID_SID",           "workerSid"   },
        {"{'friendlyName':'X','role':'viewer','ttlS':-1}",           "OUT_OF_RANGE",          "ttlS"        },
        {"{'friendlyName':'X','role':'viewer','ttlS':'1'}",          "FIELD_TYPE",            "ttlS"        },
        {"{'friendlyName':'X','role':'viewer',"
         "'userSid':'US00000000000000000000000000000000'}", "USER_NOT_FOUND",        "userSid"     },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply reply = ask(BOOTSTRAP, "POST", "/tokens", NULL, rows[i].body);
        CHECK(is_problem(&reply, 400, rows[i].reason, rows[i].field));
    }
    struct reply reply = ask(BOOTSTRAP, "POST", "/tokens", "Idempotency-Key: a\r\n",
                             "{'friendlyName':'X','role':'viewer'}");
    CHECK(is_problem(&reply, 400, "IDEMPOTENCY_KEY_UNSUPPORTED", "Idempotency-Key"));
}

static void test_restricted(void)
{
    const char *own = workspace_new();
    const char *other = workspace_new();
    const char *secret = token_new("admin", text(",'workspaceSid':'%s'", own));
    struct reply made =
        ask(secret, "POST", "/activities", NULL, "{'friendlyName':'Lunch','available':false}");
    CHECK_I64(made.status, 201);
    CHECK_TEXT(at(made.body, "workspaceSid"), own);
    struct reply reply =
        ask(secret, "GET", "/activities", text("X-Workspace-Sid: %s\r\n", other), NULL);
    CHECK(is_problem(&reply, 404, "WORKSPACE_NOT_FOUND", "workspaceSid"));
    reply = ask(secret, "POST", "/tokens", NULL, "{'friendlyName':'X','role':'viewer'}");
    CHECK(is_problem(&reply, 403, "WORKSPACE_RESTRICTED", "workspaceSid"));
    reply = ask(secret, "GET", "/tokens", NULL, NULL);
    CHECK_I64(at_i64(reply.body, "items"), 1); /* its own kind only */
}

static void test_agents(void)
{
    const char *workspace = workspace_new();
    const char *header = text("X-Workspace-Sid: %s\r\n", workspace);
    struct reply own = ask(BOOTSTRAP, "POST", "/workers", header, "{'friendlyName':'Ann'}");
    struct reply other = ask(BOOTSTRAP, "POST", "/workers", header, "{'friendlyName':'Bob'}");
    CHECK_I64(own.status, 201);
    const char *secret = token_new(
        "agent", text(",'workerSid':'%s','workspaceSid':'%s'", at(own.body, "sid"), workspace));
    struct reply reply = ask(secret, "PATCH", text("/workers/%s", at(other.body, "sid")), NULL,
                             "{'friendlyName':'X'}");
    CHECK(is_problem(&reply, 403, "NOT_OWN_WORKER", NULL));
    CHECK_I64(ask(secret, "GET", text("/workers/%s", at(own.body, "sid")), NULL, NULL).status, 200);
}

static void test_users(void)
{
    struct reply made = ask(BOOTSTRAP, "POST", "/users", NULL,
                            "{'email':'Ann@Example.com','name':'Ann','role':'agent'}");
    CHECK_I64(made.status, 201);
    struct reply reply = ask(BOOTSTRAP, "POST", "/users", NULL,
                             "{'email':'ann@example.COM','name':'Ann','role':'agent'}");
    CHECK(is_problem(&reply, 409, "EMAIL_TAKEN", "email"));
    reply = ask(BOOTSTRAP, "POST", "/users", NULL, "{'email':'ann','name':'A','role':'agent'}");
    CHECK(is_problem(&reply, 400, "INVALID_EMAIL", "email"));
    reply = ask(BOOTSTRAP, "GET", text("/users/%s", at(made.body, "sid")), NULL, NULL);
    CHECK_TEXT(at(reply.body, "email"), "Ann@Example.com");
    const char *secret = token_new("viewer", text(",'userSid':'%s'", at(made.body, "sid")));
    CHECK_I64(ask(secret, "GET", "/workspaces", NULL, NULL).status, 200);
}

static bool is_audited(void *ctx)
{
    char value[64] = "";
    return cluster_sql_value(cluster, ctx, value, sizeof value) && atoi(value) > 0;
}

static void test_audit(void)
{
    const char *workspace = workspace_new();
    char query[512];
    (void)snprintf(query, sizeof query,
                   "select count(*) from gateway.audit_log where action = 'CreateWorkspace' and "
                   "resource_sid = '%s' and outcome = 'OK' and actor_role = 'admin' and "
                   "account_sid = '" ACCOUNT "' and peer = '127.0.0.1' and request_id <> ''",
                   workspace);
    CHECK(until(is_audited, query, 5000));
    struct reply reply = ask(BOOTSTRAP, "POST", "/workspaces", NULL, "{'nonsense':1}");
    CHECK(is_problem(&reply, 400, "FIELD_UNKNOWN", "nonsense"));
    (void)snprintf(query, sizeof query,
                   "select count(*) from gateway.audit_log where outcome = 'FIELD_UNKNOWN' and "
                   "request_id = '%s'",
                   at(reply.body, "requestId"));
    CHECK(until(is_audited, query, 5000));
}

static bool stop_gateway(void)
{
    program_kill(PROGRAM_GATEWAY);
    return true;
}

static void test_bootstrap(void)
{
    static const char *const next = "tr_another-bootstrap-token-of-the-tests";
    CHECK(stop_gateway());
    bootstrap_token_set(next);
    program_start(PROGRAM_GATEWAY);
    CHECK_I64(ask(next, "GET", "/tokens", NULL, NULL).status, 200);
    struct reply reply = ask(BOOTSTRAP, "GET", "/tokens", NULL, NULL);
    CHECK(is_problem(&reply, 401, "TOKEN_REVOKED", NULL));
    CHECK(stop_gateway());
    bootstrap_token_set("");
    program_start(PROGRAM_GATEWAY);
    reply = ask(next, "GET", "/tokens", NULL, NULL);
    CHECK(is_problem(&reply, 401, "TOKEN_REVOKED", NULL));
    CHECK(stop_gateway());
    bootstrap_token_set(BOOTSTRAP);
    program_start(PROGRAM_GATEWAY);
    CHECK_I64(ask(BOOTSTRAP, "GET", "/tokens", NULL, NULL).status, 200);
}

static const struct test_case cases[] = {
    {"without a valid token nobody gets in",                   test_missing    },
    {"the account's SID and auth token are an admin",          test_basic      },
    {"a revoked token stops at once; secrets are not stored",  test_revoked    },
    {"a token expires",                                        test_expired    },
    {"a role may do what it may",                              test_roles      },
    {"a token that makes no sense is refused by field",        test_token_rules},
    {"a token restricted to a workspace stays in it",          test_restricted },
    {"an agent changes its own worker only",                   test_agents     },
    {"users have one email each, whatever its case",           test_users      },
    {"what changes, or tries to, is in the audit log",         test_audit      },
    {"the configured token is replaced and removed at starts", test_bootstrap  },
};

int main(int argc, char **argv)
{
    return fixture_main("gateway tokens", cases, ARRAY_LEN(cases), argc, argv);
}
