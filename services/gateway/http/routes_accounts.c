/* The installation itself: the sync with Twilio, accounts, tokens, users, documents. */
#include "route_rows.h"
#include "taskrouter/directory/v1/directory.pb-c.h"
#include "taskrouter/sync/v1/sync.pb-c.h"
#include "taskrouter/sync/v1/writes.pb-c.h"

/* Two calls of Twilio's API, retries among them. */
enum { CHECK_BUDGET_MS = 20000 };

/* One route a block; the macros read as columns. */
/* clang-format off */
static const struct rest_route rows[] = {
    /* ---- sync with Twilio ---- */
    {LIST("/sync/runs", VIEWER), .tag = "sync", .summary = "List runs of the sync, newest first",
     RPC(sync, SYNC, Sync, ListRuns, list_runs, list_runs_response), .query = FIELDS(PAGED)},
    {CREATE("/sync/runs", SUPERVISOR), .tag = "sync",
     .summary = "Begin a run, which goes on whoever listens; without a workspace of the configured one",
     RPC(sync, SYNC, Sync, StartRun, start_run, run), .operation = "startRun",
     .body = FIELDS("kinds", "dry_run", "light", "cause"), .may_lack_workspace = true},
    {GET("/sync/runs/{sid}", VIEWER), .tag = "sync", .summary = "Get a run with its progress",
     RPC(sync, SYNC, Sync, GetRun, get_run, run)},
    {LIST("/sync/runs/{sid}/items", VIEWER), .tag = "sync",
     .summary = "List what a run did not find unchanged, with the fields that differ",
     RPC(sync, SYNC, Sync, ListRunItems, list_run_items, list_run_items_response),
     .query = FIELDS(PAGED, "kind", "outcome")},
    {ACTION("/sync/runs/{sid}/cancel", SUPERVISOR), .tag = "sync", .summary = "End a run early",
     RPC(sync, SYNC, Sync, CancelRun, cancel_run, run)},
    {GET("/sync/check", SUPERVISOR), .tag = "sync",
     .summary = "Say whether Twilio can be reached with what is configured, or what to mend",
     RPC(sync, SYNC, Sync, CheckUpstream, check_upstream, check_upstream_response),
     .may_lack_workspace = true, .budget_ms = CHECK_BUDGET_MS},

    {LIST("/sync/writes", ADMIN), .tag = "sync",
     .summary = "List changes at Twilio of which the outcome is not known; state=given_up: those that a person must look at",
     RPC(sync, SYNC, Writes, ListWrites, list_writes, list_writes_response),
     .query = FIELDS(PAGED, "state"), .may_lack_workspace = true},
    {GET("/sync/writes/{sid}", ADMIN), .tag = "sync",
     .summary = "Get a change at Twilio, with what was asked for",
     RPC(sync, SYNC, Writes, GetWrite, get_write, write), .may_lack_workspace = true},
    {ACTION("/sync/writes/{sid}/retry", ADMIN), .tag = "sync",
     .summary = "Find out again what became of a change that was given up; nothing is sent again",
     RPC(sync, SYNC, Writes, RetryWrite, retry_write, write), .may_lack_workspace = true},
    {ACTION("/sync/writes/{sid}/dismiss", ADMIN), .tag = "sync",
     .summary = "Forget a change that was given up",
     RPC(sync, SYNC, Writes, DismissWrite, dismiss_write, write), .may_lack_workspace = true},

    /* ---- tokens and users ---- */
    {LIST("/tokens", ADMIN), .tag = "tokens", .summary = "List API tokens",
     RPC(directory, GATEWAY, Directory, ListTokens, list_tokens, list_tokens_response),
     .query = FIELDS(PAGED)},
    {CREATE("/tokens", ADMIN), .tag = "tokens",
     .summary = "Create an API token; its secret is shown this once",
     RPC(directory, GATEWAY, Directory, CreateToken, create_token, create_token_response),
     .body = FIELDS("friendly_name", "role", "worker_sid", "workspace_sid", "user_sid", "ttl_s")},
    {DELETE("/tokens/{sid}", ADMIN), .tag = "tokens", .summary = "Revoke an API token",
     RPC_VOID(directory, GATEWAY, Directory, RevokeToken, revoke_token)},
    {LIST("/accounts", ADMIN), .tag = "accounts",
     .summary = "List accounts: the owner of the installation all, others their own",
     RPC(directory, GATEWAY, Directory, ListAccounts, list_accounts, list_accounts_response),
     .query = FIELDS(PAGED)},
    {CREATE("/accounts", ADMIN), .tag = "accounts",
     .summary = "Create an account; its auth token is shown this once",
     RPC(directory, GATEWAY, Directory, CreateAccount, create_account, account_secret),
     .body = FIELDS("friendly_name")},
    {GET("/accounts/{sid}", ADMIN), .tag = "accounts", .summary = "Get an account",
     RPC(directory, GATEWAY, Directory, GetAccount, get_account, account)},
    {UPDATE("/accounts/{sid}", ADMIN), .tag = "accounts",
     .summary = "Rename an account; the owner may suspend others",
     RPC(directory, GATEWAY, Directory, UpdateAccount, update_account, account),
     .body = FIELDS("friendly_name", "suspended")},
    {ACTION("/accounts/{sid}/secondary-auth-token", ADMIN), .tag = "accounts",
     .summary = "Make a secondary auth token, accepted beside the primary one and shown this once",
     RPC(directory, GATEWAY, Directory, CreateSecondaryAuthToken, account_action, account_secret)},
    {ACTION("/accounts/{sid}/secondary-auth-token/promote", ADMIN), .tag = "accounts",
     .summary = "Make the secondary auth token the primary one, which ends",
     RPC(directory, GATEWAY, Directory, PromoteSecondaryAuthToken, account_action, account)},
    {ACTION("/accounts/{sid}/secondary-auth-token/drop", ADMIN), .tag = "accounts",
     .summary = "End the secondary auth token",
     RPC(directory, GATEWAY, Directory, DeleteSecondaryAuthToken, account_action, account)},
    {LIST("/keys", ADMIN), .tag = "keys", .summary = "List API keys",
     RPC(directory, GATEWAY, Directory, ListKeys, list_keys, list_keys_response),
     .query = FIELDS(PAGED, "account_sid")},
    {CREATE("/keys", ADMIN), .tag = "keys",
     .summary = "Create an API key, user and password of HTTP Basic; its secret is shown this once",
     RPC(directory, GATEWAY, Directory, CreateKey, create_key, key_secret),
     .body = FIELDS("friendly_name", "role", "account_sid")},
    {DELETE("/keys/{sid}", ADMIN), .tag = "keys", .summary = "Revoke an API key",
     RPC_VOID(directory, GATEWAY, Directory, RevokeKey, revoke_key)},
    {LIST("/users", SUPERVISOR), .tag = "users", .summary = "List users",
     RPC(directory, GATEWAY, Directory, ListUsers, list_users, list_users_response),
     .query = FIELDS(PAGED)},
    {CREATE("/users", ADMIN), .tag = "users", .summary = "Create a user",
     RPC(directory, GATEWAY, Directory, CreateUser, create_user, user),
     .body = FIELDS("email", "name", "role", "department", "quickbase_user_id")},
    {GET("/users/{sid}", SUPERVISOR), .tag = "users", .summary = "Get a user",
     RPC(directory, GATEWAY, Directory, GetUser, get_user, user)},

    /* ---- documents ---- */
    {.method = HTTP_GET, .pattern = "/api/openapi.json", .kind = REST_DOCUMENT, .role = ROLE_NONE,
     .tag = "documents", .operation = "getOpenapi", .summary = "This document"},
};
/* clang-format on */

AREA(rest_area_accounts);
