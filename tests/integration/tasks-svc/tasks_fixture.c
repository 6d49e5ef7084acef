#include "tasks_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

enum { WAIT_MS = 10000 };

static const char *activity(const char *workspace, const char *name, bool is_available)
{
    return at(suite_ok(&suite_admin, SUITE_WORKERS, "CreateActivity",
                       "{'workspaceSid':'%s','friendlyName':'%s','available':%s}", workspace, name,
                       is_available ? "true" : "false"),
              "sid");
}

struct place place_new(int timeout_s)
{
    return place_in(suite_workspace(), timeout_s);
}

struct place place_in(const char *workspace, int timeout_s)
{
    struct place place = {.workspace = workspace};
    place.available = activity(place.workspace, "On call", true);
    place.offline = activity(place.workspace, "Away", false);
    (void)suite_ok(&suite_admin, SUITE_WORKERS, "UpdateWorkspace",
                   "{'workspace':{'sid':'%s','timeoutActivitySid':'%s'},'updateMask':"
                   "'timeoutActivitySid'}",
                   place.workspace, place.offline);
    const json_t *its =
        suite_ok(&suite_admin, SUITE_WORKERS, "GetWorkspace", "{'sid':'%s'}", place.workspace);
    const char *activities = /* without multitasking a queue moves workers */
        at_i64(its, "multiTaskEnabled") == 1
            ? ""
            : suite_text(",'reservationActivitySid':'%s','assignmentActivitySid':'%s'",
                         place.available, place.available);
    place.queue = at(suite_ok(&suite_admin, SUITE_QUEUES, "CreateTaskQueue",
                              "{'workspaceSid':'%s','friendlyName':'Everybody'%s}", place.workspace,
                              activities),
                     "sid");
    place.workflow =
        at(suite_ok(&suite_admin, SUITE_ROUTING, "CreateWorkflow",
                    "{'workspaceSid':'%s','friendlyName':'All','taskReservationTimeout':%d,"
                    "'configuration':'{`task_routing`:{`default_filter`:{`queue`:`%s`}}}'}",
                    place.workspace, timeout_s == 0 ? 120 : timeout_s, place.queue),
           "sid");
    return place;
}

struct known_ctx {
    const char *sid;
    int64_t version;
};

static bool is_known(const void *ctx)
{
    const struct known_ctx *known = ctx;
    return suite_count("select count(*) from tasks.config_copy where sid = '%s' and version >= "
                       "%lld and not is_deleted",
                       known->sid, (long long)known->version) == 1;
}

bool place_heard(const json_t *resource)
{
    struct known_ctx ctx = {at(resource, "sid"), at_i64(resource, "version")};
    bool is_so = suite_until(is_known, &ctx, WAIT_MS);
    CHECK(is_so);
    return is_so;
}

bool place_knows(const struct place *place, const char *worker_sid)
{
    return place_heard(suite_ok(&suite_admin, SUITE_WORKERS, "GetWorker",
                                "{'workspaceSid':'%s','sid':'%s'}", place->workspace, worker_sid));
}

const char *place_worker(const struct place *place, const char *name, int capacity)
{
    const char *sid = at(suite_ok(&suite_admin, SUITE_WORKERS, "CreateWorker",
                                  "{'workspaceSid':'%s','friendlyName':'%s','activitySid':'%s'}",
                                  place->workspace, name, place->available),
                         "sid");
    if (capacity != 1)
        (void)suite_ok(&suite_admin, SUITE_WORKERS, "UpdateWorkerChannel",
                       "{'workspaceSid':'%s','workerSid':'%s','channel':'default','capacity':%d}",
                       place->workspace, sid, capacity);
    (void)place_knows(place, sid);
    return sid;
}

const char *task_new(const struct place *place, const char *attributes)
{
    return at(suite_ok(&suite_supervisor, SUITE_TASKS, "CreateTask",
                       "{'workspaceSid':'%s','attributes':'%s'}", place->workspace, attributes),
              "sid");
}

