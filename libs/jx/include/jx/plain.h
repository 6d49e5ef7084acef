/*
 * JSON objects as most people write them, read without building a tree: strings without escapes,
 * numbers of few digits, nothing deep or large. What is not so simple is no error here, it goes the
 * long way through jx_parse_object. Refuses: to say what is wrong with a text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum { JX_PLAIN_MEMBERS = 48 }; /* of an object that is read here */

/* Views into the text. */
struct jx_member {
    struct str key; /* without its quotes */
    struct str value;
};

/* On the caller's stack. */
struct jx_plain {
    size_t count;
    bool is_compact; /* no value has white space in it: each is what jx_value would write */
    struct jx_member members[JX_PLAIN_MEMBERS]; /* in order, each key once */
};

/* True: text is an object that jx_parse_object accepts with any limits of at least its size, and
 * out has its members. False: it may be one or not, and out is of no use. */
bool jx_plain_read(struct str text, struct jx_plain *out);
