/* routing-svc: business hours, whom they are for, and what they say. */
#include "suite.h"

#define R              SUITE_ROUTING
#define NO_ONE         "WQ00000000000000000000000000000001"
#define NOTHING        "BH00000000000000000000000000000001"
#define OPEN(from, to) "{'isOpen':true,'timeSlots':[{'start':'" from "','end':'" to "'}]}"
#define WORKDAYS(day)                                                                              \
    "'weeklySchedule':{'monday':" day ",'tuesday':" day ",'wednesday':" day ",'thursday':" day     \
    ",'friday':" day "}"
#define OFFICE WORKDAYS(OPEN("08:00", "18:00"))

static const char *ws; /* in Chicago */
static const char *permits;

static const char *workspace(const char *zone)
{
    static int number;
    return at(suite_ok(&suite_admin, SUITE_WORKERS, "CreateWorkspace",
                       "{'friendlyName':'Hours %d','timeZone':'%s'}", ++number, zone),
              "sid");
}

static const char *queue(const char *workspace_sid, const char *name)
{
    return at(suite_ok(&suite_admin, SUITE_QUEUES, "CreateTaskQueue",
                       "{'workspaceSid':'%s','friendlyName':'%s'}", workspace_sid, name),
              "sid");
}

static void make_workspace(void)
{
    if (ws != NULL)
        return;
    ws = workspace("America/Chicago");
    permits = queue(ws, "Permits");
}

static const json_t *schedule(const char *workspace_sid, const char *name, const char *rest)
{
    return suite_ok(&suite_supervisor, R, "CreateSchedule",
                    "{'workspaceSid':'%s','name':'%s'," OFFICE "%s}", workspace_sid, name, rest);
}

static void test_create(void)
{
    make_workspace();
    const char *json = suite_text(
        "{'workspaceSid':'%s','name':'Customer support','timeZone':'America/New_York'," OFFICE
        ",'holidays':[{'name':'Christmas','date':'2026-12-25'},{'name':'Silvester',"
        "'date':'2026-12-31','isOpen':true,'timeSlots':[{'start':'09:00','end':'12:00'}]}],"
        "'specialHours':[{'name':'Summer','startDate':'2026-07-01','endDate':'2026-07-31',"
        "'schedule':{'monday':" OPEN(
            "07:00",
            "24:00") "}}],'taskQueueSids':['%s'],"
                     "'phoneNumbers':['(512) 555-0100','+442079460958'],'idempotencyKey':'h'}",
        ws, permits);
    const json_t *made = suite_ok(&suite_supervisor, R, "CreateSchedule", "%s", json);
    const char *sid = at(made, "sid");
    CHECK(str_starts_with(str_from(sid), STR("BH")));
    CHECK_I64(at_i64(made, "version"), 1);
    CHECK_TEXT(at(made, "weeklySchedule.monday.timeSlots.0.start"), "08:00");
    CHECK_I64(at_i64(made, "weeklySchedule.friday.isOpen"), 1);
    CHECK_TEXT(at(made, "holidays.1.timeSlots.0.end"), "12:00");
    CHECK_TEXT(at(made, "specialHours.0.schedule.monday.timeSlots.0.end"), "24:00");
    CHECK_TEXT(at(made, "phoneNumbers.0"), "+15125550100");
    CHECK_TEXT(at(made, "phoneNumbers.1"), "+442079460958");
    CHECK_TEXT(at(made, "taskQueueSids.0"), permits);
    CHECK(json_equal(made, suite_ok(&suite_supervisor, R, "CreateSchedule", "%s", json)));
    CHECK(json_equal(made, suite_ok(&suite_viewer, R, "GetSchedule",
                                    "{'workspaceSid':'%s','sid':'%s'}", ws, sid)));
    const struct seen_event *event = suite_event("schedule.created", sid, 0);
    REQUIRE(event != NULL);
    CHECK_TEXT(event->subject, suite_text("taskrouter.%s.schedule.created", ws));
    CHECK_TEXT(at(event->payload, "data.schedule.holidays.0.name"), "Christmas");
    CHECK_TEXT(at(event->payload, "data.schedule.phoneNumbers.0"), "+15125550100");
    CHECK_I64(suite_event_count("", sid), 1);
}

