/*
 * Each line is a parameter of an event, "name=value". What is read of it has the shapes that the
 * owners of the mirror ask for.
 */
#include "base/macros.h"
#include "base/parse.h"
#include "event_rows.h"
#include "fuzz.h"
#include "jx/jx.h"
#include "rpc/pb.h"

enum { ARENA_BYTES = 8 << 20, PARAMS_MAX = 64 };

static Taskrouter__Sync__V1__ApplyWebhookRequest *request_of(struct arena *arena, struct str text)
{
    Taskrouter__Sync__V1__ApplyWebhookRequest *request =
        PB_NEW(arena, taskrouter__sync__v1__apply_webhook_request);
    struct str rest = text;
    request->parameters = ARENA_ARRAY(arena, Taskrouter__Sync__V1__WebhookParameter *, PARAMS_MAX);
    while (rest.ptr != NULL && request->n_parameters < PARAMS_MAX) {
        Taskrouter__Sync__V1__WebhookParameter *param =
            PB_NEW(arena, taskrouter__sync__v1__webhook_parameter);
        struct str value = str_split(&rest, '\n');
        param->name = arena_str_dup(arena, str_split(&value, '='));
        param->value = arena_str_dup(arena, value);
        request->parameters[request->n_parameters++] = param;
    }
    return request;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct event_form form;
    if (size == 0 || !str_is_utf8(text)) /* as the RPC refuses it */
        return 0;
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    if (event_form_read(arena, request_of(arena, text), &form, NULL) != ERR_OK)
        return 0;
    INVARIANT(parse_is_sid(str_from(form.sid), "EV"));
    INVARIANT(parse_is_sid(str_from(form.workspace_sid), "WS"));
    Taskrouter__Tasks__V1__Task *task = event_task(arena, &form);
    Taskrouter__Tasks__V1__Reservation *reservation = event_reservation(arena, &form);
    Taskrouter__Tasks__V1__Event *event = event_entry(arena, &form);
    INVARIANT(task == NULL || parse_is_sid(str_from(task->sid), "WT"));
    INVARIANT(reservation == NULL || parse_is_sid(str_from(reservation->worker_sid), "WK"));
    AUTO(jx_cleanup) json_t *values = NULL;
    INVARIANT(event == NULL ||
              jx_parse_object(str_from(event->event_data), NULL, &values, NULL) == ERR_OK);
    if (form.kind.action == EVENT_OVERLAY && event_is_complete(&form)) {
        ProtobufCMessage *item = event_new(arena, &form);
        INVARIANT(item != NULL && event_overlay(arena, &form, item));
        INVARIANT(!event_overlay(arena, &form, item));
    }
    return 0;
}
