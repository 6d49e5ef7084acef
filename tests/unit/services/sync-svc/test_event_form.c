/* Events as a suite in Twilio's place sends them (services/tasks-svc/callbacks/callback_params.c),
 * with the key sets that receivers have published. */
#include "event_form.h"

#include "base/clock.h"
#include "event_rows.h"
#include "jx/jx.h"
#include "message_fields.h"
#include "rpc/pb.h"
#include "svc/wire.h"
#include "taskrouter/queues/v1/queues.pb-c.h"
#include "taskrouter/workers/v1/workers.pb-c.h"
#include "testing.h"

#define SID(prefix) prefix "0000000000000000000000000000000a"

enum { PARAMS_MAX = 64, ARENA_BYTES = 1 << 20 };

struct pair {
    const char *name;
    const char *value;
};

static const struct pair common[] = {
    {"AccountSid",       SID("AC")      },
    {"WorkspaceSid",     SID("WS")      },
    {"WorkspaceName",    "Permits"      },
    {"EventDescription", "what happened"},
    {"ResourceType",     "whatever"     },
    {"Sid",              SID("EV")      },
    {"OperatingUnitSid", SID("OU")      },
    {"Timestamp",        "1700000000"   },
    {"TimestampMs",      "1700000000123"},
};

static const struct pair task_group[] = {
    {"TaskSid",                   SID("WT")               },
    {"TaskAttributes",            "{\"type\":\"support\"}"},
    {"TaskAge",                   "12"                    },
    {"TaskPriority",              "7"                     },
    {"TaskAssignmentStatus",      "reserved"              },
    {"TaskVersion",               "3"                     },
    {"TaskDateCreated",           "1699999988"            },
    {"TaskVirtualStartTime",      "1699999988"            },
    {"TaskIgnoreCapacity",        "false"                 },
    {"TaskChannelSid",            SID("TC")               },
    {"TaskChannelUniqueName",     "voice"                 },
    {"TaskQueueSid",              SID("WQ")               },
    {"TaskQueueName",             "Permits"               },
    {"TaskQueueEnteredDate",      "1699999990"            },
    {"TaskQueueTargetExpression", "1==1"                  },
    {"WorkflowSid",               SID("WW")               },
    {"WorkflowName",              "Incoming"              },
};

static const struct pair worker_group[] = {
    {"WorkerSid",          SID("WK")                                 },
    {"WorkerName",         "Jane"                                    },
    {"WorkerAttributes",   "{\"email\":\"jane@example.com\",\"a\":1}"},
    {"WorkerVersion",      "2"                                       },
    {"WorkerActivitySid",  SID("WA")                                 },
    {"WorkerActivityName", "Available"                               },
};

/* An event under construction. */
struct made {
    struct arena *arena;
    Taskrouter__Sync__V1__ApplyWebhookRequest *request;
    struct event_form form;
};

static void add(struct made *made, const char *name, const char *value)
{
    Taskrouter__Sync__V1__WebhookParameter *param =
        PB_NEW(made->arena, taskrouter__sync__v1__webhook_parameter);
    param->name = wire_text(made->arena, name);
    param->value = wire_text(made->arena, value);
    made->request->parameters[made->request->n_parameters++] = param;
}

static void add_all(struct made *made, const struct pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(made, pairs[i].name, pairs[i].value);
}

static struct made begin(const char *type)
{
    struct made made = {.arena = arena_new(ARENA_BYTES)};
    made.request = PB_NEW(made.arena, taskrouter__sync__v1__apply_webhook_request);
    made.request->parameters =
        ARENA_ARRAY(made.arena, Taskrouter__Sync__V1__WebhookParameter *, PARAMS_MAX);
    add(&made, "EventType", type);
    add_all(&made, common, ARRAY_LEN(common));
    return made;
}

static enum err_code read_form(struct made *made, struct err *err)
{
    return event_form_read(made->arena, made->request, &made->form, err);
}

