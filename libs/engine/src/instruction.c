#include "engine/instruction.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/macros.h"
#include "base/parse.h"
#include "json_read.h"

#define FAULT(name) INSTRUCTION_FAULT_##name

enum param_type {
    PARAM_NONE,
    PARAM_TEXT, /* not empty */
    PARAM_URL,  /* http or https */
    PARAM_INT,  /* min to max */
    PARAM_BOOL,
    PARAM_CHOICE, /* one of the words */
    PARAM_WORDS,  /* some of the words: a list, or a text with commas */
    PARAM_SID,    /* words: its prefix */
    PARAM_SECRET, /* checked, never kept */
};

enum { MAX_TEXT_BYTES = 2048, MAX_LEG_TIMEOUT_S = 999 };

/* One parameter: the answer's name, the form's name, what it may be, and the fault if it is not. */
struct param {
    const char *name;
    const char *form_name;
    enum param_type type;
    bool is_required;
    enum instruction_fault fault;
    const char *words; /* separated by spaces */
    int64_t min;
    int64_t max;
};

#define CALL_EVENTS "initiated ringing answered completed"
#define METHODS     "GET POST"
#define RECORDS     "record-from-answer do-not-record"
#define ANY         FAULT(INSTRUCTION_PARAMETER)

/* One row a line, in columns. */
/* clang-format off */
static const struct param reject_params[] = {
    {"activity_sid", "WorkerActivitySid", PARAM_SID, false, FAULT(REJECT_ACTIVITY), "WA", 0, 0},
};

static const struct param dequeue_params[] = {
    {"to", "DequeueTo", PARAM_TEXT, false, FAULT(DEQUEUE_TO), NULL, 0, 0},
    {"from", "DequeueFrom", PARAM_TEXT, false, FAULT(DEQUEUE_FROM), NULL, 0, 0},
    {"record", "DequeueRecord", PARAM_CHOICE, false, ANY, RECORDS, 0, 0},
    {"timeout", "DequeueTimeout", PARAM_INT, false, ANY, NULL, 1, MAX_LEG_TIMEOUT_S},
    {"status_callback_url", "DequeueStatusCallbackUrl", PARAM_URL, false,
     FAULT(DEQUEUE_STATUS_URL), NULL, 0, 0},
    {"status_callback_events", "DequeueStatusCallbackEvent", PARAM_WORDS, false,
     FAULT(DEQUEUE_EVENTS), CALL_EVENTS, 0, 0},
    {"post_work_activity_sid", "DequeuePostWorkActivitySid", PARAM_SID, false,
     FAULT(DEQUEUE_ACTIVITY), "WA", 0, 0},
};

static const struct param call_params[] = {
    {"to", "CallTo", PARAM_TEXT, false, FAULT(CALL_TO), NULL, 0, 0},
    {"from", "CallFrom", PARAM_TEXT, true, FAULT(CALL_FROM), NULL, 0, 0},
    {"url", "CallUrl", PARAM_URL, true, FAULT(CALL_URL), NULL, 0, 0},
    {"accept", "CallAccept", PARAM_BOOL, false, ANY, NULL, 0, 0},
    {"record", "CallRecord", PARAM_CHOICE, false, ANY, RECORDS, 0, 0},
    {"timeout", "CallTimeout", PARAM_INT, false, ANY, NULL, 1, MAX_LEG_TIMEOUT_S},
    {"status_callback_url", "CallStatusCallbackUrl", PARAM_URL, false, FAULT(CALL_STATUS_URL),
     NULL, 0, 0},
};

static const struct param redirect_params[] = {
    {"call_sid", "RedirectCallSid", PARAM_SID, true, FAULT(REDIRECT_CALL_SID), "CA", 0, 0},
    {"url", "RedirectUrl", PARAM_URL, true, FAULT(REDIRECT_URL), NULL, 0, 0},
    {"accept", "RedirectAccept", PARAM_BOOL, false, ANY, NULL, 0, 0},
};

