/* Which plain words are no text: the one place, for the reader and for the writer. */
#pragma once

#include "yaml/ydoc.h"

/* Sets kind, number and real of a scalar that was written plain; its text is there. False for a
 * number that no 64-bit integer or double can hold. */
bool ydoc_resolve(struct ydoc_node *scalar);

/* Whether a text must be quoted, so that neither we nor another YAML reader (1.1 too: yes, off,
 * 1:30, 2026-01-01, 0x10, .inf) takes it for something else. */
bool ydoc_needs_quotes(struct str text);
