#include "twilio_page.h"

#include <inttypes.h>
#include <string.h>

#include "base/call.h"
#include "base/parse.h"
#include "crypt/crypt.h"
#include "jx/writer.h"
#include "svc/page.h"
#include "twilio/form.h"
#include "twilio_ops.h"
#include "twilio_params.h"
#include "twilio_render.h"

#define TOKEN_PREFIX "PA"

enum {
    MAC_BYTES = 16,
    URL_MAX_BYTES = 32 << 10,
    TARGET_MAX_BYTES = 8000,    /* of path and query; the HTTP server takes 8192 */
    NUMBER_MAX = INT32_MAX - 1, /* the next page has a number as well */
};

const char *twilio_page_cursor(const struct twilio_page *page)
{
    return page->cursors[page->cursor_count - 1];
}

/* ---- tokens: PA, then base64url of the MAC and the cursors, one a line ---- */

static enum err_code mac_of(struct str key, struct str path, struct str cursors,
                            unsigned char mac[CRYPT_SHA256_SIZE], struct err *err)
{
    struct buf text;
    buf_init(&text, 0);
    buf_text(&text, "page\n");
    buf_str_append(&text, path);
    buf_char(&text, '\n');
    buf_str_append(&text, cursors);
    enum err_code code = crypt_hmac_sha256(key, buf_str(&text), mac, err);
    buf_fini(&text);
    return code;
}

static enum err_code token_make(struct arena *arena, struct str key, struct str path,
                                const char *const *cursors, size_t count, const char **out,
                                struct err *err)
{
    unsigned char mac[CRYPT_SHA256_SIZE];
    struct buf plain;
    struct buf token;
    buf_init(&plain, 0);
    buf_init(&token, 0);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_char(&plain, '\n');
        buf_text(&plain, cursors[i]);
    }
    struct str list = plain.len == 0 ? STR("") : buf_str(&plain);
    enum err_code code = mac_of(key, path, list, mac, err);
    if (code == ERR_OK) {
        struct buf whole;
        buf_init(&whole, 0);
        buf_append(&whole, mac, MAC_BYTES);
        buf_str_append(&whole, list);
        buf_text(&token, TOKEN_PREFIX);
        crypt_base64url(&token, whole.data, whole.len);
        buf_fini(&whole);
        *out = arena_str_dup(arena, buf_str(&token));
        code = *out == NULL ? call_no_room(err) : ERR_OK;
    }
    buf_fini(&plain);
    buf_fini(&token);
    return code;
}

static enum err_code token_invalid(struct err *err)
{
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PARAMETER_INVALID", "PageToken",
                     "Invalid parameter PageToken: it must be that of a next_page_url or "
                     "previous_page_url of this list");
}

static enum err_code cursors_take(struct arena *arena, struct str list, struct twilio_page *page,
                                  struct err *err)
{
    struct str rest = {arena_str_dup(arena, list), list.len};
    if (rest.ptr == NULL)
        return call_no_room(err);
    page->cursor_count = 0;
    while (rest.ptr != NULL) {
        if (page->cursor_count == TWILIO_PAGE_CURSORS)
            return token_invalid(err);
        const char *cursor = arena_str_dup(arena, str_split(&rest, '\n'));
        if (cursor == NULL)
            return call_no_room(err);
        page->cursors[page->cursor_count++] = cursor;
    }
    return ERR_OK;
}

static enum err_code token_read(struct arena *arena, struct str key, struct str path,
                                struct str token, struct twilio_page *page, struct err *err)
{
    unsigned char mac[CRYPT_SHA256_SIZE];
    struct buf plain;
    if (!str_starts_with(token, STR(TOKEN_PREFIX)) || token.len > TWILIO_TOKEN_MAX_BYTES)
        return token_invalid(err);
    struct str encoded = {token.ptr + 2, token.len - 2};
    buf_init(&plain, TWILIO_TOKEN_MAX_BYTES);
    enum err_code code = crypt_base64url_decode(encoded, &plain, NULL);
    if (code != ERR_OK || plain.len < MAC_BYTES) {
        buf_fini(&plain);
        return token_invalid(err);
    }
    struct str given = {plain.data, MAC_BYTES};
    struct str list = {plain.data + MAC_BYTES, plain.len - MAC_BYTES};
    code = mac_of(key, path, list, mac, err);
    const void *made = mac;
    if (code == ERR_OK && !crypt_equal(given, (struct str){made, MAC_BYTES}))
        code = token_invalid(err);
    if (code == ERR_OK)
        code = cursors_take(arena, list, page, err);
    buf_fini(&plain);
    return code;
}

