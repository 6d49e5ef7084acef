#include "rpc/pb.h"

#include <stdlib.h>
#include <string.h>

#include "taskrouter/queues/v1/queues.pb-c.h"
#include "testing.h"

typedef Taskrouter__Queues__V1__ListTaskQueuesResponse list_response;
typedef Taskrouter__Queues__V1__TaskQueue task_queue;

enum { ARENA_BYTES = 1 << 20 };

static void a_made_message_has_its_defaults(void)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    task_queue *queue = PB_NEW(arena, taskrouter__queues__v1__task_queue);
    REQUIRE(queue != NULL);
    CHECK_TEXT(queue->sid, "");
    CHECK(queue->base.descriptor == &taskrouter__queues__v1__task_queue__descriptor);
    while (arena_alloc(arena, 4096) != NULL)
        continue;
    CHECK(PB_NEW(arena, taskrouter__queues__v1__task_queue) == NULL);
    arena_free(arena);
}

/* A list of two queues, the second with the name given. */
static struct str list_pack(uint8_t out[256], char *name)
{
    task_queue queues[2];
    task_queue *items[] = {&queues[0], &queues[1]};
    list_response list;
    taskrouter__queues__v1__task_queue__init(&queues[0]);
    taskrouter__queues__v1__task_queue__init(&queues[1]);
    taskrouter__queues__v1__list_task_queues_response__init(&list);
    queues[1].friendly_name = name;
    list.items = items;
    list.n_items = 2;
    size_t len = taskrouter__queues__v1__list_task_queues_response__pack(&list, out);
    return (struct str){(const char *)out, len};
}

static enum err_code decode(struct arena *arena, struct str bytes, list_response **out_list,
                            struct err *err)
{
    ProtobufCMessage *message = NULL;
    enum err_code code =
        pb_decode(arena, &taskrouter__queues__v1__list_task_queues_response__descriptor, bytes,
                  &message, err);
    *out_list = (list_response *)(void *)message;
    return code;
}

static void text_is_checked_in_lists_and_sub_messages(void)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    uint8_t bytes[256];
    char good[] = "Genehmigungen \xC3\xA9";
    char overlong[] = "\xC0\x80";
    struct err err;
    list_response *list = NULL;
    REQUIRE(decode(arena, list_pack(bytes, good), &list, &err) == ERR_OK);
    CHECK_TEXT(list->items[1]->friendly_name, good);
    CHECK_I64(decode(arena, list_pack(bytes, overlong), &list, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "INVALID_UTF8");
    CHECK_TEXT(err.field, "friendly_name");
    arena_free(arena);
}

static void a_oneof_member_is_checked_only_when_set(void)
{
    Taskrouter__Queues__V1__CreateTaskQueueRequest request;
    taskrouter__queues__v1__create_task_queue_request__init(&request);
    char bad[] = "\xFF";
    struct err err;
    request.target_workers = bad; /* optional: a one-member oneof, not set yet */
    CHECK_I64(pb_check_utf8(&request.base, &err), ERR_OK);
    request._target_workers_case =
        TASKROUTER__QUEUES__V1__CREATE_TASK_QUEUE_REQUEST___TARGET_WORKERS_TARGET_WORKERS;
    CHECK_I64(pb_check_utf8(&request.base, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.field, "target_workers");
}

static void bad_bytes_and_a_full_arena_are_told_apart(void)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    struct err err;
    list_response *list = NULL;
    CHECK_I64(decode(arena, STR("\x0A\x7F"), &list, &err), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(err.reason, "MALFORMED_MESSAGE");
    arena_reset(arena);
    size_t size = 200 * 1024; /* two-byte sub-messages of some hundred bytes each */
    char *many = malloc(size);
    REQUIRE(many != NULL);
    for (size_t i = 0; i < size; i += 2) {
        many[i] = 0x0A;
        many[i + 1] = 0;
    }
    CHECK_I64(decode(arena, (struct str){many, size}, &list, &err), ERR_RESOURCE_EXHAUSTED);
    CHECK_TEXT(err.reason, "REQUEST_TOO_LARGE");
    free(many);
    arena_free(arena);
}

/* However early the arena's ceiling is met: a clean error, no crash, no leak. */
static void every_ceiling_fails_cleanly(void)
{
    uint8_t bytes[256];
    char name[] = "Permits";
    struct str packed = list_pack(bytes, name);
    enum err_code code = ERR_RESOURCE_EXHAUSTED;
    size_t ceiling = 16;
    for (; ceiling < ARENA_BYTES && code != ERR_OK; ceiling += 16) {
        struct arena *arena = arena_new(ceiling);
        struct err err;
        list_response *list = NULL;
        code = decode(arena, packed, &list, &err);
        CHECK(code == ERR_OK || code == ERR_RESOURCE_EXHAUSTED);
        arena_free(arena);
    }
    CHECK(code == ERR_OK && ceiling > 32);
}

static const struct test_case cases[] = {
    {"a made message has its defaults",           a_made_message_has_its_defaults          },
    {"text is checked in lists and sub-messages", text_is_checked_in_lists_and_sub_messages},
    {"a oneof member is checked only when set",   a_oneof_member_is_checked_only_when_set  },
    {"bad bytes and a full arena are told apart", bad_bytes_and_a_full_arena_are_told_apart},
    {"every ceiling fails cleanly",               every_ceiling_fails_cleanly              },
};

int main(int argc, char **argv)
{
    return testing_main("pb", cases, ARRAY_LEN(cases), argc, argv);
}
