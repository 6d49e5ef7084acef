#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "server_int.h"

/* Reasons whose HTTP status says more than their code's. */
static const struct {
    const char *reason;
    int status;
} reason_status[] = {
    {"METHOD_NOT_ALLOWED",     405},
    {"REQUEST_TIMEOUT",        408},
    {"GONE",                   410},
    {"RESERVATION_RESCINDED",  410},
    {"CURSOR_EXPIRED",         410},
    {"RESUME_POINT_GONE",      410},
    {"PRECONDITION_FAILED",    412},
    {"PAYLOAD_TOO_LARGE",      413},
    {"REQUEST_TOO_LARGE",      413},
    {"URI_TOO_LONG",           414},
    {"UNSUPPORTED_MEDIA_TYPE", 415},
    {"HEADERS_TOO_LARGE",      431},
    {"RESPONSE_TOO_LARGE",     500},
    {"HTTP_VERSION",           505},
};

int http_status_of(const struct http_request *req, const struct err *err)
{
    const char *reason = err->reason == NULL ? "" : err->reason;
    bool is_conditional = req != NULL && http_header(req, "If-Match").ptr != NULL;
    if (is_conditional && (err->code == ERR_ABORTED || strcmp(reason, "VERSION_MISMATCH") == 0))
        return 412;
    for (size_t i = 0; i < ARRAY_LEN(reason_status); i++) {
        if (strcmp(reason, reason_status[i].reason) == 0)
            return reason_status[i].status;
    }
    return err_http_status(err->code);
}

/* Bytes of the code point at ptr when it is well-formed, else 0. */
static size_t utf8_len_at(const char *ptr, size_t left)
{
    for (size_t len = 1; len <= 4 && len <= left; len++) {
        if (str_is_utf8((struct str){ptr, len}))
            return len;
    }
    return 0;
}

void http_json_quote(struct buf *out, struct str text)
{
    buf_char(out, '"');
    size_t i = 0;
    while (i < text.len) {
        unsigned char c = (unsigned char)text.ptr[i];
        size_t len = c < 0x80 ? 1 : utf8_len_at(text.ptr + i, text.len - i);
        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c == '\n')
            buf_text(out, "\\n");
        else if (c < 0x20 || c == 0x7f)
            buf_printf(out, "\\u%04x", c);
        else if (len == 0)
            buf_text(out, "\xef\xbf\xbd");
        else
            buf_append(out, text.ptr + i, len);
        i += len == 0 ? 1 : len;
    }
    buf_char(out, '"');
}

static void member_add(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, ",\"%s\":", name);
    http_json_quote(out, str_from(value));
}

/* "retry_policy.max_attempts" -> "retryPolicy.maxAttempts" */
static void camel_case(const char *field, char *out, size_t size)
{
    size_t used = 0;
    for (const char *c = field; *c != '\0' && used + 1 < size; c++) {
        bool is_break = *c == '_' && c > field && islower((unsigned char)c[1]) != 0;
        if (is_break)
            c++;
        char kept = *c;
        if (is_break)
            kept = (char)toupper((unsigned char)kept);
        out[used++] = kept;
    }
    out[used] = '\0';
}

static bool is_ours_alone(const struct err *err)
{
    return err->code == ERR_INTERNAL || err->code == ERR_UNKNOWN || err->code == ERR_DATA_LOSS ||
           err->code == ERR_OK;
}

void http_problem(const struct http_request *req, struct http_response *res, const struct err *err)
{
    struct exchange *ex = res->internal;
    int status = http_status_of(req, err);
    bool is_hidden = is_ours_alone(err);
    const char *reason = is_hidden || err->reason == NULL ? err_code_name(err->code) : err->reason;
    if (err->code == ERR_OK)
        reason = "INTERNAL";
    response_reset(ex);
    res->status = status < 400 ? 500 : status;
    ex->content_type = "application/problem+json";
    struct buf *out = &res->body;
    buf_text(out, "{\"type\":\"urn:taskrouter:problem:");
    buf_text(out, reason);
    buf_char(out, '"');
    member_add(out, "title", MHD_get_reason_phrase_for((unsigned)res->status));
    buf_printf(out, ",\"status\":%d", res->status);
    member_add(out, "detail",
               is_hidden ? "something went wrong on our side; when you report this, name the "
                           "request id"
                         : err->detail);
    member_add(out, "reason", reason);
    if (err->field[0] != '\0' && !is_hidden) {
        char field[sizeof err->field];
        camel_case(err->field, field, sizeof field);
        member_add(out, "field", field);
    }
    member_add(out, "requestId", req->call->request_id);
    buf_char(out, '}');
}
