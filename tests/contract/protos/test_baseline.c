#include "baseline.h"

#include "google/protobuf/descriptor.pb-c.h"
#include "testing.h"

static const char kept[] = "# a comment\n"
                           "x.v1.Task: message\n"
                           "x.v1.Task 1: string sid json=sid\n"
                           "x.v1.Task 2: int64 task_priority json=taskPriority\n"
                           "x.v1.State 1: STATE_OPEN\n"
                           "x.v1.Tasks/Get: (x.v1.GetRequest) returns (x.v1.Task)\n";

/* The kept lines with the piece `was` replaced, against the kept lines. */
static struct baseline_result compare_with(const char *was, const char *now, struct buf *report)
{
    struct buf current;
    buf_init(&current, 0);
    buf_init(report, 0);
    struct str text = str_from(kept);
    ptrdiff_t at = str_find(text, str_from(was));
    INVARIANT(at >= 0);
    buf_append(&current, text.ptr, (size_t)at);
    buf_text(&current, now);
    buf_text(&current, text.ptr + at + strlen(was));
    struct baseline_result result = baseline_compare(text, buf_str(&current), report);
    buf_fini(&current);
    return result;
}

struct change {
    const char *was;
    const char *now;
    size_t broken;
    size_t added;
    const char *says; /* a line of the report begins so */
};

static void test_changes(void)
{
    static const struct change changes[] = {
        {"# a comment",                                             "# another",                              0, 0, ""                                },
        {"2: int64 task_priority json=taskPri",                     "2: string name json=taskPri",            1, 0,
         "CHANGED  x.v1.Task 2: string name"                                                                                                          },
        {"2: int64 task_",                                          "2: int32 task_",                         1, 0, "CHANGED  x.v1.Task 2: int32"     },
        {"2: int64 task_",                                          "2: repeated int64 task_",                1, 0, "CHANGED  x.v1.Task 2: repeated"  },
        {"Task 2: int64",                                           "Task 3: int64",                          1, 1, "new      x.v1.Task 3"            },
        {"x.v1.Task 1: string sid json=sid\n",                      "",                                       1, 0, "REMOVED  x.v1.Task 1: string sid"},
        {"x.v1.Tasks/Get: (x.v1.GetRequest) returns (x.v1.Task)\n", "",                                       1, 0,
         "REMOVED  x.v1.Tasks/Get"                                                                                                                    },
        {"returns (x.v1.Task)",                                     "returns (stream x.v1.Task)",             1, 0, "CHANGED  x.v1.Tasks/Get"         },
        {"State 1: STATE_OPEN",                                     "State 1: STATE_CLOSED",                  1, 0, "CHANGED  x.v1.State 1"           },
        {"x.v1.State 1",                                            "x.v1.State 0: NONE\nx.v1.State 1",       0, 1, "new      x.v1.State 0: NONE"     },
        {"json=sid\n",                                              "json=sid\nx.v1.Task 9: bool a json=a\n", 0, 1, "new      x.v1.Task 9"            },
    };
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct buf report;
        struct baseline_result result = compare_with(changes[i].was, changes[i].now, &report);
        CHECK_I64(result.broken, changes[i].broken);
        CHECK_I64(result.added, changes[i].added);
        CHECK(str_find(buf_str(&report), str_from(changes[i].says)) >= 0);
        buf_fini(&report);
    }
}

/* A set of one file with a message of two fields, an enum and a method, as protoc would write it.
 */
