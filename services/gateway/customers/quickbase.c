/*
 * Customers in a QuickBase table, over its REST API. Of the configured account only. An answer,
 * also that nobody has the number, is remembered; who asks meanwhile waits for the one request that
 * is out, and who cannot wait that long leaves it to fill the memory for the next call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/breaker.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/map.h"
#include "crypt/crypt.h"
#include "customer_provider.h"
#include "gateway.h"
#include "httpc/httpc.h"
#include "log/log.h"
#include "quickbase_query.h"

enum {
    QUICKBASE_LOCK_RANK = 360,
    REQUEST_MS = 5000, /* of the request itself; callers wait less */
    FLIGHTS_MAX = 32,
    ENTRIES_MAX = 5000,
    ENTRY_BYTES = 32 << 10,
    STATUS_TOO_MANY = 429,
    STATUS_SERVER = 500,
};

/* What is known of a number. */
struct entry {
    struct list_node node; /* of the oldest first */
    char phone[PHONE_SIZE];
    int64_t until_mono_us;
    struct arena *arena; /* of the customer; NULL: nobody has the number */
    struct customer customer;
};

/* A request that is out. Freed by the last of those who wait and the request itself. */
struct flight {
    struct quickbase *quickbase;
    struct httpc_request request;
    char phone[PHONE_SIZE];
    char *url;
    struct buf body;
    int refs;
    bool is_done;
    struct err err; /* of one that failed */
    /* Of one that did not; NULL: nobody has the number. */
    struct arena *arena;
    struct customer customer;
};

struct quickbase {
    char *account_sid;
    char *base_url;
    char *table_id;
    char *realm_line;
    char *token_line; /* secret */
    const char *headers[4];
    struct quickbase_fields fields;
    int64_t remember_us;
    struct httpc *httpc;

    struct lock lock; /* of what follows, and of flights */
    struct cond done;
    struct breaker breaker;
    struct map flights;
    struct map entries;
    struct list oldest;
};

/* ---- life ---- */

static char *join(const char *a, const char *b, const char *c)
{
    struct buf text;
    buf_init(&text, 0);
    buf_printf(&text, "%s%s%s", a, b, c);
    INVARIANT(!buf_failed(&text)); /* lengths are bounded by the settings */
    return buf_take(&text);
}

static bool is_on(const struct gateway_settings *s)
{
    return s->quickbase_enabled && s->quickbase_realm != NULL && s->quickbase_user_token != NULL &&
           s->quickbase_table_id != NULL;
}

static enum err_code check_settings(const struct gateway_settings *s, struct err *err)
{
    const struct {
        const char *name;
        const char *value;
    } needed[] = {
        {"QUICKBASE_REALM",      s->quickbase_realm     },
        {"QUICKBASE_USER_TOKEN", s->quickbase_user_token},
        {"QUICKBASE_TABLE_ID",   s->quickbase_table_id  },
    };
    size_t given = 0;
    const char *missing = "";
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        if (needed[i].value != NULL)
            given++;
        else
            missing = needed[i].name;
    }
    if (!s->quickbase_enabled || given == 0 || given == ARRAY_LEN(needed))
        return ERR_OK;
    return ERR_SET(err, ERR_INVALID_ARGUMENT, "CONFIG_INVALID",
                   "%s is missing: QuickBase needs QUICKBASE_REALM, QUICKBASE_USER_TOKEN and "
                   "QUICKBASE_TABLE_ID; or set QUICKBASE_ENABLED=false",
                   missing);
}

static struct quickbase_fields fields_of(const struct gateway_settings *s)
{
    return (struct quickbase_fields){
        .phone = s->quickbase_fid_phone,
        .coordinator = s->quickbase_fid_coordinator,
        .project_status = s->quickbase_fid_project_status,
        .name = s->quickbase_fid_name,
        .email = s->quickbase_fid_email,
        .organization = s->quickbase_fid_organization,
        .customer_type = s->quickbase_fid_customer_type,
        .department = s->quickbase_fid_department,
        .notes = s->quickbase_fid_notes,
    };
}

