/* Workflow documents as long as Twilio allows, through the dialect: kept, listed, routed by. */
#include <stdlib.h>
#include <string.h>

#include "dialect.h"

enum { LIMIT = 1038576, WAIT_MS = 40000, FILTER_BYTES = 1500 };

static const char *common; /* queues */
static const char *special;

static void in_office(void)
{
    in_workspace();
    if (common != NULL)
        return;
    common = at(post(text("%s/TaskQueues", home), "FriendlyName=Common").body, "sid");
    special = at(post(text("%s/TaskQueues", home), "FriendlyName=Special").body, "sid");
}

/* Many filters that match nobody, then one for who asks for it by name, and so many bytes in all.
 */
static char *document(const char *name, size_t bytes)
{
    struct buf out;
    buf_init(&out, 0);
    buf_text(&out, "{\"task_routing\":{\"filters\":[");
    for (int i = 0; out.len + 3 * (size_t)FILTER_BYTES < bytes; i++) {
        buf_printf(&out,
                   "{\"filter_friendly_name\":\"no %d\",\"expression\":\"number == %d AND x == '",
                   i, i);
        for (int k = 0; k < 200; k++)
            buf_text(&out, "\\u00e9"); /* not to be sent on as it is */
        buf_printf(&out, "'\",\"targets\":[{\"queue\":\"%s\"}]},", common);
    }
    buf_printf(&out,
               "{\"filter_friendly_name\":\"last\",\"expression\":\"name == '%s'\",\"targets\":"
               "[{\"queue\":\"%s\"}]}],\"default_filter\":{\"queue\":\"%s\"}}}",
               name, special, common);
    while (out.len < bytes)
        buf_char(&out, ' ');
    char *made = strdup(buf_str(&out).ptr);
    buf_fini(&out);
    return made;
}

