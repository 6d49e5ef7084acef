#include "db_int.h"

void db_observe(const struct db_stmt *stmt, enum err_code code, int64_t since_mono_us)
{
    (void)stmt;
    (void)code;
    (void)since_mono_us;
}