static void test_describe(void)
{
    Google__Protobuf__FieldDescriptorProto list = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__INIT;
    Google__Protobuf__FieldDescriptorProto kind = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__INIT;
    Google__Protobuf__FieldDescriptorProto *fields[] = {&list, &kind};
    Google__Protobuf__DescriptorProto item = GOOGLE__PROTOBUF__DESCRIPTOR_PROTO__INIT;
    Google__Protobuf__DescriptorProto *messages[] = {&item};
    Google__Protobuf__EnumValueDescriptorProto none =
        GOOGLE__PROTOBUF__ENUM_VALUE_DESCRIPTOR_PROTO__INIT;
    Google__Protobuf__EnumValueDescriptorProto *values[] = {&none};
    Google__Protobuf__EnumDescriptorProto kinds = GOOGLE__PROTOBUF__ENUM_DESCRIPTOR_PROTO__INIT;
    Google__Protobuf__EnumDescriptorProto *enums[] = {&kinds};
    Google__Protobuf__MethodDescriptorProto watch = GOOGLE__PROTOBUF__METHOD_DESCRIPTOR_PROTO__INIT;
    Google__Protobuf__MethodDescriptorProto *methods[] = {&watch};
    Google__Protobuf__ServiceDescriptorProto items =
        GOOGLE__PROTOBUF__SERVICE_DESCRIPTOR_PROTO__INIT;
    Google__Protobuf__ServiceDescriptorProto *services[] = {&items};
    Google__Protobuf__FileDescriptorProto file = GOOGLE__PROTOBUF__FILE_DESCRIPTOR_PROTO__INIT;
    Google__Protobuf__FileDescriptorProto *files[] = {&file};
    Google__Protobuf__FileDescriptorSet set = GOOGLE__PROTOBUF__FILE_DESCRIPTOR_SET__INIT;
    static char names[][24] = {"the_list",
                               "theList",
                               "kind",
                               "Item",
                               "NONE",
                               "Kind",
                               "Watch",
                               "Items",
                               "taskrouter.x.v1",
                               ".taskrouter.x.v1.Item",
                               ".taskrouter.x.v1.Kind"};
    list.name = names[0];
    list.json_name = names[1];
    list.has_number = list.has_label = list.has_type = 1;
    list.number = 1;
    list.label = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED;
    list.type = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING;
    kind = list;
    kind.name = kind.json_name = names[2];
    kind.number = 7;
    kind.label = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_OPTIONAL;
    kind.type = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_ENUM;
    kind.type_name = names[10];
    kind.has_proto3_optional = kind.proto3_optional = 1;
    item.name = names[3];
    item.field = fields;
    item.n_field = ARRAY_LEN(fields);
    none.name = names[4];
    none.has_number = 1;
    kinds.name = names[5];
    kinds.value = values;
    kinds.n_value = 1;
    watch.name = names[6];
    watch.input_type = watch.output_type = names[9];
    watch.has_server_streaming = watch.server_streaming = 1;
    items.name = names[7];
    items.method = methods;
    items.n_method = 1;
    file.package = names[8];
    file.service = services;
    file.message_type = messages;
    file.enum_type = enums;
    file.n_service = file.n_message_type = file.n_enum_type = 1;
    set.file = files;
    set.n_file = 1;

    uint8_t bytes[512];
    REQUIRE(google__protobuf__file_descriptor_set__get_packed_size(&set) <= sizeof bytes);
    size_t len = google__protobuf__file_descriptor_set__pack(&set, bytes);
    struct buf lines;
    buf_init(&lines, 0);
    CHECK(baseline_describe((struct str){(const char *)bytes, len}, &lines));
    CHECK_STR(buf_str(&lines),
              "taskrouter.x.v1.Items: service\n"
              "taskrouter.x.v1.Items/Watch: (taskrouter.x.v1.Item) returns (stream "
              "taskrouter.x.v1.Item)\n"
              "taskrouter.x.v1.Item: message\n"
              "taskrouter.x.v1.Item 1: repeated string the_list json=theList\n"
              "taskrouter.x.v1.Item 7: optional taskrouter.x.v1.Kind kind json=kind\n"
              "taskrouter.x.v1.Kind: enum\n"
              "taskrouter.x.v1.Kind 0: NONE\n");
    buf_fini(&lines);
}

static void test_garbage(void)
{
    struct buf lines;
    buf_init(&lines, 0);
    CHECK(!baseline_describe(STR("\xff\xff\xff"), &lines));
    buf_fini(&lines);
}

static const struct test_case cases[] = {
    {"what is taken away or changed is broken, what is new is only to be added", test_changes },
    {"a descriptor set becomes one line a promise",                              test_describe},
    {"bytes that are no descriptor set are refused",                             test_garbage },
};

int main(int argc, char **argv)
{
    return testing_main("baseline", cases, ARRAY_LEN(cases), argc, argv);
}
