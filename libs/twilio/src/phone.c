#include "twilio/phone.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"

enum {
    DIGITS_MAX = 20,   /* with prefixes such as 011; more are no number */
    E164_MIN = 7,      /* digits, of the shortest international numbers */
    E164_MAX = 15,     /* ITU-T E.164 */
    NANP_NATIONAL = 10 /* area code, exchange, line */
};

/* How people dial there. The national lengths are without trunk prefix. */
struct region {
    const char *name;
    const char *country_code;
    const char *trunk; /* dialled before national numbers; "" = none */
    const char *exit;  /* dialled before country codes; 00 is taken everywhere */
    size_t national_min;
    size_t national_max;
};

static const struct region regions[] = {
    {"US", "1",   "1", "011",  10, 10}, /* the first is what unknown regions read as */
    {"CA", "1",   "1", "011",  10, 10},
    {"PR", "1",   "1", "011",  10, 10},
    {"MX", "52",  "",  "00",   10, 10},
    {"BR", "55",  "0", "00",   10, 11},
    {"GB", "44",  "0", "00",   9,  10},
    {"IE", "353", "0", "00",   7,  9 },
    {"DE", "49",  "0", "00",   6,  11},
    {"AT", "43",  "0", "00",   6,  12},
    {"CH", "41",  "0", "00",   9,  9 },
    {"FR", "33",  "0", "00",   9,  9 },
    {"NL", "31",  "0", "00",   9,  9 },
    {"BE", "32",  "0", "00",   8,  9 },
    {"ES", "34",  "",  "00",   9,  9 },
    {"PT", "351", "",  "00",   9,  9 },
    {"IT", "39",  "",  "00",   6,  11}, /* a leading 0 belongs to the number */
    {"DK", "45",  "",  "00",   8,  8 },
    {"SE", "46",  "0", "00",   7,  10},
    {"NO", "47",  "",  "00",   8,  8 },
    {"PL", "48",  "",  "00",   9,  9 },
    {"AU", "61",  "0", "0011", 9,  9 },
    {"NZ", "64",  "0", "00",   8,  10},
    {"IN", "91",  "0", "00",   10, 10},
    {"JP", "81",  "0", "010",  9,  10},
};

/* What carriers and Twilio send where the caller's number is withheld. The numbers spell the words
 * on a keypad. Source: Twilio's help on calls from +266696687 and its like. */
static const char *const withheld[] = {
    "anonymous", "restricted", "private",     "blocked",  "unavailable",  "unknown",
    "withheld",  "+266696687", "+7378742833", "+2562533", "+86282452253", "+8656696",
};

/* Bytes between digits that mean nothing, longest first. */
static const char *const separators[] = {
    "\xC2\xA0" /* no-break space */,
    "\xE2\x80\x91" /* no-break hyphen */,
    "\xE2\x80\x93" /* en dash */,
    " ",
    "-",
    ".",
    "/",
    "(",
    ")",
    "\t",
};

static const char *const extension_marks[] = {"extension", ";ext=", "ext.", "ext", "x", "#", ","};

struct digits {
    char text[DIGITS_MAX + 1];
    size_t len;
    bool has_plus;
};

static const struct region *region_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(regions); i++)
        if (str_eq_text(name, regions[i].name))
            return &regions[i];
    return NULL;
}

