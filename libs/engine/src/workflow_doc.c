#include "engine/workflow_doc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/macros.h"
#include "base/map.h"
#include "base/parse.h"
#include "expr/expr.h"
#include "json_read.h"

enum { PLACE_SIZE = 64, MAX_EXPRESSION_BYTES = 8192, MAX_NAME_BYTES = 256 };

#define MAX_PRIORITY  INT64_C(2147483647)
#define MAX_TIMEOUT_S INT64_C(31536000)

/* The tree and the texts take a small multiple of the source. */
#define DOC_ARENA_BYTES ((size_t)256 << 20)

/* What is being read, for the error's field. Small enough to pass by value. */
struct doc_place {
    char text[PLACE_SIZE];
};

struct doc_reader {
    struct arena *arena;
    struct workflow_doc *doc;
    struct map queues;
    struct err *err;
};

static struct doc_place doc_place(const char *format, ...) PRINTF_LIKE(1, 2);

static struct doc_place doc_place(const char *format, ...)
{
    struct doc_place place;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(place.text, sizeof place.text, format, args);
    va_end(args);
    return place;
}

static struct doc_place doc_place_in(const struct doc_place *parent, const char *key)
{
    return doc_place("%.40s.%.20s", parent->text, key);
}

/* Evaluates to false. */
#define DOC_FAIL(reader, reason, place, ...)                                                       \
    (ERR_FIELD((reader)->err, ERR_INVALID_ARGUMENT, (reason), (place).text, __VA_ARGS__) == ERR_OK)

static bool doc_is_absent(const struct json_read_node *node)
{
    return node == NULL || node->kind == JSON_READ_NULL;
}

/* Text of an optional string; "" when absent. */
static bool doc_read_text(struct doc_reader *reader, const struct json_read_node *object,
                          const struct doc_place *parent, const char *key, size_t max_bytes,
                          struct str *out_text)
{
    const struct json_read_node *node = json_read_get(object, key);
    struct doc_place place = doc_place_in(parent, key);
    *out_text = (struct str){0};
    if (doc_is_absent(node))
        return true;
    if (node->kind != JSON_READ_STRING)
        return DOC_FAIL(reader, "WRONG_TYPE", place, "%s must be a string", place.text);
    if (node->text.len > max_bytes)
        return DOC_FAIL(reader, "TOO_LONG", place, "%s must be at most %zu bytes long", place.text,
                        max_bytes);
    *out_text = str_trim(node->text);
    return true;
}

/* A JSON number or a numeric string. */
static bool doc_read_number(struct doc_reader *reader, const struct json_read_node *object,
                            const struct doc_place *parent, const char *key, int64_t min,
                            int64_t max, bool *out_has, int64_t *out_value)
{
    const struct json_read_node *node = json_read_get(object, key);
    struct doc_place place = doc_place_in(parent, key);
    if (doc_is_absent(node))
        return true;
    if (node->kind != JSON_READ_NUMBER && node->kind != JSON_READ_STRING)
        return DOC_FAIL(reader, "WRONG_TYPE", place, "%s must be a whole number", place.text);
    if (node->kind == JSON_READ_STRING && str_trim(node->text).len == 0)
        return true;
    if (!parse_i64(str_trim(node->text), min, max, out_value))
        return DOC_FAIL(reader, "OUT_OF_RANGE", place,
                        "%s must be a whole number from %lld to %lld", place.text, (long long)min,
                        (long long)max);
    *out_has = true;
    return true;
}

/* Gives the compiler's complaint the place. Always false. */
static bool doc_fail_expression(struct doc_reader *reader, const struct doc_place *place)
{
    char detail[sizeof reader->err->detail];
    if (reader->err == NULL)
        return false;
    (void)snprintf(detail, sizeof detail, "%s", reader->err->detail);
    return DOC_FAIL(reader, "BAD_EXPRESSION", *place, "%s: %s", place->text, detail);
}

static bool doc_compile(struct doc_reader *reader, struct str text,
                        const struct expr_context *context, const struct doc_place *parent,
                        const char *key, struct expr **out_expr)
{
    if (text.len == 0 || expr_compile(text, context, out_expr, reader->err) == ERR_OK)
        return true;
    struct doc_place place = doc_place_in(parent, key);
    return doc_fail_expression(reader, &place);
}

