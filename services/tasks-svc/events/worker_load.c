#include "worker_load.h"

#include <string.h>

#include "base/arena.h"
#include "base/macros.h"
#include "bus/event.h"
#include "config_change.h"
#include "engine/engine.h"
#include "pbjson/pbjson.h"
#include "shell.h"
#include "taskrouter/events/v1/events.pb-c.h"

struct load {
    struct sid worker_sid;
    struct sid channel_sid;
    int32_t assigned; /* out */
    int32_t consumed; /* out */
};

static bool count_accepted(void *context, const struct reservation_row *row)
{
    struct load *load = context;
    if (row->state == RESERVATION_ACCEPTED &&
        strcmp(row->channel_sid.text, load->channel_sid.text) == 0)
        load->assigned++;
    return true;
}

static enum err_code look(struct shard_op *op, struct engine *engine, int64_t now_us,
                          struct err *err)
{
    (void)now_us;
    (void)err;
    struct load *load = op->look_ctx;
    int32_t capacity = 0;
    int32_t consumed = 0;
    engine_worker_reservations(engine, &load->worker_sid, count_accepted, load);
    if (engine_worker_capacity(engine, &load->worker_sid, &load->channel_sid, &capacity, &consumed))
        load->consumed = consumed;
    return ERR_OK;
}

static const Taskrouter__Events__V1__WorkerEvent *read_event(struct arena *arena,
                                                             const struct bus_event *event)
{
    ProtobufCMessage *message = NULL;
    if (pbjson_decode(event->data, &taskrouter__events__v1__worker_event__descriptor, &pbjson_event,
                      arena, &message, NULL, NULL) != ERR_OK)
        return NULL;
    return (const void *)message;
}

static int32_t capacity_of(const Taskrouter__Workers__V1__Worker *worker, const char *channel_sid)
{
    for (size_t i = 0; i < worker->n_channels; i++) {
        if (strcmp(worker->channels[i]->task_channel_sid, channel_sid) == 0)
            return worker->channels[i]->configured_capacity;
    }
    return 0;
}

enum err_code worker_load_note(struct shell *shell, struct call *call, struct config_change *change,
                               const struct bus_event *event, struct err *err)
{
    const char *type = event->type.ptr;
    if (strcmp(type, "worker.capacity.update") != 0 &&
        strcmp(type, "worker.channel.availability.update") != 0)
        return ERR_OK;
    const Taskrouter__Events__V1__WorkerEvent *told = read_event(call->arena, event);
    if (told == NULL || told->worker == NULL || told->task_channel_sid[0] == '\0')
        return ERR_OK;
    struct load load = {.worker_sid = change->row.sid,
                        .channel_sid = sid_from(str_from(told->task_channel_sid))};
    struct shard_op op = {
        .call = call, .workspace_sid = change->row.workspace_sid, .look = look, .look_ctx = &load};
    enum err_code code = shell_run(shell, &op, err);
    if (code != ERR_OK)
        return code;
    int32_t left = capacity_of(told->worker, told->task_channel_sid) - load.consumed;
    struct event_row *row = ARENA_NEW(call->arena, struct event_row);
    char *extras = arena_printf(call->arena,
                                "{\"worker_channel_task_count\":\"%d\","
                                "\"worker_channel_available_capacity\":\"%d\"}",
                                (int)load.assigned, left > 0 ? (int)left : 0);
    if (row == NULL || extras == NULL)
        return call_no_room(err);
    *row = *change->event;
    row->extras = str_from(extras);
    change->event = row;
    return ERR_OK;
}
