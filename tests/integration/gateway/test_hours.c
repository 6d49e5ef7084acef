/* REST: business hours, in the form of the earlier platform. */
#include "fixture.h"

#define OFFICE                                                                                     \
    "'weeklySchedule':{'monday':{'isOpen':true,'timeSlots':[{'start':'08:00','end':'12:00'},"      \
    "{'start':'13:00','end':'18:00'}]},'sunday':{'isOpen':false,'timeSlots':[]}}"

static const char *within; /* header that names the workspace */

static void in_workspace(void)
{
    if (within == NULL)
        within = text("X-Workspace-Sid: %s\r\n", workspace_new());
}

static void test_life(void)
{
    in_workspace();
    struct reply made =
        ask(BOOTSTRAP, "POST", "/hours", within,
            "{'name':'Support','timeZone':'America/Chicago','isDefault':true," OFFICE
            ",'holidays':[{'name':'Christmas','date':'2026-12-25','isOpen':false}],"
            "'specialHours':[{'name':'Fair','startDate':'2026-12-07','endDate':'2026-12-08',"
            "'schedule':{'monday':{'isOpen':true,'timeSlots':[{'start':'06:00','end':'24:00'}]}}}],"
            "'phoneNumbers':['+15125550100']}");
    CHECK_I64(made.status, 201);
    CHECK_TEXT(at(made.body, "weeklySchedule.monday.timeSlots.1.end"), "18:00");
    CHECK_TEXT(at(made.body, "holidays.0.date"), "2026-12-25");
    CHECK_TEXT(at(made.body, "specialHours.0.schedule.monday.timeSlots.0.end"), "24:00");
    const char *path = text("/hours/%s", at(made.body, "sid"));
    CHECK_TEXT(header_of(&made, "Location"), text("/api/taskrouter%s", path));
    CHECK_TEXT(ask(BOOTSTRAP, "GET", path, within, NULL).text, made.text);
    struct reply list = ask(BOOTSTRAP, "GET", "/hours?pageSize=5", within, NULL);
    CHECK_TEXT(at(list.body, "items.0.name"), "Support");
    struct reply changed = ask(BOOTSTRAP, "PATCH", path, text("%sIf-Match: \"1\"\r\n", within),
                               "{'name':'Help','phoneNumbers':[]}");
    CHECK_I64(changed.status, 200);
    CHECK_TEXT(at(changed.body, "name"), "Help");
    CHECK_TEXT(at(changed.body, "timeZone"), "America/Chicago");
    struct reply stale =
        ask(BOOTSTRAP, "DELETE", path, text("%sIf-Match: \"1\"\r\n", within), NULL);
    CHECK(is_problem(&stale, 412, "VERSION_MISMATCH", NULL));
    CHECK_I64(ask(BOOTSTRAP, "DELETE", path, within, NULL).status, 204);
    struct reply gone = ask(BOOTSTRAP, "GET", path, within, NULL);
    CHECK(is_problem(&gone, 404, "SCHEDULE_NOT_FOUND", "sid"));
}

static void test_refused(void)
{
    in_workspace();
    struct reply overlap =
        ask(BOOTSTRAP, "POST", "/hours", within,
            "{'name':'x','weeklySchedule':{'monday':{'isOpen':true,'timeSlots':["
            "{'start':'08:00','end':'12:00'},{'start':'11:00','end':'13:00'}]}}}");
    CHECK(is_problem(&overlap, 400, "SLOTS_OVERLAP", "weeklySchedule.monday.timeSlots[1]"));
    CHECK(strstr(overlap.text, "08:00-12:00 and 11:00-13:00") != NULL);
    struct reply unknown = ask(BOOTSTRAP, "POST", "/hours", within,
                               "{'name':'x','weeklySchedule':{'montag':{'isOpen':true}}}");
    CHECK(is_problem(&unknown, 400, "FIELD_UNKNOWN", "weeklySchedule.montag"));
}

static void test_now_and_due(void)
{
    in_workspace();
    struct reply made = ask(BOOTSTRAP, "POST", "/hours", within,
                            "{'name':'Line','timeZone':'America/Chicago'," OFFICE
                            ",'phoneNumbers':['+15125550199']}");
    CHECK_I64(made.status, 201);
    /* a Monday, 12:30 in Chicago */
    struct reply now =
        ask(BOOTSTRAP, "GET", "/hours/now?phoneNumber=%2B15125550199&at=2026-11-30T18:30:00Z",
            within, NULL);
    CHECK_I64(now.status, 200);
    CHECK_TEXT(at(now.body, "scheduleName"), "Line");
    CHECK_I64(at_i64(now.body, "isOpen"), 0);
    CHECK_TEXT(at(now.body, "localTime"), "2026-11-30T12:30:00-06:00");
    CHECK_TEXT(at(now.body, "nextOpen"), "2026-11-30T19:00:00Z");
    CHECK_TEXT(at(now.body, "nextClose"), "2026-12-01T00:00:00Z");
    struct reply due =
        ask(BOOTSTRAP, "GET",
            "/hours/due?kind=missed_call&phoneNumber=%2B15125550199&at=2026-11-30T17:30:00Z",
            within, NULL);
    CHECK_I64(due.status, 200);
    CHECK_TEXT(at(due.body, "due"), "2026-11-30T19:30:00Z");
    struct reply none = ask(BOOTSTRAP, "GET", "/hours/now", within, NULL);
    CHECK_TEXT(at(none.body, "scheduleSid"), "");
    CHECK_I64(at_i64(none.body, "isOpen"), 1);
    struct reply odd = ask(BOOTSTRAP, "GET", "/hours/due?kind=never", within, NULL);
    CHECK_I64(odd.status, 400);
}

static const struct test_case cases[] = {
    {"a schedule is made, read, listed, changed and deleted", test_life       },
    {"what is wrong is named by its place",                   test_refused    },
    {"the hours of a line and its due times are told",        test_now_and_due},
};

int main(int argc, char **argv)
{
    return fixture_all_main("gateway hours", NULL, cases, ARRAY_LEN(cases), argc, argv);
}
