/*
 * What is in the engine's memory and who owns it. struct engine owns everything; all other
 * pointers are references inside it. Deleted queues, workflows, activities and channels stay as
 * tombstones (few, and tasks still name them); workers go once nothing refers to them.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/list.h"
#include "base/map.h"
#include "engine/engine.h"
#include "engine/workflow_doc.h"
#include "expr/anchor.h"
#include "expr/expr.h"
#include "heap.h"
#include "line.h"
#include "pool.h"
#include "sid_map.h"
#include "text_pool.h"
#include "tree.h"

#define TIME_NEVER     INT64_MAX
#define FILTER_NOWHERE INT32_MIN /* forces a step to be entered anew */

struct stats_cell;

/* The tasks of a queue, a workflow or without one, as statistics count them (stats.c). */
struct stats_group {
    struct stats_cell **cells; /* by channel.index; NULL: none yet */
    uint32_t count;
};

struct activity {
    struct sid sid;
    struct workspace *workspace;
    int64_t version; /* 0: only heard of */
    struct str name;
    struct list_node node; /* workspace.activities */
    bool is_available;
    uint32_t index;        /* in queue.activity_counts */
    uint32_t worker_count; /* in it, of the whole workspace */
};

struct channel {
    struct sid sid;
    struct workspace *workspace;
    struct list_node node;
    int64_t version;
    struct str name;
    bool is_optimized;
    bool is_deleted;
    uint32_t index;               /* in worker.channels */
    struct expr_field *fields[3]; /* built-in worker fields; NULL until named */
};

enum {
    CHANNEL_FIELD_CAPACITY,
    CHANNEL_FIELD_ASSIGNED,
    CHANNEL_FIELD_PERCENTAGE,
};

enum { ANCHOR_MAX_PATHS = 4 };

struct workspace {
    struct engine *engine;
    struct sid sid;
    struct sid account_sid;
    int64_t version; /* 0: only heard of */
    struct str name;
    bool is_deleted;
    bool is_single_tasking;
    bool is_lifo_first;
    bool is_mirrored; /* not ours to route */
    struct sid timeout_activity_sid;
    struct list workers;
    struct list queues;
    struct list workflows;
    struct list channels;
    struct list activities;
    struct list tasks;
    size_t task_count;   /* of them */
    struct map known;    /* "sid:WK…" or "name:…" -> struct known */
    bool has_names;      /* known has the names of all workers */
    struct list indexes; /* anchor_index.node */
    size_t index_count;
    uint32_t activity_count;
    uint32_t channel_count;
    uint32_t channel_readers; /* classes and queues whose expression reads worker.channel.* */
    struct stats_group direct_stats; /* tasks without a workflow */
};

/* A worker on one channel. */
struct worker_channel {
    struct channel *channel;
    int32_t capacity;
    int32_t consumed; /* open reservations */
    int32_t accepted; /* of these, not pending */
    bool is_available;
    bool is_free; /* as last entered in the heaps of its members */
    int64_t last_sequence;
    struct list members; /* class_member.worker_node */
};

/* Workers by what they have at some names, for the classes that ask for equality there: a class is
 * filled from one look-up, and a worker who changes finds the classes that may want him. Made when
 * the first class asks for these names, by going over the workspace's workers once. */
struct anchor_index {
    struct str key; /* owned; the names */
    struct workspace *workspace;
    struct list_node node;
    struct expr_path *paths[ANCHOR_MAX_PATHS];
    bool is_element[ANCHOR_MAX_PATHS];
    uint32_t path_count;
    struct map postings;      /* values, one per name -> struct posting */
    struct posting *overflow; /* workers with too many combinations: asked by every class */
    size_t class_count;
};

struct posting {
    struct str key; /* owned; in anchor_index.postings */
    struct anchor_index *index;
    struct list workers; /* posting_entry.posting_node */
    struct list classes; /* class_anchor.posting_node */
};

struct posting_entry {
    struct posting *posting;
    struct worker *worker;
    struct list_node posting_node;
    struct list_node worker_node;
};

/* Where a class is registered. */
struct class_anchor {
    struct posting *posting;
    struct task_class *class;
    struct list_node posting_node;
};

