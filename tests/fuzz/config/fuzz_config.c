/*
 * Input: 'e' and the text of a .env file, or the letter of a type of setting ('A' + type) and a
 * value. What a file gives is written again in double quotes and must read the same; a value that
 * is accepted keeps within its row's bounds, one that is refused says why.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "config_int.h"
#include "fuzz.h"

enum { ARENA_BYTES = 4 << 20 };

static void quote(struct buf *out, const char *text)
{
    buf_char(out, '"');
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\n') {
            buf_text(out, "\\n");
            continue;
        }
        if (*at == '"' || *at == '\\' || *at == '$')
            buf_char(out, '\\');
        buf_char(out, *at);
    }
    buf_char(out, '"');
}

static void file_run(struct arena *arena, struct str text)
{
    int line = 0;
    const char *why = NULL;
    struct map first;
    struct map second;
    struct buf again;
    map_init(&first);
    map_init(&second);
    buf_init(&again, 0);
    if (!env_file_parse(arena, text, ".env", &first, &line, &why)) {
        INVARIANT(line > 0 && why != NULL && why[0] != '\0');
    } else {
        for (size_t i = 0; i < first.count; i++) {
            const struct raw_value *raw = first.entries[i].value;
            buf_printf(&again, "export %.*s = ", STR_ARG(first.entries[i].key));
            quote(&again, raw->text);
            buf_text(&again, " # why\n");
        }
        bool is_read = env_file_parse(arena, buf_str(&again), ".env", &second, &line, &why);
        INVARIANT(is_read && second.count == first.count);
        for (size_t i = 0; i < first.count; i++) {
            const struct raw_value *was = first.entries[i].value;
            const struct raw_value *now = second.entries[i].value;
            INVARIANT(str_eq(first.entries[i].key, second.entries[i].key));
            INVARIANT(strcmp(was->text, now->text) == 0);
        }
    }
    map_fini(&first);
    map_fini(&second);
    buf_fini(&again);
}

/* One row for each type but CONFIG_PATH, which asks the file system. */
static const struct config_setting settings[] = {
    {.key = "A",            .type = CONFIG_STRING,    .is_secret = true, .min = 2, .max = 100},
    {.key = "B",           .type = CONFIG_INT,                                   .min = -5,                                           .max = 70000},
    {.key = "C",            .type = CONFIG_BOOL},
    {.key = "D",.type = CONFIG_DURATION_MS,                          .min = 1,.max = INT64_MAX},
    {.key = "E",             .type = CONFIG_BYTES,.min = 0,                                  .max = INT64_C(1) << 40},
    {.key = "F",.type = CONFIG_URL,          .choices = "postgresql,postgres"                                                },
    {.key = "G",            .type = CONFIG_HOST_PORT                             },
    {.key = "H",            .type = CONFIG_SID, .choices = "WS"},
    {.key = "I",.type = CONFIG_ENUM, .choices = "debug,info,warn"     },
};

static void value_run(struct arena *arena, const struct config_setting *setting, const char *text)
{
    struct config_value value = {0};
    struct buf why;
    buf_init(&why, 0);
    if (!setting_parse(arena, setting, text, &value, &why)) {
        INVARIANT(why.len > 0);
        if (setting->is_secret && strlen(text) > 20)
            INVARIANT(str_find(buf_str(&why), str_from(text)) < 0);
    } else if (setting->type == CONFIG_INT || setting->type == CONFIG_BYTES ||
               setting->type == CONFIG_DURATION_MS) {
        INVARIANT(value.number >= setting->min && value.number <= setting->max);
    } else if (setting->type == CONFIG_ENUM) {
        INVARIANT(value.number >= 1 && value.number <= 3);
    } else if (setting->type != CONFIG_BOOL) {
        INVARIANT(value.text != NULL && value.text[0] != '\0');
    }
    buf_fini(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 64 << 10)
        return 0;
    struct str text = {(const char *)data + 1, size - 1};
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    size_t row = (size_t)data[0] - 'A';
    if (data[0] == 'e')
        file_run(arena, text);
    else if (data[0] >= 'A' && row < ARRAY_LEN(settings) &&
             memchr(text.ptr, '\0', text.len) == NULL)
        value_run(arena, &settings[row], arena_str_dup(arena, text));
    return 0;
}
