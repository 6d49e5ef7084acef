#include "base/queue.h"

#include <pthread.h>

#include "base/clock.h"
#include "testing.h"

enum { PRODUCERS = 3, CONSUMERS = 3, ITEMS = 2000 };

static int numbers[PRODUCERS * ITEMS];

static void items_come_out_in_order_and_full_is_refused(void)
{
    struct queue *queue = queue_new("test", 3);
    CHECK(queue_push(queue, &numbers[0]));
    CHECK(queue_push(queue, &numbers[1]));
    CHECK(queue_push(queue, &numbers[2]));
    CHECK(!queue_push(queue, &numbers[3]));
    CHECK_I64(queue_depth(queue), 3);
    CHECK(queue_pop(queue, 0) == &numbers[0]);
    CHECK(queue_push(queue, &numbers[3])); /* the ring wraps */
    CHECK(queue_pop(queue, 0) == &numbers[1]);
    void *rest[4];
    CHECK_I64(queue_drain(queue, rest, 4), 2);
    CHECK(rest[0] == &numbers[2] && rest[1] == &numbers[3]);
    CHECK_I64(queue_drain(queue, rest, 4), 0);
    queue_free(queue);
    queue_free(NULL);
}

static void waiting_ends_at_the_given_time(void)
{
    struct queue *queue = queue_new("test", 1);
    int64_t start = clock_mono_us();
    CHECK(queue_pop(queue, start + 20 * US_PER_MS) == NULL);
    CHECK(clock_mono_us() - start >= 20 * US_PER_MS);
    CHECK(queue_push(queue, &numbers[0]));
    CHECK(queue_pop(queue, 1) == &numbers[0]); /* long past, but an item is there */
    queue_free(queue);
}

static void a_closed_queue_gives_what_it_has_and_then_null(void)
{
    struct queue *queue = queue_new("test", 2);
    CHECK(queue_push(queue, &numbers[0]));
    queue_close(queue);
    CHECK(!queue_push(queue, &numbers[1]));
    CHECK(queue_pop(queue, 0) == &numbers[0]);
    CHECK(queue_pop(queue, 0) == NULL);
    queue_free(queue);
}

static void *wait_for_close(void *arg)
{
    return queue_pop(arg, 0);
}

static void closing_wakes_all_who_wait(void)
{
    struct queue *queue = queue_new("test", 1);
    pthread_t threads[CONSUMERS];
    for (int i = 0; i < CONSUMERS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, wait_for_close, queue) == 0);
    queue_close(queue);
    for (int i = 0; i < CONSUMERS; i++) {
        void *result = queue;
        CHECK(pthread_join(threads[i], &result) == 0);
        CHECK(result == NULL);
    }
    queue_free(queue);
}

struct producer {
    struct queue *queue;
    int *first;
};

static void *produce(void *arg)
{
    const struct producer *producer = arg;
    for (int i = 0; i < ITEMS;) {
        if (queue_push(producer->queue, &producer->first[i]))
            i++;
        else
            (void)sched_yield();
    }
    return NULL;
}

static void *consume(void *arg)
{
    for (int *number = queue_pop(arg, 0); number != NULL; number = queue_pop(arg, 0))
        ++*number;
    return NULL;
}

static void every_item_arrives_once_between_threads(void)
{
    struct queue *queue = queue_new("test", 16);
    struct producer producers[PRODUCERS];
    pthread_t threads[PRODUCERS + CONSUMERS];
    memset(numbers, 0, sizeof numbers);
    for (int i = 0; i < CONSUMERS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, consume, queue) == 0);
    for (int i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){queue, &numbers[(size_t)i * ITEMS]};
        REQUIRE(pthread_create(&threads[CONSUMERS + i], NULL, produce, &producers[i]) == 0);
    }
    for (int i = 0; i < PRODUCERS; i++)
        CHECK(pthread_join(threads[CONSUMERS + i], NULL) == 0);
    queue_close(queue);
    for (int i = 0; i < CONSUMERS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        CHECK_I64(numbers[i], 1);
    queue_free(queue);
}

static const struct test_case cases[] = {
    {"items come out in order, and full is refused",   items_come_out_in_order_and_full_is_refused},
    {"waiting ends at the given time",                 waiting_ends_at_the_given_time             },
    {"a closed queue gives what it has and then NULL",
     a_closed_queue_gives_what_it_has_and_then_null                                               },
    {"closing wakes all who wait",                     closing_wakes_all_who_wait                 },
    {"every item arrives once between threads",        every_item_arrives_once_between_threads    },
};

int main(int argc, char **argv)
{
    return testing_main("queue", cases, ARRAY_LEN(cases), argc, argv);
}