static bool doc_read_queue(struct doc_reader *reader, const struct json_read_node *object,
                           const struct doc_place *parent, struct str inherited,
                           struct workflow_target *target)
{
    struct doc_place place = doc_place_in(parent, "queue");
    if (!doc_read_text(reader, object, parent, "queue", MAX_NAME_BYTES, &target->queue))
        return false;
    if (target->queue.len == 0)
        target->queue = inherited;
    if (target->queue.len == 0)
        return DOC_FAIL(reader, "MISSING", place, "%s must name a task queue (WQ…)", place.text);
    if (!parse_is_sid(target->queue, "WQ"))
        return DOC_FAIL(reader, "BAD_SID", place,
                        "%s must be a task queue SID: WQ and 32 hex digits", place.text);
    if (map_get(&reader->queues, target->queue) == NULL) {
        (void)map_put(&reader->queues, target->queue, target);
        reader->doc->queue_count++;
    }
    return true;
}

static bool doc_read_known_worker(struct doc_reader *reader, const struct json_read_node *object,
                                  const struct doc_place *parent, struct workflow_target *target)
{
    struct str by_sid;
    struct str by_name;
    if (!doc_read_text(reader, object, parent, "known_worker_sid", MAX_NAME_BYTES, &by_sid) ||
        !doc_read_text(reader, object, parent, "known_worker_friendly_name", MAX_NAME_BYTES,
                       &by_name))
        return false;
    if (by_sid.len > 0 && by_name.len > 0) {
        struct doc_place place = doc_place_in(parent, "known_worker_sid");
        return DOC_FAIL(
            reader, "CONFLICT", place,
            "give either known_worker_sid or known_worker_friendly_name, not both, in %s",
            parent->text);
    }
    target->is_known_by_name = by_name.len > 0;
    target->known_worker_text = by_name.len > 0 ? by_name : by_sid;
    if (target->known_worker_text.len == 0)
        return true;
    struct doc_place place = doc_place_in(
        parent, target->is_known_by_name ? "known_worker_friendly_name" : "known_worker_sid");
    if (!str_starts_with(target->known_worker_text, STR("task.")))
        return DOC_FAIL(reader, "BAD_EXPRESSION", place,
                        "%s must name a task attribute, such as task.agent", place.text);
    if (expr_path_compile(target->known_worker_text, &expr_context_target, &target->known_worker,
                          reader->err) == ERR_OK)
        return true;
    return doc_fail_expression(reader, &place);
}

static bool doc_read_target(struct doc_reader *reader, const struct json_read_node *object,
                            const struct doc_place *place, struct str inherited,
                            struct workflow_target *target)
{
    if (object->kind != JSON_READ_OBJECT)
        return DOC_FAIL(reader, "WRONG_TYPE", *place, "%s must be an object", place->text);
    if (!doc_read_queue(reader, object, place, inherited, target) ||
        !doc_read_number(reader, object, place, "priority", 0, MAX_PRIORITY, &target->has_priority,
                         &target->priority) ||
        !doc_read_number(reader, object, place, "timeout", 1, MAX_TIMEOUT_S, &target->has_timeout,
                         &target->timeout_s) ||
        !doc_read_text(reader, object, place, "expression", MAX_EXPRESSION_BYTES,
                       &target->expression_text) ||
        !doc_read_text(reader, object, place, "order_by", MAX_EXPRESSION_BYTES,
                       &target->order_by_text) ||
        !doc_read_text(reader, object, place, "skip_if", MAX_EXPRESSION_BYTES,
                       &target->skip_if_text) ||
        !doc_compile(reader, target->expression_text, &expr_context_target, place, "expression",
                     &target->expression) ||
        !doc_compile(reader, target->skip_if_text, &expr_context_skip, place, "skip_if",
                     &target->skip_if))
        return false;
    if (target->order_by_text.len > 0 &&
        expr_order_compile(target->order_by_text, &expr_context_target, &target->order_by,
                           reader->err) != ERR_OK) {
        struct doc_place where = doc_place_in(place, "order_by");
        return doc_fail_expression(reader, &where);
    }
    return doc_read_known_worker(reader, object, place, target);
}

