/* What the tests of calls share: webhooks as Twilio sends them, signed. */
#pragma once

#include "fixture.h"
#include "twilio/form.h"

#define PUBLIC "https://hooks.example.com"
#define TOKEN  "the-token-of-the-tests-of-calls-0001"
#define CALLER "+15125550123"

/* For the gateway's environment. */
#define CALLING_ENV                                                                                \
    "TASKROUTER_PUBLIC_URL=" PUBLIC, "TWILIO_AUTH_TOKEN=" TOKEN, "TASKROUTER_CALL_PATIENCE=5s"

enum { PARAMS_MAX = 24 };

/* Texts are borrowed. */
struct form {
    struct twilio_param params[PARAMS_MAX];
    size_t count;
};

void put(struct form *form, const char *name, const char *value);

/* path: below /api/webhooks. token: I-Twilio-Idempotency-Token, or NULL. */
struct reply send_form(const char *path, const struct form *form, const char *token);

/* A SID that no call has had. */
const char *call_new(void);

/* What Twilio says of an inbound call. */
struct form form_of(const char *call, const char *to, const char *status);

/* more: name, value, … NULL; or NULL. */
struct reply tell(const char *path, const char *call, const char *to, const char *status,
                  const char *const *more);
#define MORE(...) ((const char *const[]){__VA_ARGS__, NULL})

struct reply ring(const char *call, const char *to);
