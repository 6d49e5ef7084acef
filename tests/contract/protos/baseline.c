#include "baseline.h"

#include "base/arena.h"
#include "base/map.h"
#include "google/protobuf/descriptor.pb-c.h"

/* Names as in .proto files, by FieldDescriptorProto.Type. */
static const char *const scalar_names[] = {
    [1] = "double",  [2] = "float",     [3] = "int64",     [4] = "uint64",  [5] = "int32",
    [6] = "fixed64", [7] = "fixed32",   [8] = "bool",      [9] = "string",  [12] = "bytes",
    [13] = "uint32", [15] = "sfixed32", [16] = "sfixed64", [17] = "sint32", [18] = "sint64",
};

typedef Google__Protobuf__FileDescriptorProto File;
typedef Google__Protobuf__DescriptorProto Message;
typedef Google__Protobuf__FieldDescriptorProto Field;
typedef Google__Protobuf__EnumDescriptorProto Enum;
typedef Google__Protobuf__ServiceDescriptorProto Service;

/* ".taskrouter.x" without the dot that says "from the root". */
static const char *full_name(const char *name)
{
    return name[0] == '.' ? name + 1 : name;
}

static void describe_label(const Message *message, const Field *field, struct buf *out)
{
    if (field->label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED)
        buf_text(out, "repeated ");
    else if (field->has_proto3_optional && field->proto3_optional)
        buf_text(out, "optional ");
    else if (field->has_oneof_index)
        buf_printf(out, "oneof %s ", message->oneof_decl[field->oneof_index]->name);
}

static void describe_field(const char *owner, const Message *message, const Field *field,
                           struct buf *out)
{
    size_t type = (size_t)field->type;
    const char *scalar = type < ARRAY_LEN(scalar_names) ? scalar_names[type] : NULL;
    buf_printf(out, "%s %d: ", owner, field->number);
    describe_label(message, field, out);
    buf_text(out, field->type_name != NULL && field->type_name[0] != '\0'
                      ? full_name(field->type_name)
                  : scalar != NULL ? scalar
                                   : "unknown");
    buf_printf(out, " %s json=%s\n", field->name, field->json_name);
}

static void describe_enum(const char *scope, const Enum *type, struct buf *out)
{
    buf_printf(out, "%s.%s: enum\n", scope, type->name);
    for (size_t i = 0; i < type->n_value; i++)
        buf_printf(out, "%s.%s %d: %s\n", scope, type->name, type->value[i]->number,
                   type->value[i]->name);
}

static void describe_message(struct arena *arena, const char *scope, const Message *message,
                             struct buf *out)
{
    char *owner = arena_printf(arena, "%s.%s", scope, message->name);
    INVARIANT(owner != NULL);
    buf_printf(out, "%s: message\n", owner);
    for (size_t i = 0; i < message->n_field; i++)
        describe_field(owner, message, message->field[i], out);
    for (size_t i = 0; i < message->n_enum_type; i++)
        describe_enum(owner, message->enum_type[i], out);
    for (size_t i = 0; i < message->n_nested_type; i++)
        describe_message(arena, owner, message->nested_type[i], out);
}

static void describe_service(const char *scope, const Service *service, struct buf *out)
{
    buf_printf(out, "%s.%s: service\n", scope, service->name);
    for (size_t i = 0; i < service->n_method; i++) {
        const Google__Protobuf__MethodDescriptorProto *method = service->method[i];
        buf_printf(out, "%s.%s/%s: (%s%s) returns (%s%s)\n", scope, service->name, method->name,
                   method->client_streaming ? "stream " : "", full_name(method->input_type),
                   method->server_streaming ? "stream " : "", full_name(method->output_type));
    }
}

static void describe_file(struct arena *arena, const File *file, struct buf *out)
{
    for (size_t i = 0; i < file->n_service; i++)
        describe_service(file->package, file->service[i], out);
    for (size_t i = 0; i < file->n_message_type; i++)
        describe_message(arena, file->package, file->message_type[i], out);
    for (size_t i = 0; i < file->n_enum_type; i++)
        describe_enum(file->package, file->enum_type[i], out);
}

bool baseline_describe(struct str protoset, struct buf *out)
{
    enum { NAMES_BYTES = 1 << 20 };
    Google__Protobuf__FileDescriptorSet *set = google__protobuf__file_descriptor_set__unpack(
        NULL, protoset.len, (const uint8_t *)protoset.ptr);
    if (set == NULL)
        return false;
    AUTO(arena_cleanup) struct arena *arena = arena_new(NAMES_BYTES);
    for (size_t i = 0; i < set->n_file; i++) {
        const char *package = set->file[i]->package;
        if (package != NULL && str_starts_with(str_from(package), STR("taskrouter.")))
            describe_file(arena, set->file[i], out);
    }
    google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
    return !buf_failed(out);
}

/* ---- Comparing ---- */

struct promise {
    struct str line;
    struct str key;
    bool is_met;
};

/* The next line that says something; false at the end. */
static bool next_promise(struct str *rest, struct promise *out)
{
    while (rest->ptr != NULL) {
        struct str line = str_trim(str_split(rest, '\n'));
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        ptrdiff_t colon = str_find(line, STR(": "));
        *out = (struct promise){.line = line, .key = line};
        if (colon >= 0)
            out->key.len = (size_t)colon;
        return true;
    }
    return false;
}

struct baseline_result baseline_compare(struct str kept, struct str current, struct buf *out_report)
{
    enum { PROMISES_BYTES = 8 << 20 };
    struct baseline_result result = {0};
    struct promise now;
    struct map promises;
    AUTO(arena_cleanup) struct arena *arena = arena_new(PROMISES_BYTES);
    map_init(&promises);
    while (next_promise(&kept, &now)) {
        struct promise *promise = ARENA_NEW(arena, struct promise);
        INVARIANT(promise != NULL);
        *promise = now;
        (void)map_put(&promises, promise->key, promise);
    }
    while (next_promise(&current, &now)) {
        struct promise *before = map_get(&promises, now.key);
        if (before == NULL) {
            buf_printf(out_report, "new      %.*s\n", STR_ARG(now.line));
            result.added++;
            continue;
        }
        before->is_met = true;
        if (str_eq(before->line, now.line))
            continue;
        buf_printf(out_report, "CHANGED  %.*s\n     was %.*s\n", STR_ARG(now.line),
                   STR_ARG(before->line));
        result.broken++;
    }
    for (size_t i = 0; i < promises.count; i++) {
        const struct promise *promise = promises.entries[i].value;
        if (promise->is_met)
            continue;
        buf_printf(out_report, "REMOVED  %.*s\n", STR_ARG(promise->line));
        result.broken++;
    }
    map_fini(&promises);
    return result;
}
