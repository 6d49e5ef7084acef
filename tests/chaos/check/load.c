/* From lines to records. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "check_int.h"
#include "jx/jx.h"

enum { LINE_MAX_BYTES = 64 * 1024 };

void vec_add(struct vec *vec, void *item)
{
    if (vec->count == vec->capacity) {
        vec->capacity = vec->capacity == 0 ? 16 : vec->capacity * 2;
        vec->items = xrealloc((void *)vec->items, vec->capacity, sizeof(void *));
    }
    vec->items[vec->count++] = item;
}

void vec_fini(struct vec *vec)
{
    free((void *)vec->items);
    *vec = (struct vec){0};
}

bool is_same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

bool is_own(const struct event_rec *event)
{
    return is_same(event->src, TASKS_SOURCE);
}

static const struct method_row method_rows[] = {
    {"CreateTask",          "task.created",          true },
    {"UpdateTask",          "task.updated",          true },
    {"DeleteTask",          "task.deleted",          true },
    {"CancelTask",          "task.canceled",         true },
    {"WrapUpTask",          "task.wrapup",           true },
    {"CompleteTask",        "task.completed",        true },
    {"AcceptReservation",   "reservation.accepted",  false},
    {"RejectReservation",   "reservation.rejected",  false},
    {"WrapUpReservation",   "reservation.wrapup",    false},
    {"CompleteReservation", "reservation.completed", false},
};

const struct method_row *method_row(const char *method)
{
    for (size_t i = 0; i < ARRAY_LEN(method_rows); i++) {
        if (is_same(method_rows[i].method, method))
            return &method_rows[i];
    }
    return NULL;
}

struct thing *thing_of(struct checker *checker, const char *sid)
{
    return map_get(&checker->things, str_from(sid));
}

/* ---- members ---- */

static const char *text_of(struct checker *checker, const json_t *line, const char *key)
{
    const char *text = jx_get_text(line, key, "");
    return text[0] == '\0' ? "" : arena_strdup(checker->arena, text);
}

/* Within bounds that leave room for sums: the file may hold anything. */
static int64_t number_of(const json_t *line, const char *key)
{
    int64_t value = jx_get_i64(line, key, 0);
    return value < 0 || value > INT64_MAX / 4 ? 0 : value;
}

static int64_t time_of(const json_t *line)
{
    return number_of(line, "t");
}

/* ---- kinds of lines ---- */

static void load_meta(struct checker *checker, const json_t *line, size_t number)
{
    if (jx_get_i64(line, "format", 0) != 1)
        blame(checker, number, 0, "the history has a format that this checker does not know");
    checker->has_meta = true;
}

static const char *id_of(struct checker *checker, const json_t *line)
{
    return arena_printf(checker->arena, "%lld", (long long)jx_get_i64(line, "id", 0));
}

static void load_call(struct checker *checker, const json_t *line, size_t number)
{
    struct call_rec *call = ARENA_NEW(checker->arena, struct call_rec);
    const char *id = id_of(checker, line);
    *call = (struct call_rec){
        .line = number,
        .begun_us = time_of(line),
        .ended_us = INT64_MAX,
        .method = text_of(checker, line, "m"),
        .rid = text_of(checker, line, "rid"),
        .key = text_of(checker, line, "key"),
        .subject = text_of(checker, line, "on"),
        .sid = "",
        .status = "",
        .task = "",
        .worker = "",
    };
    if (map_put(&checker->calls_by_id, str_from(id), call) != NULL)
        blame(checker, number, 0, "call %s begins twice", id);
    if (call->rid[0] != '\0')
        (void)map_put(&checker->calls_by_rid, str_from(call->rid), call);
    vec_add(&checker->calls, call);
}

