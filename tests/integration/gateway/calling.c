#include "calling.h"

#include "twilio/signature.h"

void put(struct form *form, const char *name, const char *value)
{
    form->params[form->count++] = (struct twilio_param){str_from(name), str_from(value)};
}

struct reply send_form(const char *path, const struct form *form, const char *token)
{
    char signature[TWILIO_SIGNATURE_SIZE] = "";
    struct buf body;
    buf_init(&body, 0);
    twilio_form_encode(&body, form->params, form->count);
    CHECK(twilio_sign(STR(TOKEN), str_from(text(PUBLIC "/api/webhooks%s", path)), form->params,
                      form->count, signature, NULL) == ERR_OK);
    const char *headers =
        text("X-Twilio-Signature: %s\r\n%s", signature,
             token == NULL ? "" : text("I-Twilio-Idempotency-Token: %s\r\n", token));
    struct reply reply =
        ask_form(NULL, "POST", text("/api/webhooks%s", path), headers, text("%s", body.data));
    buf_fini(&body);
    return reply;
}

const char *call_new(void)
{
    static int made;
    return text("CA%032x", ++made);
}

struct form form_of(const char *call, const char *to, const char *status)
{
    struct form form = {.count = 0};
    put(&form, "CallSid", call);
    put(&form, "AccountSid", ACCOUNT);
    put(&form, "From", CALLER);
    put(&form, "To", to);
    put(&form, "CallStatus", status);
    put(&form, "Direction", "inbound");
    return form;
}

struct reply tell(const char *path, const char *call, const char *to, const char *status,
                  const char *const *more)
{
    struct form form = form_of(call, to, status);
    for (size_t i = 0; more != NULL && more[i] != NULL; i += 2)
        put(&form, more[i], more[i + 1]);
    return send_form(path, &form, NULL);
}

struct reply ring(const char *call, const char *to)
{
    return tell("/voice", call, to, "ringing", NULL);
}
