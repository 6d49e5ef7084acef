#include "engine/instruction.h"

#include "testing.h"
#include "world.h"

#define WA3       "WA00000000000000000000000000000003"
#define CA1       "CA00000000000000000000000000000001"
#define CALL_GOOD "\"from\":\"+1\",\"url\":\"https://a.b/c\""
#define DEQ_TASK  "{\"call_sid\":\"" CA1 "\",\"from\":\"+1\"}"
#define CONTACT   "{\"contact_uri\":\"client:ann\"}"

/* --- reading -------------------------------------------------------------------------------- */

struct reading_row {
    const char *name;
    const char *parameters;
    const char *reason; /* NULL: good */
    int code;
    const char *data;
};

static const struct reading_row reading_rows[] = {
    {"accept",     "",                                                                       NULL,                    0,     ""                                                                            },
    {"accept",     "{\"instruction\":\"accept\",\"more\":1}",                                NULL,                    0,     ""                                                                            },
    {"reject",     "{\"activity_sid\":\"" WA3 "\"}",                                         NULL,                    0,     "{\"activity_sid\":\"" WA3 "\"}"                                              },
    {"reject",     "{\"WorkerActivitySid\":\"" WA3 "\"}",                                    NULL,                    0,     "{\"activity_sid\":\"" WA3 "\"}"                                              },
    {"reject",     "{\"activity_sid\":\"break\"}",                                           "REJECT_ACTIVITY",       40100, NULL                                                                          },
    {"call",       "{" CALL_GOOD "}",                                                        NULL,                    0,     "{\"from\":\"+1\",\"url\":\"https://a.b/c\"}"                                 },
    {"call",       "{\"CallFrom\":\"+1\",\"CallUrl\":\"http://a\",\"CallAccept\":\"true\"}", NULL,                    0,
     "{\"from\":\"+1\",\"url\":\"http://a\",\"accept\":true}"                                                                                                                                              },
    {"call",       "{\"url\":\"https://a.b/c\"}",                                            "CALL_FROM",             40111, NULL                                                                          },
    {"call",       "{\"from\":\"+1\"}",                                                      "CALL_URL",              40112, NULL                                                                          },
    {"call",       "{\"from\":\"+1\",\"url\":\"ftp://a\"}",                                  "CALL_URL",              40112, NULL                                                                          },
    {"call",       "{\"from\":\"+1\",\"url\":\"http://a b\"}",                               "CALL_URL",              40112, NULL                                                                          },
    {"call",       "{" CALL_GOOD ",\"to\":\"\"}",                                            "CALL_TO",               40110, NULL                                                                          },
    {"call",       "{" CALL_GOOD ",\"timeout\":1000}",                                       "INSTRUCTION_PARAMETER", 20001, NULL                                                                          },
    {"call",       "{" CALL_GOOD ",\"timeout\":\"999\"}",                                    NULL,                    0,
     "{\"from\":\"+1\",\"url\":\"https://a.b/c\",\"timeout\":999}"                                                                                                                                         },
    {"call",       "{" CALL_GOOD ",\"status_callback_url\":7}",                              "CALL_STATUS_URL",       40158, NULL                                                                          },
    {"redirect",   "{\"call_sid\":\"" CA1 "\"}",                                             "REDIRECT_URL",          40120, NULL                                                                          },
    {"redirect",   "{\"url\":\"https://a\",\"call_sid\":\"x\"}",                             "REDIRECT_CALL_SID",     40121, NULL                                                                          },
    {"redirect",   "{\"url\":\"https://a\",\"call_sid\":\"" CA1 "\"}",                       NULL,                    0,
     "{\"call_sid\":\"" CA1 "\",\"url\":\"https://a\"}"                                                                                                                                                    },
    {"dequeue",    "",                                                                       NULL,                    0,     ""                                                                            },
    {"dequeue",    "{\"from\":1}",                                                           "DEQUEUE_FROM",          40132, NULL                                                                          },
    {"dequeue",    "{\"post_work_activity_sid\":\"x\"}",                                     "DEQUEUE_ACTIVITY",      40130, NULL                                                                          },
    {"dequeue",    "{\"status_callback_events\":\"ringing, answered\"}",                     NULL,                    0,
     "{\"status_callback_events\":\"ringing,answered\"}"                                                                                                                                                   },
    {"dequeue",    "{\"DequeueStatusCallbackEvent\":[\"ringing\",\"completed\"]}",           NULL,                    0,
     "{\"status_callback_events\":\"ringing,completed\"}"                                                                                                                                                  },
    {"dequeue",    "{\"status_callback_events\":\"hold\"}",                                  "DEQUEUE_EVENTS",        40134, NULL                                                                          },
    {"dequeue",    "{\"status_callback_url\":\"\"}",                                         "DEQUEUE_STATUS_URL",    40157, NULL                                                                          },
    {"dequeue",    "{\"record\":\"yes\"}",                                                   "INSTRUCTION_PARAMETER", 20001, NULL                                                                          },
    {"conference", "{\"Beep\":\"onEnter\",\"MaxParticipants\":2,\"ConferenceRecord\":true}", NULL,
     0,                                                                                                                      "{\"beep\":\"onEnter\",\"max_participants\":2,\"conference_record\":\"true\"}"},
    {"conference", "{\"max_participants\":1}",                                               "INSTRUCTION_PARAMETER", 20001, NULL                                                                          },
    {"conference", "{\"conference_status_callback\":\"\"}",                                  "CONFERENCE_STATUS_URL", 40159, NULL                                                                          },
    {"conference", "{\"post_work_activity_sid\":\"x\"}",                                     "CONFERENCE_ACTIVITY",   40139, NULL                                                                          },
    {"conference", "{\"sip_auth_username\":\"u\",\"sip_auth_password\":\"p\"}",              NULL,                    0,
     "{\"sip_auth_username\":\"u\"}"                                                                                                                                                                       },
    {"supervise",  "{}",                                                                     "SUPERVISE_CONTACT",     40147, NULL                                                                          },
    {"supervise",  "{\"Supervisor\":\"client:eve\",\"SupervisorMode\":\"whisper\"}",         NULL,                    0,
     "{\"supervisor\":\"client:eve\",\"supervisor_mode\":\"whisper\"}"                                                                                                                                     },
    {"supervise",  "{\"supervisor\":\"a\",\"supervisor_mode\":\"shout\"}",                   "INSTRUCTION_PARAMETER",
     20001,                                                                                                                  NULL                                                                          },
    {"",           "{}",                                                                     "INSTRUCTION_MISSING",   40005, NULL                                                                          },
    {"Accept",     "{}",                                                                     "INSTRUCTION_UNKNOWN",   55555, NULL                                                                          },
    {"accept",     "[]",                                                                     "INSTRUCTION_PARAMETER", 20001, NULL                                                                          },
    {"accept",     "{\"a\":",                                                                "BAD_JSON",              0,     NULL                                                                          },
    {"dequeue",    "{\"to\":\"say \\\"hi\\\"\\n\"}",                                         NULL,                    0,     "{\"to\":\"say \\\"hi\\\"\\u000a\"}"                                          },
};

