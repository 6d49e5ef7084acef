/* The parts of a workspace's template that others own. */
#pragma once

#include "base/call.h"

struct workers;

/*
 * Waits until queue and workflow of a new workspace from the template FIFO are there, by asking
 * their owners for them: whoever hears of the workspace for the first time makes them. A failure is
 * logged and no more: they come with the workspace's event.
 */
void template_await(struct workers *workers, struct call *call, const char *workspace_sid);
