/* history-check FILE: the verdict on one history; exit status 0 when nothing is broken. */
#include "history_check.h"

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fputs("history-check FILE\n", stderr);
        return 2;
    }
    return history_check_file(argv[1], stdout) ? 0 : 1;
}
