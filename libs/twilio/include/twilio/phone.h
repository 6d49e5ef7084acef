/*
 * Phone numbers as people and carriers write them, to E.164. Knows the dialling habits of the
 * regions in its table (phone.c), not which numbers are given out: a number that could be one is
 * taken. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define PHONE_SIZE           17 /* "+", 15 digits, NUL */
#define PHONE_EXTENSION_SIZE 13 /* 12 digits, NUL */
#define PHONE_TEXT_MAX       64 /* bytes; longer texts are no phone number */

enum phone_kind {
    PHONE_NONE,      /* not to be read as one */
    PHONE_NUMBER,    /* e164 says which */
    PHONE_ANONYMOUS, /* the caller withholds it: "anonymous", "+266696687", … */
    PHONE_ADDRESS,   /* sip:, sips: or client: */
};

struct phone {
    enum phone_kind kind;
    char e164[PHONE_SIZE];                /* of PHONE_NUMBER; else "" */
    char extension[PHONE_EXTENSION_SIZE]; /* digits; mostly "" */
};

/*
 * Reads "(512) 555-0100 ext. 7", "+44 (0)20 7946 0958", "011 49 30 901820", "tel:+1-512-555-0100".
 * region: two capital letters, for numbers without a country code; one that is not known reads as
 * "US". Returns out->kind.
 */
enum phone_kind phone_parse(struct str text, const char *region, struct phone *out);

/* True for those of the table: "US", "CA", "MX", "GB", "DE", … */
bool phone_region_is_known(struct str region);

#define PHONE_FORMATS_MAX 8
#define PHONE_FORMAT_SIZE 24

/* The ways in which e164 may stand in somebody's database, E.164 first: of +15125550100 also
 * 15125550100, 5125550100, (512) 555-0100, 512-555-0100, 512.555.0100, 1-512-555-0100 and
 * +1 (512) 555-0100. Returns how many. */
size_t phone_formats(const char *e164, char out[PHONE_FORMATS_MAX][PHONE_FORMAT_SIZE]);
