#include "worker.h"

#include "base/name.h"
#include "base/str.h"
#include "expr/record.h"

enum err_code worker_check(const struct worker *worker, struct err *err)
{
    struct str name = str_from(worker->friendly_name);
    if (!name_is_good(name, WORKER_NAME_MAX))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_FRIENDLY_NAME", "friendly_name",
                         "friendlyName must have 1 to %d characters, not all of them spaces, none "
                         "a control character",
                         WORKER_NAME_MAX);
    struct str attributes = str_from(worker->attributes);
    if (str_utf8_count(attributes) > WORKER_ATTRIBUTES_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "ATTRIBUTES_TOO_LONG", "attributes",
                         "attributes has %zu characters; it may have at most %d",
                         str_utf8_count(attributes), WORKER_ATTRIBUTES_MAX);
    struct expr_record *record = NULL; /* what routing would read: the same parser decides */
    struct err cause = {.code = ERR_OK};
    enum err_code code = expr_record_new(attributes, &record, &cause);
    expr_record_free(record);
    if (code == ERR_OK)
        return ERR_OK;
    return ERR_FIELD(err, code, "INVALID_ATTRIBUTES", "attributes",
                     "attributes must be a JSON object: %s", cause.detail);
}

enum err_code worker_channel_check(const struct worker_channel *channel, struct err *err)
{
    if (channel->configured_capacity >= 0 && channel->configured_capacity <= WORKER_CAPACITY_MAX)
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "OUT_OF_RANGE", "capacity",
                     "capacity is %d; it must be 0 to %d", (int)channel->configured_capacity,
                     WORKER_CAPACITY_MAX);
}

int32_t worker_channel_percentage(const struct worker_channel *channel)
{
    int32_t left = channel->configured_capacity - channel->consumed_capacity;
    return left <= 0 ? 0 : left * 100 / channel->configured_capacity;
}
