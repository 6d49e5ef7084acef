#include "read_rpc.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/parse.h"
#include "event_store.h"
#include "event_wire.h"
#include "shell.h"
#include "svc/check.h"
#include "svc/page.h"
#include "svc/wire.h"
#include "task_access.h"
#include "task_order_store.h"
#include "task_store.h"
#include "task_wire.h"

#define RESERVATIONS_TAG "re"
#define EVENTS_TAG       "ev"

enum {
    MINUTE_S = 60,
    MINUTES_MAX = 60 * 24 * 400,
    WATCH_PAGE = 100,
    WATCH_WAIT_MS = 400, /* how often a quiet stream looks whether its caller is still there */
};

/* ---- tasks ---- */

READ_RPC(read_rpc_task, GetTaskRequest, Task)
{
    struct tasks *tasks = app;
    struct task_row row;
    enum err_code code = access_require(tasks, call, request->workspace_sid, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "WT", err);
    if (code == ERR_OK)
        code =
            task_store_get(tasks->host.pool, call, request->workspace_sid, request->sid, &row, err);
    if (code != ERR_OK)
        return code;
    *out_reply = task_to_wire(call->arena, &row, clock_now_us());
    return *out_reply == NULL ? rpc_no_room(err) : ERR_OK;
}

/* ---- reservations ---- */

READ_RPC(read_rpc_reservation, GetReservationRequest, Reservation)
{
    struct tasks *tasks = app;
    struct reservation_row row;
    enum err_code code = access_require(tasks, call, request->workspace_sid, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "WR", err);
    if (code == ERR_OK)
        code = reservation_store_get(tasks->host.pool, call, request->workspace_sid, request->sid,
                                     &row, err);
    if (code != ERR_OK)
        return code;
    *out_reply = reservation_to_wire(call->arena, &row);
    return *out_reply == NULL ? rpc_no_room(err) : ERR_OK;
}

static enum err_code
reservation_filter_from(struct call *call,
                        const Taskrouter__Tasks__V1__ListReservationsRequest *request,
                        struct reservation_filter *filter, struct err *err)
{
    enum err_code code = check_optional_sid("task_sid", request->task_sid, "WT", err);
    if (code == ERR_OK)
        code = check_optional_sid("worker_sid", request->worker_sid, "WK", err);
    if (code != ERR_OK)
        return code;
    struct str *states = ARENA_ARRAY(call->arena, struct str, request->n_reservation_status);
    if (states == NULL)
        return rpc_no_room(err);
    for (size_t i = 0; i < request->n_reservation_status; i++) {
        states[i] = reservation_status_name(request->reservation_status[i]);
        if (states[i].len == 0)
            return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_VALUE", "reservation_status",
                             "reservation_status must be pending, accepted, rejected, timeout, "
                             "canceled, rescinded, wrapping or completed");
    }
    *filter = (struct reservation_filter){
        .task_sid = request->task_sid,
        .worker_sid = request->worker_sid,
        .states = states,
        .state_count = request->n_reservation_status,
    };
    return ERR_OK;
}

