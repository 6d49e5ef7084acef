/* The configuration as the suite has it now. */
#pragma once

#include "base/err.h"

struct cli;
struct doc;

/* Reads everything of the found workspace; items have raw documents, SIDs and versions, and no
 * fields yet (doc_render). */
enum err_code snapshot_load(struct cli *cli, struct doc **out, struct err *err) MUST_CHECK;
