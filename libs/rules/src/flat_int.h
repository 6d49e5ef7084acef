/* Which names the types of flat conditions stand for. */
#pragma once

#include <stdbool.h>

#include "expr/expr.h"

struct flat_name {
    const char *type;
    const char *field; /* "": none given */
    enum expr_slot slot;
    const char *path; /* NULL: the field, whatever it is */
    bool is_list;     /* holds an array: equals and in ask for membership */
};

extern const struct flat_name flat_names[];
extern const size_t flat_name_count;

/* "task.attributes." and so on; only of slots in the table. */
const char *flat_root(enum expr_slot slot);

/* "monday"; NULL for anything else, whatever case it is in. */
const char *flat_weekday(struct str text);

/* "8:05" and "08:05" as five characters; false for anything else. */
bool flat_clock(struct str text, char out[6]);

/* Names whose ranges may go round: from 22:00 to 06:00. */
bool flat_goes_round(const struct flat_name *name);