static enum err_code fill_reservations(struct call *call, const struct reservation_row *items,
                                       size_t count, const char *last_sid,
                                       Taskrouter__Tasks__V1__ListReservationsResponse **out_reply,
                                       struct err *err)
{
    Taskrouter__Tasks__V1__ListReservationsResponse *reply =
        PB_NEW(call->arena, taskrouter__tasks__v1__list_reservations_response);
    Taskrouter__Tasks__V1__Reservation **wires =
        ARENA_ARRAY(call->arena, Taskrouter__Tasks__V1__Reservation *, count);
    if (reply == NULL || wires == NULL)
        return rpc_no_room(err);
    for (size_t i = 0; i < count; i++)
        wires[i] = reservation_to_wire(call->arena, &items[i]);
    reply->items = wires;
    reply->n_items = count;
    if (last_sid != NULL)
        reply->next_cursor = page_cursor(call->arena, RESERVATIONS_TAG, last_sid);
    if (arena_is_exhausted(call->arena))
        return rpc_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

READ_RPC(read_rpc_reservations, ListReservationsRequest, ListReservationsResponse)
{
    struct tasks *tasks = app;
    struct page page;
    struct reservation_filter filter;
    struct reservation_row *items = NULL;
    size_t count = 0;
    enum err_code code = access_require(tasks, call, request->workspace_sid, err);
    if (code == ERR_OK)
        code = page_from(call->arena, RESERVATIONS_TAG, request->page_size, request->cursor, &page,
                         err);
    if (code == ERR_OK)
        code = reservation_filter_from(call, request, &filter, err);
    if (code == ERR_OK)
        code = reservation_store_list(tasks->host.pool, call, request->workspace_sid, page.after,
                                      (size_t)page.size + 1, &filter, &items, &count, err);
    if (code != ERR_OK)
        return code;
    bool has_more = count > (size_t)page.size;
    if (has_more)
        count = (size_t)page.size;
    return fill_reservations(call, items, count, has_more ? items[count - 1].sid.text : NULL,
                             out_reply, err);
}

/* ---- events ---- */

/* As they are shown: old ones without what the task was about, where that is set. */
static enum err_code show_event(const struct tasks *tasks, struct call *call,
                                const struct event_row *row, Taskrouter__Tasks__V1__Event **out,
                                struct err *err)
{
    int64_t keep_us = tasks->redact_ms * US_PER_MS;
    enum err_code code = event_to_wire(call->arena, row, out, err);
    if (code != ERR_OK || keep_us == 0 || row->occurred_at_us >= clock_now_us() - keep_us)
        return code;
    return event_redact(call->arena, *out, err);
}

READ_RPC(read_rpc_event, GetEventRequest, Event)
{
    struct tasks *tasks = app;
    struct event_row row;
    enum err_code code = access_require(tasks, call, request->workspace_sid, err);
    if (code == ERR_OK)
        code = check_sid("sid", request->sid, "EV", err);
    if (code == ERR_OK)
        code = event_store_get(tasks->host.pool, call, request->workspace_sid, request->sid, &row,
                               err);
    return code == ERR_OK ? show_event(tasks, call, &row, out_reply, err) : code;
}

static enum err_code event_filter_from(const Taskrouter__Tasks__V1__ListEventsRequest *request,
                                       struct event_filter *filter, struct err *err)
{
    enum err_code code = check_optional_sid("task_sid", request->task_sid, "WT", err);
    if (code == ERR_OK)
        code = check_optional_sid("worker_sid", request->worker_sid, "WK", err);
    if (code == ERR_OK)
        code = check_optional_sid("reservation_sid", request->reservation_sid, "WR", err);
    if (code == ERR_OK)
        code = check_optional_sid("task_queue_sid", request->task_queue_sid, "WQ", err);
    if (code == ERR_OK)
        code = check_optional_sid("workflow_sid", request->workflow_sid, "WW", err);
    if (code == ERR_OK)
        code = check_optional_sid("sid", request->sid, "EV", err);
    if (code == ERR_OK)
        code = check_range("minutes", request->minutes, 0, MINUTES_MAX, err);
    if (code == ERR_OK && request->minutes != 0 && request->start_date != NULL)
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "OUT_OF_RANGE", "minutes",
                         "give minutes or start_date, not both");
    if (code != ERR_OK)
        return code;
    *filter = (struct event_filter){
        .type = request->event_type,
        .task_sid = request->task_sid,
        .worker_sid = request->worker_sid,
        .reservation_sid = request->reservation_sid,
        .queue_sid = request->task_queue_sid,
        .workflow_sid = request->workflow_sid,
        .start_us = wire_time_us(request->start_date),
        .end_us = wire_time_us(request->end_date),
        .newest_first = request->newest_first,
    };
    if (request->minutes != 0)
        filter->start_us = (filter->end_us != 0 ? filter->end_us : clock_now_us()) -
                           request->minutes * MINUTE_S * US_PER_S;
    return ERR_OK;
}

/* By its SID or unique name; *out_is_known false: no event is about such a channel. */
static enum err_code event_channel(struct tasks *tasks, struct call *call,
                                   const Taskrouter__Tasks__V1__ListEventsRequest *request,
                                   struct event_filter *filter, bool *out_is_known, struct err *err)
{
    struct task_filter named = {.channel = request->task_channel};
    enum err_code code = task_order_resolve(tasks->host.pool, call, request->workspace_sid, &named,
                                            out_is_known, err);
    filter->channel_sid = named.channel;
    return code;
}

