#include "twilio_page.h"

#include <inttypes.h>
#include <string.h>

#include "jx/jx.h"
#include "jx/writer.h"
#include "taskrouter/workers/v1/workers.pb-c.h"
#include "testing.h"
#include "twilio_ops.h"
#include "twilio_render.h"

#define PATH STR("/v1/Workspaces/WS1/Workers")
#define KEY  STR("the key of the tests")

static struct arena *arena;
static struct err err;

static struct http_params query(const char *text)
{
    struct http_params params = {NULL, 0};
    INVARIANT(http_params_decode(arena, str_from(text), 100, &params, &err) == ERR_OK);
    return params;
}

static enum err_code read_page(const char *text, struct str path, struct twilio_page *out)
{
    struct http_params given = query(text);
    err_clear(&err);
    return twilio_page_read(&given, KEY, path, arena, out, &err);
}

static json_t *meta_of(const char *text, const char *next_cursor)
{
    struct http_params given = query(text);
    struct twilio_page page;
    struct buf out;
    struct jx_writer w;
    json_t *root = NULL;
    INVARIANT(twilio_page_read(&given, KEY, PATH, arena, &page, &err) == ERR_OK);
    buf_init(&out, 0);
    jx_writer_init(&w, &out);
    jx_object_begin(&w);
    enum err_code code = twilio_page_meta(
        &w, &page,
        &(struct twilio_page_out){
            .op = twilio_op_find(HTTP_GET, TWILIO_PREFIX "/Workspaces/{WorkspaceSid}/"
                                                         "Workers"),
            .given = &given,
            .key = KEY,
            .path = PATH,
            .root = "https://host/p",
            .next_cursor = next_cursor,
        },
        arena, &err);
    jx_object_end(&w);
    CHECK_I64(code, ERR_OK);
    CHECK_I64(jx_writer_finish(&w, &err), ERR_OK);
    CHECK_I64(jx_parse_object(buf_str(&out), NULL, &root, &err), ERR_OK);
    buf_fini(&out);
    return root;
}

/* The query of a URL of the meta; "" when it is null. */
static const char *query_of(const json_t *root, const char *key)
{
    const char *url = jx_get_text(jx_get(root, "meta"), key, "");
    const char *mark = strchr(url, '?');
    return mark == NULL ? "" : arena_strdup(arena, mark + 1);
}

static void sizes_are_cut(void)
{
    static const struct {
        const char *query;
        int size;
    } rows[] = {
        {"",              50  },
        {"PageSize=7",    7   },
        {"PageSize=5000", 1000},
        {"PageSize=0",    1   },
        {"PageSize=-3",   1   },
        {"PageSize=1",    1   },
        {"PageSize=",     50  }
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct twilio_page page;
        CHECK_I64(read_page(rows[i].query, PATH, &page), ERR_OK);
        CHECK_I64(page.size, rows[i].size);
        CHECK_TEXT(twilio_page_cursor(&page), "");
    }
}