/* ---- reading ---- */

static enum err_code number_read(const struct http_params *given, const char *name, int64_t min,
                                 int64_t otherwise, int64_t *out, struct err *err)
{
    struct str text = twilio_given(given, name);
    int64_t max = min < 0 ? INT64_MAX : NUMBER_MAX;
    *out = otherwise;
    if (text.len == 0 || parse_i64(text, min, max, out))
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PARAMETER_INVALID", name,
                     "Invalid parameter %s: it must be an integer%s", name,
                     min == 0 ? ", 0 or more" : "");
}

enum err_code twilio_page_read(const struct http_params *given, struct str key, struct str path,
                               struct arena *arena, struct twilio_page *out, struct err *err)
{
    struct twilio_page page = {.cursor_count = 1, .cursors = {""}};
    struct str token = twilio_given(given, "PageToken");
    int64_t size = 0;
    enum err_code code = number_read(given, "PageSize", INT64_MIN, PAGE_SIZE_DEFAULT, &size, err);
    if (code == ERR_OK)
        code = number_read(given, "Page", 0, 0, &page.number, err);
    if (code != ERR_OK)
        return code;
    if (token.len == 0 && page.number > 0)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PAGE_WITHOUT_TOKEN", "Page",
                         "Page numbers cannot be asked for without the PageToken of a "
                         "next_page_url; follow next_page_url instead");
    page.size = size < 1 ? 1 : size > PAGE_SIZE_MAX ? PAGE_SIZE_MAX : (int32_t)size;
    page.has_token = token.len > 0;
    if (page.has_token)
        code = token_read(arena, key, path, token, &page, err);
    if (code == ERR_OK)
        *out = page;
    return code;
}

/* ---- filling ---- */

/* The items of more follow those of reply. */
static enum err_code items_join(struct arena *arena, ProtobufCMessage *reply,
                                const ProtobufCMessage *more, struct err *err)
{
    size_t count = 0;
    size_t more_count = 0;
    ProtobufCMessage *const *items = twilio_items_of(reply, &count);
    ProtobufCMessage *const *more_items = twilio_items_of(more, &more_count);
    ProtobufCMessage **all = ARENA_ARRAY(arena, ProtobufCMessage *, count + more_count);
    if (all == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++)
        all[i] = items[i];
    for (size_t i = 0; i < more_count; i++)
        all[count + i] = more_items[i];
    twilio_items_set(reply, all, count + more_count);
    twilio_text_share(reply, more, "next_cursor");
    return ERR_OK;
}

enum err_code twilio_page_fill(struct arena *arena, int32_t size, ProtobufCMessage *reply,
                               twilio_more_fn more, void *ctx, struct err *err)
{
    enum err_code code = ERR_OK;
    while (code == ERR_OK) {
        size_t count = 0;
        (void)twilio_items_of(reply, &count);
        const char *cursor = twilio_text_of(reply, "next_cursor");
        if (cursor[0] == '\0' || count >= (size_t)size)
            return ERR_OK;
        const ProtobufCMessage *next = more(ctx, cursor, size - (int32_t)count);
        if (next == NULL)
            return ERR_OK;
        code = items_join(arena, reply, next, err);
    }
    return code;
}

/* ---- writing ---- */

static bool is_of_page(struct str name)
{
    return str_eq_text(name, "PageSize") || str_eq_text(name, "Page") ||
           str_eq_text(name, "PageToken");
}

/* A page's path and query, with the filters as they were sent. token NULL: none. */
static void target_write(struct buf *url, const struct twilio_page *page,
                         const struct twilio_page_out *out, int64_t number, const char *token)
{
    buf_str_append(url, out->path);
    buf_char(url, '?');
    for (size_t i = 0; i < out->given->count; i++) {
        const struct http_param *item = &out->given->items[i];
        if (is_of_page(item->name) || twilio_param_named(out->op, item->name) == NULL)
            continue;
        twilio_form_encode(url, &(struct twilio_param){item->name, item->value}, 1);
        buf_char(url, '&');
    }
    buf_printf(url, "PageSize=%d&Page=%" PRId64, (int)page->size, number);
    if (token != NULL)
        buf_printf(url, "&PageToken=%s", token);
}

