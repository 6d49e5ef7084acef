/* Calls and text messages outside of business hours, and of callers who are known. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "calling.h"

#define ASKED    "+15125550110" /* closed: lines of each kind of afterHours */
#define DIVERTED "+15125550111"
#define REFUSED  "+15125550112"
#define QUEUED   "+15125550113"
#define OPEN     "+15125550114"
#define HOLIDAY  "+15125550115"
#define NEVER    "+15125550116" /* closed every day */
#define ALWAYS   "+15125550117" /* no hours */
#define VIP      "+15125550141"
#define HOSTILE  "+15125550142"
#define STRANGER "+15125550149"

#define HOSTILE_NAME "<Say>\\'};--\\u202e\\u00e9 ${x} %s </Response>"
#define ALL_DAY      "{'isOpen':true,'timeSlots':[{'start':'00:00','end':'24:00'}]}"
#define ALL_WEEK                                                                                   \
    "{'monday':" ALL_DAY ",'tuesday':" ALL_DAY ",'wednesday':" ALL_DAY ",'thursday':" ALL_DAY      \
    ",'friday':" ALL_DAY ",'saturday':" ALL_DAY ",'sunday':" ALL_DAY "}"

enum { PATIENCE_MS = 60000, AHEAD_DAYS = 3, DAY_S = 86400 };

static const char *const env[] = {CALLING_ENV, NULL};

static const char *within; /* the header that names the workspace */
static const char *queue;
static const char *vip_queue;
static const char *worker;
static const char *next_day; /* when it is open again, "2026-11-30" */

/* ---- the workspace ---- */

static struct reply make(const char *path, const char *body)
{
    struct reply reply = ask(BOOTSTRAP, "POST", path, within, body);
    if (!CHECK_I64(reply.status, 201))
        fprintf(stderr, "%s: %s\n", path, reply.text);
    return reply;
}

/* The day so many days after that of the first question, so that midnight may pass. */
static struct tm day(int days)
{
    static time_t now_s;
    struct tm parts = {0};
    if (now_s == 0)
        now_s = time(NULL);
    time_t at_s = now_s + (time_t)days * DAY_S;
    CHECK(gmtime_r(&at_s, &parts) != NULL);
    return parts;
}