bool phone_region_is_known(struct str region)
{
    return region_find(region) != NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool starts_with_nocase(struct str text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && str_eq_nocase((struct str){text.ptr, len}, str_from(prefix));
}

static struct str skip(struct str text, size_t bytes)
{
    return (struct str){text.ptr + bytes, text.len - bytes};
}

/* Length of the first of the words that text starts with; 0 = none. */
static size_t word_at(struct str text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (starts_with_nocase(text, words[i]))
            return strlen(words[i]);
    return 0;
}

/* Digits with separators around them, all of them. */
static bool read_extension(struct str text, char *out)
{
    size_t len = 0;
    while (text.len > 0) {
        size_t separator = word_at(text, separators, ARRAY_LEN(separators));
        if (is_digit(text.ptr[0])) {
            if (len == PHONE_EXTENSION_SIZE - 1)
                return false;
            out[len++] = text.ptr[0];
            separator = 1;
        } else if (separator == 0 && (text.ptr[0] == ':' || text.ptr[0] == '=')) {
            separator = 1;
        } else if (separator == 0) {
            return false;
        }
        text = skip(text, separator);
    }
    out[len] = '\0';
    return len > 0;
}

/* Digits and a plus in front of them; what follows a mark is the extension. */
static bool read_digits(struct str text, struct digits *out, char *out_extension)
{
    while (text.len > 0) {
        size_t step = word_at(text, extension_marks, ARRAY_LEN(extension_marks));
        if (step > 0)
            return out->len > 0 && read_extension(skip(text, step), out_extension);
        /* "+44 (0)20 …": the 0 is dialled at home only. */
        if (out->has_plus && out->len > 0 && str_starts_with(text, STR("(0)"))) {
            text = skip(text, 3);
            continue;
        }
        if (is_digit(text.ptr[0])) {
            if (out->len == DIGITS_MAX)
                return false;
            out->text[out->len++] = text.ptr[0];
            step = 1;
        } else if (text.ptr[0] == '+') {
            if (out->len > 0 || out->has_plus)
                return false;
            out->has_plus = true;
            step = 1;
        } else {
            step = word_at(text, separators, ARRAY_LEN(separators));
        }
        if (step == 0)
            return false;
        text = skip(text, step);
    }
    out->text[out->len] = '\0';
    return out->len > 0;
}

/* Area code and exchange begin with 2 to 9. */
static bool is_nanp(struct str national)
{
    return national.len == NANP_NATIONAL && national.ptr[0] >= '2' && national.ptr[3] >= '2';
}

static enum phone_kind put_number(struct phone *out, const char *country_code, struct str rest)
{
    size_t code_len = strlen(country_code);
    struct str national = rest;
    if (code_len == 0 && rest.len > 0 && rest.ptr[0] == '1')
        national = skip(rest, 1);
    bool is_one =
        code_len == 0 ? rest.len > 0 && rest.ptr[0] == '1' : strcmp(country_code, "1") == 0;
    size_t len = code_len + rest.len;
    if (len < E164_MIN || len > E164_MAX || (code_len == 0 && rest.ptr[0] == '0') ||
        (is_one && !is_nanp(national)))
        return PHONE_NONE;
    (void)snprintf(out->e164, sizeof out->e164, "+%s%.*s", country_code, STR_ARG(rest));
    return PHONE_NUMBER;
}

static bool fits(const struct region *region, size_t len)
{
    return len >= region->national_min && len <= region->national_max;
}

/* Without a plus: an exit prefix, a trunk prefix, the own country code, or the bare number. */
static enum phone_kind put_dialled(struct phone *out, const struct region *region,
                                   struct str digits)
{
    struct str exit = str_from(region->exit);
    struct str trunk = str_from(region->trunk);
    struct str code = str_from(region->country_code);
    if (str_starts_with(digits, exit))
        return put_number(out, "", skip(digits, exit.len));
    if (str_starts_with(digits, STR("00")))
        return put_number(out, "", skip(digits, 2));
    if (trunk.len > 0 && str_starts_with(digits, trunk) && fits(region, digits.len - trunk.len))
        return put_number(out, region->country_code, skip(digits, trunk.len));
    bool has_code = str_starts_with(digits, code) && fits(region, digits.len - code.len);
    if (has_code && (trunk.len > 0 || !fits(region, digits.len)))
        return put_number(out, region->country_code, skip(digits, code.len));
    bool begins_as_trunk = trunk.len > 0 && str_starts_with(digits, trunk);
    if (fits(region, digits.len) && !begins_as_trunk)
        return put_number(out, region->country_code, digits);
    return PHONE_NONE;
}

static bool is_withheld(struct str text)
{
    for (size_t i = 0; i < ARRAY_LEN(withheld); i++)
        if (str_eq_nocase(text, str_from(withheld[i])))
            return true;
    return false;
}

enum phone_kind phone_parse(struct str text, const char *region, struct phone *out)
{
    *out = (struct phone){0};
    text = str_trim(text);
    if (text.len == 0 || text.len > PHONE_TEXT_MAX)
        return PHONE_NONE;
    if (is_withheld(text))
        return (out->kind = PHONE_ANONYMOUS);
    if (starts_with_nocase(text, "sip:") || starts_with_nocase(text, "sips:") ||
        starts_with_nocase(text, "client:"))
        return (out->kind = PHONE_ADDRESS);
    if (starts_with_nocase(text, "tel:"))
        text = skip(text, 4);
    struct digits digits = {.len = 0};
    char extension[PHONE_EXTENSION_SIZE] = "";
    if (!read_digits(text, &digits, extension))
        return PHONE_NONE;
    struct str view = {digits.text, digits.len};
    const struct region *home = region_find(str_from(region));
    if (digits.has_plus)
        out->kind = put_number(out, "", view);
    else
        out->kind = put_dialled(out, home != NULL ? home : &regions[0], view);
    if (out->kind == PHONE_NUMBER)
        (void)snprintf(out->extension, sizeof out->extension, "%s", extension);
    return out->kind;
}

/* ---- how it may stand elsewhere ---- */

static size_t nanp_formats(const char *national, char out[][PHONE_FORMAT_SIZE])
{
    static const struct {
        const char *before, *area_end, *exchange_end;
    } shapes[] = {
        {"1",    "",   "" },
        {"",     "",   "" },
        {"(",    ") ", "-"},
        {"",     "-",  "-"},
        {"",     ".",  "."},
        {"1-",   "-",  "-"},
        {"+1 (", ") ", "-"},
    };
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
        (void)snprintf(out[i], PHONE_FORMAT_SIZE, "%s%.3s%s%.3s%s%.4s", shapes[i].before, national,
                       shapes[i].area_end, national + 3, shapes[i].exchange_end, national + 6);
    return ARRAY_LEN(shapes);
}

size_t phone_formats(const char *e164, char out[PHONE_FORMATS_MAX][PHONE_FORMAT_SIZE])
{
    struct str text = str_from(e164);
    if (text.len < 2 || text.len >= PHONE_SIZE)
        return 0;
    (void)snprintf(out[0], PHONE_FORMAT_SIZE, "%s", e164);
    if (str_starts_with(text, STR("+1")) && text.len == 2 + NANP_NATIONAL)
        return 1 + nanp_formats(e164 + 2, out + 1);
    size_t count = 1;
    (void)snprintf(out[count++], PHONE_FORMAT_SIZE, "%s", e164 + 1);
    (void)snprintf(out[count++], PHONE_FORMAT_SIZE, "00%s", e164 + 1);
    for (size_t i = 0; i < ARRAY_LEN(regions); i++) {
        struct str code = str_from(regions[i].country_code);
        if (!str_starts_with(skip(text, 1), code))
            continue;
        (void)snprintf(out[count++], PHONE_FORMAT_SIZE, "%s%s", regions[i].trunk,
                       e164 + 1 + code.len);
        break;
    }
    return count;
}