static void wrong_pages_are_refused(void)
{
    static const struct {
        const char *query;
        const char *reason;
        const char *field;
    } rows[] = {
        {"PageSize=x",                                            "PARAMETER_INVALID",  "PageSize" },
        {"Page=-1",                                               "PARAMETER_INVALID",  "Page"     },
        {"Page=1",                                                "PAGE_WITHOUT_TOKEN", "Page"     },
        {"PageToken=x",                                           "PARAMETER_INVALID",  "PageToken"},
        {"PageToken=PA",                                          "PARAMETER_INVALID",  "PageToken"},
        {"PageToken=PAWK00000000000000000000000000000001&Page=1", "PARAMETER_INVALID",  "PageToken"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct twilio_page page;
        CHECK_I64(read_page(rows[i].query, PATH, &page), ERR_INVALID_ARGUMENT);
        CHECK_TEXT(err.reason, rows[i].reason);
        CHECK_TEXT(err.field, rows[i].field);
    }
}

static void pages_lead_on_and_back(void)
{
    const char *here = "PageSize=2&ActivityName=On%20air&Unknown=1";
    enum { PAGES = TWILIO_PAGE_CURSORS + 10 };
    for (int i = 0; i < PAGES; i++) {
        AUTO(jx_cleanup) json_t *root = meta_of(here, arena_printf(arena, "cursor%d", i));
        CHECK_I64(jx_get_i64(jx_get(root, "meta"), "page", -1), i);
        CHECK(strncmp(query_of(root, "next_page_url"), "ActivityName=On%20air&PageSize=2&", 33) ==
              0);
        here = query_of(root, "next_page_url");
        CHECK(strlen(here) < 8000);
    }
    int back = 0;
    for (; here[0] != '\0' && back <= PAGES; back++) {
        struct twilio_page page;
        CHECK_I64(read_page(here, PATH, &page), ERR_OK);
        CHECK_TEXT(twilio_page_cursor(&page), arena_printf(arena, "cursor%d", PAGES - 1 - back));
        AUTO(jx_cleanup) json_t *root = meta_of(here, "");
        CHECK(json_is_null(json_object_get(jx_get(root, "meta"), "next_page_url")));
        CHECK_TEXT(query_of(root, "url"), here);
        here = query_of(root, "previous_page_url");
    }
    CHECK_I64(back, TWILIO_PAGE_CURSORS);
}

/* Behind a long filter there is less room for the way back: pages must stay within reach. */
static void long_filters_leave_room(void)
{
    enum { PAGES = 40, FILTER_BYTES = 4000, CURSOR_BYTES = 200 };
    const char *here = arena_printf(arena, "ActivityName=%0*d&PageSize=2", FILTER_BYTES, 1);
    for (int i = 0; i < PAGES; i++) {
        const char *cursor = arena_printf(arena, "%0*d", CURSOR_BYTES, i);
        AUTO(jx_cleanup) json_t *root = meta_of(here, cursor);
        here = query_of(root, "next_page_url");
        CHECK(PATH.len + 1 + strlen(here) <= 8192);
        struct twilio_page page;
        CHECK_I64(read_page(here, PATH, &page), ERR_OK);
        CHECK_TEXT(twilio_page_cursor(&page), cursor);
        CHECK(i == 0 || page.cursor_count > 1); /* one can still go back */
    }
}

/* The number is the client's own, and counted on. */
static void numbers_have_an_end(void)
{
    AUTO(jx_cleanup) json_t *root = meta_of("", "cursor");
    const char *token = strstr(query_of(root, "next_page_url"), "&PageToken=");
    static const char *const numbers[] = {"9223372036854775807", "2147483647", "-1"};
    struct twilio_page page;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        CHECK_I64(read_page(arena_printf(arena, "Page=%s%s", numbers[i], token), PATH, &page),
                  ERR_INVALID_ARGUMENT);
        CHECK_TEXT(err.field, "Page");
    }
    CHECK_I64(read_page(arena_printf(arena, "Page=2147483646%s", token), PATH, &page), ERR_OK);
}

static void the_first_page_has_no_token(void)
{
    AUTO(jx_cleanup) json_t *first = meta_of("", "c1");
    AUTO(jx_cleanup) json_t *second = meta_of(query_of(first, "next_page_url"), "");
    CHECK_TEXT(query_of(second, "previous_page_url"), "PageSize=50&Page=0");
    CHECK_TEXT(query_of(second, "first_page_url"), "PageSize=50&Page=0");
    CHECK(json_is_null(json_object_get(jx_get(first, "meta"), "previous_page_url")));
    CHECK_TEXT(jx_get_text(jx_get(first, "meta"), "url", ""),
               "https://host/p/v1/Workspaces/WS1/Workers?PageSize=50&Page=0");
}

static void a_token_is_of_its_list(void)
{
    AUTO(jx_cleanup) json_t *first = meta_of("", "c1");
    struct twilio_page page;
    char *next = arena_strdup(arena, query_of(first, "next_page_url"));
    CHECK_I64(read_page(next, PATH, &page), ERR_OK);
    CHECK_I64(read_page(next, STR("/v1/Workspaces/WS2/Workers"), &page), ERR_INVALID_ARGUMENT);
    for (char *c = strstr(next, "PageToken=PA") + 12; *c != '\0'; c++) {
        char kept = *c;
        *c = kept == 'A' ? 'B' : 'A';
        CHECK_I64(read_page(next, PATH, &page), ERR_INVALID_ARGUMENT);
        *c = kept;
    }
}

