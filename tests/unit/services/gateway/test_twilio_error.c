#include "twilio_error.h"

#include <string.h>

#include "jx/jx.h"
#include "testing.h"
#include "twilio_ops.h"

static const struct twilio_op *op_named(const char *name)
{
    for (size_t i = 0; i < twilio_op_count; i++) {
        if (strcmp(twilio_ops[i].name, name) == 0)
            return &twilio_ops[i];
    }
    return NULL;
}

static void every_error_has_its_body(void)
{
    static const struct {
        enum err_code error;
        const char *reason;
        int given; /* what HTTP would say */
        int status;
        int code;
        const char *message;
    } rows[] = {
        {ERR_INVALID_ARGUMENT,    "X",                     400, 400, 20001, "it is wrong"                              },
        {ERR_ALREADY_EXISTS,      "QUEUE_NAME_TAKEN",      409, 400, 20001, "it is wrong"                              },
        {ERR_FAILED_PRECONDITION, "TASK_STATE",            400, 400, 20001, "it is wrong"                              },
        {ERR_FAILED_PRECONDITION, "RESERVATION_RESCINDED", 410, 410, 20410, "it is wrong"                              },
        {ERR_UNAUTHENTICATED,     "TOKEN_UNKNOWN",         401, 401, 20003, "Authenticate"                             },
        {ERR_PERMISSION_DENIED,   "PERMISSION_DENIED",     403, 403, 20403, "it is wrong"                              },
        {ERR_NOT_FOUND,           "TASK_NOT_FOUND",        404, 404, 20404,
         "The requested resource /Workspaces/WS1/Tasks/WT1 was not found"                                              },
        {ERR_UNIMPLEMENTED,       "METHOD_NOT_ALLOWED",    405, 405, 20004, "Method not allowed"                       },
        {ERR_ABORTED,             "VERSION_MISMATCH",      412, 412, 20412, "it is wrong"                              },
        {ERR_ABORTED,             "CURSOR_MOVED",          409, 409, 20409, "it is wrong"                              },
        {ERR_INVALID_ARGUMENT,    "PAYLOAD_TOO_LARGE",     413, 413, 20413, "it is wrong"                              },
        {ERR_INVALID_ARGUMENT,    "PAGE_WITHOUT_TOKEN",    400, 400, 40153, "it is wrong"                              },
        {ERR_INVALID_ARGUMENT,    "STATISTICS_TOO_OLD",    400, 400, 14241, "it is wrong"                              },
        {ERR_RESOURCE_EXHAUSTED,  "SERVER_BUSY",           429, 429, 20429, "Too Many Requests"                        },
        {ERR_INTERNAL,            "SECRET",                500, 500, 20500, "Internal server error"                    },
        {ERR_UNAVAILABLE,         "DRAINING",              503, 503, 20503, "Service is unavailable. Please try again."},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(jx_cleanup) json_t *root = NULL;
        char more_info[64];
        struct buf out;
        struct err err = {.code = rows[i].error, .reason = rows[i].reason};
        memcpy(err.detail, "it is wrong", 12);
        buf_init(&out, 0);
        CHECK_I64(twilio_error_body(STR("/v1/Workspaces/WS1/Tasks/WT1"), rows[i].given, &err, &out),
                  rows[i].status);
        CHECK_I64(jx_parse_object(buf_str(&out), NULL, &root, &err), ERR_OK);
        buf_fini(&out);
        (void)snprintf(more_info, sizeof more_info, "https://www.twilio.com/docs/errors/%d",
                       rows[i].code);
        CHECK_I64(json_object_size(root), 4);
        CHECK_I64(jx_get_i64(root, "code", 0), rows[i].code);
        CHECK_I64(jx_get_i64(root, "status", 0), rows[i].status);
        CHECK_TEXT(jx_get_text(root, "message", ""), rows[i].message);
        CHECK_TEXT(jx_get_text(root, "more_info", ""), more_info);
    }
}

static void fields_become_parameters(void)
{
    static const struct {
        const char *op;
        enum err_code code;
        const char *field;
        const char *detail;
        enum err_code want;
        const char *param;
        const char *said;
    } rows[] = {
        {"CreateWorker",          ERR_INVALID_ARGUMENT, "friendly_name", "friendly_name is too long",
         ERR_INVALID_ARGUMENT,                                                                                             "FriendlyName", "FriendlyName is too long"                          },
        {"CreateWorker",          ERR_INVALID_ARGUMENT, "attributes",    "it must be an object",
         ERR_INVALID_ARGUMENT,                                                                                             "Attributes",   "Invalid parameter Attributes: it must be an object"},
        {"CreateTask",            ERR_NOT_FOUND,        "workflow_sid",  "there is no workflow WW1",
         ERR_INVALID_ARGUMENT,                                                                                             "WorkflowSid",
         "Invalid parameter WorkflowSid: there is no workflow WW1"                                                                                                                             },
        {"UpdateTask",            ERR_INVALID_ARGUMENT, "task_channel",  "there is no task channel x",
         ERR_INVALID_ARGUMENT,                                                                                             "TaskChannel",
         "Invalid parameter TaskChannel: there is no task channel x"                                                                                                                           },
        {"CreateWorker",          ERR_ALREADY_EXISTS,   "friendly_name", "choose another friendlyName",
         ERR_ALREADY_EXISTS,                                                                                               "FriendlyName", "choose another FriendlyName"                       },
        {"FetchTaskChannel",      ERR_INVALID_ARGUMENT, "channel",       "channel has 66 characters",
         ERR_NOT_FOUND,                                                                                                    "channel",      "channel has 66 characters"                         },
        {"FetchTask",             ERR_NOT_FOUND,        "sid",           "there is no task",                ERR_NOT_FOUND, "sid",
         "there is no task"                                                                                                                                                                    },
        {"UpdateTaskReservation", ERR_INVALID_ARGUMENT, "instruction",   "there is none",
         ERR_INVALID_ARGUMENT,                                                                                             "Instruction",  "Invalid parameter Instruction: there is none"      },
        {"CreateTaskQueue",       ERR_INVALID_ARGUMENT, "",              "workers in max_reserved_workers",
         ERR_INVALID_ARGUMENT,                                                                                             "",             "workers in MaxReservedWorkers"                     },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        (void)ERR_FIELD(&err, rows[i].code, "X", rows[i].field, "%s", rows[i].detail);
        twilio_error_translate(op_named(rows[i].op), &err);
        CHECK_I64(err.code, rows[i].want);
        CHECK_TEXT(err.field, rows[i].param);
        CHECK_TEXT(err.detail, rows[i].said);
    }
}

static void long_texts_are_cut(void)
{
    struct err err = {0};
    memset(err.detail, 'a', sizeof err.detail - 1);
    memcpy(err.detail + 480, " friendly_name friendly_name ", 29);
    err.code = ERR_INVALID_ARGUMENT;
    memcpy(err.field, "friendly_name", 14);
    twilio_error_translate(op_named("CreateWorker"), &err);
    CHECK(strlen(err.detail) < sizeof err.detail);
    CHECK_TEXT(err.field, "FriendlyName");
}

static const struct test_case cases[] = {
    {"every error has Twilio's status and code", every_error_has_its_body},
    {"a service's fields become parameters",     fields_become_parameters},
    {"a text at its limit stays within it",      long_texts_are_cut      },
};

int main(int argc, char **argv)
{
    return testing_main("twilio error", cases, ARRAY_LEN(cases), argc, argv);
}
