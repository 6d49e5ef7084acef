#include "customer.h"

#include <string.h>

#include "user.h"

void customer_defaults(struct customer *c)
{
    const char **const texts[] = {
        &c->sid,
        &c->account_sid,
        &c->external_id,
        &c->name,
        &c->email,
        &c->organization,
        &c->customer_type,
        &c->project_status,
        &c->department,
        &c->coordinator_email,
        &c->coordinator_quickbase_id,
        &c->notes,
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (*texts[i] == NULL)
            *texts[i] = "";
    }
    if (c->attributes == NULL || c->attributes[0] == '\0')
        c->attributes = "{}";
}

static enum err_code check_text(const char *field, const char *value, struct err *err)
{
    struct str text = str_from(value);
    if (!str_is_utf8(text))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_TEXT", field, "%s is not UTF-8",
                         field);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < ' ' || c == 0x7F)
            return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_TEXT", field,
                             "%s must be one line without control characters", field);
    }
    if (str_utf8_count(text) > CUSTOMER_TEXT_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_LENGTH", field,
                         "%s must have at most %d characters", field, CUSTOMER_TEXT_MAX);
    return ERR_OK;
}

static enum err_code check_email(const char *field, const char *value, struct err *err)
{
    if (value[0] == '\0' || user_is_email(str_from(value)))
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_EMAIL", field,
                     "%s must be an address such as ann@example.com, or empty", field);
}

static enum err_code check_texts(const struct customer *c, struct err *err)
{
    const struct {
        const char *field;
        const char *value;
    } texts[] = {
        {"external_id",              c->external_id             },
        {"name",                     c->name                    },
        {"organization",             c->organization            },
        {"customer_type",            c->customer_type           },
        {"project_status",           c->project_status          },
        {"department",               c->department              },
        {"coordinator_quickbase_id", c->coordinator_quickbase_id},
    };
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < ARRAY_LEN(texts) && code == ERR_OK; i++)
        code = check_text(texts[i].field, texts[i].value, err);
    if (code == ERR_OK)
        code = check_email("email", c->email, err);
    if (code == ERR_OK)
        code = check_email("coordinator_email", c->coordinator_email, err);
    return code;
}

enum err_code customer_check(const struct customer *c, struct err *err)
{
    enum err_code code = check_texts(c, err);
    if (code != ERR_OK)
        return code;
    if (c->name[0] == '\0' && c->organization[0] == '\0' && c->external_id[0] == '\0')
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "name",
                         "a customer must have a name, an organization or an external_id");
    if (c->phone_count > CUSTOMER_PHONES_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_LENGTH", "phones",
                         "a customer may have at most %d phones", CUSTOMER_PHONES_MAX);
    if (strlen(c->notes) > CUSTOMER_NOTES_MAX || !str_is_utf8(str_from(c->notes)))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_LENGTH", "notes",
                         "notes must be UTF-8 of at most %d bytes", CUSTOMER_NOTES_MAX);
    if (strlen(c->attributes) > CUSTOMER_ATTRIBUTES_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_LENGTH", "attributes",
                         "attributes must have at most %d bytes", CUSTOMER_ATTRIBUTES_MAX);
    return ERR_OK;
}
