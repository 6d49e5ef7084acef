#include "customer_import.h"

#include <string.h>

#include "base/ids.h"
#include "base/map.h"
#include "csv_rows.h"
#include "customer_store.h"
#include "jx/jx.h"
#include "twilio/phone.h"

enum { IMPORT_ARENA_BYTES = 96 << 20, MATCHES_MAX = 4 * CSV_ROWS_MAX };

enum column {
    COLUMN_NONE,
    COLUMN_PHONE, /* any number of them, and of phones in one */
    COLUMN_EXTERNAL_ID,
    COLUMN_NAME,
    COLUMN_EMAIL,
    COLUMN_ORGANIZATION,
    COLUMN_CUSTOMER_TYPE,
    COLUMN_PROJECT_STATUS,
    COLUMN_DEPARTMENT,
    COLUMN_COORDINATOR_EMAIL,
    COLUMN_COORDINATOR_QUICKBASE_ID,
    COLUMN_NOTES,
    COLUMN_ATTRIBUTES,
    COLUMN_COUNT,
};

/* Names are compared without case, spaces and _ and - being the same. */
static const struct {
    const char *name;
    enum column column;
} column_names[] = {
    {"phone",                    COLUMN_PHONE                   },
    {"phones",                   COLUMN_PHONE                   },
    {"phone_2",                  COLUMN_PHONE                   },
    {"phone_3",                  COLUMN_PHONE                   },
    {"mobile",                   COLUMN_PHONE                   },
    {"external_id",              COLUMN_EXTERNAL_ID             },
    {"record_id",                COLUMN_EXTERNAL_ID             },
    {"name",                     COLUMN_NAME                    },
    {"email",                    COLUMN_EMAIL                   },
    {"organization",             COLUMN_ORGANIZATION            },
    {"company",                  COLUMN_ORGANIZATION            },
    {"customer_type",            COLUMN_CUSTOMER_TYPE           },
    {"project_status",           COLUMN_PROJECT_STATUS          },
    {"department",               COLUMN_DEPARTMENT              },
    {"coordinator_email",        COLUMN_COORDINATOR_EMAIL       },
    {"coordinator_quickbase_id", COLUMN_COORDINATOR_QUICKBASE_ID},
    {"notes",                    COLUMN_NOTES                   },
    {"attributes",               COLUMN_ATTRIBUTES              },
};

/* A row that was read. */
struct row {
    int64_t line;
    const char *texts[COLUMN_COUNT]; /* of the columns that the file has; not of phones */
    const char **phones;
    size_t phone_count;
    struct customer customer; /* as it is to be stored */
};

struct import {
    struct call *call; /* with an arena of its own, freed after the import */
    struct arena *report_arena;
    const char *account_sid;
    const char *region;
    bool is_dry;
    struct import_report *report;

    enum column columns[CSV_COLUMNS_MAX];
    struct str titles[CSV_COLUMNS_MAX];
    size_t column_count;
    bool has[COLUMN_COUNT];
    struct row *rows;
    size_t row_count;

    struct map by_external_id; /* of what is stored: struct customer */
    struct map by_phone;       /* struct customer, or &ambiguous */
    struct map taken;          /* customers that a row has changed already, by SID */
    struct customer *changed;
    size_t changed_count;
};

/* A phone of several customers. */
static struct customer ambiguous;

/* ---- problems ---- */

static void refuse(struct import *import, int64_t line, struct str column, const char *message)
{
    struct import_report *report = import->report;
    report->refused++;
    if (report->problem_count == IMPORT_PROBLEMS_MAX)
        return;
    struct import_problem *problem = &report->problems[report->problem_count];
    problem->line = line;
    problem->column = arena_str_dup(import->report_arena, column);
    problem->message = arena_strdup(import->report_arena, message);
    if (problem->column != NULL && problem->message != NULL)
        report->problem_count++;
}

/* The file's own title of a column. */
static struct str title_of(const struct import *import, enum column column)
{
    for (size_t i = 0; i < import->column_count; i++) {
        if (import->columns[i] == column)
            return import->titles[i];
    }
    return STR("");
}

/* ---- the header ---- */

static char plain(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c + ('a' - 'A'));
    return c == ' ' || c == '-' ? '_' : c;
}

static bool is_title(struct str title, const char *name)
{
    if (title.len != strlen(name))
        return false;
    for (size_t i = 0; i < title.len; i++) {
        if (plain(title.ptr[i]) != name[i])
            return false;
    }
    return true;
}

