/* How tasks are routed. */
#include "route_rows.h"
#include "taskrouter/routing/v1/hours.pb-c.h"
#include "taskrouter/routing/v1/routing.pb-c.h"
#include "taskrouter/routing/v1/rules.pb-c.h"

#define RULE_FIELDS                                                                                \
    "name", "description", "priority", "enabled", "condition", "conditions", "actions",            \
        "valid_from", "valid_until", "labels"
#define SCHEDULE_FIELDS                                                                            \
    "name", "time_zone", "weekly_schedule", "holidays", "special_hours", "is_default",             \
        "task_queue_sids", "phone_numbers"
#define RULE_QUERY FIELDS(PAGED, "enabled", "label", "task_queue_sid", "workflow_sid")
#define TASK_FIELDS                                                                                \
    "attributes", "task_channel", "priority", "text", "caller_phone", "called_phone", "caller", "at"

/* Up to 5000 tasks are read and decided again. */
enum { COMPARE_BUDGET_MS = 30000 };

/* One route a block; the macros read as columns. */
/* clang-format off */
static const struct rest_route rows[] = {
    /* ---- workflows and routing ---- */
    {LIST("/workflows", VIEWER), .tag = "workflows", .summary = "List workflows",
     RPC(routing, ROUTING, Routing, ListWorkflows, list_workflows, list_workflows_response),
     .query = FIELDS(PAGED, "friendly_name", "task_queue_sid")},
    {CREATE("/workflows", SUPERVISOR), .tag = "workflows", .summary = "Create a workflow",
     RPC(routing, ROUTING, Routing, CreateWorkflow, create_workflow, workflow),
     .body = FIELDS("friendly_name", "configuration", "assignment_callback_url",
         "fallback_assignment_callback_url", "task_reservation_timeout"), .has_large_body = true},
    {GET("/workflows/{sid}", VIEWER), .tag = "workflows", .summary = "Get a workflow",
     RPC(routing, ROUTING, Routing, GetWorkflow, get_workflow, workflow)},
    {UPDATE("/workflows/{sid}", SUPERVISOR), .tag = "workflows", .summary = "Change a workflow",
     RPC(routing, ROUTING, Routing, UpdateWorkflow, update_workflow, workflow),
     .nested = "workflow",
     .body = FIELDS("friendly_name", "configuration", "assignment_callback_url",
         "fallback_assignment_callback_url", "task_reservation_timeout"),
     .body_more = FIELDS("re_evaluate_tasks"), .has_large_body = true},
    {DELETE("/workflows/{sid}", SUPERVISOR), .tag = "workflows", .summary = "Delete a workflow",
     RPC_VOID(routing, ROUTING, Routing, DeleteWorkflow, delete_workflow)},
    {LIST("/workflows/{sid}/versions", VIEWER), .tag = "workflows",
     .summary = "List the documents a workflow has had, newest first",
     RPC(routing, ROUTING, Routing, ListWorkflowVersions, list_workflow_versions,
         list_workflow_versions_response), .query = FIELDS(PAGED)},
    {CHECK("/workflows/validate", VIEWER), .tag = "workflows",
     .summary = "Check a workflow's configuration without storing it",
     RPC_VOID(routing, ROUTING, Routing, ValidateWorkflow, validate_workflow),
     .body = FIELDS("configuration"), .has_large_body = true},
    {CHECK("/route", VIEWER), .tag = "workflows",
     .summary = "Say which filter and targets a task would get",
     RPC(routing, ROUTING, Routing, Route, route, route_response),
     .body = FIELDS("workflow_sid", "attributes")},

    /* ---- rules; /routing-rules is what the earlier platform called them ---- */
    {LIST("/rules", VIEWER), .tag = "rules", .summary = "List rules, in the order of evaluation",
     RPC(routing, ROUTING, Rules, ListRules, list_rules, list_rules_response),
     .query = RULE_QUERY},
    {CREATE("/rules", SUPERVISOR), .tag = "rules", .summary = "Create a rule",
     RPC(routing, ROUTING, Rules, CreateRule, create_rule, rule),
     .body = FIELDS(RULE_FIELDS, "comment"), .has_large_body = true},
    {GET("/rules/{sid}", VIEWER), .tag = "rules", .summary = "Get a rule",
     RPC(routing, ROUTING, Rules, GetRule, get_rule, rule)},
    {UPDATE("/rules/{sid}", SUPERVISOR), .tag = "rules", .summary = "Change a rule",
     RPC(routing, ROUTING, Rules, UpdateRule, update_rule, rule), .nested = "rule",
     .body = FIELDS(RULE_FIELDS), .body_more = FIELDS("comment"), .has_large_body = true},
    {DELETE("/rules/{sid}", SUPERVISOR), .tag = "rules",
     .summary = "Delete a rule, which can be rolled back",
     RPC_VOID(routing, ROUTING, Rules, DeleteRule, delete_rule)},
    {LIST("/rules/{sid}/versions", VIEWER), .tag = "rules",
     .summary = "List the versions of a rule, also of a deleted one, newest first",
     RPC(routing, ROUTING, Rules, ListRuleVersions, list_rule_versions,
         list_rule_versions_response), .query = FIELDS(PAGED)},
    {GET("/rules/{sid}/diff", VIEWER), .tag = "rules",
     .summary = "Say what differs between two versions of a rule",
     RPC(routing, ROUTING, Rules, DiffRuleVersions, diff_rule_versions,
         diff_rule_versions_response), .query = FIELDS("from_version", "to_version")},
    {ACTION("/rules/{sid}/roll-back", SUPERVISOR), .tag = "rules",
     .summary = "Make a rule as an earlier version was, by a new version",
     RPC(routing, ROUTING, Rules, RollBackRule, roll_back_rule, rule),
     .body = FIELDS("to_version", "comment")},
    {CHECK("/rules/validate", VIEWER), .tag = "rules",
     .summary = "Say what a rule would be refused or warned for, without storing it",
     RPC(routing, ROUTING, Rules, ValidateRule, validate_rule, validate_rule_response),
     .body = FIELDS("rule"), .has_large_body = true},
    {CHECK("/rules/dry-run", VIEWER), .tag = "rules",
     .summary = "Say what the rules, stored and drafted, would do with a task, and why",
     RPC(routing, ROUTING, Rules, DryRun, dry_run, dry_run_response),
     .body = FIELDS("task", "drafts", "without_rule_sids"), .has_large_body = true},
    {CHECK("/rules/compare", SUPERVISOR), .tag = "rules",
     .summary = "Say which of the newest tasks would have gone elsewhere with drafted rules",
     RPC(routing, ROUTING, Rules, CompareRules, compare_rules, compare_rules_response),
     .body = FIELDS("drafts", "without_rule_sids", "task_count"), .has_large_body = true,
     .budget_ms = COMPARE_BUDGET_MS},
    {CHECK("/rules/decide", AGENT), .tag = "rules",
     .summary = "Decide about a task that is about to be made; counts as a match",
     RPC(routing, ROUTING, Rules, Decide, decide, decision), .body = FIELDS(TASK_FIELDS)},
    {LIST("/routing-rules", VIEWER), .tag = "rules", .summary = "As /rules",
     RPC(routing, ROUTING, Rules, ListRules, list_rules, list_rules_response),
     .query = RULE_QUERY, .operation = "listRoutingRules"},
    {CREATE("/routing-rules", SUPERVISOR), .tag = "rules", .summary = "As /rules",
     RPC(routing, ROUTING, Rules, CreateRule, create_rule, rule),
     .body = FIELDS(RULE_FIELDS, "comment"), .has_large_body = true,
     .operation = "createRoutingRule"},
    {GET("/routing-rules/{sid}", VIEWER), .tag = "rules", .summary = "As /rules/{sid}",
     RPC(routing, ROUTING, Rules, GetRule, get_rule, rule), .operation = "getRoutingRule"},
    {UPDATE("/routing-rules/{sid}", SUPERVISOR), .tag = "rules", .summary = "As /rules/{sid}",
     RPC(routing, ROUTING, Rules, UpdateRule, update_rule, rule), .nested = "rule",
     .body = FIELDS(RULE_FIELDS), .body_more = FIELDS("comment"), .has_large_body = true,
     .operation = "updateRoutingRule"},
    {DELETE("/routing-rules/{sid}", SUPERVISOR), .tag = "rules", .summary = "As /rules/{sid}",
     RPC_VOID(routing, ROUTING, Rules, DeleteRule, delete_rule),
     .operation = "deleteRoutingRule"},

    /* ---- keywords ---- */
    {LIST("/keywords", VIEWER), .tag = "keywords", .summary = "List keywords",
     RPC(routing, ROUTING, Rules, ListKeywords, list_keywords, list_keywords_response),
     .query = FIELDS(PAGED, "department")},
    {CREATE("/keywords", SUPERVISOR), .tag = "keywords", .summary = "Create a keyword",
     RPC(routing, ROUTING, Rules, CreateKeyword, create_keyword, keyword),
     .body = FIELDS("phrases", "department", "priority", "confidence", "enabled", "description")},
    {GET("/keywords/{sid}", VIEWER), .tag = "keywords", .summary = "Get a keyword",
     RPC(routing, ROUTING, Rules, GetKeyword, get_keyword, keyword)},
    {UPDATE("/keywords/{sid}", SUPERVISOR), .tag = "keywords", .summary = "Change a keyword",
     RPC(routing, ROUTING, Rules, UpdateKeyword, update_keyword, keyword), .nested = "keyword",
     .body = FIELDS("phrases", "department", "priority", "confidence", "enabled", "description")},
    {DELETE("/keywords/{sid}", SUPERVISOR), .tag = "keywords", .summary = "Delete a keyword",
     RPC_VOID(routing, ROUTING, Rules, DeleteKeyword, delete_keyword)},
    {ACTION("/keywords/defaults", SUPERVISOR), .tag = "keywords",
     .summary = "Create the words of the guide's six departments, where there are no keywords yet",
     RPC(routing, ROUTING, Rules, CreateDefaultKeywords, create_default_keywords,
         list_keywords_response)},
    {CHECK("/keywords/detect", VIEWER), .tag = "keywords",
     .summary = "Say which keywords a text has, and what it is about",
     RPC(routing, ROUTING, Rules, DetectKeywords, detect_keywords, detect_keywords_response),
     .body = FIELDS("text")},

    /* ---- business hours ---- */
    {LIST("/hours", VIEWER), .tag = "hours", .summary = "List schedules of business hours",
     RPC(routing, ROUTING, Hours, ListSchedules, list_schedules, list_schedules_response),
     .query = FIELDS(PAGED)},
    {CREATE("/hours", SUPERVISOR), .tag = "hours", .summary = "Create a schedule of business hours",
     RPC(routing, ROUTING, Hours, CreateSchedule, create_schedule, schedule),
     .body = FIELDS(SCHEDULE_FIELDS), .has_large_body = true},
    {GET("/hours/{sid}", VIEWER), .tag = "hours", .summary = "Get a schedule of business hours",
     RPC(routing, ROUTING, Hours, GetSchedule, get_schedule, schedule)},
    {UPDATE("/hours/{sid}", SUPERVISOR), .tag = "hours",
     .summary = "Change a schedule of business hours",
     RPC(routing, ROUTING, Hours, UpdateSchedule, update_schedule, schedule),
     .nested = "schedule",
     .body = FIELDS(SCHEDULE_FIELDS), .has_large_body = true},
    {DELETE("/hours/{sid}", SUPERVISOR), .tag = "hours",
     .summary = "Delete a schedule of business hours",
     RPC_VOID(routing, ROUTING, Hours, DeleteSchedule, delete_schedule)},
    {GET("/hours/now", VIEWER), .tag = "hours",
     .summary = "Say whether a line, queue or workspace is open, and until when",
     RPC(routing, ROUTING, Hours, GetHours, get_hours, hours_state),
     .query = FIELDS("schedule_sid", "phone_number", "task_queue_sid", "at")},
    {GET("/hours/due", VIEWER), .tag = "hours",
     .summary = "Say when something has to be done by business hours",
     RPC(routing, ROUTING, Hours, GetDueTime, get_due_time, due_time),
     .query = FIELDS("kind", "seconds", "schedule_sid", "phone_number", "task_queue_sid", "at")},
};
/* clang-format on */

AREA(rest_area_routing);
