/* Between the two halves of explaining: facts (explain.c) and sentences (explain_text.c). */
#pragma once

#include "engine/explain.h"

/* NULL pointer in it when the arena is exhausted. */
struct str explain_summary(struct arena *arena, const struct explain_task *task);
