#include "base/lock.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "testing.h"

static void in_order(void)
{
    struct lock low;
    struct lock high;
    lock_init(&low, "low", 1);
    lock_init(&high, "high", 2);
    lock_take(&low);
    lock_take(&high);
    lock_drop(&high);
    lock_drop(&low);
}

static void inverted(void)
{
    struct lock low;
    struct lock high;
    lock_init(&low, "low", 1);
    lock_init(&high, "high", 2);
    lock_take(&high);
    lock_take(&low);
}

static void same_rank(void)
{
    struct lock one;
    struct lock two;
    lock_init(&one, "one", 1);
    lock_init(&two, "two", 1);
    lock_take(&one);
    lock_take(&two);
}

static void dropped_out_of_order(void)
{
    struct lock low;
    struct lock high;
    lock_init(&low, "low", 1);
    lock_init(&high, "high", 2);
    lock_take(&low);
    lock_take(&high);
    lock_drop(&low);
}

static void broken_invariant(void)
{
    int one = 1;
    INVARIANT(one == 2);
}

/* Runs fn in a child of its own; the signal that ended it, 0 for a clean end. */
static int signal_of(void (*fn)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        static const struct rlimit no_core = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGABRT, SIG_DFL); /* not the sanitizer's report */
        (void)close(STDERR_FILENO);
        fn();
        _exit(0);
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void a_rank_inversion_aborts(void)
{
    CHECK_I64(signal_of(in_order), 0);
#ifdef TR_DEBUG
    CHECK_I64(signal_of(inverted), SIGABRT);
    CHECK_I64(signal_of(same_rank), SIGABRT);
    CHECK_I64(signal_of(dropped_out_of_order), SIGABRT);
#else
    (void)inverted;
    (void)same_rank;
    (void)dropped_out_of_order;
#endif
}

static void a_broken_invariant_aborts(void)
{
    CHECK_I64(signal_of(broken_invariant), SIGABRT);
}

static void a_timed_wait_ends_without_a_signal(void)
{
    struct lock lock;
    struct cond cond;
    lock_init(&lock, "test", 1);
    cond_init(&cond);
    lock_take(&lock);
    int64_t until = clock_mono_us() + 10 * US_PER_MS;
    while (cond_wait_until(&cond, &lock, until)) { /* spurious wake-ups are allowed */
    }
    CHECK(clock_mono_us() >= until);
    lock_drop(&lock);
    cond_fini(&cond);
    lock_fini(&lock);
    lock_fini(&lock); /* twice does no harm */
}

static const struct test_case cases[] = {
    {"a rank inversion aborts in debug builds", a_rank_inversion_aborts           },
    {"a broken invariant aborts",               a_broken_invariant_aborts         },
    {"a timed wait ends without a signal",      a_timed_wait_ends_without_a_signal},
};

int main(int argc, char **argv)
{
    return testing_main("lock", cases, ARRAY_LEN(cases), argc, argv);
}
