/*
 * The engine's insides: what is in memory and who owns it. struct engine owns everything; all other
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
#include "mutation.h"
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
    int64_t timers_from_us; /* none of them is due before */
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

/* --- engine.c ---------------------------------------------------------------------------- */

void text_set(struct str *slot, struct str value); /* frees the old, copies the new */
void text_free(struct str *slot);
struct str sid_str(const struct sid *sid);
int64_t time_after(int64_t at_us, int64_t seconds); /* TIME_NEVER when that is too far */
void engine_run_timers(struct engine *engine);
void engine_sid(const struct engine *engine, struct sid *out, enum sid_kind kind, int64_t sequence);

/* --- emit.c ------------------------------------------------------------------------------ */

void emit_begin(struct engine *engine, struct engine_effects *out); /* a command or tick starts */
void emit_flush(struct engine *engine); /* rows of what was touched; at its end */
void emit_forget_task(struct engine *engine, struct task *task); /* it goes */
void emit_forget_reservation(struct engine *engine, struct reservation *reservation);
void emit_attributes_changed(struct engine *engine, struct task *task);
void emit_override(struct engine *engine, const struct worker *worker, bool is_set);
void emit_purged(struct engine *engine, const struct task *task, bool is_gone);
void task_fill_row(const struct task *task, struct task_row *row);
void reservation_fill_row(const struct reservation *reservation, struct reservation_row *row);

/* Counts a change: new version, new time, row to be written. */
void task_touch(struct engine *engine, struct task *task);
void reservation_touch(struct engine *engine, struct reservation *reservation);

/* Appends an event; the fields that vary may be set on the result. */
struct engine_event *emit_task(struct engine *engine, enum engine_event_type type,
                               struct task *task);
struct engine_event *emit_reservation(struct engine *engine, enum engine_event_type type,
                                      struct reservation *reservation);
/* What else the event says, to be filled in; once per event. */
struct engine_event_more *emit_event_more(struct engine *engine, struct engine_event *event);
struct str emit_str(struct engine *engine, struct str text);        /* copy for an event */
struct str emit_config_str(struct engine *engine, struct str text); /* shared within the batch */

/* --- config.c ---------------------------------------------------------------------------- */

struct workspace *workspace_need(struct engine *engine, const struct sid *sid);
struct activity *activity_need(struct engine *engine, struct workspace *workspace,
                               const struct sid *sid);
struct channel *channel_need(struct engine *engine, struct workspace *workspace,
                             const struct sid *sid);
void document_release(struct document *document);
struct document *workflow_document(struct workflow *workflow, int64_t version);
void document_free(struct document *document);
struct queue *queue_need(struct engine *engine, struct workspace *workspace, const struct sid *sid);
struct channel *workspace_channel(const struct workspace *workspace, struct str sid_or_name);
void task_take_document(struct task *task, struct document *document);

enum err_code config_put_workspace(struct engine *, const struct engine_command *, struct err *);
enum err_code config_put_activity(struct engine *, const struct engine_command *, struct err *);
enum err_code config_put_channel(struct engine *, const struct engine_command *, struct err *);
enum err_code config_put_queue(struct engine *, const struct engine_command *, struct err *);
enum err_code config_put_workflow(struct engine *, const struct engine_command *, struct err *);
enum err_code config_delete_workspace(struct engine *, const struct engine_command *, struct err *);
enum err_code config_delete_activity(struct engine *, const struct engine_command *, struct err *);
enum err_code config_delete_channel(struct engine *, const struct engine_command *, struct err *);
enum err_code config_delete_queue(struct engine *, const struct engine_command *, struct err *);
enum err_code config_delete_workflow(struct engine *, const struct engine_command *, struct err *);

/* --- worker.c ---------------------------------------------------------------------------- */

enum err_code config_put_worker(struct engine *, const struct engine_command *, struct err *);
enum err_code config_delete_worker(struct engine *, const struct engine_command *, struct err *);
struct worker_channel *worker_slot(struct worker *worker, struct channel *channel);
bool worker_is_free(const struct worker *worker, const struct worker_channel *slot);
void worker_consume(struct engine *engine, struct worker *worker, struct channel *channel,
                    int64_t sequence);
void worker_release(struct engine *engine, struct worker *worker, struct channel *channel,
                    bool was_accepted);
void worker_note_accepted(struct engine *engine, struct worker *worker, struct channel *channel);
void worker_move(struct engine *engine, struct worker *worker, struct activity *activity);
void worker_set_channel_fields(struct worker *worker);
void worker_use_changed(struct engine *engine, struct worker *worker); /* of some channel */
void workspace_need_names(struct workspace *workspace); /* from now on, known has all names */
void worker_regard_queues(struct engine *engine, struct worker *worker);
void worker_refresh(struct engine *engine, struct worker *worker);
void worker_unref(struct engine *engine, struct worker *worker);
void worker_free(struct engine *engine, struct worker *worker);
struct worker *worker_ghost(struct engine *engine, struct workspace *workspace,
                            const struct sid *sid);