struct worker {
    struct sid sid;
    struct workspace *workspace;
    struct list_node node;  /* workspace.workers */
    struct heap_node ready; /* engine.ready_workers */
    int64_t version;
    struct str name;
    struct expr_record *record; /* attributes and built-in fields */
    struct activity *activity;  /* as the router sees it */
    bool is_deleted;
    bool has_override;
    int64_t override_at_us;
    struct worker_channel **channels; /* by channel.index; NULL = capacity 1, nothing consumed */
    uint32_t channel_count;
    uint32_t refs; /* tasks and reservations that name it */
    int32_t open_reservations;
    int64_t last_sequence; /* of a reservation on any channel */
    uint64_t ref_batch;    /* the batch the next belongs to */
    const struct engine_worker_ref *ref;
    struct list queue_members; /* queue_member.worker_node */
    struct list postings;      /* posting_entry.worker_node */
    struct known *name_known;  /* he is in its workers; NULL: names are not asked for */
    struct list_node name_node;
    struct list reservations; /* open ones, oldest first */
};

/* A worker in a queue's set. */
struct queue_member {
    struct queue *queue;
    struct worker *worker;
    struct list_node queue_node;
    struct list_node worker_node;
};

enum { PACE_MINUTES = 15 };

/* What a queue's workers accepted lately (pace.c): a ring of minutes. */
struct pace {
    int64_t minute; /* the newest one */
    uint32_t accepted[PACE_MINUTES];
    int64_t waited_s[PACE_MINUTES]; /* together, from creation */
};

struct queue {
    struct sid sid;
    struct workspace *workspace;
    struct list_node node;
    int64_t version;
    struct str name;
    struct str target_text;
    struct expr *target; /* NULL: matches nobody */
    bool is_deleted;
    bool is_lifo;
    bool reads_activity; /* the target does */
    bool reads_channel;
    int32_t max_reserved;
    struct sid reservation_activity_sid;
    struct sid assignment_activity_sid;
    struct list members;
    uint32_t *activity_counts; /* members by activity.index */
    uint32_t activity_capacity;
    uint32_t member_count;
    struct queue_member *mark; /* of engine.marked, while it is regarded */
    struct list classes;       /* task_class.queue_node; all */
    struct list open_classes;  /* task_class.open_node; those that any member may qualify for */
    uint32_t activity_readers; /* classes that read what changes with a worker's activity */
    uint32_t channel_readers;  /* … or with what he is doing */
    size_t task_count;         /* pending or reserved in it */
    struct task_class *plain;  /* of the tasks that anybody may have; NULL: not known */
    struct stats_group stats;
    struct pace pace;
};

/* One routing document; lives as long as it is current or a task uses it. */
struct document {
    struct workflow *workflow;
    struct list_node node;
    int64_t version;
    struct workflow_doc *doc;
    size_t task_count;
};

struct workflow {
    struct sid sid;
    struct workspace *workspace;
    struct list_node node;
    int64_t version;
    struct str name;
    bool is_deleted;
    int64_t reservation_timeout_s;
    struct document *current;
    struct list documents;
    size_t task_count; /* pending or reserved */
    struct stats_group stats;
};

/* Classes restricted to one worker, found when that worker changes. */
struct known {
    struct str key; /* owned */
    struct list classes;
    struct list workers; /* worker.name_node; names only */
};

/*
 * Tasks that want the same: one queue, one channel, one residual predicate, one order. Holds the
 * waiting tasks in order and, of the workers that qualify, the free ones in order.
 *
 * Conditions that are each task's own and can be looked up neither as equality nor as one worker
 * (class.c) are no part of the class: it is filtered then. Its members are all who fit the rest,
 * its tasks are in variants, and only a member whom a variant's conditions let through fits.
 */
struct task_class {
    struct str key; /* owned; in engine.classes */
    struct workspace *workspace;
    struct queue *queue; /* NULL: one worker wherever he is (routing target) */
    struct channel *channel;
    struct expr *residual;          /* NULL: none */
    bool matches_nobody;            /* the predicate is constantly false */
    const struct expr_order *order; /* NULL: idle time alone; belongs to the class (own_order) */
    struct expr_order *own_order;
    struct known *known;   /* NULL: any worker of the queue */
    struct filter *filter; /* NULL: none of its tasks has conditions of its own */
    struct class_anchor *anchors;
    uint32_t anchor_count;
    bool reads_activity;
    bool reads_channel;
    bool is_order_off; /* some member's attribute is no integer: the whole order is ignored; not in
                          filtered classes, where it depends on the task */
    uint32_t bad_order_count;
    uint32_t member_count;
    uint32_t waiting;      /* tasks, of all variants */
    uint32_t idle_members; /* of these, when it became idle; 0 = in use */
    struct line tasks;     /* waiting; when there is no filter */
    struct line free;      /* class_member.place; likewise */
    struct list members;   /* all that qualify, free or not */
    struct list_node queue_node;
    struct list_node open_node;
    struct list_node known_node;
    struct list_node idle_node; /* engine.idle_classes when no task refers to it */
    size_t refs;                /* tasks in this step, pending or reserved */
    struct class_member *mark;  /* of engine.marked, while it is regarded */
};

