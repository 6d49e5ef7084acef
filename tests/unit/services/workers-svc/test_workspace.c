#include "workspace.h"

#include "activity.h"
#include "testing.h"

#define LONG_64 "0123456789012345678901234567890123456789012345678901234567890123"

static struct workspace good(void)
{
    return (struct workspace){
        .friendly_name = "Main",
        .provider = PROVIDER_LOCAL,
        .prioritize_queue_order = QUEUE_ORDER_FIFO,
        .time_zone = "UTC",
        .events_filter = "",
    };
}

static void check_field(const struct workspace *workspace, const char *field)
{
    struct err err = {.code = ERR_OK};
    enum err_code code = workspace_check(workspace, &err);
    CHECK_I64(code, field == NULL ? ERR_OK : ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, field == NULL ? "" : field);
}

static void test_names(void)
{
    static const struct {
        const char *name;
        bool is_fine;
    } rows[] = {
        {"a",         true },
        {"",          false},
        {" \t",       false},
        {LONG_64,     true },
        {LONG_64 "x", false},
        {"\xC3\xA9",  true },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct workspace workspace = good();
        workspace.friendly_name = rows[i].name;
        check_field(&workspace, rows[i].is_fine ? NULL : "friendly_name");
        struct activity activity = {.friendly_name = rows[i].name};
        CHECK_I64(activity_check(&activity, NULL) == ERR_OK, rows[i].is_fine);
    }
}

static void test_time_zones(void)
{
    static const struct {
        const char *zone;
        bool is_fine;
    } rows[] = {
        {"UTC",                            true },
        {"America/New_York",               true },
        {"Etc/GMT+5",                      true },
        {"America/Argentina/Buenos_Aires", true },
        {"",                               false},
        {"/etc/passwd",                    false},
        {"New York",                       false},
        {"UTC;drop",                       false},
        {LONG_64 "x",                      false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct workspace workspace = good();
        workspace.time_zone = rows[i].zone;
        check_field(&workspace, rows[i].is_fine ? NULL : "time_zone");
    }
}

static void test_rest(void)
{
    struct workspace workspace = good();
    workspace.provider = PROVIDER_NONE;
    check_field(&workspace, "provider");
    workspace = good();
    workspace.prioritize_queue_order = QUEUE_ORDER_NONE;
    check_field(&workspace, "prioritize_queue_order");
    workspace = good();
    workspace.events_filter = "task.created, task-queue.entered";
    check_field(&workspace, NULL);
    workspace.events_filter = "Task.Created";
    check_field(&workspace, "events_filter");
    static const struct {
        const char *filter;
        bool is_known;
    } filters[] = {
        {"",                                     true },
        {" , ",                                  true },
        {"task.created, reservation.instructed", true },
        {"worker.channel.availability.update",   true },
        {"task.created,task.exploded",           false},
        {"task",                                 false},
        {"task.created task.updated",            false},
    };
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        struct err err = {0};
        workspace.events_filter = filters[i].filter;
        bool is_taken = workspace_check_events(&workspace, &err) == ERR_OK;
        CHECK_I64(is_taken, filters[i].is_known);
        CHECK_TEXT(is_taken ? "events_filter" : err.field, "events_filter");
    }
}

static void test_enums(void)
{
    for (int i = PROVIDER_NONE; i < PROVIDER_COUNT; i++)
        CHECK_I64(provider_from(str_from(provider_name((enum provider)i))), i);
    for (int i = QUEUE_ORDER_NONE; i < QUEUE_ORDER_COUNT; i++)
        CHECK_I64(queue_order_from(str_from(queue_order_name((enum queue_order)i))), i);
    CHECK_I64(provider_from(STR("local")), PROVIDER_NONE);
    CHECK_TEXT(queue_order_name((enum queue_order)77), "");
    CHECK_TEXT(provider_name((enum provider)77), "");
    CHECK_TEXT(activity_defaults[0].friendly_name, "Offline");
    CHECK(!activity_defaults[0].available);
}

static const struct test_case cases[] = {
    {"names have 1 to 64 characters that are not all spaces", test_names     },
    {"a time zone looks like an IANA name",                   test_time_zones},
    {"provider, order and filter are of the known kind",      test_rest      },
    {"enums are stored by name and read back",                test_enums     },
};

int main(int argc, char **argv)
{
    return testing_main("workspace", cases, ARRAY_LEN(cases), argc, argv);
}
