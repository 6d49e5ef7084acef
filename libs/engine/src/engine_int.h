/* The engine's insides: what its files do for each other, over what engine_types.h holds. */
#pragma once

#include "engine_types.h"
#include "mutation.h"

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
struct engine_offer *emit_offer(struct engine *engine); /* to be filled whole */
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
const struct worker *known_worker(const struct known *known);      /* NULL: nobody has the name */
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
