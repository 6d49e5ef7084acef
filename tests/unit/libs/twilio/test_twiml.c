#include "twilio/twiml.h"

#include <expat.h>
#include <stdlib.h>

#include "testing.h"

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"

/* Names that callers, customers and rules may have. */
static const char *const hostile[] = {
    "Ann",
    "Ann & Bob <ann@example.com>",
    "</Say></Response><Response><Dial>+19005550100</Dial></Response>",
    "\"><Redirect>https://evil.example/</Redirect><Say x=\"",
    "' onload='x",
    "]]>",
    "<![CDATA[x]]>",
    "<!-- -->",
    "<?xml version=\"1.0\"?>",
    "<!DOCTYPE r [<!ENTITY x \"y\">]>&x;",
    "&amp;&#0;&#x1F;&lt;",
    "\x01\x02\x03\x08\x0B\x0C\x0E\x1F\x7F",
    "tab\tfeed\nreturn\r\nend",
    "\xFF\xFE\xC0\x80\xED\xA0\x80\xF4\x90\x80\x80\xE2\x82",
    "\xEF\xBF\xBE\xEF\xBF\xBF",
    "J\xC3\xBCrgen \xE6\x97\xA5\xE6\x9C\xAC \xF0\x9F\x98\x80 \xD7\xA9\xD7\x9C",
    "\xE2\x80\xAE\xE2\x80\x8B",
};

/* ---- reading ---- */

struct seen {
    char path[256]; /* "Response/Gather/Say" of all elements begun, with spaces between */
    char text[8192];
    char attribute[8192]; /* value of the last one */
    int elements;
};

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
    struct seen *seen = ctx;
    size_t room = sizeof seen->path - strlen(seen->path) - 2;
    seen->elements++;
    if (seen->path[0] != '\0')
        strncat(seen->path, " ", room);
    strncat(seen->path, name, room);
    for (size_t i = 0; attributes[i] != NULL; i += 2) {
        seen->attribute[0] = '\0';
        strncat(seen->attribute, attributes[i + 1], sizeof seen->attribute - 1);
    }
}

static void XMLCALL on_text(void *ctx, const XML_Char *text, int len)
{
    struct seen *seen = ctx;
    size_t has = strlen(seen->text);
    if (has + (size_t)len < sizeof seen->text)
        strncat(seen->text, text, (size_t)len);
}

/* False: it is not well-formed. */
static bool document_read(const struct buf *buf, struct seen *out)
{
    XML_Parser parser = XML_ParserCreate(NULL);
    *out = (struct seen){0};
    XML_SetUserData(parser, out);
    XML_SetElementHandler(parser, on_start, NULL);
    XML_SetCharacterDataHandler(parser, on_text);
    bool is_good = XML_Parse(parser, buf->data, (int)buf->len, 1) == XML_STATUS_OK;
    XML_ParserFree(parser);
    return is_good;
}

/* ---- cases ---- */

static void test_empty(void)
{
    struct buf buf;
    struct twiml t;
    struct err err = {0};
    buf_init(&buf, 0);
    twiml_init(&t, &buf);
    CHECK_I64(twiml_finish(&t, &err), ERR_OK);
    CHECK_STR(buf_str(&buf), HEAD "<Response/>");
    buf_fini(&buf);
}

static void test_call(void)
{
    struct buf buf;
    struct twiml t;
    struct err err = {0};
    int64_t priority = 0;
    int64_t timeout_s = 3600;
    buf_init(&buf, 0);
    twiml_init(&t, &buf);
    twiml_say(&t, "Welcome.", "en-US");
    twiml_say(&t, " \n", NULL);
    twiml_play(&t, "https://example.com/a.mp3?a=1&b=2", 0);
    twiml_gather_begin(&t, &(struct twiml_gather){.action = "/menu?try=1&x=2",
                                                  .num_digits = 1,
                                                  .timeout_s = 5,
                                                  .finish_on_key = "",
                                                  .action_on_empty = true});
    twiml_say(&t, "Press one.", NULL);
    twiml_pause(&t, 1);
    twiml_end(&t);
    twiml_enqueue(&t, &(struct twiml_enqueue){.action = "/end",
                                              .wait_url = "/wait",
                                              .workflow_sid = "WW1",
                                              .task = "{\"a\":\"<b>\"}",
                                              .priority = &priority,
                                              .timeout_s = &timeout_s});
    twiml_enqueue(&t, &(struct twiml_enqueue){.name = "CL1"});
    twiml_hangup(&t);
    CHECK_I64(twiml_finish(&t, &err), ERR_OK);
    CHECK_STR(buf_str(&buf),
              HEAD "<Response><Say language=\"en-US\">Welcome.</Say>"
                   "<Play>https://example.com/a.mp3?a=1&amp;b=2</Play>"
                   "<Gather action=\"/menu?try=1&amp;x=2\" numDigits=\"1\" timeout=\"5\" "
                   "finishOnKey=\"\" actionOnEmptyResult=\"true\"><Say>Press one.</Say>"
                   "<Pause length=\"1\"/></Gather>"
                   "<Enqueue action=\"/end\" waitUrl=\"/wait\" workflowSid=\"WW1\">"
                   "<Task priority=\"0\" timeout=\"3600\">"
                   "{&quot;a&quot;:&quot;&lt;b&gt;&quot;}</Task></Enqueue>"
                   "<Enqueue>CL1</Enqueue><Hangup/></Response>");
    buf_fini(&buf);
}

