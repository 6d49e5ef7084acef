#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "google/protobuf/empty.pb-c.h"
#include "rpc_fixture.h"
#include "taskrouter/common/v1/common.pb-c.h"
#include "taskrouter/directory/v1/directory.pb-c.h"

/* ---- who may call what ---- */

/* The gateway's own way: tokens are named after their role. */
static enum err_code authenticate(void *ctx, struct call *call, struct str token,
                                  struct identity *out_who, struct err *err)
{
    struct fixture *f = ctx;
    char *role = arena_str_dup(call->arena, token);
    lock_take(&f->lock);
    f->asked++;
    lock_drop(&f->lock);
    if (strcmp(role, "broken") == 0)
        return ERR_SET(err, ERR_UNAVAILABLE, "DATABASE_DOWN", "the database is away; try again");
    if (role_from(role) == ROLE_NONE)
        return ERR_SET(err, ERR_UNAUTHENTICATED, "TOKEN_INVALID", "unknown token");
    *out_who = (struct identity){role_from(role), "TK1", "AC9", "WK9", ""};
    return ERR_OK;
}

struct row {
    const char *token; /* NULL: none */
    const char *path;
    enum err_code code;
};

static const struct row rows[] = {
    {NULL,              "GetTaskQueue",      ERR_UNAUTHENTICATED  },
    {NULL,              "CreateTaskQueue",   ERR_UNAUTHENTICATED  },
    {NULL,              "ListTaskQueues",    ERR_UNAUTHENTICATED  },
    {NULL,              "GetTaskChannel",    ERR_OK               },
    {"nonsense",        "GetTaskChannel",    ERR_OK               },
    {"nonsense",        "GetTaskQueue",      ERR_UNAUTHENTICATED  },
    {"nonsense",        "ListTaskQueues",    ERR_UNAUTHENTICATED  },
    {"broken",          "GetTaskQueue",      ERR_UNAVAILABLE      },
    {"viewer",          "GetTaskQueue",      ERR_OK               },
    {"viewer",          "ListTaskQueues",    ERR_OK               },
    {"viewer",          "UpdateTaskQueue",   ERR_PERMISSION_DENIED},
    {"agent",           "UpdateTaskQueue",   ERR_PERMISSION_DENIED},
    {"supervisor",      "UpdateTaskQueue",   ERR_OK               },
    {"admin",           "UpdateTaskQueue",   ERR_OK               },
    {"admin",           "CreateTaskChannel", ERR_PERMISSION_DENIED},
    {SERVICE_TOKEN,     "CreateTaskChannel", ERR_PERMISSION_DENIED}, /* for the admin of f->call */
    {SERVICE_TOKEN,     "UpdateTaskQueue",   ERR_OK               },
    {SERVICE_TOKEN,     "UpdateTaskChannel", ERR_OK               }, /* the same: it came that way */
    {"admin",           "UpdateTaskChannel", ERR_PERMISSION_DENIED},
    {"service",         "UpdateTaskChannel", ERR_PERMISSION_DENIED}, /* a role, not the token */
    {SERVICE_TOKEN "x", "UpdateTaskQueue",   ERR_UNAUTHENTICATED  },
    {"service-secreT",  "UpdateTaskQueue",   ERR_UNAUTHENTICATED  },
};

static void every_row_wants_its_role(void)
{
    struct fixture f;
    struct rpc_server_config config = {
        .auth = {.service_token = SERVICE_TOKEN, .authenticate = authenticate, .ctx = &f}
    };
    REQUIRE(fixture_open(&f, &config, NULL));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rpc_client *client = fixture_client(&f, rows[i].token);
        char path[128];
        (void)snprintf(path, sizeof path, QUEUES "%s", rows[i].path);
        get_request request;
        taskrouter__queues__v1__get_task_queue_request__init(&request);
        ProtobufCMessage *reply = NULL;
        enum err_code code = rpc_call(client, &f.call, path, &request.base,
                                      &google__protobuf__empty__descriptor, &reply, &f.err);
        if (code != rows[i].code && !(code == ERR_INVALID_ARGUMENT && rows[i].code == ERR_OK))
            (void)printf("row %zu\n", i);
        CHECK(code == rows[i].code || (code == ERR_INVALID_ARGUMENT && rows[i].code == ERR_OK));
        rpc_client_free(client);
    }
    f.call.who.role = ROLE_SERVICE; /* the service on its own behalf */
    Taskrouter__Queues__V1__CreateTaskChannelRequest create;
    taskrouter__queues__v1__create_task_channel_request__init(&create);
    Taskrouter__Queues__V1__TaskChannel *channel = NULL;
    CHECK_I64(RPC_CALL(f.client, &f.call, QUEUES "CreateTaskChannel", &create.base,
                       taskrouter__queues__v1__task_channel, &channel, &f.err),
              ERR_OK);
    fixture_close(&f);
}