static bool doc_read_targets(struct doc_reader *reader, const struct json_read_node *object,
                             const struct doc_place *parent, struct workflow_filter *filter)
{
    const struct json_read_node *list = json_read_get(object, "targets");
    struct doc_place place = doc_place_in(parent, "targets");
    if (doc_is_absent(list) || (list->kind == JSON_READ_ARRAY && list->count == 0))
        return DOC_FAIL(reader, "MISSING", place, "%s must hold at least one target", place.text);
    if (list->kind != JSON_READ_ARRAY)
        return DOC_FAIL(reader, "WRONG_TYPE", place, "%s must be an array of targets", place.text);
    if (list->count > WORKFLOW_DOC_MAX_TARGETS)
        return DOC_FAIL(reader, "TOO_MANY", place, "%s may hold at most %d targets", place.text,
                        WORKFLOW_DOC_MAX_TARGETS);
    filter->targets = ARENA_ARRAY(reader->arena, struct workflow_target, list->count);
    if (filter->targets == NULL)
        return DOC_FAIL(reader, "TOO_LONG", place, "the document is too large");
    struct str inherited = {0};
    for (const struct json_read_node *node = list->first; node != NULL; node = node->next) {
        struct doc_place where = doc_place("%.50s[%zu]", place.text, filter->target_count);
        struct workflow_target *target = &filter->targets[filter->target_count++];
        if (!doc_read_target(reader, node, &where, inherited, target))
            return false;
        inherited = target->queue;
    }
    return true;
}

static bool doc_read_filter(struct doc_reader *reader, const struct json_read_node *object,
                            const struct doc_place *place, struct workflow_filter *filter)
{
    struct doc_place where = doc_place_in(place, "expression");
    if (object->kind != JSON_READ_OBJECT)
        return DOC_FAIL(reader, "WRONG_TYPE", *place, "%s must be an object", place->text);
    if (!doc_read_text(reader, object, place, "filter_friendly_name", MAX_NAME_BYTES,
                       &filter->name) ||
        !doc_read_text(reader, object, place, "expression", MAX_EXPRESSION_BYTES,
                       &filter->expression_text))
        return false;
    if (filter->expression_text.len == 0)
        return DOC_FAIL(reader, "MISSING", where, "%s must say which tasks the filter takes",
                        where.text);
    return doc_compile(reader, filter->expression_text, &expr_context_filter, place, "expression",
                       &filter->expression) &&
           doc_read_targets(reader, object, place, filter);
}

static bool doc_read_filters(struct doc_reader *reader, const struct json_read_node *list)
{
    struct doc_place place = doc_place("task_routing.filters");
    if (doc_is_absent(list))
        return true;
    if (list->kind != JSON_READ_ARRAY)
        return DOC_FAIL(reader, "WRONG_TYPE", place, "%s must be an array of filters", place.text);
    if (list->count > WORKFLOW_DOC_MAX_FILTERS)
        return DOC_FAIL(reader, "TOO_MANY", place, "%s may hold at most %d filters", place.text,
                        WORKFLOW_DOC_MAX_FILTERS);
    reader->doc->filters = ARENA_ARRAY(reader->arena, struct workflow_filter, list->count);
    if (reader->doc->filters == NULL)
        return DOC_FAIL(reader, "TOO_LONG", place, "the document is too large");
    for (const struct json_read_node *node = list->first; node != NULL; node = node->next) {
        struct doc_place where = doc_place("%s[%zu]", place.text, reader->doc->filter_count);
        if (!doc_read_filter(reader, node, &where,
                             &reader->doc->filters[reader->doc->filter_count++]))
            return false;
    }
    return true;
}