static enum column column_of(struct str title)
{
    for (size_t i = 0; i < ARRAY_LEN(column_names); i++) {
        if (is_title(title, column_names[i].name))
            return column_names[i].column;
    }
    return COLUMN_NONE;
}

static enum err_code read_header(struct import *import, const struct csv_row *row, struct err *err)
{
    for (size_t i = 0; i < row->count; i++) {
        enum column column = column_of(row->fields[i]);
        if (column == COLUMN_NONE)
            return ERR_FIELD(
                err, ERR_INVALID_ARGUMENT, "CSV_COLUMN_UNKNOWN", "csv",
                "line 1: there is no column \"%.*s\"; known are phone, external_id, "
                "name, email, organization, customer_type, project_status, department, "
                "coordinator_email, coordinator_quickbase_id, notes and attributes",
                row->fields[i].len > 64 ? 64 : STR_ARG(row->fields[i]));
        if (import->has[column] && column != COLUMN_PHONE)
            return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "CSV_COLUMN_TWICE", "csv",
                             "line 1: the column \"%.*s\" is there twice", STR_ARG(row->fields[i]));
        import->has[column] = true;
        import->columns[i] = column;
        import->titles[i] = row->fields[i];
    }
    import->column_count = row->count;
    if (!import->has[COLUMN_EXTERNAL_ID] && !import->has[COLUMN_PHONE])
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "CSV_COLUMN_MISSING", "csv",
                         "line 1: a column phone or external_id must say which customer a row is");
    return ERR_OK;
}

/* ---- rows ---- */

static bool has_phone(const char *const *phones, size_t count, const char *phone)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(phones[i], phone) == 0)
            return true;
    }
    return false;
}

/* Phones of a cell, separated by ; or |. NULL, or what is wrong. */
static const char *read_phones(struct import *import, struct row *row, struct str cell)
{
    struct arena *arena = import->call->arena;
    for (size_t i = 0; i < cell.len; i++) {
        size_t end = i;
        while (end < cell.len && cell.ptr[end] != ';' && cell.ptr[end] != '|')
            end++;
        struct str text = str_trim((struct str){cell.ptr + i, end - i});
        struct phone phone;
        i = end;
        if (text.len == 0)
            continue;
        if (phone_parse(text, import->region, &phone) != PHONE_NUMBER)
            return "this is no phone number; write it with its country code: +15125550100";
        if (has_phone(row->phones, row->phone_count, phone.e164))
            continue;
        if (row->phone_count == CUSTOMER_PHONES_MAX)
            return "a customer may have at most 10 phones";
        row->phones[row->phone_count] = arena_strdup(arena, phone.e164);
        if (row->phones[row->phone_count++] == NULL)
            return "there is no room for it; import the file in parts";
    }
    return NULL;
}

/* False when the row was refused. */
static bool read_cells(struct import *import, const struct csv_row *csv, struct row *row)
{
    if (csv->count > import->column_count) {
        refuse(import, csv->line, STR(""), "the row has more fields than the header has columns");
        return false;
    }
    for (size_t i = 0; i < csv->count; i++) {
        const char *problem = NULL;
        if (import->columns[i] == COLUMN_PHONE)
            problem = read_phones(import, row, csv->fields[i]);
        else
            row->texts[import->columns[i]] = csv->fields[i].ptr;
        if (problem != NULL) {
            refuse(import, csv->line, import->titles[i], problem);
            return false;
        }
    }
    const char *attributes = row->texts[COLUMN_ATTRIBUTES];
    if (attributes != NULL && attributes[0] != '\0' &&
        jx_check_object_text(str_from(attributes), CUSTOMER_ATTRIBUTES_MAX, "attributes", NULL) !=
            ERR_OK) {
        refuse(import, csv->line, title_of(import, COLUMN_ATTRIBUTES),
               "this is no JSON object; write it as {\"language\": \"es\"}");
        return false;
    }
    return true;
}

