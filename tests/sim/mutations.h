/* Shows that the simulator finds deliberate bugs (README.md has the list). */
#pragma once

/* Runs each until a seed fails; exit status 1 when one was not found. Only in the program that was
 * built with the bugs inside. */
int mutations_run(void);
