/*
 * Under which URL the client reached us, for the absolute URLs in answers: a fixed one from the
 * settings, else the Host header; what X-Forwarded-* headers say counts only when the connection
 * comes from a trusted proxy. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct http_request;
struct twilio_proxies;

/* list: CIDR ranges or addresses, separated by commas; NULL or "" trusts nobody. Errors:
 * INVALID_ARGUMENT naming the part that is no address range. */
enum err_code twilio_proxies_new(const char *list, struct twilio_proxies **out,
                                 struct err *err) MUST_CHECK;
void twilio_proxies_free(struct twilio_proxies *proxies); /* NULL is allowed */

/* peer: an address in text form. */
bool twilio_proxies_trust(const struct twilio_proxies *proxies, const char *peer);

/*
 * "https://host:port/prefix", without a slash at the end. public_url NULL: from the request. Of
 * a header with several values the last counts, which is the trusted proxy's. NULL when the arena
 * is exhausted.
 */
const char *twilio_root_url(const struct twilio_proxies *proxies, const char *public_url,
                            const struct http_request *req, struct arena *arena);
