#include "httpc/httpc.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/macros.h"
#include "httpc/address.h"

enum {
    HTTPC_LOCK_RANK = 560,
    DEFAULT_TRANSFERS = 64,
    DEFAULT_RESPONSE_BYTES = 64 << 10,
    HEADER_BYTES_MAX = 64 << 10,
    POLL_MS = 1000,
};

struct httpc {
    char *user_agent;
    char *ca_file;
    int max_transfers;
    size_t max_response_bytes;
    bool allows_private;
    bool offers_http2;
    pthread_t thread;
    CURLM *multi;
    struct list active; /* the thread's own */

    struct lock lock;
    struct list waiting; /* started, not yet with curl */
    int count;           /* waiting and active */
    bool is_closing;
};

/* ---- what curl asks ---- */

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct httpc_request *request = ctx;
    if (purpose != CURLSOCKTYPE_IPCXN)
        return CURL_SOCKET_BAD;
    if (!request->httpc->allows_private && !httpc_address_is_public(&address->addr)) {
        request->is_private = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype, address->protocol);
}

static size_t take_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct httpc_request *request = ctx;
    size_t len = size * count;
    buf_append(&request->reply, bytes, len);
    if (!buf_failed(&request->reply))
        return len;
    request->is_too_large = true;
    return 0;
}

static void take_etag(struct httpc_request *request, struct str line)
{
    static const char name[] = "etag:";
    size_t name_len = sizeof name - 1;
    if (line.len <= name_len || strncasecmp(line.ptr, name, name_len) != 0)
        return;
    struct str value = str_trim((struct str){line.ptr + name_len, line.len - name_len});
    if (value.len >= sizeof request->etag)
        return;
    memcpy(request->etag, value.ptr, value.len);
    request->etag[value.len] = '\0';
}

/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type */
static size_t take_header(char *bytes, size_t size, size_t count, void *ctx)
{
    struct httpc_request *request = ctx;
    size_t len = size * count;
    request->header_bytes += len;
    if (request->header_bytes > HEADER_BYTES_MAX) {
        request->is_too_large = true;
        return 0;
    }
    take_etag(request, (struct str){bytes, len});
    return len;
}

/* ---- one transfer; on the thread ---- */

static void set_options(struct httpc *httpc, CURL *easy, struct httpc_request *request)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; request->headers != NULL && request->headers[i] != NULL; i++)
        headers = curl_slist_append(headers, request->headers[i]);
    request->header_list = headers;
    CURLcode rc = CURLE_OK;
#define SET(option, value)                                                                         \
    do {                                                                                           \
        CURLcode set_ = curl_easy_setopt(easy, option, value);                                     \
        rc = rc == CURLE_OK ? set_ : rc;                                                           \
    } while (0)
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_PRIVATE, request);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* a name look-up that is given up ends by itself, unawaited */
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, ""); /* whatever the environment says */
    SET(CURLOPT_HTTP_VERSION,
        httpc->offers_http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    if (httpc->ca_file != NULL)
        SET(CURLOPT_CAINFO, httpc->ca_file);
    if (httpc->user_agent != NULL)
        SET(CURLOPT_USERAGENT, httpc->user_agent);
    SET(CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_FRESH_CONNECT, request->is_once ? 1L : 0L);
    if (request->method == HTTPC_DELETE)
        SET(CURLOPT_CUSTOMREQUEST, "DELETE");
    if (request->method == HTTPC_PATCH)
        SET(CURLOPT_CUSTOMREQUEST, "PATCH");
    if (request->method == HTTPC_POST || request->method == HTTPC_PATCH) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        SET(CURLOPT_POSTFIELDS, request->body.ptr == NULL ? "" : request->body.ptr);
    }
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, request);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, request);
    SET(CURLOPT_HEADERFUNCTION, take_header);
    SET(CURLOPT_HEADERDATA, request);
#undef SET
    INVARIANT(rc == CURLE_OK);
}

