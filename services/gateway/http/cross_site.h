/*
 * Whether another site's page makes a browser send a request. Browsers remember what was typed into
 * their HTTP Basic prompt and add it to whatever any page makes them send, so a change with such
 * credentials must come from one of our own pages, an allowed one, or no page at all (programs say
 * none of these headers). Pure.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

/* Headers that were not sent are empty. */
struct cross_site {
    struct str fetch_site;      /* Sec-Fetch-Site: what browsers of our days say */
    struct str origin;          /* Origin: older ones, with a POST of another site at least */
    struct str host;            /* Host */
    const char *public_url;     /* where clients reach us; NULL: by host */
    const char *const *origins; /* whose pages may, NULL-terminated; "*" opens nothing here */
};

bool cross_site_is_foreign(const struct cross_site *request);