static enum err_code open_quickbase(struct gateway *gateway, void **out_ctx, struct err *err)
{
    const struct gateway_settings *s = gateway->settings;
    const char *account_sid = gateway_account_sid(s);
    enum err_code code = check_settings(s, err);
    if (code != ERR_OK || !is_on(s))
        return code;
    bool is_whole = strchr(s->quickbase_realm, '.') != NULL;
    struct quickbase *quickbase = xcalloc(1, sizeof *quickbase);
    quickbase->account_sid = xstrdup(account_sid != NULL ? account_sid : "");
    quickbase->base_url = xstrdup(s->quickbase_base_url);
    quickbase->table_id = xstrdup(s->quickbase_table_id);
    quickbase->realm_line =
        join("QB-Realm-Hostname: ", s->quickbase_realm, is_whole ? "" : ".quickbase.com");
    quickbase->token_line = join("Authorization: QB-USER-TOKEN ", s->quickbase_user_token, "");
    quickbase->headers[0] = quickbase->realm_line;
    quickbase->headers[1] = quickbase->token_line;
    quickbase->headers[2] = "Content-Type: application/json";
    quickbase->fields = fields_of(s);
    quickbase->remember_us = s->quickbase_cache_ms * US_PER_MS;
    lock_init(&quickbase->lock, "quickbase", QUICKBASE_LOCK_RANK);
    cond_init(&quickbase->done);
    map_init(&quickbase->flights);
    map_init(&quickbase->entries);
    list_init(&quickbase->oldest);
    quickbase->httpc = httpc_open(&(struct httpc_options){
        .user_agent = "TaskRouter/0.1 (gateway)",
        .max_transfers = FLIGHTS_MAX,
        .max_response_bytes = QUICKBASE_REPLY_BYTES,
        .allows_private = true, /* the operator named it, no outsider */
    });
    *out_ctx = quickbase;
    return ERR_OK;
}

static void entry_free(struct quickbase *quickbase, struct entry *entry)
{
    (void)map_remove(&quickbase->entries, str_from(entry->phone));
    list_remove(&entry->node);
    arena_free(entry->arena);
    free(entry);
}

static void close_quickbase(void *ctx)
{
    struct quickbase *quickbase = ctx;
    httpc_close(quickbase->httpc); /* ends the flights; nobody waits for them any more */
    struct list_node *node = NULL;
    while ((node = list_first(&quickbase->oldest)) != NULL)
        entry_free(quickbase, LIST_ENTRY(node, struct entry, node));
    INVARIANT(quickbase->flights.count == 0);
    map_fini(&quickbase->flights);
    map_fini(&quickbase->entries);
    cond_fini(&quickbase->done);
    lock_fini(&quickbase->lock);
    crypt_wipe(quickbase->token_line, strlen(quickbase->token_line));
    free(quickbase->token_line);
    free(quickbase->realm_line);
    free(quickbase->table_id);
    free(quickbase->base_url);
    free(quickbase->account_sid);
    free(quickbase);
}

static bool serves(void *ctx, const char *account_sid)
{
    struct quickbase *quickbase = ctx;
    return strcmp(quickbase->account_sid, account_sid) == 0;
}

/* ---- customers between memories ---- */

static enum err_code copy_customer(const struct customer *from, struct arena *arena,
                                   struct customer *out, struct err *err)
{
    const char **phones = ARENA_ARRAY(arena, const char *, from->phone_count);
    *out = (struct customer){
        .external_id = arena_strdup(arena, from->external_id),
        .name = arena_strdup(arena, from->name),
        .email = arena_strdup(arena, from->email),
        .organization = arena_strdup(arena, from->organization),
        .customer_type = arena_strdup(arena, from->customer_type),
        .project_status = arena_strdup(arena, from->project_status),
        .department = arena_strdup(arena, from->department),
        .coordinator_email = arena_strdup(arena, from->coordinator_email),
        .coordinator_quickbase_id = arena_strdup(arena, from->coordinator_quickbase_id),
        .notes = arena_strdup(arena, from->notes),
        .phones = phones,
        .phone_count = from->phone_count,
    };
    for (size_t i = 0; phones != NULL && i < from->phone_count; i++)
        phones[i] = arena_strdup(arena, from->phones[i]);
    if (arena_is_exhausted(arena))
        return call_no_room(err);
    customer_defaults(out);
    return ERR_OK;
}

