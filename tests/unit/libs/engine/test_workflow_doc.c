#include "engine/workflow_doc.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "expr/expr.h"
#include "testing.h"

#define Q1 "\"WQ00000000000000000000000000000001\""
#define Q2 "\"WQ00000000000000000000000000000002\""

static const char whole[] =
    "{\"task_routing\":{\"filters\":[{\"filter_friendly_name\":\"Gold\",\"expression\":"
    "\"type == 'ticket' AND tier == 'gold'\",\"targets\":[{\"queue\":" Q1
    ",\"priority\":10,\"timeout\":300,\"expression\":\"task.lang IN worker.langs\",\"order_by\":"
    "\"worker.level DESC, worker.seniority DESC\",\"skip_if\":\"workers.available == 0\","
    "\"known_worker_sid\":\"task.last_worker_sid\",\"unknown\":[1,{\"x\":null}]},"
    "{\"priority\":\"20\"},{\"queue\":" Q2 "}]}],\"default_filter\":{\"queue\":" Q1 "}}}";

static void a_whole_document_is_read(void)
{
    struct err err;
    struct workflow_doc *doc = workflow_doc_parse(str_from(whole), &err);
    REQUIRE(doc != NULL);
    CHECK_I64(doc->filter_count, 1);
    const struct workflow_filter *filter = &doc->filters[0];
    CHECK_STR(filter->name, "Gold");
    CHECK_I64(filter->target_count, 3);
    const struct workflow_target *target = &filter->targets[0];
    CHECK(target->has_priority && target->has_timeout);
    CHECK_I64(target->priority, 10);
    CHECK_I64(target->timeout_s, 300);
    CHECK(target->expression != NULL && target->order_by != NULL && target->skip_if != NULL);
    CHECK(target->known_worker != NULL && !target->is_known_by_name);
    CHECK_I64(filter->targets[1].priority, 20);
    CHECK(str_eq(filter->targets[1].queue, target->queue)); /* inherited */
    CHECK(!filter->targets[2].has_priority && filter->targets[2].expression == NULL);
    CHECK(doc->has_default);
    CHECK_I64(doc->queue_count, 2);
    CHECK_STR(doc->queues[1], "WQ00000000000000000000000000000002");
    struct expr_record *task = NULL;
    CHECK_I64(expr_record_new(STR("{\"type\":\"ticket\",\"tier\":\"gold\"}"), &task, &err), ERR_OK);
    CHECK_I64(workflow_doc_match(doc, task, 0), 0);
    CHECK_I64(workflow_doc_match(doc, task, 1), -1);
    expr_record_free(task);
    workflow_doc_free(doc);
}

struct bad {
    const char *text;
    const char *reason;
    const char *field;
};

#define ONE(t) "{\"task_routing\":{\"filters\":[{\"expression\":\"1==1\",\"targets\":[" t "]}]}}"
#define PLACE  "task_routing.filters[0].targets[0]"

