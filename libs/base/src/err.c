#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct err_row {
    const char *name;
    int http;
    bool is_retryable;
};

static const struct err_row err_rows[ERR_CODE_COUNT] = {
#define X(name, code, http, retry) [code] = {#name, (http), (retry)},
    ERR_CODES(X)
#undef X
};

static const struct err_row *err_row(enum err_code code)
{
    return (unsigned)code < ERR_CODE_COUNT ? &err_rows[code] : &err_rows[ERR_UNKNOWN];
}

enum err_code err_set(struct err *err, enum err_code code, const char *reason, const char *field,
                      const char *file, int line, const char *format, ...)
{
    if (err == NULL)
        return code;
    err->code = code;
    err->reason = reason;
    err->file = file;
    err->line = line;
    (void)snprintf(err->field, sizeof err->field, "%s", field == NULL ? "" : field);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->detail, sizeof err->detail, format, args);
    va_end(args);
    return code;
}

enum err_code err_wrap(struct err *err, const char *format, ...)
{
    if (err == NULL)
        return ERR_UNKNOWN;
    char context[sizeof err->detail];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(context, sizeof context, format, args);
    va_end(args);
    char joined[sizeof err->detail];
    int n = snprintf(joined, sizeof joined, "%s: %s", context, err->detail);
    if (n >= (int)sizeof joined)
        joined[sizeof joined - 1] = '\0';
    memcpy(err->detail, joined, sizeof joined);
    return err->code;
}

void err_clear(struct err *err)
{
    if (err != NULL)
        *err = (struct err){.code = ERR_OK};
}

const char *err_code_name(enum err_code code)
{
    return err_row(code)->name;
}

int err_http_status(enum err_code code)
{
    return err_row(code)->http;
}

bool err_is_retryable(enum err_code code)
{
    return err_row(code)->is_retryable;
}
