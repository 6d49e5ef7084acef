/* What comes from Twilio by webhook; calls, phone lines, and who calls. */
#include "route_rows.h"
#include "taskrouter/directory/v1/calls.pb-c.h"
#include "taskrouter/directory/v1/webhooks.pb-c.h"

/* A call is hung up by its provider. */
enum { HANG_UP_BUDGET_MS = 10000 };

#define LINE_FIELDS                                                                                \
    FIELDS("phone_number", "friendly_name", "greeting", "voicemail_greeting", "wait_music_url",    \
           "after_hours", "after_hours_target", "after_hours_message", "department",               \
           "workflow_sid", "menu", "language", "announce_position", "record_calls")

enum { IMPORT_BUDGET_MS = 10000 };

#define CUSTOMER_FIELDS                                                                            \
    FIELDS("external_id", "name", "phones", "email", "organization", "customer_type",              \
           "project_status", "department", "coordinator_email", "coordinator_quickbase_id",        \
           "notes", "attributes")

/* One route a block; the macros read as columns. */
/* clang-format off */
static const struct rest_route rows[] = {
    /* ---- webhooks ---- */
    WEBHOOK("/webhooks/taskrouter", EVENT, "receiveEvent", "Event of the Twilio workspace"),
    WEBHOOK("/webhooks/assignment", ASSIGNMENT, "receiveAssignment",
            "Assignment callback of a Twilio workflow"),
    WEBHOOK("/webhooks/voice", VOICE, "receiveCall", "Incoming call"),
    WEBHOOK("/webhooks/voice/status", VOICE_STATUS, "receiveCallStatus", "Status of a call"),
    WEBHOOK("/webhooks/voice/recording", RECORDING, "receiveRecording", "Status of a recording"),
    WEBHOOK("/webhooks/voice/transcription", TRANSCRIPTION, "receiveTranscription",
            "Transcription of a recording"),
    WEBHOOK("/webhooks/voice/menu", VOICE_MENU, "receiveDigits", "A key was pressed in a menu"),
    WEBHOOK("/webhooks/voice/wait", VOICE_WAIT, "receiveWait", "What a waiting caller hears"),
    WEBHOOK("/webhooks/voice/queue-end", VOICE_QUEUE_END, "receiveQueueEnd",
            "A caller has left the queue"),
    WEBHOOK("/webhooks/voice/voicemail", VOICE_VOICEMAIL, "receiveVoicemail",
            "A caller is to leave a message, or has left one"),
    WEBHOOK("/webhooks/voice/transfer-end", VOICE_TRANSFER_END, "receiveTransferEnd",
            "A transferred call has ended"),
    WEBHOOK("/webhooks/voice/leg", VOICE_LEG, "receiveLegStatus",
            "Status of the call to a worker"),
    WEBHOOK("/webhooks/sms", SMS, "receiveMessage", "Incoming message"),
    WEBHOOK("/webhooks/twilio/voice", VOICE, "receiveCallFormer", "As /api/webhooks/voice"),
    WEBHOOK("/webhooks/twilio/status", VOICE_STATUS, "receiveCallStatusFormer",
            "As /api/webhooks/voice/status"),
    WEBHOOK("/webhooks/twilio/recording", RECORDING, "receiveRecordingFormer",
            "As /api/webhooks/voice/recording"),
    WEBHOOK("/webhooks/twilio/transcription", TRANSCRIPTION, "receiveTranscriptionFormer",
            "As /api/webhooks/voice/transcription"),
    WEBHOOK("/webhooks/twilio/sms", SMS, "receiveMessageFormer", "As /api/webhooks/sms"),
    WEBHOOK("/webhooks/twilio/message-status", MESSAGE_STATUS, "receiveMessageStatus",
            "Status of a message"),
    {LIST("/webhooks", ADMIN), .tag = "webhooks",
     .summary = "List received webhooks, newest first; state=dead: those that could not be applied",
     RPC(directory, GATEWAY, Webhooks, ListWebhooks, list_webhooks, list_webhooks_response),
     .query = FIELDS(PAGED, "state", "kind")},
    {GET("/webhooks/summary", ADMIN), .tag = "webhooks",
     .summary = "Say how many webhooks wait, are dead, came and were refused",
     RPC(directory, GATEWAY, Webhooks, GetWebhookSummary, get_webhook_summary, webhook_summary)},
    {GET("/webhooks/{sid}", ADMIN), .tag = "webhooks", .summary = "Get a received webhook",
     RPC(directory, GATEWAY, Webhooks, GetWebhook, get_webhook, webhook)},
    {ACTION("/webhooks/{sid}/replay", ADMIN), .tag = "webhooks",
     .summary = "Apply a dead webhook again",
     RPC(directory, GATEWAY, Webhooks, ReplayWebhook, replay_webhook, webhook)},
    {ACTION("/webhooks/replay-dead", ADMIN), .tag = "webhooks",
     .summary = "Apply all dead webhooks again",
     RPC(directory, GATEWAY, Webhooks, ReplayDeadWebhooks, replay_dead_webhooks,
         replay_dead_webhooks_response)},

    /* ---- calls and lines ---- */
    {LIST("/calls", VIEWER), .tag = "calls", .summary = "List calls, newest first",
     RPC(directory, GATEWAY, Calls, ListCalls, list_calls, list_calls_response),
     .query = FIELDS(PAGED, "status", "from_number", "customer_sid", "task_sid"),
     .is_in_workspace = true},
    {GET("/calls/{sid}", VIEWER), .tag = "calls",
     .summary = "Get a call by its SID or the provider's",
     RPC(directory, GATEWAY, Calls, GetCall, get_call, call), .is_in_workspace = true},
    {ACTION("/calls/{sid}/hangup", SUPERVISOR), .tag = "calls", .summary = "Hang a call up",
     RPC(directory, GATEWAY, Calls, HangUpCall, hang_up_call, call), .is_in_workspace = true,
     .budget_ms = HANG_UP_BUDGET_MS},
    {LIST("/lines", VIEWER), .tag = "lines", .summary = "List phone lines",
     RPC(directory, GATEWAY, Calls, ListLines, list_lines, list_lines_response),
     .query = FIELDS(PAGED), .is_in_workspace = true},
    {CREATE("/lines", SUPERVISOR), .tag = "lines",
     .summary = "Create a phone line: a number, and how calls to it are answered",
     RPC(directory, GATEWAY, Calls, CreateLine, create_line, line), .nested = "line",
     .body = LINE_FIELDS, .is_in_workspace = true},
    {GET("/lines/{sid}", VIEWER), .tag = "lines",
     .summary = "Get a phone line by its SID or number",
     RPC(directory, GATEWAY, Calls, GetLine, get_line, line), .is_in_workspace = true},
    {UPDATE("/lines/{sid}", SUPERVISOR), .tag = "lines", .summary = "Change a phone line",
     RPC(directory, GATEWAY, Calls, UpdateLine, update_line, line), .nested = "line",
     .body = LINE_FIELDS, .is_in_workspace = true},
    {DELETE("/lines/{sid}", SUPERVISOR), .tag = "lines", .summary = "Delete a phone line",
     RPC_VOID(directory, GATEWAY, Calls, DeleteLine, delete_line), .is_in_workspace = true},

    /* ---- customers ---- */
    {LIST("/customers", AGENT), .tag = "customers", .summary = "List customers",
     RPC(directory, GATEWAY, Customers, ListCustomers, list_customers, list_customers_response),
     .query = FIELDS(PAGED, "phone", "search")},
    {CREATE("/customers", SUPERVISOR), .tag = "customers", .summary = "Create a customer",
     RPC(directory, GATEWAY, Customers, CreateCustomer, create_customer, customer),
     .nested = "customer", .body = CUSTOMER_FIELDS},
    {GET("/customers/lookup", AGENT), .tag = "customers",
     .summary = "Say who has a phone number, as calls ask it",
     RPC(directory, GATEWAY, Customers, LookUpCustomer, look_up_customer,
         look_up_customer_response), .query = FIELDS("phone", "workspace_sid")},
    {ACTION("/customers/import", SUPERVISOR), .tag = "customers",
     .summary = "Import customers from CSV, or say what that would do",
     RPC(directory, GATEWAY, Customers, ImportCustomers, import_customers,
         import_customers_response), .body = FIELDS("csv", "dry_run", "default_region"),
     .has_large_body = true, .budget_ms = IMPORT_BUDGET_MS},
    {GET("/customers/{sid}", AGENT), .tag = "customers", .summary = "Get a customer",
     RPC(directory, GATEWAY, Customers, GetCustomer, get_customer, customer)},
    {UPDATE("/customers/{sid}", SUPERVISOR), .tag = "customers", .summary = "Change a customer",
     RPC(directory, GATEWAY, Customers, UpdateCustomer, update_customer, customer),
     .nested = "customer", .body = CUSTOMER_FIELDS},
    {DELETE("/customers/{sid}", SUPERVISOR), .tag = "customers", .summary = "Delete a customer",
     RPC_VOID(directory, GATEWAY, Customers, DeleteCustomer, delete_customer)},
};
/* clang-format on */

AREA(rest_area_calls);