static void test_refused(void)
{
    make_workspace();
    const char *elsewhere = queue(suite_workspace(), "Elsewhere");
    const struct {
        const struct identity *who;
        const char *rest;
        const char *want;
    } rows[] = {
        {&suite_viewer,     "'name':'x'," OFFICE,                                                  "PERMISSION_DENIED ROLE_TOO_LOW"                 },
        {&suite_stranger,   "'name':'x'," OFFICE,                                                  "NOT_FOUND WORKSPACE_NOT_FOUND"                  },
        {&suite_supervisor, "'name':'x'",                                                          "INVALID_ARGUMENT FIELD_REQUIRED weekly_schedule"},
        {&suite_supervisor, "'name':' '," OFFICE,                                                  "INVALID_ARGUMENT INVALID_NAME name"             },
        {&suite_supervisor, "'name':'x','timeZone':'CST'," OFFICE,
         "INVALID_ARGUMENT INVALID_TIME_ZONE time_zone : CST"                                                                                       },
        {&suite_supervisor,
         "'name':'x','weeklySchedule':{'tuesday':{'isOpen':true,'timeSlots':["
         "{'start':'08:00','end':'12:00'},{'start':'11:30','end':'13:00'}]}}",                     "INVALID_ARGUMENT SLOTS_OVERLAP weekly_schedule.tuesday.time_slots[1] : 08:00-12:00 and "
         "11:30-13:00"                                                },
        {&suite_supervisor, "'name':'x','weeklySchedule':{'sunday':{'isOpen':true}}",
         "INVALID_ARGUMENT NO_SLOTS weekly_schedule.sunday.time_slots"                                                                              },
        {&suite_supervisor, "'name':'x'," OFFICE ",'holidays':[{'name':'y','date':'2027-02-29'}]",
         "INVALID_ARGUMENT INVALID_DATE holidays[0].date"                                                                                           },
        {&suite_supervisor,
         "'name':'x'," OFFICE ",'specialHours':[{'name':'y','startDate':'2026-01-02','endDate':"
         "'2026-01-01'}]",                                                                         "INVALID_ARGUMENT INVALID_RANGE special_hours[0]"},
        {&suite_supervisor, "'name':'x'," OFFICE ",'taskQueueSids':['" NO_ONE "']",
         "INVALID_ARGUMENT QUEUE_NOT_FOUND task_queue_sids : taskQueueSids names queue " NO_ONE                                                     },
        {&suite_supervisor, "'name':'x'," OFFICE ",'taskQueueSids':['" NO_ONE "','" NO_ONE "']",
         "INVALID_ARGUMENT GIVEN_TWICE task_queue_sids[1]"                                                                                          },
        {&suite_supervisor, "'name':'x'," OFFICE ",'taskQueueSids':['Permits']",
         "INVALID_ARGUMENT INVALID_SID task_queue_sids[0]"                                                                                          },
        {&suite_supervisor, "'name':'x'," OFFICE ",'phoneNumbers':['+15125550100','here']",
         "INVALID_ARGUMENT INVALID_PHONE_NUMBER phone_numbers[1]"                                                                                   },
        {&suite_supervisor, "'name':'x'," OFFICE ",'idempotencyKey':'h'",
         "ALREADY_EXISTS IDEMPOTENCY_KEY_REUSED"                                                                                                    },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK(suite_refused(rows[i].who, R, rows[i].want, "CreateSchedule",
                            "{'workspaceSid':'%s',%s}", ws, rows[i].rest));
    CHECK(suite_refused(&suite_supervisor, R, "INVALID_ARGUMENT QUEUE_NOT_FOUND", "CreateSchedule",
                        "{'workspaceSid':'%s','name':'x'," OFFICE ",'taskQueueSids':['%s']}", ws,
                        elsewhere));
    CHECK(suite_refused(&suite_viewer, R, "NOT_FOUND SCHEDULE_NOT_FOUND sid", "GetSchedule",
                        "{'workspaceSid':'%s','sid':'" NOTHING "'}", ws));
    CHECK(suite_refused(&suite_viewer, R, "INVALID_ARGUMENT INVALID_SID sid : BH", "GetSchedule",
                        "{'workspaceSid':'%s','sid':'" NO_ONE "'}", ws));
    CHECK_I64(suite_count("select count(*) from routing.schedule where name = 'x'"), 0);
}

static void test_claims(void)
{
    const char *sid = suite_workspace();
    const char *first = queue(sid, "First");
    const char *second = queue(sid, "Second");
    const char *claims = suite_text(
        ",'isDefault':true,'taskQueueSids':['%s'],'phoneNumbers':['+15125550100']", first);
    const char *holder = at(schedule(sid, "Holder", claims), "sid");
    const struct {
        const char *rest;
        const char *want;
    } rows[] = {
        {suite_text("'name':'y','taskQueueSids':['%s','%s']",       second,                            first),
         "ALREADY_EXISTS QUEUE_HAS_HOURS task_queue_sids : Holder"},
        {"'name':'y','phoneNumbers':['512 555 0100']",
         "ALREADY_EXISTS LINE_HAS_HOURS phone_numbers : +15125550100 has its hours from the "
         "schedule"                                 },
        {"'name':'y','isDefault':true",                                                "ALREADY_EXISTS DEFAULT_EXISTS is_default"                                               },
        {"'name':'HOLDER'","ALREADY_EXISTS SCHEDULE_NAME_TAKEN name"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK(suite_refused(&suite_supervisor, R, rows[i].want, "CreateSchedule",
                            "{'workspaceSid':'%s',%s," OFFICE "}", sid, rows[i].rest));
    /* what is let go may be taken; a schedule keeps what it has when it is changed */
    const char *taker = at(schedule(sid, "Taker", ""), "sid");
    const char *give =
        suite_text("{'schedule':{'workspaceSid':'%s','sid':'%s','taskQueueSids':['%s']},"
                   "'updateMask':'taskQueueSids'}",
                   sid, taker, first);
    CHECK(suite_refused(&suite_supervisor, R, "ALREADY_EXISTS QUEUE_HAS_HOURS", "UpdateSchedule",
                        "%s", give));
    const json_t *now = suite_ok(&suite_supervisor, R, "UpdateSchedule",
                                 "{'schedule':{'workspaceSid':'%s','sid':'%s','name':'Holder 2',"
                                 "'taskQueueSids':['%s']},'updateMask':'name,taskQueueSids'}",
                                 sid, holder, second);
    CHECK_TEXT(at(now, "taskQueueSids.0"), second);
    CHECK_TEXT(at(now, "phoneNumbers.0"), "+15125550100");
    CHECK_I64(at_i64(now, "isDefault"), 1);
    CHECK_TEXT(at(suite_ok(&suite_supervisor, R, "UpdateSchedule", "%s", give), "taskQueueSids.0"),
               first);
    (void)suite_ok(&suite_supervisor, R, "DeleteSchedule", "{'workspaceSid':'%s','sid':'%s'}", sid,
                   holder);
    (void)schedule(sid, "Heir", suite_text(",'isDefault':true,'taskQueueSids':['%s']", second));
    /* the same number in another workspace is another line */
    (void)schedule(suite_workspace(), "Elsewhere", ",'phoneNumbers':['+15125550100']");
}

static void test_update(void)
{
    make_workspace();
    const char *sid = at(schedule(ws, "Changing", ""), "sid");
    const char *whole = suite_text("'workspaceSid':'%s','sid':'%s'", ws, sid);
    static const struct {
        const struct identity *who;
        const char *fields;
        const char *rest;
        const char *want;
    } rows[] = {
        {&suite_viewer,     "",                                                             "'updateMask':'name'",                     "PERMISSION_DENIED ROLE_TOO_LOW"      },
        {&suite_supervisor, "",                                                             "'updateMask':''",                         "INVALID_ARGUMENT EMPTY_UPDATE"       },
        {&suite_supervisor, "",                                                             "'updateMask':'version'",                  "INVALID_ARGUMENT FIELD_NOT_UPDATABLE"},
        {&suite_supervisor, ",'name':'z'",                                                  "'updateMask':'name','expectedVersion':7",
         "ABORTED VERSION_MISMATCH"                                                                                                                                          },
        {&suite_supervisor, "",                                                             "'updateMask':'weeklySchedule'",
         "INVALID_ARGUMENT FIELD_REQUIRED weekly_schedule"                                                                                                                   },
        {&suite_supervisor,
         ",'holidays':[{'name':'a','date':'2026-01-01'},{'name':'b','date':'2026-01-01'}]", "'updateMask':'holidays'",
         "INVALID_ARGUMENT HOLIDAYS_OVERLAP holidays[1] : \"a\" and \"b\""                                                                                                   },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK(suite_refused(rows[i].who, R, rows[i].want, "UpdateSchedule",
                            "{'schedule':{%s%s},%s}", whole, rows[i].fields, rows[i].rest));
    const json_t *now =
        suite_ok(&suite_supervisor, R, "UpdateSchedule",
                 "{'schedule':{%s,'timeZone':'Europe/Berlin','weeklySchedule':{'sunday':" OPEN(
                     "10:00", "11:00") "}},'updateMask':'timeZone,weeklySchedule',"
                                       "'expectedVersion':1}",
                 whole);
    CHECK_I64(at_i64(now, "version"), 2);
    CHECK_TEXT(at(now, "timeZone"), "Europe/Berlin");
    CHECK_TEXT(at(now, "weeklySchedule.sunday.timeSlots.0.start"), "10:00");
    CHECK_TEXT(at(now, "weeklySchedule.monday.timeSlots.0.start"), "");
    const struct seen_event *event = suite_event("schedule.updated", sid, 0);
    REQUIRE(event != NULL);
    CHECK_I64(at_i64(event->payload, "resourceversion"), 2);
    CHECK(suite_refused(&suite_supervisor, R, "ABORTED VERSION_MISMATCH", "DeleteSchedule",
                        "{%s,'expectedVersion':1}", whole));
    (void)suite_ok(&suite_supervisor, R, "DeleteSchedule", "{%s,'expectedVersion':2}", whole);
    event = suite_event("schedule.deleted", sid, 0);
    REQUIRE(event != NULL);
    CHECK_I64(at_i64(event->payload, "resourceversion"), 3);
    CHECK_I64(at_i64(event->payload, "data.deleted"), 1);
    CHECK(suite_refused(&suite_supervisor, R, "NOT_FOUND SCHEDULE_NOT_FOUND", "DeleteSchedule",
                        "{%s}", whole));
}

static void test_list(void)
{
    const char *sid = suite_workspace();
    for (int i = 0; i < 3; i++)
        (void)schedule(sid, suite_text("S%d", i), "");
    const json_t *page =
        suite_ok(&suite_viewer, R, "ListSchedules", "{'workspaceSid':'%s','pageSize':2}", sid);
    CHECK_I64(at_i64(page, "items"), 2);
    CHECK_TEXT(at(page, "items.1.name"), "S1");
    page = suite_ok(&suite_viewer, R, "ListSchedules", "{'workspaceSid':'%s','cursor':'%s'}", sid,
                    at(page, "nextCursor"));
    CHECK_I64(at_i64(page, "items"), 1);
    CHECK_TEXT(at(page, "items.0.weeklySchedule.friday.timeSlots.0.end"), "18:00");
    CHECK_TEXT(at(page, "nextCursor"), "");
    CHECK(suite_uses_index("routing", false, "store/schedule_store.sql", "schedule_list",
                           suite_text("'%s', '', 2", sid), "Index"));
}

static const json_t *hours(const char *workspace_sid, const char *rest)
{
    return suite_ok(&suite_viewer, R, "GetHours", "{'workspaceSid':'%s'%s}", workspace_sid, rest);
}

static void test_who_applies(void)
{
    const char *sid = workspace("America/Chicago");
    const char *first = queue(sid, "First");
    const json_t *none = hours(sid, ",'at':'2026-11-29T03:00:00Z'");
    CHECK_TEXT(at(none, "scheduleSid"), "");
    CHECK_I64(at_i64(none, "isOpen"), 1);
    CHECK_TEXT(at(none, "timeZone"), "America/Chicago");
    CHECK_TEXT(at(none, "localTime"), "2026-11-28T21:00:00-06:00");
    CHECK_TEXT(at(none, "nextClose"), "");
    const char *standard = at(schedule(sid, "Default", ",'isDefault':true"), "sid");
    const char *queues =
        at(schedule(sid, "Queue", suite_text(",'taskQueueSids':['%s']", first)), "sid");
    const char *line =
        at(schedule(sid, "Line", ",'timeZone':'Asia/Kathmandu','phoneNumbers':['+15125550100']"),
           "sid");
    const char *both = suite_text(",'taskQueueSid':'%s','phoneNumber':'(512) 555-0100'", first);
    const char *other = suite_text(",'taskQueueSid':'%s','phoneNumber':'+15125550199'", first);
    CHECK_TEXT(at(hours(sid, both), "scheduleSid"), line);
    CHECK_TEXT(at(hours(sid, both), "timeZone"), "Asia/Kathmandu");
    CHECK_TEXT(at(hours(sid, other), "scheduleSid"), queues);
    CHECK_TEXT(at(hours(sid, other), "timeZone"), "America/Chicago");
    CHECK_TEXT(at(hours(sid, ",'phoneNumber':'+15125550199'"), "scheduleName"), "Default");
    CHECK_TEXT(at(hours(sid, ""), "scheduleSid"), standard);
    CHECK_TEXT(at(hours(sid, suite_text("%s,'scheduleSid':'%s'", both, queues)), "scheduleSid"),
               queues);
    CHECK(suite_uses_index("routing", false, "store/schedule_store.sql", "schedule_find",
                           suite_text("'%s', '+15125550100', '%s'", sid, first), "Index"));
    static const struct {
        const char *rest;
        const char *want;
    } rows[] = {
        {",'scheduleSid':'" NOTHING "'", "NOT_FOUND SCHEDULE_NOT_FOUND"                      },
        {",'scheduleSid':'x'",           "INVALID_ARGUMENT INVALID_SID schedule_sid"         },
        {",'taskQueueSid':'x'",          "INVALID_ARGUMENT INVALID_SID task_queue_sid"       },
        {",'phoneNumber':'x'",           "INVALID_ARGUMENT INVALID_PHONE_NUMBER phone_number"},
        {",'at':'2200-01-01T00:00:00Z'", "INVALID_ARGUMENT OUT_OF_RANGE at"                  },
        {",'at':'1969-12-31T23:59:59Z'", "INVALID_ARGUMENT OUT_OF_RANGE at"                  },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK(suite_refused(&suite_viewer, R, rows[i].want, "GetHours", "{'workspaceSid':'%s'%s}",
                            sid, rows[i].rest));
    CHECK(suite_refused(&suite_stranger, R, "NOT_FOUND WORKSPACE_NOT_FOUND", "GetHours",
                        "{'workspaceSid':'%s'}", sid));
}

/* At the edges, over a holiday, and on both days on which clocks are changed. */
static void test_hours(void)
{
    const char *sid = workspace("America/New_York");
    (void)schedule(sid, "Office",
                   ",'isDefault':true,'holidays':[{'name':'Thanksgiving','date':'2026-11-26'}],"
                   "'specialHours':[{'name':'Sundays','startDate':'2026-03-01','endDate':"
                   "'2026-11-08','schedule':{'sunday':" OPEN("01:00", "03:00") "}}]");
    static const struct {
        const char *at;
        int64_t is_open;
        const char *local;
        const char *open;
        const char *close;
        const char *why;
    } rows[] = {
        {"2026-11-25T22:59:59Z", 1, "2026-11-25T17:59:59-05:00", "2026-11-27T13:00:00Z",
         "2026-11-25T23:00:00Z", ""            },
        {"2026-11-25T23:00:00Z", 0, "2026-11-25T18:00:00-05:00", "2026-11-27T13:00:00Z",
         "2026-11-27T23:00:00Z", ""            },
        {"2026-11-26T15:00:00Z", 0, "2026-11-26T10:00:00-05:00", "2026-11-27T13:00:00Z",
         "2026-11-27T23:00:00Z", "Thanksgiving"},
        {"2026-03-08T06:30:00Z", 1, "2026-03-08T01:30:00-05:00", "2026-03-15T05:00:00Z",
         "2026-03-08T07:00:00Z", "Sundays"     },
        {"2026-03-08T07:00:00Z", 0, "2026-03-08T03:00:00-04:00", "2026-03-15T05:00:00Z",
         "2026-03-15T07:00:00Z", "Sundays"     },
        {"2026-11-01T06:30:00Z", 1, "2026-11-01T01:30:00-05:00", "2026-11-08T06:00:00Z",
         "2026-11-01T08:00:00Z", "Sundays"     },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const json_t *state = hours(sid, suite_text(",'at':'%s'", rows[i].at));
        CHECK_I64(at_i64(state, "isOpen"), rows[i].is_open);
        CHECK_TEXT(at(state, "localTime"), rows[i].local);
        CHECK_TEXT(at(state, "nextOpen"), rows[i].open);
        CHECK_TEXT(at(state, "nextClose"), rows[i].close);
        CHECK_TEXT(at_i64(state, "isHoliday") == 1 ? at(state, "holidayName")
                                                   : at(state, "specialName"),
                   rows[i].why);
    }
}

static void test_due(void)
{
    const char *sid = workspace("America/Chicago");
    const char *at_noon = "'at':'2026-11-27T18:00:00Z'"; /* a Friday, 12:00 */
    const char *office = at(schedule(sid, "Office", ",'isDefault':true"), "sid");
    static const struct {
        const char *kind;
        const char *want;
    } rows[] = {
        {"'kind':'DUE_KIND_VOICEMAIL'",               "2026-11-28T00:00:00Z"},
        {"'kind':'DUE_KIND_MISSED_CALL'",             "2026-11-27T19:00:00Z"},
        {"'kind':'DUE_KIND_TEXT'",                    "2026-11-27T18:30:00Z"},
        {"'kind':'DUE_KIND_SECONDS','seconds':25200", "2026-11-30T15:00:00Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const json_t *due = suite_ok(&suite_viewer, R, "GetDueTime", "{'workspaceSid':'%s',%s,%s}",
                                     sid, at_noon, rows[i].kind);
        CHECK_TEXT(at(due, "due"), rows[i].want);
        CHECK_TEXT(at(due, "scheduleSid"), office);
        CHECK_TEXT(at(due, "timeZone"), "America/Chicago");
    }
    CHECK(suite_refused(&suite_viewer, R, "INVALID_ARGUMENT FIELD_REQUIRED kind", "GetDueTime",
                        "{'workspaceSid':'%s'}", sid));
    CHECK(suite_refused(&suite_viewer, R, "INVALID_ARGUMENT OUT_OF_RANGE seconds", "GetDueTime",
                        "{'workspaceSid':'%s','kind':'DUE_KIND_SECONDS','seconds':2592001}", sid));
    const char *never =
        at(suite_ok(&suite_supervisor, R, "CreateSchedule",
                    "{'workspaceSid':'%s','name':'Never','weeklySchedule':{}}", sid),
           "sid");
    CHECK(suite_refused(&suite_viewer, R, "FAILED_PRECONDITION NO_BUSINESS_HOURS", "GetDueTime",
                        "{'workspaceSid':'%s','scheduleSid':'%s','kind':'DUE_KIND_TEXT'}", sid,
                        never));
    /* where there is no schedule it is always open */
    CHECK_TEXT(at(suite_ok(&suite_viewer, R, "GetDueTime",
                           "{'workspaceSid':'%s',%s,'kind':'DUE_KIND_MISSED_CALL'}",
                           suite_workspace(), at_noon),
                  "due"),
               "2026-11-27T19:00:00Z");
}

static const json_t *decision(const char *workspace_sid, const char *rest)
{
    return suite_ok(&suite_service_id, R, "Decide", "{'workspaceSid':'%s','attributes':'{}'%s}",
                    workspace_sid, rest);
}

/* Rules go by the hours of the called line, else by the default ones; a change counts at once. */
static void test_decisions(void)
{
    const char *sid = workspace("America/Chicago");
    const char *office = queue(sid, "Office");
    (void)suite_ok(&suite_supervisor, R, "CreateRule",
                   "{'workspaceSid':'%s','name':'Open','priority':5,"
                   "'condition':'hours.open AND time.hour == 8','actions':[{'type':"
                   "'RULE_ACTION_TYPE_ROUTE_TO_QUEUE','target':'%s'}]}",
                   sid, office);
    const char *at_eight = ",'at':'2026-11-30T14:00:00Z'"; /* a Monday, in Chicago */
    const char *from_line =
        ",'at':'2026-11-30T02:15:00Z','calledPhone':'+15125550100'"; /* 08:00 in Kathmandu */
    CHECK_TEXT(at(decision(sid, at_eight), "taskQueueSid"), office);
    CHECK_TEXT(at(decision(sid, at_eight), "hours.scheduleSid"), "");
    CHECK_TEXT(at(decision(sid, from_line), "taskQueueSid"), "");
    const char *standard = at(schedule(sid, "Default", ",'isDefault':true"), "sid");
    const json_t *open = decision(sid, at_eight);
    CHECK_TEXT(at(open, "hours.scheduleSid"), standard);
    CHECK_TEXT(at(open, "taskQueueSid"), office);
    CHECK_TEXT(at(decision(sid, ",'at':'2026-11-29T14:00:00Z'"), "taskQueueSid"), "");
    const char *line =
        at(schedule(sid, "Line", ",'timeZone':'Asia/Kathmandu','phoneNumbers':['+15125550100']"),
           "sid");
    const json_t *called = decision(sid, from_line);
    CHECK_TEXT(at(called, "hours.scheduleSid"), line);
    CHECK_TEXT(at(called, "taskQueueSid"), office);
    CHECK_TEXT(at(decision(sid, ",'at':'2026-11-30T02:14:59Z','calledPhone':'+15125550100'"),
                  "taskQueueSid"),
               "");
    (void)suite_ok(&suite_supervisor, R, "DeleteSchedule", "{'workspaceSid':'%s','sid':'%s'}", sid,
                   line);
    CHECK_TEXT(at(decision(sid, from_line), "hours.scheduleSid"), standard);
}

static bool is_in_berlin(const void *workspace_sid)
{
    struct answer answer = suite_call(&suite_viewer, R, "GetHours", "{'workspaceSid':'%s'}",
                                      (const char *)workspace_sid);
    return answer.code == ERR_OK && strcmp(at(answer.body, "timeZone"), "Europe/Berlin") == 0;
}

static bool is_empty(const void *workspace_sid)
{
    const char *sid = workspace_sid;
    return suite_count(
               "select (select count(*) from routing.schedule where workspace_sid = '%s')"
               " + (select count(*) from routing.schedule_claim where workspace_sid = '%s')",
               sid, sid) == 0;
}

static void test_events(void)
{
    const char *sid = workspace("America/Chicago");
    const char *doomed = queue(sid, "Doomed");
    const char *kept = queue(sid, "Kept");
    const char *mine =
        at(schedule(sid, "Mine",
                    suite_text(",'isDefault':true,'taskQueueSids':['%s','%s']", doomed, kept)),
           "sid");
    /* a queue with hours is deleted like any other, and leaves them */
    (void)suite_ok(&suite_admin, SUITE_QUEUES, "DeleteTaskQueue",
                   "{'workspaceSid':'%s','sid':'%s'}", sid, doomed);
    const struct seen_event *event = suite_event("schedule.updated", mine, 0);
    REQUIRE(event != NULL);
    CHECK_TEXT(at(event->payload, "data.schedule.taskQueueSids.0"), kept);
    const json_t *now =
        suite_ok(&suite_viewer, R, "GetSchedule", "{'workspaceSid':'%s','sid':'%s'}", sid, mine);
    CHECK_I64(at_i64(now, "taskQueueSids"), 1);
    CHECK_I64(at_i64(now, "version"), 2);
    CHECK(suite_refused(&suite_supervisor, R, "INVALID_ARGUMENT QUEUE_NOT_FOUND task_queue_sids",
                        "UpdateSchedule",
                        "{'schedule':{'workspaceSid':'%s','sid':'%s','taskQueueSids':['%s']},"
                        "'updateMask':'taskQueueSids'}",
                        sid, mine, doomed));
    /* the zone follows the workspace's; what was never told is asked for */
    (void)suite_ok(&suite_admin, SUITE_WORKERS, "UpdateWorkspace",
                   "{'workspace':{'sid':'%s','timeZone':'Europe/Berlin'},'updateMask':'timeZone'}",
                   sid);
    CHECK(suite_until(is_in_berlin, sid, 20000));
    CHECK_I64(suite_count("with forgotten as (update routing.workspace_copy set time_zone = null "
                          "where sid = '%s' returning 1) select count(*) from forgotten",
                          sid),
              1);
    CHECK(is_in_berlin(sid));
    CHECK_I64(suite_count("select count(*) from routing.workspace_copy where sid = '%s' and "
                          "time_zone = 'Europe/Berlin'",
                          sid),
              1);
    (void)suite_ok(&suite_admin, SUITE_WORKERS, "DeleteWorkspace", "{'sid':'%s'}", sid);
    CHECK(suite_until(is_empty, sid, 20000));
}

/* Zones of workspaces are told by workers-svc, which knows less about them. */
static void test_unknown_zone(void)
{
    const char *sid = workspace("Mars/Olympus");
    CHECK(suite_refused(&suite_viewer, R, "FAILED_PRECONDITION INVALID_TIME_ZONE : Mars/Olympus",
                        "GetHours", "{'workspaceSid':'%s'}", sid));
    CHECK(suite_refused(&suite_supervisor, R,
                        "INVALID_ARGUMENT INVALID_TIME_ZONE time_zone : Mars/Olympus",
                        "CreateSchedule", "{'workspaceSid':'%s','name':'x'," OFFICE "}", sid));
    const char *made = at(schedule(sid, "Own", ",'timeZone':'UTC','isDefault':true"), "sid");
    CHECK_TEXT(at(hours(sid, ""), "scheduleSid"), made);
}

static void test_limit(void)
{
    const char *sid = suite_workspace();
    (void)schedule(sid, "First", "");
    CHECK_I64(suite_count("with made as (insert into routing.schedule (sid, account_sid, "
                          "workspace_sid, name, time_zone, hours, is_default, created_at, "
                          "updated_at) select 'BH' || md5(n::text || '%s'), account_sid, "
                          "workspace_sid, 'S' || n, '', hours, false, now(), now() "
                          "from routing.schedule, generate_series(2, 200) n "
                          "where workspace_sid = '%s' returning 1) select count(*) from made",
                          sid, sid),
              199);
    CHECK(suite_refused(&suite_supervisor, R, "FAILED_PRECONDITION LIMIT_REACHED : 200 schedules",
                        "CreateSchedule", "{'workspaceSid':'%s','name':'x'," OFFICE "}", sid));
}

static const struct test_case cases[] = {
    {"a schedule is made, told, read back; a repeated key makes no second", test_create      },
    {"bad requests are refused with code, field and place",                 test_refused     },
    {"a queue, a line and the workspace have one schedule each",            test_claims      },
    {"what the mask names is changed; versions guard it",                   test_update      },
    {"schedules are listed by page",                                        test_list        },
    {"the line's schedule goes before the queue's before the default",      test_who_applies },
    {"hours are right at their edges and when clocks are changed",          test_hours       },
    {"due times follow the schedule",                                       test_due         },
    {"decisions go by the hours of the line, else the default",             test_decisions   },
    {"queues, zones and workspaces come and go by events",                  test_events      },
    {"an unknown zone of the workspace is said",                            test_unknown_zone},
    {"a workspace has so many schedules at most",                           test_limit       },
};

int main(int argc, char **argv)
{
    return suite_main("hours",
                      SUITE_BIT(SUITE_WORKERS) | SUITE_BIT(SUITE_QUEUES) | SUITE_BIT(SUITE_ROUTING),
                      cases, ARRAY_LEN(cases), argc, argv);
}
