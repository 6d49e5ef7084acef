/*
 * A workflow's document: what is accepted keeps within the limits, refers only to queues that it
 * lists, has every text compiled, and routes a task; what is refused names the place.
 */
#include "base/macros.h"
#include "base/parse.h"
#include "engine/workflow_doc.h"
#include "expr/record.h"
#include "fuzz.h"

static void queue_check(const struct workflow_doc *doc, struct str queue)
{
    bool is_listed = false;
    for (size_t i = 0; i < doc->queue_count && !is_listed; i++)
        is_listed = str_eq(doc->queues[i], queue);
    INVARIANT(is_listed);
}

static void target_check(const struct workflow_doc *doc, const struct workflow_target *target)
{
    queue_check(doc, target->queue);
    INVARIANT((target->expression != NULL) == (target->expression_text.len > 0));
    INVARIANT((target->order_by != NULL) == (target->order_by_text.len > 0));
    INVARIANT((target->skip_if != NULL) == (target->skip_if_text.len > 0));
    INVARIANT((target->known_worker != NULL) == (target->known_worker_text.len > 0));
    INVARIANT(!target->has_timeout || target->timeout_s >= 0);
}

static void doc_check(const struct workflow_doc *doc)
{
    INVARIANT(doc->filter_count <= WORKFLOW_DOC_MAX_FILTERS);
    for (size_t i = 0; i < doc->queue_count; i++) {
        INVARIANT(parse_is_sid(doc->queues[i], "WQ"));
        for (size_t k = 0; k < i; k++)
            INVARIANT(!str_eq(doc->queues[i], doc->queues[k]));
    }
    for (size_t i = 0; i < doc->filter_count; i++) {
        const struct workflow_filter *filter = &doc->filters[i];
        INVARIANT(filter->expression != NULL && filter->expression_text.len > 0);
        INVARIANT(filter->target_count > 0 && filter->target_count <= WORKFLOW_DOC_MAX_TARGETS);
        for (size_t k = 0; k < filter->target_count; k++)
            target_check(doc, &filter->targets[k]);
    }
    if (doc->has_default) {
        INVARIANT(doc->default_filter.target_count == 1);
        target_check(doc, &doc->default_filter.targets[0]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct expr_record *task = NULL;
    if (size > 64 << 10)
        return 0;
    struct workflow_doc *doc = workflow_doc_parse((struct str){(const char *)data, size}, &err);
    if (doc == NULL) {
        INVARIANT(err.code == ERR_INVALID_ARGUMENT && err.detail[0] != '\0');
        return 0;
    }
    doc_check(doc);
    enum err_code code = expr_record_new(
        STR("{\"type\":\"permits\",\"level\":3,\"skills\":[\"a\",1],\"a\":{\"b\":\"c\"}}"), &task,
        &err);
    INVARIANT(code == ERR_OK);
    int32_t last = -1;
    for (;;) {
        int32_t filter = workflow_doc_match(doc, task, last + 1);
        if (filter < 0)
            break;
        INVARIANT(filter > last && (size_t)filter <= doc->filter_count);
        last = filter;
        if ((size_t)filter == doc->filter_count)
            break;
    }
    expr_record_free(task);
    workflow_doc_free(doc);
    return 0;
}
