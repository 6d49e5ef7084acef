/*
 * What Twilio's browser SDK (twilio-taskrouter 2.1) needs, at one path: GET /v1/wschannels is the
 * worker's websocket, POST is its requests, {"url", "method", "params", "token"}. A request runs
 * the operation of the REST dialect that it names, and the answer is the resource as that SDK reads
 * it.
 */
#pragma once

#include "http/http.h"

struct gateway;

/* For http_server_config.sets; ctx is the gateway. */
struct http_route_set browser_route_set(struct gateway *gateway);
