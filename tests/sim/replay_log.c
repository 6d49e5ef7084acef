#include "replay_log.h"

#include <string.h>

#include "base/arena.h"
#include "base/call.h"
#include "base/clock.h"
#include "base/macros.h"
#include "db/db.h"
#include "event_pack.h"
#include "event_store.h"
#include "replay.h"
#include "replay_log_sql.h"
#include "task_wire.h"

enum { PAGE_ROWS = 64, PAGE_BYTES = 1 << 30, PAGE_BUDGET_S = 60 };

/* Under way. */
struct log_replay {
    struct replay replay;
    struct event_packer packer;
    struct replay_report *report;
    struct call call;
};

void replay_report_init(struct replay_report *report)
{
    *report = (struct replay_report){0};
    buf_init(&report->difference, 0);
}

void replay_report_fini(struct replay_report *report)
{
    buf_fini(&report->difference);
}

/* The events of a block. **Ownership:** the call's arena. */
static enum err_code unpack(struct log_replay *log, struct str payload, int64_t first_seq,
                            size_t room, struct event_row **out, size_t *out_count, struct err *err)
{
    *out = ARENA_ARRAY(log->call.arena, struct event_row, room + 1);
    *out_count = 0;
    if (room == 0)
        return ERR_OK;
    if (*out == NULL)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REPLAY_TOO_LARGE", "a commit is too large");
    return event_store_read(&log->call, payload, first_seq, first_seq - 1, *out, room, out_count,
                            err);
}

static void say(struct replay_report *report, const char *what, const struct event_row *stored,
                const char *was, const char *is)
{
    if (report->difference.len > 0)
        return;
    buf_printf(&report->difference,
               "event %lld %s %s: %s differs\n  stored:   %s\n  replayed: %s\n",
               (long long)stored->seq, stored->sid, stored->type, what, was, is);
}

static void compare_texts(struct replay_report *report, const struct event_row *stored,
                          const struct event_row *made)
{
    const struct {
        const char *name;
        const char *was;
        const char *is;
    } texts[] = {
        {"sid",           stored->sid,             made->sid            },
        {"type",          stored->type,            made->type           },
        {"account",       stored->account_sid,     made->account_sid    },
        {"workspace",     stored->workspace_sid,   made->workspace_sid  },
        {"resource type", stored->resource_type,   made->resource_type  },
        {"resource",      stored->resource_sid,    made->resource_sid   },
        {"task",          stored->task_sid,        made->task_sid       },
        {"worker",        stored->worker_sid,      made->worker_sid     },
        {"reservation",   stored->reservation_sid, made->reservation_sid},
        {"queue",         stored->queue_sid,       made->queue_sid      },
        {"workflow",      stored->workflow_sid,    made->workflow_sid   },
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (strcmp(texts[i].was, texts[i].is) != 0)
            say(report, texts[i].name, stored, texts[i].was, texts[i].is);
    }
}

static void compare(struct replay_report *report, struct arena *arena,
                    const struct event_row *stored, const struct event_row *made)
{
    compare_texts(report, stored, made);
    if (stored->occurred_at_us != made->occurred_at_us ||
        stored->resource_version != made->resource_version)
        say(report, "time or version", stored,
            arena_printf(arena, "%lld v%lld", (long long)stored->occurred_at_us,
                         (long long)stored->resource_version),
            arena_printf(arena, "%lld v%lld", (long long)made->occurred_at_us,
                         (long long)made->resource_version));
    if (!str_eq(stored->data, made->data))
        say(report, "data", stored, arena_str_dup(arena, stored->data),
            arena_str_dup(arena, made->data));
    if (!str_eq(stored->extras, made->extras))
        say(report, "extras", stored, arena_str_dup(arena, stored->extras),
            arena_str_dup(arena, made->extras));
}

/* What the fresh engine has decided, packed and unpacked as the router does. */
static enum err_code made_events(struct log_replay *log, struct event_row **out, size_t *out_count,
                                 struct err *err)
{
    struct packed_events packed = {0};
    event_pack_begin(&log->packer, 0);
    for (const struct engine_effect *e = log->replay.effects.first; e != NULL; e = e->next) {
        if (e->kind == ENGINE_EVENT)
            event_pack_own(&log->packer, e->event, "", "");
    }
    enum err_code code = event_pack_end(&log->packer, &packed, err);
    if (code == ERR_OK)
        code = unpack(log, packed.payload, 1, packed.count, out, out_count, err);
    return code;
}

