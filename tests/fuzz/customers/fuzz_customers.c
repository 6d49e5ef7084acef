/*
 * First byte 'q': an answer of QuickBase's API; else a CSV file. What is read of either is UTF-8,
 * within the limits, and of one line where it is a customer's.
 */
#include <string.h>

#include "base/macros.h"
#include "csv_rows.h"
#include "fuzz.h"
#include "quickbase_query.h"

enum { ARENA_BYTES = 4 << 20 };

static void check_line(const char *text)
{
    struct str view = str_from(text);
    INVARIANT(str_is_utf8(view) && str_utf8_count(view) <= CUSTOMER_TEXT_MAX);
    INVARIANT(strpbrk(text, "\r\n\t") == NULL);
}

static void check_answer(struct str reply, struct arena *arena)
{
    static const struct quickbase_fields fields = {
        .phone = 148, .coordinator = 346, .project_status = 255, .name = 6};
    struct customer c;
    bool is_found = false;
    if (quickbase_read(reply, &fields, "+15125550100", arena, &c, &is_found, NULL) != ERR_OK ||
        !is_found)
        return;
    check_line(c.name);
    check_line(c.external_id);
    check_line(c.project_status);
    check_line(c.coordinator_email);
    check_line(c.coordinator_quickbase_id);
}

static enum err_code on_row(void *ctx, const struct csv_row *row, struct err *err)
{
    (void)err;
    int64_t *line = ctx;
    INVARIANT(row->line > *line && row->count <= CSV_COLUMNS_MAX);
    *line = row->line;
    for (size_t i = 0; i < row->count; i++)
        INVARIANT(str_is_utf8(row->fields[i]) && row->fields[i].len <= CSV_FIELD_BYTES_MAX &&
                  strlen(row->fields[i].ptr) == row->fields[i].len);
    return ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    int64_t line = 0;
    if (size == 0)
        return 0;
    struct arena *arena = arena_new(ARENA_BYTES);
    if (data[0] == 'q')
        check_answer((struct str){text.ptr + 1, text.len - 1}, arena);
    else
        (void)!csv_read(text, arena, on_row, &line, NULL);
    arena_free(arena);
    return 0;
}
