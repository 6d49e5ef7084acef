/* Customers: our table with its CSV import, QuickBase with its moods, and who looks after whom. */
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"
#include "peer.h"

#define REALM_TOKEN "the-user-token-of-the-tests"

enum { PATIENCE_MS = 60000, NUMBERS = 20, HUGE_BYTES = 300 << 10 };

/* QuickBase: the last two digits of the number say what it does. */
enum number {
    FOUND = 1,
    NOBODY = 2,
    HELD = 3,
    BUSY = 4,
    BROKEN = 5,
    NONSENSE = 6,
    TOO_LONG = 7,
    SILENT = 8,
    LATER = 9,
};

static atomic_int asked[NUMBERS];
static atomic_int malformed;
static atomic_bool is_held;

static void found(struct buf *out)
{
    peer_answer(
        out, 200,
        "{\"data\":[{\"3\":{\"value\":77},\"6\":{\"value\":\"Ann\"},\"255\":{\"value\":"
        "\"PRE_PTO\"},\"346\":{\"value\":{\"email\":\"CO@Example.com\",\"id\":\"9.x\"}}}]}");
}

static void too_long(struct buf *out)
{
    char *body = malloc(HUGE_BYTES + 1);
    memset(body, ' ', HUGE_BYTES);
    body[HUGE_BYTES] = '\0';
    peer_answer(out, 200, body);
    free(body);
}

static void on_question(void *ctx, const struct peer_request *request, struct buf *out)
{
    (void)ctx;
    ptrdiff_t at_number = str_find(request->body, STR("'+151255501"));
    bool is_right =
        str_eq_text(request->path, "/v1/records/query") && str_eq_text(request->method, "POST") &&
        at_number >= 0 &&
        str_eq_text(peer_header(request, "QB-Realm-Hostname"), "acme.quickbase.com") &&
        str_eq_text(peer_header(request, "Authorization"), "QB-USER-TOKEN " REALM_TOKEN) &&
        str_find(request->body, STR("\"from\":\"bqx7xre7a\"")) >= 0 &&
        str_find(request->body, STR("(512) 555-01")) >= 0;
    if (!is_right) {
        (void)atomic_fetch_add(&malformed, 1);
        return;
    }
    int number = (int)strtol(request->body.ptr + at_number + 11, NULL, 10);
    (void)atomic_fetch_add(&asked[number], 1);
    while (number == HELD && atomic_load(&is_held))
        (void)poll(NULL, 0, 1);
    if (number == NOBODY)
        peer_answer(out, 200, "{\"data\":[]}");
    else if (number == BUSY)
        peer_answer(out, 429, "{}");
    else if (number == BROKEN)
        peer_answer(out, 500, "{}");
    else if (number == NONSENSE)
        peer_answer(out, 200, "<html>");
    else if (number == TOO_LONG)
        too_long(out);
    else if (number != SILENT)
        found(out);
}

/* ---- our table ---- */

static const char *customer_new(const char *members)
{
    struct reply reply = ask(BOOTSTRAP, "POST", "/customers", NULL, text("{%s}", members));
    CHECK_I64(reply.status, 201);
    return at(reply.body, "sid");
}

static void test_table(void)
{
    struct reply made = ask(BOOTSTRAP, "POST", "/customers", "Idempotency-Key: one\r\n",
                            "{'name':'Zoe','phones':['(512) 555-0161','+15125550161','512 555 "
                            "0162'],'attributes':{'language':'es'},'externalId':'Z-1'}");
    CHECK_I64(made.status, 201);
    const char *sid = at(made.body, "sid");
    CHECK_TEXT(at(made.body, "phones.0"), "+15125550161");
    CHECK_TEXT(at(made.body, "phones.1"), "+15125550162");
    CHECK_TEXT(at(made.body, "attributes.language"), "es");
    struct reply again = ask(BOOTSTRAP, "POST", "/customers", "Idempotency-Key: one\r\n",
                             "{'name':'Zoe','phones':['(512) 555-0161','+15125550161','512 555 "
                             "0162'],'attributes':{'language':'es'},'externalId':'Z-1'}");
    CHECK_TEXT(at(again.body, "sid"), sid);
    struct reply reply =
        ask(BOOTSTRAP, "POST", "/customers", NULL, "{'name':'Other','externalId':'Z-1'}");
    CHECK(is_problem(&reply, 409, "EXTERNAL_ID_TAKEN", "externalId"));
    reply = ask(BOOTSTRAP, "PATCH", text("/customers/%s", sid), "If-Match: \"7\"\r\n",
                "{'customerType':'vip'}");
    CHECK_I64(reply.status, 412);
    reply = ask(BOOTSTRAP, "PATCH", text("/customers/%s", sid), "If-Match: \"1\"\r\n",
                "{'customerType':'vip','phones':['5125550163']}");
    CHECK_I64(reply.status, 200);
    CHECK_TEXT(at(reply.body, "customerType"), "vip");
    CHECK_TEXT(at(reply.body, "name"), "Zoe");
    reply = ask(BOOTSTRAP, "GET", "/customers?phone=512-555-0163", NULL, NULL);
    CHECK_TEXT(at(reply.body, "items.0.sid"), sid);
    reply = ask(BOOTSTRAP, "GET", "/customers?phone=512-555-0161", NULL, NULL);
    CHECK_TEXT(at(reply.body, "items.0.sid"), "");
    reply = ask(BOOTSTRAP, "GET", "/customers?search=ZO", NULL, NULL);
    CHECK_TEXT(at(reply.body, "items.0.sid"), sid);
    CHECK_I64(ask(BOOTSTRAP, "DELETE", text("/customers/%s", sid), NULL, NULL).status, 204);
    reply = ask(BOOTSTRAP, "GET", text("/customers/%s", sid), NULL, NULL);
    CHECK(is_problem(&reply, 404, "CUSTOMER_NOT_FOUND", "sid"));
}

