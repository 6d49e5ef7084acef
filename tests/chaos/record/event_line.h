/* An event of the log as a line of the history. */
#pragma once

#include <jansson.h>

#include "taskrouter/tasks/v1/tasks.pb-c.h"

json_t *event_line(const char *kind, const Taskrouter__Tasks__V1__Event *event);
