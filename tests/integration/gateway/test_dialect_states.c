/* Section 5 of the reference at the edge: what may be asked of a task in each state, what becomes
 * of it, and Twilio's words where it may not. */
#include <stdlib.h>
#include <string.h>

#include "dialect.h"

enum { WAIT_MS = 20000 };

static const char *workflow;
static const char *worker;

static void in_office(void)
{
    in_workspace();
    if (workflow != NULL)
        return;
    const char *queue = at(post(text("%s/TaskQueues", home), "FriendlyName=All").body, "sid");
    const char *document = form_text(
        text("{\"task_routing\":{\"filters\":[],\"default_filter\":{\"queue\":\"%s\"}}}", queue));
    workflow =
        at(post(text("%s/Workflows", home),
                text("FriendlyName=Main&TaskReservationTimeout=900&Configuration=%s", document))
               .body,
           "sid");
    struct reply found = get(text("%s/Activities?FriendlyName=Available", home));
    worker = at(post(text("%s/Workers", home),
                     text("FriendlyName=Alice&ActivitySid=%s", at(found.body, "activities.0.sid")))
                    .body,
                "sid");
    struct reply channel = post(text("%s/Workers/%s/Channels/sms", home, worker), "Capacity=50");
    CHECK_I64(channel.status, 200);
    channel = post(text("%s/Workers/%s/Channels/chat", home, worker), "Capacity=0");
    CHECK_I64(channel.status, 200);
}

static const char *state_of(const char *path)
{
    return at(get(path).body, "assignment_status");
}

static bool is_reserved(void *path)
{
    return strcmp(state_of(*(const char **)path), "reserved") == 0;
}

/* A new task brought to that state; its path. */
static const char *task_in(const char *state)
{
    bool waits = strcmp(state, "pending") == 0 || strcmp(state, "canceled") == 0;
    struct reply made =
        post(text("%s/Tasks", home), text("WorkflowSid=%s&Attributes=%%7B%%7D&TaskChannel=%s",
                                          workflow, waits ? "chat" : "sms"));
    CHECK_I64(made.status, 201);
    const char *path = text("%s/Tasks/%s", home, at(made.body, "sid"));
    if (strcmp(state, "canceled") == 0)
        CHECK_I64(post(path, "AssignmentStatus=canceled&Reason=r").status, 200);
    if (waits)
        return path;
    CHECK(until(is_reserved, &path, WAIT_MS));
    if (strcmp(state, "reserved") == 0)
        return path;
    const char *offer = at(get(text("%s/Reservations", path)).body, "reservations.0.sid");
    CHECK_I64(post(text("%s/Reservations/%s", path, offer), "ReservationStatus=accepted").status,
              200);
    if (strcmp(state, "wrapping") == 0)
        CHECK_I64(post(path, "AssignmentStatus=wrapping&Reason=r").status, 200);
    if (strcmp(state, "completed") == 0)
        CHECK_I64(post(path, "AssignmentStatus=completed&Reason=r").status, 200);
    return path;
}

#define CANCEL        "AssignmentStatus=canceled&Reason=r"
#define ATTRIBUTES    "Attributes=%7B%22n%22%3A2%7D"
#define NOT_CANCELED  "because it is not pending or reserved."
#define NOT_WRAPPED   "because it's not currently assigned"
#define NOT_COMPLETED "Cannot complete task"
#define NOT_CHANGED   "cannot be changed any more"

