/* The method table of taskrouter.directory.v1.Calls; app is a struct gateway. REST calls the same
 * handlers in process. */
#pragma once

#include "rpc/server.h"

struct gateway;

extern const struct rpc_service call_service;

/* The workspace that a request names, as workers-svc lets the caller see it. Errors: those of
 * workers-svc. *out_account_sid lives in the call's arena. */
enum err_code call_rpc_workspace(const struct gateway *gateway, struct call *call,
                                 const char *workspace_sid, const char **out_account_sid,
                                 struct err *err) MUST_CHECK;
