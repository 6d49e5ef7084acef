#include "mirror_fixture.h"

#include <string.h>

enum { WAIT_MS = 20000 };

static bool is_known(const void *ctx)
{
    return suite_count("select count(*) from tasks.config_copy where sid = '%s' and kind = "
                       "'workspace'",
                       (const char *)ctx) == 1;
}

const char *mirrored_workspace(void)
{
    static int number;
    const char *sid = suite_text("WSf0%030x", ++number);
    CHECK(suite_publish("workspace.created", sid, sid, 1, 0,
                        "{'workspace':{'sid':'%s','accountSid':'" ACCOUNT
                        "','friendlyName':'At Twilio %d','provider':'PROVIDER_TWILIO','version':"
                        "'1'}}",
                        sid, number));
    CHECK(suite_until(is_known, sid, WAIT_MS));
    return sid;
}

/* One observation; parts: what it has besides workspace and time. */
const json_t *apply(const char *workspace, const char *time, const char *parts)
{
    return suite_ok(&suite_service_id, SUITE_TASKS, "Apply",
                    "{'workspaceSid':'%s','observedAt':'2026-01-02T03:%sZ',%s}", workspace, time,
                    parts);
}

const char *task_json(const char *sid, const char *status, const char *more)
{
    return suite_text("{'sid':'%s','assignmentStatus':'TASK_STATUS_%s','attributes':'{`a`: 1}',"
                      "'timeout':3600,'taskQueueSid':'" QUEUE "','workflowSid':'" WORKFLOW "',"
                      "'taskChannelSid':'" CHANNEL "','dateCreated':'2026-01-02T03:00:00Z'%s}",
                      sid, status, more);
}

const char *reservation_json(const char *sid, const char *task, const char *status)
{
    return suite_text("{'sid':'%s','taskSid':'%s','workerSid':'" WORKER "','workerName':'Ann',"
                      "'reservationStatus':'RESERVATION_STATUS_%s','timeout':120,"
                      "'dateCreated':'2026-01-02T03:00:01Z'}",
                      sid, task, status);
}

const char *event_json(int number, const char *type, const char *resource, const char *time)
{
    bool is_reservation = strncmp(resource, "WR", 2) == 0;
    return suite_text("'event':{'sid':'EVe%031x','eventType':'%s','eventDate':'2026-01-02T03:%sZ',"
                      "'resourceType':'%s','resourceSid':'%s','eventData':'{`said`:`by Twilio`,"
                      "`task_sid`:`" TASK "`}'}",
                      number, type, time, is_reservation ? "reservation" : "task", resource);
}

int64_t events_of(const char *workspace, const char *filter)
{
    return at_i64(suite_ok(&suite_viewer, SUITE_TASKS, "ListEvents",
                           "{'workspaceSid':'%s','pageSize':1000%s}", workspace, filter),
                  "items");
}