/* What a filtered class has more. */
struct filter {
    uint64_t id;             /* of the class, in the keys of variants */
    struct expr *shape;      /* the tasks' own conditions; values from the variant */
    struct expr_path *range; /* one of them is a range over this name; NULL: none is */
    bool is_at_most;
    struct tree variants; /* those with waiting tasks, by their first; values: bounds */
    struct tree free;     /* member_node; values: what the members have, negated */
    struct list bad;      /* member_node.bad_node: those whose attributes order_by cannot order */
};

/* Tasks of a filtered class whose own conditions are the same. */
struct variant {
    struct tree_node node; /* first: in filter.variants */
    struct task_class *class;
    struct expr_constants *constants;
    struct str key; /* owned; in engine.variants */
    double bound;   /* of the range, so that who has at least this is let through */
    bool has_bound;
    struct line tasks;
    const struct task *first; /* of them, by which it has its place; NULL: none waits */
    size_t refs;              /* tasks in this step, pending or reserved */
};

struct class_member {
    struct line_node place; /* first: in task_class.free */
    struct task_class *class;
    struct worker *worker;
    struct worker_channel *slot;
    struct list_node class_node;
    struct list_node worker_node;     /* worker_channel.members */
    struct expr_order_key *order_key; /* NULL without order */
    struct member_node *node;         /* NULL without filter */
    bool is_bad_order;
    bool is_moving; /* taken out for a moment, see class_reorder */
};

/* A free member in the order of a filtered class. */
struct member_node {
    struct tree_node node; /* first */
    struct class_member *member;
    struct list_node bad_node;
    double value; /* of the range, as in the tree; infinite: let through by none */
};

/* Timers of one kind mostly come in order. */
enum timer_kind { TIMER_WAITING, TIMER_ASSIGNED, TIMER_ENDED, TIMER_OFFER, TIMER_KIND_COUNT };

struct timer {
    struct line_node place; /* first; in engine.timers[kind] */
    int64_t at_us;
    int64_t sequence; /* of the task or reservation: unique */
    uint8_t kind;     /* enum timer_kind; as it was set last */
    bool is_task;
};

/* What a task has to do with the running batch, in the batch's arena. */
struct task_batch {
    struct task *task;
    struct list_node dirty_node; /* engine.dirty_tasks */
    struct task_row *snapshot;   /* of its version; NULL: none yet */
    struct engine_effect *row_effect;
    struct str attributes; /* the copy */
};

struct reservation_batch {
    struct reservation *reservation;
    struct list_node dirty_node; /* engine.dirty_reservations */
    struct reservation_row *snapshot;
    struct engine_effect *row_effect;
};

struct task {
    struct sid sid; /* first: engine.tasks */
    struct sid_node in_map;
    enum task_state state;
    struct workspace *workspace;
    struct list_node node;      /* workspace.tasks */
    struct heap_node ready;     /* engine.ready_tasks */
    struct line_node place;     /* of its class or variant */
    struct heap_node flow_late; /* this and the next four: while it waits, stats.c */
    struct heap_node queue_late;
    struct heap_node queue_later;
    struct list_node flow_line;
    struct list_node queue_line;
    struct timer timer;
    struct task_class *class; /* of its step; NULL when not pending or reserved */
    struct variant *variant;  /* in a filtered class; else NULL */
    struct queue *queue;
    struct channel *channel;
    struct workflow *workflow;
    struct document *document;
    struct worker *worker;        /* who accepted */
    struct worker *target_worker; /* routing target WK */
    struct sid *routing_target;   /* NULL: none */
    int64_t version;
    struct str attributes;
    struct str reason;
    struct str call_id;
    int64_t priority;
    int64_t timeout_s;
    int64_t created_at_us;
    int64_t updated_at_us;
    int64_t virtual_start_us;
    int64_t queue_entered_at_us;
    int64_t assigned_at_us;
    int64_t ended_at_us;
    int64_t filter_base_us;
    int64_t step_deadline_us;
    int64_t sequence;
    int32_t filter_index;
    int32_t target_index;
    int32_t assignment_count;
    int32_t pending_reservations;
    bool ignore_capacity;
    bool is_written;    /* a row exists */
    bool is_resumed;    /* its step was not entered but found: skip_if has had its say */
    bool is_stale;      /* reserved while its attributes changed: drive it anew when released */
    bool wants_current; /* reserved while ReEvaluateTasks: take the current document then */
    bool is_counted;    /* by stats.c, in its workflow's group */
    bool is_counted_in_queue;
    struct list reservations;
    uint64_t batch; /* the batch the next belongs to */
    struct task_batch *in_batch;
};