static const struct param conference_params[] = {
    {"to", "To", PARAM_TEXT, false, FAULT(CONFERENCE_TO), NULL, 0, 0},
    {"from", "From", PARAM_TEXT, false, FAULT(CONFERENCE_FROM), NULL, 0, 0},
    {"timeout", "Timeout", PARAM_INT, false, ANY, NULL, 1, MAX_LEG_TIMEOUT_S},
    {"record", "Record", PARAM_BOOL, false, ANY, NULL, 0, 0},
    {"muted", "Muted", PARAM_BOOL, false, ANY, NULL, 0, 0},
    {"beep", "Beep", PARAM_CHOICE, false, ANY, "true false onEnter onExit", 0, 0},
    {"start_conference_on_enter", "StartConferenceOnEnter", PARAM_BOOL, false, ANY, NULL, 0, 0},
    {"end_conference_on_exit", "EndConferenceOnExit", PARAM_BOOL, false, ANY, NULL, 0, 0},
    {"end_conference_on_customer_exit", "EndConferenceOnCustomerExit", PARAM_BOOL, false, ANY,
     NULL, 0, 0},
    {"beep_on_customer_entrance", "BeepOnCustomerEntrance", PARAM_BOOL, false, ANY, NULL, 0, 0},
    {"wait_url", "WaitUrl", PARAM_URL, false, ANY, NULL, 0, 0},
    {"wait_method", "WaitMethod", PARAM_CHOICE, false, ANY, METHODS, 0, 0},
    {"early_media", "EarlyMedia", PARAM_BOOL, false, ANY, NULL, 0, 0},
    {"max_participants", "MaxParticipants", PARAM_INT, false, ANY, NULL, 2, 250},
    {"status_callback", "StatusCallback", PARAM_URL, false, FAULT(CONFERENCE_STATUS_URL), NULL,
     0, 0},
    {"status_callback_method", "StatusCallbackMethod", PARAM_CHOICE, false, ANY, METHODS, 0, 0},
    {"status_callback_event", "StatusCallbackEvent", PARAM_WORDS, false, ANY, CALL_EVENTS, 0, 0},
    {"conference_status_callback", "ConferenceStatusCallback", PARAM_URL, false,
     FAULT(CONFERENCE_STATUS_URL), NULL, 0, 0},
    {"conference_status_callback_method", "ConferenceStatusCallbackMethod", PARAM_CHOICE, false,
     ANY, METHODS, 0, 0},
    {"conference_status_callback_event", "ConferenceStatusCallbackEvent", PARAM_WORDS, false, ANY,
     "start end join leave mute hold speaker", 0, 0},
    {"conference_record", "ConferenceRecord", PARAM_CHOICE, false, ANY,
     "true false record-from-start do-not-record", 0, 0},
    {"conference_trim", "ConferenceTrim", PARAM_CHOICE, false, ANY, "trim-silence do-not-trim",
     0, 0},
    {"recording_channels", "RecordingChannels", PARAM_CHOICE, false, ANY, "mono dual", 0, 0},
    {"recording_status_callback", "RecordingStatusCallback", PARAM_URL, false,
     FAULT(CONFERENCE_STATUS_URL), NULL, 0, 0},
    {"recording_status_callback_method", "RecordingStatusCallbackMethod", PARAM_CHOICE, false,
     ANY, METHODS, 0, 0},
    {"conference_recording_status_callback", "ConferenceRecordingStatusCallback", PARAM_URL,
     false, FAULT(CONFERENCE_STATUS_URL), NULL, 0, 0},
    {"conference_recording_status_callback_method", "ConferenceRecordingStatusCallbackMethod",
     PARAM_CHOICE, false, ANY, METHODS, 0, 0},
    {"region", "Region", PARAM_CHOICE, false, ANY, "us1 us2 ie1 de1 sg1 br1 au1 jp1", 0, 0},
    {"sip_auth_username", "SipAuthUsername", PARAM_TEXT, false, ANY, NULL, 0, 0},
    {"sip_auth_password", "SipAuthPassword", PARAM_SECRET, false, ANY, NULL, 0, 0},
    {"jitter_buffer_size", "JitterBufferSize", PARAM_CHOICE, false, ANY, "small medium large off",
     0, 0},
    {"post_work_activity_sid", "PostWorkActivitySid", PARAM_SID, false,
     FAULT(CONFERENCE_ACTIVITY), "WA", 0, 0},
};

static const struct param supervise_params[] = {
    {"supervisor", "Supervisor", PARAM_TEXT, true, FAULT(SUPERVISE_CONTACT), NULL, 0, 0},
    {"supervisor_mode", "SupervisorMode", PARAM_CHOICE, false, ANY, "monitor whisper barge", 0, 0},
};

struct family {
    const struct param *params;
    size_t count;
    enum instruction_fault not_now; /* FAULT(NONE): the plain words of a reservation's state */
};

