#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/ids.h"
#include "decide_rpc.h"
#include "decide_wire.h"
#include "drafts.h"
#include "expr/record.h"
#include "jx/jx.h"
#include "route_rpc.h"
#include "route_workers.h"
#include "routing.h"
#include "rpc/client.h"
#include "rpc/pb.h"
#include "snapshots.h"
#include "svc/check.h"
#include "svc/page.h"
#include "svc/wire.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"

enum {
    TASKS_DEFAULT = 500,
    TASKS_MAX = 5000,
    DIFFERENCES_MAX = 100,
    WORKFLOWS_MAX = 64, /* that are looked up; rules can name no more in a comparison */
    QUEUES_MAX = 64,    /* whose names are looked up */
    PAGE_BYTES = 64 << 20,
    SCRATCH_BYTES = 16 << 20,
};

typedef Taskrouter__Tasks__V1__Task wire_task;
typedef Taskrouter__Routing__V1__Destination wire_destination;

struct known_workflow {
    struct sid asked; /* zero: the only one */
    struct sid sid;
    struct workflow_doc *doc; /* NULL: it cannot be followed */
};

struct known_queue {
    struct sid sid;
    const char *name;
};

struct comparing {
    struct routing *routing;
    struct call *call;
    const struct snapshot *snapshot;
    const struct rule_set *draft;
    struct arena *scratch; /* of one task */
    struct known_workflow workflows[WORKFLOWS_MAX];
    size_t workflow_count;
    struct known_queue queues[QUEUES_MAX];
    size_t queue_count;
    Taskrouter__Routing__V1__CompareRulesResponse *reply;
};

/* Where one set sends a task. */
struct place {
    struct decision decision;
    struct sid queue;
    struct sid worker;
    struct sid workflow;
    int64_t priority;
    const char *voice; /* that ends the call; "" for none */
};

/* ---- where a task goes ---- */

static const struct known_workflow *workflow_of(struct comparing *c, struct str wanted)
{
    struct sid asked = sid_from(wanted);
    for (size_t i = 0; i < c->workflow_count; i++) {
        if (strcmp(c->workflows[i].asked.text, asked.text) == 0)
            return &c->workflows[i];
    }
    if (c->workflow_count == WORKFLOWS_MAX)
        return NULL;
    struct known_workflow *known = &c->workflows[c->workflow_count++];
    struct workflow workflow;
    struct err err = {.code = ERR_OK};
    *known = (struct known_workflow){.asked = asked};
    if (route_document(c->routing, c->call, c->snapshot->workspace_sid, asked.text,
                       c->snapshot->is_mirrored, &workflow, &known->doc, &err) != ERR_OK)
        known->doc = NULL;
    else
        known->sid = sid_from(str_from(workflow.sid));
    return known;
}

/* The first step of the workflow. */
static void follow(struct comparing *c, struct str wanted, struct place *place)
{
    const struct known_workflow *known = workflow_of(c, wanted);
    struct expr_record *record = NULL;
    struct err err = {.code = ERR_OK};
    if (known == NULL || known->doc == NULL ||
        expr_record_new(place->decision.attributes, &record, &err) != ERR_OK)
        return;
    int32_t index = workflow_doc_match(known->doc, record, 0);
    const struct workflow_filter *filter =
        index >= 0 ? &known->doc->filters[index] : &known->doc->default_filter;
    place->workflow = known->sid;
    if ((index >= 0 || known->doc->has_default) && filter->target_count > 0) {
        place->queue = sid_from(filter->targets[0].queue);
        if (!place->decision.outcome.has_priority && filter->targets[0].has_priority)
            place->priority = filter->targets[0].priority;
    }
    expr_record_free(record);
}

static const char *voice_of(const struct rule_outcome *outcome)
{
    for (size_t i = 0; i < outcome->voice_count; i++) {
        if (outcome->voice[i].type != RULE_ACTION_PLAY_MESSAGE)
            return rule_action_name(outcome->voice[i].type);
    }
    return "";
}

