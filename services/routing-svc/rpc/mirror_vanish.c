/* What Twilio has no longer becomes a tombstone. */
#include "base/macros.h"
#include "mirror_keepers.h"
#include "mirror_rpc.h"
#include "routing.h"

enum err_code mirror_rpc_vanish(void *app, struct call *call,
                                const Taskrouter__Routing__V1__VanishRequest *request,
                                Taskrouter__Common__V1__MirrorResults **out_reply, struct err *err)
{
    static const struct mirror_keeper *const keepers[] = {&workflow_keeper};
    struct routing *routing = app;
    struct mirror_vanish vanish = {
        .keepers = keepers,
        .keeper_count = ARRAY_LEN(keepers),
        .workspace_sid = request->workspace_sid,
        .observed_at = request->observed_at,
        .is_dry_run = request->dry_run,
        .sids = request->sids,
        .count = request->n_sids,
    };
    return mirror_vanish_run(&routing->host, &routing->workspaces, call, &vanish, out_reply, err);
}