static const struct family families[INSTRUCTION_COUNT] = {
    [INSTRUCTION_REJECT] = {reject_params, ARRAY_LEN(reject_params), FAULT(NONE)},
    [INSTRUCTION_DEQUEUE] = {dequeue_params, ARRAY_LEN(dequeue_params), FAULT(DEQUEUE_NOT_PENDING)},
    [INSTRUCTION_CALL] = {call_params, ARRAY_LEN(call_params), FAULT(CALL_NOT_PENDING)},
    [INSTRUCTION_REDIRECT] = {redirect_params, ARRAY_LEN(redirect_params),
                              FAULT(REDIRECT_NOT_PENDING)},
    [INSTRUCTION_CONFERENCE] = {conference_params, ARRAY_LEN(conference_params),
                                FAULT(CONFERENCE_NOT_PENDING)},
    [INSTRUCTION_SUPERVISE] = {supervise_params, ARRAY_LEN(supervise_params),
                               FAULT(SUPERVISE_STATE)},
};

static const char *const names[INSTRUCTION_COUNT] = {
    [INSTRUCTION_NONE] = "",
#define X(name, text) [INSTRUCTION_##name] = (text),
    INSTRUCTIONS(X)
#undef X
};

static const struct {
    const char *reason;
    int code;
} faults[INSTRUCTION_FAULT_COUNT] = {
    [INSTRUCTION_FAULT_NONE] = {"", 0},
#define X(name, code_) [INSTRUCTION_FAULT_##name] = {#name, (code_)},
    INSTRUCTION_FAULTS(X)
#undef X
};
/* clang-format on */

const char *instruction_name(enum instruction_kind kind)
{
    return names[kind];
}

enum instruction_kind instruction_from(struct str name)
{
    for (int kind = INSTRUCTION_NONE + 1; kind < INSTRUCTION_COUNT; kind++) {
        if (str_eq_text(name, names[kind]))
            return (enum instruction_kind)kind;
    }
    return INSTRUCTION_NONE;
}

const char *instruction_fault_reason(enum instruction_fault fault)
{
    return faults[fault].reason;
}

int instruction_code(const char *reason)
{
    for (int i = INSTRUCTION_FAULT_NONE + 1; reason != NULL && i < INSTRUCTION_FAULT_COUNT; i++) {
        if (strcmp(reason, faults[i].reason) == 0)
            return faults[i].code;
    }
    return 0;
}

enum instruction_fault instruction_state_fault(enum instruction_kind kind)
{
    return families[kind].not_now;
}

const char *instruction_form_name(enum instruction_kind kind, struct str name, bool *out_is_list)
{
    const struct family *family = &families[kind];
    for (size_t i = 0; i < family->count; i++) {
        const struct param *param = &family->params[i];
        if (!str_eq_text(name, param->name) && !str_eq_text(name, param->form_name))
            continue;
        *out_is_list = param->type == PARAM_WORDS;
        return param->form_name;
    }
    return NULL;
}

/* --- reading ------------------------------------------------------------------------------ */

#define REFUSE(err, fault, field, ...)                                                             \
    ERR_FIELD((err), ERR_INVALID_ARGUMENT, instruction_fault_reason(fault), (field), __VA_ARGS__)

/* One of the words, separated by spaces. */
static bool has_word(const char *words, struct str word)
{
    struct str rest = str_from(words);
    while (rest.len > 0 && word.len > 0) {
        if (str_eq(str_split(&rest, ' '), word))
            return true;
    }
    return false;
}

static void put_json_text(struct buf *out, struct str text)
{
    buf_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '"' || c == '\\')
            buf_char(out, '\\');
        if (c < 0x20)
            buf_printf(out, "\\u%04x", c);
        else
            buf_char(out, (char)c);
    }
    buf_char(out, '"');
}

static bool is_url(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == 0x7f)
            return false;
    return (str_starts_with(text, STR("https://")) && text.len > 8) ||
           (str_starts_with(text, STR("http://")) && text.len > 7);
}

/* The words of a list or of a text with commas, as one text with commas. False: not of the kind. */
static bool take_words(const struct param *param, const struct json_read_node *node,
                       struct buf *words)
{
    struct str rest = node->text;
    const struct json_read_node *item = node->first;
    while (node->kind == JSON_READ_ARRAY ? item != NULL : rest.len > 0) {
        struct str word =
            str_trim(node->kind == JSON_READ_ARRAY ? item->text : str_split(&rest, ','));
        if (!has_word(param->words, word))
            return false;
        if (words->len > 0)
            buf_char(words, ',');
        buf_str_append(words, word);
        item = item == NULL ? NULL : item->next;
    }
    return words->len > 0;
}

struct reading {
    struct instruction *out;
    struct buf data;
};

