#include "openapi.h"

#include <jansson.h>

#include "jx/jx.h"
#include "pbjson/pbjson.h"
#include "routes.h"
#include "testing.h"

static json_t *document(void)
{
    struct buf text;
    buf_init(&text, 0);
    openapi_write(&text);
    json_t *root = NULL;
    struct err err = {0};
    struct jx_limits limits = {.max_bytes = 4 << 20};
    CHECK(jx_parse_object(buf_str(&text), &limits, &root, &err) == ERR_OK);
    CHECK_TEXT(err.detail, "");
    buf_fini(&text);
    return root;
}

static json_t *operation_of(json_t *root, const struct rest_route *row)
{
    char method[16];
    const char *name = http_method_name(row->method);
    size_t i = 0;
    for (; name[i] != '\0' && i < sizeof method - 1; i++)
        method[i] = (char)(name[i] - 'A' + 'a');
    method[i] = '\0';
    return jx_get(jx_get(jx_get(root, "paths"), row->pattern), method);
}

static void every_route_is_described(void)
{
    AUTO(jx_cleanup) json_t *root = document();
    size_t described = 0;
    const char *path = NULL;
    json_t *item = NULL;
    json_object_foreach(jx_get(root, "paths"), path, item) described += json_object_size(item);
    CHECK_I64(described, rest_route_count());
    for (size_t i = 0; i < rest_route_count(); i++) {
        json_t *operation = operation_of(root, rest_route_at(i));
        CHECK(jx_get_text(operation, "operationId", "")[0] != '\0');
        CHECK(jx_get_text(operation, "summary", "")[0] != '\0');
        CHECK(jx_get(jx_get(operation, "responses"), "default") != NULL);
    }
}

static void operation_ids_are_unique(void)
{
    AUTO(jx_cleanup) json_t *root = document();
    AUTO(jx_cleanup) json_t *seen = json_object();
    for (size_t i = 0; i < rest_route_count(); i++)
        (void)json_object_set_new(
            seen, jx_get_text(operation_of(root, rest_route_at(i)), "operationId", ""),
            json_true());
    CHECK_I64(json_object_size(seen), rest_route_count());
}

/* Every "$ref" must lead somewhere. */
static void refs_check(json_t *root, json_t *value)
{
    const char *key = NULL;
    json_t *item = NULL;
    size_t index = 0;
    const char *ref = jx_get_text(value, "$ref", NULL);
    if (ref != NULL) {
        struct str rest = str_from(ref);
        json_t *at = root;
        CHECK_STR(str_split(&rest, '/'), "#");
        while (rest.ptr != NULL && at != NULL) {
            struct str part = str_split(&rest, '/');
            at = json_object_getn(at, part.ptr, part.len);
        }
        CHECK(at != NULL);
    }
    json_object_foreach(value, key, item) refs_check(root, item);
    json_array_foreach(value, index, item) refs_check(root, item);
}

static void every_reference_leads_somewhere(void)
{
    AUTO(jx_cleanup) json_t *root = document();
    refs_check(root, root);
}

/* The table names fields by text: a misspelling must not wait for a request. */
static void every_field_in_the_table_exists(void)
{
    for (size_t i = 0; i < rest_route_count(); i++) {
        const struct rest_route *row = rest_route_at(i);
        if (row->rpc == NULL)
            continue;
        for (const char *const *name = row->body; name != NULL && *name != NULL; name++)
            CHECK(rest_field(rest_item_type(row), *name) != NULL);
        for (const char *const *name = row->body_more; name != NULL && *name != NULL; name++)
            CHECK(rest_field(row->request, *name) != NULL);
        for (const char *const *name = row->query; name != NULL && *name != NULL; name++)
            CHECK(rest_field(row->request, *name) != NULL);
        struct str rest = str_from(row->pattern);
        while (rest.ptr != NULL) {
            struct str part = str_split(&rest, '/');
            if (part.len < 3 || part.ptr[0] != '{')
                continue;
            CHECK(rest_path_field(row, (struct str){part.ptr + 1, part.len - 2}) != NULL);
        }
        CHECK(row->kind != REST_UPDATE || row->nested == NULL ||
              rest_field(row->request, "update_mask") != NULL);
        CHECK(row->kind != REST_LIST || rest_field(row->reply, "items") != NULL);
    }
}

static const struct test_case cases[] = {
    {"every route is described",        every_route_is_described       },
    {"operation ids are unique",        operation_ids_are_unique       },
    {"every reference leads somewhere", every_reference_leads_somewhere},
    {"every field in the table exists", every_field_in_the_table_exists},
};

int main(int argc, char **argv)
{
    return testing_main("openapi", cases, ARRAY_LEN(cases), argc, argv);
}