static bool doc_read_default(struct doc_reader *reader, const struct json_read_node *object)
{
    struct doc_place place = doc_place("task_routing.default_filter");
    struct workflow_filter *filter = &reader->doc->default_filter;
    if (doc_is_absent(object))
        return true;
    filter->targets = ARENA_NEW(reader->arena, struct workflow_target);
    if (filter->targets == NULL)
        return DOC_FAIL(reader, "TOO_LONG", place, "the document is too large");
    filter->target_count = 1;
    reader->doc->has_default = true;
    if (!doc_read_target(reader, object, &place, (struct str){0}, filter->targets))
        return false;
    if (filter->targets->has_timeout) {
        place = doc_place_in(&place, "timeout");
        return DOC_FAIL(reader, "CONFLICT", place, "the default filter may not have a timeout");
    }
    return true;
}

static bool doc_read(struct doc_reader *reader, struct str text)
{
    struct doc_place root = doc_place("task_routing");
    struct doc_place whole = doc_place("configuration");
    if (text.len > WORKFLOW_DOC_MAX_BYTES)
        return DOC_FAIL(reader, "TOO_LONG", whole,
                        "the routing document must be at most %d bytes long",
                        WORKFLOW_DOC_MAX_BYTES);
    const struct json_read_node *node = json_read(reader->arena, text, reader->err);
    if (node == NULL) {
        if (reader->err != NULL)
            (void)snprintf(reader->err->field, sizeof reader->err->field, "configuration");
        return false;
    }
    const struct json_read_node *routing = json_read_get(node, "task_routing");
    if (doc_is_absent(routing))
        return DOC_FAIL(reader, "MISSING", root,
                        "the document must be an object with the key task_routing");
    if (routing->kind != JSON_READ_OBJECT)
        return DOC_FAIL(reader, "WRONG_TYPE", root, "task_routing must be an object");
    if (!doc_read_filters(reader, json_read_get(routing, "filters")) ||
        !doc_read_default(reader, json_read_get(routing, "default_filter")))
        return false;
    if (reader->doc->filter_count == 0 && !reader->doc->has_default)
        return DOC_FAIL(reader, "MISSING", root, "task_routing needs filters or a default_filter");
    reader->doc->queues = ARENA_ARRAY(reader->arena, struct str, reader->queues.count);
    if (reader->doc->queues == NULL)
        return DOC_FAIL(reader, "TOO_LONG", root, "the document is too large");
    for (size_t i = 0; i < reader->queues.count; i++)
        reader->doc->queues[i] = reader->queues.entries[i].key;
    return true;
}

struct workflow_doc *workflow_doc_parse(struct str text, struct err *err)
{
    struct err local = {0};
    struct arena *arena = arena_new(DOC_ARENA_BYTES);
    struct workflow_doc *doc = xcalloc(1, sizeof *doc);
    doc->memory = arena;
    struct doc_reader reader = {.arena = arena, .doc = doc, .err = err != NULL ? err : &local};
    map_init(&reader.queues);
    /* Numbers and keys are views into the text. */
    bool is_ok =
        doc_read(&reader, text.len > WORKFLOW_DOC_MAX_BYTES ? text : arena_str(arena, text));
    map_fini(&reader.queues);
    if (is_ok)
        return doc;
    workflow_doc_free(doc);
    return NULL;
}

static void filter_fini(struct workflow_filter *filter)
{
    expr_free(filter->expression);
    for (size_t i = 0; i < filter->target_count; i++) {
        struct workflow_target *target = &filter->targets[i];
        expr_free(target->expression);
        expr_order_free(target->order_by);
        expr_free(target->skip_if);
        expr_path_free(target->known_worker);
    }
}

void workflow_doc_free(struct workflow_doc *doc)
{
    if (doc == NULL)
        return;
    for (size_t i = 0; i < doc->filter_count; i++)
        filter_fini(&doc->filters[i]);
    filter_fini(&doc->default_filter);
    arena_free(doc->memory);
    free(doc);
}

int32_t workflow_doc_match(const struct workflow_doc *doc, const struct expr_record *task,
                           int32_t from)
{
    struct expr_env env = {.records = {[EXPR_SLOT_TASK] = task}};
    for (size_t i = (size_t)from; i < doc->filter_count; i++) {
        if (expr_eval(doc->filters[i].expression, &env))
            return (int32_t)i;
    }
    return -1;
}
