/*
 * Many events at once. Most are for tasks-svc alone, and mention only what is known: these go there
 * together, in one commit. The others go one by one, because somebody has to be asked first; each
 * of them makes things known, so that what comes after may again go together. A lane's events keep
 * their order: behind one that has to wait, or that failed, nothing of its lane is begun.
 */
#include <string.h>

#include "base/clock.h"
#include "ingest_int.h"
#include "rpc/client.h"
#include "rpc/pb.h"
#include "svc/wire.h"

#define APPLY_MANY "/taskrouter.tasks.v1.Mirror/ApplyMany"

enum { MANY_MAX = 256 };

#define ALONE_US     (5 * US_PER_S)          /* for one that goes alone */
#define ALONE_MIN_US (3 * US_PER_S / 2)      /* with less none is begun any more */
#define ANSWER_US    (300 * US_PER_S / 1000) /* of the caller's time, for the answer */

typedef Taskrouter__Sync__V1__WebhookOutcome wire_outcome;

struct one {
    const char *lane;
    struct event_form form;
    struct ingesting in;
    wire_outcome *outcome;
    bool is_done;  /* the outcome is complete */
    bool is_alone; /* did not go well together with others */
};

struct many {
    struct ingest *ingest;
    struct call *call;
    struct one *items;
    size_t count;
    struct map failed; /* lanes */
    struct map held;   /* lanes in which something waits for its turn */
    struct map tasks;  /* of events that go together */
};

/* ---- outcomes ---- */

/* What may be right later keeps its lane from going on. */
static void refuse(struct many *many, struct one *one, enum err_code code, const struct err *err)
{
    struct arena *arena = many->call->arena;
    one->is_done = true;
    one->outcome->tried = true;
    one->outcome->code = (int32_t)code;
    one->outcome->reason =
        wire_text(arena, err->reason != NULL ? err->reason : err_code_name(code));
    one->outcome->detail = wire_text(arena, err->detail);
    if (code != ERR_INVALID_ARGUMENT)
        (void)map_put(&many->failed, str_from(one->lane), one);
}

static void tell(struct one *one, const struct ingest_told *told)
{
    one->is_done = true;
    one->outcome->tried = true;
    one->outcome->applied = ingest_reply(&one->in, told); /* NULL: the arena is full, see below */
}

/* ---- reading ---- */

/* What is no event, or nothing of ours, has its outcome at once. */
static void read_one(struct many *many, struct one *one,
                     const Taskrouter__Sync__V1__WebhookInLane *wire, const struct one *before)
{
    struct err err;
    struct ingest_told told;
    bool is_ours = true;
    err_clear(&err);
    one->lane = wire->lane;
    one->in = (struct ingesting){.ingest = many->ingest, .call = many->call, .form = &one->form};
    if (wire->webhook == NULL) {
        (void)ERR_FIELD(&err, ERR_INVALID_ARGUMENT, "EVENT_INVALID", "webhook",
                        "there is no webhook");
        refuse(many, one, err.code, &err);
        return;
    }
    enum err_code code = event_form_read(many->call->arena, wire->webhook, &one->form, &err);
    bool is_like_before = code == ERR_OK && before != NULL && !before->is_done &&
                          strcmp(before->form.workspace_sid, one->form.workspace_sid) == 0 &&
                          strcmp(before->form.account_sid, one->form.account_sid) == 0;
    if (code == ERR_OK && !is_like_before)
        code = ingest_is_ours(&one->in, &is_ours, &told, &err);
    if (code != ERR_OK)
        refuse(many, one, code, &err);
    else if (!is_ours)
        tell(one, &told);
}

static bool read_all(struct many *many, const Taskrouter__Sync__V1__ApplyWebhooksRequest *request)
{
    const struct one *before = NULL; /* the last that is ours */
    for (size_t i = 0; i < many->count; i++) {
        struct one *one = &many->items[i];
        one->outcome = PB_NEW(many->call->arena, taskrouter__sync__v1__webhook_outcome);
        if (one->outcome == NULL)
            return false;
        read_one(many, one, request->items[i], before);
        if (!one->is_done)
            before = one;
    }
    return true;
}

/* ---- together ---- */

static bool is_held(const struct many *many, const struct one *one)
{
    return map_get(&many->failed, str_from(one->lane)) != NULL ||
           map_get(&many->held, str_from(one->lane)) != NULL;
}

static bool is_together(const struct many *many, struct one *one, const char *workspace_sid)
{
    return !one->is_alone && ingest_needs_nobody(&one->in, &many->tasks) &&
           (workspace_sid == NULL || strcmp(workspace_sid, one->form.workspace_sid) == 0);
}

/* Those that can go now, of one workspace. */
static size_t gather(struct many *many, struct one **out)
{
    size_t count = 0;
    map_clear(&many->held);
    map_clear(&many->tasks);
    for (size_t i = 0; i < many->count; i++) {
        struct one *one = &many->items[i];
        if (one->is_done || is_held(many, one))
            continue;
        if (!is_together(many, one, count == 0 ? NULL : out[0]->form.workspace_sid)) {
            (void)map_put(&many->held, str_from(one->lane), one);
            continue;
        }
        const char *task = event_param(&one->form, "TaskSid");
        if (task[0] != '\0')
            (void)map_put(&many->tasks, str_from(task), one);
        out[count++] = one;
    }
    return count;
}

static void outcome_take(struct many *many, struct one *one,
                         const Taskrouter__Tasks__V1__ApplyOutcome *outcome)
{
    struct ingest_told told;
    struct err err;
    err_clear(&err);
    if (outcome->results != NULL) {
        ingest_applied(&one->in, outcome->results, &told);
        tell(one, &told);
        return;
    }
    (void)ERR_SET(&err, (enum err_code)outcome->code, NULL, "%s", outcome->detail);
    err.reason = outcome->reason;
    refuse(many, one, err.code, &err);
}

