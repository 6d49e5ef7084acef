/*
 * Routing rules: compiled once, then asked what becomes of a task. A rule set is immutable and may
 * be asked by several threads at once. What the texts of a condition mean: expr_context_rule and
 * libs/rules/README.md. Refuses: I/O, clocks, knowledge of which targets exist.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "expr/expr.h"

enum {
    RULE_MAX_RULES = 10000, /* of a set */
    RULE_MAX_ACTIONS = 16,  /* of a rule */
    RULE_MAX_PRIORITY = 1000,
    RULE_MAX_TASK_PRIORITY = INT32_MAX, /* that an action may set; least: 0 */
    RULE_MAX_TIMEOUT_S = 1209600,       /* two weeks, as tasks have it; least: 1 */
    RULE_MAX_ATTRIBUTES_CHARS = 4096,
    RULE_MAX_MESSAGE_CHARS = 1000,
    RULE_MAX_TARGET_CHARS = 255,
};

/* In the order of RuleActionType on the wire. */
enum rule_action_type {
    RULE_ACTION_NONE,
    RULE_ACTION_ROUTE_TO_QUEUE,    /* target */
    RULE_ACTION_ROUTE_TO_WORKER,   /* target */
    RULE_ACTION_ROUTE_TO_WORKFLOW, /* target */
    RULE_ACTION_SET_PRIORITY,      /* priority */
    RULE_ACTION_ADD_ATTRIBUTES,    /* attributes */
    RULE_ACTION_SET_TIMEOUT,       /* timeout */
    RULE_ACTION_VOICEMAIL,         /* message, or empty */
    RULE_ACTION_PLAY_MESSAGE,      /* message */
    RULE_ACTION_TRANSFER,          /* target: E.164 or sip: */
    RULE_ACTION_HANG_UP,           /* message, or empty */
    RULE_ACTION_CONTINUE,
    RULE_ACTION_COUNT,
};

/* "route_to_queue"; "none" for what is none. */
const char *rule_action_name(enum rule_action_type type);

struct rule_action {
    enum rule_action_type type;
    struct str target;
    struct str attributes; /* JSON object as text; empty: none */
    struct str message;
    bool has_priority; /* any action may carry priority, timeout and attributes */
    bool has_timeout;
    int64_t priority;
    int64_t timeout_s;
};

struct rule_def {
    struct str sid; /* empty: a draft */
    struct str name;
    int64_t version;       /* handed through */
    int64_t priority;      /* higher first; among equals the older, then the lesser SID */
    int64_t created_at_us; /* 0: the youngest of all */
    bool is_enabled;
    struct str condition;   /* empty: always */
    int64_t valid_from_us;  /* 0: always */
    int64_t valid_until_us; /* exclusive; 0: always */
    const struct rule_action *actions;
    size_t action_count;
};

/*
 * What of one rule's actions is wrong in itself: parameters missing, out of range or without
 * meaning for the type, actions without effect. Errors: INVALID_ARGUMENT with the field
 * ("actions[1].target"). Whether targets exist is the caller's to ask.
 */
enum err_code rule_actions_check(const struct rule_action *actions, size_t count,
                                 struct err *err) MUST_CHECK;

struct rule_set;

/*
 * Copies and compiles the rules and puts them in the order of evaluation: every index below is a
 * place in that order. A rule that does not compile (which saving refuses) never matches and is
 * traced as RULE_RESULT_BROKEN, so that it takes nothing from the others. Errors:
 * RESOURCE_EXHAUSTED RULES_TOO_MANY.
 */
enum err_code rule_set_new(const struct rule_def *rules, size_t count, struct rule_set **out,
                           struct err *err) MUST_CHECK;
void rule_set_free(struct rule_set *set);

size_t rule_set_count(const struct rule_set *set);
const struct rule_def *rule_set_at(const struct rule_set *set, size_t rule);
ptrdiff_t rule_set_find(const struct rule_set *set, struct str sid); /* -1: not there */

/* Whether there is an enabled rule, and whether one of them reads the slot: EXPR_SLOT_QUEUE and
 * EXPR_SLOT_WORKERS cost a call to another service. */
bool rule_set_has_enabled(const struct rule_set *set);
bool rule_set_uses(const struct rule_set *set, enum expr_slot slot);
bool rule_set_rule_uses(const struct rule_set *set, size_t rule, enum expr_slot slot);