static void compare_batch(struct log_replay *log, const struct event_row *stored,
                          size_t stored_count, const struct event_row *made, size_t made_count)
{
    struct replay_report *report = log->report;
    size_t next = 0;
    for (size_t i = 0; i < stored_count; i++) {
        if (strcmp(stored[i].source, TASKS_SOURCE) != 0) {
            report->foreign++;
            continue;
        }
        report->events++;
        if (next == made_count)
            say(report, "presence", &stored[i], "there", "missing");
        else
            compare(report, log->call.arena, &stored[i], &made[next++]);
    }
    if (next < made_count)
        say(report, "presence", &made[next], "missing", "there");
}

static enum err_code replay_row(struct log_replay *log, const struct db_result *rows, int i,
                                struct err *err)
{
    struct arena *arena = log->call.arena;
    struct str payload = {0};
    struct str journal = {0};
    int64_t last_seq = db_get_i64(rows, i, 0);
    int64_t first_seq = db_get_i64(rows, i, 2);
    if (db_is_null(rows, i, 5))
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "REPLAY_NO_JOURNAL",
                       "the commit that ends with event %lld has no journal", (long long)last_seq);
    if (!db_get_bytes(rows, i, 4, arena, &payload) || !db_get_bytes(rows, i, 5, arena, &journal))
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REPLAY_TOO_LARGE", "a commit is too large");
    log->report->batches++;
    log->report->journal_bytes += (int64_t)journal.len;
    log->report->payload_bytes += (int64_t)payload.len;
    enum err_code code = replay_batch(&log->replay, journal, err);
    struct event_row *stored = NULL;
    struct event_row *made = NULL;
    size_t stored_count = 0;
    size_t made_count = 0;
    bool has_events = db_get_i64(rows, i, 1) == 0;
    if (code == ERR_OK && has_events)
        code = unpack(log, payload, first_seq, (size_t)(last_seq - first_seq + 1), &stored,
                      &stored_count, err);
    if (code == ERR_OK)
        code = made_events(log, &made, &made_count, err);
    if (code == ERR_OK)
        compare_batch(log, stored, stored_count, made, made_count);
    return code;
}

/* One page; its number of rows is 0 at the end. */
static enum err_code replay_page(struct log_replay *log, struct db_conn *conn, int shard,
                                 int64_t *last_seq, int64_t *part, int *out_count, struct err *err)
{
    struct db_result *rows = NULL;
    AUTO(arena_cleanup) struct arena *arena = arena_new(PAGE_BYTES);
    call_init(&log->call, arena, "replay", PAGE_BUDGET_S * US_PER_S);
    enum err_code code = db_query(
        conn, &log->call, &replay_batches,
        DB_PARAMS(db_i64(shard), db_i64(*last_seq), db_i64(*part), db_i64(PAGE_ROWS)), &rows, err);
    if (code != ERR_OK)
        return code;
    *out_count = db_row_count(rows);
    for (int i = 0; i < *out_count && code == ERR_OK && log->report->difference.len == 0; i++) {
        *last_seq = db_get_i64(rows, i, 0);
        *part = db_get_i64(rows, i, 1);
        code = replay_row(log, rows, i, err);
    }
    return code;
}

enum err_code replay_log(struct db_conn *conn, int shard, struct replay_report *report,
                         struct err *err)
{
    struct log_replay log = {.report = report};
    int64_t last_seq = -1;
    int64_t part = 0;
    int count = 1;
    enum err_code code = ERR_OK;
    replay_init(&log.replay, NULL);
    event_packer_init(&log.packer);
    while (count > 0 && code == ERR_OK && report->difference.len == 0)
        code = replay_page(&log, conn, shard, &last_seq, &part, &count, err);
    report->loads = (int64_t)log.replay.loads;
    report->entries = (int64_t)log.replay.entries;
    event_packer_fini(&log.packer);
    replay_fini(&log.replay);
    return code;
}
