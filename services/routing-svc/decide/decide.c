#include "decide.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "expr/record.h"
#include "figures.h"
#include "jx/jx.h"
#include "jx/writer.h"
#include "routing.h"
#include "rpc/client.h"
#include "taskrouter/workers/v1/workers.pb-c.h"

enum {
    CALLER_MAX = 16384, /* characters; so is the next */
    PHONE_MAX = 64,
    FACTS_BYTES = 256 << 10,
};

/* ---- what may be asked ---- */

static enum err_code check_phone(const char *field, const char *text, struct err *err)
{
    size_t chars = str_utf8_count(str_from(text));
    if (chars <= PHONE_MAX)
        return ERR_OK;
    return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_LONG", field,
                     "%s has %zu characters; it may have at most %d", field, chars, PHONE_MAX);
}

enum err_code decide_task_check(const struct decide_task *task, struct err *err)
{
    enum err_code code = ERR_OK;
    if (task->attributes.len > 0)
        code = jx_check_object_text(task->attributes, DECIDE_ATTRIBUTES_MAX, "attributes", err);
    if (code == ERR_OK && task->caller.len > 0)
        code = jx_check_object_text(task->caller, CALLER_MAX, "caller", err);
    if (code == ERR_OK)
        code = check_phone("caller_phone", task->caller_phone, err);
    if (code == ERR_OK)
        code = check_phone("called_phone", task->called_phone, err);
    if (code == ERR_OK)
        code = check_phone("task_channel", task->task_channel, err);
    size_t chars = code == ERR_OK ? str_utf8_count(task->text) : 0;
    if (chars > KEYWORD_MAX_TEXT_CHARS)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TOO_LONG", "text",
                         "text has %zu characters; it may have at most %d", chars,
                         KEYWORD_MAX_TEXT_CHARS);
    return code;
}

/* ---- facts ---- */

/* Of one decision. */
struct asking {
    struct routing *routing;
    const struct snapshot *snapshot;
    const struct rule_set *set;
    struct call *call;
    struct decision *out;
    int64_t until_mono_us; /* for figures */
    bool has_asked;
};

static void note(struct decision *decision, const char *text)
{
    for (size_t i = 0; i < decision->note_count; i++) {
        if (strcmp(decision->notes[i], text) == 0)
            return;
    }
    if (decision->note_count < ARRAY_LEN(decision->notes))
        decision->notes[decision->note_count++] = text;
}

/* queue.* and workers.*: the only facts that are fetched, and only when a condition gets there. */
static bool resolve(void *ctx, size_t rule, enum expr_slot slot, struct str name,
                    struct expr_value *out_value)
{
    struct asking *asking = ctx;
    if (slot != EXPR_SLOT_QUEUE && slot != EXPR_SLOT_WORKERS)
        return false;
    if (!asking->has_asked) {
        asking->has_asked = true;
        asking->until_mono_us = clock_mono_us() + FIGURES_BUDGET_MS * US_PER_MS;
    }
    struct sid queue = sid_from(rule_set_queue_of(asking->set, rule));
    struct figure_set set =
        figures_get(asking->routing->figures, asking->call, asking->snapshot->workspace_sid,
                    queue.text, asking->until_mono_us);
    if (!set.is_known) {
        note(asking->out, "tasks-svc did not say in time how queues and workers are; queue.* and "
                          "workers.* counted as null");
        return false;
    }
    int64_t value = 0;
    if (slot == EXPR_SLOT_QUEUE && str_eq_text(name, "waiting"))
        value = set.waiting;
    else if (slot == EXPR_SLOT_QUEUE && str_eq_text(name, "longest_wait"))
        value = set.longest_wait_s;
    else if (slot == EXPR_SLOT_WORKERS && str_eq_text(name, "available"))
        value = set.workers_available;
    else if (slot == EXPR_SLOT_WORKERS && str_eq_text(name, "total"))
        value = set.workers_total;
    else
        return false;
    *out_value = expr_value_i64(value);
    return true;
}

/* A record that ends with the call. */
static enum err_code record_of(struct call *call, struct str json, const struct expr_record **out,
                               struct err *err)
{
    struct expr_record *record = NULL;
    enum err_code code = expr_record_new(json, &record, err);
    if (code != ERR_OK)
        return code;
    arena_defer(call->arena, (void (*)(void *))expr_record_free, record);
    *out = record;
    return ERR_OK;
}

static enum err_code fact_record(struct call *call, struct jx_writer *w, const struct buf *json,
                                 const struct expr_record **out, struct err *err)
{
    jx_object_end(w);
    enum err_code code = jx_writer_finish(w, err);
    return code == ERR_OK ? record_of(call, buf_str(json), out, err) : code;
}

