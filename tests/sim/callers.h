/* What callers ask for: any command on anything, most of it sensible, some of it to be refused. */
#pragma once

#include "engine/command.h"

struct store;
struct world;

struct engine_command callers_choose(struct store *store, struct world *world, int64_t now_us);
