#include <stdlib.h>

#include "server_int.h"

struct corker *corker_new(void)
{
    return NULL;
}

void corker_free(struct corker *corker)
{
    (void)corker;
}

void corker_event(struct corker *corker, grpc_call *core, size_t burst)
{
    (void)corker;
    (void)core;
    (void)burst;
}

void corker_flush(struct corker *corker)
{
    (void)corker;
}
