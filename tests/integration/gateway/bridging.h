/*
 * What the tests of bridge/ share: a workspace with a line, and a carrier that the test plays. It
 * takes what it is asked and remembers it; calls to "client:lost…" are placed, but nobody is told
 * so; those to "client:…-wrong" are refused.
 */
#pragma once

#include <pthread.h>

#include "calling.h"
#include "fixture.h"

#define NUMBER "+15125550100"

enum { PATIENCE_MS = 90000, ASKED_MAX = 64, BODY_MAX = 4096 };

/* What the carrier makes of other instructions for a call. */
enum mood { MOOD_TAKES, MOOD_REFUSES, MOOD_SILENT };

extern const char *lines_workspace;
extern const char *within; /* the header that names it; NULL before the first worker */

extern struct carrier {
    pthread_mutex_t lock;
    char bodies[ASKED_MAX][BODY_MAX]; /* of POSTs that place calls */
    int count;
    struct {
        char path[128];
        char body[BODY_MAX];
    } changes[ASKED_MAX]; /* POSTs that change calls */
    int change_count;
    _Atomic enum mood mood;
    pthread_cond_t released;
    struct heard {
        bool is_get;
        char url[BODY_MAX]; /* with its query */
        char body[BODY_MAX];
        char signature[64];
        char token[128];
        bool is_failed; /* it was answered so */
    } heard[ASKED_MAX]; /* what comes to carrier_url */
    int heard_count;
    int failures;    /* so many of what comes there fail */
    bool is_holding; /* answers to calls to "client:held…", and to documents "/held…", wait */
} carrier;

extern const char *support; /* the queue; as within */

/* fixture_all_main with the carrier behind sync-svc. */
int bridging_main(const char *name, const char *const *env, const struct test_case *cases,
                  size_t count, int argc, char **argv);

/* ---- the carrier ---- */

const char *leg_of(int index); /* the SID of the call that it was asked for then */

/* How often the contact ("client:" before it) was called; *out_last: which one was the last. */
int asked_for(const char *contact, int *out_last);

/* Waits until it is called, once: which call it is. */
int called(const char *contact);

/* Waits until the carrier was asked to change the call so: once. part: of the form. */
bool changed(const char *call, const char *part);

void carrier_hold(bool is_holding);

/* A URL at which the carrier's machine plays the application: "/app…". */
const char *carrier_url(const char *path);

/* ---- the workspace ---- */

struct reply make(const char *path, const char *body); /* POST, answered with 201 */
/* Available; the workspace is made with the first one. */
const char *worker_new(const char *name, const char *attributes);
void worker_leaves(const char *worker);  /* nothing is offered any more: one at a time is there */
const char *offered(const char *worker); /* waits for the pending reservation */
void act(const char *reservation, const char *action, const char *body);

/* ---- calls ---- */

const char *waiting_call(void); /* CA… of a new one */
void leg_says(const char *reservation, int leg, const char *status);
const char *call_member(const char *call, const char *member);
bool becomes(const char *path, const char *member, const char *value);
const char *leg_column(const char *reservation, const char *column); /* or SQL over it */
bool leg_column_becomes(const char *reservation, const char *column, const char *value);
bool leg_becomes(const char *reservation, const char *state);
const char *task_path(const char *call); /* "/tasks/WT…" of the one it waits with */
void cancel(const char *task);           /* its path */

/* ---- redirects ---- */

/* more: parameters, each with its comma before it. */
#define REDIRECT(call, page, more)                                                                 \
    text("{'instruction':'redirect','instructionData':{'call_sid':'%s','url':"                     \
         "'https://app.example.com/" page "'" more "}}",                                           \
         call)

#define DEQUEUE(to)                                                                                \
    "{'instruction':'dequeue','instructionData':{'to':'client:" to "','from':'" NUMBER "'}}"

const char *redirect_column(const char *reservation, const char *column); /* as text */
bool redirect_becomes(const char *reservation, const char *column, const char *value);
