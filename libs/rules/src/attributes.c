/* Two JSON objects become one; those that are plain without trees, since a call is waiting. */
#include "rules/rules.h"

#include "jx/jx.h"
#include "jx/plain.h"
#include "jx/writer.h"

static enum err_code parse(struct str text, json_t **out, struct err *err)
{
    static const struct jx_limits limits = {.allows_duplicates = true};
    return jx_parse_object(text.len == 0 ? STR("{}") : text, &limits, out, err);
}

static const struct jx_member *find(const struct jx_plain *object, struct str key)
{
    for (size_t i = 0; i < object->count; i++) {
        if (str_eq(object->members[i].key, key))
            return &object->members[i];
    }
    return NULL;
}

static bool read_plain(struct str text, struct jx_plain *out)
{
    return text.len <= JX_MAX_BYTES && jx_plain_read(text.len == 0 ? STR("{}") : text, out) &&
           out->is_compact;
}

/* In the order that jansson keeps: own members where they are, then the new ones. */
static void write_plain(struct jx_writer *w, const struct jx_plain *own,
                        const struct jx_plain *added, bool replaces)
{
    jx_object_begin(w);
    for (size_t i = 0; i < own->count; i++) {
        const struct jx_member *member = &own->members[i];
        const struct jx_member *other = replaces ? find(added, member->key) : NULL;
        jx_key_str(w, member->key);
        jx_raw(w, other != NULL ? other->value : member->value);
    }
    for (size_t i = 0; i < added->count; i++) {
        const struct jx_member *member = &added->members[i];
        if (find(own, member->key) != NULL)
            continue;
        jx_key_str(w, member->key);
        jx_raw(w, member->value);
    }
    jx_object_end(w);
}

static enum err_code merge_trees(struct jx_writer *w, struct str own, struct str added,
                                 bool replaces, struct err *err)
{
    AUTO(jx_cleanup) json_t *merged = NULL;
    AUTO(jx_cleanup) json_t *other = NULL;
    enum err_code code = parse(own, &merged, err);
    if (code == ERR_OK)
        code = parse(added, &other, err);
    if (code != ERR_OK)
        return code;
    if (replaces)
        (void)json_object_update(merged, other);
    else
        (void)json_object_update_missing(merged, other);
    jx_value(w, merged);
    return ERR_OK;
}

enum err_code rule_attributes_merge(struct str own, struct str added, bool replaces,
                                    struct buf *out, struct err *err)
{
    struct jx_plain own_members;
    struct jx_plain added_members;
    struct jx_writer writer;
    jx_writer_init(&writer, out);
    if (read_plain(own, &own_members) && read_plain(added, &added_members)) {
        write_plain(&writer, &own_members, &added_members, replaces);
        return jx_writer_finish(&writer, err);
    }
    enum err_code code = merge_trees(&writer, own, added, replaces, err);
    return code == ERR_OK ? jx_writer_finish(&writer, err) : code;
}