static void test_dial(void)
{
    struct buf buf;
    struct twiml t;
    struct err err = {0};
    buf_init(&buf, 0);
    twiml_init(&t, &buf);
    twiml_dial_begin(&t, &(struct twiml_dial){.action = "/over",
                                              .caller_id = "+15125550100",
                                              .timeout_s = 30,
                                              .time_limit_s = 3600,
                                              .record = "record-from-answer-dual",
                                              .recording_callback = "/rec",
                                              .answer_on_bridge = true,
                                              .hangup_on_star = true});
    twiml_number(&t, &(struct twiml_leg){.address = "+15125550101", .status_callback = "/leg"});
    twiml_client(&t, &(struct twiml_leg){.address = "ann"});
    twiml_sip(&t, &(struct twiml_leg){.address = "sip:ann@example.com", .url = "/whisper"});
    twiml_end(&t);
    twiml_dial_begin(&t, &(struct twiml_dial){0});
    twiml_queue(&t, &(struct twiml_queue){.name = "CL1", .reservation_sid = "WR1"});
    twiml_end(&t);
    twiml_dial_begin(&t, &(struct twiml_dial){0});
    twiml_conference(&t, &(struct twiml_conference){.name = "WR1",
                                                    .starts_late = true,
                                                    .end_on_exit = true,
                                                    .wait_url = "",
                                                    .max_participants = 2});
    twiml_end(&t);
    twiml_record(&t, &(struct twiml_record){.action = "/done",
                                            .max_length_s = 300,
                                            .finish_on_key = "#",
                                            .transcribe = true,
                                            .transcribe_callback = "/text"});
    twiml_redirect(&t, "/again");
    twiml_leave(&t);
    twiml_reject(&t, "busy");
    twiml_message(&t, "We are closed.");
    CHECK_I64(twiml_finish(&t, &err), ERR_OK);
    CHECK_STR(buf_str(&buf), HEAD
              "<Response><Dial action=\"/over\" callerId=\"+15125550100\" timeout=\"30\" "
              "timeLimit=\"3600\" record=\"record-from-answer-dual\" "
              "recordingStatusCallback=\"/rec\" answerOnBridge=\"true\" hangupOnStar=\"true\">"
              "<Number statusCallback=\"/leg\">+15125550101</Number><Client>ann</Client>"
              "<Sip url=\"/whisper\">sip:ann@example.com</Sip></Dial>"
              "<Dial><Queue reservationSid=\"WR1\">CL1</Queue></Dial>"
              "<Dial><Conference waitUrl=\"\" startConferenceOnEnter=\"false\" "
              "endConferenceOnExit=\"true\" maxParticipants=\"2\">WR1</Conference></Dial>"
              "<Record action=\"/done\" maxLength=\"300\" finishOnKey=\"#\" transcribe=\"true\" "
              "transcribeCallback=\"/text\"/><Redirect>/again</Redirect><Leave/>"
              "<Reject reason=\"busy\"/><Message>We are closed.</Message></Response>");
    buf_fini(&buf);
}

/* What stays of a text when what XML has no place for is left out; attributes and texts alike. */
static void test_hostile(void)
{
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        struct buf buf;
        struct twiml t;
        struct err err = {0};
        struct seen seen;
        buf_init(&buf, 0);
        twiml_init(&t, &buf);
        twiml_gather_begin(&t, &(struct twiml_gather){.action = hostile[i]});
        twiml_say(&t, hostile[i], NULL);
        twiml_end(&t);
        CHECK_I64(twiml_finish(&t, &err), ERR_OK);
        REQUIRE(document_read(&buf, &seen));
        CHECK_TEXT(seen.path, "Response Gather Say");
        CHECK_TEXT(seen.attribute, seen.text);
        if (i < 11 || i == 12 || i == 15)
            CHECK_TEXT(seen.text, hostile[i]);
        buf_fini(&buf);
    }
}

