#include "svc/mask.h"

#include <string.h>

#include "base/buf.h"

bool mask_has(const Google__Protobuf__FieldMask *mask, const char *field)
{
    for (size_t i = 0; mask != NULL && i < mask->n_paths; i++) {
        if (strcmp(mask->paths[i], field) == 0)
            return true;
    }
    return false;
}

static bool is_allowed(const char *path, const char *const *allowed, size_t allowed_count)
{
    for (size_t i = 0; i < allowed_count; i++) {
        if (strcmp(path, allowed[i]) == 0)
            return true;
    }
    return false;
}

static enum err_code refuse(const char *path, const char *const *allowed, size_t allowed_count,
                            struct err *err)
{
    struct buf list;
    buf_init(&list, 0);
    for (size_t i = 0; i < allowed_count; i++)
        buf_printf(&list, "%s%s", i == 0 ? "" : ", ", allowed[i]);
    enum err_code code =
        ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_NOT_UPDATABLE", path,
                  "%s cannot be changed; these can: %s", path, list.data == NULL ? "" : list.data);
    buf_fini(&list);
    return code;
}

enum err_code mask_check(const Google__Protobuf__FieldMask *mask, const char *const *allowed,
                         size_t allowed_count, struct err *err)
{
    if (mask == NULL || mask->n_paths == 0)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "EMPTY_UPDATE", "update_mask",
                         "nothing to change; name at least one field");
    for (size_t i = 0; i < mask->n_paths; i++) {
        if (!is_allowed(mask->paths[i], allowed, allowed_count))
            return refuse(mask->paths[i], allowed, allowed_count, err);
    }
    return ERR_OK;
}
