#include "base/macros.h"

#include <stdio.h>
#include <stdlib.h>

void invariant_failed(const char *expression, const char *file, int line)
{
    (void)fprintf(stderr,
                  "{\"level\":\"fatal\",\"msg\":\"invariant failed\",\"expression\":\"%s\","
                  "\"at\":\"%s:%d\"}\n",
                  expression, file, line);
    abort();
}
