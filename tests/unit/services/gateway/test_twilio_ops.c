/* The dialect's tables say nothing that the messages do not have. */
#include "twilio_ops.h"

#include <string.h>

#include "testing.h"
#include "twilio_views.h"

static bool fits(const struct twilio_op_param *param, const ProtobufCFieldDescriptor *field)
{
    bool is_many = field->label == PROTOBUF_C_LABEL_REPEATED;
    switch (param->type) {
    case TWILIO_TEXT:
    case TWILIO_SID:
    case TWILIO_CHOICE:
        return field->type == PROTOBUF_C_TYPE_STRING && !is_many;
    case TWILIO_BOOL:
        return field->type == PROTOBUF_C_TYPE_BOOL;
    case TWILIO_INT:
        return field->type == PROTOBUF_C_TYPE_INT32 || field->type == PROTOBUF_C_TYPE_INT64;
    case TWILIO_INTS:
        return field->type == PROTOBUF_C_TYPE_INT64 && is_many;
    case TWILIO_DATE:
        return field->type == PROTOBUF_C_TYPE_MESSAGE;
    case TWILIO_ENUM:
        return field->type == PROTOBUF_C_TYPE_ENUM && !is_many;
    case TWILIO_ENUMS:
        return field->type == PROTOBUF_C_TYPE_ENUM && is_many;
    case TWILIO_CHOICES:
    case TWILIO_WORD:
    case TWILIO_TYPE_COUNT:
        break;
    }
    return false;
}

static const ProtobufCMessageDescriptor *target_of(const struct twilio_op *op,
                                                   const struct twilio_op_param *param)
{
    if (param->target == TWILIO_OF_ITEM)
        return twilio_item_type(op);
    return param->target == TWILIO_OF_ACTION ? op->actions[0].call.request : op->call.request;
}

static void parameters_fill_fields(void)
{
    for (size_t i = 0; i < twilio_op_count; i++) {
        const struct twilio_op *op = &twilio_ops[i];
        for (const struct twilio_op_param *param = op->params; param != NULL && param->name != NULL;
             param++) {
            if (param->field == NULL) {
                CHECK(param->target == TWILIO_OF_DATA || param->type == TWILIO_WORD);
                continue;
            }
            const ProtobufCFieldDescriptor *field =
                twilio_field(target_of(op, param), param->field);
            REQUIRE(field != NULL);
            CHECK(fits(param, field));
            CHECK(param->type != TWILIO_SID || param->words != NULL);
        }
    }
}

static void paths_fill_fields(void)
{
    for (size_t i = 0; i < twilio_op_count; i++) {
        const struct twilio_op *op = &twilio_ops[i];
        const ProtobufCMessageDescriptor *type = twilio_item_type(op);
        bool is_below = strstr(op->pattern, "{WorkspaceSid}") != NULL;
        CHECK(type == NULL || !is_below || twilio_field(type, "workspace_sid") != NULL);
        size_t open = is_below ? 1 : 0;
        for (const struct twilio_path *part = op->path; part != NULL && part->name != NULL;
             part++) {
            CHECK(strstr(op->pattern, part->name) != NULL);
            CHECK(type == NULL || part->field == NULL || twilio_field(type, part->field) != NULL);
            CHECK(part->check == NULL || op->call.reply == NULL ||
                  twilio_field(op->call.reply, part->check) != NULL);
            open++;
        }
        for (const char *c = op->pattern; *c != '\0'; c++)
            open -= *c == '{';
        CHECK_I64(open, 0);
        CHECK(op->parent == NULL || twilio_field(op->parent->request, op->parent_field) != NULL);
    }
}

static void updates_can_be_idle(void)
{
    for (size_t i = 0; i < twilio_op_count; i++) {
        const struct twilio_op *op = &twilio_ops[i];
        if (op->kind != TWILIO_UPDATE)
            continue;
        const struct twilio_op *fetch = twilio_op_find(HTTP_GET, op->pattern);
        REQUIRE(fetch != NULL);
        CHECK_I64(fetch->kind, TWILIO_FETCH);
        CHECK(fetch->view == op->view);
    }
}

static const ProtobufCMessageDescriptor *shown_type(const struct twilio_op *op)
{
    if (op->call.reply == NULL)
        return NULL;
    const ProtobufCFieldDescriptor *items = twilio_field(op->call.reply, "items");
    return items != NULL ? items->descriptor : op->call.reply;
}

static void template_check(const ProtobufCMessageDescriptor *type, const char *template)
{
    struct str rest = str_from(template);
    (void)str_split(&rest, '{');
    while (rest.ptr != NULL) {
        char name[64] = "";
        struct str part = str_split(&rest, '}');
        REQUIRE(part.len < sizeof name);
        memcpy(name, part.ptr, part.len);
        const ProtobufCFieldDescriptor *field = twilio_field(type, name);
        CHECK(field != NULL && field->type == PROTOBUF_C_TYPE_STRING);
        (void)str_split(&rest, '{');
    }
}

static void members_check(const ProtobufCMessageDescriptor *type,
                          const struct twilio_member *members)
{
    for (const struct twilio_member *member = members; member != NULL && member->key != NULL;
         member++) {
        if (member->show == TWILIO_SHOW_URL)
            template_check(type, member->field);
        else if (member->show != TWILIO_SHOW_CONSTANT)
            CHECK(twilio_field(type, member->field) != NULL);
    }
}

static void members_show_fields(void)
{
    for (size_t i = 0; i < twilio_op_count; i++) {
        const struct twilio_op *op = &twilio_ops[i];
        const ProtobufCMessageDescriptor *type = shown_type(op);
        CHECK((op->view == NULL) == (op->kind == TWILIO_DELETE));
        if (type == NULL || op->view == NULL)
            continue;
        CHECK((op->view->members == NULL) == (op->view->stats != TWILIO_STATS_NONE));
        members_check(type, op->view->members);
        members_check(type, op->view->links);
        CHECK(!op->has_etag || twilio_field(type, "version") != NULL);
    }
}

static void there_are_all(void)
{
    CHECK_I64(twilio_op_count, 61);
    for (size_t i = 0; i < twilio_op_count; i++) {
        for (size_t j = 0; j < i; j++) {
            CHECK(strcmp(twilio_ops[i].name, twilio_ops[j].name) != 0);
            CHECK(twilio_ops[i].method != twilio_ops[j].method ||
                  strcmp(twilio_ops[i].pattern, twilio_ops[j].pattern) != 0);
        }
        CHECK(twilio_ops[i].role != ROLE_NONE);
        CHECK((twilio_ops[i].kind == TWILIO_LIST) == (twilio_ops[i].key != NULL));
    }
}

static const struct test_case cases[] = {
    {"every operation of the vendor's document is there once", there_are_all         },
    {"parameters fill fields of their kind",                   parameters_fill_fields},
    {"path parameters fill fields",                            paths_fill_fields     },
    {"an update that changes nothing has something to show",   updates_can_be_idle   },
    {"members show fields that are there",                     members_show_fields   },
};

int main(int argc, char **argv)
{
    return testing_main("twilio ops", cases, ARRAY_LEN(cases), argc, argv);
}