static void load_end(struct checker *checker, const json_t *line, size_t number,
                     enum outcome outcome)
{
    const char *id = id_of(checker, line);
    struct call_rec *call = map_get(&checker->calls_by_id, str_from(id));
    if (call == NULL || call->outcome != OUTCOME_OPEN) {
        blame(checker, number, call == NULL ? 0 : call->line, "call %s ends %s", id,
              call == NULL ? "without having begun" : "twice");
        return;
    }
    vec_add(&checker->ends, call);
    call->outcome = outcome;
    call->end_line = number;
    if (outcome != OUTCOME_UNKNOWN)
        call->ended_us = time_of(line);
    call->sid = text_of(checker, line, "sid");
    call->status = text_of(checker, line, "st");
    call->task = text_of(checker, line, "task");
    call->worker = text_of(checker, line, "worker");
    call->version = number_of(line, "v");
}

static struct event_rec *load_event(struct checker *checker, const json_t *line, size_t number)
{
    struct event_rec *event = ARENA_NEW(checker->arena, struct event_rec);
    *event = (struct event_rec){
        .line = number,
        .t_us = time_of(line),
        .q = number_of(line, "q"),
        .v = number_of(line, "v"),
        .tv = number_of(line, "tv"),
        .wv = number_of(line, "wv"),
        .cap = number_of(line, "cap"),
        .at_us = number_of(line, "at"),
        .n = number_of(line, "n"),
        .h = jx_get_i64(line, "h", 0),
        .sid = text_of(checker, line, "sid"),
        .type = text_of(checker, line, "e"),
        .r = text_of(checker, line, "r"),
        .src = text_of(checker, line, "src"),
        .rid = text_of(checker, line, "rid"),
        .task = text_of(checker, line, "task"),
        .status = text_of(checker, line, "st"),
        .channel = text_of(checker, line, "ch"),
        .res = text_of(checker, line, "res"),
        .res_status = text_of(checker, line, "rst"),
        .worker = text_of(checker, line, "worker"),
        .key = text_of(checker, line, "key"),
        .is_bad = jx_get_bool(line, "bad", false),
        .has_cap = jx_get(line, "cap") != NULL,
    };
    if (event->is_bad)
        blame(checker, number, 0, "an event that cannot be read");
    return event;
}

static void load_log(struct checker *checker, const json_t *line, size_t number)
{
    struct event_rec *event = load_event(checker, line, number);
    vec_add(&checker->log, event);
    if (map_get(&checker->log_by_sid, str_from(event->sid)) == NULL)
        (void)map_put(&checker->log_by_sid, str_from(event->sid), event);
}

static const char *sequence_key(struct checker *checker, int64_t sequence)
{
    return arena_printf(checker->arena, "%lld", (long long)sequence);
}

static void load_other(struct checker *checker, const json_t *line, size_t number)
{
    struct event_rec *event = load_event(checker, line, number);
    const char *key = sequence_key(checker, event->q);
    if (map_put(&checker->others, str_from(key), event) != NULL)
        blame(checker, number, 0, "two workspaces have sequence %s", key);
}

int64_t next_sequence(struct checker *checker, int64_t after)
{
    do
        after++;
    while (checker->others.count > 0 &&
           map_get(&checker->others, str_from(sequence_key(checker, after))) != NULL);
    return after;
}

static void load_watch(struct checker *checker, const json_t *line, size_t number)
{
    vec_add(&checker->watch, load_event(checker, line, number));
}

static void load_resume(struct checker *checker, const json_t *line, size_t number)
{
    struct event_rec *event = load_event(checker, line, number);
    event->is_resume = true;
    vec_add(&checker->watch, event);
}

static void load_bus(struct checker *checker, const json_t *line, size_t number)
{
    bool is_live = is_same(jx_get_text(line, "c", ""), "live");
    vec_add(is_live ? &checker->live : &checker->durable, load_event(checker, line, number));
}

static void load_left(struct checker *checker, const json_t *line, size_t number)
{
    struct left_rec *left = ARENA_NEW(checker->arena, struct left_rec);
    *left = (struct left_rec){
        .line = number,
        .sid = text_of(checker, line, "sid"),
        .status = text_of(checker, line, "st"),
        .task = text_of(checker, line, "task"),
        .version = number_of(line, "v"),
        .is_gone = jx_get_bool(line, "gone", false),
    };
    vec_add(&checker->left, left);
}