static void begin(struct jx_writer *w, struct buf *json)
{
    buf_clear(json);
    jx_writer_init(w, json);
    jx_object_begin(w);
}

static enum err_code task_facts(struct call *call, const struct decide_task *task,
                                const struct decision *decision, struct buf *json,
                                struct rule_facts *facts, struct err *err)
{
    struct jx_writer w;
    begin(&w, json);
    jx_put_text(&w, "channel", task->task_channel[0] == '\0' ? "default" : task->task_channel);
    if (task->has_priority)
        jx_put_i64(&w, "priority", task->priority);
    enum err_code code = fact_record(call, &w, json, &facts->records[EXPR_SLOT_TASK_INFO], err);
    return code == ERR_OK
               ? record_of(call, decision->attributes, &facts->records[EXPR_SLOT_TASK], err)
               : code;
}

static enum err_code phone_facts(struct call *call, const struct decide_task *task,
                                 struct buf *json, struct rule_facts *facts, struct err *err)
{
    AUTO(buf_fini) struct buf caller = {0};
    struct jx_writer w;
    buf_init(&caller, FACTS_BYTES);
    begin(&w, json);
    if (task->caller_phone[0] != '\0')
        jx_put_text(&w, "phone", task->caller_phone);
    jx_object_end(&w);
    enum err_code code = jx_writer_finish(&w, err);
    if (code == ERR_OK)
        code = rule_attributes_merge(task->caller, buf_str(json), true, &caller, err);
    if (code == ERR_OK)
        code = record_of(call, buf_str(&caller), &facts->records[EXPR_SLOT_CALLER], err);
    if (code != ERR_OK)
        return code;
    begin(&w, json);
    if (task->called_phone[0] != '\0')
        jx_put_text(&w, "phone", task->called_phone);
    return fact_record(call, &w, json, &facts->records[EXPR_SLOT_LINE], err);
}

static enum err_code time_facts(struct call *call, const struct snapshot *snapshot,
                                const struct decide_task *task, struct buf *json,
                                struct rule_facts *facts, struct decision *decision,
                                struct err *err)
{
    decision->schedule = snapshot_schedule(snapshot, task->called_phone);
    hours_at(decision->schedule->compiled, task->at_us, &decision->hours);
    const struct hours_local *local = &decision->hours.local;
    struct expr_record *time = rule_time_record(&(struct rule_moment){
        .year = local->year,
        .month = local->month,
        .day = local->day,
        .hour = local->hour,
        .minute = local->minute,
        .weekday = local->weekday,
    });
    arena_defer(call->arena, (void (*)(void *))expr_record_free, time);
    facts->records[EXPR_SLOT_TIME] = time;
    struct jx_writer w;
    begin(&w, json);
    jx_put_bool(&w, "open", decision->hours.is_open);
    jx_put_bool(&w, "holiday", decision->hours.is_holiday);
    jx_put_text(&w, "holiday_name", decision->hours.holiday_name);
    return fact_record(call, &w, json, &facts->records[EXPR_SLOT_HOURS], err);
}

static enum err_code gather(struct asking *asking, const struct decide_task *task,
                            struct rule_facts *facts, struct err *err)
{
    AUTO(buf_fini) struct buf json = {0};
    struct call *call = asking->call;
    buf_init(&json, FACTS_BYTES);
    *facts = (struct rule_facts){.now_us = task->at_us, .resolve = resolve, .resolve_ctx = asking};
    enum err_code code = task_facts(call, task, asking->out, &json, facts, err);
    if (code == ERR_OK)
        code = phone_facts(call, task, &json, facts, err);
    if (code == ERR_OK)
        code = time_facts(call, asking->snapshot, task, &json, facts, asking->out, err);
    return code;
}

/* ---- attributes ---- */

static bool fits(struct str attributes)
{
    return str_utf8_count(attributes) <= DECIDE_ATTRIBUTES_MAX;
}

static enum err_code add_keywords(struct call *call, const struct snapshot *snapshot,
                                  const struct decide_task *task, struct decision *out,
                                  struct err *err)
{
    out->attributes = task->attributes.len == 0 ? STR("{}") : task->attributes;
    out->keywords = (struct keyword_result){.match_count = 0};
    if (task->text.len == 0)
        return ERR_OK;
    AUTO(buf_fini) struct buf merged = {0};
    buf_init(&merged, FACTS_BYTES);
    enum err_code code =
        keyword_set_detect(snapshot->keywords, task->text, call->arena, &out->keywords, err);
    if (code == ERR_OK)
        code = keyword_result_merge(&out->keywords, out->attributes, &merged, err);
    if (code != ERR_OK)
        return code;
    if (!fits(buf_str(&merged))) {
        note(out, "with the keywords that were found the attributes would be too long; they are "
                  "not in them");
        return ERR_OK;
    }
    out->attributes = arena_str(call->arena, buf_str(&merged));
    return out->attributes.ptr == NULL ? call_no_room(err) : ERR_OK;
}