/* protobuf-c's texts are not const; nothing writes to them. */
static char *borrowed(const char *value)
{
    union {
        const char *from;
        char *to;
    } either = {.from = value};
    return either.to;
}

/* Pages of a service: how many items each has; the last has no cursor. */
struct service {
    const int *pages;
    int count;
    int asked;
    int32_t sizes[8]; /* asked for */
    int made;
};

static ProtobufCMessage *service_page(struct service *service, int page)
{
    Taskrouter__Workers__V1__ListWorkersResponse *reply =
        ARENA_NEW(arena, Taskrouter__Workers__V1__ListWorkersResponse);
    taskrouter__workers__v1__list_workers_response__init(reply);
    reply->n_items = (size_t)service->pages[page];
    reply->items = ARENA_ARRAY(arena, Taskrouter__Workers__V1__Worker *, reply->n_items);
    for (size_t i = 0; i < reply->n_items; i++) {
        reply->items[i] = ARENA_NEW(arena, Taskrouter__Workers__V1__Worker);
        taskrouter__workers__v1__worker__init(reply->items[i]);
        reply->items[i]->sid = arena_printf(arena, "WK%d", service->made++);
    }
    bool is_last = page + 1 == service->count;
    reply->next_cursor = is_last ? borrowed("") : arena_printf(arena, "%d", page + 1);
    return &reply->base;
}

static const ProtobufCMessage *service_more(void *ctx, const char *cursor, int32_t size)
{
    struct service *service = ctx;
    int page = cursor[0] - '0';
    service->sizes[service->asked++] = size;
    return page < service->count && service->pages[page] >= 0 ? service_page(service, page) : NULL;
}

static void short_pages_are_filled(void)
{
    static const struct {
        int pages[5]; /* items; -1: no time for it */
        int count;
        int32_t size;
        int want; /* items */
        int asked;
        const char *cursor;
    } rows[] = {
        {{3},          1, 3, 3, 0, "" },
        {{3, 2},       2, 3, 3, 0, "1"},
        {{1, 0, 2},    3, 3, 3, 2, "" },
        {{0, 0, 0, 1}, 4, 5, 1, 3, "" },
        {{1, -1, 2},   3, 3, 1, 1, "1"},
        {{0, 2, 9},    3, 2, 2, 1, "2"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct service service = {.pages = rows[i].pages, .count = rows[i].count};
        ProtobufCMessage *reply = service_page(&service, 0);
        CHECK_I64(twilio_page_fill(arena, rows[i].size, reply, service_more, &service, &err),
                  ERR_OK);
        size_t count = 0;
        ProtobufCMessage *const *items = twilio_items_of(reply, &count);
        CHECK_I64(count, rows[i].want);
        for (size_t k = 0; k < count; k++)
            CHECK_TEXT(twilio_text_of(items[k], "sid"), arena_printf(arena, "WK%d", (int)k));
        CHECK_I64(service.asked, rows[i].asked);
        CHECK_TEXT(twilio_text_of(reply, "next_cursor"), rows[i].cursor);
        if (rows[i].asked > 0)
            CHECK_I64(service.sizes[0], rows[i].size - rows[i].pages[0]);
    }
}

static const struct test_case cases[] = {
    {"long filters leave room for tokens",         long_filters_leave_room    },
    {"numbers of pages have an end",               numbers_have_an_end        },
    {"the size is cut to 1 to 1000",               sizes_are_cut              },
    {"what is no page is refused by name",         wrong_pages_are_refused    },
    {"pages lead on with their filters, and back", pages_lead_on_and_back     },
    {"the first page is the one without a token",  the_first_page_has_no_token},
    {"a page that a service cut short is filled",  short_pages_are_filled     },
    {"a token is of its list, to the last letter", a_token_is_of_its_list     },
};

int main(int argc, char **argv)
{
    arena = arena_new(64 << 20);
    int status = testing_main("twilio page", cases, ARRAY_LEN(cases), argc, argv);
    arena_free(arena);
    return status;
}