struct reservation {
    struct sid sid; /* first: engine.reservations */
    struct sid_node in_map;
    enum reservation_state state;
    struct task *task;
    struct worker *worker;
    struct queue *queue;
    struct channel *channel;
    struct activity *previous; /* single-tasking: the worker's before the offer; else NULL */
    struct list_node task_node;
    struct list_node worker_node; /* worker.reservations while open */
    struct timer timer;
    int64_t version;
    int64_t timeout_s;
    struct str instruction;
    struct str instruction_data;
    int64_t created_at_us;
    int64_t updated_at_us;
    int64_t expires_at_us;
    int64_t sequence;
    bool is_written;
    uint64_t batch; /* the batch the next belongs to */
    struct reservation_batch *in_batch;
};

enum worker_field {
    WORKER_FIELD_SID,
    WORKER_FIELD_NAME,
    WORKER_FIELD_ACTIVITY_SID,
    WORKER_FIELD_ACTIVITY_NAME,
    WORKER_FIELD_COUNT,
};

/* What the engine makes SIDs of. */
enum sid_kind { SID_TASK, SID_RESERVATION, SID_EVENT, SID_KIND_COUNT };

enum { SHARED_TEXTS = 64 }; /* power of two */

/* A text of config as it was copied for this batch; see emit_config_str. */
struct shared_text {
    uint64_t batch;
    uint64_t epoch;
    struct str from;
    struct str copy;
};

struct engine {
    struct engine_config config;
    struct map workspaces;
    struct map activities;
    struct map channels;
    struct map queues;
    struct map workflows;
    struct map workers;
    struct pool task_pool;
    struct pool reservation_pool;
    struct text_pool texts; /* of tasks and reservations */
    struct sid_map tasks;
    struct sid_map reservations;
    struct map classes;
    struct map variants;
    uint64_t sid_seeds[SID_KIND_COUNT];
    struct expr_record *attributes; /* of the running command's task; scratch of task.c */
    struct buf class_key;           /* scratch of class_need */
    struct buf class_residual;
    struct buf class_loose;
    struct buf class_value;
    uint64_t filter_count; /* ever made */
    struct line timers[TIMER_KIND_COUNT];
    int64_t timers_from_us;   /* none of them is due before */
    struct list idle_classes; /* oldest first */
    size_t idle_class_count;
    size_t idle_member_count;  /* task_class.idle_members, together */
    struct heap ready_tasks;   /* by sequence: the order does not depend on how things came in */
    struct heap ready_workers; /* by SID */
    struct list dirty_tasks;
    struct list dirty_reservations;
    struct expr_field *fields[WORKER_FIELD_COUNT];
    bool is_loading;
    int64_t started_us; /* when loading was done: paces are not older */
    int64_t now_us;
    int64_t sequence;
    int64_t event_sequence;
    uint64_t tag;      /* of the running command */
    int64_t wrap_up_s; /* what its wrap-ups may last; 0 = for ever */
    struct engine_effects *out;
    uint64_t batch;
    uint64_t out_batch;
    uint64_t shared_epoch; /* grows whenever a text of config may go */
    struct shared_text shared[SHARED_TEXTS];
    struct queue *last_queue; /* the last one that a step named; NULL: none yet */
    struct worker *marked; /* his memberships are in the marks, so that finding them is no scan */
    size_t waiting_count;
    size_t open_count;
    uint64_t reservations_made;
};