static void test_refusals(void)
{
    static const struct {
        const char *body;
        const char *reason;
        const char *field;
    } rows[] = {
        {"{'phones':['+15125550100']}",             "FIELD_REQUIRED", "name"            },
        {"{'name':'A','phones':['12']}",            "INVALID_PHONE",  "phones"          },
        {"{'name':'A','email':'nobody'}",           "INVALID_EMAIL",  "email"           },
        {"{'name':'A','coordinatorEmail':'x y@z'}", "INVALID_EMAIL",  "coordinatorEmail"},
        {"{'name':'A\\u0007'}",                     "INVALID_TEXT",   "name"            },
        {"{'name':'A','surname':'B'}",              "FIELD_UNKNOWN",  "surname"         },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply reply = ask(BOOTSTRAP, "POST", "/customers", NULL, rows[i].body);
        CHECK(is_problem(&reply, 400, rows[i].reason, rows[i].field));
    }
    struct reply reply = ask(token_new("viewer", ""), "GET", "/customers", NULL, NULL);
    CHECK(is_problem(&reply, 403, "PERMISSION_DENIED", NULL));
}

/* ---- import ---- */

/* ~ stands for a line break, ^ for a quote within JSON's. */
static struct reply import(const char *csv, const char *more)
{
    struct buf body;
    buf_init(&body, 0);
    buf_text(&body, "{'csv':'");
    for (const char *c = csv; *c != '\0'; c++) {
        if (*c == '~')
            buf_text(&body, "\\n");
        else if (*c == '^')
            buf_text(&body, "\\'");
        else
            buf_char(&body, *c);
    }
    buf_printf(&body, "'%s}", more);
    struct reply reply = ask(BOOTSTRAP, "POST", "/customers/import", NULL, buf_str(&body).ptr);
    buf_fini(&body);
    return reply;
}

static void check_report(const struct reply *reply, int created, int updated, int unchanged,
                         int refused)
{
    CHECK_I64(reply->status, 200);
    CHECK_I64(at_i64(reply->body, "created"), created);
    CHECK_I64(at_i64(reply->body, "updated"), updated);
    CHECK_I64(at_i64(reply->body, "unchanged"), unchanged);
    CHECK_I64(at_i64(reply->body, "refused"), refused);
}

