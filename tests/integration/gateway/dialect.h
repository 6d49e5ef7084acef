/* What the tests of Twilio's dialect share: requests as the account, and its error body. */
#pragma once

#include "fixture.h"

/* ACCOUNT:SECRET */
#define BASIC                                                                                      \
    "Basic "                                                                                       \
    "QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTowMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2R"      \
    "lZg=="

extern const char *workspace; /* its SID, after in_workspace */
extern const char *home;      /* "/v1/Workspaces/WS…" */

/* Makes the workspace of this program when it is not there yet. */
void in_workspace(void);

/* Whole paths. */
struct reply get(const char *path);
struct reply post(const char *path, const char *form);
struct reply drop(const char *path); /* DELETE */

/* Twilio's error body, to the last key; message: part of it. */
bool is_error(const struct reply *reply, int status, int code, const char *message);

/* There, and null. */
bool is_null(const json_t *body, const char *key);

/* Percent-encoded for a form. */
const char *form_text(const char *plain);
