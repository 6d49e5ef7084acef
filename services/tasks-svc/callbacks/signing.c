#include "signing.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/lock.h"
#include "base/map.h"
#include "crypt/crypt.h"
#include "log/log.h"
#include "rpc/client.h"
#include "taskrouter/directory/v1/directory.pb-c.h"

enum {
    SIGNING_LOCK_RANK = 105, /* below that of jobs, which are woken under it */
    KNOWN_MAX = 4096,
    FIRST_WAIT_MS = 50,
    AWAY_WAIT_MS = 1000,
    ASK_TIMEOUT_MS = 2000,
};

#define FRESH_US (10 * US_PER_S)

/* Owned by the map; key is account. */
struct entry {
    struct sid account;
    char *token;           /* NULL: none */
    bool is_known;         /* token is what the gateway said at one time */
    bool is_wanted;        /* the job is to ask */
    bool is_away;          /* the gateway did not tell the last time */
    int64_t until_mono_us; /* fresh until then */
};

struct signing {
    char *account_sid;
    char *auth_token;
    struct rpc_client *gateway;
    struct lock lock;    /* guards what follows */
    struct app_job *job; /* NULL once it has ended */
    struct map entries;
};

static void secret_free(char *secret)
{
    if (secret == NULL)
        return;
    crypt_wipe(secret, strlen(secret));
    free(secret);
}

static void entry_free(struct entry *entry)
{
    secret_free(entry->token);
    free(entry);
}

struct signing *signing_new(const struct signing_options *options)
{
    struct signing *signing = xcalloc(1, sizeof *signing);
    signing->account_sid = xstrdup(options->account_sid);
    signing->auth_token = xstrdup(options->auth_token);
    signing->gateway = options->gateway;
    lock_init(&signing->lock, "signing", SIGNING_LOCK_RANK);
    map_init(&signing->entries);
    if (options->auth_token == NULL)
        LOG_WARN(NULL,
                 "callbacks are sent without X-Twilio-Signature unless the gateway knows what to "
                 "sign them with: set TASKROUTER_AUTH_TOKEN so that receivers can tell who sent "
                 "them");
    return signing;
}

static void entries_clear(struct signing *signing)
{
    for (size_t i = 0; i < signing->entries.count; i++)
        entry_free(signing->entries.entries[i].value);
    map_clear(&signing->entries);
}

void signing_free(struct signing *signing)
{
    if (signing == NULL)
        return;
    entries_clear(signing);
    map_fini(&signing->entries);
    lock_fini(&signing->lock);
    free(signing->account_sid);
    secret_free(signing->auth_token);
    free(signing);
}

/* Under the lock. */
static struct entry *entry_of(struct signing *signing, struct str account)
{
    struct entry *entry = map_get(&signing->entries, account);
    if (entry != NULL)
        return entry;
    if (signing->entries.count >= KNOWN_MAX)
        entries_clear(signing);
    entry = xcalloc(1, sizeof *entry);
    entry->account = sid_from(account);
    (void)map_put(&signing->entries, str_from(entry->account.text), entry);
    return entry;
}

static bool is_configured(const struct signing *signing, const char *account_sid)
{
    return signing->auth_token != NULL &&
           (signing->account_sid == NULL || strcmp(signing->account_sid, account_sid) == 0);
}

enum signing_answer signing_ask(struct signing *signing, const char *account_sid,
                                struct arena *arena, const char **out_token, int *out_after_ms)
{
    struct sid account = sid_from(str_from(account_sid));
    if (is_configured(signing, account_sid)) {
        *out_token = arena_strdup(arena, signing->auth_token);
        return SIGNING_TOKEN;
    }
    if (signing->gateway == NULL || !sid_is_set(&account))
        return SIGNING_UNSIGNED;
    enum signing_answer answer = SIGNING_LATER;
    lock_take(&signing->lock);
    struct entry *entry = entry_of(signing, str_from(account.text));
    bool is_stale = entry->until_mono_us <= clock_mono_us();
    if (is_stale)
        entry->is_wanted = true;
    if (entry->is_known && (!is_stale || entry->is_away))
        answer = entry->token == NULL ? SIGNING_UNSIGNED : SIGNING_TOKEN;
    if (answer == SIGNING_TOKEN)
        *out_token = arena_strdup(arena, entry->token);
    *out_after_ms = entry->is_away ? AWAY_WAIT_MS : FIRST_WAIT_MS;
    if (is_stale && signing->job != NULL)
        app_job_wake(signing->job);
    lock_drop(&signing->lock);
    return answer;
}

/* ---- the job ---- */

static bool take_wanted(struct signing *signing, struct sid *out_account)
{
    bool is_found = false;
    lock_take(&signing->lock);
    for (size_t i = 0; i < signing->entries.count && !is_found; i++) {
        struct entry *entry = signing->entries.entries[i].value;
        is_found = entry->is_wanted;
        if (is_found) {
            *out_account = entry->account;
            entry->is_wanted = false;
        }
    }
    lock_drop(&signing->lock);
    return is_found;
}

/* is_told: the gateway has answered, token NULL that there is none. */
static void note(struct signing *signing, const struct sid *account, bool is_told,
                 const char *token)
{
    lock_take(&signing->lock);
    struct entry *entry = entry_of(signing, str_from(account->text));
    entry->is_away = !is_told;
    if (is_told) {
        secret_free(entry->token);
        entry->token = xstrdup(token);
        entry->is_known = true;
        entry->until_mono_us = clock_mono_us() + FRESH_US;
    }
    lock_drop(&signing->lock);
}

static enum err_code ask_one(struct signing *signing, struct call *call, struct sid account,
                             struct err *err)
{
    Taskrouter__Directory__V1__GetSigningTokenRequest request;
    taskrouter__directory__v1__get_signing_token_request__init(&request);
    request.account_sid = account.text;
    Taskrouter__Directory__V1__SigningToken *reply = NULL;
    call->deadline_mono_us = clock_mono_us() + ASK_TIMEOUT_MS * US_PER_MS;
    enum err_code code =
        RPC_CALL(signing->gateway, call, "/taskrouter.directory.v1.Directory/GetSigningToken",
                 &request.base, taskrouter__directory__v1__signing_token, &reply, err);
    bool is_told = code == ERR_OK || code == ERR_NOT_FOUND;
    note(signing, &account, is_told, code == ERR_OK ? reply->auth_token : NULL);
    if (code == ERR_OK)
        crypt_wipe(reply->auth_token, strlen(reply->auth_token));
    return is_told ? ERR_OK : code;
}

/* Each is asked once; what the gateway did not tell is asked again with the next delivery. */
static enum err_code run(struct app_job *job, struct call *call, void *ctx, struct err *err)
{
    struct signing *signing = ctx;
    struct sid account;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && !app_job_is_stopping(job) && take_wanted(signing, &account))
        code = ask_one(signing, call, account, err);
    return code;
}

static const struct app_job_def job_def = {
    .name = "signing tokens", .run = run, .backoff_max_ms = AWAY_WAIT_MS};

static void stop(void *ctx, int64_t until_mono_us)
{
    (void)until_mono_us;
    struct signing *signing = ctx;
    lock_take(&signing->lock);
    signing->job = NULL;
    lock_drop(&signing->lock);
}

void signing_start(struct signing *signing, struct app *app)
{
    struct app_job *job = app_job_start(app, &job_def, signing);
    lock_take(&signing->lock);
    signing->job = job;
    lock_drop(&signing->lock);
    app_on_close(app, APP_FINISH_CALLS, "signing tokens", stop, signing); /* before the job ends */
}
