/* sync-svc's own settings; the table is config.c. */
#pragma once

#include <stdint.h>

/* Texts are NULL when absent. */
struct sync_settings {
    const char *account_sid;      /* TWILIO_ACCOUNT_SID */
    const char *auth_token;       /* TWILIO_AUTH_TOKEN */
    const char *workspace_sid;    /* TWILIO_WORKSPACE_SID */
    const char *workflow_sid;     /* TWILIO_WORKFLOW_SID */
    const char *twilio_url;       /* TASKROUTER_TWILIO_URL */
    const char *twilio_voice_url; /* TASKROUTER_TWILIO_VOICE_URL */
    const char *twilio_ca_file;   /* TASKROUTER_TWILIO_CA_FILE */
    int64_t twilio_rate;          /* TASKROUTER_TWILIO_RATE, calls per second */
    int64_t twilio_burst;         /* TASKROUTER_TWILIO_BURST, calls */
    int64_t twilio_concurrency;   /* TASKROUTER_TWILIO_CONCURRENCY, calls */
    int64_t twilio_timeout_ms;    /* TASKROUTER_TWILIO_TIMEOUT, of one attempt */
    int64_t writes;               /* TASKROUTER_TWILIO_WRITES, threads */
    int64_t settle_ms;            /* TASKROUTER_TWILIO_SETTLE */
    int64_t weekly_ms;            /* TASKROUTER_SYNC_WEEKLY; 0 = never */
    int64_t reconcile_ms;         /* TASKROUTER_SYNC_RECONCILE; 0 = never */
    int64_t patience_ms;          /* TASKROUTER_SYNC_PATIENCE */
};