static void both_spellings_are_read_and_what_is_wrong_has_the_debuggers_code(void)
{
    for (size_t i = 0; i < ARRAY_LEN(reading_rows); i++) {
        const struct reading_row *row = &reading_rows[i];
        struct arena *arena = arena_new(1 << 20);
        struct instruction instruction;
        struct err err;
        err_clear(&err);
        enum err_code code = instruction_read(arena, str_from(row->name), str_from(row->parameters),
                                              &instruction, &err);
        if (row->reason != NULL) {
            CHECK_I64(code, ERR_INVALID_ARGUMENT);
            CHECK_TEXT(err.reason, row->reason);
            CHECK_I64(instruction_code(err.reason), row->code);
        } else if (CHECK_I64(code, ERR_OK)) {
            CHECK_TEXT(instruction_name(instruction.kind), row->name);
            CHECK_STR(instruction.data, row->data);
            /* What was written is read the same again. */
            struct instruction again;
            CHECK_I64(
                instruction_read_done(arena, str_from(row->name), instruction.data, &again, &err),
                ERR_OK);
            CHECK_STR(again.data, row->data);
        }
        arena_free(arena);
    }
}

struct party_row {
    const char *name;
    const char *parameters;
    const char *task;
    const char *worker;
    const char *reason; /* NULL: good */
};

