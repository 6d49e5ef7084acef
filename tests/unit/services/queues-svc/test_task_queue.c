#include "task_queue.h"

#include "task_channel.h"
#include "testing.h"

static struct task_queue good(void)
{
    return (struct task_queue){
        .friendly_name = "Q",
        .target_workers = "1==1",
        .max_reserved_workers = 1,
        .task_order = TASK_ORDER_FIFO,
        .reservation_activity_sid = "",
        .assignment_activity_sid = "",
    };
}

static void check_field(const struct task_queue *queue, const char *field)
{
    struct err err = {.code = ERR_OK};
    enum err_code code = task_queue_check(queue, &err);
    CHECK_I64(code, field == NULL ? ERR_OK : ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, field == NULL ? "" : field);
}

static void test_fields(void)
{
    struct task_queue queue = good();
    check_field(&queue, NULL);
    queue.friendly_name = "  ";
    check_field(&queue, "friendly_name");
    queue = good();
    queue.max_reserved_workers = 0;
    check_field(&queue, "max_reserved_workers");
    queue.max_reserved_workers = 50;
    check_field(&queue, NULL);
    queue.max_reserved_workers = 51;
    check_field(&queue, "max_reserved_workers");
    queue = good();
    queue.task_order = TASK_ORDER_NONE;
    check_field(&queue, "task_order");
    queue = good();
    queue.reservation_activity_sid = "WK0123456789abcdef0123456789abcdef";
    check_field(&queue, "reservation_activity_sid");
    queue.reservation_activity_sid = "WA0123456789abcdef0123456789abcdef";
    check_field(&queue, NULL);
    queue.assignment_activity_sid = "x";
    check_field(&queue, "assignment_activity_sid");
}

static void test_expressions(void)
{
    static const struct {
        const char *text;
        const char *says; /* NULL: fine */
    } rows[] = {
        {"",                                      NULL      },
        {"  ",                                    NULL      },
        {"skills HAS \"permits\" AND level >= 3", NULL      },
        {"a ==",                                  "column"  },
        {"(a == 1",                               "column 8"},
        {"a === 1",                               "column 5"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct task_queue queue = good();
        queue.target_workers = rows[i].text;
        check_field(&queue, rows[i].says == NULL ? NULL : "target_workers");
        struct err err = {.code = ERR_OK};
        if (task_queue_check(&queue, &err) != ERR_OK)
            CHECK(strstr(err.detail, rows[i].says == NULL ? "?" : rows[i].says) != NULL);
    }
    char text[TASK_QUEUE_EXPRESSION_MAX + 2];
    memset(text, ' ', sizeof text);
    memcpy(text, "1==1", 4);
    text[TASK_QUEUE_EXPRESSION_MAX] = '\0';
    struct task_queue queue = good();
    queue.target_workers = text;
    check_field(&queue, NULL);
    text[TASK_QUEUE_EXPRESSION_MAX] = ' ';
    text[TASK_QUEUE_EXPRESSION_MAX + 1] = '\0';
    check_field(&queue, "target_workers");
}

static void test_orders(void)
{
    for (int i = TASK_ORDER_NONE; i < TASK_ORDER_COUNT; i++)
        CHECK_I64(task_order_from(str_from(task_order_name((enum task_order)i))), i);
    CHECK_TEXT(task_order_name((enum task_order)9), "");
}

static void test_channels(void)
{
    static const struct {
        const char *friendly;
        const char *unique;
        const char *field;
    } rows[] = {
        {"Voice", "voice",    NULL           },
        {"V",     "_a$9",     NULL           },
        {"",      "voice",    "friendly_name"},
        {"a-b",   "voice",    "friendly_name"},
        {"V",     "",         "unique_name"  },
        {"V",     "9a",       "unique_name"  },
        {"V",     "a b",      "unique_name"  },
        {"V",     "a-b",      "unique_name"  },
        {"V",     "\xC3\xA9", "unique_name"  },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct task_channel channel = {.friendly_name = rows[i].friendly,
                                       .unique_name = rows[i].unique};
        struct err err = {.code = ERR_OK};
        CHECK_I64(task_channel_check(&channel, &err) == ERR_OK, rows[i].field == NULL);
        CHECK_TEXT(err.field, rows[i].field == NULL ? "" : rows[i].field);
    }
    for (size_t i = 0; i < TASK_CHANNEL_DEFAULT_COUNT; i++) {
        const struct task_channel_default *row = &task_channel_defaults[i];
        struct task_channel channel = {.friendly_name = row->friendly_name,
                                       .unique_name = row->unique_name};
        CHECK_I64(task_channel_check(&channel, NULL), ERR_OK);
        CHECK(task_channel_is_default(row->unique_name));
    }
    CHECK(!task_channel_is_default("fax"));
}

/* Twilio routes by it, so it need not be what we would run. */
static void test_mirrored(void)
{
    static char long_name[TASK_QUEUE_MIRRORED_NAME_MAX + 2];
    static char long_text[TASK_QUEUE_MIRRORED_EXPRESSION_MAX + 2];
    memset(long_name, 'n', sizeof long_name - 1);
    memset(long_text, ' ', sizeof long_text - 1);
    struct task_queue queue = good();
    queue.friendly_name = long_name + 1;
    queue.target_workers = "a ==";
    CHECK_I64(task_queue_check_mirrored(&queue, NULL), ERR_OK);
    queue.target_workers = long_text + 1;
    CHECK_I64(task_queue_check_mirrored(&queue, NULL), ERR_OK);
    queue.target_workers = long_text;
    CHECK_I64(task_queue_check_mirrored(&queue, NULL), ERR_INVALID_ARGUMENT);
    queue = good();
    queue.friendly_name = long_name;
    CHECK_I64(task_queue_check_mirrored(&queue, NULL), ERR_INVALID_ARGUMENT);
    queue = good();
    queue.max_reserved_workers = 51;
    CHECK_I64(task_queue_check_mirrored(&queue, NULL), ERR_INVALID_ARGUMENT);
    queue = good();
    queue.reservation_activity_sid = "WK00000000000000000000000000000001";
    CHECK_I64(task_queue_check_mirrored(&queue, NULL), ERR_INVALID_ARGUMENT);
    struct task_channel channel = {.friendly_name = "a-b", .unique_name = "9 a"};
    CHECK_I64(task_channel_check_mirrored(&channel, NULL), ERR_OK);
    channel.unique_name = "";
    CHECK_I64(task_channel_check_mirrored(&channel, NULL), ERR_INVALID_ARGUMENT);
}

static const struct test_case cases[] = {
    {"each field of a queue has its rule",                   test_fields     },
    {"an expression is compiled; errors carry the column",   test_expressions},
    {"orders are stored by name and read back",              test_orders     },
    {"a channel has a name for people and one for programs", test_channels   },
    {"what Twilio has need not follow our rules",            test_mirrored   },
};

int main(int argc, char **argv)
{
    return testing_main("task queue", cases, ARRAY_LEN(cases), argc, argv);
}