static struct made event_with(const char *type, const struct pair *pairs, size_t count,
                              const struct pair *more, size_t more_count)
{
    struct made made = begin(type);
    add_all(&made, pairs, count);
    add_all(&made, more, more_count);
    CHECK(read_form(&made, NULL) == ERR_OK);
    return made;
}

/* ---- types ---- */

static void test_types(void)
{
    static const struct pair others[] = {
        {"ActivitySid",    SID("WA")},
        {"ReservationSid", SID("WR")},
    };
    CHECK_I64(event_kind_count, 49);
    for (size_t i = 0; i < event_kind_count; i++) {
        struct made made = begin(event_kinds[i].type);
        add_all(&made, task_group, ARRAY_LEN(task_group));
        add_all(&made, worker_group, ARRAY_LEN(worker_group));
        add_all(&made, others, ARRAY_LEN(others));
        CHECK(read_form(&made, NULL) == ERR_OK);
        CHECK_TEXT(made.form.kind.type, event_kinds[i].type);
        CHECK_I64(made.form.kind.action, event_kinds[i].action);
        CHECK(str_starts_with(str_from(made.form.resource_sid),
                              str_from(twilio_prefix(event_kinds[i].resource))));
        CHECK_I64(made.form.at_us, INT64_C(1700000000123000));
        for (size_t k = 0; k < i; k++)
            CHECK(strcmp(event_kinds[k].type, event_kinds[i].type) != 0);
        arena_free(made.arena);
    }
}

static void test_new_types(void)
{
    static const struct {
        const char *type;
        enum event_action action;
        enum twilio_resource resource;
    } rows[] = {
        {"task.something-new",     EVENT_LOG,   TWILIO_TASK        },
        {"workflow.rejected",      EVENT_LOG,   TWILIO_TASK        }, /* it names a task */
        {"reservation.instructed", EVENT_LOG,   TWILIO_RESERVATION },
        {"worker.something-new",   EVENT_FETCH, TWILIO_WORKER      },
        {"task-channel.renamed",   EVENT_FETCH, TWILIO_TASK_CHANNEL},
    };
    static const struct pair reservation[] = {
        {"ReservationSid", SID("WR")}
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct made made = begin(rows[i].type);
        add_all(&made, task_group, ARRAY_LEN(task_group));
        add_all(&made, worker_group, ARRAY_LEN(worker_group));
        add_all(&made, reservation, 1);
        CHECK(read_form(&made, NULL) == ERR_OK);
        CHECK_I64(made.form.kind.action, rows[i].action);
        CHECK_I64(made.form.kind.resource, rows[i].resource);
        arena_free(made.arena);
    }
    struct made made = begin("conference.started");
    CHECK(read_form(&made, NULL) == ERR_OK);
    CHECK_I64(made.form.kind.action, EVENT_NONE);
    arena_free(made.arena);
}

static void test_refused(void)
{
    static const struct {
        const char *type;
        const char *field;
        size_t leaves_out; /* of the parameters */
    } rows[] = {
        {"",                    "EventType",      PARAMS_MAX},
        {"task.created",        "TaskSid",        PARAMS_MAX},
        {"reservation.created", "ReservationSid", PARAMS_MAX},
        {"worker.created",      "WorkerSid",      PARAMS_MAX},
        {"task.created",        "AccountSid",     1         },
        {"task.created",        "WorkspaceSid",   2         },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        struct made made = begin(rows[i].type);
        if (rows[i].leaves_out < PARAMS_MAX)
            made.request->parameters[rows[i].leaves_out]->value = wire_text(made.arena, "none");
        CHECK_I64(read_form(&made, &err), ERR_INVALID_ARGUMENT);
        CHECK_TEXT(err.reason, "EVENT_INVALID");
        CHECK_TEXT(err.field, rows[i].field);
        arena_free(made.arena);
    }
}

