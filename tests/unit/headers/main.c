/* The proof is that this links: each public header was compiled on its own. */
#include <stdio.h>

int main(void)
{
    (void)printf("%d public headers compile alone\n", HEADER_COUNT);
    return HEADER_COUNT > 0 ? 0 : 1;
}