static void a_token_cannot_assert_another_identity(void)
{
    struct fixture f;
    struct rpc_server_config config = {
        .auth = {.service_token = SERVICE_TOKEN, .authenticate = authenticate, .ctx = &f}
    };
    REQUIRE(fixture_open(&f, &config, NULL));
    struct rpc_client *client = fixture_client(&f, "viewer"); /* sends x-tr-role: admin as well */
    task_queue *queue = NULL;
    REQUIRE(fixture_get(&f, client, "who", &queue) == ERR_OK);
    CHECK_TEXT(queue->friendly_name, "viewer TK1 AC9 WK9 ");
    rpc_client_free(client);
    fixture_close(&f);
}

/* ---- the remote directory ---- */

struct gateway {
    struct rpc_server *server;
    struct lock lock;
    int asked; /* under lock */
};

static enum err_code
directory_authenticate(void *app, struct call *call,
                       const Taskrouter__Directory__V1__AuthenticateRequest *request,
                       Taskrouter__Common__V1__Identity **out, struct err *err)
{
    struct gateway *gateway = app;
    CHECK_I64(call->who.role, ROLE_SERVICE);
    lock_take(&gateway->lock);
    gateway->asked++;
    lock_drop(&gateway->lock);
    if (role_from(request->token) == ROLE_NONE)
        return ERR_SET(err, ERR_UNAUTHENTICATED, "TOKEN_INVALID", "unknown token");
    *out = PB_NEW(call->arena, taskrouter__common__v1__identity);
    (*out)->role = request->token;
    (*out)->actor_sid = arena_strdup(call->arena, "US7");
    (*out)->account_sid = arena_strdup(call->arena, "AC7");
    return ERR_OK;
}

static const struct rpc_method directory_methods[] = {
    RPC_UNARY("Authenticate", directory_authenticate,
              Taskrouter__Directory__V1__AuthenticateRequest, Taskrouter__Common__V1__Identity,
              1000, ROLE_SERVICE, 0),
};

static void tokens_are_asked_about_once_and_remembered(void)
{
    struct fixture f;
    struct gateway gateway = {.asked = 0};
    lock_init(&gateway.lock, "gateway", 100);
    struct err err;
    struct rpc_server_config config = {.listen = "127.0.0.1:0",
                                       .auth = {.service_token = SERVICE_TOKEN}};
    struct rpc_service service = {&taskrouter__directory__v1__directory__descriptor,
                                  directory_methods, ARRAY_LEN(directory_methods)};
    REQUIRE(rpc_server_open(&config, &gateway.server, &err) == ERR_OK);
    rpc_server_add(gateway.server, &service, &gateway);
    REQUIRE(rpc_server_start(gateway.server, &err) == ERR_OK);
    char target[64];
    (void)snprintf(target, sizeof target, "127.0.0.1:%d", rpc_server_port(gateway.server));
    struct rpc_client_config to_gateway = {
        .target = target, .peer = "gateway", .token = SERVICE_TOKEN, .as_service = true};
    struct rpc_client *client = rpc_client_new(&to_gateway);
    struct rpc_directory *directory = rpc_directory_new(client);
    config.auth = rpc_auth_remote(directory, SERVICE_TOKEN);
    REQUIRE(fixture_open(&f, &config, NULL));

    struct rpc_client *agent = fixture_client(&f, "agent");
    struct rpc_client *stranger = fixture_client(&f, "stranger");
    struct rpc_client *forger = fixture_client(&f, "service");
    task_queue *queue = NULL;
    for (int i = 0; i < 3; i++) {
        REQUIRE(fixture_get(&f, agent, "who", &queue) == ERR_OK);
        CHECK_TEXT(queue->friendly_name, "agent US7 AC7  ");
        CHECK_I64(fixture_get(&f, stranger, "who", &queue), ERR_UNAUTHENTICATED);
        CHECK_TEXT(f.err.reason, "TOKEN_INVALID");
    }
    lock_take(&gateway.lock);
    CHECK_I64(gateway.asked, 2);
    lock_drop(&gateway.lock);
    CHECK_I64(fixture_get(&f, forger, "who", &queue), ERR_UNAUTHENTICATED);

    Taskrouter__Queues__V1__CreateTaskQueueRequest create; /* asynchronous, by way of a worker */
    taskrouter__queues__v1__create_task_queue_request__init(&create);
    char name[] = "Permits";
    create.friendly_name = name;
    struct rpc_client *viewer = fixture_client(&f, "viewer");
    for (int i = 0; i < 2; i++)
        CHECK_I64(RPC_CALL(viewer, &f.call, QUEUES "CreateTaskQueue", &create.base,
                           taskrouter__queues__v1__task_queue, &queue, &f.err),
                  ERR_OK);
    rpc_server_close(
        gateway.server); /* what is remembered still holds, what is not cannot be told */
    CHECK_I64(fixture_get(&f, agent, "who", &queue), ERR_OK);
    struct rpc_client *late = fixture_client(&f, "admin");
    CHECK_I64(fixture_get(&f, late, "who", &queue), ERR_UNAVAILABLE);
    rpc_client_free(late);
    rpc_client_free(viewer);
    rpc_client_free(forger);
    rpc_client_free(stranger);
    rpc_client_free(agent);
    fixture_close(&f);
    rpc_directory_free(directory);
    rpc_client_free(client);
    lock_fini(&gateway.lock);
}