/* As a form's value; to be freed. */
static char *form_of(const char *more, const char *plain)
{
    struct buf out;
    buf_init(&out, 0);
    buf_printf(&out, "%s&Configuration=", more);
    for (const char *c = plain; *c != '\0'; c++) {
        bool stays =
            (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
        if (stays)
            buf_char(&out, *c);
        else
            buf_printf(&out, "%%%02X", (unsigned)(unsigned char)*c);
    }
    char *made = strdup(buf_str(&out).ptr);
    buf_fini(&out);
    return made;
}

static struct reply post_document(const char *path, const char *more, const char *plain)
{
    char *form = form_of(more, plain);
    struct reply reply = post(path, form);
    free(form);
    if (reply.status >= 400)
        (void)fprintf(stderr, "%s: %.300s\n", path, reply.text);
    return reply;
}

struct routed {
    const char *workflow;
    const char *name;
    const char *queue; /* where such a task is to go */
};

/* A new task each time: those that wait keep their document. */
static bool is_routed(void *ctx)
{
    const struct routed *routed = ctx;
    struct reply made =
        post(text("%s/Tasks", home), text("WorkflowSid=%s&Attributes=%s", routed->workflow,
                                          form_text(text("{\"name\":\"%s\"}", routed->name))));
    return made.status == 201 && strcmp(at(made.body, "task_queue_sid"), routed->queue) == 0;
}

static void test_longest(void)
{
    in_office();
    char *plain = document("a", LIMIT);
    CHECK_I64(strlen(plain), LIMIT);
    struct reply made = post_document(text("%s/Workflows", home), "FriendlyName=Long", plain);
    REQUIRE(made.status == 201);
    CHECK(strcmp(at(made.body, "configuration"), plain) == 0);
    const char *workflow = at(made.body, "sid");
    const char *path = text("%s/Workflows/%s", home, workflow);
    CHECK(strcmp(at(get(path).body, "configuration"), plain) == 0);
    struct routed routed = {workflow, "a", special};
    CHECK(is_routed(&routed)); /* at once: asked for by the task itself */
    routed = (struct routed){workflow, "b", common};
    CHECK(is_routed(&routed));
    free(plain);
    /* another one, which the router hears of by event */
    plain = document("b", LIMIT);
    CHECK_I64(post_document(path, "TaskReservationTimeout=9", plain).status, 200);
    free(plain);
    routed.queue = special;
    CHECK(until(is_routed, &routed, WAIT_MS));
    routed = (struct routed){workflow, "a", common};
    CHECK(is_routed(&routed));
    program_kill(PROGRAM_TASKS); /* from its own copy */
    program_start(PROGRAM_TASKS);
    routed = (struct routed){workflow, "b", special};
    CHECK(is_routed(&routed));
}

/* Tasks that wait go through the new document, though the event does not bring it. */
static bool is_moved(void *task)
{
    return strcmp(at(get(*(const char **)task).body, "task_queue_sid"), special) == 0;
}

static void test_re_evaluated(void)
{
    in_office();
    char *plain = document("c", LIMIT / 2);
    struct reply made = post_document(text("%s/Workflows", home), "FriendlyName=Again", plain);
    free(plain);
    REQUIRE(made.status == 201);
    const char *workflow = at(made.body, "sid");
    struct reply task = post(text("%s/Tasks", home), text("WorkflowSid=%s&Attributes=%s", workflow,
                                                          form_text("{\"name\":\"d\"}")));
    CHECK_TEXT(at(task.body, "task_queue_sid"), common);
    plain = document("d", LIMIT / 2);
    CHECK_I64(post_document(text("%s/Workflows/%s", home, workflow), "ReEvaluateTasks=true", plain)
                  .status,
              200);
    free(plain);
    const char *path = text("%s/Tasks/%s", home, at(task.body, "sid"));
    CHECK(until(is_moved, &path, WAIT_MS));
    CHECK_I64(drop(path).status, 204);
    CHECK_I64(drop(text("%s/Workflows/%s", home, workflow)).status, 204);
}

static void test_one_more(void)
{
    in_office();
    char *plain = document("a", LIMIT + 1);
    struct reply refused = post_document(text("%s/Workflows", home), "FriendlyName=Longer", plain);
    CHECK(is_error(&refused, 400, 20001, "Configuration"));
    CHECK(is_error(&refused, 400, 20001, "1038576"));
    struct reply list = get(text("%s/Workflows?FriendlyName=Longer", home));
    CHECK_I64(at_i64(list.body, "workflows"), 0);
    free(plain);
}

/* A page holds what fits, and leads on. */
static void test_lists(void)
{
    in_office();
    enum { COUNT = 9 };
    int seen = 0;
    char *plain = document("a", LIMIT);
    char *made = form_of("", plain);
    for (int i = 0; i < COUNT; i++) {
        struct reply one = post(text("%s/Workflows", home), text("FriendlyName=L%d%s", i, made));
        CHECK_I64(one.status, 201);
    }
    free(made);
    free(plain);
    const char *path = text("%s/Workflows?PageSize=50", home);
    for (int pages = 0; path[0] != '\0' && pages < COUNT; pages++) {
        struct reply page = get(path);
        REQUIRE(page.status == 200);
        CHECK(at_i64(page.body, "workflows") > 0);
        seen += (int)at_i64(page.body, "workflows");
        const char *next = at(page.body, "meta.next_page_url");
        path = next[0] == '\0' ? "" : strstr(next, "/v1/");
    }
    CHECK_I64(seen, at_i64(get(text("%s/Workflows?PageSize=1", home)).body, "workflows") + COUNT);
}

static const struct test_case cases[] = {
    {"the longest document is kept and routed by",        test_longest     },
    {"waiting tasks go through a long document's change", test_re_evaluated},
    {"one byte more is refused",                          test_one_more    },
    {"lists of long documents come in pages that fit",    test_lists       },
};

int main(int argc, char **argv)
{
    return fixture_all_main("gateway documents", NULL, cases, ARRAY_LEN(cases), argc, argv);
}