static const char *date(int days)
{
    struct tm parts = day(days);
    return text("%04d-%02d-%02d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

static const char *weekday(int days)
{
    static const char *const names[] = {"sunday",   "monday", "tuesday", "wednesday",
                                        "thursday", "friday", "saturday"};
    return names[day(days).tm_wday];
}

static void hours_new(void)
{
    next_day = date(AHEAD_DAYS);
    (void)make("/hours",
               text("{'name':'Closed','timeZone':'UTC','weeklySchedule':{'%s':{'isOpen':true,"
                    "'timeSlots':[{'start':'08:00','end':'12:00'}]}},'phoneNumbers':['" ASKED
                    "','" DIVERTED "','" REFUSED "','" QUEUED "']}",
                    weekday(AHEAD_DAYS)));
    (void)make("/hours", "{'name':'Open','timeZone':'UTC','weeklySchedule':" ALL_WEEK
                         ",'phoneNumbers':['" OPEN "']}");
    (void)make("/hours",
               text("{'name':'Holiday','timeZone':'UTC','weeklySchedule':" ALL_WEEK
                    ",'holidays':[{'name':'Today','date':'%s','isOpen':false},"
                    "{'name':'Tomorrow','date':'%s','isOpen':false}],'phoneNumbers':['" HOLIDAY
                    "']}",
                    date(0), date(1)));
    (void)make("/hours", "{'name':'Never','timeZone':'UTC','weeklySchedule':{'monday':"
                         "{'isOpen':false}},'phoneNumbers':['" NEVER "']}");
}

static void lines_new(void)
{
    (void)make("/lines", "{'phoneNumber':'" ASKED "','afterHoursMessage':'Closed & out'}");
    (void)make("/lines", "{'phoneNumber':'" DIVERTED "','afterHours':'transfer','afterHoursTarget'"
                         ":'+15125550177','afterHoursMessage':'To the night desk'}");
    (void)make("/lines", "{'phoneNumber':'" REFUSED "','afterHours':'hang_up',"
                         "'afterHoursMessage':'Call on Monday'}");
    (void)make("/lines", "{'phoneNumber':'" QUEUED "','afterHours':'enqueue',"
                         "'afterHoursMessage':'It takes longer now'}");
    (void)make("/lines", "{'phoneNumber':'" OPEN "','afterHoursMessage':'Closed'}");
    (void)make("/lines", "{'phoneNumber':'" HOLIDAY "','voicemailGreeting':'Happy holiday'}");
    (void)make("/lines", "{'phoneNumber':'" NEVER "'}");
    (void)make("/lines", "{'phoneNumber':'" ALWAYS "'}");
}

static void callers_new(void)
{
    struct reply user = ask(BOOTSTRAP, "POST", "/users", NULL,
                            "{'email':'co@example.com','name':'Co','role':'agent'}");
    CHECK_I64(user.status, 201);
    worker = text("%s", at(make("/workers", "{'friendlyName':'Co','attributes':{}}").body, "sid"));
    CHECK_I64(ask(BOOTSTRAP, "POST", text("/workers/%s/user", worker), within,
                  text("{'userSid':'%s'}", at(user.body, "sid")))
                  .status,
              200);
    (void)make("/customers",
               "{'name':'Ann','phones':['" VIP "'],'customerType':'vip','externalId':'A-1',"
               "'organization':'Sun & Co','projectStatus':'PRE_PTO',"
               "'coordinatorEmail':'CO@example.com','attributes':{'language':'es'}}");
    (void)make("/customers", "{'name':'" HOSTILE_NAME "','phones':['" HOSTILE "']}");
    (void)make("/rules", text("{'name':'VIP','priority':100,'condition':"
                              "'caller.customer_type == \\'vip\\' AND caller.language == \\'es\\'',"
                              "'actions':[{'type':'route_to_queue','target':'%s'}]}",
                              vip_queue));
}

static void setup(void)
{
    if (within != NULL)
        return;
    within = text("X-Workspace-Sid: %s\r\n", workspace_new());
    queue = text("%s", at(make("/queues", "{'friendlyName':'Support'}").body, "sid"));
    vip_queue = text("%s", at(make("/queues", "{'friendlyName':'VIP'}").body, "sid"));
    (void)make("/workflows",
               text("{'friendlyName':'Main','configuration':{'task_routing':{'default_filter':"
                    "{'queue':'%s'}}}}",
                    queue));
    hours_new();
    lines_new();
    callers_new();
}

static struct reply call_get(const char *call)
{
    return ask(BOOTSTRAP, "GET", text("/calls/%s", call), within, NULL);
}

static struct reply task_get(const char *sid)
{
    return ask(BOOTSTRAP, "GET", text("/tasks/%s", sid), within, NULL);
}

static bool has(const struct reply *reply, const char *needle)
{
    bool is_there = reply->status == 200 && strstr(reply->text, needle) != NULL;
    if (!is_there)
        fprintf(stderr, "no %s in: %d %s\n", needle, reply->status, reply->text);
    return is_there;
}

/* ---- waiting for what consumers do ---- */

struct wish {
    const char *call;
    const char *member;
    const char *value; /* NULL: anything but "" */
};

static bool is_so(void *ctx)
{
    const struct wish *wish = ctx;
    const char *is = at(call_get(wish->call).body, wish->member);
    return wish->value == NULL ? is[0] != '\0' : strcmp(is, wish->value) == 0;
}

static bool becomes(const char *call, const char *member, const char *value)
{
    struct wish wish = {call, member, value};
    return until(is_so, &wish, PATIENCE_MS);
}

static bool is_worked_off(void *ctx)
{
    char value[32] = "-1";
    CHECK(cluster_sql_value(
        cluster,
        text("select count(*) from gateway.webhook where state = 'waiting' and lane = '%s'",
             (const char *)ctx),
        value, sizeof value));
    return strcmp(value, "0") == 0;
}

static bool settled(const char *lane)
{
    return until(is_worked_off, (void *)(uintptr_t)lane, PATIENCE_MS);
}

/* ---- hours ---- */

static void test_closed(void)
{
    setup();
    const char *call = call_new();
    struct reply asked = ring(call, ASKED);
    CHECK(has(&asked, "Closed &amp; out</Say><Record "));
    CHECK_TEXT(at(call_get(call).body, "taskSid"), "");
    struct reply dial = ring(call_new(), DIVERTED);
    CHECK(has(&dial, "To the night desk</Say><Dial "));
    CHECK(has(&dial, ">+15125550177</Number></Dial></Response>"));
    call = call_new();
    struct reply bye = ring(call, REFUSED);
    CHECK(has(&bye, "Call on Monday</Say><Hangup/></Response>"));
    CHECK_I64(tell("/voice/status", call, REFUSED, "completed", NULL).status, 204);
    CHECK(becomes(call, "status", "completed"));
    CHECK(settled(call));
    CHECK_TEXT(at(call_get(call).body, "followUpTaskSid"), "");
    call = call_new();
    struct reply waits = ring(call, QUEUED);
    CHECK(has(&waits, "It takes longer now</Say><Enqueue "));
    CHECK(at(call_get(call).body, "taskSid")[0] != '\0');
}

static void test_open(void)
{
    setup();
    struct reply waits = ring(call_new(), OPEN);
    CHECK(has(&waits, "<Response><Enqueue "));
}

static void test_holiday(void)
{
    setup();
    struct reply asked = ring(call_new(), HOLIDAY);
    CHECK(has(&asked, "Happy holiday</Say><Record "));
}

/* The call's follow-up task, once what came of it has been worked on. */
static struct reply follow_up(const char *call)
{
    CHECK(becomes(call, "followUpTaskSid", NULL));
    CHECK(settled(call));
    return task_get(at(call_get(call).body, "followUpTaskSid"));
}

static void leave_message(const char *call, const char *to, const char *recording)
{
    (void)ring(call, to);
    CHECK_I64(
        tell("/voice/recording?turn=message", call, to, "completed",
             MORE("RecordingSid", recording, "RecordingStatus", "completed", "RecordingDuration",
                  "12", "RecordingUrl", "https://api.twilio.com/2010-04-01/Recordings/RE1"))
            .status,
        204);
    CHECK_I64(tell("/voice/status", call, to, "completed", NULL).status, 204);
    CHECK(becomes(call, "status", "voicemail"));
}

static void test_due(void)
{
    setup();
    const char *call = call_new();
    leave_message(call, ASKED, "RE00000000000000000000000000000011");
    struct reply task = follow_up(call);
    const char *noon = text("%sT12:00:00Z", next_day);
    CHECK_TEXT(at(task.body, "attributes.type"), "voicemail");
    CHECK_TEXT(at(task.body, "attributes.due_date"), noon);
    CHECK_TEXT(at(call_get(call).body, "dateDue"), noon);

    const char *missed = call_new();
    (void)ring(missed, QUEUED);
    CHECK_I64(tell("/voice/status", missed, QUEUED, "completed", NULL).status, 204);
    task = follow_up(missed);
    CHECK_TEXT(at(task.body, "attributes.type"), "callback");
    CHECK_TEXT(at(task.body, "attributes.due_date"), text("%sT09:00:00Z", next_day));
}

static void test_never_open(void)
{
    setup();
    const char *call = call_new();
    leave_message(call, NEVER, "RE00000000000000000000000000000012");
    struct reply task = follow_up(call);
    CHECK_TEXT(at(task.body, "attributes.type"), "voicemail");
    CHECK(at(task.body, "attributes.due_date")[0] != '\0');
}

static struct reply message(const char *sid, const char *to)
{
    struct form form = {.count = 0};
    put(&form, "MessageSid", sid);
    put(&form, "From", STRANGER);
    put(&form, "To", to);
    put(&form, "Body", "My roof leaks");
    return send_form("/sms", &form, NULL);
}

static void test_messages(void)
{
    setup();
    struct reply closed = message("SM00000000000000000000000000000011", ASKED);
    CHECK(has(&closed, "<Response><Message>Closed &amp; out</Message></Response>"));
    CHECK(settled("sms:" STRANGER ">" ASKED));
    char sid[64] = "";
    CHECK(cluster_sql_value(cluster,
                            "select task_sid from gateway.text_conversation where from_number = "
                            "'" STRANGER "' and to_number = '" ASKED "'",
                            sid, sizeof sid));
    struct reply task = task_get(sid);
    CHECK_TEXT(at(task.body, "attributes.message"), "My roof leaks");
    CHECK_TEXT(at(task.body, "attributes.due_date"), text("%sT09:00:00Z", next_day));
    struct reply open = message("SM00000000000000000000000000000012", OPEN);
    CHECK(has(&open, "<Response/>"));
    CHECK(settled("sms:" STRANGER ">" OPEN));
}

/* ---- callers ---- */

static struct reply ring_as(const char *call, const char *from)
{
    struct form form = form_of(call, ALWAYS, "ringing");
    for (size_t i = 0; i < form.count; i++)
        if (strcmp(form.params[i].name.ptr, "From") == 0)
            form.params[i].value = str_from(from);
    return send_form("/voice", &form, NULL);
}

struct known {
    const char *from;
    bool is_looked_after;
    struct reply task; /* of a call from there */
    const char *call;
};

/* The look-ups have little time, and a caller is not kept waiting: so again until they were fast
 * enough. */
static bool is_known(void *ctx)
{
    struct known *known = ctx;
    known->call = call_new();
    struct reply reply = ring_as(known->call, known->from);
    known->task = task_get(at(call_get(known->call).body, "taskSid"));
    return reply.status == 200 && at(known->task.body, "attributes.customer_name")[0] != '\0' &&
           (!known->is_looked_after ||
            at(known->task.body, "attributes.preferred_worker_sid")[0] != '\0');
}

static void test_known(void)
{
    setup();
    struct known known = {.from = VIP, .is_looked_after = true};
    REQUIRE(until(is_known, &known, PATIENCE_MS));
    const json_t *task = known.task.body;
    CHECK_TEXT(at(task, "attributes.customer_name"), "Ann");
    CHECK_TEXT(at(task, "attributes.customer_id"), "A-1");
    CHECK_TEXT(at(task, "attributes.customer_type"), "vip");
    CHECK_TEXT(at(task, "attributes.project_status"), "PRE_PTO");
    CHECK_TEXT(at(task, "attributes.organization"), "Sun & Co");
    CHECK_TEXT(at(task, "attributes.preferred_worker_sid"), worker);
    CHECK_TEXT(at(task, "taskQueueSid"), vip_queue);
    struct reply row = call_get(known.call);
    CHECK_TEXT(at(row.body, "customerName"), "Ann");
    CHECK(at(row.body, "customerSid")[0] != '\0');
}

static void test_stranger(void)
{
    setup();
    const char *call = call_new();
    CHECK_I64(ring_as(call, STRANGER).status, 200);
    struct reply row = call_get(call);
    struct reply task = task_get(at(row.body, "taskSid"));
    CHECK_TEXT(at(row.body, "customerName"), "");
    CHECK_TEXT(at(task.body, "attributes.customer_phone"), STRANGER);
    CHECK(json_object_get(json_object_get(task.body, "attributes"), "customer_name") == NULL);
    CHECK(json_object_get(json_object_get(task.body, "attributes"), "preferred_worker_sid") ==
          NULL);
    CHECK_TEXT(at(task.body, "taskQueueSid"), queue);
}

static void test_hostile(void)
{
    setup();
    struct known known = {.from = HOSTILE};
    REQUIRE(until(is_known, &known, PATIENCE_MS));
    static const char *const name = "<Say>\"};--\u202e\u00e9 ${x} %s </Response>";
    CHECK_TEXT(at(known.task.body, "attributes.customer_name"), name);
    CHECK_TEXT(at(call_get(known.call).body, "customerName"), name);
    CHECK_TEXT(at(known.task.body, "taskQueueSid"), queue);
}

static const struct test_case cases[] = {
    {"closed lines do what they are told, each with its message",         test_closed    },
    {"an open line lets callers wait",                                    test_open      },
    {"on a holiday callers are asked for a message",                      test_holiday   },
    {"follow-up tasks are due when it is open again",                     test_due       },
    {"what comes to a line that never opens is due nonetheless",          test_never_open},
    {"texts outside of hours are answered, and due when it is open",      test_messages  },
    {"a known caller is in the task, the rules, and with whom they know", test_known     },
    {"of a stranger nothing is made up",                                  test_stranger  },
    {"a name is a text, whatever is in it",                               test_hostile   },
};

int main(int argc, char **argv)
{
    return fixture_all_main("gateway calls by hours and callers", env, cases, ARRAY_LEN(cases),
                            argc, argv);
}
