#include "url_int.h"

#include <string.h>

static struct str slice(struct str text, size_t from, size_t to)
{
    return (struct str){text.ptr + from, to - from};
}

static size_t find_any(struct str text, size_t from, const char *set)
{
    size_t at = from;
    while (at < text.len && strchr(set, text.ptr[at]) == NULL)
        at++;
    return at;
}

static bool is_digits(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    }
    return true;
}

static bool split_authority(struct str authority, struct url *out)
{
    size_t host_at = 0;
    for (size_t i = 0; i < authority.len; i++) { /* the last @ ends the user's part */
        if (authority.ptr[i] == '@')
            host_at = i + 1;
    }
    out->has_user = host_at > 0;
    if (out->has_user)
        out->user = slice(authority, 0, host_at - 1);
    size_t end = host_at < authority.len && authority.ptr[host_at] == '['
                     ? find_any(authority, host_at, "]")
                     : host_at;
    size_t colon = find_any(authority, end, ":");
    out->host = slice(authority, host_at, colon);
    if (colon < authority.len)
        out->port = slice(authority, colon + 1, authority.len);
    return out->host.len > 0 && is_digits(out->port);
}

bool url_split(struct str text, struct url *out)
{
    *out = (struct url){0};
    if (text.len == 0 || memchr(text.ptr, '\0', text.len) != NULL)
        return false;
    size_t end = find_any(text, 0, "#");
    text.len = end;
    ptrdiff_t scheme_end = str_find(text, STR("://"));
    if (scheme_end <= 0)
        return false;
    out->scheme = slice(text, 0, (size_t)scheme_end);
    if (!str_eq_nocase(out->scheme, STR("http")) && !str_eq_nocase(out->scheme, STR("https")))
        return false;
    size_t authority_at = (size_t)scheme_end + 3;
    size_t path_at = find_any(text, authority_at, "/?");
    size_t query_at = find_any(text, path_at, "?");
    out->path = slice(text, path_at, query_at);
    out->has_query = query_at < text.len;
    if (out->has_query)
        out->query = slice(text, query_at + 1, text.len);
    return split_authority(slice(text, authority_at, path_at), out);
}

/* ---- writing ---- */

static void lower(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        buf_char(out, c);
    }
}

static void escape(struct buf *out, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char text[3] = {'%', digits[c >> 4], digits[c & 15U]};
    buf_append(out, text, sizeof text);
}

/* As URL parsers do it: what is escaped already stays. */
static void percent(struct buf *out, struct str text, const char *set)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c <= 0x20 || c >= 0x7F || strchr(set, (char)c) != NULL)
            escape(out, c);
        else
            buf_char(out, (char)c);
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One name or value of a query: unescaped, then escaped by the old rules. */
static void legacy_part(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        int high = i + 2 < text.len && c == '%' ? hex_digit(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;
        if (low >= 0) {
            c = (unsigned char)((high << 4) | low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        bool stays = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c != '\0' && strchr("-_.!~*'()", c) != NULL);
        if (stays)
            buf_char(out, (char)c);
        else
            escape(out, c);
    }
}

static void legacy_query(struct buf *out, struct str query)
{
    bool is_first = true;
    struct str rest = query;
    while (rest.ptr != NULL) {
        struct str value = str_split(&rest, '&');
        if (value.len == 0)
            continue;
        struct str name = str_split(&value, '=');
        if (!is_first)
            buf_char(out, '&');
        is_first = false;
        legacy_part(out, name);
        buf_char(out, '=');
        legacy_part(out, value);
    }
}

static void write_user(struct buf *out, const struct url *url, enum url_style style)
{
    static const char set[] = "\"#<>?`{}/:;=@[\\]^|";
    if (!url->has_user)
        return;
    if (style == URL_AS_IS) {
        buf_str_append(out, url->user);
    } else {
        struct str pass = url->user;
        struct str name = str_split(&pass, ':');
        percent(out, name, set);
        if (pass.len > 0) {
            buf_char(out, ':');
            percent(out, pass, set);
        }
        if (name.len == 0 && pass.len == 0)
            return;
    }
    buf_char(out, '@');
}

static void write_port(struct buf *out, const struct url *url, enum url_port port)
{
    if (port == URL_PORT_REMOVED)
        return;
    buf_char(out, ':');
    if (url->port.len > 0)
        buf_str_append(out, url->port);
    else
        buf_text(out, url->scheme.len == 5 ? "443" : "80");
}

void url_write(struct buf *out, const struct url *url, enum url_style style, enum url_port port)
{
    if (style == URL_AS_IS)
        buf_str_append(out, url->scheme);
    else
        lower(out, url->scheme);
    buf_text(out, "://");
    write_user(out, url, style);
    if (style == URL_AS_IS)
        buf_str_append(out, url->host);
    else
        lower(out, url->host);
    write_port(out, url, port);
    if (style == URL_AS_IS)
        buf_str_append(out, url->path);
    else if (url->path.len == 0)
        buf_char(out, '/');
    else
        percent(out, url->path, "\"#<>?`{}");
    if (!url->has_query || (style == URL_LEGACY_QUERY && url->query.len == 0))
        return;
    buf_char(out, '?');
    if (style == URL_AS_IS)
        buf_str_append(out, url->query);
    else if (style == URL_NORMAL)
        percent(out, url->query, "\"#<>'");
    else
        legacy_query(out, url->query);
}