/* Checks one value and appends it in canonical form. */
static bool take_value(struct reading *reading, const struct param *param,
                       const struct json_read_node *node)
{
    struct buf *data = &reading->data;
    bool is_scalar = node->kind == JSON_READ_STRING || node->kind == JSON_READ_NUMBER;
    bool is_text =
        node->kind == JSON_READ_STRING && node->text.len > 0 && node->text.len <= MAX_TEXT_BYTES;
    bool is_true = node->is_true;
    int64_t number = 0;
    struct buf words;
    bool is_good = false;
    size_t before = data->len;
    if (param->type != PARAM_SECRET) {
        buf_char(data, data->len == 0 ? '{' : ',');
        put_json_text(data, str_from(param->name));
        buf_char(data, ':');
    }
    switch (param->type) {
    case PARAM_NONE:
        break;
    case PARAM_TEXT:
        is_good = is_text;
        put_json_text(data, node->text);
        break;
    case PARAM_SECRET:
        is_good = is_text;
        break;
    case PARAM_URL:
        is_good = is_text && is_url(node->text);
        put_json_text(data, node->text);
        break;
    case PARAM_SID:
        is_good = is_text && parse_is_sid(node->text, param->words);
        put_json_text(data, node->text);
        break;
    case PARAM_INT:
        is_good = is_scalar && parse_i64(node->text, param->min, param->max, &number);
        buf_i64(data, number);
        break;
    case PARAM_BOOL:
        is_good = node->kind == JSON_READ_BOOL || (is_text && parse_bool(node->text, &is_true));
        buf_text(data, is_true ? "true" : "false");
        break;
    case PARAM_CHOICE: {
        struct str word =
            node->kind == JSON_READ_BOOL ? str_from(is_true ? "true" : "false") : node->text;
        is_good = (is_text || node->kind == JSON_READ_BOOL) && has_word(param->words, word);
        put_json_text(data, word);
        break;
    }
    case PARAM_WORDS:
        buf_init(&words, MAX_TEXT_BYTES);
        is_good = (is_text || node->kind == JSON_READ_ARRAY) && take_words(param, node, &words);
        put_json_text(data, buf_str(&words));
        buf_fini(&words);
        break;
    }
    if (!is_good)
        data->len = before;
    return is_good;
}

/* What the router itself goes by. */
static void note_value(struct instruction *out, const struct param *param,
                       const struct json_read_node *node)
{
    int64_t number = 0;
    bool is_true = node->is_true;
    if (strcmp(param->name, "to") == 0)
        out->has_to = true;
    else if (strcmp(param->name, "from") == 0)
        out->has_from = true;
    else if (strcmp(param->name, "activity_sid") == 0)
        out->activity_sid = sid_from(node->text);
    else if (strcmp(param->name, "post_work_activity_sid") == 0)
        out->post_work_activity_sid = sid_from(node->text);
    else if (strcmp(param->name, "supervisor") == 0)
        out->supervisor = node->text;
    else if (strcmp(param->name, "timeout") == 0 && parse_i64(node->text, 0, INT32_MAX, &number))
        out->timeout_s = number;
    else if (strcmp(param->name, "accept") == 0)
        out->accepts = is_true || (parse_bool(node->text, &is_true) && is_true);
}

static enum err_code take_params(struct reading *reading, const struct json_read_node *root,
                                 bool is_done, struct err *err)
{
    const struct family *family = &families[reading->out->kind];
    for (size_t i = 0; i < family->count; i++) {
        const struct param *param = &family->params[i];
        const struct json_read_node *node = json_read_get(root, param->form_name);
        if (node == NULL)
            node = json_read_get(root, param->name);
        if (node == NULL || node->kind == JSON_READ_NULL) {
            if (param->is_required && !is_done)
                return REFUSE(err, param->fault, "instruction_data",
                              "the instruction %s needs %s (%s)", names[reading->out->kind],
                              param->name, param->form_name);
            continue;
        }
        if (!take_value(reading, param, node))
            return REFUSE(
                err, param->fault, "instruction_data",
                "%s (%s) of the instruction %s is not valid%s%s", param->name, param->form_name,
                names[reading->out->kind],
                param->type == PARAM_CHOICE || param->type == PARAM_WORDS ? ": it may be " : "",
                param->type == PARAM_CHOICE || param->type == PARAM_WORDS ? param->words : "");
        note_value(reading->out, param, node);
    }
    return ERR_OK;
}

