/* The text is a history: whatever it holds, the checker comes to a verdict, and to the same one. */
#include <string.h>

#include "base/macros.h"
#include "fuzz.h"
#include "history_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct buf first;
    struct buf second;
    const char *broken = NULL;
    if (size > 65536)
        return 0;
    buf_init(&first, 0);
    buf_init(&second, 0);
    bool is_good = history_check(text, &first, &broken);
    INVARIANT(is_good == (broken[0] == '\0'));
    INVARIANT(history_check(text, &second, NULL) == is_good);
    INVARIANT(str_eq(buf_str(&first), buf_str(&second)));
    buf_fini(&first);
    buf_fini(&second);
    return 0;
}
