/* Explanations as messages. Everything is copied into the arena; NULL when it is exhausted. */
#pragma once

#include "base/arena.h"
#include "engine/explain.h"
#include "taskrouter/tasks/v1/explain.pb-c.h"

Taskrouter__Tasks__V1__TaskExplanation *task_explanation_to_wire(struct arena *arena,
                                                                 const struct explain_task *task);

enum explain_obstacle obstacle_from_wire(Taskrouter__Tasks__V1__Obstacle obstacle);