static enum err_code place_of(struct comparing *c, struct call *call, const struct rule_set *set,
                              const struct decide_task *task, struct place *out, struct err *err)
{
    *out = (struct place){.voice = ""};
    enum err_code code = decide(c->routing, c->snapshot, set, call, task, &out->decision, err);
    if (code != ERR_OK)
        return code;
    const struct rule_outcome *outcome = &out->decision.outcome;
    out->voice = voice_of(outcome);
    out->priority = outcome->has_priority ? outcome->priority : 0;
    if (outcome->destination == RULE_ACTION_ROUTE_TO_QUEUE)
        out->queue = sid_from(outcome->target);
    else if (outcome->destination == RULE_ACTION_ROUTE_TO_WORKER)
        out->worker = sid_from(outcome->target);
    else
        follow(c, outcome->target, out);
    return ERR_OK;
}

static bool is_elsewhere(const struct place *a, const struct place *b)
{
    return strcmp(a->queue.text, b->queue.text) != 0 ||
           strcmp(a->worker.text, b->worker.text) != 0 ||
           strcmp(a->workflow.text, b->workflow.text) != 0 || strcmp(a->voice, b->voice) != 0;
}

static bool is_otherwise(const struct place *a, const struct place *b)
{
    const struct rule_outcome *left = &a->decision.outcome;
    const struct rule_outcome *right = &b->decision.outcome;
    return a->priority != b->priority || left->has_timeout != right->has_timeout ||
           left->timeout_s != right->timeout_s ||
           !str_eq(a->decision.attributes, b->decision.attributes);
}

/* ---- differences ---- */

static const char *queue_name(struct comparing *c, const struct sid *sid)
{
    for (size_t i = 0; i < c->queue_count; i++) {
        if (strcmp(c->queues[i].sid.text, sid->text) == 0)
            return c->queues[i].name;
    }
    if (!sid_is_set(sid) || c->queue_count == QUEUES_MAX)
        return "";
    const char *name = route_queue_name(c->routing, c->call, c->snapshot->workspace_sid, sid->text);
    c->queues[c->queue_count++] =
        (struct known_queue){.sid = *sid, .name = name == NULL ? "" : name};
    return c->queues[c->queue_count - 1].name;
}

static wire_destination *destination_to_wire(struct comparing *c, const struct rule_set *set,
                                             const struct place *place)
{
    struct arena *arena = c->call->arena;
    const struct rule_outcome *outcome = &place->decision.outcome;
    wire_destination *wire = PB_NEW(arena, taskrouter__routing__v1__destination);
    char **names = ARENA_ARRAY(arena, char *, outcome->rule_count);
    if (wire == NULL || names == NULL)
        return NULL;
    for (size_t i = 0; i < outcome->rule_count; i++)
        names[i] = arena_str_dup(arena, rule_set_at(set, outcome->rules[i].rule)->name);
    wire->task_queue_sid = wire_text(arena, place->queue.text);
    wire->task_queue_name = wire_text(arena, queue_name(c, &place->queue));
    wire->worker_sid = wire_text(arena, place->worker.text);
    wire->workflow_sid = wire_text(arena, place->workflow.text);
    wire->priority = place->priority;
    wire->voice = wire_text(arena, place->voice);
    wire->rule_names = names;
    wire->n_rule_names = outcome->rule_count;
    return wire;
}

static void add_difference(struct comparing *c, const wire_task *task, const struct place *stored,
                           const struct place *draft)
{
    struct arena *arena = c->call->arena;
    if (c->reply->n_differences == DIFFERENCES_MAX)
        return;
    Taskrouter__Routing__V1__RuleDifference *wire =
        PB_NEW(arena, taskrouter__routing__v1__rule_difference);
    if (wire == NULL)
        return;
    wire->task_sid = wire_text(arena, task->sid);
    wire->date_created = wire_time(arena, wire_time_us(task->date_created));
    wire->stored = destination_to_wire(c, c->snapshot->set, stored);
    wire->draft = destination_to_wire(c, c->draft, draft);
    c->reply->differences[c->reply->n_differences++] = wire;
}

