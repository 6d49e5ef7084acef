/* Events that are old enough come without what the task was about. */
#include <stdlib.h>

#include "tasks_fixture.h"

enum { WAIT_MS = 20000 };

struct wanted {
    const struct place *place;
    const char *task;
};

static const json_t *first_event(const struct wanted *wanted)
{
    return suite_ok(&suite_viewer, SUITE_TASKS, "ListEvents",
                    "{'workspaceSid':'%s','taskSid':'%s','eventType':'task.created'}",
                    wanted->place->workspace, wanted->task);
}

static bool is_redacted(const void *ctx)
{
    const char *data = at(first_event(ctx), "items.0.eventData");
    return strstr(data, "\"task_attributes\":\"{}\"") != NULL;
}

static void test_redacted(void)
{
    struct place place = place_new(0);
    struct wanted wanted = {&place, task_new(&place, "{`ssn`:`078-05-1120`}")};
    CHECK(suite_until(is_redacted, &wanted, WAIT_MS));
    const json_t *list = first_event(&wanted);
    const char *data = at(list, "items.0.eventData");
    CHECK(strstr(data, "078-05-1120") == NULL);
    CHECK(strstr(data, wanted.task) != NULL); /* all else is there */
    CHECK(strstr(data, "task_priority") != NULL);
    const json_t *one =
        suite_ok(&suite_viewer, SUITE_TASKS, "GetEvent", "{'workspaceSid':'%s','sid':'%s'}",
                 place.workspace, at(list, "items.0.sid"));
    CHECK_TEXT(at(one, "eventData"), data);
    const json_t *task = suite_ok(&suite_viewer, SUITE_TASKS, "GetTask",
                                  "{'workspaceSid':'%s','sid':'%s'}", place.workspace, wanted.task);
    CHECK(strstr(at(task, "attributes"), "078-05-1120") != NULL);
}

static const struct test_case cases[] = {
    {"an old event does not say what its task was about", test_redacted},
};

int main(int argc, char **argv)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads yet */
    (void)setenv("TASKROUTER_TASKS_REDACT", "1s", 1);
    return suite_main("redaction", TASKS_SET, cases, ARRAY_LEN(cases), argc, argv);
}
