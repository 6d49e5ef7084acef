#include "fold.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>

#include "base/hash.h"

enum {
    MAX_WORD_BYTES = 4 * FOLD_MAX_WORD_CHARS,
    MAX_UNITS = 2048, /* UTF-16, of a word while it is folded: few characters become up to 18 */
};

/* The next code point of well-formed UTF-8. */
static UChar32 take_point(struct str text, size_t *io_at)
{
    const unsigned char *at = (const unsigned char *)text.ptr + *io_at;
    if (at[0] < 0x80) {
        *io_at += 1;
        return at[0];
    }
    if (at[0] < 0xE0) {
        *io_at += 2;
        return (at[0] & 0x1F) << 6 | (at[1] & 0x3F);
    }
    if (at[0] < 0xF0) {
        *io_at += 3;
        return (at[0] & 0x0F) << 12 | (at[1] & 0x3F) << 6 | (at[2] & 0x3F);
    }
    *io_at += 4;
    return (at[0] & 0x07) << 18 | (at[1] & 0x3F) << 12 | (at[2] & 0x3F) << 6 | (at[3] & 0x3F);
}

enum glyph { GLYPH_GAP, GLYPH_WORD, GLYPH_JOINED, GLYPH_ALONE };

static enum glyph glyph_of(UChar32 point)
{
    UErrorCode status = U_ZERO_ERROR;
    if (point < 0x80) {
        bool is_word = (point >= 'a' && point <= 'z') || (point >= 'A' && point <= 'Z') ||
                       (point >= '0' && point <= '9');
        return is_word ? GLYPH_WORD : GLYPH_GAP;
    }
    switch (u_charType(point)) {
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_COMBINING_SPACING_MARK:
    case U_FORMAT_CHAR: /* a soft hyphen, a joiner */
        return GLYPH_JOINED;
    case U_OTHER_NUMBER: /* a superscript two, a half */
        return GLYPH_WORD;
    default:
        break;
    }
    if (!u_isalnum(point))
        return GLYPH_GAP;
    UScriptCode script = uscript_getScript(point, &status);
    return U_SUCCESS(status) && uscript_breaksBetweenLetters(script) ? GLYPH_ALONE : GLYPH_WORD;
}

static bool is_ascii(struct str word)
{
    for (size_t i = 0; i < word.len; i++) {
        if ((unsigned char)word.ptr[i] >= 0x80)
            return false;
    }
    return true;
}

/* Drops what NFKD has taken off the letters. */
static int32_t drop_marks(UChar *units, int32_t count)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < count;) {
        int32_t from = i;
        UChar32 point = units[i++];
        if (point >= 0xD800 && point < 0xDC00 && i < count)
            point = ((point & 0x3FF) << 10) + (units[i++] & 0x3FF) + 0x10000;
        int8_t type = u_charType(point);
        if (type == U_NON_SPACING_MARK || type == U_ENCLOSING_MARK)
            continue;
        while (from < i)
            units[kept++] = units[from++];
    }
    return kept;
}

/* Case folded in compatibility form, without marks. Returns the length, 0 when there is no room. */
static size_t fold_unicode(struct str word, char *out, size_t size)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar a[MAX_UNITS];
    UChar b[MAX_UNITS];
    int32_t count = 0;
    int32_t bytes = 0;
    const UNormalizer2 *folder = unorm2_getNFKCCasefoldInstance(&status);
    const UNormalizer2 *decomposer = unorm2_getNFKDInstance(&status);
    (void)u_strFromUTF8(a, MAX_UNITS, &count, word.ptr, (int32_t)word.len, &status);
    count = unorm2_normalize(folder, a, count, b, MAX_UNITS, &status);
    count = unorm2_normalize(decomposer, b, count, a, MAX_UNITS, &status);
    if (U_FAILURE(status))
        return 0;
    count = drop_marks(a, count);
    (void)u_strToUTF8(out, (int32_t)size, &bytes, a, count, &status);
    return U_FAILURE(status) ? 0 : (size_t)bytes;
}

static bool fold_word(struct str word, struct arena *arena, struct fold_word *out)
{
    static const char small[] = "abcdefghijklmnopqrstuvwxyz";
    char room[3 * MAX_UNITS];
    size_t len = 0;
    if (word.len > MAX_WORD_BYTES || str_utf8_count(word) > FOLD_MAX_WORD_CHARS)
        return true;
    if (is_ascii(word)) {
        for (; len < word.len; len++) {
            char c = word.ptr[len];
            room[len] = c;
            if (c >= 'A' && c <= 'Z')
                room[len] = small[c - 'A'];
        }
    } else {
        len = fold_unicode(word, room, sizeof room);
    }
    if (len == 0)
        return true;
    out->folded = arena_str(arena, (struct str){.ptr = room, .len = len});
    out->hash = (uint32_t)hash_quick(room, len);
    return out->folded.ptr != NULL;
}

static bool add_word(struct str word, size_t position, struct arena *arena, struct fold_words *out)
{
    out->words[out->count] = (struct fold_word){.position = position};
    return fold_word(word, arena, &out->words[out->count++]);
}

bool fold_text(struct str text, size_t max_chars, struct arena *arena, struct fold_words *out)
{
    *out = (struct fold_words){0};
    if (text.len == 0)
        text = STR("");
    size_t most = text.len < max_chars ? text.len : max_chars;
    size_t start = 0; /* of the word under way */
    size_t start_position = 0;
    bool is_inside = false;
    size_t at = 0;
    size_t position = 0;
    out->words =
        arena_take(arena, most * sizeof *out->words); /* one a character, mostly too many */
    if (out->words == NULL)
        return false;
    for (; at < text.len && position < max_chars; position++) {
        size_t from = at;
        enum glyph glyph = glyph_of(take_point(text, &at));
        if (glyph == GLYPH_WORD || (glyph == GLYPH_JOINED && is_inside)) {
            if (!is_inside) {
                start = from;
                start_position = position;
            }
            is_inside = true;
            continue;
        }
        struct str word = {.ptr = text.ptr + start, .len = from - start};
        if (is_inside && !add_word(word, start_position, arena, out))
            return false;
        is_inside = false;
        word = (struct str){.ptr = text.ptr + from, .len = at - from};
        if (glyph == GLYPH_ALONE && !add_word(word, position, arena, out))
            return false;
    }
    out->is_cut = at < text.len;
    struct str last = {.ptr = text.ptr + start, .len = at - start};
    return !is_inside || add_word(last, start_position, arena, out);
}
