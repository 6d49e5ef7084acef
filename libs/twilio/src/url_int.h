/* The parts of an absolute http or https URL, and the spellings of it that a signature may have
 * been made for. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* Views into the text. */
struct url {
    struct str scheme;
    struct str user;  /* "user:pass", without the @; empty when there is none */
    struct str host;  /* with the brackets of IPv6 */
    struct str port;  /* digits, or empty */
    struct str path;  /* from the first '/', or empty */
    struct str query; /* without the '?' */
    bool has_query;
    bool has_user;
};

/* False when it is no such URL. A fragment is left out. */
bool url_split(struct str text, struct url *out);

enum url_port { URL_PORT_REMOVED, URL_PORT_ADDED };
enum url_style { URL_AS_IS, URL_NORMAL, URL_LEGACY_QUERY, URL_STYLE_COUNT };

/* Appends one spelling of the URL. */
void url_write(struct buf *out, const struct url *url, enum url_style style, enum url_port port);