const char *reservation_of(const struct place *place, const char *filter, const char *sid,
                           const char *state)
{
    int64_t until = clock_mono_us() + WAIT_MS * US_PER_MS;
    while (clock_mono_us() < until) {
        const json_t *list = suite_ok(&suite_viewer, SUITE_TASKS, "ListReservations",
                                      "{'workspaceSid':'%s','%s':'%s','reservationStatus':"
                                      "['RESERVATION_STATUS_%s']}",
                                      place->workspace, filter, sid, state);
        if (at_i64(list, "items") > 0)
            return at(list, "items.0.sid");
        process_sleep_ms(20);
    }
    CHECK(false);
    return "";
}

/* Numbers far behind those of the router, which counts on from there. */
void place_fill(const struct place *place, int count)
{
    const char *like = task_new(place, "{}");
    CHECK_I64(suite_count("with filled as (insert into tasks.task select 'WT' || md5(sid || n), "
                          "shard, account_sid, workspace_sid, state, version, "
                          "attributes, priority, reason, timeout_s, task_queue_sid, "
                          "task_channel_sid, workflow_sid, ignore_capacity, routing_target, "
                          "worker_sid, call_id, created_at, updated_at, virtual_start_at, "
                          "queue_entered_at, assigned_at, ended_at, workflow_version, "
                          "filter_index, target_index, filter_base_at, step_deadline_at, "
                          "assignment_count, redrive, 1000000 + n + (select "
                          "max(sequence) from tasks.task) from tasks.task, generate_series(1, %d) "
                          "n where sid = '%s' returning 1) "
                          "select count(*) from filled",
                          count, like),
              count);
    /* Rows past the router's back: it has to read them, and to count on from behind them. */
    CHECK(suite_count("with bumped as (update tasks.shard_lease set row_seq = (select "
                      "max(sequence) from tasks.task) returning 1) select count(*) from bumped") ==
          1);
}

const char *task_status(const struct place *place, const char *task_sid)
{
    const char *status =
        at(suite_ok(&suite_viewer, SUITE_TASKS, "GetTask", "{'workspaceSid':'%s','sid':'%s'}",
                    place->workspace, task_sid),
           "assignmentStatus");
    return strncmp(status, "TASK_STATUS_", 12) == 0 ? status + 12 : status;
}

int64_t log_last(void)
{
    return suite_count("select coalesce(max(last_seq), 0) from tasks.event_batch");
}

struct log_count log_count(const struct place *place, const char *type)
{
    struct log_count count = {0};
    json_t *tasks = json_object();
    const char *cursor = "";
    do {
        const json_t *page = suite_ok(&suite_viewer, SUITE_TASKS, "ListEvents",
                                      "{'workspaceSid':'%s','eventType':'%s','pageSize':100,"
                                      "'cursor':'%s'}",
                                      place->workspace, type, cursor);
        for (int64_t i = 0; i < at_i64(page, "items"); i++) {
            const char *data = at(page, suite_text("items.%lld.eventData", (long long)i));
            json_t *parsed = json_loads(data, 0, NULL);
            count.events++;
            (void)json_object_set_new(tasks, at(parsed, "task_sid"), json_true());
            json_decref(parsed);
        }
        cursor = at(page, "nextCursor");
    } while (cursor[0] != '\0');
    count.tasks = (int64_t)json_object_size(tasks);
    json_decref(tasks);
    return count;
}

bool is_log_whole(void)
{
    return suite_count("select sum(last_seq - first_seq + 1) - max(last_seq) "
                       "from tasks.event_batch where part = 0") == 0 &&
           suite_count("select min(first_seq) from tasks.event_batch") == 1;
}

static bool is_published(const void *ctx)
{
    (void)ctx;
    return suite_count(
               "select (select coalesce(max(last_seq), 0) from tasks.event_batch) - published_seq "
               "from tasks.relay_cursor") == 0;
}

bool is_log_published(void)
{
    return suite_until(is_published, NULL, 2 * WAIT_MS);
}
