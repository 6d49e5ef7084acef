#include "twilio/form.h"

#include <stdbool.h>

static bool stays(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void encode(struct buf *out, struct str text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (stays(c)) {
            buf_char(out, (char)c);
            continue;
        }
        const char escape[3] = {'%', digits[c >> 4], digits[c & 15U]};
        buf_append(out, escape, sizeof escape);
    }
}

void twilio_form_encode(struct buf *out, const struct twilio_param *params, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_char(out, '&');
        encode(out, params[i].name);
        buf_char(out, '=');
        encode(out, params[i].value);
    }
}
