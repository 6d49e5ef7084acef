/*
 * First byte: the kind of webhook; the rest: its body, a form unless it begins with a brace. What
 * is read of it is stored and read back as it was.
 */
#include "base/macros.h"
#include "fuzz.h"
#include "webhook.h"
#include "webhook_params.h"

enum { ARENA_BYTES = 16 << 20, PARAMS_MAX = 256 };

static bool body_read(struct str body, struct arena *arena, struct twilio_param **out,
                      size_t *out_count)
{
    struct http_params form = {NULL, 0};
    if (str_starts_with(body, STR("{")))
        return webhook_params_of_json(body, arena, out, out_count, NULL) == ERR_OK;
    return http_params_decode(arena, body, PARAMS_MAX, &form, NULL) == ERR_OK &&
           webhook_params_of_form(&form, arena, out, out_count, NULL) == ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    enum webhook_kind kind = (enum webhook_kind)(1 + data[0] % (WEBHOOK_KIND_COUNT - 1));
    struct twilio_param *params = NULL;
    struct twilio_param *again = NULL;
    size_t count = 0;
    size_t again_count = 0;
    struct str stored = {NULL, 0};
    struct webhook_facts facts;
    if (!body_read((struct str){(const char *)data + 1, size - 1}, arena, &params, &count))
        return 0;
    if (webhook_facts_read(kind, params, count, STR("token"), "hash", arena, &facts))
        INVARIANT(facts.key[0] != '\0' && (facts.lane[0] != '\0' || kind != WEBHOOK_EVENT) &&
                  (facts.lane[0] == '\0' ||
                   (kind != WEBHOOK_ASSIGNMENT && kind != WEBHOOK_MESSAGE_STATUS)));
    if (webhook_params_write(params, count, arena, &stored, NULL) != ERR_OK)
        return 0;
    enum err_code code = webhook_params_read(stored, arena, &again, &again_count, NULL);
    if (code == ERR_RESOURCE_EXHAUSTED)
        return 0;
    INVARIANT(code == ERR_OK && again_count == count);
    for (size_t i = 0; i < count; i++)
        INVARIANT(str_eq(params[i].name, again[i].name) && str_eq(params[i].value, again[i].value));
    return 0;
}