static void test_import(void)
{
    static const char *const csv = "External ID,Name,Phone,Phone 2,Customer Type,Notes~"
                                   "I-1,Bea,(512) 555-0171,,vip,^two~lines^~"
                                   "I-2,Cem,5125550172;5125550173,512 555 0174,,~"
                                   ",Dot,5125550175,,,~"
                                   "I-4,Eve,12,,,~"
                                   ",Fay,,,,~"
                                   "I-1,Bea again,5125550171,,,~";
    struct reply reply = import(csv, ",'dryRun':true");
    check_report(&reply, 3, 0, 0, 3);
    CHECK_I64(at_i64(reply.body, "problems.0.line"), 6); /* the second row has two lines */
    CHECK_TEXT(at(reply.body, "problems.0.column"), "Phone");
    CHECK_I64(at_i64(reply.body, "problems.1.line"), 7);
    CHECK_I64(at_i64(reply.body, "problems.2.line"), 8);
    reply = ask(BOOTSTRAP, "GET", "/customers?search=I-1", NULL, NULL);
    CHECK_TEXT(at(reply.body, "items.0.sid"), "");
    reply = import(csv, "");
    check_report(&reply, 3, 0, 0, 3);
    reply = import(csv, "");
    check_report(&reply, 0, 0, 3, 3);
    /* Columns that are not there change nothing; a row without external id goes by its phone, and
     * may give one. */
    reply = import("phone;department;external_id~+15125550175;permits;I-3~5125550172;billing;~"
                   "5125550179;;~",
                   "");
    check_report(&reply, 1 - 1, 2, 0, 1); /* the last has no name */
    reply = ask(BOOTSTRAP, "GET", "/customers?search=I-3", NULL, NULL);
    CHECK_TEXT(at(reply.body, "items.0.name"), "Dot");
    CHECK_TEXT(at(reply.body, "items.0.department"), "permits");
    reply = ask(BOOTSTRAP, "GET", "/customers?search=I-2", NULL, NULL);
    CHECK_TEXT(at(reply.body, "items.0.department"), "billing");
    CHECK_TEXT(at(reply.body, "items.0.phones.0"), "+15125550172");
    CHECK_TEXT(at(reply.body, "items.0.phones.1"), "");
    reply = ask(BOOTSTRAP, "GET", "/customers?search=I-1", NULL, NULL);
    CHECK_TEXT(at(reply.body, "items.0.notes"), "two\nlines");
    /* Numbers of another country. */
    reply = import("name,phone~Gil,020 7946 0958~", ",'defaultRegion':'GB'");
    check_report(&reply, 1, 0, 0, 0);
    reply = ask(BOOTSTRAP, "GET", "/customers?phone=%2B442079460958", NULL, NULL);
    CHECK_TEXT(at(reply.body, "items.0.name"), "Gil");
    /* Two customers with one number: the row must say which. */
    (void)customer_new("'name':'Hal','phones':['5125550171']");
    reply = import("phone,department~5125550171,sales~", "");
    check_report(&reply, 0, 0, 0, 1);
}

static void test_bad_files(void)
{
    static const struct {
        const char *csv;
        const char *reason;
    } rows[] = {
        {"",                              "CSV_EMPTY"         },
        {"name,surname~A,B~",             "CSV_COLUMN_UNKNOWN"},
        {"name,name~A,B~",                "CSV_COLUMN_TWICE"  },
        {"name~A~",                       "CSV_COLUMN_MISSING"},
        {"name,phone~A,^5125550100^ext~", "CSV_INVALID"       },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply reply = import(rows[i].csv, "");
        CHECK(is_problem(&reply, 400, rows[i].reason, "csv"));
    }
    struct reply reply = import("name,phone~A,5125550100~", ",'defaultRegion':'XX'");
    CHECK(is_problem(&reply, 400, "INVALID_REGION", "defaultRegion"));
}

/* ---- look-ups ---- */

struct look {
    int number;
    const char *workspace_sid; /* NULL: none */
    const char *key;           /* of the reply */
    const char *want;          /* in its text */
    struct reply reply;
};

static struct reply look_up(int number, const char *workspace_sid)
{
    const char *more = workspace_sid != NULL ? text("&workspaceSid=%s", workspace_sid) : "";
    return ask(BOOTSTRAP, "GET", text("/customers/lookup?phone=%%2B151255501%02d%s", number, more),
               NULL, NULL);
}

static bool looks(void *ctx)
{
    struct look *look = ctx;
    look->reply = look_up(look->number, look->workspace_sid);
    return look->reply.status == 200 && strstr(at(look->reply.body, look->key), look->want) != NULL;
}

static void test_found(void)
{
    struct look look = {.number = FOUND, .key = "customer.name", .want = "Ann"};
    REQUIRE(until(looks, &look, PATIENCE_MS));
    CHECK_TEXT(at(look.reply.body, "provider"), "quickbase");
    CHECK_TEXT(at(look.reply.body, "customer.projectStatus"), "PRE_PTO");
    CHECK_TEXT(at(look.reply.body, "customer.coordinatorEmail"), "CO@Example.com");
    CHECK_TEXT(at(look.reply.body, "customer.externalId"), "77");
    look.reply = look_up(FOUND, NULL);
    CHECK(json_is_true(json_object_get(look.reply.body, "fromCache")));
    CHECK_I64(atomic_load(&asked[FOUND]), 1);
}

static bool is_nobody_remembered(void *ctx)
{
    struct reply reply = look_up(NOBODY, NULL);
    (void)ctx;
    return atomic_load(&asked[NOBODY]) == 1 && at(reply.body, "problem")[0] == '\0';
}

static void test_nobody(void)
{
    CHECK(until(is_nobody_remembered, NULL, PATIENCE_MS));
    struct reply reply = look_up(NOBODY, NULL);
    CHECK_TEXT(at(reply.body, "customer.name"), "");
    CHECK_TEXT(at(reply.body, "provider"), "table");
    CHECK_I64(atomic_load(&asked[NOBODY]), 1);
    /* Whom QuickBase does not know may be in the table. */
    (void)customer_new("'name':'Ida','phones':['+15125550102']");
    struct look look = {.number = NOBODY, .key = "customer.name", .want = "Ida"};
    CHECK(until(looks, &look, PATIENCE_MS));
    CHECK_I64(atomic_load(&asked[NOBODY]), 1);
}

