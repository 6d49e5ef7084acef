#include "svc/decide.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/lock.h"
#include "base/macros.h"
#include "bus/bus.h"
#include "jx/jx.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "rpc/client.h"
#include "rpc/pb.h"

#define RULE_SUBJECT "taskrouter.*.routing-rule.>"
#define DECIDE_PATH  "/taskrouter.routing.v1.Rules/Decide"

enum {
    DECIDER_LOCK_RANK = 650,
    PLACES =
        1024, /* workspaces remembered, by the hash of their SID: a later one takes the place */
};

#define BUDGET_US   (500 * US_PER_MS)
#define REMEMBER_US (5 * US_PER_S) /* that there are no rules */
#define DEAF_US     (1 * US_PER_S) /* the same while nobody would tell us of a change */
#define REFRESH_US  (1 * US_PER_S) /* for whoever asks again; the others go by what was */
#define AWAY_US     (1 * US_PER_S) /* nobody asks after it did not answer */

struct place {
    struct sid sid; /* none: free. A workspace without enabled rules */
    int64_t until_mono_us;
};

struct decider {
    struct rpc_client *routing;
    struct bus_subscription *changes;
    struct lock lock;
    struct place places[PLACES];
    uint64_t generation; /* of the rules: what was asked before a change is not remembered */
    int64_t away_until_mono_us;
    bool is_away;
};

static const struct metric_def asked_def = {
    .name = "taskrouter_rules_asked_total",
    .kind = METRIC_COUNTER,
    .unit = "",
    .help = "Tasks that rules were asked about: decided, unmatched, none (no rules), away (went on "
            "without), refused.",
    .labels = {"outcome"},
};

static void count(const char *outcome)
{
    metric_inc(METRIC_SERIES(metric_register(&asked_def), outcome));
}

/* ---- what is remembered ---- */

static struct place *place_of(struct decider *decider, struct str workspace_sid)
{
    return &decider->places[hash_quick(workspace_sid.ptr, workspace_sid.len) % PLACES];
}

/* Of the workspace that a subject names. */
static bool on_change(void *ctx, const struct bus_msg *msg)
{
    struct decider *decider = ctx;
    struct str subject = msg->subject;
    (void)str_split(&subject, '.');
    struct str workspace_sid = str_split(&subject, '.');
    struct place *place = place_of(decider, workspace_sid);
    lock_take(&decider->lock);
    decider->generation++;
    if (str_eq_text(workspace_sid, place->sid.text))
        *place = (struct place){.until_mono_us = 0};
    lock_drop(&decider->lock);
    return true;
}

bool decider_has_to_ask(struct decider *decider, const char *workspace_sid)
{
    struct place *place = place_of(decider, str_from(workspace_sid));
    int64_t now_us = clock_mono_us();
    lock_take(&decider->lock);
    bool has_to = strcmp(place->sid.text, workspace_sid) != 0;
    if (!has_to && place->until_mono_us <= now_us) {
        has_to = true;
        place->until_mono_us = now_us + REFRESH_US;
    }
    bool is_away = has_to && decider->away_until_mono_us > now_us;
    lock_drop(&decider->lock);
    if (is_away)
        count("away");
    return has_to && !is_away;
}

static void remember(struct decider *decider, const char *workspace_sid, bool has_rules,
                     uint64_t generation)
{
    bool is_told = decider->changes != NULL && bus_subscription_is_live(decider->changes);
    struct place *place = place_of(decider, str_from(workspace_sid));
    lock_take(&decider->lock);
    if (has_rules && strcmp(place->sid.text, workspace_sid) == 0)
        *place = (struct place){.until_mono_us = 0};
    else if (!has_rules && decider->generation == generation)
        *place = (struct place){
            .sid = sid_from(str_from(workspace_sid)),
            .until_mono_us = clock_mono_us() + (is_told ? REMEMBER_US : DEAF_US),
        };
    lock_drop(&decider->lock);
}

/* ---- whether it answers ---- */

static bool begin(struct decider *decider, uint64_t *out_generation)
{
    lock_take(&decider->lock);
    bool may_ask = decider->away_until_mono_us <= clock_mono_us();
    *out_generation = decider->generation;
    lock_drop(&decider->lock);
    return may_ask;
}

static void end(struct decider *decider, const struct call *call, const struct err *why)
{
    bool is_away = why != NULL;
    lock_take(&decider->lock);
    bool is_change = decider->is_away != is_away;
    decider->is_away = is_away;
    decider->away_until_mono_us = is_away ? clock_mono_us() + AWAY_US : 0;
    lock_drop(&decider->lock);
    if (is_change && is_away)
        LOG_WARN(call, "routing rules cannot be asked, tasks are created as without rules",
                 LOG_ERR(why));
    else if (is_change)
        LOG_INFO(call, "routing rules are asked again");
}

