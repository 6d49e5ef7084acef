/* Looking up the database's name, with a resolver that takes as long as the test says. */
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "db/db.h"
#include "process.h"
#include "testing.h"

static atomic_bool is_released;

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): glibc's have underscores */

/* In place of the C library's, also for libpq, which asks it about plain addresses too. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    int64_t until = clock_mono_us() + 20 * US_PER_S;
    while (strcmp(name, "slow.test") == 0 && !is_released && clock_mono_us() < until)
        process_sleep_ms(5);
    if (strcmp(name, "known.test") != 0 && strcmp(name, "127.0.0.1") != 0)
        return EAI_NONAME;
    struct addrinfo *found = calloc(1, sizeof *found + sizeof(struct sockaddr_in));
    if (found == NULL)
        return EAI_MEMORY;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    at.sin_port = htons((uint16_t)(service == NULL ? 0 : strtol(service, NULL, 10)));
    memcpy(found + 1, &at, sizeof at);
    *found = (struct addrinfo){.ai_family = AF_INET,
                               .ai_socktype = hints == NULL ? SOCK_STREAM : hints->ai_socktype,
                               .ai_addrlen = sizeof at,
                               .ai_addr = (struct sockaddr *)(void *)(found + 1)};
    *out = found;
    return 0;
}

void freeaddrinfo(struct addrinfo *found)
{
    free(found);
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

/* How long a connect takes that ends in UNAVAILABLE. */
static int64_t refusal_us(const char *url)
{
    struct arena *arena = arena_new(1 << 20);
    struct call call;
    struct err err = {0};
    call_init(&call, arena, "test", 10 * US_PER_S);
    struct db_pool *pool =
        db_pool_open(&(struct db_options){.url = url, .name = "test", .connect_timeout_ms = 100});
    struct db_conn *conn = NULL;
    int64_t since = clock_mono_us();
    CHECK_I64(db_acquire(pool, &call, &conn, &err), ERR_UNAVAILABLE);
    int64_t took_us = clock_mono_us() - since;
    CHECK(strstr(err.detail, ".test") == NULL); /* the name is not for callers */
    (void)fprintf(stderr, "%s ", db_pool_stats(pool).why);
    db_pool_close(pool);
    arena_free(arena);
    return took_us;
}

static void a_slow_resolver_costs_the_time_to_connect_and_no_more(void)
{
    atomic_store(&is_released, false);
    CHECK(refusal_us("postgresql://u@slow.test/taskrouter") < 2 * US_PER_S);
    atomic_store(&is_released, true);
}

static void a_flood_of_hanging_lookups_is_bounded(void)
{
    atomic_store(&is_released, false);
    for (int i = 0; i < 16; i++)
        (void)refusal_us("postgresql://u@slow.test/taskrouter");
    CHECK(refusal_us("postgresql://u@slow.test/taskrouter") < 90 * US_PER_MS); /* no room left */
    atomic_store(&is_released, true);
}

static void an_unknown_name_is_told_at_once(void)
{
    CHECK(refusal_us("postgresql://u@unknown.test/taskrouter") < 1000 * US_PER_MS);
}

static void a_known_name_is_connected_to(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(bind(fd, (struct sockaddr *)(void *)&at, sizeof at) == 0 && listen(fd, 8) == 0);
    REQUIRE(getsockname(fd, (struct sockaddr *)(void *)&at, &size) == 0);
    char url[96];
    (void)snprintf(url, sizeof url, "postgresql://u@known.test:%d/taskrouter", ntohs(at.sin_port));
    CHECK(refusal_us(url) >= 90 * US_PER_MS); /* taken, and then not answered */
    int peer = accept(fd, NULL, NULL);
    CHECK(peer >= 0);
    (void)close(peer);
    (void)close(fd);
}

static const struct test_case cases[] = {
    {"an unknown name is told at once",                       an_unknown_name_is_told_at_once      },
    {"a known name is connected to",                          a_known_name_is_connected_to         },
    {"a slow resolver costs the time to connect and no more",
     a_slow_resolver_costs_the_time_to_connect_and_no_more                                         },
    {"a flood of hanging lookups is bounded",                 a_flood_of_hanging_lookups_is_bounded},
};

int main(int argc, char **argv)
{
    return testing_main("db names", cases, ARRAY_LEN(cases), argc, argv);
}