/* Under the lock. Takes the flight's customer over. */
static void remember(struct quickbase *quickbase, struct flight *flight)
{
    struct entry *former = map_get(&quickbase->entries, str_from(flight->phone));
    if (former != NULL)
        entry_free(quickbase, former);
    if (quickbase->entries.count >= ENTRIES_MAX)
        entry_free(quickbase, LIST_ENTRY(list_first(&quickbase->oldest), struct entry, node));
    struct entry *entry = xcalloc(1, sizeof *entry);
    memcpy(entry->phone, flight->phone, sizeof entry->phone);
    entry->until_mono_us = clock_mono_us() + quickbase->remember_us;
    struct err err = {0};
    if (flight->arena != NULL) {
        entry->arena = arena_new(ENTRY_BYTES);
        enum err_code code = copy_customer(&flight->customer, entry->arena, &entry->customer, &err);
        INVARIANT(code == ERR_OK); /* texts are bounded, and fitted in as much once */
    }
    list_append(&quickbase->oldest, &entry->node);
    (void)map_put(&quickbase->entries, str_from(entry->phone), entry);
}

/* ---- flights ---- */

/* Under the lock; true when it was the last, who frees it then. */
static bool flight_drop(struct flight *flight)
{
    return --flight->refs == 0;
}

static void flight_free(struct flight *flight)
{
    httpc_request_fini(&flight->request);
    buf_fini(&flight->body);
    arena_free(flight->arena);
    free(flight->url);
    free(flight);
}

static enum err_code refused(int status, struct err *err)
{
    if (status == 401 || status == 403)
        return ERR_SET(err, ERR_FAILED_PRECONDITION, "QUICKBASE_CREDENTIALS",
                       "QuickBase answered %d: check QUICKBASE_USER_TOKEN and QUICKBASE_REALM",
                       status);
    if (status == STATUS_TOO_MANY || status >= STATUS_SERVER)
        return ERR_SET(err, ERR_UNAVAILABLE, "QUICKBASE_AWAY", "QuickBase answered %d", status);
    return ERR_SET(err, ERR_FAILED_PRECONDITION, "QUICKBASE_REFUSED",
                   "QuickBase answered %d: check QUICKBASE_TABLE_ID and the QUICKBASE_FID_* fields",
                   status);
}

/* Fills err, or customer and arena. */
static enum err_code read_answer(struct flight *flight)
{
    const struct httpc_request *request = &flight->request;
    struct err *err = &flight->err;
    if (request->outcome != HTTPC_ANSWERED)
        return ERR_SET(err, ERR_UNAVAILABLE, "QUICKBASE_AWAY", "QuickBase gave no answer: %s",
                       request->error);
    if (request->status != 200)
        return refused(request->status, err);
    bool is_found = false;
    struct arena *arena = arena_new(ENTRY_BYTES);
    enum err_code code = quickbase_read(buf_str(&request->reply), &flight->quickbase->fields,
                                        flight->phone, arena, &flight->customer, &is_found, err);
    if (code == ERR_OK && is_found)
        flight->arena = TAKE(arena);
    arena_free(arena);
    return code;
}

/* On the HTTP client's thread. */
static void on_done(struct httpc_request *request)
{
    struct flight *flight = request->ctx;
    struct quickbase *quickbase = flight->quickbase;
    enum err_code code = read_answer(flight);
    if (code != ERR_OK && request->outcome != HTTPC_ABORTED)
        LOG_WARN(NULL, "quickbase did not say who called", LOG_I64("status", request->status),
                 LOG_I64("took_ms", request->took_us / US_PER_MS), LOG_ERR(&flight->err));
    lock_take(&quickbase->lock);
    flight->is_done = true;
    (void)map_remove(&quickbase->flights, str_from(flight->phone));
    (void)breaker_note(&quickbase->breaker, code != ERR_UNAVAILABLE, clock_mono_us());
    if (code == ERR_OK)
        remember(quickbase, flight);
    cond_broadcast(&quickbase->done);
    bool is_last = flight_drop(flight);
    lock_drop(&quickbase->lock);
    if (is_last)
        flight_free(flight);
}

static struct flight *flight_new(struct quickbase *quickbase, const char *phone)
{
    struct flight *flight = xcalloc(1, sizeof *flight);
    flight->quickbase = quickbase;
    flight->refs = 2; /* who asks, and the request */
    (void)snprintf(flight->phone, sizeof flight->phone, "%s", phone);
    flight->url = join(quickbase->base_url, "/v1/records/query", "");
    buf_init(&flight->body, 0);
    quickbase_query(&flight->body, quickbase->table_id, &quickbase->fields, phone);
    flight->request = (struct httpc_request){
        .url = flight->url,
        .method = HTTPC_POST,
        .body = buf_str(&flight->body),
        .headers = quickbase->headers,
        .timeout_ms = REQUEST_MS,
        .done = on_done,
        .ctx = flight,
    };
    return flight;
}

