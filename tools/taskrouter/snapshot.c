#include "snapshot.h"

#include "api.h"
#include "cli.h"
#include "doc.h"
#include "jx/jx.h"

static enum err_code item_take(struct cli *cli, struct doc *doc, enum doc_kind kind, json_t *raw,
                               struct err *err)
{
    const char *found = doc_key_from(jx_get(raw, doc_sections[kind].fields[0].rest));
    const char *key = found != NULL ? found : "";
    struct doc_item *item = doc_add(doc, kind, key, NULL);
    if (item == NULL)
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "NAME_TWICE",
                       "two %s have the name \"%s\"; rename one of them first",
                       doc_sections[kind].name, key);
    item->raw = doc_keep(cli->arena, json_incref(raw));
    item->sid = cli_text(cli, "%s", jx_get_text(raw, "sid", ""));
    item->version = jx_get_i64(raw, "version", 0);
    return ERR_OK;
}

static enum err_code section_load(struct cli *cli, struct doc *doc, enum doc_kind kind,
                                  struct err *err)
{
    AUTO(jx_cleanup) json_t *all = NULL;
    size_t index = 0;
    json_t *raw = NULL;
    enum err_code code = ERR_OK;
    if (kind == DOC_WORKSPACE) {
        code = api_get(cli->api, cli_text(cli, "/workspaces/%s", cli->workspace_sid), &all, err);
        return code == ERR_OK ? item_take(cli, doc, kind, all, err) : code;
    }
    code = api_list(cli->api, doc_sections[kind].path, 0, &all, err);
    if (code == ERR_UNIMPLEMENTED &&
        kind >= DOC_HOURS) { /* an earlier gateway has no such things */
        err_clear(err);
        return ERR_OK;
    }
    json_array_foreach(all, index, raw)
    {
        if (code == ERR_OK)
            code = item_take(cli, doc, kind, raw, err);
    }
    return code;
}

enum err_code snapshot_load(struct cli *cli, struct doc **out, struct err *err)
{
    enum err_code code = ERR_OK;
    struct doc *doc = doc_new(cli->arena);
    for (int kind = 0; kind < DOC_KIND_COUNT && code == ERR_OK; kind++) {
        code = section_load(cli, doc, (enum doc_kind)kind, err);
        doc->lists[kind].is_there = true;
    }
    if (code == ERR_OK)
        *out = doc;
    return code;
}
