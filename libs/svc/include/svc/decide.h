/*
 * What a workspace's rules make of a task that is created without naming a workflow, a queue or a
 * target: asked of routing-svc (Rules.Decide) within half a second, and laid over the request.
 * Where no rule is enabled, which is remembered for a few seconds and forgotten when a rule
 * changes, nothing is asked. When routing-svc cannot answer, tasks go on as without rules; that is
 * counted and logged. Threads: any, for all of it.
 *
 * Actions of rules that only a call can carry out (voicemail, a message, a transfer, hanging up)
 * have no effect here; they stand among those of the rule in what is explained later.
 */
#pragma once

#include <stdbool.h>

#include "base/call.h"
#include "taskrouter/routing/v1/rules.pb-c.h"
#include "taskrouter/tasks/v1/tasks.pb-c.h"

/* The attribute that holds the SIDs of the rules where a task is Twilio's. */
#define DECIDE_RULES_ATTRIBUTE "routing_rules"

struct bus;
struct decider;
struct rpc_client;

struct decider_options {
    struct rpc_client *routing; /* calls as the service itself; borrowed */
    struct bus *bus;            /* tells of rules that changed; NULL: only time does */
};

struct decider *decider_open(const struct decider_options *options);
void decider_close(struct decider *decider); /* NULL is allowed */

/* The request leaves it to the rules: it names no destination, and nobody has asked them yet. */
bool decide_is_open(const Taskrouter__Tasks__V1__CreateTaskRequest *request);

/* Only our own services may say that rules were asked. Errors: PERMISSION_DENIED SERVICES_ONLY. */
enum err_code decide_check(const struct call *call,
                           const Taskrouter__Tasks__V1__CreateTaskRequest *request,
                           struct err *err) MUST_CHECK;

/* False when the workspace surely had no enabled rule a moment ago, or nobody could answer within
 * the last second. Never blocks. */
bool decider_has_to_ask(struct decider *decider, const char *workspace_sid);

/*
 * Asks. attributes, task_channel of the request are what rules see, and of the attributes
 * customer_phone (else from) as the caller, to (else called) as the line, and text, body or message
 * as what was said. NULL: go on as without rules. Lives in call->arena.
 */
const Taskrouter__Routing__V1__Decision *
decider_ask(struct decider *decider, struct call *call,
            const Taskrouter__Tasks__V1__CreateTaskRequest *request);

/*
 * Lays a decision over the request: destination, attributes, the rules themselves, and priority and
 * timeout where the request has none of its own. Attributes that would become longer than a task
 * may have stay as they are. Texts are shared with the decision. Errors: RESOURCE_EXHAUSTED.
 */
enum err_code decide_apply(struct call *call, const Taskrouter__Routing__V1__Decision *decision,
                           Taskrouter__Tasks__V1__CreateTaskRequest *request,
                           struct err *err) MUST_CHECK;

/* Moves the rules of a request into its attributes, for a task that Twilio keeps; where they would
 * be too long then, they are left out. Errors: RESOURCE_EXHAUSTED. */
enum err_code decide_mark(struct call *call, Taskrouter__Tasks__V1__CreateTaskRequest *request,
                          struct err *err) MUST_CHECK;

/*
 * The rules as one JSON text that fits into an event: SID, name, version and what was done, without
 * attributes and messages; the last ones are left out where there are too many. "" for none; NULL
 * when the arena is exhausted.
 */
const char *decide_rules_text(struct arena *arena,
                              Taskrouter__Routing__V1__AppliedRule *const *rules, size_t count);

/* The way back. False when the text is none of ours. */
bool decide_rules_read(struct arena *arena, struct str text,
                       Taskrouter__Routing__V1__AppliedRule ***out_rules, size_t *out_count);