/* Puts a new flight among the others, not started yet; NULL with err set when it must not be. */
static struct flight *flight_add(struct quickbase *quickbase, const char *phone, struct err *err)
{
    if (quickbase->flights.count >= FLIGHTS_MAX) {
        (void)ERR_SET(err, ERR_UNAVAILABLE, "QUICKBASE_BUSY",
                      "%d questions to QuickBase wait for their answers already", FLIGHTS_MAX);
        return NULL;
    }
    if (breaker_ask(&quickbase->breaker, clock_mono_us()) == BREAKER_WAIT) {
        (void)ERR_SET(err, ERR_UNAVAILABLE, "QUICKBASE_AWAY",
                      "QuickBase failed several times in a row and is left alone for a while");
        return NULL;
    }
    struct flight *flight = flight_new(quickbase, phone);
    (void)map_put(&quickbase->flights, str_from(flight->phone), flight);
    return flight;
}

/* Nobody else may have asked for a flight that is not started; the client closes, or is full. */
static void start(struct quickbase *quickbase, struct flight *flight)
{
    if (httpc_start(quickbase->httpc, &flight->request))
        return;
    flight->request.outcome = HTTPC_ABORTED;
    on_done(&flight->request);
}

/* Under the lock: waits until the flight is done or the time is up. */
static enum err_code wait_for(struct quickbase *quickbase, struct call *call, struct flight *flight,
                              struct customer_answer *out, struct err *err)
{
    bool has_time = true;
    while (!flight->is_done && has_time)
        has_time = cond_wait_until(&quickbase->done, &quickbase->lock, call->deadline_mono_us);
    if (!flight->is_done)
        return ERR_SET(err, ERR_DEADLINE_EXCEEDED, "QUICKBASE_SLOW",
                       "QuickBase does not answer in time for this call");
    if (flight->err.code != ERR_OK) {
        if (err != NULL)
            *err = flight->err;
        return flight->err.code;
    }
    out->is_found = flight->arena != NULL;
    return out->is_found ? copy_customer(&flight->customer, call->arena, &out->customer, err)
                         : ERR_OK;
}

/* Under the lock: what is remembered, NULL when that is nothing or too old. */
static struct entry *fresh_entry(struct quickbase *quickbase, const char *phone)
{
    struct entry *entry = map_get(&quickbase->entries, str_from(phone));
    return entry != NULL && entry->until_mono_us > clock_mono_us() ? entry : NULL;
}

static enum err_code look_up(void *ctx, struct call *call, const char *account_sid,
                             const struct phone *phone, struct customer_answer *out,
                             struct err *err)
{
    (void)account_sid; /* serves() has seen it */
    struct quickbase *quickbase = ctx;
    enum err_code code = ERR_OK;
    lock_take(&quickbase->lock);
    struct entry *entry = fresh_entry(quickbase, phone->e164);
    if (entry != NULL) {
        out->is_from_cache = true;
        out->is_found = entry->arena != NULL;
        if (out->is_found)
            code = copy_customer(&entry->customer, call->arena, &out->customer, err);
        lock_drop(&quickbase->lock);
        return code;
    }
    struct flight *flight = map_get(&quickbase->flights, str_from(phone->e164));
    if (flight != NULL) {
        flight->refs++;
    } else {
        flight = flight_add(quickbase, phone->e164, err);
        lock_drop(&quickbase->lock);
        if (flight == NULL)
            return err != NULL ? err->code : ERR_UNAVAILABLE;
        start(quickbase, flight);
        lock_take(&quickbase->lock);
    }
    code = wait_for(quickbase, call, flight, out, err);
    bool is_last = flight_drop(flight);
    lock_drop(&quickbase->lock);
    if (is_last)
        flight_free(flight);
    return code;
}

const struct customer_provider customer_quickbase = {
    .name = "quickbase",
    .check = check_settings,
    .open = open_quickbase,
    .close = close_quickbase,
    .serves = serves,
    .look_up = look_up,
};