static void test_broken(void)
{
    static const struct {
        const char *in;
        const char *want;
    } rows[] = {
        {"a\x01z\x1F",           "az"                                              },
        {"\xEF\xBF\xBE",         ""                                                },
        {"a\xFFz",               "a\xEF\xBF\xBDz"                                  },
        {"\xED\xA0\x80",         "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"            },
        {"\xE2\x82",             "\xEF\xBF\xBD\xEF\xBF\xBD"                        },
        {"\xF4\x90\x80\x80",     "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xF0\x9F\x98\x80\xC3", "\xF0\x9F\x98\x80\xEF\xBF\xBD"                    },
        {"\x7F",                 "\x7F"                                            },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf buf;
        struct twiml t;
        struct err err = {0};
        struct seen seen;
        buf_init(&buf, 0);
        twiml_init(&t, &buf);
        twiml_redirect(&t, rows[i].in);
        CHECK_I64(twiml_finish(&t, &err), ERR_OK);
        REQUIRE(document_read(&buf, &seen));
        CHECK_TEXT(seen.text, rows[i].want);
        buf_fini(&buf);
    }
}

static void test_long(void)
{
    struct buf buf;
    struct twiml t;
    struct err err = {0};
    struct seen seen;
    char *text = malloc(3 * TWIML_BYTES_MAX + 1);
    REQUIRE(text != NULL);
    for (size_t i = 0; i < TWIML_BYTES_MAX; i++)
        memcpy(text + 3 * i, "\xE2\x82\xAC", 3);
    text[(size_t)3 * TWIML_BYTES_MAX] = '\0';
    buf_init(&buf, 0);
    twiml_init(&t, &buf);
    twiml_say(&t, text, NULL);
    CHECK_I64(twiml_finish(&t, &err), ERR_OK);
    CHECK(document_read(&buf, &seen));
    CHECK_I64(buf.len, strlen(HEAD "<Response><Say></Say></Response>") + 3 * TWIML_SAY_MAX);
    buf_clear(&buf);
    twiml_init(&t, &buf);
    twiml_redirect(&t, text);
    CHECK_I64(twiml_finish(&t, &err), ERR_RESOURCE_EXHAUSTED);
    CHECK_TEXT(err.reason, "TWIML_TOO_LARGE");
    buf_fini(&buf);
    buf_init(&buf, 100);
    twiml_init(&t, &buf);
    twiml_say(&t, text, NULL);
    CHECK_I64(twiml_finish(&t, &err), ERR_RESOURCE_EXHAUSTED);
    buf_fini(&buf);
    free(text);
}

static void gather_in_gather(struct twiml *t)
{
    twiml_gather_begin(t, &(struct twiml_gather){0});
    twiml_gather_begin(t, &(struct twiml_gather){0});
    twiml_end(t);
    twiml_end(t);
}

static void hangup_in_gather(struct twiml *t)
{
    twiml_gather_begin(t, &(struct twiml_gather){0});
    twiml_hangup(t);
    twiml_end(t);
}

static void number_alone(struct twiml *t)
{
    twiml_number(t, &(struct twiml_leg){.address = "+15125550100"});
}

static void say_in_dial(struct twiml *t)
{
    twiml_dial_begin(t, &(struct twiml_dial){0});
    twiml_say(t, "", NULL);
    twiml_end(t);
}

static void left_open(struct twiml *t)
{
    twiml_dial_begin(t, &(struct twiml_dial){0});
}

static void ended_twice(struct twiml *t)
{
    twiml_end(t);
}

static void test_nesting(void)
{
    static void (*const wrong[])(struct twiml *) = {
        gather_in_gather, hangup_in_gather, number_alone, say_in_dial, left_open, ended_twice};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct buf buf;
        struct twiml t;
        struct err err = {0};
        buf_init(&buf, 0);
        twiml_init(&t, &buf);
        wrong[i](&t);
        CHECK_I64(twiml_finish(&t, &err), ERR_INTERNAL);
        CHECK_TEXT(err.reason, "TWIML_NESTING");
        buf_fini(&buf);
    }
}

static const struct test_case cases[] = {
    {"a document without verbs is well-formed",                    test_empty  },
    {"a call is greeted, asked and queued",                        test_call   },
    {"legs, queues and conferences are dialled",                   test_dial   },
    {"hostile names are texts for another's parser, nothing else", test_hostile},
    {"characters that XML has no place for do not get into it",    test_broken },
    {"what is said is cut, what is too large is refused",          test_long   },
    {"a verb in the wrong place is our mistake and is told",       test_nesting},
};

int main(int argc, char **argv)
{
    return testing_main("twiml", cases, ARRAY_LEN(cases), argc, argv);
}
