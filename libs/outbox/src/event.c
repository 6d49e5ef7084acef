#include "outbox/outbox.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "bus/bus.h"
#include "jx/writer.h"
#include "outbox_sql.h"

enum {
    TYPE_BYTES = 256, /* of a CloudEvents type */
    SUBJECT_BYTES = 1024,
};

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* ---- Subject ---- */

/* Tokens divided by dots, none empty, of bytes that NATS takes literally. */
static bool is_subject(struct str text)
{
    char before = '.';
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c <= ' ' || c == '*' || c == '>' || c == 0x7f || (c == '.' && before == '.'))
            return false;
        before = c;
    }
    return before != '.';
}

bool outbox_event_subject(const struct outbox_event *event, struct buf *out)
{
    size_t start = out->len;
    const char *workspace = is_set(event->workspace_sid) ? event->workspace_sid : "_";
    bool is_one_token = strchr(workspace, '.') == NULL;
    buf_text(out, "taskrouter.");
    buf_text(out, workspace);
    buf_char(out, '.');
    buf_text(out, event->type == NULL ? "" : event->type);
    return !buf_failed(out) && is_one_token &&
           is_subject((struct str){out->data + start, out->len - start});
}

/* ---- Payload ---- */

/* Who it was, by the form of the id. */
struct actor_row {
    const char *prefix;
    const char *type;
};

static const struct actor_row actors[] = {
    {"US",       "user"   },
    {"TK",       "token"  },
    {"WK",       "worker" },
    {"service:", "service"},
    {"",         "system" },
};

static const char *actor_type(const char *actor_sid)
{
    const struct actor_row *row = actors;
    while (strncmp(actor_sid, row->prefix, strlen(row->prefix)) != 0)
        row++;
    return row->type;
}

static void put_if_set(struct jx_writer *w, const char *key, const char *text)
{
    if (is_set(text))
        jx_put_text(w, key, text);
}

static void put_actor(struct jx_writer *w, const struct outbox_event *event,
                      const struct call *call)
{
    const char *actor = event->actor_sid;
    if (actor == NULL)
        actor = call == NULL ? "" : call->who.actor_sid;
    put_if_set(w, "actorsid", actor);
    jx_put_text(w, "actortype", is_set(event->actor_type) ? event->actor_type : actor_type(actor));
}

bool outbox_event_open(const struct outbox_event *event, const struct call *call, struct buf *out)
{
    char sequence[24];
    char type[TYPE_BYTES];
    struct jx_writer w;
    jx_writer_init(&w, out);
    jx_object_begin(&w);
    jx_put_text(&w, "specversion", "1.0");
    jx_put_text(&w, "id", event->event_sid.text);
    jx_put_text(&w, "source", is_set(event->source) ? event->source : "/taskrouter");
    int len =
        snprintf(type, sizeof type, "com.taskrouter.%s", event->type == NULL ? "" : event->type);
    if (len < 0 || (size_t)len >= sizeof type)
        jx_writer_fail(&w);
    jx_put_text(&w, "type", type);
    put_if_set(&w, "subject", event->subject_sid);
    jx_put_time_us(&w, "time", event->at_us);
    jx_put_text(&w, "datacontenttype", "application/json");
    put_if_set(&w, "workspacesid", event->workspace_sid);
    put_if_set(&w, "accountsid", event->account_sid);
    jx_put_i64(&w, "resourceversion", event->version);
    if (event->sequence != 0) { /* the sequence extension of CloudEvents is text */
        (void)snprintf(sequence, sizeof sequence, "%lld", (long long)event->sequence);
        jx_put_text(&w, "sequence", sequence);
    }
    put_if_set(&w, "requestid",
               event->request_id != NULL ? event->request_id
               : call == NULL            ? NULL
                                         : call->request_id);
    put_if_set(&w, "traceparent", call == NULL ? NULL : call->traceparent);
    put_actor(&w, event, call);
    jx_object_end(&w);
    if (jx_writer_finish(&w, NULL) != ERR_OK)
        return false;
    out->len--; /* opened again: data follows, without a copy of its own */
    buf_text(out, ",\"data\":");
    return !buf_failed(out);
}