static enum err_code on_row(void *ctx, const struct csv_row *csv, struct err *err)
{
    struct import *import = ctx;
    if (import->column_count == 0)
        return read_header(import, csv, err);
    struct row *row = &import->rows[import->row_count];
    *row = (struct row){.line = csv->line};
    row->phones = ARENA_ARRAY(import->call->arena, const char *, CUSTOMER_PHONES_MAX);
    if (row->phones == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        row->texts[i] = ""; /* a short row leaves its last columns empty */
    if (!read_cells(import, csv, row))
        return ERR_OK;
    if (row->texts[COLUMN_EXTERNAL_ID][0] == '\0' && row->phone_count == 0)
        refuse(import, csv->line, STR(""),
               "neither external_id nor phone says which customer it is");
    else
        import->row_count++;
    return ERR_OK;
}

/* ---- what is stored ---- */

static void index_customer(struct import *import, struct customer *customer)
{
    if (customer->external_id[0] != '\0')
        (void)map_put(&import->by_external_id, str_from(customer->external_id), customer);
    for (size_t i = 0; i < customer->phone_count; i++) {
        struct str phone = str_from(customer->phones[i]);
        struct customer *other = map_get(&import->by_phone, phone);
        (void)map_put(&import->by_phone, phone,
                      other == NULL || other == customer ? customer : &ambiguous);
    }
}

static enum err_code load(struct import *import, struct db_conn *conn, struct err *err)
{
    struct arena *arena = import->call->arena;
    struct str *ids = ARENA_ARRAY(arena, struct str, import->row_count);
    struct str *phones = ARENA_ARRAY(arena, struct str, import->row_count * CUSTOMER_PHONES_MAX);
    size_t id_count = 0;
    size_t phone_count = 0;
    if (ids == NULL || phones == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < import->row_count; i++) {
        const struct row *row = &import->rows[i];
        if (row->texts[COLUMN_EXTERNAL_ID][0] != '\0')
            ids[id_count++] = str_from(row->texts[COLUMN_EXTERNAL_ID]);
        for (size_t k = 0; k < row->phone_count; k++)
            phones[phone_count++] = str_from(row->phones[k]);
    }
    struct customer *there = NULL;
    size_t count = 0;
    enum err_code code =
        customer_store_matching(conn, import->call, import->account_sid, ids, id_count, phones,
                                phone_count, MATCHES_MAX, &there, &count, err);
    for (size_t i = 0; code == ERR_OK && i < count; i++)
        index_customer(import, &there[i]);
    return code;
}

/* ---- each row to its customer ---- */

/* The one customer with a phone of the row; NULL when there is none, &ambiguous for several. */
static const struct customer *match_phones(struct import *import, const struct row *row)
{
    const struct customer *found = NULL;
    for (size_t i = 0; i < row->phone_count; i++) {
        const struct customer *one = map_get(&import->by_phone, str_from(row->phones[i]));
        if (one != NULL && found != NULL && one != found)
            return &ambiguous;
        if (one != NULL)
            found = one;
    }
    return found;
}

/* NULL when there is none yet. A new external_id may be of a customer that had none. */
static const struct customer *match(struct import *import, const struct row *row)
{
    const char *external_id = row->texts[COLUMN_EXTERNAL_ID];
    if (external_id[0] == '\0')
        return match_phones(import, row);
    const struct customer *found = map_get(&import->by_external_id, str_from(external_id));
    if (found != NULL)
        return found;
    found = match_phones(import, row);
    bool is_free = found != NULL && found != &ambiguous && found->external_id[0] == '\0';
    return is_free ? found : NULL;
}

static const char **text_at(struct customer *c, enum column column)
{
    switch (column) {
    case COLUMN_EXTERNAL_ID:
        return &c->external_id;
    case COLUMN_NAME:
        return &c->name;
    case COLUMN_EMAIL:
        return &c->email;
    case COLUMN_ORGANIZATION:
        return &c->organization;
    case COLUMN_CUSTOMER_TYPE:
        return &c->customer_type;
    case COLUMN_PROJECT_STATUS:
        return &c->project_status;
    case COLUMN_DEPARTMENT:
        return &c->department;
    case COLUMN_COORDINATOR_EMAIL:
        return &c->coordinator_email;
    case COLUMN_COORDINATOR_QUICKBASE_ID:
        return &c->coordinator_quickbase_id;
    case COLUMN_NOTES:
        return &c->notes;
    case COLUMN_ATTRIBUTES:
        return &c->attributes;
    case COLUMN_NONE:
    case COLUMN_PHONE:
    case COLUMN_COUNT:
        break;
    }
    return NULL;
}

static bool same_phones(const struct customer *c, const struct row *row)
{
    bool is_same = c->phone_count == row->phone_count;
    for (size_t i = 0; is_same && i < c->phone_count; i++)
        is_same = strcmp(c->phones[i], row->phones[i]) == 0;
    return is_same;
}

/* Lays the row over the customer; true when that changes it. */
static bool lay_over(const struct import *import, const struct row *row, struct customer *c)
{
    bool is_changed = false;
    for (enum column column = COLUMN_EXTERNAL_ID; column < COLUMN_COUNT; column++) {
        const char *text = row->texts[column];
        const char **target = text_at(c, column);
        bool is_kept = column == COLUMN_EXTERNAL_ID && text[0] == '\0'; /* matched by its phone */
        if (!import->has[column] || is_kept)
            continue;
        if (column == COLUMN_ATTRIBUTES && text[0] == '\0')
            text = "{}";
        is_changed |= strcmp(*target, text) != 0;
        *target = text;
    }
    if (import->has[COLUMN_PHONE] && !same_phones(c, row)) {
        c->phones = row->phones;
        c->phone_count = row->phone_count;
        is_changed = true;
    }
    return is_changed;
}

/* What to store of a row. */
static enum err_code take_row(struct import *import, struct row *row, struct err *err)
{
    const struct customer *there = match(import, row);
    if (there == &ambiguous) {
        refuse(import, row->line, title_of(import, COLUMN_PHONE),
               "several customers have this phone; say with external_id which it is");
        return ERR_OK;
    }
    if (there != NULL && map_get(&import->taken, str_from(there->sid)) != NULL) {
        refuse(import, row->line, STR(""), "an earlier row is about the same customer");
        return ERR_OK;
    }
    row->customer = there != NULL ? *there : (struct customer){.account_sid = import->account_sid};
    if (there == NULL) {
        struct sid sid = sid_new("CU");
        row->customer.sid = arena_strdup(import->call->arena, sid.text);
        if (row->customer.sid == NULL)
            return call_no_room(err);
    }
    customer_defaults(&row->customer);
    bool is_changed = lay_over(import, row, &row->customer) || there == NULL;
    struct err why = {0};
    if (customer_check(&row->customer, &why) != ERR_OK) {
        refuse(import, row->line, str_from(why.field), why.detail);
        return ERR_OK;
    }
    (void)map_put(&import->taken, str_from(row->customer.sid), &row->customer);
    if (there == NULL) /* a later row may be about it */
        index_customer(import, &row->customer);
    *(there == NULL ? &import->report->created
      : is_changed  ? &import->report->updated
                    : &import->report->unchanged) += 1;
    if (is_changed)
        import->changed[import->changed_count++] = row->customer;
    return ERR_OK;
}

static enum err_code import_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    struct import *import = ctx;
    struct import_report before = *import->report;
    map_clear(&import->by_external_id);
    map_clear(&import->by_phone);
    map_clear(&import->taken);
    import->changed_count = 0;
    enum err_code code = customer_store_import_lock(conn, call, import->account_sid, err);
    if (code == ERR_OK)
        code = load(import, conn, err);
    for (size_t i = 0; code == ERR_OK && i < import->row_count; i++)
        code = take_row(import, &import->rows[i], err);
    if (code == ERR_OK && !import->is_dry)
        code = customer_store_put(conn, call, import->account_sid, import->changed,
                                  import->changed_count, err);
    if (code != ERR_OK) /* it may run again */
        *import->report = before;
    return code;
}

