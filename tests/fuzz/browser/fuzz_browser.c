/*
 * The text is a request of the browser SDK: what is taken has a path of plain characters below /v1,
 * texts without NUL, and SIDs where SIDs are due. And it is an event's data: what is made of it has
 * a worker and every member.
 */
#include <string.h>

#include "base/macros.h"
#include "base/parse.h"
#include "eb_request.h"
#include "fuzz.h"
#include "jx/jx.h"
#include "payload.h"

enum { ARENA_BYTES = 4 << 20 };

static void request_run(struct arena *arena, struct str text)
{
    struct err err = {0};
    struct eb_request request;
    enum err_code code = eb_request_read(arena, text, &request, &err);
    if (code != ERR_OK) {
        INVARIANT(code == ERR_INVALID_ARGUMENT || code == ERR_RESOURCE_EXHAUSTED);
        return;
    }
    INVARIANT(str_starts_with(request.path, STR("/v1/")));
    INVARIANT(memchr(request.path.ptr, '%', request.path.len) == NULL);
    for (size_t i = 0; i < request.params.count; i++)
        INVARIANT(strlen(request.params.items[i].value.ptr) == request.params.items[i].value.len);
    if (eb_request_bind(&request, arena, &err) == ERR_OK)
        INVARIANT(parse_is_sid(str_from(request.workspace_sid), "WS"));
    else
        INVARIANT(err.code == ERR_NOT_FOUND);
}

static void event_run(struct str text)
{
    static const struct str types[] = {
        {"reservation.created",    19},
        {"task.updated",           12},
        {"worker.activity.update", 22},
        {"worker.capacity.update", 22},
    };
    AUTO(jx_cleanup) json_t *data = NULL;
    if (jx_parse_object(text, NULL, &data, NULL) != ERR_OK)
        return;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        const char *worker = NULL;
        AUTO(jx_cleanup) json_t *made = payload_event(types[i], data, &worker);
        INVARIANT(made == NULL || (worker != NULL && json_is_string(json_object_get(made, "sid"))));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    if (size > (64 << 10))
        return 0;
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    request_run(arena, text);
    event_run(text);
    return 0;
}