/* An event without a SID has one all the same, and the same each time. */
static void test_no_sid(void)
{
    const char *sids[2];
    struct made made[2];
    for (int i = 0; i < 2; i++) {
        made[i] = begin("task.created");
        add_all(&made[i], task_group, ARRAY_LEN(task_group));
        made[i].request->parameters[6]->value = wire_text(made[i].arena, "");
        CHECK(read_form(&made[i], NULL) == ERR_OK);
        sids[i] = made[i].form.sid;
    }
    CHECK(str_starts_with(str_from(sids[0]), STR("EV")));
    CHECK_I64(strlen(sids[0]), 34);
    CHECK_TEXT(sids[0], sids[1]);
    arena_free(made[0].arena);
    arena_free(made[1].arena);
}

/* ---- tasks and reservations ---- */

static void test_task(void)
{
    static const struct pair canceled[] = {
        {"TaskCanceledReason", "hung up"}
    };
    struct made made = event_with("task.canceled", task_group, ARRAY_LEN(task_group), canceled, 1);
    Taskrouter__Tasks__V1__Task *task = event_task(made.arena, &made.form);
    CHECK(task != NULL);
    CHECK_TEXT(task->sid, SID("WT"));
    CHECK_TEXT(task->attributes, "{\"type\":\"support\"}");
    CHECK_I64(task->assignment_status, TASKROUTER__TASKS__V1__TASK_STATUS__TASK_STATUS_RESERVED);
    CHECK_I64(task->priority, 7);
    CHECK_TEXT(task->reason, "hung up");
    CHECK_TEXT(task->task_queue_sid, SID("WQ"));
    CHECK_TEXT(task->workflow_name, "Incoming");
    CHECK_TEXT(task->task_channel_unique_name, "voice");
    CHECK_TEXT(task->worker_sid, "");
    CHECK_I64(task->date_created->seconds, 1699999988);
    CHECK_I64(task->task_queue_entered_date->seconds, 1699999990);
    CHECK_I64(task->date_updated->seconds, 1700000000);
    CHECK_I64(task->date_updated->nanos, 0);
    CHECK(event_reservation(made.arena, &made.form) == NULL);
    arena_free(made.arena);
}

static void test_reservation(void)
{
    static const struct pair own[] = {
        {"ReservationSid",     SID("WR")},
        {"ReservationVersion", "1"      },
        {"ReservationTimeout", "120"    }
    };
    for (size_t i = 0; i < event_kind_count; i++) {
        if (event_kinds[i].resource != TWILIO_RESERVATION)
            continue;
        struct made made = begin(event_kinds[i].type);
        add_all(&made, task_group, ARRAY_LEN(task_group));
        add_all(&made, own, ARRAY_LEN(own));
        bool is_one = strcmp(event_kinds[i].type, "reservation.failed") != 0;
        if (is_one)
            add_all(&made, worker_group, ARRAY_LEN(worker_group));
        CHECK(read_form(&made, NULL) == ERR_OK);
        Taskrouter__Tasks__V1__Reservation *reservation = event_reservation(made.arena, &made.form);
        Taskrouter__Tasks__V1__Event *event = event_entry(made.arena, &made.form);
        CHECK(event_task(made.arena, &made.form) != NULL);
        CHECK_TEXT(event->resource_type, "reservation");
        CHECK_TEXT(event->resource_sid, SID("WR"));
        CHECK((reservation != NULL) == is_one);
        if (reservation != NULL) {
            CHECK_I64(reservation->reservation_status, event_kinds[i].status);
            CHECK_TEXT(reservation->task_sid, SID("WT"));
            CHECK_TEXT(reservation->worker_name, "Jane");
            CHECK_I64(reservation->timeout, 120);
        }
        arena_free(made.arena);
    }
    struct made made = begin("reservation.accepted");
    add_all(&made, task_group, ARRAY_LEN(task_group));
    add_all(&made, worker_group, ARRAY_LEN(worker_group));
    add_all(&made, own, ARRAY_LEN(own));
    CHECK(read_form(&made, NULL) == ERR_OK);
    CHECK_TEXT(event_task(made.arena, &made.form)->worker_sid, SID("WK"));
    arena_free(made.arena);
}

