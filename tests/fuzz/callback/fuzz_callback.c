/*
 * First line: the Content-Type of an application's answer, the rest its body. Read as the answer to
 * an assignment callback, and as far as it is an instruction, as that. And the body is what the
 * database holds of a callback's parameters.
 */
#include "base/macros.h"
#include "callback_params.h"
#include "callback_rules.h"
#include "engine/instruction.h"
#include "fuzz.h"

enum { ARENA_BYTES = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct err err = {0};
    struct str body = {(const char *)data, size};
    struct str type = str_split(&body, '\n');
    struct callback_answer answer;
    enum err_code code = callback_answer_read(arena, type, body, &answer, &err);
    INVARIANT(code == ERR_OK || code == ERR_RESOURCE_EXHAUSTED);
    if (code == ERR_OK && answer.kind == CALLBACK_ANSWER_INSTRUCTION) {
        struct instruction instruction;
        code = instruction_read(arena, answer.instruction, str_trim(body), &instruction, &err);
        INVARIANT(code == ERR_OK || code == err.code);
    }
    struct twilio_param *params = NULL;
    size_t count = 0;
    code = callback_params_read(arena, body, &params, &count, &err);
    INVARIANT(code == ERR_OK || code == ERR_DATA_LOSS || code == ERR_RESOURCE_EXHAUSTED);
    return 0;
}
