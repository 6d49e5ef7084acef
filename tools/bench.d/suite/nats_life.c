#include "nats_life.h"

#include <nats/nats.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/ids.h"

enum { WINDOW = 256, WAIT_MS = 10000, HEADER_BYTES = 100 };

#define SUBJECT "life.WS00000000000000000000000000000001.reservation.created"

/* Payload bytes of a message of ours on average. */
static size_t message_bytes(jsCtx *js)
{
    jsStreamInfo *info = NULL;
    size_t bytes = 0;
    if (js_GetStreamInfo(&info, js, "TASKROUTER", NULL, NULL) == NATS_OK && info->State.Msgs > 0)
        bytes = (size_t)(info->State.Bytes / info->State.Msgs);
    jsStreamInfo_Destroy(info);
    return bytes > HEADER_BYTES ? bytes - HEADER_BYTES : bytes;
}

static bool add_stream(jsCtx *js)
{
    static const char *subjects[] = {"life.>"};
    jsStreamConfig config;
    (void)jsStreamConfig_Init(&config);
    config.Name = "LIFE";
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.Storage = js_FileStorage;
    (void)js_DeleteStream(js, config.Name, NULL, NULL);
    return js_AddStream(NULL, js, &config, NULL, NULL) == NATS_OK;
}

static bool publish_window(jsCtx *js, const char *payload, size_t bytes)
{
    natsStatus status = NATS_OK;
    for (int i = 0; i < WINDOW && status == NATS_OK; i++) {
        struct sid id = sid_new("EV");
        natsMsg *message = NULL;
        status = natsMsg_Create(&message, SUBJECT, NULL, payload, (int)bytes);
        if (status == NATS_OK)
            status = natsMsgHeader_Set(message, "Nats-Msg-Id", id.text);
        if (status == NATS_OK)
            status = js_PublishMsgAsync(js, &message, NULL);
        natsMsg_Destroy(message);
    }
    jsPubOptions options;
    (void)jsPubOptions_Init(&options);
    options.MaxWait = WAIT_MS;
    return status == NATS_OK && js_PublishAsyncComplete(js, &options) == NATS_OK;
}

int64_t nats_messages(const char *url, int ms, size_t *out_bytes)
{
    natsConnection *nc = NULL;
    jsCtx *js = NULL;
    int64_t count = 0;
    bool is_good = natsConnection_ConnectTo(&nc, url) == NATS_OK &&
                   natsConnection_JetStream(&js, nc, NULL) == NATS_OK;
    *out_bytes = is_good ? message_bytes(js) : 0;
    char *payload = xcalloc(*out_bytes + 1, 1);
    memset(payload, 'x', *out_bytes);
    is_good = is_good && *out_bytes > 0 && add_stream(js);
    int64_t until_us = clock_mono_us() + ms * US_PER_MS;
    while (is_good && clock_mono_us() < until_us) {
        is_good = publish_window(js, payload, *out_bytes);
        count += WINDOW;
    }
    if (js != NULL)
        (void)js_DeleteStream(js, "LIFE", NULL, NULL);
    free(payload);
    jsCtx_Destroy(js);
    natsConnection_Destroy(nc);
    return is_good ? count : 0;
}
