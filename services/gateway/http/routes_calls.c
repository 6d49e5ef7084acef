/* What comes from Twilio by webhook. */
#include "route_rows.h"
#include "taskrouter/directory/v1/webhooks.pb-c.h"

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
};
/* clang-format on */

AREA(rest_area_calls);
