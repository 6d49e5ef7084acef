/*
 * A program of verbs: each byte chooses one, what follows up to the next NUL is its text and
 * attribute. Whatever it says, what is finished well is well-formed for another's parser, and has
 * only elements that were begun.
 */
#include <expat.h>
#include <stdlib.h>

#include "base/macros.h"
#include "fuzz.h"
#include "twilio/twiml.h"

struct seen {
    size_t elements;
    size_t texts;
};

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
    struct seen *seen = ctx;
    (void)name;
    (void)attributes;
    seen->elements++;
}

static void verb_put(struct twiml *t, unsigned verb, const char *text)
{
    const int64_t number = (int64_t)strlen(text);
    switch (verb % 20) {
    case 0:
        twiml_say(t, text, text);
        break;
    case 1:
        twiml_play(t, text, number);
        break;
    case 2:
        twiml_gather_begin(t, &(struct twiml_gather){.action = text, .finish_on_key = text});
        break;
    case 3:
        twiml_end(t);
        break;
    case 4:
        twiml_enqueue(t, &(struct twiml_enqueue){.name = text, .wait_url = text});
        break;
    case 5:
        twiml_enqueue(
            t, &(struct twiml_enqueue){.workflow_sid = text, .task = text, .priority = &number});
        break;
    case 6:
        twiml_record(t, &(struct twiml_record){.action = text, .finish_on_key = text});
        break;
    case 7:
        twiml_dial_begin(t, &(struct twiml_dial){.action = text, .caller_id = text});
        break;
    case 8:
        twiml_number(t, &(struct twiml_leg){.address = text, .status_callback = text});
        break;
    case 9:
        twiml_queue(t, &(struct twiml_queue){.name = text, .url = text});
        break;
    case 10:
        twiml_conference(t, &(struct twiml_conference){.name = text, .wait_url = text});
        break;
    case 11:
        twiml_client(t, &(struct twiml_leg){.address = text});
        break;
    case 12:
        twiml_sip(t, &(struct twiml_leg){.address = text, .url = text});
        break;
    case 13:
        twiml_redirect(t, text);
        break;
    case 14:
        twiml_hangup(t);
        break;
    case 15:
        twiml_leave(t);
        break;
    case 16:
        twiml_pause(t, number);
        break;
    case 17:
        twiml_reject(t, text);
        break;
    default:
        twiml_message(t, text);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf buf;
    struct twiml t;
    struct err err = {0};
    struct seen seen = {0};
    size_t verbs = 0;
    buf_init(&buf, 0);
    twiml_init(&t, &buf);
    for (size_t at = 0; at < size;) {
        const uint8_t *end = memchr(data + at, '\0', size - at);
        size_t len = (end != NULL ? (size_t)(end - data) : size) - at;
        char *text = malloc(len + 1);
        INVARIANT(text != NULL);
        memcpy(text, data + at, len);
        text[len] = '\0';
        verb_put(&t, data[at], len > 0 ? text + 1 : "");
        free(text);
        at += len + 1;
        verbs++;
    }
    enum err_code code = twiml_finish(&t, &err);
    if (code == ERR_OK) {
        XML_Parser parser = XML_ParserCreate(NULL);
        XML_SetUserData(parser, &seen);
        XML_SetElementHandler(parser, on_start, NULL);
        INVARIANT(buf.len <= TWIML_BYTES_MAX);
        INVARIANT(XML_Parse(parser, buf.data, (int)buf.len, 1) == XML_STATUS_OK);
        INVARIANT(seen.elements <= 1 + 2 * verbs); /* Enqueue has a Task */
        XML_ParserFree(parser);
    } else {
        INVARIANT(code == ERR_INTERNAL || code == ERR_RESOURCE_EXHAUSTED);
    }
    buf_fini(&buf);
    return 0;
}
