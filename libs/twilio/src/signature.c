#include "twilio/signature.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "crypt/crypt.h"
#include "url_int.h"

static const struct str hash_name = {"bodySHA256", 10};

/* ---- the message ---- */

/* Order of UTF-16 code units, as the other side sorts: what lies beyond the first plane comes
 * before U+E000. */
static int unit_cmp(struct str a, struct str b)
{
    size_t both = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < both; i++) {
        unsigned char x = (unsigned char)a.ptr[i];
        unsigned char y = (unsigned char)b.ptr[i];
        if (x == y)
            continue;
        if ((x >= 0xF0 && (y == 0xEE || y == 0xEF)) || (y >= 0xF0 && (x == 0xEE || x == 0xEF)))
            return x >= 0xF0 ? -1 : 1;
        return x < y ? -1 : 1;
    }
    return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

static int param_cmp(const void *a, const void *b)
{
    const struct twilio_param *one = a;
    const struct twilio_param *other = b;
    int order = unit_cmp(one->name, other->name);
    return order != 0 ? order : unit_cmp(one->value, other->value);
}

static void put_params(struct buf *out, const struct twilio_param *params, size_t count)
{
    if (count == 0)
        return;
    struct twilio_param *sorted = xcalloc(count, sizeof *sorted);
    memcpy(sorted, params, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, param_cmp);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && param_cmp(&sorted[i - 1], &sorted[i]) == 0)
            continue;
        buf_str_append(out, sorted[i].name);
        buf_str_append(out, sorted[i].value);
    }
    free(sorted);
}

/* ---- signing ---- */

static enum err_code sign_message(struct str token, struct str message,
                                  char out[TWILIO_SIGNATURE_SIZE], struct err *err)
{
    unsigned char mac[CRYPT_SHA1_SIZE];
    enum err_code code = crypt_hmac_sha1(token, message, mac, err);
    if (code != ERR_OK)
        return code;
    struct buf text;
    buf_init(&text, 0);
    crypt_base64(&text, mac, sizeof mac);
    INVARIANT(text.len == TWILIO_SIGNATURE_SIZE - 1);
    memcpy(out, text.data, TWILIO_SIGNATURE_SIZE);
    buf_fini(&text);
    return ERR_OK;
}

static enum err_code too_large(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the request is too large to be signed");
}

static struct str without_fragment(struct str url)
{
    const char *hash = url.len == 0 ? NULL : memchr(url.ptr, '#', url.len);
    return hash == NULL ? url : (struct str){url.ptr, (size_t)(hash - url.ptr)};
}

enum err_code twilio_sign(struct str token, struct str url, const struct twilio_param *params,
                          size_t count, char out[TWILIO_SIGNATURE_SIZE], struct err *err)
{
    struct buf message;
    buf_init(&message, 0);
    buf_str_append(&message, without_fragment(url));
    put_params(&message, params, count);
    enum err_code code =
        buf_failed(&message) ? too_large(err) : sign_message(token, buf_str(&message), out, err);
    buf_fini(&message);
    return code;
}

enum err_code twilio_sign_body(struct str token, struct str url, struct str body,
                               struct buf *out_url, char out[TWILIO_SIGNATURE_SIZE],
                               struct err *err)
{
    char hash[CRYPT_SHA256_HEX_SIZE];
    enum err_code code = crypt_sha256_hex(body, hash, err);
    if (code != ERR_OK)
        return code;
    size_t from = out_url->len;
    struct str plain = without_fragment(url);
    buf_str_append(out_url, plain);
    buf_char(out_url, plain.len > 0 && memchr(plain.ptr, '?', plain.len) != NULL ? '&' : '?');
    buf_str_append(out_url, hash_name);
    buf_char(out_url, '=');
    buf_text(out_url, hash);
    if (buf_failed(out_url))
        return too_large(err);
    struct str whole = {out_url->data + from, out_url->len - from};
    return twilio_sign(token, whole, NULL, 0, out, err);
}

/* ---- verifying ---- */

bool twilio_verify(struct str token, struct str signature, struct str url,
                   const struct twilio_param *params, size_t count)
{
    struct url parts;
    if (!url_split(url, &parts))
        return false;
    bool is_valid = false;
    struct buf message;
    struct buf tail;
    buf_init(&message, 0);
    buf_init(&tail, 0);
    put_params(&tail, params, count);
    for (enum url_style style = URL_AS_IS; style < URL_STYLE_COUNT; style++) {
        for (enum url_port port = URL_PORT_REMOVED; port <= URL_PORT_ADDED; port++) {
            char want[TWILIO_SIGNATURE_SIZE];
            buf_clear(&message);
            url_write(&message, &parts, style, port);
            buf_str_append(&message, buf_str(&tail));
            if (!buf_failed(&message) && !buf_failed(&tail) &&
                sign_message(token, buf_str(&message), want, NULL) == ERR_OK &&
                crypt_equal(str_from(want), signature))
                is_valid = true;
        }
    }
    buf_fini(&message);
    buf_fini(&tail);
    return is_valid;
}

static struct str query_value(struct str query, struct str name)
{
    struct str rest = query;
    while (rest.ptr != NULL) {
        struct str value = str_split(&rest, '&');
        struct str key = str_split(&value, '=');
        if (str_eq(key, name))
            return value;
    }
    return (struct str){NULL, 0};
}

bool twilio_verify_body(struct str token, struct str signature, struct str url, struct str body)
{
    struct url parts;
    char hash[CRYPT_SHA256_HEX_SIZE];
    if (!url_split(url, &parts) || crypt_sha256_hex(body, hash, NULL) != ERR_OK)
        return false;
    bool is_body = crypt_equal(query_value(parts.query, hash_name), str_from(hash));
    return twilio_verify(token, signature, url, NULL, 0) && is_body;
}
