#include "frame.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "bus/event.h"
#include "jx/jx.h"

enum { FRAME_TEXTS = 8 };

static struct str worker_of(struct arena *arena, const json_t *data, const char *object,
                            const char *member)
{
    const char *sid = jx_get_text(jx_get(data, object), member, "");
    return arena_str(arena, str_from(sid));
}

/* Which workers an event is about: the one of the reservation, of the task, or the worker itself.
 */
static void workers_read(struct arena *arena, struct str text, struct frame *frame)
{
    AUTO(jx_cleanup) json_t *data = NULL;
    if (jx_parse_object(text, NULL, &data, NULL) != ERR_OK)
        return;
    frame->worker_sids[0] = worker_of(arena, data, "reservation", "workerSid");
    frame->worker_sids[1] = worker_of(arena, data, "task", "workerSid");
    frame->worker_sids[2] = worker_of(arena, data, "worker", "sid");
}

/* A line break would end the data field; outside of strings JSON takes a space as well, and inside
 * there is none. */
static void data_append(struct buf *out, struct str payload)
{
    for (size_t i = 0; i < payload.len; i++) {
        char c = payload.ptr[i];
        buf_char(out, (char)(c == '\n' || c == '\r' ? ' ' : c));
    }
}

enum err_code frame_read(struct arena *arena, uint64_t seq, struct str payload, struct frame *out,
                         struct err *err)
{
    struct bus_event event;
    enum err_code code = bus_event_parse(arena, payload, &event, err);
    if (code != ERR_OK)
        return code;
    struct frame frame = {
        .seq = seq,
        .account_sid = event.account_sid,
        .workspace_sid = event.workspace_sid,
        .type = event.type,
        .resource_sid = event.resource_sid,
    };
    workers_read(arena, event.data, &frame);
    struct buf text;
    buf_init(&text, 0);
    buf_printf(&text, "id: %" PRIu64 "\nevent: %.*s\ndata: ", seq, STR_ARG(event.type));
    data_append(&text, payload);
    buf_text(&text, "\n\n");
    frame.text = arena_str(arena, buf_str(&text));
    buf_fini(&text);
    if (arena_is_exhausted(arena))
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                       "the event does not fit the memory of one call");
    *out = frame;
    return ERR_OK;
}

static void texts_of(const struct frame *frame, struct str texts[FRAME_TEXTS])
{
    const struct str all[FRAME_TEXTS] = {
        frame->account_sid,    frame->workspace_sid,  frame->type,           frame->resource_sid,
        frame->worker_sids[0], frame->worker_sids[1], frame->worker_sids[2], frame->text,
    };
    memcpy(texts, all, sizeof all);
}

size_t frame_bytes(const struct frame *frame)
{
    struct str texts[FRAME_TEXTS];
    size_t bytes = sizeof *frame;
    texts_of(frame, texts);
    for (size_t i = 0; i < FRAME_TEXTS; i++)
        bytes += texts[i].len + 1;
    return bytes;
}

struct frame *frame_dup(const struct frame *frame)
{
    struct str texts[FRAME_TEXTS];
    struct frame *copy = xcalloc(1, frame_bytes(frame));
    char *at = (char *)(copy + 1);
    texts_of(frame, texts);
    for (size_t i = 0; i < FRAME_TEXTS; i++) {
        if (texts[i].len > 0)
            memcpy(at, texts[i].ptr, texts[i].len);
        texts[i].ptr = at;
        at += texts[i].len + 1;
    }
    *copy = (struct frame){
        .seq = frame->seq,
        .account_sid = texts[0],
        .workspace_sid = texts[1],
        .type = texts[2],
        .resource_sid = texts[3],
        .worker_sids = {texts[4], texts[5], texts[6]},
        .text = texts[7],
    };
    return copy;
}