static enum err_code send(struct many *many, struct one *const *items, size_t count,
                          struct err *err)
{
    struct arena *arena = many->call->arena;
    Taskrouter__Tasks__V1__ApplyManyRequest *request =
        PB_NEW(arena, taskrouter__tasks__v1__apply_many_request);
    Taskrouter__Tasks__V1__ApplyRequest **wire =
        ARENA_ARRAY(arena, Taskrouter__Tasks__V1__ApplyRequest *, count);
    Taskrouter__Tasks__V1__ApplyManyResponse *reply = NULL;
    enum err_code code = request == NULL || wire == NULL ? call_no_room(err) : ERR_OK;
    for (size_t i = 0; i < count && code == ERR_OK; i++)
        code = ingest_apply_request(&items[i]->in, &wire[i], err);
    if (code != ERR_OK)
        return code;
    request->workspace_sid = wire_text(arena, items[0]->form.workspace_sid);
    request->items = wire;
    request->n_items = count;
    code = RPC_CALL(many->ingest->options.host->as_service[PEER_TASKS], many->call, APPLY_MANY,
                    &request->base, taskrouter__tasks__v1__apply_many_response, &reply, err);
    if (code == ERR_OK && reply->n_items != count)
        code = ERR_SET(err, ERR_INTERNAL, "BAD_REPLY", "tasks-svc answered %zu of %zu events",
                       reply->n_items, count);
    for (size_t i = 0; i < count && code == ERR_OK; i++)
        outcome_take(many, items[i], reply->items[i]);
    return code;
}

/* Whether one of them may be the reason, so that the others shall not suffer for it. */
static bool is_fault_of_one(enum err_code code, const struct err *err)
{
    if (err->reason != NULL && strcmp(err->reason, "COMMIT_FAILED") == 0)
        return true;
    return code != ERR_UNAVAILABLE && code != ERR_DEADLINE_EXCEEDED;
}

static void go_together(struct many *many, struct one *const *items, size_t count)
{
    struct err err;
    err_clear(&err);
    enum err_code code = send(many, items, count, &err);
    for (size_t i = 0; i < count && code != ERR_OK; i++) {
        if (is_fault_of_one(code, &err))
            items[i]->is_alone = true;
        else
            refuse(many, items[i], code, &err);
    }
}

/* ---- alone ---- */

static void go_alone(struct many *many, struct one *one)
{
    struct call *call = many->call;
    int64_t whole_us = call->deadline_mono_us;
    int64_t mine_us = clock_mono_us() + ALONE_US;
    struct ingest_told told;
    struct err err;
    err_clear(&err);
    call->deadline_mono_us = mine_us < whole_us - ANSWER_US ? mine_us : whole_us - ANSWER_US;
    enum err_code code = ingest_act(&one->in, &told, &err);
    call->deadline_mono_us = whole_us;
    if (code == ERR_OK)
        tell(one, &told);
    else
        refuse(many, one, code, &err);
}

/* The first that somebody has to be asked for. */
static struct one *first_alone(struct many *many)
{
    for (size_t i = 0; i < many->count; i++) {
        struct one *one = &many->items[i];
        if (!one->is_done && map_get(&many->failed, str_from(one->lane)) == NULL)
            return one;
    }
    return NULL;
}

static void apply_all(struct many *many, struct one **room)
{
    for (;;) {
        for (size_t count = gather(many, room); count > 0; count = gather(many, room))
            go_together(many, room, count);
        struct one *one = first_alone(many);
        if (one == NULL || call_left_us(many->call) < ALONE_MIN_US)
            return;
        go_alone(many, one);
    }
}

/* ---- the call ---- */

static enum err_code answer(const struct many *many,
                            Taskrouter__Sync__V1__ApplyWebhooksResponse **out_reply,
                            struct err *err)
{
    struct arena *arena = many->call->arena;
    Taskrouter__Sync__V1__ApplyWebhooksResponse *reply =
        PB_NEW(arena, taskrouter__sync__v1__apply_webhooks_response);
    wire_outcome **items = ARENA_ARRAY(arena, wire_outcome *, many->count);
    if (reply == NULL || items == NULL || arena_is_exhausted(arena))
        return call_no_room(err); /* what was applied changes nothing the next time */
    for (size_t i = 0; i < many->count; i++)
        items[i] = many->items[i].outcome;
    reply->items = items;
    reply->n_items = many->count;
    *out_reply = reply;
    return ERR_OK;
}

enum err_code ingest_apply_many(struct ingest *ingest, struct call *call,
                                const Taskrouter__Sync__V1__ApplyWebhooksRequest *request,
                                Taskrouter__Sync__V1__ApplyWebhooksResponse **out_reply,
                                struct err *err)
{
    if (request->n_items == 0 || request->n_items > MANY_MAX)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "INVALID_COUNT", "items",
                         "there must be 1 to %d items", MANY_MAX);
    struct many many = {
        .ingest = ingest,
        .call = call,
        .items = ARENA_ARRAY(call->arena, struct one, request->n_items),
        .count = request->n_items,
    };
    struct one **room = ARENA_ARRAY(call->arena, struct one *, request->n_items);
    if (many.items == NULL || room == NULL)
        return call_no_room(err);
    map_init(&many.failed);
    map_init(&many.held);
    map_init(&many.tasks);
    bool has_room = read_all(&many, request);
    if (has_room)
        apply_all(&many, room);
    map_fini(&many.failed);
    map_fini(&many.held);
    map_fini(&many.tasks);
    return has_room ? answer(&many, out_reply, err) : call_no_room(err);
}
