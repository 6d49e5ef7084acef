/* Handlers of the service Mirror: what Twilio has comes in here; app is a struct queues. */
#pragma once

#include "rpc/server.h"
#include "taskrouter/queues/v1/mirror.pb-c.h"

enum err_code mirror_rpc_put_queues(void *app, struct call *call,
                                    const Taskrouter__Queues__V1__PutTaskQueuesRequest *request,
                                    Taskrouter__Common__V1__MirrorResults **out_reply,
                                    struct err *err);
enum err_code mirror_rpc_put_channels(void *app, struct call *call,
                                      const Taskrouter__Queues__V1__PutTaskChannelsRequest *request,
                                      Taskrouter__Common__V1__MirrorResults **out_reply,
                                      struct err *err);
enum err_code mirror_rpc_vanish(void *app, struct call *call,
                                const Taskrouter__Queues__V1__VanishRequest *request,
                                Taskrouter__Common__V1__MirrorResults **out_reply, struct err *err);
