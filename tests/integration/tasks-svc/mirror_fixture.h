/* A workspace that Twilio routes, and what it says of it. */
#pragma once

#include "tasks_fixture.h"

#define TASK        "WTfa000000000000000000000000000001"
#define RESERVATION "WR0f000000000000000000000000000001"
#define WORKER      "WK3c000000000000000000000000000001"
#define QUEUE       "WQ3d000000000000000000000000000001"
#define WORKFLOW    "WW3e000000000000000000000000000001"
#define CHANNEL     "TC3f000000000000000000000000000001"

/* One that nobody has used yet; its SID. */
const char *mirrored_workspace(void);

/* Mirror.Apply at 2026-01-02T03:<time>Z, "00:30"; parts: what it has besides workspace and time. */
const json_t *apply(const char *workspace, const char *time, const char *parts);

/* Resources as parts: '...'. more: further members. */
const char *task_json(const char *sid, const char *status, const char *more);
const char *reservation_json(const char *sid, const char *task, const char *status);
/* 'event':{...} with a SID from the number. */
const char *event_json(int number, const char *type, const char *resource, const char *time);

/* Events that ListEvents finds; filter: ",'taskSid':..." or "". */
int64_t events_of(const char *workspace, const char *filter);

/* The name behind "MIRROR_OUTCOME_". */
#define OUTCOME(reply, path) (at((reply), path) + strlen("MIRROR_OUTCOME_"))
