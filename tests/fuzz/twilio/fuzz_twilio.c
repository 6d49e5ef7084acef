/*
 * First line: a URL from outside; each further line: one parameter, "name=value". What was signed
 * for it is valid for the same parameters backwards, and not with one more.
 */
#include "base/macros.h"
#include "fuzz.h"
#include "twilio/signature.h"

enum { PARAMS_MAX = 16 };

static bool is_url(struct str url)
{
    char signature[TWILIO_SIGNATURE_SIZE];
    enum err_code code = twilio_sign(STR("token"), url, NULL, 0, signature, NULL);
    INVARIANT(code == ERR_OK);
    bool is_valid = twilio_verify(STR("token"), str_from(signature), url, NULL, 0);
    (void)twilio_verify_body(STR("token"), str_from(signature), url, url);
    return is_valid;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size};
    if (size == 0)
        return 0;
    struct str url = str_split(&rest, '\n');
    struct twilio_param params[PARAMS_MAX + 1];
    struct twilio_param backwards[PARAMS_MAX];
    size_t count = 0;
    while (rest.ptr != NULL && count < PARAMS_MAX) {
        params[count].value = str_split(&rest, '\n');
        params[count].name = str_split(&params[count].value, '=');
        count++;
    }
    for (size_t i = 0; i < count; i++)
        backwards[i] = params[count - 1 - i];
    /* A port is left out or written first: such a URL verifies as another spelling only. */
    if (!is_url(url))
        return 0;
    char signature[TWILIO_SIGNATURE_SIZE];
    enum err_code code = twilio_sign(STR("token"), url, params, count, signature, NULL);
    INVARIANT(code == ERR_OK);
    INVARIANT(twilio_verify(STR("token"), str_from(signature), url, backwards, count));
    params[count] = (struct twilio_param){STR("\x01"), STR("more")};
    INVARIANT(!twilio_verify(STR("token"), str_from(signature), url, params, count + 1));
    return 0;
}