/* ---- asking ---- */

static bool is_text(const char *text)
{
    return text != NULL && text[0] != '\0';
}

bool decide_is_open(const Taskrouter__Tasks__V1__CreateTaskRequest *request)
{
    return !request->decided && !is_text(request->workflow_sid) &&
           !is_text(request->task_queue_sid) && !is_text(request->routing_target);
}

/* The first of the members that is there, "" when none is. */
static char *member(struct arena *arena, const json_t *attributes, const char *const *names)
{
    for (; *names != NULL; names++) {
        const char *text = jx_get_text(attributes, *names, "");
        if (text[0] != '\0')
            return arena_strdup(arena, text);
    }
    return arena_strdup(arena, "");
}

static const char *const caller_names[] = {"customer_phone", "from", "caller", NULL};
static const char *const called_names[] = {"to", "called", NULL};
static const char *const text_names[] = {"text", "body", "message", NULL};

static Taskrouter__Routing__V1__DecideRequest *
facts_of(struct arena *arena, const Taskrouter__Tasks__V1__CreateTaskRequest *task)
{
    AUTO(jx_cleanup) json_t *attributes = NULL;
    Taskrouter__Routing__V1__DecideRequest *facts =
        PB_NEW(arena, taskrouter__routing__v1__decide_request);
    /* What is no object is refused by whoever creates the task. */
    if (facts == NULL ||
        (is_text(task->attributes) &&
         jx_parse_object(str_from(task->attributes), NULL, &attributes, NULL) != ERR_OK))
        return NULL;
    facts->workspace_sid = task->workspace_sid;
    facts->attributes = is_text(task->attributes) ? task->attributes : arena_strdup(arena, "{}");
    facts->task_channel = task->task_channel;
    if (task->_priority_case != 0) {
        facts->_priority_case = TASKROUTER__ROUTING__V1__DECIDE_REQUEST___PRIORITY_PRIORITY;
        facts->priority = task->priority;
    }
    facts->caller_phone = member(arena, attributes, caller_names);
    facts->called_phone = member(arena, attributes, called_names);
    facts->text = member(arena, attributes, text_names);
    return arena_is_exhausted(arena) ? NULL : facts;
}

static void note_failure(struct decider *decider, const struct call *call, enum err_code code,
                         const struct err *err)
{
    bool is_away = code == ERR_UNAVAILABLE || code == ERR_DEADLINE_EXCEEDED;
    end(decider, call, is_away ? err : NULL);
    count(is_away ? "away" : "refused");
    if (!is_away)
        LOG_WARN(call, "routing rules could not decide, the task is created as without rules",
                 LOG_ERR(err));
}

const Taskrouter__Routing__V1__Decision *
decider_ask(struct decider *decider, struct call *call,
            const Taskrouter__Tasks__V1__CreateTaskRequest *request)
{
    Taskrouter__Routing__V1__Decision *decision = NULL;
    uint64_t generation = 0;
    struct err err = {.code = ERR_OK};
    struct call asking = *call;
    int64_t until_us = clock_mono_us() + BUDGET_US;
    Taskrouter__Routing__V1__DecideRequest *facts = facts_of(call->arena, request);
    if (facts == NULL)
        return NULL;
    if (!begin(decider, &generation)) {
        count("away");
        return NULL;
    }
    if (asking.deadline_mono_us == 0 || asking.deadline_mono_us > until_us)
        asking.deadline_mono_us = until_us;
    enum err_code code = RPC_CALL(decider->routing, &asking, DECIDE_PATH, &facts->base,
                                  taskrouter__routing__v1__decision, &decision, &err);
    if (code == ERR_UNIMPLEMENTED) /* an earlier version's routing-svc, which has no rules */
        remember(decider, request->workspace_sid, false, generation);
    if (code != ERR_OK) {
        note_failure(decider, call, code, &err);
        return NULL;
    }
    end(decider, call, NULL);
    remember(decider, request->workspace_sid, decision->has_rules, generation);
    count(!decision->has_rules ? "none" : decision->n_rules == 0 ? "unmatched" : "decided");
    return decision->has_rules ? decision : NULL;
}

/* ---- life ---- */

struct decider *decider_open(const struct decider_options *options)
{
    struct decider *decider = xcalloc(1, sizeof *decider);
    decider->routing = options->routing;
    lock_init(&decider->lock, "decider", DECIDER_LOCK_RANK);
    if (options->bus != NULL)
        decider->changes = bus_subscribe(options->bus, RULE_SUBJECT, 0, on_change, decider);
    return decider;
}

void decider_close(struct decider *decider)
{
    if (decider == NULL)
        return;
    bus_subscription_close(decider->changes);
    lock_fini(&decider->lock);
    free(decider);
}