/* ---- TLS ---- */

static const char make_certificates[] =
    "cd '%s' && for ca in ca other; do"
    "  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    "    -subj \"/CN=$ca\" -keyout $ca.key -out $ca.pem;"
    "done 2>/dev/null && for who in server:ca client:ca foreign:other; do"
    "  name=${who%%:*}; ca=${who#*:};"
    "  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj \"/CN=$name\""
    "    -keyout $name.key -out $name.csr &&"
    "  printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' > ext &&"
    "  openssl x509 -req -in $name.csr -CA $ca.pem -CAkey $ca.key -CAcreateserial -days 2"
    "    -extfile ext -out $name.pem;"
    "done 2>/dev/null";

static char directory_path[64];
static char paths[7][128];

static const char *pem(int slot, const char *name)
{
    (void)snprintf(paths[slot], sizeof paths[slot], "%s/%s", directory_path, name);
    return paths[slot];
}

static enum err_code call_with(struct fixture *f, const struct rpc_client_tls *tls)
{
    struct rpc_client_config config = {
        .target = f->target, .peer = "queues-svc", .token = SERVICE_TOKEN, .tls = tls};
    struct rpc_client *client = rpc_client_new(&config);
    task_queue *queue = NULL;
    fixture_call(&f->call, f->arena, 5000);
    enum err_code code = fixture_get(f, client, "ok", &queue);
    rpc_client_free(client);
    return code;
}

static void tls_checks_both_sides(void)
{
    (void)snprintf(directory_path, sizeof directory_path, "/tmp/tr-rpc-tls-XXXXXX");
    REQUIRE(mkdtemp(directory_path) != NULL);
    char command[sizeof make_certificates + sizeof directory_path];
    (void)snprintf(command, sizeof command, make_certificates, directory_path);
    REQUIRE(system(command) == 0);
    struct rpc_server_tls tls = {.cert_file = pem(0, "server.pem"),
                                 .key_file = pem(1, "server.key")};
    struct rpc_server_config config = {.auth = {.service_token = SERVICE_TOKEN}, .tls = &tls};
    struct rpc_client_tls trusting = {.ca_file = pem(2, "ca.pem")};
    struct rpc_client_tls wary = {.ca_file = pem(3, "other.pem")};
    struct rpc_client_tls misnamed = {.ca_file = pem(2, "ca.pem"), .server_name = "elsewhere"};
    struct rpc_client_tls unreadable = {.ca_file = "/nonexistent"};
    struct fixture f;
    REQUIRE(fixture_open(&f, &config, NULL));
    CHECK_I64(call_with(&f, &trusting), ERR_OK);
    CHECK_I64(call_with(&f, &wary), ERR_UNAVAILABLE);
    CHECK_I64(call_with(&f, &misnamed), ERR_UNAVAILABLE);
    CHECK_I64(call_with(&f, &unreadable), ERR_UNAVAILABLE);
    CHECK_I64(call_with(&f, NULL), ERR_UNAVAILABLE);
    fixture_close(&f);

    tls.ca_file = pem(2, "ca.pem");
    tls.require_client_cert = true;
    struct rpc_client_tls known = {.ca_file = pem(2, "ca.pem"),
                                   .cert_file = pem(3, "client.pem"),
                                   .key_file = pem(4, "client.key")};
    struct rpc_client_tls foreign = {.ca_file = pem(2, "ca.pem"),
                                     .cert_file = pem(5, "foreign.pem"),
                                     .key_file = pem(6, "foreign.key")};
    REQUIRE(fixture_open(&f, &config, NULL));
    CHECK_I64(call_with(&f, &known), ERR_OK);
    CHECK_I64(call_with(&f, &trusting), ERR_UNAVAILABLE); /* no certificate */
    CHECK_I64(call_with(&f, &foreign), ERR_UNAVAILABLE);
    fixture_close(&f);

    tls.key_file = "/nonexistent/key.pem";
    struct rpc_server *server = NULL;
    config.listen = "127.0.0.1:0";
    CHECK_I64(rpc_server_open(&config, &server, &f.err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(f.err.detail, "/nonexistent/key.pem is not a readable PEM file");
    (void)snprintf(command, sizeof command, "rm -rf '%s'", directory_path);
    CHECK(system(command) == 0);
}

static const struct test_case cases[] = {
    {"every row wants its role",                   every_row_wants_its_role                  },
    {"a token cannot assert another identity",     a_token_cannot_assert_another_identity    },
    {"tokens are asked about once and remembered", tokens_are_asked_about_once_and_remembered},
    {"TLS checks both sides",                      tls_checks_both_sides                     },
};

int main(int argc, char **argv)
{
    return testing_main("rpc identity", cases, ARRAY_LEN(cases), argc, argv);
}