/* The target of the rule's ROUTE_TO_QUEUE action: the queue that its queue.* and workers.* are of.
 * Empty: it has none. */
struct str rule_set_queue_of(const struct rule_set *set, size_t rule);

/* Values of names whose slot has no record: as expr_resolve_fn, for one rule. */
typedef bool (*rule_resolve_fn)(void *ctx, size_t rule, enum expr_slot slot, struct str name,
                                struct expr_value *out_value);

/* What is known. Absent records and names are null. */
struct rule_facts {
    int64_t now_us; /* for valid_from, valid_until */
    /* EXPR_SLOT_TASK: task.attributes, _TASK_INFO: channel, priority; _TIME: see rule_time_record;
     * _CALLER, _LINE, _HOURS. Leave _QUEUE and _WORKERS to resolve. */
    const struct expr_record *records[EXPR_SLOT_COUNT];
    rule_resolve_fn resolve; /* NULL allowed */
    void *resolve_ctx;
};

/* A local time, in the zone that applies. */
struct rule_moment {
    int year;
    int month;   /* 1..12 */
    int day;     /* 1..31 */
    int hour;    /* 0..23 */
    int minute;  /* 0..59 */
    int weekday; /* 1 Monday .. 7 Sunday */
};

/* All time.* names of it. Ownership: the caller's; expr_record_free. */
struct expr_record *rule_time_record(const struct rule_moment *moment);

/* What one rule did. */
struct rule_applied {
    size_t rule;
    uint32_t action_mask; /* bit i: its action i took effect, in part at least */
};

struct rule_voice {
    size_t rule;
    size_t action;
    enum rule_action_type type; /* VOICEMAIL, PLAY_MESSAGE, TRANSFER, HANG_UP */
    struct str target;
    struct str message;
};

/* Texts are views into the set or in the arena. */
struct rule_outcome {
    enum rule_action_type destination; /* NONE: no rule chose one; ROUTE_TO_… */
    struct str target;
    bool has_priority;
    bool has_timeout;
    int64_t priority;
    int64_t timeout_s;
    struct str attributes;          /* JSON object to be put over the task's own; empty: none */
    const struct rule_voice *voice; /* in order; at most the last one ends the call */
    size_t voice_count;
    const struct rule_applied *rules; /* those that matched, in order */
    size_t rule_count;
};

/*
 * The rules' decision. The first rule that matches and has no CONTINUE is the last that is heard;
 * what an earlier one has set (destination, priority, timeout, an attribute, an end of the call)
 * stays. Patterns of all rules share one budget of steps, so time is bounded. Errors:
 * RESOURCE_EXHAUSTED when the arena is full. Threads: any number on one set.
 */
enum err_code rule_set_decide(const struct rule_set *set, const struct rule_facts *facts,
                              struct arena *arena, struct rule_outcome *out,
                              struct err *err) MUST_CHECK;

enum rule_result {
    RULE_RESULT_NONE,
    RULE_RESULT_MATCHED,
    RULE_RESULT_NOT_MATCHED,
    RULE_RESULT_DISABLED,
    RULE_RESULT_NOT_VALID_NOW,
    RULE_RESULT_NOT_REACHED, /* an earlier one ended it */
    RULE_RESULT_BROKEN,      /* its condition does not compile; the note says why */
};

struct rule_trace {
    size_t rule;
    enum rule_result result;
    struct expr_trace condition; /* of rules that were tried; no rows for an empty condition */
    uint32_t action_mask;        /* as in rule_applied */
    struct str note;             /* a sentence, or empty */
};

/* The same decision and a row for every rule of the set, in order. Everything in the arena. */
enum err_code rule_set_trace(const struct rule_set *set, const struct rule_facts *facts,
                             struct arena *arena, struct rule_outcome *out_outcome,
                             struct rule_trace **out_rows, size_t *out_count,
                             struct err *err) MUST_CHECK;

/*
 * Appends own with the members of added put in; where both have a member, added's wins when
 * replaces is set, else own's. Either may be empty, which is {}. Errors: as jx_parse_object;
 * RESOURCE_EXHAUSTED when out is full.
 */
enum err_code rule_attributes_merge(struct str own, struct str added, bool replaces,
                                    struct buf *out, struct err *err) MUST_CHECK;