static enum err_code fill_events(const struct tasks *tasks, struct call *call,
                                 const struct event_row *items, size_t count, bool has_more,
                                 Taskrouter__Tasks__V1__ListEventsResponse **out_reply,
                                 struct err *err)
{
    Taskrouter__Tasks__V1__ListEventsResponse *reply =
        PB_NEW(call->arena, taskrouter__tasks__v1__list_events_response);
    Taskrouter__Tasks__V1__Event **wires =
        ARENA_ARRAY(call->arena, Taskrouter__Tasks__V1__Event *, count);
    if (reply == NULL || wires == NULL)
        return rpc_no_room(err);
    for (size_t i = 0; i < count; i++) {
        enum err_code code = show_event(tasks, call, &items[i], &wires[i], err);
        if (code != ERR_OK)
            return code;
    }
    reply->items = wires;
    reply->n_items = count;
    if (has_more) {
        char *last = arena_printf(call->arena, "%lld", (long long)items[count - 1].seq);
        reply->next_cursor = last == NULL ? NULL : page_cursor(call->arena, EVENTS_TAG, last);
    }
    if (arena_is_exhausted(call->arena))
        return rpc_no_room(err);
    *out_reply = reply;
    return ERR_OK;
}

READ_RPC(read_rpc_events, ListEventsRequest, ListEventsResponse)
{
    struct tasks *tasks = app;
    struct page page;
    struct event_filter filter;
    struct event_row *items = NULL;
    size_t count = 0;
    int64_t after = 0;
    enum err_code code = access_require(tasks, call, request->workspace_sid, err);
    if (code == ERR_OK)
        code = page_from(call->arena, EVENTS_TAG, request->page_size, request->cursor, &page, err);
    if (code == ERR_OK && page.after[0] != '\0' &&
        !parse_i64(str_from(page.after), 1, INT64_MAX, &after))
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_CURSOR", "cursor",
                         "cursor is not one that this list gave out; begin again without it");
    if (code == ERR_OK)
        code = event_filter_from(request, &filter, err);
    bool is_known = false;
    if (code == ERR_OK)
        code = event_channel(tasks, call, request, &filter, &is_known, err);
    if (code == ERR_OK && is_known && request->sid[0] != '\0')
        code = event_store_one(tasks->host.pool, call, request->workspace_sid, request->sid,
                               &filter, &items, &count, err);
    else if (code == ERR_OK && is_known)
        code = event_store_list(tasks->host.pool, call, request->workspace_sid, after,
                                (size_t)page.size + 1, &filter, &items, &count, err);
    if (code != ERR_OK)
        return code;
    bool has_more = count > (size_t)page.size;
    if (has_more)
        count = (size_t)page.size;
    return fill_events(tasks, call, items, count, has_more, out_reply, err);
}

/* ---- the live stream ---- */

/* Sends what lies behind *after; *out_sent says whether there may be more at once. */
static enum err_code send_page(struct tasks *tasks, struct call *call, const char *workspace_sid,
                               struct rpc_stream *stream, int64_t *after, bool *out_full,
                               struct err *err)
{
    struct event_filter none = {0};
    struct event_row *items = NULL;
    size_t count = 0;
    struct arena_mark mark = arena_mark(call->arena);
    enum err_code code = event_store_list(tasks->host.pool, call, workspace_sid, *after, WATCH_PAGE,
                                          &none, &items, &count, err);
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        Taskrouter__Tasks__V1__Event *event = NULL;
        code = show_event(tasks, call, &items[i], &event, err);
        if (code == ERR_OK)
            code = rpc_stream_send(stream, &event->base, err);
        if (code == ERR_OK)
            *after = items[i].seq;
    }
    *out_full = count == WATCH_PAGE;
    arena_rewind(call->arena, mark);
    return code;
}

enum err_code read_rpc_watch(void *app, struct call *call,
                             const Taskrouter__Tasks__V1__WatchEventsRequest *request,
                             struct rpc_stream *stream, struct err *err)
{
    struct tasks *tasks = app;
    int64_t after = request->after_sequence;
    uint64_t seen = 0;
    enum err_code code = access_require(tasks, call, request->workspace_sid, err);
    if (code == ERR_OK)
        code = check_range("after_sequence", after, 0, INT64_MAX, err);
    if (code == ERR_OK && after == 0)
        code = event_store_last(tasks->host.pool, call, request->workspace_sid, &after, err);
    while (code == ERR_OK) {
        bool is_full = false;
        /* seen before reading: what is committed while reading ends the wait at once */
        shell_wait_commit(tasks->shell, &seen, 0);
        code = send_page(tasks, call, request->workspace_sid, stream, &after, &is_full, err);
        if (code == ERR_OK && !is_full)
            shell_wait_commit(tasks->shell, &seen, clock_mono_us() + WATCH_WAIT_MS * US_PER_MS);
        if (code == ERR_OK)
            code = rpc_stream_check(stream, err);
    }
    return code;
}
