/* What tasks are told of calls and messages: what was said, what is too much, and numbers as they
 * are written in another country. */
#include <stdio.h>
#include <string.h>

#include "calling.h"

#define LINE        "+442079460000"
#define LOCAL_LINE  "020 7946 0000"
#define LOCAL_PHONE "020 7946 0123"
#define PHONE       "+442079460123"

enum { PATIENCE_MS = 90000, MANY = 1200 };

static const char *const env[] = {CALLING_ENV, "TASKROUTER_PHONE_REGION=GB", NULL};

static const char *within; /* the header that names the workspace */

static struct reply make(const char *path, const char *body)
{
    struct reply reply = ask(BOOTSTRAP, "POST", path, within, body);
    CHECK_I64(reply.status, 201);
    return reply;
}

static void setup(void)
{
    if (within != NULL)
        return;
    within = text("X-Workspace-Sid: %s\r\n", workspace_new());
    const char *queue = text("%s", at(make("/queues", "{'friendlyName':'Any'}").body, "sid"));
    (void)make("/workflows",
               text("{'friendlyName':'Main','configuration':{'task_routing':{'default_filter':"
                    "{'queue':'%s'}}}}",
                    queue));
    (void)make("/lines", "{'phoneNumber':'" LINE "','friendlyName':'London'}");
}

static struct reply call_get(const char *call)
{
    return ask(BOOTSTRAP, "GET", text("/calls/%s", call), within, NULL);
}

static struct reply follow_up(const char *call)
{
    const char *sid = at(call_get(call).body, "followUpTaskSid");
    return ask(BOOTSTRAP, "GET", text("/tasks/%s", sid), within, NULL);
}

struct wish {
    const char *call;
    const char *member; /* of the follow-up task */
    const char *value;  /* NULL: anything but "" */
};

static bool is_so(void *ctx)
{
    const struct wish *wish = ctx;
    const char *is = at(follow_up(wish->call).body, wish->member);
    return wish->value == NULL ? is[0] != '\0' : strcmp(is, wish->value) == 0;
}

static bool task_has(const char *call, const char *member, const char *value)
{
    struct wish wish = {call, member, value};
    return until(is_so, &wish, PATIENCE_MS);
}

static const char *message_left(const char *said)
{
    const char *call = call_new();
    struct form form = {.count = 0};
    CHECK_I64(ring(call, LINE).status, 200);
    CHECK_I64(tell("/voice/status", call, LINE, "completed", NULL).status, 204);
    put(&form, "CallSid", call);
    put(&form, "RecordingSid", text("RE%.32s", call + 2));
    put(&form, "RecordingUrl", "https://api.twilio.com/2010-04-01/Recordings/RE1");
    put(&form, "RecordingStatus", "completed");
    put(&form, "RecordingDuration", "12");
    CHECK_I64(send_form("/voice/recording?turn=message", &form, NULL).status, 204);
    CHECK(task_has(call, "attributes.type", "voicemail"));
    form = (struct form){.count = 0};
    put(&form, "CallSid", call);
    put(&form, "TranscriptionSid", text("TR%.32s", call + 2));
    put(&form, "TranscriptionStatus", "completed");
    put(&form, "TranscriptionText", said);
    CHECK_I64(send_form("/voice/transcription", &form, NULL).status, 204);
    return call;
}

/* Keywords and rules see a message when it has been written down. */
static void test_said(void)
{
    setup();
    (void)make("/keywords", "{'phrases':['gas leak'],'department':'emergency','priority':'high'}");
    (void)make("/rules", "{'name':'Leaks','priority':90,'condition':'task.attributes.keywords "
                         "contains \\\"gas leak\\\"','actions':[{'type':'set_priority',"
                         "'priority':77},{'type':'add_attributes','attributes':{'page':'yes'}}]}");
    const char *call = message_left("There is a Gas Leak in our street");
    CHECK(task_has(call, "attributes.page", "yes"));
    struct reply task = follow_up(call);
    CHECK_TEXT(at(task.body, "attributes.keywords.0"), "gas leak");
    CHECK_TEXT(at(task.body, "attributes.department"), "emergency");
    CHECK_TEXT(at(task.body, "attributes.transcription"), "There is a Gas Leak in our street");
    CHECK_TEXT(at(task.body, "attributes.callId"), at(call_get(call).body, "sid"));
    CHECK_I64(at_i64(task.body, "priority"), 77);
    const char *other = message_left("Nothing of importance");
    CHECK(task_has(other, "attributes.transcription", "Nothing of importance"));
    CHECK_I64(at_i64(follow_up(other).body, "priority"), 0);
    CHECK_TEXT(at(follow_up(other).body, "attributes.page"), "");
}

