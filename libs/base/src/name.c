#include "base/name.h"

bool name_is_good(struct str text, size_t max_chars)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        /* U+0080 to U+009F are C2 80 to C2 9F */
        bool is_c1 = c == 0xC2 && i + 1 < text.len && (unsigned char)text.ptr[i + 1] < 0xA0;
        if (c < 0x20 || c == 0x7F || is_c1)
            return false;
    }
    return str_trim(text).len > 0 && str_utf8_count(text) <= max_chars;
}