static void test_entry(void)
{
    struct made made = event_with("task-queue.entered", task_group, ARRAY_LEN(task_group), NULL, 0);
    Taskrouter__Tasks__V1__Event *event = event_entry(made.arena, &made.form);
    AUTO(jx_cleanup) json_t *data = NULL;
    CHECK(event != NULL);
    CHECK_TEXT(event->sid, SID("EV"));
    CHECK_TEXT(event->event_type, "task-queue.entered");
    CHECK_TEXT(event->resource_type, "task");
    CHECK_TEXT(event->resource_sid, SID("WT"));
    CHECK_TEXT(event->description, "what happened");
    CHECK_I64(event->resource_version, 3);
    CHECK_I64(event->event_date->nanos, 123000000);
    CHECK(jx_parse_object(str_from(event->event_data), NULL, &data, NULL) == ERR_OK);
    CHECK_TEXT(jx_get_text(data, "task_queue_target_expression", ""), "1==1");
    CHECK_TEXT(jx_get_text(data, "workflow_name", ""), "Incoming");
    CHECK_I64(json_object_size(data), ARRAY_LEN(task_group));
    arena_free(made.arena);
}

/* What a row cannot be made of is left to the rows we have. */
static void test_partial(void)
{
    static const struct pair little[] = {
        {"TaskSid",      SID("WT") },
        {"TaskQueueSid", "nonsense"}
    };
    struct made made = event_with("task.updated", little, 2, NULL, 0);
    CHECK(event_task(made.arena, &made.form) == NULL);
    CHECK(event_entry(made.arena, &made.form) != NULL);
    arena_free(made.arena);
    static const struct pair bare[] = {
        {"TaskSid",              SID("WT")  },
        {"TaskQueueSid",         "nonsense" },
        {"TaskAssignmentStatus", "pending"  },
        {"TaskPriority",         "many"     },
        {"TaskDateCreated",      "yesterday"}
    };
    made = event_with("task.updated", bare, ARRAY_LEN(bare), NULL, 0);
    Taskrouter__Tasks__V1__Task *task = event_task(made.arena, &made.form);
    CHECK(task != NULL);
    CHECK_TEXT(task->task_queue_sid, "");
    CHECK_I64(task->priority, 0);
    CHECK(task->date_created == NULL);
    arena_free(made.arena);
}

/* ---- other resources ---- */

static void test_worker(void)
{
    static const struct pair moved[] = {
        {"WorkerPreviousActivitySid", SID("WA")}
    };
    struct made made =
        event_with("worker.activity.update", worker_group, ARRAY_LEN(worker_group), moved, 1);
    Taskrouter__Workers__V1__Worker worker;
    taskrouter__workers__v1__worker__init(&worker);
    worker.sid = wire_text(made.arena, SID("WK"));
    worker.friendly_name = wire_text(made.arena, "Jane");
    worker.attributes = wire_text(made.arena, "{ \"a\": 1, \"email\": \"jane@example.com\" }");
    worker.activity_sid = wire_text(made.arena, "WA0");
    CHECK(!event_is_complete(&made.form));
    CHECK(event_overlay(made.arena, &made.form, &worker.base));
    CHECK_TEXT(worker.activity_sid, SID("WA"));
    CHECK_TEXT(worker.attributes, "{ \"a\": 1, \"email\": \"jane@example.com\" }");
    CHECK_I64(worker.date_status_changed->seconds, 1700000000);
    CHECK_I64(worker.date_updated->seconds, 1700000000);
    worker.date_updated->seconds = 5;
    CHECK(!event_overlay(made.arena, &made.form, &worker.base)); /* nothing new */
    CHECK_I64(worker.date_updated->seconds, 5);
    arena_free(made.arena);
}

