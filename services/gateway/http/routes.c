#include "routes.h"

#include <string.h>

#include "base/macros.h"
#include "pbjson/pbjson.h"

static const struct rest_area *const areas[] = {
    &rest_area_workers, &rest_area_routing, &rest_area_tasks, &rest_area_calls, &rest_area_accounts,
};

size_t rest_route_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(areas); i++)
        count += areas[i]->count;
    return count;
}

const struct rest_route *rest_route_at(size_t index)
{
    size_t area = 0;
    while (index >= areas[area]->count)
        index -= areas[area++]->count;
    return &areas[area]->rows[index];
}

bool rest_is_change(const struct rest_route *row)
{
    return row->kind == REST_CREATE || row->kind == REST_UPDATE || row->kind == REST_DELETE ||
           row->kind == REST_ACTION;
}

const ProtobufCFieldDescriptor *rest_field(const ProtobufCMessageDescriptor *type, const char *name)
{
    return type == NULL ? NULL : protobuf_c_message_descriptor_get_field_by_name(type, name);
}

const ProtobufCMessageDescriptor *rest_item_type(const struct rest_route *row)
{
    if (row->nested == NULL)
        return row->request;
    const ProtobufCFieldDescriptor *field = rest_field(row->request, row->nested);
    INVARIANT(field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE);
    return field->descriptor;
}

/* Tokens name a workspace too, but as a restriction that may be absent. */
bool rest_has_workspace(const struct rest_route *row)
{
    return row->rpc != NULL && (row->peer != PEER_GATEWAY || row->is_in_workspace) &&
           rest_field(rest_item_type(row), "workspace_sid") != NULL;
}

const ProtobufCFieldDescriptor *rest_path_field(const struct rest_route *row, struct str param)
{
    char camel[64];
    const ProtobufCMessageDescriptor *type = rest_item_type(row);
    if (str_eq_text(param, "sid"))
        return rest_field(type, row->key != NULL ? row->key : "sid");
    for (unsigned i = 0; i < type->n_fields; i++) {
        if (str_eq_text(param, pbjson_camel(type->fields[i].name, camel, sizeof camel)))
            return &type->fields[i];
    }
    return NULL;
}
