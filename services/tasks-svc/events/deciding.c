#include "deciding.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "base/queue.h"
#include "svc/decide.h"

enum { DECIDING_THREADS = 4, DECIDING_QUEUE = 1024 };

struct deciding {
    struct decider *decider;
    struct queue *queue;
    pthread_t threads[DECIDING_THREADS];
};

static void *deciding_main(void *ctx)
{
    struct deciding *deciding = ctx;
    struct decide_job *job = NULL;
    while ((job = queue_pop(deciding->queue, 0)) != NULL) {
        struct err err = {.code = ERR_OK};
        const Taskrouter__Routing__V1__Decision *decision =
            decider_ask(deciding->decider, job->call, job->request);
        enum err_code code =
            decision == NULL ? ERR_OK : decide_apply(job->call, decision, job->request, &err);
        job->resume(job, code, &err);
    }
    return NULL;
}

struct deciding *deciding_open(struct decider *decider)
{
    struct deciding *deciding = xcalloc(1, sizeof *deciding);
    deciding->decider = decider;
    deciding->queue = queue_new("deciding", DECIDING_QUEUE);
    for (size_t i = 0; i < DECIDING_THREADS; i++) {
        int failed = pthread_create(&deciding->threads[i], NULL, deciding_main, deciding);
        INVARIANT(failed == 0);
    }
    return deciding;
}

void deciding_close(struct deciding *deciding)
{
    if (deciding == NULL)
        return;
    queue_close(deciding->queue);
    for (size_t i = 0; i < DECIDING_THREADS; i++)
        (void)pthread_join(deciding->threads[i], NULL);
    queue_free(deciding->queue);
    free(deciding);
}

bool deciding_has_to(struct deciding *deciding, const char *workspace_sid)
{
    return decider_has_to_ask(deciding->decider, workspace_sid);
}

bool deciding_push(struct deciding *deciding, struct decide_job *job)
{
    return queue_push(deciding->queue, job);
}