static const struct party_row party_rows[] = {
    {"dequeue",    "",                                                 DEQ_TASK,                   CONTACT, NULL                 },
    {"dequeue",    "",                                                 "{}",                       CONTACT, "DEQUEUE_CALL_SID"   },
    {"dequeue",    "",                                                 DEQ_TASK,                   "{}",    "DEQUEUE_TO"         },
    {"dequeue",    "{\"to\":\"+2\"}",                                  DEQ_TASK,                   "{}",    NULL                 },
    {"call",       "{" CALL_GOOD "}",                                  "{}",                       "{}",    "CALL_TO"            },
    {"call",       "{" CALL_GOOD "}",                                  "{}",                       CONTACT, NULL                 },
    {"conference", "{}",                                               "{\"from\":\"+1\"}",        CONTACT, "CONFERENCE_CALL_SID"},
    {"conference", "{}",                                               "{\"outbound_to\":\"+1\"}", CONTACT, "CONFERENCE_FROM"    },
    {"conference", "{\"from\":\"+3\"}",                                "{\"outbound_to\":\"+1\"}", CONTACT, NULL                 },
    {"conference", "{}",                                               DEQ_TASK,                   "{}",    "CONFERENCE_TO"      },
    {"supervise",  "{\"supervisor\":\"client:eve\"}",                  "{}",                       "{}",    "SUPERVISE_FROM"     },
    {"redirect",   "{\"url\":\"https://a\",\"call_sid\":\"" CA1 "\"}", "{}",                       "{}",    NULL                 },
};

static void what_is_left_to_task_and_worker_must_be_there(void)
{
    for (size_t i = 0; i < ARRAY_LEN(party_rows); i++) {
        const struct party_row *row = &party_rows[i];
        struct arena *arena = arena_new(1 << 20);
        struct instruction instruction = {0};
        struct err err;
        err_clear(&err);
        CHECK_I64(instruction_read(arena, str_from(row->name), str_from(row->parameters),
                                   &instruction, &err),
                  ERR_OK);
        enum err_code code = instruction_check_parties(arena, &instruction, str_from(row->task),
                                                       str_from(row->worker), &err);
        CHECK_I64(code, row->reason == NULL ? ERR_OK : ERR_INVALID_ARGUMENT);
        if (row->reason != NULL)
            CHECK_TEXT(err.reason, row->reason);
        arena_free(arena);
    }
}

/* --- the engine ----------------------------------------------------------------------------- */

static enum err_code instruct(struct world *w, const struct sid *sid, const char *name,
                              const char *parameters)
{
    struct engine_command command = {.kind = ENGINE_INSTRUCT_RESERVATION};
    command.action = (struct engine_action){.sid = *sid,
                                            .workspace_sid = world_sid("WS", 1),
                                            .instruction = str_from(name),
                                            .instruction_data = str_from(parameters)};
    return world_do(w, command);
}

/* Worker 1 is offered a waiting call. */
static struct sid world_call(struct world *w, struct sid *out_task)
{
    world_init(w);
    world_one_queue(w);
    world_worker(w, 1, CONTACT, 1);
    *out_task = world_create(w, DEQ_TASK);
    (void)world_events(w);
    return world_last_offer(w, out_task);
}

static int activity_of(struct world *w, int worker)
{
    struct sid sid = world_sid("WK", worker);
    struct engine_worker_view view;
    return engine_worker_get(w->engine, &sid, &view) ? world_number(&view.activity_sid) : 0;
}

struct effect_row {
    const char *name;
    const char *parameters;
    const char *state;
    const char *events;
    const char *recorded;
};

static const struct effect_row effect_rows[] = {
    {"accept",     "",                                                                     "accepted", "reservation.accepted",   "accept"    },
    {"reject",     "{\"activity_sid\":\"" WA3 "\"}",                                       "rejected", "reservation.rejected",   ""          },
    {"dequeue",    "",                                                                     "pending",  "reservation.instructed", "dequeue"   },
    {"conference", "",                                                                     "pending",  "reservation.instructed", "conference"},
    {"call",       "{" CALL_GOOD "}",                                                      "pending",  "reservation.instructed", "call"      },
    {"call",       "{" CALL_GOOD ",\"accept\":true}",                                      "accepted", "reservation.accepted",   "call"      },
    {"redirect",   "{\"url\":\"https://a\",\"call_sid\":\"" CA1 "\"}",                     "pending",
     "reservation.instructed",                                                                                                   "redirect"  },
    {"redirect",   "{\"url\":\"https://a\",\"call_sid\":\"" CA1 "\",\"accept\":\"true\"}", "accepted",
     "reservation.accepted",                                                                                                     "redirect"  },
};

