/* Task channels from Twilio. */
#include "channel_store.h"
#include "mirror_keepers.h"
#include "mirror_rpc.h"
#include "queue_events.h"
#include "queues.h"
#include "svc/wire.h"

typedef Taskrouter__Queues__V1__PutTaskChannelsRequest put_request;
typedef Taskrouter__Queues__V1__TaskChannel wire_channel;

/* Of a Put; rows in the order of the request. */
struct channel_put {
    const put_request *request;
    struct task_channel *rows;
};

static struct task_channel from_wire(const struct mirror_put *put, const wire_channel *wire)
{
    return (struct task_channel){
        .sid = wire->sid,
        .account_sid = put->workspace->account_sid,
        .workspace_sid = put->workspace->sid,
        .friendly_name = wire->friendly_name,
        .unique_name = wire->unique_name,
        .channel_optimized_routing = wire->channel_optimized_routing,
        .version = 1,
        .created_at_us = wire_time_us(wire->date_created),
        .updated_at_us = wire_time_us(wire->date_updated),
        .observed_at_us = put->observed_at_us,
    };
}

static enum err_code take_in(struct mirror_put *put, struct call *call, struct err *err)
{
    struct channel_put *own = put->own;
    own->rows = ARENA_ARRAY(call->arena, struct task_channel, put->count);
    if (own->rows == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < put->count; i++) {
        const wire_channel *wire = own->request->items[i];
        struct err wrong = {.code = ERR_OK};
        own->rows[i] = from_wire(put, wire);
        bool is_fit = task_channel_check_mirrored(&own->rows[i], &wrong) == ERR_OK;
        mirror_put_item(put, call, i,
                        &(struct mirror_said){
                            .sid = wire->sid,
                            .friendly_name = wire->friendly_name,
                            .account_sid = wire->account_sid,
                            .workspace_sid = wire->workspace_sid,
                            .name = wire->unique_name,
                            .problem = is_fit ? NULL : arena_strdup(call->arena, wrong.detail),
                        });
    }
    return arena_is_exhausted(call->arena) ? call_no_room(err) : ERR_OK;
}

static enum err_code find(struct db_conn *conn, struct call *call, const struct str *sids,
                          size_t count, struct mirror_stored **out, size_t *out_count,
                          struct err *err)
{
    struct task_channel *rows = NULL;
    enum err_code code = channel_store_mirror_find(conn, call, sids, count, &rows, out_count, err);
    if (code != ERR_OK)
        return code;
    *out = ARENA_ARRAY(call->arena, struct mirror_stored, *out_count);
    if (*out == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < *out_count; i++)
        (*out)[i] = (struct mirror_stored){
            .row = &rows[i],
            .sid = rows[i].sid,
            .workspace_sid = rows[i].workspace_sid,
            .friendly_name = rows[i].friendly_name,
            .name_key = rows[i].is_vanished ? "" : rows[i].unique_name,
            .is_vanished = rows[i].is_vanished,
            .observed_at_us = rows[i].observed_at_us,
        };
    return ERR_OK;
}

static void compare(struct mirror_diff *diff, const struct task_channel *ours,
                    const struct task_channel *theirs)
{
    mirror_diff_text(diff, "friendly_name", ours->friendly_name, theirs->friendly_name);
    mirror_diff_text(diff, "unique_name", ours->unique_name, theirs->unique_name);
    mirror_diff_bool(diff, "channel_optimized_routing", ours->channel_optimized_routing,
                     theirs->channel_optimized_routing);
}

static void meet(struct mirror_put *put, size_t index, const void *row)
{
    struct channel_put *own = put->own;
    struct task_channel *theirs = &own->rows[index];
    const struct task_channel *ours = row;
    theirs->version = ours->version + 1;
    if (theirs->created_at_us == 0)
        theirs->created_at_us = ours->created_at_us;
    compare(&put->items[index].diff, ours, theirs);
}

/* Unique names are compared as they are. */
static enum err_code names(struct db_conn *conn, struct call *call, const char *workspace_sid,
                           const struct str *texts, size_t count, const char ***out_keys,
                           const char ***out_holders, struct err *err)
{
    *out_keys = NULL;
    return channel_store_mirror_names(conn, call, workspace_sid, texts, count, out_holders, err);
}

static enum err_code write_one(struct mirror_put *put, struct db_conn *conn, struct call *call,
                               size_t index, struct err *err)
{
    struct channel_put *own = put->own;
    struct task_channel *channel = &own->rows[index];
    bool is_created = put->items[index].outcome == MIRROR_CREATED;
    if (channel->created_at_us == 0)
        channel->created_at_us = channel->observed_at_us;
    if (channel->updated_at_us == 0)
        channel->updated_at_us = channel->observed_at_us;
    enum err_code code = channel_store_mirror_put(conn, call, channel, err);
    if (code != ERR_OK)
        return code;
    return channel_event_append(conn, call,
                                is_created ? "task-channel.created" : "task-channel.updated",
                                channel, false, err);
}

static enum err_code observe(struct mirror_put *put, struct db_conn *conn, struct call *call,
                             const size_t *indexes, size_t count, struct err *err)
{
    struct channel_put *own = put->own;
    struct task_channel *same = ARENA_ARRAY(call->arena, struct task_channel, count);
    if (same == NULL)
        return call_no_room(err);
    for (size_t i = 0; i < count; i++)
        same[i] = own->rows[indexes[i]];
    return channel_store_mirror_observe(conn, call, same, count, put->observed_at_us, err);
}

static enum err_code vanish(struct db_conn *conn, struct call *call, void *row,
                            int64_t observed_at_us, struct err *err)
{
    struct task_channel *channel = row;
    enum err_code code = channel_store_mirror_vanish(conn, call, channel, observed_at_us, err);
    return code == ERR_OK
               ? channel_event_append(conn, call, "task-channel.deleted", channel, true, err)
               : code;
}

const struct mirror_keeper channel_keeper = {
    .kind = {"TC", "task channel"},
    .take_in = take_in,
    .find = find,
    .meet = meet,
    .names = names,
    .park = channel_store_mirror_park,
    .write = write_one,
    .observe = observe,
    .vanish = vanish,
};

enum err_code mirror_rpc_put_channels(void *app, struct call *call, const put_request *request,
                                      Taskrouter__Common__V1__MirrorResults **out_reply,
                                      struct err *err)
{
    struct queues *queues = app;
    struct channel_put own = {.request = request};
    struct mirror_put put = {
        .keeper = &channel_keeper,
        .workspace_sid = request->workspace_sid,
        .observed_at = request->observed_at,
        .is_dry_run = request->dry_run,
        .count = request->n_items,
        .own = &own,
    };
    return mirror_put_run(&queues->host, &queues->workspaces, call, &put, out_reply, err);
}