static void load_phase(struct checker *checker, const json_t *line, size_t number)
{
    const char *is = jx_get_text(line, "is", "");
    if (is_same(is, "load"))
        checker->load_us = time_of(line);
    else if (is_same(is, "heal"))
        checker->heal_us = time_of(line);
    else if (is_same(is, "end"))
        checker->is_complete = true;
    else if (is_same(is, "drained") || is_same(is, "stranded")) {
        checker->is_drained = is_same(is, "drained");
        checker->drain_line = number;
    }
}

static struct note *note_of(struct checker *checker, const json_t *line, size_t number,
                            const char *key)
{
    struct note *note = ARENA_NEW(checker->arena, struct note);
    *note = (struct note){number, time_of(line), text_of(checker, line, key),
                          text_of(checker, line, "who")};
    return note;
}

static void load_fault(struct checker *checker, const json_t *line, size_t number)
{
    vec_add(&checker->faults, note_of(checker, line, number, "is"));
}

static void load_death(struct checker *checker, const json_t *line, size_t number)
{
    vec_add(&checker->deaths, note_of(checker, line, number, "why"));
}

static void load_ok(struct checker *checker, const json_t *line, size_t number)
{
    load_end(checker, line, number, OUTCOME_OK);
}

static void load_refused(struct checker *checker, const json_t *line, size_t number)
{
    load_end(checker, line, number, OUTCOME_REFUSED);
}

static void load_unknown(struct checker *checker, const json_t *line, size_t number)
{
    load_end(checker, line, number, OUTCOME_UNKNOWN);
}

static const struct {
    const char *kind;
    void (*load)(struct checker *checker, const json_t *line, size_t number);
} kinds[] = {
    {"meta",    load_meta   },
    {"call",    load_call   },
    {"ok",      load_ok     },
    {"refused", load_refused},
    {"unknown", load_unknown},
    {"log",     load_log    },
    {"other",   load_other  },
    {"watch",   load_watch  },
    {"resume",  load_resume },
    {"bus",     load_bus    },
    {"task",    load_left   },
    {"res",     load_left   },
    {"phase",   load_phase  },
    {"fault",   load_fault  },
    {"died",    load_death  },
};

static void load_line(struct checker *checker, size_t number)
{
    AUTO(jx_cleanup) json_t *line = NULL;
    struct jx_limits limits = {.max_bytes = LINE_MAX_BYTES};
    struct str text = checker->lines[number];
    if (text.len == 0)
        return;
    if (jx_parse_object(text, &limits, &line, NULL) != ERR_OK) {
        /* A recorder that was killed leaves at most its last line unfinished. */
        if (number != checker->line_count)
            blame(checker, number, 0, "a line that cannot be read");
        return;
    }
    const char *kind = jx_get_text(line, "k", "");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (is_same(kinds[i].kind, kind)) {
            kinds[i].load(checker, line, number);
            return;
        }
    }
    blame(checker, number, 0, "a line of a kind that is not known");
}

static void split_lines(struct checker *checker)
{
    struct str rest = checker->text;
    size_t count = 1;
    for (size_t i = 0; i < rest.len; i++)
        count += rest.ptr[i] == '\n' ? 1 : 0;
    checker->lines = xcalloc(count + 1, sizeof *checker->lines);
    while (rest.ptr != NULL)
        checker->lines[++checker->line_count] = str_split(&rest, '\n');
    if (checker->line_count > 1 && checker->lines[checker->line_count].len == 0)
        checker->line_count--;
}

/* ---- tying together ---- */