static void every_instruction_of_a_pending_reservation_is_recorded(void)
{
    for (size_t i = 0; i < ARRAY_LEN(effect_rows); i++) {
        const struct effect_row *row = &effect_rows[i];
        struct world w;
        struct sid task;
        struct sid offer = world_call(&w, &task);
        CHECK_I64(instruct(&w, &offer, row->name, row->parameters), ERR_OK);
        CHECK_TEXT(world_events(&w), row->events);
        world_reload(&w);
        CHECK_TEXT(world_reservation_state(&w, &offer), row->state);
        struct reservation_row reservation;
        REQUIRE(engine_reservation_get(w.engine, &offer, &reservation));
        CHECK_STR(reservation.instruction, row->recorded);
        world_fini(&w);
    }
}

struct state_row {
    const char *name;
    const char *parameters;
    const char *reason;
    int code;
};

static const struct state_row state_rows[] = {
    {"accept",     "",                                                 "RESERVATION_STATE",      0    },
    {"reject",     "",                                                 "RESERVATION_STATE",      0    },
    {"dequeue",    "",                                                 "DEQUEUE_NOT_PENDING",    40135},
    {"conference", "",                                                 "CONFERENCE_NOT_PENDING", 40136},
    {"call",       "{" CALL_GOOD "}",                                  "CALL_NOT_PENDING",       40114},
    {"redirect",   "{\"url\":\"https://a\",\"call_sid\":\"" CA1 "\"}", "REDIRECT_NOT_PENDING",   40123},
};

static void an_instruction_that_comes_too_late_is_refused_in_its_familys_words(void)
{
    for (size_t i = 0; i < ARRAY_LEN(state_rows); i++) {
        const struct state_row *row = &state_rows[i];
        struct world w;
        struct sid task;
        struct sid offer = world_call(&w, &task);
        CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
        (void)world_events(&w);
        CHECK_I64(instruct(&w, &offer, row->name, row->parameters), ERR_FAILED_PRECONDITION);
        CHECK_TEXT(w.err.reason, row->reason);
        CHECK_I64(instruction_code(w.err.reason), row->code);
        CHECK_TEXT(world_events(&w), "");
        world_fini(&w);
    }
}

static void supervision_is_of_accepted_reservations_and_keeps_their_instruction(void)
{
    struct world w;
    struct sid task;
    struct sid offer = world_call(&w, &task);
    CHECK_I64(instruct(&w, &offer, "supervise", "{\"supervisor\":\"client:eve\"}"),
              ERR_FAILED_PRECONDITION);
    CHECK_TEXT(w.err.reason, "SUPERVISE_STATE");
    CHECK_I64(instruct(&w, &offer, "dequeue", "{\"to\":\"+2\"}"), ERR_OK);
    CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
    (void)world_events(&w);
    CHECK_I64(instruct(&w, &offer, "supervise", "{\"supervisor\":\"client:eve\"}"), ERR_OK);
    CHECK_TEXT(world_events(&w), "reservation.instructed");
    struct reservation_row reservation;
    REQUIRE(engine_reservation_get(w.engine, &offer, &reservation));
    CHECK_STR(reservation.instruction, "dequeue");
    CHECK_STR(reservation.instruction_data, "{\"to\":\"+2\"}");
    CHECK_I64(instruct(&w, &offer, "supervise", "{\"supervisor\":\"WK1\"}"), ERR_OK); /* a URI */
    world_fini(&w);
}

struct post_row {
    const char *name;
    bool is_single_tasking;
    int activity; /* where the worker is afterwards */
};

static void the_post_work_activity_is_applied_on_completion(void)
{
    static const struct post_row rows[] = {
        {"dequeue",    false, 3},
        {"dequeue",    true,  3},
        {"conference", false, 1},
        {"conference", true,  3}
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;
        struct sid task;
        struct sid offer = world_call(&w, &task);
        struct engine_command command = {.kind = ENGINE_PUT_WORKSPACE};
        command.workspace =
            (struct engine_workspace){.sid = world_sid("WS", 1),
                                      .account_sid = world_sid("AC", 1),
                                      .version = w.version++,
                                      .timeout_activity_sid = world_sid("WA", 2),
                                      .is_single_tasking = rows[i].is_single_tasking};
        CHECK_I64(world_do(&w, command), ERR_OK);
        CHECK_I64(instruct(&w, &offer, rows[i].name, "{\"post_work_activity_sid\":\"" WA3 "\"}"),
                  ERR_OK);
        CHECK_I64(world_act(&w, ENGINE_ACCEPT_RESERVATION, &offer), ERR_OK);
        world_reload(&w);
        CHECK_I64(activity_of(&w, 1), 1);
        CHECK_I64(world_act(&w, ENGINE_WRAP_UP_TASK, &task), ERR_OK);
        CHECK_I64(world_act(&w, ENGINE_COMPLETE_TASK, &task), ERR_OK);
        CHECK_I64(activity_of(&w, 1), rows[i].activity);
        world_fini(&w);
    }
}