bool ready_task_less(const struct heap_node *a, const struct heap_node *b);
bool ready_worker_less(const struct heap_node *a, const struct heap_node *b);
void queue_regard_worker(struct engine *engine, struct queue *queue, struct worker *worker);
struct queue_member *queue_find(const struct engine *engine, const struct queue *queue,
                                const struct worker *worker);

/* --- stats.c: called where something that is counted changes ------------------------------- */

void stats_task_add(struct task *task);                         /* as it is now */
void stats_task_drop(struct task *task);                        /* not counted: left alone */
void stats_task_step(struct task *task, enum task_state to);    /* before it changes */
void stats_task_entered(struct task *task, struct queue *from); /* its queue; from: NULL = none */
void stats_task_priority(const struct task *task, int64_t priority); /* before it changes */
void stats_group_fini(struct stats_group *group);

/* --- pace.c ------------------------------------------------------------------------------ */

void pace_note(struct pace *pace, int64_t now_us, int64_t waited_us);
void pace_sum(const struct pace *pace, int64_t now_us, int64_t *out_accepted,
              int64_t *out_waited_s);

/* --- class.c ----------------------------------------------------------------------------- */

struct class_spec {
    struct workspace *workspace;
    struct queue *queue;
    struct channel *channel;
    struct expr *expression; /* of the target; NULL = none */
    struct str order_text;
    struct str known; /* "sid:…", "name:…", or empty */
    const struct expr_record *task;
};

struct known_space {
    char text[320]; /* kind and a name of at most 256 bytes */
};

/* What a step that names one worker is called: "sid:WK…", or "name:…" in lower case. An empty SID
 * or a name that is too long is nobody's. The view is into the space. */
struct str class_known_key(struct known_space *space, bool is_by_name, struct str name);

struct known *known_need(struct workspace *workspace, struct str key);
void known_drop(struct workspace *workspace, struct known *known); /* when nothing is in it */
struct task_class *class_need(struct engine *engine, const struct class_spec *spec,
                              struct variant **out_variant);
void class_ref(struct engine *engine, struct task_class *class, struct variant *variant);
void class_unref(struct engine *engine, struct task_class *class, struct variant *variant);
void class_free(struct engine *engine, struct task_class *class);

/* --- member.c: the workers of a class --------------------------------------------------------- */

void class_init_members(struct task_class *class);
void class_add_member(struct task_class *class, struct worker *worker);
void class_drop_member(struct class_member *member);
struct class_member *class_find(const struct engine *engine, const struct task_class *class,
                                const struct worker *worker);
bool class_wants(const struct task_class *class, const struct worker *worker, bool is_member);
void class_regard_worker(struct engine *engine, struct task_class *class, struct worker *worker,
                         bool is_member); /* is_member: of the class's queue */
void class_reorder(struct task_class *class);
int64_t
class_member_idle_since(const struct class_member *member); /* a row's sequence; 0 = never */

void member_become_free(struct class_member *member);
void member_become_busy(struct class_member *member);
void member_requeue(struct class_member *member); /* his place among the free changed */

/* The free members that fit the task, in order; NULL at the end. */
struct class_member *class_first_free(const struct task *task);
struct class_member *class_next_free(const struct task *task, const struct class_member *member);
size_t class_free_count(const struct task_class *class); /* fitting or not */

/* Whether order_by counts: the attributes of all who fit are integers or missing. */
bool class_is_ordered(const struct task *task);

/* --- waiting.c: the tasks of a class -----------------------------------------------------------
 */

bool task_goes_first(const struct task *a, const struct task *b);
void class_init_tasks(struct task_class *class);
void variant_init_tasks(struct variant *variant);
void class_put_task(struct task *task);  /* begins to wait in its class */
void class_take_task(struct task *task); /* no longer waits; not in it: left alone */
void class_move_task(struct task *task); /* its order changed */
void class_resort_tasks(struct task_class *class);
size_t class_count_before(const struct task_class *class, const struct task *task,
                          size_t *budget);       /* as line_count_before */
struct line *task_line(const struct task *task); /* those that want the very same, in order */

/* The task that goes first of those that the member fits; NULL when there is none before `best`
 * (NULL: none at all). */
struct task *class_first_task(const struct class_member *member, const struct task *best);

/* Whether a member fits: the task's own conditions. */
bool variant_fits(const struct variant *variant, const struct worker *worker);

/* --- posting.c: finding workers and classes by values ------------------------------------------
 */

/* Registers the class where its conditions can be looked up; false when they cannot. */
bool class_anchor(struct engine *engine, struct task_class *class, struct str residual);
void class_unanchor(struct task_class *class);
bool class_part_is_anchor(struct str part);
void class_fill_from_postings(struct engine *engine, struct task_class *class);
void worker_index(struct engine *engine, struct worker *worker); /* anew, as he is now */
void worker_unindex(struct worker *worker);
/* Classes that are looked up: those he is in, and those where he is found now; queue NULL: all. */
void worker_regard_anchored(struct engine *engine, struct worker *worker,
                            const struct queue *queue);