static void test_states(void)
{
    static const struct {
        const char *from;
        const char *form;
        const char *to;
        const char *refusal;    /* NULL: 200 */
        const char *attributes; /* afterwards */
    } rows[] = {
        {"pending",   CANCEL,                                            "canceled",  NULL,               "{}"       },
        {"pending",   CANCEL "&" ATTRIBUTES,                             "canceled",  NULL,               "{\"n\":2}"},
        {"pending",   CANCEL "&Attributes=%7B",                          "pending",   "Attributes",       "{}"       },
        {"pending",   CANCEL "&" ATTRIBUTES "&Priority=-1",              "pending",   "Priority",         "{}"       },
        {"pending",   "AssignmentStatus=canceled&" ATTRIBUTES,           "pending",   "Reason",           "{}"       },
        {"pending",   "AssignmentStatus=wrapping&Reason=r",              "pending",   NOT_WRAPPED,        "{}"       },
        {"pending",   "AssignmentStatus=completed&Reason=r",             "pending",   NOT_COMPLETED,      "{}"       },
        {"pending",   "AssignmentStatus=reserved",                       "pending",   "AssignmentStatus", "{}"       },
        {"pending",   "AssignmentStatus=assigned",                       "pending",   "AssignmentStatus", "{}"       },
        {"pending",   ATTRIBUTES,                                        "pending",   NULL,               "{\"n\":2}"},
        {"reserved",  CANCEL "&" ATTRIBUTES,                             "canceled",  NULL,               "{\"n\":2}"},
        {"reserved",  "AssignmentStatus=wrapping&Reason=r",              "reserved",  NOT_WRAPPED,        "{}"       },
        {"reserved",  "AssignmentStatus=completed&Reason=r",             "reserved",  NOT_COMPLETED,      "{}"       },
        {"reserved",  "AssignmentStatus=pending",                        "reserved",  "AssignmentStatus", "{}"       },
        {"assigned",  CANCEL,                                            "assigned",  NOT_CANCELED,       "{}"       },
        {"assigned",  CANCEL "&" ATTRIBUTES,                             "assigned",  NOT_CANCELED,       "{}"       },
        {"assigned",  "AssignmentStatus=wrapping&Reason=r",              "wrapping",  NULL,               "{}"       },
        {"assigned",  "AssignmentStatus=wrapping&" ATTRIBUTES,           "assigned",  "Attributes",       "{}"       },
        {"assigned",  "AssignmentStatus=completed&Reason=r",             "completed", NULL,               "{}"       },
        {"assigned",  "AssignmentStatus=completed",                      "assigned",  "Reason",           "{}"       },
        {"assigned",  "AssignmentStatus=completed&Reason=r&" ATTRIBUTES, "assigned",  "Attributes",
         "{}"                                                                                                        },
        {"assigned",  ATTRIBUTES,                                        "assigned",  NULL,               "{\"n\":2}"},
        {"wrapping",  CANCEL "&" ATTRIBUTES,                             "wrapping",  NOT_CANCELED,       "{}"       },
        {"wrapping",  "AssignmentStatus=wrapping&Reason=r",              "wrapping",  NOT_WRAPPED,        "{}"       },
        {"wrapping",  "AssignmentStatus=completed&Reason=r",             "completed", NULL,               "{}"       },
        {"completed", CANCEL "&" ATTRIBUTES,                             "completed", NOT_CANCELED,       "{}"       },
        {"completed", "AssignmentStatus=wrapping&Reason=r",              "completed", NOT_WRAPPED,        "{}"       },
        {"completed", "AssignmentStatus=completed&Reason=r",             "completed", NOT_COMPLETED,      "{}"       },
        {"completed", ATTRIBUTES,                                        "completed", NOT_CHANGED,        "{}"       },
        {"canceled",  CANCEL,                                            "canceled",  NOT_CANCELED,       "{}"       },
        {"canceled",  CANCEL "&" ATTRIBUTES,                             "canceled",  NOT_CANCELED,       "{}"       },
        {"canceled",  "AssignmentStatus=completed&Reason=r",             "canceled",  NOT_COMPLETED,      "{}"       },
    };
    in_office();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *path = task_in(rows[i].from);
        struct reply reply = post(path, rows[i].form);
        struct reply after = get(path);
        bool is_right =
            (rows[i].refusal == NULL ? CHECK_I64(reply.status, 200)
                                     : CHECK(is_error(&reply, 400, 20001, rows[i].refusal))) &
            CHECK_TEXT(at(after.body, "assignment_status"), rows[i].to) &
            CHECK_TEXT(at(after.body, "attributes"), rows[i].attributes);
        if (!is_right)
            (void)fprintf(stderr, "row %zu: %s, %s\n", i, rows[i].from, rows[i].form);
        CHECK_I64(drop(path).status, 204);
    }
}

/* The version that the caller knows holds for both: nothing changes when it is another. */
static void test_version(void)
{
    in_office();
    const char *path = task_in("pending");
    const char *before = get(path).text;
    struct reply reply = ask_form(BASIC, "POST", path, "If-Match: 77\r\n", CANCEL "&" ATTRIBUTES);
    CHECK(is_error(&reply, 412, 20412, ""));
    CHECK_TEXT(get(path).text, before);
    reply = get(path);
    reply = ask_form(BASIC, "POST", path, text("If-Match: %s\r\n", header_of(&reply, "ETag")),
                     CANCEL "&" ATTRIBUTES);
    CHECK_I64(reply.status, 200);
    CHECK_TEXT(at(reply.body, "attributes"), "{\"n\":2}");
}

static const struct test_case cases[] = {
    {"each state allows what the reference says", test_states },
    {"a cancel with attributes is one change",    test_version},
};

int main(int argc, char **argv)
{
    return fixture_all_main("gateway dialect states", NULL, cases, ARRAY_LEN(cases), argc, argv);
}