static void an_unknown_post_work_activity_is_refused(void)
{
    struct world w;
    struct sid task;
    struct sid offer = world_call(&w, &task);
    const char *unknown = "{\"post_work_activity_sid\":\"WA00000000000000000000000000000009\"}";
    CHECK_I64(instruct(&w, &offer, "dequeue", unknown), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(w.err.reason, "DEQUEUE_ACTIVITY");
    CHECK_I64(instruct(&w, &offer, "conference", unknown), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(w.err.reason, "CONFERENCE_ACTIVITY");
    CHECK_TEXT(world_events(&w), "");
    world_fini(&w);
}

static void the_offer_does_not_time_out_while_the_far_leg_is_rung(void)
{
    struct world w;
    struct sid task;
    for (int is_reloaded = 0; is_reloaded < 2; is_reloaded++) {
        struct sid rung = world_call(&w, &task);
        world_wait(&w, 100);
        CHECK_I64(instruct(&w, &rung, "dequeue", ""), ERR_OK); /* 60 s and some for the answer */
        if (is_reloaded == 1)
            world_reload(&w);
        world_wait(&w, 69);
        CHECK_TEXT(world_reservation_state(&w, &rung), "pending");
        world_wait(&w, 1);
        CHECK_TEXT(world_reservation_state(&w, &rung), "timeout");
        world_fini(&w);
    }
    struct sid offer = world_call(&w, &task);
    CHECK_I64(instruct(&w, &offer, "dequeue", "{\"timeout\":10}"), ERR_OK);
    world_wait(&w, 119); /* never shorter than it was */
    CHECK_TEXT(world_reservation_state(&w, &offer), "pending");
    world_fini(&w);
    offer = world_call(&w, &task);
    CHECK_I64(instruct(&w, &offer, "call", "{" CALL_GOOD "}"), ERR_OK);
    world_wait(&w, 120);
    CHECK_TEXT(world_reservation_state(&w, &offer), "timeout");
    world_fini(&w);
}

static void an_accept_may_name_what_was_done_but_not_a_rejection(void)
{
    struct world w;
    struct sid task;
    struct sid offer = world_call(&w, &task);
    struct engine_command command = {.kind = ENGINE_ACCEPT_RESERVATION};
    command.action = (struct engine_action){
        .sid = offer, .workspace_sid = world_sid("WS", 1), .instruction = STR("reject")};
    CHECK_I64(world_do(&w, command), ERR_INVALID_ARGUMENT);
    command.action.instruction = STR("sing");
    CHECK_I64(world_do(&w, command), ERR_INVALID_ARGUMENT);
    CHECK_TEXT(w.err.reason, "INSTRUCTION_UNKNOWN");
    CHECK_TEXT(world_reservation_state(&w, &offer), "pending");
    world_fini(&w);
}

static const struct test_case cases[] = {
    {"both spellings are read and what is wrong has the debugger's code",
     both_spellings_are_read_and_what_is_wrong_has_the_debuggers_code                                               },
    {"what is left to task and worker must be there",
     what_is_left_to_task_and_worker_must_be_there                                                                  },
    {"every instruction of a pending reservation is recorded",
     every_instruction_of_a_pending_reservation_is_recorded                                                         },
    {"an instruction that comes too late is refused in its family's words",
     an_instruction_that_comes_too_late_is_refused_in_its_familys_words                                             },
    {"supervision is of accepted reservations and keeps their instruction",
     supervision_is_of_accepted_reservations_and_keeps_their_instruction                                            },
    {"the post-work activity is applied on completion",
     the_post_work_activity_is_applied_on_completion                                                                },
    {"an unknown post-work activity is refused",                            an_unknown_post_work_activity_is_refused},
    {"the offer does not time out while the far leg is rung",
     the_offer_does_not_time_out_while_the_far_leg_is_rung                                                          },
    {"an accept may name what was done but not a rejection",
     an_accept_may_name_what_was_done_but_not_a_rejection                                                           },
};

int main(int argc, char **argv)
{
    return testing_main("engine instructions", cases, ARRAY_LEN(cases), argc, argv);
}