static enum err_code run(struct import *import, struct db_pool *pool, struct str csv,
                         struct err *err)
{
    struct arena *arena = import->call->arena;
    import->rows = ARENA_ARRAY(arena, struct row, CSV_ROWS_MAX + 1);
    import->changed = ARENA_ARRAY(arena, struct customer, CSV_ROWS_MAX + 1);
    if (import->rows == NULL || import->changed == NULL)
        return call_no_room(err);
    enum err_code code = csv_read(csv, arena, on_row, import, err);
    if (code == ERR_OK && import->column_count == 0)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "CSV_EMPTY", "csv",
                         "the file is empty; its first line must name the columns");
    return code == ERR_OK ? db_tx_run(pool, import->call, import_tx, import, err) : code;
}

enum err_code customer_import(struct db_pool *pool, struct call *call, const char *account_sid,
                              struct str csv, const char *region, bool is_dry,
                              struct import_report *out, struct err *err)
{
    *out = (struct import_report){.created = 0};
    if (csv.len > IMPORT_BYTES_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "CSV_TOO_LARGE", "csv",
                         "a file may have at most %d bytes; import it in parts", IMPORT_BYTES_MAX);
    AUTO(arena_cleanup) struct arena *arena = arena_new(IMPORT_ARENA_BYTES);
    struct call own = *call;
    own.arena = arena;
    struct import import = {
        .call = &own,
        .report_arena = call->arena,
        .account_sid = account_sid,
        .region = region,
        .is_dry = is_dry,
        .report = out,
    };
    map_init(&import.by_external_id);
    map_init(&import.by_phone);
    map_init(&import.taken);
    enum err_code code = run(&import, pool, csv, err);
    map_fini(&import.by_external_id);
    map_fini(&import.by_phone);
    map_fini(&import.taken);
    return code;
}