static void test_slow(void)
{
    atomic_store(&is_held, true);
    struct reply reply = look_up(HELD, NULL); /* comes although QuickBase gives no answer */
    CHECK_I64(reply.status, 200);
    CHECK(strstr(at(reply.body, "problem"), "in time") != NULL);
    CHECK_TEXT(at(reply.body, "customer.name"), "");
    atomic_store(&is_held, false);
    struct look look = {.number = HELD, .key = "customer.name", .want = "Ann"};
    REQUIRE(until(looks, &look, PATIENCE_MS));
    CHECK(json_is_true(json_object_get(look.reply.body, "fromCache")) ||
          atomic_load(&asked[HELD]) == 1);
    CHECK_I64(atomic_load(&asked[HELD]), 1); /* all waited for the one request */
}

static void test_failures(void)
{
    static const int numbers[] = {BUSY, BROKEN, NONSENSE, TOO_LONG, SILENT};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        (void)customer_new(text("'name':'Jo','phones':['+151255501%02d']", numbers[i]));
        struct look look = {.number = numbers[i], .key = "customer.name", .want = "Jo"};
        CHECK(until(looks, &look, PATIENCE_MS));
        CHECK_TEXT(at(look.reply.body, "provider"), "table");
        CHECK(strstr(at(look.reply.body, "problem"), "quickbase: ") != NULL);
    }
    /* By now it has failed often enough in a row to be left alone, and after a while it is not. */
    struct look away = {.number = BROKEN, .key = "problem", .want = "left alone"};
    CHECK(until(looks, &away, PATIENCE_MS));
    struct look back = {.number = LATER, .key = "customer.name", .want = "Ann"};
    CHECK(until(looks, &back, PATIENCE_MS));
    CHECK_I64(atomic_load(&malformed), 0);
}

static void test_coordinator(void)
{
    const char *workspace_sid = workspace_new();
    struct reply user = ask(BOOTSTRAP, "POST", "/users", NULL,
                            "{'email':'co@example.com','name':'Co','role':'agent'}");
    CHECK_I64(user.status, 201);
    const char *header = text("X-Workspace-Sid: %s\r\n", workspace_sid);
    struct reply worker =
        ask(BOOTSTRAP, "POST", "/workers", header, "{'friendlyName':'Co','attributes':{}}");
    REQUIRE(worker.status == 201);
    struct reply linked = ask(BOOTSTRAP, "POST", text("/workers/%s/user", at(worker.body, "sid")),
                              header, text("{'userSid':'%s'}", at(user.body, "sid")));
    CHECK_I64(linked.status, 200);
    struct look look = {.number = FOUND,
                        .workspace_sid = workspace_sid,
                        .key = "coordinatorWorkerSid",
                        .want = at(worker.body, "sid")};
    CHECK(until(looks, &look, PATIENCE_MS));
    /* Not in another workspace. */
    struct reply reply = look_up(FOUND, workspace_new());
    CHECK_TEXT(at(reply.body, "coordinatorWorkerSid"), "");
}

static const struct test_case cases[] = {
    {"customers are made, found by phone and words, changed and deleted",   test_table      },
    {"what makes no sense is refused by field",                             test_refusals   },
    {"a CSV file is imported once, however often, and says what is wrong",  test_import     },
    {"a file that is no list of customers is refused as a whole",           test_bad_files  },
    {"QuickBase knows a caller, and is asked once",                         test_found      },
    {"that nobody has a number is remembered too",                          test_nobody     },
    {"a slow QuickBase delays nobody, and its answer serves the next call", test_slow       },
    {"whatever QuickBase does, the table answers, and it is left alone",    test_failures   },
    {"the coordinator is the worker of the user with that e-mail",          test_coordinator},
};

int main(int argc, char **argv)
{
    struct peer *peer = peer_open(on_question, NULL);
    char url[64];
    (void)snprintf(url, sizeof url, "QUICKBASE_BASE_URL=http://127.0.0.1:%d", peer_port(peer));
    const char *const env[] = {
        "QUICKBASE_REALM=acme",
        "QUICKBASE_USER_TOKEN=" REALM_TOKEN,
        "QUICKBASE_TABLE_ID=bqx7xre7a",
        "QUICKBASE_FID_NAME=6",
        url,
        NULL,
    };
    program_env_set(PROGRAM_GATEWAY, env);
    int status = fixture_main("gateway customers", cases, ARRAY_LEN(cases), argc, argv);
    peer_close(peer);
    return status;
}
