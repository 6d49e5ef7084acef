/*
 * First two bytes: a region; the rest: a phone number as somebody wrote it. What is read as one is
 * E.164, reads back as itself anywhere, and so does each of its formats that has a plus.
 */
#include <string.h>

#include "base/macros.h"
#include "fuzz.h"
#include "twilio/phone.h"

static void check_number(const struct phone *phone)
{
    size_t len = strlen(phone->e164);
    INVARIANT(phone->e164[0] == '+' && len >= 8 && len < PHONE_SIZE);
    INVARIANT(strspn(phone->e164 + 1, "0123456789") == len - 1);
    INVARIANT(strspn(phone->extension, "0123456789") == strlen(phone->extension));
    char formats[PHONE_FORMATS_MAX][PHONE_FORMAT_SIZE];
    size_t count = phone_formats(phone->e164, formats);
    INVARIANT(count > 0 && count <= PHONE_FORMATS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct phone again;
        INVARIANT(strlen(formats[i]) > 0);
        if (formats[i][0] != '+')
            continue;
        /* The numbers that carriers send for withheld ones read as such. */
        enum phone_kind kind = phone_parse(str_from(formats[i]), "DE", &again);
        INVARIANT(kind == PHONE_ANONYMOUS || strcmp(again.e164, phone->e164) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    char region[3] = {(char)data[0], (char)data[1], '\0'};
    struct phone phone;
    enum phone_kind kind =
        phone_parse((struct str){(const char *)data + 2, size - 2}, region, &phone);
    INVARIANT(kind == phone.kind);
    if (kind == PHONE_NUMBER)
        check_number(&phone);
    else
        INVARIANT(phone.e164[0] == '\0' && phone.extension[0] == '\0');
    return 0;
}
