#include "workflow.h"

#include "testing.h"

static void test_fields(void)
{
    static const struct {
        const char *name;
        int32_t timeout_s;
        const char *field;
    } rows[] = {
        {"Main", 1,         NULL                      },
        {"Main", 86400,     NULL                      },
        {"",     120,       "friendly_name"           },
        {" ",    120,       "friendly_name"           },
        {"Main", 0,         "task_reservation_timeout"},
        {"Main", 86401,     "task_reservation_timeout"},
        {"Main", INT32_MIN, "task_reservation_timeout"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct workflow workflow = {.friendly_name = rows[i].name,
                                    .task_reservation_timeout_s = rows[i].timeout_s};
        struct err err = {.code = ERR_OK};
        CHECK_I64(workflow_check(&workflow, &err) == ERR_OK, rows[i].field == NULL);
        CHECK_TEXT(err.field, rows[i].field == NULL ? "" : rows[i].field);
    }
}

#define QUEUE "WQ0123456789abcdef0123456789abcdef"

static void test_documents(void)
{
    static const struct {
        const char *text;
        const char *says; /* NULL: fine */
    } rows[] = {
        {"{\"task_routing\":{\"default_filter\":{\"queue\":\"" QUEUE "\"}}}", NULL                  },
        {"",                                                                  "required"            },
        {"x",                                                                 "line 1"              },
        {"{}",                                                                "task_routing"        },
        {"{\"task_routing\":{\"default_filter\":{\"queue\":\"x\"}}}",         "default_filter.queue"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(workflow_doc_cleanup) struct workflow_doc *doc = NULL;
        struct err err = {.code = ERR_OK};
        enum err_code code = workflow_parse(str_from(rows[i].text), &doc, &err);
        CHECK_I64(code, rows[i].says == NULL ? ERR_OK : ERR_INVALID_ARGUMENT);
        CHECK_I64(doc != NULL, code == ERR_OK);
        if (code != ERR_OK) {
            CHECK_TEXT(err.field, "configuration");
            CHECK(rows[i].says != NULL && strstr(err.detail, rows[i].says) != NULL);
        }
    }
}

/* Twilio routes by it, so it need not be what we would run. */
static void test_mirrored(void)
{
    static char long_name[WORKFLOW_MIRRORED_NAME_MAX + 2];
    static char long_document[WORKFLOW_MIRRORED_DOCUMENT_MAX + 2];
    static char long_url[WORKFLOW_MIRRORED_URL_MAX + 2];
    memset(long_name, 'n', sizeof long_name - 1);
    memset(long_document, ' ', sizeof long_document - 1);
    memset(long_url, 'u', sizeof long_url - 1);
    const struct workflow good = {.friendly_name = long_name + 1,
                                  .configuration = long_document + 1,
                                  .assignment_callback_url = long_url + 1,
                                  .fallback_assignment_callback_url = "no URL",
                                  .task_reservation_timeout_s = 86400};
    struct workflow bad[] = {good, good, good, good, good, good};
    bad[0].friendly_name = long_name;
    bad[1].friendly_name = "";
    bad[2].configuration = long_document;
    bad[3].assignment_callback_url = long_url;
    bad[4].fallback_assignment_callback_url = long_url;
    bad[5].task_reservation_timeout_s = 86401;
    CHECK_I64(workflow_check_mirrored(&good, NULL), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK_I64(workflow_check_mirrored(&bad[i], NULL), ERR_INVALID_ARGUMENT);
}

static const struct test_case cases[] = {
    {"a workflow has a name and a sensible timeout",         test_fields   },
    {"a document that cannot run is refused with the place", test_documents},
    {"what Twilio has need not follow our rules",            test_mirrored },
};

int main(int argc, char **argv)
{
    return testing_main("workflow", cases, ARRAY_LEN(cases), argc, argv);
}