bool outbox_event_payload(const struct outbox_event *event, const struct call *call,
                          struct buf *out)
{
    if (!outbox_event_open(event, call, out))
        return false;
    buf_str_append(out, event->data_json.len == 0 ? STR("{}") : event->data_json);
    buf_char(out, '}');
    return !buf_failed(out);
}

/* ---- Row ---- */

static enum err_code write_row(struct call *call, struct outbox_event *event, struct buf *subject,
                               struct buf *payload, struct err *err)
{
    if (!sid_is_set(&event->event_sid))
        event->event_sid = sid_new("EV");
    if (event->at_us == 0)
        event->at_us = clock_now_us();
    if (!outbox_event_subject(event, subject))
        return ERR_SET(err, ERR_INTERNAL, "EVENT_INVALID",
                       "event type \"%s\" or workspace \"%s\" does not make a subject",
                       event->type == NULL ? "" : event->type,
                       event->workspace_sid == NULL ? "" : event->workspace_sid);
    if (!outbox_event_payload(event, call, payload))
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "EVENT_TOO_LARGE",
                       "the resource is too large: its event would pass %d bytes",
                       BUS_MAX_PAYLOAD_BYTES);
    return ERR_OK;
}

enum err_code outbox_append(struct db_conn *conn, struct call *call, struct outbox_event *event,
                            struct err *err)
{
    struct buf subject;
    struct buf payload;
    buf_init(&subject, SUBJECT_BYTES);
    buf_init(&payload, BUS_MAX_PAYLOAD_BYTES);
    enum err_code code = write_row(call, event, &subject, &payload, err);
    if (code == ERR_OK)
        code = db_query(conn, call, &outbox_insert,
                        DB_PARAMS(db_cstr(event->event_sid.text), db_text(buf_str(&subject)),
                                  db_text(buf_str(&payload))),
                        NULL, err);
    buf_fini(&subject);
    buf_fini(&payload);
    return code;
}

/* The texts of one row, kept in the arena. */
static enum err_code keep_row(struct call *call, struct outbox_event *event, struct str *subject,
                              struct str *payload, struct err *err)
{
    struct buf texts[2];
    buf_init(&texts[0], SUBJECT_BYTES);
    buf_init(&texts[1], BUS_MAX_PAYLOAD_BYTES);
    enum err_code code = write_row(call, event, &texts[0], &texts[1], err);
    if (code == ERR_OK) {
        *subject = arena_str(call->arena, buf_str(&texts[0]));
        *payload = arena_str(call->arena, buf_str(&texts[1]));
    }
    buf_fini(&texts[0]);
    buf_fini(&texts[1]);
    return code;
}

enum err_code outbox_append_many(struct db_conn *conn, struct call *call,
                                 struct outbox_event *events, size_t count, struct err *err)
{
    if (count == 0)
        return ERR_OK;
    struct str *sids = ARENA_ARRAY(call->arena, struct str, count);
    struct str *subjects = ARENA_ARRAY(call->arena, struct str, count);
    struct str *payloads = ARENA_ARRAY(call->arena, struct str, count);
    enum err_code code =
        sids == NULL || subjects == NULL || payloads == NULL ? call_no_room(err) : ERR_OK;
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        code = keep_row(call, &events[i], &subjects[i], &payloads[i], err);
        sids[i] = str_from(events[i].event_sid.text);
    }
    if (code == ERR_OK && arena_is_exhausted(call->arena))
        code = call_no_room(err);
    if (code != ERR_OK)
        return code;
    return db_query(
        conn, call, &outbox_insert_many,
        DB_PARAMS(db_texts(sids, count), db_texts(subjects, count), db_texts(payloads, count)),
        NULL, err);
}