static const char *repeated(const char *what, int times)
{
    struct buf made;
    buf_init(&made, 0);
    for (int i = 0; i < times; i++)
        buf_text(&made, what);
    const char *kept = text("%s", made.data);
    buf_fini(&made);
    return kept;
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

static bool has_task(void *ctx)
{
    (void)ctx;
    return conversation_task()[0] != '\0';
}

/* What takes most room is cut, never what the task is found by; nobody is lost for it. */
static void test_too_much(void)
{
    setup();
    const char *quotes = repeated("\\\\", 250); /* each is two characters in a JSON text */
    (void)make("/customers",
               text("{'name':'%s','organization':'%s','customerType':'%s','projectStatus':'%s',"
                    "'phones':['" CALLER "']}",
                    quotes, quotes, quotes, quotes));
    struct form form = {.count = 0};
    put(&form, "MessageSid", "SM00000000000000000000000000000009");
    put(&form, "From", CALLER);
    put(&form, "To", LINE);
    put(&form, "Body", repeated("\\", MANY));
    CHECK_I64(send_form("/sms", &form, NULL).status, 200);
    CHECK(until(has_task, NULL, PATIENCE_MS));
    struct reply task = ask(BOOTSTRAP, "GET", text("/tasks/%s", conversation_task()), within, NULL);
    CHECK_TEXT(at(task.body, "attributes.from"), CALLER);
    CHECK_TEXT(at(task.body, "attributes.message_sid"), "SM00000000000000000000000000000009");
    CHECK(strlen(at(task.body, "attributes.customer_name")) == 250);
    CHECK(strlen(at(task.body, "attributes.message")) > 100);
    CHECK(strlen(at(task.body, "attributes.message")) < 1000);

    const char *call = message_left(repeated("\\", MANY));
    CHECK(task_has(call, "attributes.transcription", NULL));
    task = follow_up(call);
    CHECK_TEXT(at(task.body, "attributes.from"), CALLER);
    CHECK_TEXT(at(task.body, "attributes.callId"), at(call_get(call).body, "sid"));
    CHECK(at(task.body, "attributes.due_date")[0] != '\0');
    CHECK(strlen(at(task.body, "attributes.transcription")) < 1000);
}

/* National numbers are those of the country that is set. */
static void test_region(void)
{
    setup();
    const char *call = call_new();
    struct form form = {.count = 0};
    put(&form, "CallSid", call);
    put(&form, "AccountSid", ACCOUNT);
    put(&form, "From", LOCAL_PHONE);
    put(&form, "To", LOCAL_LINE);
    put(&form, "CallStatus", "ringing");
    put(&form, "Direction", "inbound");
    CHECK_I64(send_form("/voice", &form, NULL).status, 200);
    struct reply row = call_get(call);
    CHECK_TEXT(at(row.body, "fromNumber"), PHONE);
    CHECK_TEXT(at(row.body, "toNumber"), LINE);
    CHECK(at(row.body, "lineSid")[0] != '\0');
    CHECK(at(row.body, "taskSid")[0] != '\0');
    struct reply customer = make("/customers", "{'name':'Jo','phones':['020 7946 0199']}");
    CHECK_TEXT(at(customer.body, "phones.0"), "+442079460199");
    struct reply abroad = make("/customers", "{'name':'Ann','phones':['+1 512 555 0198']}");
    CHECK_TEXT(at(abroad.body, "phones.0"), "+15125550198");
}

static const struct test_case cases[] = {
    {"keywords and rules see what was said in a message", test_said    },
    {"what does not fit into a task is cut",              test_too_much},
    {"numbers are read as they are written where we are", test_region  },
};

int main(int argc, char **argv)
{
    return fixture_all_main("gateway calls said", env, cases, ARRAY_LEN(cases), argc, argv);
}
