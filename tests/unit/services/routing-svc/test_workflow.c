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

static const struct test_case cases[] = {
    {"a workflow has a name and a sensible timeout",         test_fields   },
    {"a document that cannot run is refused with the place", test_documents},
};

int main(int argc, char **argv)
{
    return testing_main("workflow", cases, ARRAY_LEN(cases), argc, argv);
}