static enum httpc_outcome outcome_of(const struct httpc_request *request, CURLcode rc)
{
    if (request->is_too_large)
        return HTTPC_TOO_LARGE;
    if (request->is_private && rc != CURLE_OK)
        return HTTPC_PRIVATE_ADDRESS;
    if (rc == CURLE_OK)
        return HTTPC_ANSWERED;
    if (rc == CURLE_OPERATION_TIMEDOUT)
        return HTTPC_TIMED_OUT;
    long sent_bytes = 0; /* an answer that is no HTTP counts as an unsupported protocol too */
    (void)curl_easy_getinfo(request->easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
    if (sent_bytes == 0 && (rc == CURLE_URL_MALFORMAT || rc == CURLE_UNSUPPORTED_PROTOCOL))
        return HTTPC_BAD_URL;
    return HTTPC_FAILED;
}

static const char *words_of(enum httpc_outcome outcome, CURLcode rc)
{
    switch (outcome) {
    case HTTPC_TOO_LARGE:
        return "the answer is too large";
    case HTTPC_PRIVATE_ADDRESS:
        return "the address is private and may not be called";
    case HTTPC_TIMED_OUT:
        return "no answer in time";
    case HTTPC_ABORTED:
        return "the service is ending";
    case HTTPC_ANSWERED:
        return "";
    case HTTPC_NONE:
    case HTTPC_BAD_URL:
    case HTTPC_FAILED:
        break;
    }
    if (outcome == HTTPC_FAILED && rc == CURLE_UNSUPPORTED_PROTOCOL)
        return "the answer is no HTTP";
    return curl_easy_strerror(rc);
}

/* Hands the request back; it may be gone afterwards. */
static void finish(struct httpc *httpc, struct httpc_request *request, enum httpc_outcome outcome,
                   CURLcode rc)
{
    request->outcome = outcome;
    request->took_us = clock_mono_us() - request->started_mono_us;
    (void)snprintf(request->error, sizeof request->error, "%s", words_of(outcome, rc));
    if (request->easy != NULL && outcome == HTTPC_ANSWERED) {
        long status = 0;
        curl_off_t retry_after_s = 0;
        const char *type = NULL;
        (void)curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
        (void)curl_easy_getinfo(request->easy, CURLINFO_CONTENT_TYPE, &type);
        (void)curl_easy_getinfo(request->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
        request->status = (int)status;
        request->retry_after_s = (int64_t)retry_after_s;
        (void)snprintf(request->content_type, sizeof request->content_type, "%s",
                       type == NULL ? "" : type);
    }
    if (request->easy != NULL) {
        long sent_bytes = 0;
        (void)curl_easy_getinfo(request->easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
        request->was_sent = sent_bytes > 0;
        list_remove(&request->node);
        (void)curl_multi_remove_handle(httpc->multi, request->easy);
        curl_easy_cleanup(request->easy);
        request->easy = NULL;
    }
    curl_slist_free_all(request->header_list);
    request->header_list = NULL;
    lock_take(&httpc->lock);
    httpc->count--;
    lock_drop(&httpc->lock);
    request->done(request);
}

static void begin(struct httpc *httpc, struct httpc_request *request)
{
    CURL *easy = curl_easy_init();
    INVARIANT(easy != NULL); /* out of memory */
    set_options(httpc, easy, request);
    request->easy = easy;
    list_append(&httpc->active, &request->node);
    CURLMcode rc = curl_multi_add_handle(httpc->multi, easy);
    INVARIANT(rc == CURLM_OK);
}

static struct httpc_request *next_waiting(struct httpc *httpc)
{
    struct httpc_request *request = NULL;
    lock_take(&httpc->lock);
    if (!list_is_empty(&httpc->waiting)) {
        request = CONTAINER_OF(httpc->waiting.head.next, struct httpc_request, node);
        list_remove(&request->node);
    }
    lock_drop(&httpc->lock);
    return request;
}

static void take_finished(struct httpc *httpc)
{
    int left = 0;
    CURLMsg *message = NULL;
    while ((message = curl_multi_info_read(httpc->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        char *request = NULL;
        CURLcode rc = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
        struct httpc_request *ended = (void *)request;
        finish(httpc, ended, outcome_of(ended, rc), rc);
    }
}

static void abort_all(struct httpc *httpc)
{
    struct httpc_request *request = NULL;
    while (!list_is_empty(&httpc->active)) {
        request = CONTAINER_OF(httpc->active.head.next, struct httpc_request, node);
        finish(httpc, request, HTTPC_ABORTED, CURLE_ABORTED_BY_CALLBACK);
    }
    while ((request = next_waiting(httpc)) != NULL)
        finish(httpc, request, HTTPC_ABORTED, CURLE_ABORTED_BY_CALLBACK);
}

static bool is_closing(struct httpc *httpc)
{
    lock_take(&httpc->lock);
    bool closing = httpc->is_closing;
    lock_drop(&httpc->lock);
    return closing;
}

static void *httpc_main(void *ctx)
{
    struct httpc *httpc = ctx;
    while (!is_closing(httpc)) {
        struct httpc_request *request = NULL;
        while ((request = next_waiting(httpc)) != NULL)
            begin(httpc, request);
        int running = 0;
        CURLMcode rc = curl_multi_perform(httpc->multi, &running);
        take_finished(httpc);
        if (rc == CURLM_OK)
            rc = curl_multi_poll(httpc->multi, NULL, 0, POLL_MS, NULL);
        INVARIANT(rc == CURLM_OK);
    }
    abort_all(httpc);
    return NULL;
}

/* ---- public ---- */

struct httpc *httpc_open(const struct httpc_options *options)
{
    CURLcode rc = curl_global_init(CURL_GLOBAL_DEFAULT);
    INVARIANT(rc == CURLE_OK);
    struct httpc *httpc = xcalloc(1, sizeof *httpc);
    httpc->user_agent = xstrdup(options->user_agent);
    httpc->ca_file = xstrdup(options->ca_file);
    httpc->max_transfers = options->max_transfers == 0 ? DEFAULT_TRANSFERS : options->max_transfers;
    httpc->max_response_bytes =
        options->max_response_bytes == 0 ? DEFAULT_RESPONSE_BYTES : options->max_response_bytes;
    httpc->allows_private = options->allows_private;
    httpc->offers_http2 = options->offers_http2;
    list_init(&httpc->active);
    list_init(&httpc->waiting);
    lock_init(&httpc->lock, "httpc", HTTPC_LOCK_RANK);
    httpc->multi = curl_multi_init();
    INVARIANT(httpc->multi != NULL);
    (void)curl_multi_setopt(httpc->multi, CURLMOPT_MAXCONNECTS, (long)httpc->max_transfers);
    int failed = pthread_create(&httpc->thread, NULL, httpc_main, httpc);
    INVARIANT(failed == 0);
    return httpc;
}

void httpc_close(struct httpc *httpc)
{
    if (httpc == NULL)
        return;
    lock_take(&httpc->lock);
    httpc->is_closing = true;
    lock_drop(&httpc->lock);
    (void)curl_multi_wakeup(httpc->multi);
    (void)pthread_join(httpc->thread, NULL);
    (void)curl_multi_cleanup(httpc->multi);
    curl_global_cleanup();
    lock_fini(&httpc->lock);
    free(httpc->user_agent);
    free(httpc->ca_file);
    free(httpc);
}

bool httpc_start(struct httpc *httpc, struct httpc_request *request)
{
    request->httpc = httpc;
    request->outcome = HTTPC_NONE;
    request->status = 0;
    request->content_type[0] = '\0';
    request->etag[0] = '\0';
    request->was_sent = false;
    request->retry_after_s = 0;
    request->error[0] = '\0';
    request->easy = NULL;
    request->header_list = NULL;
    request->header_bytes = 0;
    request->is_private = false;
    request->is_too_large = false;
    request->started_mono_us = clock_mono_us();
    buf_fini(&request->reply);
    buf_init(&request->reply, httpc->max_response_bytes);
    lock_take(&httpc->lock);
    bool is_taken = !httpc->is_closing && httpc->count < httpc->max_transfers;
    if (is_taken) {
        httpc->count++;
        list_append(&httpc->waiting, &request->node);
    }
    lock_drop(&httpc->lock);
    if (is_taken)
        (void)curl_multi_wakeup(httpc->multi);
    return is_taken;
}

/* ---- waiting ---- */

struct waiter {
    struct lock lock;
    struct cond changed;
    bool is_done;
};

static void wake_waiter(struct httpc_request *request)
{
    struct waiter *waiter = request->ctx;
    lock_take(&waiter->lock);
    waiter->is_done = true;
    cond_signal(&waiter->changed);
    lock_drop(&waiter->lock);
}

bool httpc_run(struct httpc *httpc, struct httpc_request *request)
{
    INVARIANT(request->done == NULL);
    struct waiter waiter = {.is_done = false};
    lock_init(&waiter.lock, "httpc waiter", HTTPC_LOCK_RANK + 1);
    cond_init(&waiter.changed);
    request->done = wake_waiter;
    request->ctx = &waiter;
    bool is_taken = httpc_start(httpc, request);
    lock_take(&waiter.lock);
    while (is_taken && !waiter.is_done)
        cond_wait(&waiter.changed, &waiter.lock);
    lock_drop(&waiter.lock);
    request->done = NULL;
    request->ctx = NULL;
    cond_fini(&waiter.changed);
    lock_fini(&waiter.lock);
    return is_taken;
}

void httpc_request_fini(struct httpc_request *request)
{
    buf_fini(&request->reply);
}