static struct thing *thing_new(struct checker *checker, const struct event_rec *created,
                               bool is_task)
{
    struct thing *thing = ARENA_NEW(checker->arena, struct thing);
    *thing = (struct thing){
        .sid = created->r,
        .is_task = is_task,
        .status = "",
        .created = created,
        .task = created->task,
        .slot = arena_printf(checker->arena, "%s %s", created->worker, created->channel),
    };
    (void)map_put(&checker->things, str_from(thing->sid), thing);
    return thing;
}

static void find_things(struct checker *checker)
{
    for (size_t i = 0; i < checker->log.count; i++) {
        const struct event_rec *event = checker->log.items[i];
        bool is_task = is_same(event->type, "task.created");
        if ((is_task || is_same(event->type, "reservation.created")) &&
            thing_of(checker, event->r) == NULL)
            (void)thing_new(checker, event, is_task);
    }
    for (size_t i = 0; i < checker->left.count; i++) {
        const struct left_rec *left = checker->left.items[i];
        struct thing *thing = thing_of(checker, left->sid);
        if (thing != NULL)
            thing->left = left;
    }
}

static void find_effects(struct checker *checker)
{
    for (size_t i = 0; i < checker->log.count; i++) {
        const struct event_rec *event = checker->log.items[i];
        struct call_rec *call = map_get(&checker->calls_by_rid, str_from(event->rid));
        const struct method_row *row = call == NULL ? NULL : method_row(call->method);
        if (row == NULL || !is_same(row->event, event->type))
            continue;
        if (call->effect == NULL)
            call->effect = event;
        else
            call->second = event;
    }
}

static void op_add(struct op_rec *op, struct call_rec *call)
{
    vec_add(&op->calls, call);
    if (call->begun_us < op->begun_us)
        op->begun_us = call->begun_us;
    if (op->effect == NULL)
        op->effect = call->effect;
    if (call->outcome == OUTCOME_OK && call->ended_us < op->ended_us) {
        op->ended_us = call->ended_us;
        op->ok = call;
    }
}

static void find_ops(struct checker *checker)
{
    struct map by_key;
    map_init(&by_key);
    for (size_t i = 0; i < checker->calls.count; i++) {
        struct call_rec *call = checker->calls.items[i];
        const struct method_row *row = method_row(call->method);
        if (row == NULL)
            continue;
        const char *key = call->key[0] == '\0'
                              ? ""
                              : arena_printf(checker->arena, "%s %s", call->method, call->key);
        struct op_rec *op = key[0] == '\0' ? NULL : map_get(&by_key, str_from(key));
        if (op == NULL) {
            op = ARENA_NEW(checker->arena, struct op_rec);
            *op = (struct op_rec){.row = row, .begun_us = INT64_MAX, .ended_us = INT64_MAX};
            vec_add(&checker->ops, op);
            if (key[0] != '\0')
                (void)map_put(&by_key, str_from(key), op);
        }
        op_add(op, call);
    }
    map_fini(&by_key);
}

/* By task: what was done to it, and what was read of it. */
static void find_owners(struct checker *checker)
{
    for (size_t i = 0; i < checker->ops.count; i++) {
        struct op_rec *op = checker->ops.items[i];
        struct thing *task = op->effect == NULL ? NULL : thing_of(checker, op->effect->task);
        if (task != NULL)
            vec_add(&task->ops, op);
    }
    for (size_t i = 0; i < checker->calls.count; i++) {
        struct call_rec *call = checker->calls.items[i];
        struct thing *task = is_same(call->method, "GetTask") && call->outcome == OUTCOME_OK
                                 ? thing_of(checker, call->sid)
                                 : NULL;
        if (task != NULL)
            vec_add(&task->reads, call);
    }
}

void history_load(struct checker *checker)
{
    split_lines(checker);
    for (size_t number = 1; number <= checker->line_count; number++)
        load_line(checker, number);
    if (!checker->has_meta)
        blame(checker, 1, 0, "this is not a history: it has no line of kind meta");
    find_things(checker);
    find_effects(checker);
    find_ops(checker);
    find_owners(checker);
}
