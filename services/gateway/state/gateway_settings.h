/* The gateway's own settings; the table is config.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Texts are NULL when absent. */
struct gateway_settings {
    const char *account_sid;                /* TASKROUTER_ACCOUNT_SID */
    const char *auth_token;                 /* TASKROUTER_AUTH_TOKEN: HTTP Basic with the account */
    const char *twilio_account_sid;         /* TWILIO_ACCOUNT_SID: stands in for the first two */
    const char *twilio_auth_token;          /* TWILIO_AUTH_TOKEN */
    const char *twilio_auth_token_previous; /* TWILIO_AUTH_TOKEN_PREVIOUS: of webhooks only */
    const char *bootstrap_token;            /* TASKROUTER_BOOTSTRAP_TOKEN */
    const char *secret_key;                 /* TASKROUTER_SECRET_KEY */
    const char *secret_key_previous;        /* TASKROUTER_SECRET_KEY_PREVIOUS */
    const char *default_workspace;          /* TWILIO_WORKSPACE_SID */
    const char *default_workflow;           /* TWILIO_WORKFLOW_SID: of calls and messages */
    const char *wait_music_url;             /* TASKROUTER_WAIT_MUSIC_URL */
    int64_t call_patience_ms;               /* TASKROUTER_CALL_PATIENCE */
    int64_t call_max_age_ms;                /* TASKROUTER_CALL_MAX_AGE */
    int64_t bridge_unheard_ms;              /* TASKROUTER_BRIDGE_UNHEARD */
    int64_t bridge_patience_ms;             /* TASKROUTER_BRIDGE_PATIENCE */
    bool callback_allow_private;            /* TASKROUTER_CALLBACK_ALLOW_PRIVATE */
    const char *callback_ca_file;           /* TASKROUTER_CALLBACK_CA_FILE */
    const char *cors_origins;               /* TASKROUTER_CORS_ORIGINS, comma-separated */
    const char *public_url;      /* TASKROUTER_PUBLIC_URL: of the URLs in answers below /v1 */
    const char *trusted_proxies; /* TASKROUTER_TRUSTED_PROXIES, comma-separated ranges */
    int64_t http_workers;        /* TASKROUTER_HTTP_WORKERS */
    int64_t max_streams;         /* TASKROUTER_MAX_STREAMS */
    int64_t rate_requests;       /* TASKROUTER_RATE_…, each per second and account; 0 = off */
    int64_t rate_task_creation;
    int64_t rate_expressions;
    int64_t rate_bulk_statistics;
    int64_t max_sockets;                /* TASKROUTER_MAX_SOCKETS */
    int64_t audit_max_age_ms;           /* TASKROUTER_AUDIT_MAX_AGE */
    const char *assignment_instruction; /* TASKROUTER_ASSIGNMENT_INSTRUCTION, JSON */
    int64_t webhook_consumers;          /* TASKROUTER_WEBHOOK_CONSUMERS */
    int64_t webhook_max_waiting;        /* TASKROUTER_WEBHOOK_MAX_WAITING */
    int64_t webhook_max_age_ms;         /* TASKROUTER_WEBHOOK_MAX_AGE */
    int64_t webhook_dead_max_age_ms;    /* TASKROUTER_WEBHOOK_DEAD_MAX_AGE */
    const char *phone_region;           /* TASKROUTER_PHONE_REGION: "US" */
    bool quickbase_enabled;             /* QUICKBASE_ENABLED */
    const char *quickbase_realm;        /* QUICKBASE_REALM */
    const char *quickbase_user_token;   /* QUICKBASE_USER_TOKEN */
    const char *quickbase_table_id;     /* QUICKBASE_TABLE_ID */
    const char *quickbase_base_url;     /* QUICKBASE_BASE_URL */
    int64_t quickbase_cache_ms;         /* QUICKBASE_CACHE */
    int64_t quickbase_fid_phone;        /* QUICKBASE_FID_…: ids of fields; 0 = none */
    int64_t quickbase_fid_coordinator;
    int64_t quickbase_fid_project_status;
    int64_t quickbase_fid_name;
    int64_t quickbase_fid_email;
    int64_t quickbase_fid_organization;
    int64_t quickbase_fid_customer_type;
    int64_t quickbase_fid_department;
    int64_t quickbase_fid_notes;
};

/* The account and its secret, whichever way they were given; NULL when they were not. */
const char *gateway_account_sid(const struct gateway_settings *settings);
const char *gateway_auth_token(const struct gateway_settings *settings);