void workspace_free_indexes(struct workspace *workspace);

/* --- match.c ----------------------------------------------------------------------------- */

void match_task_ready(struct engine *engine, struct task *task);
void match_worker_ready(struct engine *engine, struct worker *worker);
void match_settle(struct engine *engine); /* until nobody can be given anything */

/* --- ahead.c: memory that is needed soon --------------------------------------------------- */

void ahead_of_purge(const struct engine *engine);            /* an ended task is about to go */
void ahead_of_answer(const struct reservation *reservation); /* to it, by a command */
void ahead_of_offer(const struct worker *worker,
                    const struct worker_channel *slot); /* who may get the next one */
void ahead_of_match(const struct line *waiting);        /* its first task has been taken */

/* --- route.c: where a task is in its workflow --------------------------------------------- */

void route_start(struct engine *engine, struct task *task, const struct expr_record *record,
                 int32_t filter);
bool route_again(struct engine *engine, struct task *task); /* false: no filter takes it */
bool route_is_taken(const struct task *task, const struct document *document);
void route_lost(struct engine *engine, struct task *task); /* its place is gone, and no new one */
void route_released(struct engine *engine, struct task *task);
void route_step_over(struct engine *engine, struct task *task); /* the step's time is up */
bool route_skip(struct engine *engine, struct task *task); /* skip_if; true when it has moved on */
const struct workflow_target *route_target(const struct task *task); /* NULL: direct */
bool route_is_known_worker(const struct task *task); /* its step is restricted to one */
void route_known_worker(const struct task *task, struct sid *out_sid);
bool route_would_skip(const struct engine *engine, const struct queue *queue,
                      const struct workflow_target *target);
void route_resume(struct engine *engine, struct task *task); /* after loading */

/* --- task.c ------------------------------------------------------------------------------ */

enum err_code task_create(struct engine *, const struct engine_command *, struct err *);
enum err_code task_update(struct engine *, const struct engine_command *, struct err *);
enum err_code task_cancel(struct engine *, const struct engine_command *, struct err *);
enum err_code task_cancel_with(struct engine *, const struct engine_command *, struct err *);
enum err_code task_wrap_up(struct engine *, const struct engine_command *, struct err *);
enum err_code task_complete(struct engine *, const struct engine_command *, struct err *);
enum err_code task_delete(struct engine *, const struct engine_command *, struct err *);
enum err_code task_begin_wrap_up(struct engine *engine, struct task *task, int64_t timeout_s,
                                 struct err *err);
void task_step(struct engine *engine, struct task *task, enum task_step step);
void task_give_up(struct engine *engine, struct task *task, enum engine_event_type why,
                  struct str reason);
void task_end(struct engine *engine, struct task *task, enum task_step step, struct str reason,
              enum engine_event_type why);
void task_remove(struct engine *engine, struct task *task, enum engine_event_type event);
void task_leave_class(struct engine *engine, struct task *task);
void task_wait(struct engine *engine, struct task *task, struct task_class *class,
               struct variant *variant);
void task_plan(struct engine *engine, struct task *task); /* sets its timer */
void task_timer(struct engine *engine, struct task *task);
void task_free(struct engine *engine, struct task *task);
void task_set_queue(struct task *task, struct queue *queue);
void task_set_priority(struct task *task, int64_t priority);
void task_count_workflow(struct task *task, int delta);

/* --- reservation.c ----------------------------------------------------------------------- */

enum err_code reservation_accept(struct engine *, const struct engine_command *, struct err *);
enum err_code reservation_reject(struct engine *, const struct engine_command *, struct err *);
enum err_code reservation_cancel(struct engine *, const struct engine_command *, struct err *);
enum err_code reservation_wrap_up(struct engine *, const struct engine_command *, struct err *);
enum err_code reservation_complete(struct engine *, const struct engine_command *, struct err *);
enum err_code reservation_instruct(struct engine *, const struct engine_command *, struct err *);
void reservation_make(struct engine *engine, struct task *task, struct worker *worker,
                      const struct engine_offer *offer); /* NULL: routed to him directly */
void reservation_end(struct engine *engine, struct reservation *reservation,
                     enum reservation_step step, struct str reason, struct activity *wanted);
void reservation_wrap(struct engine *engine, struct reservation *reservation);
void reservation_timer(struct engine *engine, struct reservation *reservation);
void reservation_reject_all(struct engine *engine, struct worker *worker);
void reservation_link(struct engine *engine, struct reservation *reservation);
void reservation_free(struct engine *engine, struct reservation *reservation);
void timer_set(struct engine *engine, struct timer *timer, int64_t at_us);
void timer_stop(struct engine *engine, struct timer *timer);
struct timer *timer_first(const struct engine *engine); /* NULL: none */
size_t timer_count(const struct engine *engine);
