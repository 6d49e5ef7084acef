#include "mutations.h"

#include <stdio.h>

int mutations_run(void)
{
    (void)fprintf(stderr, "sim: this program has no deliberate bugs inside\n");
    return 2;
}
