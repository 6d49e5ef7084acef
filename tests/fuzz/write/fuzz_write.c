/*
 * The first line names a write, the rest is its request as JSON. Whatever is in it: the path leads
 * below the workspace and nowhere else, no parameter comes that no table knows, and what a resource
 * shows can be asked.
 */
#include <string.h>

#include "base/macros.h"
#include "engine/instruction.h"
#include "fuzz.h"
#include "message_fields.h"
#include "pbjson/pbjson.h"
#include "rpc/pb.h"
#include "write_form.h"

enum { ARENA_BYTES = 8 << 20 };

#define PARENT "WT00000000000000000000000000000001"

static void check_path(const char *path)
{
    INVARIANT(strncmp(path, "/v1/Workspaces", 14) == 0);
    for (const char *c = path; *c != '\0'; c++) {
        bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                        (*c >= '0' && *c <= '9') || strchr("/_-$", *c) != NULL;
        INVARIANT(is_plain);
    }
}

static void check_names(const struct write_op *op, const ProtobufCMessage *request,
                        const struct write_form *form)
{
    enum instruction_kind kind = instruction_from(str_from(field_text(request, "instruction")));
    for (size_t i = 0; i < form->count; i++) {
        bool is_list = false;
        struct str name = form->params[i].name;
        bool is_known = write_field_of(op, name) != NULL || str_eq_text(name, "Reason") ||
                        (op->status_param != NULL && str_eq_text(name, op->status_param)) ||
                        (op->is_once && instruction_form_name(kind, name, &is_list) != NULL);
        INVARIANT(is_known &&
                  (form->params[i].value.ptr != NULL || form->params[i].value.len == 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct pbjson_options options = {.flags = PBJSON_SNAKE_CASE | PBJSON_INT64_NUMBER |
                                                           PBJSON_ENUM_SHORT};
    struct str rest = {(const char *)data, size};
    struct str name = str_split(&rest, '\n');
    ProtobufCMessage *request = NULL;
    struct write_form form;
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    const char *rpc = arena_str_dup(arena, name);
    const struct write_op *op = rpc == NULL ? NULL : write_op_find(rpc);
    if (op == NULL ||
        pbjson_decode(rest, op->request, &options, arena, &request, NULL, NULL) != ERR_OK)
        return 0;
    if (write_form_make(arena, op, request, PARENT, &form, NULL) != ERR_OK)
        return 0;
    check_path(form.path);
    check_names(op, request, &form);
    ProtobufCMessage *resource = op->reply == NULL ? NULL : pb_new(arena, op->reply);
    if (resource == NULL)
        return 0;
    write_add_ours(arena, op, request, resource);
    (void)write_shows(arena, op, request, resource);
    return 0;
}
