/*
 * The configuration of a workspace as data: sections of items, items of fields, each section a row
 * in doc.c. Items come from the suite (snapshot.c), from a file (doc_read.c) or from a program
 * (bootstrap.c); a new kind of thing that is configured is a row and nothing else. What refers to
 * something else does so by its name.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/str.h"

enum doc_kind {
    DOC_WORKSPACE,
    DOC_CHANNELS,
    DOC_ACTIVITIES,
    DOC_QUEUES,
    DOC_WORKFLOWS,
    DOC_HOURS,
    DOC_KEYWORDS,
    DOC_RULES,
    DOC_KIND_COUNT,
};

enum doc_type {
    DOC_NONE,
    DOC_TEXT,
    DOC_FLAG,
    DOC_NUMBER,
    DOC_ORDER,    /* FIFO or LIFO */
    DOC_ACTIVITY, /* an activity's name, or "" */
    DOC_ROUTING,  /* a workflow's document, with queues by name */
    DOC_REAL,
    DOC_TIME,  /* RFC 3339, or "" */
    DOC_TEXTS, /* a list of texts; as a key: its first */
    DOC_QUEUE_NAMES,
    DOC_ACTIONS, /* these and the next: doc_parts.h */
    DOC_WEEK,
    DOC_HOLIDAYS,
    DOC_SPECIALS,
};

struct doc_field {
    const char *name; /* in the file */
    const char *rest; /* in the REST API */
    enum doc_type type;
    bool is_fixed; /* cannot be changed once the item is there */
};

struct doc_section {
    const char *name; /* in the file */
    const char *noun;
    const char *path; /* below /api/taskrouter */
    const char *sid_prefix;
    const struct doc_field *fields; /* the first is the key: unique within the section */
    size_t field_count;
};

extern const struct doc_section doc_sections[DOC_KIND_COUNT];

struct doc_item {
    enum doc_kind kind;
    const char *key;
    const char *sid; /* NULL: not known */
    int64_t version; /* 0: not known */
    int line;        /* in the file; 0 = of none */
    json_t *fields;  /* by name in the file; what is not in it is left as it is */
    json_t *raw;     /* of the suite: the REST document; else NULL */
};

struct doc_list {
    struct doc_item **items;
    size_t count;
    size_t capacity;
    struct map by_key;
    bool is_there; /* the file has the section */
};

/* A name in the file that must be that of something. */
struct doc_ref {
    enum doc_kind kind;
    const char *name;
    int line;
};

/* Everything lives in the arena. */
struct doc {
    struct arena *arena;
    struct doc_list lists[DOC_KIND_COUNT];
    struct doc_ref *refs;
    size_t ref_count;
    size_t ref_capacity;
    bool prunes; /* what is not in it is to be deleted */
};

/* Empty; never NULL. */
struct doc *doc_new(struct arena *arena);

/* Makes the arena drop one reference of the value when it goes; returns the value. */
json_t *doc_keep(struct arena *arena, json_t *value);

/* A new item. fields: borrowed. NULL when the key is taken (or the workspace is there already). */
struct doc_item *doc_add(struct doc *doc, enum doc_kind kind, const char *key, json_t *fields);
void doc_ref_add(struct doc *doc, enum doc_kind kind, const char *name, int line);
struct doc_item *doc_find(const struct doc *doc, enum doc_kind kind, const char *key);
/* What an item with that first field is found by; NULL when it has none. */
const char *doc_key_from(const json_t *first);

const struct doc_field *doc_field_of(const struct doc_section *section, struct str name);

/* Calls visit for every value of a key "queue" in a routing document that is a text; what it gives
 * (a new reference, or NULL for no change) takes its place. */
typedef json_t *(*doc_queue_fn)(void *ctx, const char *value);
void doc_queues_map(json_t *routing, doc_queue_fn visit, void *ctx);

/* Fills fields of the items from their raw documents. names: SID to the name that is shown; what is
 * not there is shown as its SID. */
void doc_render(struct doc *doc, const struct map *names);

/* Adds the SIDs of all items with their keys; values live as long as the document. */
void doc_names(const struct doc *doc, struct map *out);

/* The document as a file. with_sids: items say their SIDs. heading: comment lines, each "# …\n". */
enum err_code doc_write(struct doc *doc, const char *heading, bool with_sids, struct buf *out,
                        struct err *err) MUST_CHECK;

/* A file. Errors: INVALID_ARGUMENT, the detail begins with "line N: ". */
enum err_code doc_read(struct doc *doc, struct str text, struct err *err) MUST_CHECK;
