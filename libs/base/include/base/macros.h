/*
 * Small macros used everywhere: scoped cleanup, hand-over, invariants, sizes.
 * Refuses to grow: a macro belongs here only when no function can do its job.
 */
#pragma once

#include <stddef.h>

/* Runs fn(&variable) when the variable leaves scope. Initialise in the declaration, always. */
#define AUTO(fn) __attribute__((cleanup(fn)))

/* Moves a pointer out of a variable, leaving NULL; only at a return or an owning call. */
#define TAKE(p)                                                                                    \
    __extension__({                                                                                \
        __typeof__(p) taken_ = (p);                                                                \
        (p) = NULL;                                                                                \
        taken_;                                                                                    \
    })

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define UNUSED            __attribute__((unused))
#define RARE              __attribute__((cold)) /* its callers' ways to it are laid aside */

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The struct that contains member, from a pointer to the member. */
#define CONTAINER_OF(ptr, type, member)                                                            \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member))) /* char: byte arithmetic */

/*
 * States what only our own mistake can break; stays on in every build and aborts with the place.
 * Never for input, peers or the database. The expression has no side effects.
 */
#define INVARIANT(x) ((x) ? (void)0 : invariant_failed(#x, __FILE__, __LINE__))

_Noreturn void invariant_failed(const char *expression, const char *file, int line) RARE;

/*
 * What one thread wrote before TSAN_RELEASE(p) is seen by the one that runs TSAN_ACQUIRE(p): said
 * to the thread sanitizer where a library hands p over, whose locks it cannot see. Else nothing.
 */
#if defined(__SANITIZE_THREAD__)
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#define TSAN_RELEASE(p) __tsan_release(p)
#define TSAN_ACQUIRE(p) __tsan_acquire(p)
#else
#define TSAN_RELEASE(p) ((void)0)
#define TSAN_ACQUIRE(p) ((void)0)
#endif