static enum err_code instruction_take(struct arena *arena, struct str name, struct str parameters,
                                      bool is_done, struct instruction *out, struct err *err)
{
    struct instruction instruction = {.kind = instruction_from(name), .data = STR("")};
    if (name.len == 0)
        return REFUSE(err, FAULT(INSTRUCTION_MISSING), "instruction", "name the instruction");
    if (instruction.kind == INSTRUCTION_NONE)
        return REFUSE(err, FAULT(INSTRUCTION_UNKNOWN), "instruction",
                      "there is no instruction %.*s", name.len > 64 ? 64 : (int)name.len, name.ptr);
    if (parameters.len > INSTRUCTION_MAX_BYTES)
        return REFUSE(err, FAULT(INSTRUCTION_PARAMETER), "instruction_data",
                      "the parameters may have at most %d bytes", INSTRUCTION_MAX_BYTES);
    instruction.accepts = instruction.kind == INSTRUCTION_ACCEPT;
    const struct json_read_node *root = NULL;
    if (parameters.len > 0) {
        struct err local = {0};
        root = json_read(arena, parameters, err == NULL ? &local : err);
        if (root == NULL)
            return err == NULL ? local.code : err->code;
        if (root->kind != JSON_READ_OBJECT)
            return REFUSE(err, FAULT(INSTRUCTION_PARAMETER), "instruction_data",
                          "the parameters must be a JSON object");
    }
    struct reading reading = {.out = &instruction};
    buf_init(&reading.data, (size_t)8 * INSTRUCTION_MAX_BYTES);
    enum err_code code = take_params(&reading, root, is_done, err);
    if (code == ERR_OK && reading.data.len > 0) {
        buf_char(&reading.data, '}');
        instruction.data = arena_str(arena, buf_str(&reading.data));
    }
    if (code == ERR_OK && (buf_failed(&reading.data) || arena_is_exhausted(arena)))
        code = ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                       "the instruction needs too much memory");
    buf_fini(&reading.data);
    if (code != ERR_OK)
        return code;
    *out = instruction;
    return ERR_OK;
}

enum err_code instruction_read(struct arena *arena, struct str name, struct str parameters,
                               struct instruction *out, struct err *err)
{
    return instruction_take(arena, name, parameters, false, out, err);
}

enum err_code instruction_read_done(struct arena *arena, struct str name, struct str parameters,
                                    struct instruction *out, struct err *err)
{
    return instruction_take(arena, name, parameters, true, out, err);
}

/* --- what is left to the task and the worker ------------------------------------------------ */

static bool names_text(const struct json_read_node *object, const char *key)
{
    const struct json_read_node *node = json_read_get(object, key);
    return node != NULL && node->kind == JSON_READ_STRING && node->text.len > 0;
}

enum err_code instruction_check_parties(struct arena *arena, const struct instruction *instruction,
                                        struct str task_attributes, struct str worker_attributes,
                                        struct err *err)
{
    enum instruction_kind kind = instruction->kind;
    bool dials =
        kind == INSTRUCTION_DEQUEUE || kind == INSTRUCTION_CALL || kind == INSTRUCTION_CONFERENCE;
    if (!dials && kind != INSTRUCTION_SUPERVISE)
        return ERR_OK;
    struct arena_mark mark = arena_mark(arena);
    struct err ignored;
    const struct json_read_node *task = json_read(arena, task_attributes, &ignored);
    const struct json_read_node *worker = json_read(arena, worker_attributes, &ignored);
    bool has_contact = names_text(worker, "contact_uri");
    bool has_from = names_text(task, "from");
    bool has_call = names_text(task, "call_sid");
    bool has_far_end = has_call || names_text(task, "outbound_to");
    arena_rewind(arena, mark);
    enum instruction_fault fault = FAULT(NONE);
    const char *what = "";
    if (kind == INSTRUCTION_DEQUEUE && !has_call) {
        fault = FAULT(DEQUEUE_CALL_SID);
        what = "the task's attributes have no call_sid: only waiting calls can be dequeued";
    } else if (kind == INSTRUCTION_CONFERENCE && !has_far_end) {
        fault = FAULT(CONFERENCE_CALL_SID);
        what = "the task's attributes have neither call_sid nor outbound_to";
    } else if (dials && !instruction->has_to && !has_contact) {
        fault = kind == INSTRUCTION_DEQUEUE ? FAULT(DEQUEUE_TO)
                : kind == INSTRUCTION_CALL  ? FAULT(CALL_TO)
                                            : FAULT(CONFERENCE_TO);
        what = "give to, or set contact_uri in the worker's attributes";
    } else if (kind == INSTRUCTION_CONFERENCE && !instruction->has_from && !has_from) {
        fault = FAULT(CONFERENCE_FROM);
        what = "give from, or set from in the task's attributes";
    } else if (kind == INSTRUCTION_SUPERVISE && !has_from) {
        fault = FAULT(SUPERVISE_FROM);
        what = "the task's attributes have no from";
    }
    if (fault == FAULT(NONE))
        return ERR_OK;
    return REFUSE(err, fault, "instruction_data", "%s", what);
}
