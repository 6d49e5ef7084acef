/*
 * The tests' Twilio and the road to it. Twilio is a second suite in local mode (twilio_peer.c); the
 * road is a small HTTP proxy in this process that loses, holds and breaks what it is told to.
 * 'Single quotes' in JSON as in suite.h.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

#define TWILIO_SECRET "0123456789abcdef0123456789abcdef"

/* Starts both, and sets the environment so that a sync-svc started from now on goes there. From the
 * main thread, before suite_main. */
void twilio_start(void);
void twilio_stop(void);

/* What happens to changes (POST and DELETE) on the road. */
enum road_fault {
    ROAD_OPEN,
    ROAD_LOSE_REQUEST, /* the connection ends; Twilio hears nothing */
    ROAD_LOSE_ANSWER,  /* Twilio has done it; the connection ends */
    ROAD_BREAK_ANSWER, /* the same, and its answer is cut in half */
    ROAD_BUSY,         /* 429; Twilio hears nothing */
    ROAD_HOLD_REQUEST, /* waits before Twilio hears of it, until road_go */
    ROAD_HOLD_ANSWER,  /* waits with the answer */
};

/* For the next count changes; the ones after them pass. */
void road_fault(enum road_fault fault, int count);

/* The answers of the next count reads wait as well, until road_go. */
void road_hold_reads(int count);

/* True when so many are held; waits for it. */
bool road_await_held(int count);

/* What is held goes on; requests whose sender is gone are dropped. */
void road_go(void);

/* No connection gets through while it is cut. */
void road_cut(bool is_cut);

int road_changes(void); /* that came to the road so far */

/* Straight to Twilio. path: below /v1, formatted. form: "A=b&C=d" or NULL. The body, or NULL when
 * there is none; *out_status may be NULL. */
const json_t *twilio_ask(const char *method, const char *form, int *out_status, const char *path,
                         ...) PRINTF_LIKE(4, 5);

/* How many items a list at Twilio has. */
int64_t twilio_count(const char *list, const char *path, ...) PRINTF_LIKE(2, 3);

/* A new workspace at Twilio, known here with what it was born with; its SID, "" after a failed
 * check. */
const char *twilio_adopt(void);

/* "what" and something that nobody has. */
const char *twilio_name(const char *what);

/* "2026-11-27T07:39:25.013251Z" */
const char *twilio_now(void);