/* ---- one task after the other ---- */

/* As it came: what calls leave in the attributes stands for the call. */
static enum err_code compare_task(struct comparing *c, const wire_task *task, struct err *err)
{
    AUTO(jx_cleanup) json_t *attributes = NULL;
    struct err cause = {.code = ERR_OK};
    if (jx_parse_object(str_from(task->attributes), NULL, &attributes, &cause) != ERR_OK)
        return ERR_OK; /* not one that could have been made here */
    struct decide_task asked = {
        .attributes = str_from(task->attributes),
        .task_channel = task->task_channel_unique_name,
        .text = STR(""),
        .caller_phone = jx_get_text(attributes, "from", ""),
        .called_phone = jx_get_text(attributes, "to", ""),
        .caller = STR(""),
        .at_us = wire_time_us(task->date_created),
    };
    if (decide_task_check(&asked, &cause) != ERR_OK)
        return ERR_OK;
    struct call own = *c->call;
    struct place stored;
    struct place draft;
    own.arena = c->scratch;
    enum err_code code = place_of(c, &own, c->snapshot->set, &asked, &stored, err);
    if (code == ERR_OK)
        code = place_of(c, &own, c->draft, &asked, &draft, err);
    if (code != ERR_OK)
        return code;
    c->reply->compared++;
    if (is_elsewhere(&stored, &draft))
        c->reply->elsewhere++;
    else if (is_otherwise(&stored, &draft))
        c->reply->otherwise++;
    else
        return ERR_OK;
    add_difference(c, task, &stored, &draft);
    return arena_is_exhausted(c->call->arena) ? call_no_room(err) : ERR_OK;
}

/* *cursor: where to go on, NULL at the end; lives in the arena of the call that is compared. */
static enum err_code compare_page(struct comparing *c, int32_t size, char **cursor, struct err *err)
{
    AUTO(arena_cleanup) struct arena *arena = arena_new(PAGE_BYTES);
    struct call own = *c->call;
    own.arena = arena;
    Taskrouter__Tasks__V1__ListTasksRequest request;
    taskrouter__tasks__v1__list_tasks_request__init(&request);
    request.workspace_sid = arena_strdup(arena, c->snapshot->workspace_sid);
    request.page_size = size;
    request.cursor = *cursor;
    request.ordering = arena_strdup(arena, "DateCreated:desc");
    Taskrouter__Tasks__V1__ListTasksResponse *reply = NULL;
    enum err_code code = RPC_CALL(c->routing->host.as_service[PEER_TASKS], &own,
                                  "/taskrouter.tasks.v1.Tasks/ListTasks", &request.base,
                                  taskrouter__tasks__v1__list_tasks_response, &reply, err);
    for (size_t i = 0; code == ERR_OK && i < reply->n_items; i++) {
        code = call_check(c->call, err);
        if (code == ERR_OK)
            code = compare_task(c, reply->items[i], err);
        arena_reset(c->scratch);
    }
    if (code != ERR_OK)
        return code;
    bool is_end = reply->next_cursor[0] == '\0' || reply->n_items == 0;
    *cursor = is_end ? NULL : arena_strdup(c->call->arena, reply->next_cursor);
    return ERR_OK;
}

static enum err_code compare_all(struct comparing *c, int32_t wanted, struct err *err)
{
    char *cursor = arena_strdup(c->call->arena, "");
    enum err_code code = ERR_OK;
    int32_t left = wanted;
    while (cursor != NULL && left > 0 && code == ERR_OK) {
        int32_t size = left < PAGE_SIZE_MAX ? left : PAGE_SIZE_MAX;
        code = compare_page(c, size, &cursor, err);
        left -= size;
    }
    return code;
}

