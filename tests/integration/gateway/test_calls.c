/* Calls and text messages as Twilio tells of them: what the caller hears, and what becomes of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calling.h"

#define NUMBER "+15125550100"
#define MENU   "+15125550101"
#define NOBODY "+15125550199" /* no line */
enum { PATIENCE_MS = 90000 };

static const char *const env[] = {CALLING_ENV, NULL};

static const char *workspace; /* with a workflow, and lines NUMBER and MENU */
static const char *within;    /* the header that names it */
static const char *queue;

/* ---- the workspace ---- */

static struct reply make(const char *path, const char *body)
{
    struct reply reply = ask(BOOTSTRAP, "POST", path, within, body);
    CHECK_I64(reply.status, 201);
    return reply;
}

static void setup(void)
{
    if (workspace != NULL)
        return;
    workspace = text("%s", workspace_new());
    within = text("X-Workspace-Sid: %s\r\n", workspace);
    queue = text("%s", at(make("/queues", "{'friendlyName':'Support'}").body, "sid"));
    (void)make("/workflows",
               text("{'friendlyName':'Main','configuration':{'task_routing':{'default_filter':"
                    "{'queue':'%s'}}}}",
                    queue));
    (void)make("/lines", "{'phoneNumber':'" NUMBER "','friendlyName':'Main line','greeting':"
                         "'Welcome to <Sun> & \\\"Co\\\"','announcePosition':true,"
                         "'department':'support'}");
    (void)make("/lines",
               "{'phoneNumber':'" MENU "','menu':{'greeting':'What is it about?','maxTries':2,"
               "'options':[{'digit':'1','label':'permits','department':'permits','attributes':"
               "{'urgent':true}},{'digit':'2','label':'a message','action':'voicemail'},"
               "{'digit':'3','action':'transfer','target':'+15125550177'},"
               "{'digit':'9','action':'hang_up'}]}}");
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

static long long tasks_of(const char *call_sid)
{
    char value[32] = "-1";
    CHECK(cluster_sql_value(cluster,
                            text("select count(*) from tasks.task where call_id = "
                                 "(select sid from gateway.phone_call where call_sid = '%s')",
                                 call_sid),
                            value, sizeof value));
    return strtoll(value, NULL, 10);
}

/* ---- cases ---- */

static void test_lines(void)
{
    setup();
    const char *viewer = token_new("viewer", "");
    struct reply line = ask(viewer, "GET", "/lines/" NUMBER, within, NULL);
    CHECK_TEXT(at(line.body, "friendlyName"), "Main line");
    CHECK_TEXT(at(line.body, "afterHours"), "voicemail");
    struct reply refused = ask(viewer, "POST", "/lines", within, "{'phoneNumber':'+15125550102'}");
    CHECK_I64(refused.status, 403);
    refused = ask(BOOTSTRAP, "POST", "/lines", within, "{'phoneNumber':'" NUMBER "'}");
    CHECK(is_problem(&refused, 409, "PHONE_NUMBER_TAKEN", "phoneNumber"));
    refused = ask(BOOTSTRAP, "POST", "/lines", within, "{'phoneNumber':'555'}");
    CHECK(is_problem(&refused, 400, "INVALID_PHONE", "phoneNumber"));
    refused =
        ask(BOOTSTRAP, "POST", "/lines", within,
            "{'phoneNumber':'+15125550102','menu':{'options':[{'digit':'1'},{'digit':'1'}]}}");
    CHECK(is_problem(&refused, 400, "DIGIT_TWICE", "menu"));
    struct reply menu = ask(viewer, "GET", "/lines/" MENU, within, NULL);
    CHECK_TEXT(at(menu.body, "menu.options.0.department"), "permits");
    CHECK_TEXT(at(menu.body, "menu.options.0.action"), "enqueue");
    struct reply other = make("/lines", "{'phoneNumber':'+15125550102'}");
    const char *path = text("/lines/%s", at(other.body, "sid"));
    struct reply changed = ask(BOOTSTRAP, "PATCH", path, text("%sIf-Match: \"1\"\r\n", within),
                               "{'afterHours':'hang_up','menu':{'greeting':'Hello'}}");
    CHECK_TEXT(at(changed.body, "afterHours"), "hang_up");
    CHECK_TEXT(at(changed.body, "menu.greeting"), "Hello");
    CHECK_I64(at_i64(changed.body, "version"), 2);
    refused =
        ask(BOOTSTRAP, "PATCH", path, text("%sIf-Match: \"1\"\r\n", within), "{'department':'x'}");
    CHECK_I64(refused.status, 412);
    CHECK_I64(at_i64(ask(viewer, "GET", "/lines", within, NULL).body, "items"), 3);
    CHECK_I64(ask(BOOTSTRAP, "DELETE", path, within, NULL).status, 204);
    CHECK_I64(ask(BOOTSTRAP, "GET", path, within, NULL).status, 404);
    struct reply elsewhere = ask(BOOTSTRAP, "GET", "/lines/" NUMBER,
                                 text("X-Workspace-Sid: %s\r\n", workspace_new()), NULL);
    CHECK(is_problem(&elsewhere, 404, "LINE_NOT_FOUND", "sid"));
}

static void test_waits(void)
{
    setup();
    const char *call = call_new();
    struct reply first = ring(call, NUMBER);
    struct reply row = call_get(call);
    const char *task_sid = at(row.body, "taskSid");
    CHECK(has(&first, "Welcome to &lt;Sun&gt; &amp; &quot;Co&quot;</Say>"));
    CHECK(has(&first,
              "<Enqueue action=\"" PUBLIC "/api/webhooks/voice/queue-end\" waitUrl=\"" PUBLIC
              "/api/webhooks/voice/wait\">"));
    CHECK(has(&first, text(">%s</Enqueue></Response>", at(row.body, "sid"))));
    CHECK_TEXT(at(row.body, "status"), "ringing");
    CHECK_TEXT(at(row.body, "fromNumber"), CALLER);
    CHECK_TEXT(at(row.body, "toNumber"), NUMBER);
    struct reply task = task_get(task_sid);
    CHECK_TEXT(at(task.body, "callId"), at(row.body, "sid"));
    CHECK_TEXT(at(task.body, "attributes.callId"), at(row.body, "sid"));
    CHECK_TEXT(at(task.body, "attributes.call_sid"), call);
    CHECK_TEXT(at(task.body, "attributes.customer_phone"), CALLER);
    CHECK_TEXT(at(task.body, "attributes.department"), "support");
    CHECK_TEXT(at(task.body, "taskChannelUniqueName"), "voice");
    CHECK_TEXT(at(task.body, "taskQueueSid"), queue);
    struct reply listed = ask(BOOTSTRAP, "GET", text("/calls?taskSid=%s", task_sid), within, NULL);
    CHECK_TEXT(at(listed.body, "items.0.callSid"), call);
    struct reply wait = tell("/voice/wait", call, NUMBER, "in-progress", MORE("QueueTime", "0"));
    CHECK(has(&wait, "You are number 1 in line."));
    CHECK(has(&wait, "<Pause"));
    CHECK(settled(call));
    CHECK_I64(tasks_of(call), 1);
}

static void test_repeats(void)
{
    setup();
    const char *call = call_new();
    const char *first = text("%s", ring(call, NUMBER).text);
    struct form form = form_of(call, NUMBER, "ringing");
    CHECK_TEXT(ring(call, NUMBER).text, first);
    CHECK_TEXT(send_form("/voice", &form, "another-token").text, first);
    /* as if it had not come to storing the answer, with the line changed meanwhile */
    CHECK(cluster_sql(cluster, text("delete from gateway.webhook where key like '%s%%'", call)));
    CHECK_I64(ask(BOOTSTRAP, "PATCH", "/lines/" NUMBER, within, "{'greeting':'Changed'}").status,
              200);
    CHECK_TEXT(ring(call, NUMBER).text, first);
    CHECK_I64(tasks_of(call), 1);
}

static void test_hangs_up(void)
{
    setup();
    const char *call = call_new();
    (void)ring(call, NUMBER);
    const char *task_sid = text("%s", at(call_get(call).body, "taskSid"));
    CHECK_I64(tell("/voice/status", call, NUMBER, "completed", MORE("CallDuration", "17")).status,
              204);
    CHECK(becomes(call, "status", "missed"));
    CHECK(becomes(call, "followUpTaskSid", NULL));
    struct reply row = call_get(call);
    struct reply task = task_get(task_sid);
    CHECK_I64(at_i64(row.body, "durationS"), 17);
    CHECK_TEXT(at(task.body, "assignmentStatus"), "canceled");
    CHECK_TEXT(at(task.body, "reason"), "hangup");
    struct reply follow_up = task_get(at(row.body, "followUpTaskSid"));
    CHECK_TEXT(at(follow_up.body, "attributes.type"), "callback");
    CHECK_TEXT(at(follow_up.body, "attributes.customer_phone"), CALLER);
    CHECK(at(follow_up.body, "attributes.due_date")[0] != '\0');
    CHECK(at(row.body, "dateDue")[0] != '\0');
    CHECK_TEXT(at(follow_up.body, "taskChannelUniqueName"), "default");
    /* late and again */
    static const char *const words[] = {"ringing", "in-progress", "no-answer", "failed"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        CHECK_I64(tell("/voice/status", call, NUMBER, words[i], NULL).status, 204);
    CHECK(has(
        &(struct reply){
            200, "",
            tell("/voice/queue-end", call, NUMBER, "completed", MORE("QueueResult", "hangup")).text,
            NULL, 0},
        "<Response/>"));
    CHECK(settled(call));
    CHECK_TEXT(at(call_get(call).body, "status"), "missed");
    CHECK_I64(tasks_of(call), 2);
}

static void test_menu(void)
{
    setup();
    const char *call = call_new();
    struct reply asked = ring(call, MENU);
    CHECK(has(&asked, "<Gather action=\"" PUBLIC "/api/webhooks/voice/menu?turn=1\" numDigits"));
    CHECK(has(&asked, "For permits, press 1."));
    CHECK_I64(tasks_of(call), 0);
    struct reply again = tell("/voice/menu?turn=1", call, MENU, "in-progress", MORE("Digits", "7"));
    CHECK(has(&again, "turn=2"));
    struct reply chosen =
        tell("/voice/menu?turn=2", call, MENU, "in-progress", MORE("Digits", "1"));
    CHECK(has(&chosen, "<Enqueue"));
    CHECK_TEXT(tell("/voice/menu?turn=2", call, MENU, "in-progress", MORE("Digits", "1")).text,
               chosen.text);
    struct reply row = call_get(call);
    CHECK_TEXT(at(row.body, "menuPath"), "1");
    struct reply task = task_get(at(row.body, "taskSid"));
    CHECK_TEXT(at(task.body, "attributes.department"), "permits");
    CHECK_TEXT(at(task.body, "attributes.menu_choice"), "1");
    CHECK_I64(tasks_of(call), 1);

    const char *silent = call_new(); /* nothing pressed: on without a choice */
    (void)ring(silent, MENU);
    (void)tell("/voice/menu?turn=1", silent, MENU, "in-progress", MORE("Digits", ""));
    struct reply on = tell("/voice/menu?turn=2", silent, MENU, "in-progress", MORE("Digits", ""));
    CHECK(has(&on, "<Enqueue"));

    const char *leaver = call_new();
    (void)ring(leaver, MENU);
    struct reply bye = tell("/voice/menu?turn=1", leaver, MENU, "in-progress", MORE("Digits", "9"));
    CHECK(has(&bye, "<Response><Hangup/></Response>"));
    CHECK_I64(tell("/voice/status", leaver, MENU, "completed", NULL).status, 204);
    CHECK(becomes(leaver, "status", "completed"));
    CHECK(settled(leaver));
    CHECK_I64(tasks_of(leaver), 0);
}

static void test_transfer(void)
{
    setup();
    const char *call = call_new();
    const char *leg = call_new();
    (void)ring(call, MENU);
    struct reply dial = tell("/voice/menu?turn=1", call, MENU, "in-progress", MORE("Digits", "3"));
    CHECK(
        has(&dial, "<Dial action=\"" PUBLIC "/api/webhooks/voice/transfer-end\" callerId=\"" MENU));
    CHECK(has(&dial, ">+15125550177</Number></Dial></Response>"));
    struct form form = {.count = 0};
    put(&form, "CallSid", leg);
    put(&form, "ParentCallSid", call);
    put(&form, "CallStatus", "in-progress");
    put(&form, "Direction", "outbound-dial");
    CHECK_I64(send_form("/voice/status?turn=transfer", &form, NULL).status, 204);
    CHECK(becomes(call, "status", "in_progress"));
    struct reply over =
        tell("/voice/transfer-end", call, MENU, "in-progress", MORE("DialCallStatus", "completed"));
    CHECK(has(&over, "<Hangup/>"));
    CHECK_I64(tell("/voice/status", call, MENU, "completed", NULL).status, 204);
    CHECK(becomes(call, "status", "completed"));

    const char *busy = call_new();
    (void)ring(busy, MENU);
    (void)tell("/voice/menu?turn=1", busy, MENU, "in-progress", MORE("Digits", "3"));
    struct reply record =
        tell("/voice/transfer-end", busy, MENU, "in-progress", MORE("DialCallStatus", "busy"));
    CHECK(has(&record, "<Record "));
}

static void test_voicemail(void)
{
    setup();
    const char *call = call_new();
    (void)ring(call, MENU);
    struct reply record =
        tell("/voice/menu?turn=1", call, MENU, "in-progress", MORE("Digits", "2"));
    CHECK(has(&record, "maxLength=\"300\""));
    CHECK(has(&record, "finishOnKey=\"#\" transcribe=\"true\" transcribeCallback=\"" PUBLIC
                       "/api/webhooks/voice/transcription\" recordingStatusCallback=\"" PUBLIC
                       "/api/webhooks/voice/recording?turn=message\""));
    CHECK_I64(tell("/voice/status", call, MENU, "completed", NULL).status, 204);
    CHECK(becomes(call, "followUpTaskSid", NULL)); /* not known to be a message yet */
    struct form form = {.count = 0};
    put(&form, "CallSid", call);
    put(&form, "RecordingSid", "RE00000000000000000000000000000001");
    put(&form, "RecordingUrl", "https://api.twilio.com/2010-04-01/Recordings/RE1");
    put(&form, "RecordingStatus", "completed");
    put(&form, "RecordingDuration", "12");
    CHECK_I64(send_form("/voice/recording?turn=message", &form, NULL).status, 204);
    CHECK(becomes(call, "status", "voicemail"));
    form = (struct form){.count = 0};
    put(&form, "CallSid", call);
    put(&form, "TranscriptionSid", "TR00000000000000000000000000000001");
    put(&form, "TranscriptionStatus", "completed");
    put(&form, "TranscriptionText", "Please call me <back> & soon");
    CHECK_I64(send_form("/voice/transcription", &form, NULL).status, 204);
    CHECK(becomes(call, "transcription", "Please call me <back> & soon"));
    CHECK(settled(call));
    struct reply row = call_get(call);
    struct reply task = task_get(at(row.body, "followUpTaskSid"));
    CHECK_TEXT(at(task.body, "attributes.type"), "voicemail");
    CHECK_TEXT(at(task.body, "attributes.recording_url"),
               "https://api.twilio.com/2010-04-01/Recordings/RE1");
    CHECK_I64(at_i64(task.body, "attributes.recording_duration"), 12);
    CHECK_TEXT(at(task.body, "attributes.transcription"), "Please call me <back> & soon");
    CHECK_I64(tasks_of(call), 1);
}

static void test_leaves(void)
{
    setup();
    const char *call = call_new();
    (void)ring(call, NUMBER);
    const char *task_sid = text("%s", at(call_get(call).body, "taskSid"));
    CHECK_I64(ask(BOOTSTRAP, "POST", text("/tasks/%s/cancel", task_sid), within, "{}").status, 200);
    struct reply wait = tell("/voice/wait", call, NUMBER, "in-progress", MORE("QueueTime", "30"));
    CHECK(has(&wait, "<Response><Leave/></Response>"));
    struct reply end =
        tell("/voice/queue-end", call, NUMBER, "in-progress", MORE("QueueResult", "leave"));
    CHECK(has(&end, "<Record "));
    struct reply bridged =
        tell("/voice/queue-end", call, NUMBER, "in-progress", MORE("QueueResult", "bridged"));
    CHECK(has(&bridged, "<Hangup/>"));
}

static void test_services_away(void)
{
    setup();
    const char *call = call_new();
    const char *lost = call_new();
    (void)ring(call_new(), NUMBER); /* the workspace is known */
    program_kill(PROGRAM_TASKS);
    program_kill(PROGRAM_ROUTING);
    program_kill(PROGRAM_WORKERS);
    struct reply waits = ring(call, NUMBER);
    struct reply gone = ring(lost, NUMBER);
    CHECK(has(&waits, "<Enqueue"));
    CHECK(has(&gone, "<Enqueue"));
    struct reply music = tell("/voice/wait", call, NUMBER, "in-progress", MORE("QueueTime", "9"));
    CHECK(has(&music, "<Pause"));
    CHECK_I64(tell("/voice/status", lost, NUMBER, "completed", NULL).status, 204);
    program_start(PROGRAM_WORKERS);
    program_start(PROGRAM_ROUTING);
    program_start(PROGRAM_TASKS);
    CHECK(becomes(call, "taskSid", NULL));
    CHECK(becomes(lost, "followUpTaskSid", NULL));
    CHECK(settled(call));
    CHECK(settled(lost));
    CHECK_I64(tasks_of(call), 1);
    CHECK_TEXT(at(call_get(lost).body, "status"), "missed");
}

static void test_unknown_line(void)
{
    setup();
    const char *call = call_new(); /* and no workspace is meant: there are several */
    struct reply record = ring(call, NOBODY);
    CHECK(has(&record, "<Record "));
    program_kill(PROGRAM_GATEWAY);
    static const char *more[] = {CALLING_ENV, NULL, NULL};
    more[ARRAY_LEN(more) - 2] = text("TWILIO_WORKSPACE_SID=%s", workspace);
    program_env_set(PROGRAM_GATEWAY, more);
    program_start(PROGRAM_GATEWAY);
    const char *known = call_new();
    struct reply waits = ring(known, NOBODY);
    CHECK(has(&waits, "<Enqueue"));
    CHECK_I64(tasks_of(known), 1);
    CHECK_I64(tell("/voice/status", call, NOBODY, "completed", NULL).status, 204);
    CHECK(becomes(call, "followUpTaskSid", NULL));
    struct form form = {.count = 0}; /* signed, but of no call */
    put(&form, "CallSid", "nonsense");
    struct reply sorry = send_form("/voice", &form, NULL);
    CHECK(has(&sorry, "<Hangup/>"));
}

/* ---- messages ---- */

static struct reply message(const char *sid, const char *body)
{
    struct form form = {.count = 0};
    put(&form, "MessageSid", sid);
    put(&form, "From", CALLER);
    put(&form, "To", NUMBER);
    put(&form, "Body", body);
    return send_form("/sms", &form, NULL);
}

static const char *conversation_task(void)
{
    char value[64] = "";
    CHECK(cluster_sql_value(cluster,
                            "select coalesce(max(task_sid), '') from gateway.text_conversation "
                            "where from_number = '" CALLER "'",
                            value, sizeof value));
    return text("%s", value);
}

#define LANE "sms:" CALLER ">" NUMBER

static void test_messages(void)
{
    setup();
    struct reply reply = message("SM00000000000000000000000000000001", "My roof leaks");
    CHECK(has(&reply, "<Response/>"));
    CHECK(settled(LANE));
    const char *task_sid = conversation_task();
    struct reply task = task_get(task_sid);
    CHECK_TEXT(at(task.body, "attributes.type"), "sms");
    CHECK_TEXT(at(task.body, "attributes.message"), "My roof leaks");
    CHECK(at(task.body, "attributes.due_date")[0] != '\0');
    CHECK_TEXT(at(task.body, "taskChannelUniqueName"), "chat");
    (void)message("SM00000000000000000000000000000001", "My roof leaks");
    (void)message("SM00000000000000000000000000000002", "Still \"leaking\"");
    CHECK(settled(LANE));
    CHECK_TEXT(conversation_task(), task_sid);
    task = task_get(task_sid);
    CHECK_TEXT(at(task.body, "attributes.message"), "Still \"leaking\"");
    CHECK_I64(at_i64(task.body, "attributes.message_count"), 2);
    CHECK_I64(ask(BOOTSTRAP, "POST", text("/tasks/%s/cancel", task_sid), within, "{}").status, 200);
    (void)message("SM00000000000000000000000000000003", "Hello?");
    CHECK(settled(LANE));
    CHECK(strcmp(conversation_task(), task_sid) != 0);
}

static bool answers(void *ctx)
{
    return ring(ctx, NUMBER).status == 200;
}

static void test_database_away(void)
{
    setup();
    const char *call = call_new();
    cluster_kill(cluster, CLUSTER_POSTGRES);
    CHECK_I64(ring(call, NUMBER).status, 503);
    cluster_restart(cluster, CLUSTER_POSTGRES);
    CHECK(until(answers, (void *)(uintptr_t)call, PATIENCE_MS));
    CHECK(becomes(call, "taskSid", NULL));
    CHECK_I64(tasks_of(call), 1);
}

static void test_hang_up_refused(void)
{
    setup();
    const char *call = call_new();
    (void)ring(call, NUMBER);
    const char *path = text("/calls/%s/hangup", call);
    CHECK_I64(ask(token_new("viewer", ""), "POST", path, within, "{}").status, 403);
    CHECK(ask(BOOTSTRAP, "POST", path, within, "{}").status >= 400); /* no telephony here */
    CHECK_I64(
        ask(BOOTSTRAP, "POST", "/calls/CL00000000000000000000000000000000/hangup", within, "{}")
            .status,
        404);
}

static const struct test_case cases[] = {
    {"lines are made, changed and checked",                               test_lines          },
    {"a call waits with one task that is found by its callId",            test_waits          },
    {"a repeated webhook gets the same answer, stored or not",            test_repeats        },
    {"who hangs up is called back, once, and the task is canceled",       test_hangs_up       },
    {"a menu asks, asks again and goes on with the choice",               test_menu           },
    {"a transfer is answered, or ends with a message",                    test_transfer       },
    {"a message becomes a task, however its parts come in",               test_voicemail      },
    {"a call whose task is over leaves the queue",                        test_leaves         },
    {"while other services are away callers wait, then all is made good", test_services_away  },
    {"text messages of a conversation have one open task",                test_messages       },
    {"a call is hung up by supervisors",                                  test_hang_up_refused},
    {"without the database 503, then it comes in once",                   test_database_away  },
    {"numbers without a line go to the workspace that is meant",          test_unknown_line   },
};

int main(int argc, char **argv)
{
    return fixture_all_main("gateway calls", env, cases, ARRAY_LEN(cases), argc, argv);
}
