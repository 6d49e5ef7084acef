/* An application that gets callbacks: answers each path as it is told, and remembers every request.
 * One per test program. */
#pragma once

#include <stdbool.h>

#define RECEIVER_TOKEN "12345678901234567890123456789012"

void receiver_start(void);
void receiver_stop(void);

/* "http://127.0.0.1:port/path"; until the thread asks again. */
const char *receiver_url(const char *path);

/* What the path answers from now on; 204 without body until told. Texts are borrowed. */
struct receiver_reply {
    int status;
    const char *type; /* NULL = none */
    const char *body;
    int delay_ms;
    int times; /* then 204 again; 0 = always */
};
void receiver_answers(const char *path, struct receiver_reply reply);

/* Requests to the path are not answered while it is held. */
void receiver_hold(const char *path, bool is_held);

int receiver_count(const char *path);
/* Waits up to 15 s for so many requests; false, with a failed check, when they do not come. */
bool receiver_waits(const char *path, int count);

/* Of the nth request to the path (from 0): a parameter ("" when absent), the header that tells
 * repeats, whether the signature is right. */
const char *receiver_param(const char *path, int n, const char *name);
const char *receiver_key(const char *path, int n);
bool receiver_is_signed(const char *path, int n);

/* Requests to the path with the parameter so. */
int receiver_count_with(const char *path, const char *name, const char *value);
