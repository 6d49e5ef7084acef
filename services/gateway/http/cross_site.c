#include "cross_site.h"

#include <stddef.h>
#include <string.h>

/* "https://host:8443/path" -> "host:8443" */
static struct str host_of(struct str url)
{
    ptrdiff_t from = str_find(url, STR("://"));
    if (from < 0)
        return (struct str){NULL, 0};
    struct str rest = {url.ptr + from + 3, url.len - (size_t)from - 3};
    return str_split(&rest, '/');
}

static bool is_allowed(const struct cross_site *request)
{
    for (const char *const *origin = request->origins; origin != NULL && *origin != NULL;
         origin++) {
        if (strcmp(*origin, "*") != 0 && str_eq_nocase(request->origin, str_from(*origin)))
            return true;
    }
    return false;
}

bool cross_site_is_foreign(const struct cross_site *request)
{
    if (request->origin.len > 0 && is_allowed(request))
        return false;
    if (request->fetch_site.len > 0)
        return !str_eq_nocase(request->fetch_site, STR("same-origin")) &&
               !str_eq_nocase(request->fetch_site, STR("none"));
    if (request->origin.len == 0)
        return false;
    struct str from = host_of(request->origin);
    struct str own =
        request->public_url == NULL ? request->host : host_of(str_from(request->public_url));
    return from.len == 0 || !(str_eq_nocase(from, own) || str_eq_nocase(from, request->host));
}
