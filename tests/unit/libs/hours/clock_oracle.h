/* The C library's own reading of time zones, to compare ours with: localtime with TZ set. One
 * thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

void oracle_zone(const char *name);
struct tm oracle_local(int64_t at_s);
int64_t oracle_offset_s(int64_t at_s);

/* Every IANA name of the machine, sorted; an array of the caller's, ended by NULL. */
char **oracle_zone_names(void);
void oracle_zone_names_free(char **names);