static void what_is_wrong_is_named_with_its_place(void)
{
    static const struct bad bads[] = {
        {"",                                                                                          "BAD_JSON",       "configuration"                     },
        {"{\"task_routing\":",                                                                        "BAD_JSON",       "configuration"                     },
        {"{} x",                                                                                      "BAD_JSON",       "configuration"                     },
        {"{\"a\":\"\\ud800\"}",                                                                       "BAD_JSON",       "configuration"                     },
        {"{\"a\":01x}",                                                                               "BAD_JSON",       "configuration"                     },
        {"{}",                                                                                        "MISSING",        "task_routing"                      },
        {"[]",                                                                                        "MISSING",        "task_routing"                      },
        {"{\"task_routing\":[]}",                                                                     "WRONG_TYPE",     "task_routing"                      },
        {"{\"task_routing\":{}}",                                                                     "MISSING",        "task_routing"                      },
        {"{\"task_routing\":{\"filters\":{}}}",                                                       "WRONG_TYPE",     "task_routing.filters"              },
        {"{\"task_routing\":{\"filters\":[1]}}",                                                      "WRONG_TYPE",     "task_routing.filters[0]"           },
        {"{\"task_routing\":{\"filters\":[{}]}}",                                                     "MISSING",        "task_routing.filters[0].expression"},
        {"{\"task_routing\":{\"filters\":[{\"expression\":\"a ==\"}]}}",                              "BAD_EXPRESSION",
         "task_routing.filters[0].expression"                                                                                                               },
        {"{\"task_routing\":{\"filters\":[{\"expression\":\"a==1\"}]}}",                              "MISSING",
         "task_routing.filters[0].targets"                                                                                                                  },
        {ONE("5"),                                                                                    "WRONG_TYPE",     PLACE                               },
        {ONE("{}"),                                                                                   "MISSING",        PLACE ".queue"                      },
        {ONE("{\"queue\":\"WQ1\"}"),                                                                  "BAD_SID",        PLACE ".queue"                      },
        {ONE("{\"queue\":7}"),                                                                        "WRONG_TYPE",     PLACE ".queue"                      },
        {ONE("{\"queue\":" Q1 "},{\"queue\":\"x\"}"),                                                 "BAD_SID",
         "task_routing.filters[0].targets[1].queue"                                                                                                         },
        {ONE("{\"queue\":" Q1 ",\"timeout\":0}"),                                                     "OUT_OF_RANGE",   PLACE ".timeout"                    },
        {ONE("{\"queue\":" Q1 ",\"timeout\":1.5}"),                                                   "OUT_OF_RANGE",   PLACE ".timeout"                    },
        {ONE("{\"queue\":" Q1 ",\"priority\":\"high\"}"),                                             "OUT_OF_RANGE",   PLACE ".priority"                   },
        {ONE("{\"queue\":" Q1 ",\"priority\":true}"),                                                 "WRONG_TYPE",     PLACE ".priority"                   },
        {ONE("{\"queue\":" Q1 ",\"expression\":\"(\"}"),                                              "BAD_EXPRESSION", PLACE ".expression"                 },
        {ONE("{\"queue\":" Q1 ",\"order_by\":\"DESC\"}"),                                             "BAD_EXPRESSION", PLACE ".order_by"                   },
        {ONE("{\"queue\":" Q1 ",\"skip_if\":\"x y\"}"),                                               "BAD_EXPRESSION", PLACE ".skip_if"                    },
        {ONE("{\"queue\":" Q1 ",\"known_worker_sid\":\"agent\"}"),                                    "BAD_EXPRESSION",
         PLACE ".known_worker_sid"                                                                                                                          },
        {ONE("{\"queue\":" Q1
             ",\"known_worker_sid\":\"task.a\",\"known_worker_friendly_name\":\"task.b\"}"),
         "CONFLICT",                                                                                                    PLACE ".known_worker_sid"           },
        {"{\"task_routing\":{\"default_filter\":{\"queue\":" Q1 ",\"timeout\":5}}}",                  "CONFLICT",
         "task_routing.default_filter.timeout"                                                                                                              },
        {"{\"task_routing\":{\"default_filter\":{}}}",                                                "MISSING",
         "task_routing.default_filter.queue"                                                                                                                },
    };
    for (size_t i = 0; i < ARRAY_LEN(bads); i++) {
        struct err err = {0};
        struct workflow_doc *doc = workflow_doc_parse(str_from(bads[i].text), &err);
        CHECK(doc == NULL);
        CHECK_I64(err.code, ERR_INVALID_ARGUMENT);
        CHECK_TEXT(err.reason, bads[i].reason);
        CHECK_TEXT(err.field, bads[i].field);
        CHECK(err.detail[0] != '\0');
        workflow_doc_free(doc);
    }
}

static void depth_and_size_have_limits(void)
{
    struct err err;
    char deep[200];
    memset(deep, '[', sizeof deep);
    CHECK(workflow_doc_parse((struct str){deep, sizeof deep}, &err) == NULL);
    CHECK_TEXT(err.reason, "BAD_JSON");
    size_t len = WORKFLOW_DOC_MAX_BYTES + 1;
    char *big = xcalloc(len, 1);
    memset(big, ' ', len);
    CHECK(workflow_doc_parse((struct str){big, len}, &err) == NULL);
    CHECK_TEXT(err.reason, "TOO_LONG");
    free(big);
}

static void every_cut_of_a_document_is_refused_cleanly(void)
{
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        struct err err;
        struct workflow_doc *doc = workflow_doc_parse((struct str){whole, len}, &err);
        CHECK(doc == NULL);
        workflow_doc_free(doc);
    }
}

static const struct test_case cases[] = {
    {"a whole document is read",                   a_whole_document_is_read                  },
    {"what is wrong is named with its place",      what_is_wrong_is_named_with_its_place     },
    {"depth and size have limits",                 depth_and_size_have_limits                },
    {"every cut of a document is refused cleanly", every_cut_of_a_document_is_refused_cleanly},
};

int main(int argc, char **argv)
{
    return testing_main("workflow document", cases, ARRAY_LEN(cases), argc, argv);
}