static void url_put(struct jx_writer *w, const char *key, const struct twilio_page *page,
                    const struct twilio_page_out *out, int64_t number, const char *token)
{
    struct buf url;
    buf_init(&url, URL_MAX_BYTES);
    buf_text(&url, out->root);
    target_write(&url, page, out, number, token);
    if (buf_failed(&url))
        jx_writer_fail(w);
    else
        jx_put_str(w, key, buf_str(&url));
    buf_fini(&url);
}

/* How long the next page's token may be beside these filters. */
static size_t token_room(const struct twilio_page *page, const struct twilio_page_out *out)
{
    struct buf target;
    buf_init(&target, URL_MAX_BYTES);
    target_write(&target, page, out, page->number + 1, "");
    size_t room = target.len < TARGET_MAX_BYTES ? TARGET_MAX_BYTES - target.len : 0;
    buf_fini(&target);
    return room < TWILIO_TOKEN_MAX_BYTES ? room : TWILIO_TOKEN_MAX_BYTES;
}

/* The cursors of the next page's token: as many as there is room for, from the newest. */
static enum err_code next_token(const struct twilio_page *page, const struct twilio_page_out *out,
                                struct arena *arena, const char **token, struct err *err)
{
    const char *cursors[TWILIO_PAGE_CURSORS + 1];
    size_t count = page->cursor_count;
    size_t room = token_room(page, out);
    memcpy(cursors, page->cursors, count * sizeof cursors[0]);
    cursors[count++] = out->next_cursor;
    size_t first = count > TWILIO_PAGE_CURSORS ? count - TWILIO_PAGE_CURSORS : 0;
    do {
        enum err_code code =
            token_make(arena, out->key, out->path, cursors + first, count - first, token, err);
        if (code != ERR_OK)
            return code;
        INVARIANT(*token != NULL);
        first++;
    } while (strlen(*token) > room && first < count);
    return ERR_OK;
}

static enum err_code previous_put(struct jx_writer *w, const struct twilio_page *page,
                                  const struct twilio_page_out *out, struct arena *arena,
                                  struct err *err)
{
    const char *token = NULL;
    int64_t number = page->number > 0 ? page->number - 1 : 0;
    if (page->cursor_count < 2) {
        jx_put_null(w, "previous_page_url");
        return ERR_OK;
    }
    bool is_first = page->cursor_count == 2 && page->cursors[0][0] == '\0';
    enum err_code code = is_first ? ERR_OK
                                  : token_make(arena, out->key, out->path, page->cursors,
                                               page->cursor_count - 1, &token, err);
    if (code == ERR_OK)
        url_put(w, "previous_page_url", page, out, is_first ? 0 : number, token);
    return code;
}

enum err_code twilio_page_meta(struct jx_writer *w, const struct twilio_page *page,
                               const struct twilio_page_out *out, struct arena *arena,
                               struct err *err)
{
    const char *token = NULL;
    enum err_code code = ERR_OK;
    jx_key(w, "meta");
    jx_object_begin(w);
    jx_put_text(w, "key", out->op->key);
    jx_put_i64(w, "page", page->number);
    jx_put_i64(w, "page_size", page->size);
    url_put(w, "first_page_url", page, out, 0, NULL);
    code = previous_put(w, page, out, arena, err);
    if (code == ERR_OK && page->has_token)
        code =
            token_make(arena, out->key, out->path, page->cursors, page->cursor_count, &token, err);
    if (code == ERR_OK)
        url_put(w, "url", page, out, page->number, token);
    if (code == ERR_OK && out->next_cursor[0] == '\0')
        jx_put_null(w, "next_page_url");
    else if (code == ERR_OK)
        code = next_token(page, out, arena, &token, err);
    if (code == ERR_OK && out->next_cursor[0] != '\0')
        url_put(w, "next_page_url", page, out, page->number + 1, token);
    jx_object_end(w);
    return code;
}
