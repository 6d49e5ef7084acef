#include "dialect.h"

#include <string.h>

const char *workspace;
const char *home;

struct reply get(const char *path)
{
    return ask_form(BASIC, "GET", path, NULL, NULL);
}

struct reply post(const char *path, const char *form)
{
    return ask_form(BASIC, "POST", path, NULL, form);
}

struct reply drop(const char *path)
{
    return ask_form(BASIC, "DELETE", path, NULL, NULL);
}

void in_workspace(void)
{
    if (workspace != NULL)
        return;
    struct reply made = post("/v1/Workspaces", "FriendlyName=Dialect");
    CHECK_I64(made.status, 201);
    workspace = at(made.body, "sid");
    home = text("/v1/Workspaces/%s", workspace);
}

bool is_error(const struct reply *reply, int status, int code, const char *message)
{
    bool is_right = reply->status == status && at_i64(reply->body, "code") == code &&
                    at_i64(reply->body, "status") == status &&
                    strstr(at(reply->body, "message"), message) != NULL &&
                    strcmp(at(reply->body, "more_info"),
                           text("https://www.twilio.com/docs/errors/%d", code)) == 0 &&
                    json_object_size(reply->body) == 4 &&
                    strcmp(header_of(reply, "Content-Type"), "application/json") == 0;
    if (!is_right)
        fprintf(stderr, "wanted %d %d %s, got %d: %s\n", status, code, message, reply->status,
                reply->text);
    return is_right;
}

bool is_null(const json_t *body, const char *key)
{
    return json_is_null(json_object_get(body, key));
}

const char *form_text(const char *plain)
{
    const char *made = "";
    for (const char *c = plain; *c != '\0'; c++) {
        bool stays =
            (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
        made = stays ? text("%s%c", made, *c) : text("%s%%%02X", made, (unsigned char)*c);
    }
    return made;
}