/* A task with too long attributes could not be made at all. */
static enum err_code add_attributes(struct call *call, struct decision *out, struct err *err)
{
    if (out->outcome.attributes.len == 0)
        return ERR_OK;
    AUTO(buf_fini) struct buf merged = {0};
    buf_init(&merged, FACTS_BYTES);
    enum err_code code =
        rule_attributes_merge(out->attributes, out->outcome.attributes, true, &merged, err);
    if (code != ERR_OK)
        return code;
    if (!fits(buf_str(&merged))) {
        note(out, "with what the rules add the attributes would be too long; nothing was added");
        return ERR_OK;
    }
    out->attributes = arena_str(call->arena, buf_str(&merged));
    return out->attributes.ptr == NULL ? call_no_room(err) : ERR_OK;
}

/* ---- the decision ---- */

static enum err_code run(struct routing *routing, const struct snapshot *snapshot,
                         const struct rule_set *set, struct call *call,
                         const struct decide_task *task, bool is_traced, struct decision *out,
                         struct err *err)
{
    struct asking asking = {
        .routing = routing, .snapshot = snapshot, .set = set, .call = call, .out = out};
    struct rule_facts facts;
    struct rule_trace *rows = NULL;
    *out = (struct decision){.note_count = 0};
    enum err_code code = add_keywords(call, snapshot, task, out, err);
    if (code == ERR_OK)
        code = gather(&asking, task, &facts, err);
    if (code == ERR_OK && is_traced)
        code =
            rule_set_trace(set, &facts, call->arena, &out->outcome, &rows, &out->trace_count, err);
    else if (code == ERR_OK)
        code = rule_set_decide(set, &facts, call->arena, &out->outcome, err);
    if (code != ERR_OK)
        return code;
    out->trace = rows;
    if (snapshot_is_gone(snapshot, out->outcome.target)) {
        note(out, "the queue that a rule chose is gone; the task goes as if none had chosen one");
        out->outcome.destination = RULE_ACTION_NONE;
        out->outcome.target = STR("");
    }
    return add_attributes(call, out, err);
}

enum err_code decide(struct routing *routing, const struct snapshot *snapshot,
                     const struct rule_set *set, struct call *call, const struct decide_task *task,
                     struct decision *out, struct err *err)
{
    return run(routing, snapshot, set, call, task, false, out, err);
}

enum err_code decide_trace(struct routing *routing, const struct snapshot *snapshot,
                           const struct rule_set *set, struct call *call,
                           const struct decide_task *task, struct decision *out, struct err *err)
{
    return run(routing, snapshot, set, call, task, true, out, err);
}

void decide_check_worker(struct routing *routing, const struct call *call,
                         const struct snapshot *snapshot, struct decision *decision)
{
    if (decision->outcome.destination != RULE_ACTION_ROUTE_TO_WORKER)
        return;
    struct call own = *call;
    int64_t until_us = clock_mono_us() + (int64_t)FIGURES_BUDGET_MS * US_PER_MS;
    if (own.deadline_mono_us == 0 || own.deadline_mono_us > until_us)
        own.deadline_mono_us = until_us;
    Taskrouter__Workers__V1__GetWorkerRequest request;
    taskrouter__workers__v1__get_worker_request__init(&request);
    request.workspace_sid = arena_strdup(call->arena, snapshot->workspace_sid);
    request.sid = arena_str_dup(call->arena, decision->outcome.target);
    Taskrouter__Workers__V1__Worker *worker = NULL;
    struct err err = {.code = ERR_OK};
    if (arena_is_exhausted(call->arena) ||
        RPC_CALL(routing->host.as_service[PEER_WORKERS], &own,
                 "/taskrouter.workers.v1.Workers/GetWorker", &request.base,
                 taskrouter__workers__v1__worker, &worker, &err) != ERR_NOT_FOUND)
        return;
    note(decision, "the worker whom a rule chose is gone; the task goes as if none had chosen one");
    decision->outcome.destination = RULE_ACTION_NONE;
    decision->outcome.target = STR("");
}