static void conclude(struct comparing *c)
{
    static const char *const notes[] = {
        "tasks are compared by their attributes as they are now, at the time they were made",
        "what the directory knew of a caller is not kept: caller.* has the phone number alone",
        "queue.* and workers.* are as they are now",
    };
    struct arena *arena = c->call->arena;
    bool uses_figures = rule_set_uses(c->snapshot->set, EXPR_SLOT_QUEUE) ||
                        rule_set_uses(c->snapshot->set, EXPR_SLOT_WORKERS) ||
                        rule_set_uses(c->draft, EXPR_SLOT_QUEUE) ||
                        rule_set_uses(c->draft, EXPR_SLOT_WORKERS);
    size_t count = uses_figures ? 3 : 2;
    c->reply->notes = ARENA_ARRAY(arena, char *, count);
    for (size_t i = 0; c->reply->notes != NULL && i < count; i++)
        c->reply->notes[c->reply->n_notes++] = wire_text(arena, notes[i]);
    c->reply->summary = arena_printf(
        arena,
        "Of the %d newest tasks %d would have gone elsewhere, %d otherwise: to the same "
        "place with another priority, timeout or other attributes.",
        (int)c->reply->compared, (int)c->reply->elsewhere, (int)c->reply->otherwise);
}

static enum err_code run(struct routing *routing, struct call *call,
                         const struct snapshot *snapshot,
                         const Taskrouter__Routing__V1__CompareRulesRequest *request,
                         Taskrouter__Routing__V1__CompareRulesResponse *reply, struct err *err)
{
    AUTO(rule_set_cleanup) struct rule_set *draft = NULL;
    AUTO(arena_cleanup) struct arena *scratch = arena_new(SCRATCH_BYTES);
    enum err_code code =
        drafts_set(routing, call, snapshot, request->drafts, request->n_drafts,
                   request->without_rule_sids, request->n_without_rule_sids, &draft, err);
    struct comparing *c = ARENA_NEW(call->arena, struct comparing);
    reply->differences =
        ARENA_ARRAY(call->arena, Taskrouter__Routing__V1__RuleDifference *, DIFFERENCES_MAX);
    if (code == ERR_OK && (c == NULL || reply->differences == NULL))
        code = call_no_room(err);
    if (code != ERR_OK)
        return code;
    *c = (struct comparing){
        .routing = routing,
        .call = call,
        .snapshot = snapshot,
        .draft = draft,
        .scratch = scratch,
        .reply = reply,
    };
    code = compare_all(c, request->task_count == 0 ? TASKS_DEFAULT : request->task_count, err);
    if (code == ERR_OK)
        conclude(c);
    for (size_t i = 0; i < c->workflow_count; i++)
        workflow_doc_free(c->workflows[i].doc);
    if (code == ERR_OK && arena_is_exhausted(call->arena))
        code = call_no_room(err);
    return code;
}

enum err_code decide_rpc_compare(void *app, struct call *call,
                                 const Taskrouter__Routing__V1__CompareRulesRequest *request,
                                 Taskrouter__Routing__V1__CompareRulesResponse **out_reply,
                                 struct err *err)
{
    struct routing *routing = app;
    struct snapshot *snapshot = NULL;
    enum err_code code = check_range("task_count", request->task_count, 0, TASKS_MAX, err);
    if (code == ERR_OK && request->n_drafts == 0 && request->n_without_rule_sids == 0)
        code = ERR_FIELD(err, ERR_INVALID_ARGUMENT, "FIELD_REQUIRED", "drafts",
                         "give drafts, or without_rule_sids: else both sides are the same");
    if (code == ERR_OK)
        code = snapshots_get(routing->snapshots, call, request->workspace_sid, &snapshot, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Routing__V1__CompareRulesResponse *reply =
        PB_NEW(call->arena, taskrouter__routing__v1__compare_rules_response);
    code = reply == NULL ? call_no_room(err) : run(routing, call, snapshot, request, reply, err);
    snapshots_release(routing->snapshots, snapshot);
    *out_reply = reply;
    return code;
}