static void test_created(void)
{
    static const struct pair activity[] = {
        {"ActivitySid",       SID("WA")},
        {"ActivityName",      "Lunch"  },
        {"ActivityAvailable", "false"  }
    };
    static const struct pair channel[] = {
        {"TaskChannelSid",              SID("TC")},
        {"TaskChannelName",             "Voice"  },
        {"TaskChannelUniqueName",       "voice"  },
        {"TaskChannelOptimizedRouting", "true"   }
    };
    static const struct {
        const char *type;
        const struct pair *pairs;
        size_t count;
        const char *name;
    } rows[] = {
        {"activity.created",     activity,     ARRAY_LEN(activity),     "Lunch"},
        {"task-channel.created", channel,      ARRAY_LEN(channel),      "Voice"},
        {"worker.created",       worker_group, ARRAY_LEN(worker_group), "Jane" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct made made = event_with(rows[i].type, rows[i].pairs, rows[i].count, NULL, 0);
        CHECK(event_is_complete(&made.form));
        ProtobufCMessage *item = event_new(made.arena, &made.form);
        CHECK(event_overlay(made.arena, &made.form, item));
        CHECK_TEXT(field_text(item, "sid"), made.form.resource_sid);
        CHECK_TEXT(field_text(item, "workspace_sid"), SID("WS"));
        CHECK_TEXT(field_text(item, "friendly_name"), rows[i].name);
        CHECK(field_message(item, "date_created") != NULL);
        arena_free(made.arena);
        made = event_with(rows[i].type, rows[i].pairs, rows[i].count - 1, NULL, 0);
        CHECK(!event_is_complete(&made.form));
        arena_free(made.arena);
    }
}

static void test_parts(void)
{
    static const struct pair queue[] = {
        {"TaskQueueSid",              SID("WQ")},
        {"TaskQueueTargetExpression", "a == 1" }
    };
    struct made made = event_with("task-queue.expression.updated", queue, 2, NULL, 0);
    Taskrouter__Queues__V1__TaskQueue ours;
    taskrouter__queues__v1__task_queue__init(&ours);
    ours.sid = wire_text(made.arena, SID("WQ"));
    ours.friendly_name = wire_text(made.arena, "Permits");
    CHECK(event_overlay(made.arena, &made.form, &ours.base));
    CHECK_TEXT(ours.target_workers, "a == 1");
    CHECK_TEXT(ours.friendly_name, "Permits");
    arena_free(made.arena);
    static const struct pair availability[] = {
        {"TaskChannelSid",         SID("TC")},
        {"WorkerChannelAvailable", "true"   }
    };
    made = event_with("worker.channel.availability.update", worker_group, ARRAY_LEN(worker_group),
                      availability, 2);
    Taskrouter__Workers__V1__WorkerChannel channel;
    taskrouter__workers__v1__worker_channel__init(&channel);
    channel.sid = wire_text(made.arena, SID("WC"));
    CHECK(event_overlay(made.arena, &made.form, &channel.base));
    CHECK(channel.available);
    arena_free(made.arena);
}

static const struct test_case cases[] = {
    {"each of the 49 types says what it is about",             test_types      },
    {"a new type goes with its family",                        test_new_types  },
    {"what can be no event is refused by parameter",           test_refused    },
    {"an event without a SID is known by its contents",        test_no_sid     },
    {"a task's row is made of its event",                      test_task       },
    {"a reservation's row is made of its event",               test_reservation},
    {"the log gets the event with its data in Twilio's names", test_entry      },
    {"what an event does not say stays empty",                 test_partial    },
    {"a worker's event changes what it says",                  test_worker     },
    {"a creation that says all makes the resource",            test_created    },
    {"queues and channels are changed in part",                test_parts      },
};

int main(int argc, char **argv)
{
    return testing_main("event form", cases, ARRAY_LEN(cases), argc, argv);
}
