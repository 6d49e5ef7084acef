/* One batch: the engine decides, one transaction makes it durable. */
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/macros.h"
#include "log/log.h"
#include "rpc/pb.h"
#include "shard_int.h"
#include "shard_store.h"
#include "svc/mirror.h"
#include "task_wire.h"

enum {
    COMMIT_BUDGET_S = 5,
    PLAN_AGE_S = 2, /* replanning takes a millisecond or two */
};

/* For replay (tests/sim/replay.h): the engine is told this now. */
static void note_entry(struct batch *batch, enum journal_kind kind,
                       const struct engine_command *command)
{
    struct journal_entry entry = {.kind = kind, .now_us = batch->now_us};
    if (command != NULL)
        entry.command = *command;
    journal_put(&batch->shard->journal, &entry);
}

void batch_begin(struct batch *batch, struct shard *shard, struct shard_op **ops, size_t count)
{
    *batch = (struct batch){
        .shard = shard,
        .now_us = clock_now_us(),
        .ops = ops,
        .op_count = count,
        .row_seq = shard->row_seq,
    };
    if (batch->now_us < shard->now_us)
        batch->now_us = shard->now_us;
    shard->now_us = batch->now_us;
    err_clear(&batch->failure);
    arena_reset(shard->arena);
    desk_clear(&shard->desk);
    journal_clear(&shard->journal);
    note_entry(batch, JOURNAL_TICK, NULL);
    event_pack_begin(&shard->packer, batch->now_us);
    call_init(&batch->call, shard->arena, "batch", COMMIT_BUDGET_S * US_PER_S);
}

void batch_note_load(struct batch *batch, int64_t now_us, uint64_t seed)
{
    struct shard *shard = batch->shard;
    batch->is_load = true;
    journal_clear(&shard->journal);
    journal_put(&shard->journal, &(struct journal_entry){.kind = JOURNAL_LOAD,
                                                         .now_us = now_us,
                                                         .seed = seed,
                                                         .event_sequence = shard->event_seq,
                                                         .row_sequence = shard->row_seq});
}

/* A growing array in the batch's arena. */
static void *grown(struct batch *batch, void *items, size_t count, size_t *capacity)
{
    if (count < *capacity)
        return items;
    size_t bigger = *capacity == 0 ? 64 : *capacity * 2;
    void **copy = arena_calloc(batch->shard->arena, bigger, sizeof *copy);
    if (copy == NULL) {
        batch->failure.code = ERR_SET(&batch->failure, ERR_RESOURCE_EXHAUSTED, "BATCH_TOO_LARGE",
                                      "the batch needs too much memory; try again");
        return NULL;
    }
    if (count > 0)
        memcpy(copy, items, count * sizeof *copy);
    *capacity = bigger;
    return copy;
}

#define PUSH(batch, array, item)                                                                   \
    do {                                                                                           \
        void *grown_ = grown((batch), (void *)(uintptr_t)(batch)->array##s,                        \
                             (batch)->array##_count, &(batch)->array##_capacity);                  \
        if (grown_ != NULL) {                                                                      \
            (batch)->array##s = grown_;                                                            \
            (batch)->array##s[(batch)->array##_count++] = (item);                                  \
        }                                                                                          \
    } while (0)

/* ---- log ---- */

static void log_event(struct batch *batch, const struct engine_effect *effect)
{
    bool is_asked = effect->tag > 0 && effect->tag <= batch->op_count;
    const struct call *call = is_asked ? batch->ops[effect->tag - 1]->call : NULL;
    event_pack_own(&batch->shard->packer, effect->event, is_asked ? call->who.actor_sid : "",
                   is_asked ? call->request_id : "");
}

void batch_collect(struct batch *batch)
{
    struct engine_effect *effect =
        batch->last == NULL ? batch->shard->effects.first : batch->last->next;
    for (; effect != NULL; effect = effect->next) {
        if (effect->kind == ENGINE_EVENT)
            log_event(batch, effect);
        batch->last = effect;
    }
}

/* ---- facts of other services ---- */

/* What the teller should fetch now, while nobody waits for it. */
static void note_unknown(struct batch *batch, struct shard_op *op,
                         const struct config_change *change)
{
    const struct engine_create create = {.workspace_sid = change->row.workspace_sid,
                                         .workflow_sid = change->row.sid};
    if (!op->may_fetch)
        return;
    if (engine_config_version(batch->shard->engine, &change->row.workspace_sid) == 0 &&
        !change->row.is_deleted)
        op->unknown |= SHARD_UNKNOWN_WORKSPACE;
    if (change->command.kind == ENGINE_PUT_WORKFLOW)
        op->missing_queue_count =
            gaps_missing(batch->shard, &create, op->call->arena, &op->missing_queues);
    if (op->missing_queue_count > 0)
        op->unknown |= SHARD_UNKNOWN_DOCUMENT_QUEUES;
    /* Activities come by a consumer of their own: nobody in an unknown one is given work, and with
     * the bus away that would stay so. */
    if (change->command.kind == ENGINE_PUT_WORKER &&
        engine_config_version(batch->shard->engine, &change->command.worker.activity_sid) == 0)
        op->unknown |= SHARD_UNKNOWN_ACTIVITY;
}

/* Something of a workspace that was deleted: what lay below it is removed, and stays so. */
static bool is_below_deleted(const struct shard *shard, const struct config_change *change)
{
    const struct sid *workspace = &change->row.workspace_sid;
    return change->row.kind != CONFIG_KIND_WORKSPACE &&
           engine_config_version(shard->engine, workspace) == 0 &&
           tombs_hold(shard, workspace, INT64_MIN);
}

/* About something in a workspace that Twilio routes, not about the workspace itself. */
static bool is_mirrored(const struct shard *shard, const struct config_change *change)
{
    return change->row.kind != CONFIG_KIND_WORKSPACE &&
           (change->is_mirrored || engine_is_mirrored(shard->engine, &change->row.workspace_sid));
}

/* An older word that asks for something to be done once: another process, or the other of two
 * events about one version, may have told the newer one first. */
static bool asks_late(const struct config_change *change)
{
    const struct engine_command *command = &change->command;
    return (command->kind == ENGINE_PUT_WORKER && command->worker.reject_pending) ||
           (command->kind == ENGINE_PUT_WORKFLOW && command->workflow.re_evaluate_tasks);
}

static void apply_change(struct batch *batch, struct shard_op *op, size_t index,
                         const struct config_change *change)
{
    struct shard *shard = batch->shard;
    if (change->event != NULL && heard_before(&shard->heard, change->event->sid))
        return;
    if (change->event != NULL)
        event_pack_foreign(&shard->packer, change->event);
    int64_t known = engine_config_version(shard->engine, &change->row.sid);
    if (is_below_deleted(shard, change) || change->lacks_document)
        return;                       /* likewise; what was left out was fetched before */
    if (is_mirrored(shard, change)) { /* the table alone keeps it, and the newest word of it */
        PUSH(batch, config, &change->row);
        return;
    }
    bool is_old = change->row.version < known;
    if ((is_old && !asks_late(change)) || tombs_hold(shard, &change->row.sid, change->row.version))
        return; /* we have heard newer things; the event is history all the same */
    if (change->row.is_deleted)
        tombs_put(shard, &change->row.sid, change->row.version);
    struct engine_command command = change->command;
    command.tag = index + 1;
    struct err err;
    err_clear(&err);
    note_entry(batch, JOURNAL_APPLY, &command);
    if (engine_apply(shard->engine, &command, batch->now_us, &shard->effects, &err) != ERR_OK)
        LOG_WARN(NULL, "what another service told is not understood, keeping what was known",
                 LOG_STR("sid", change->row.sid.text), LOG_ERR(&err));
    else if (change->command.kind == ENGINE_PUT_WORKFLOW && !is_old)
        gaps_note(shard, change);
    if (is_old)
        return;
    note_unknown(batch, op, change);
    PUSH(batch, config, &change->row);
}

/* ---- commands ---- */

static void refuse(struct shard_op *op, enum err_code code)
{
    op->code = code;
    op->is_refused = true;
}

/* A repeat gets the first reply. True when the operation is answered by that. */
static bool answer_repeat(struct batch *batch, struct shard_op *op)
{
    struct shard *shard = batch->shard;
    const char *account = op->call->who.account_sid;
    const struct known_key *known = keys_get(&shard->keys, account, op->method, op->key);
    if (known == NULL && shard->keys.is_complete)
        return false;
    struct repeat_row stored = {0};
    bool is_found = known != NULL;
    if (known != NULL) {
        stored.request_hash = known->request_hash;
        stored.reply = (struct str){known->reply, known->reply_len};
    }
    if (known == NULL || known->reply == NULL) {
        enum err_code code = shard_store_repeat(shard->conn, op->call, shard->index, account,
                                                op->method, op->key, &stored, &is_found, &op->err);
        if (code != ERR_OK) {
            refuse(op, code);
            return true;
        }
    }
    if (!is_found) /* forgotten by the database since */
        return false;
    if (strcmp(stored.request_hash.text, op->request_hash.text) != 0) {
        refuse(op,
               ERR_FIELD(&op->err, ERR_ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED", "idempotency_key",
                         "this idempotency key was used for another request; use a new one"));
        return true;
    }
    const ProtobufCMessageDescriptor *type = op->reply == SHARD_REPLY_TASK
                                                 ? &taskrouter__tasks__v1__task__descriptor
                                                 : &taskrouter__tasks__v1__reservation__descriptor;
    op->code = pb_decode(op->call->arena, type, stored.reply, &op->message, &op->err);
    op->is_refused = op->code != ERR_OK;
    return true;
}

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the request needs too much memory; send a smaller one");
}

/* An agent acts on what is offered or assigned to its own worker; the rest is not there for it. */
static enum err_code check_own(const struct engine *engine, struct shard_op *op)
{
    if (!op->is_own_only)
        return ERR_OK;
    const char *own = op->call->who.worker_sid;
    bool is_reservation = op->reply == SHARD_REPLY_RESERVATION;
    const char *worker = "";
    struct reservation_row reservation;
    struct task_row task;
    if (is_reservation && engine_reservation_get(engine, &op->command.action.sid, &reservation))
        worker = reservation.worker_sid.text;
    else if (!is_reservation && engine_task_get(engine, &op->command.action.sid, &task))
        worker = task.worker_sid.text;
    else
        return ERR_OK; /* the engine says that there is none */
    if (own[0] != '\0' && strcmp(own, worker) == 0)
        return ERR_OK;
    return ERR_SET(&op->err, ERR_PERMISSION_DENIED, "NOT_YOURS",
                   "an agent may act only on the %s of its own worker",
                   is_reservation ? "reservations" : "tasks");
}

/* The offer that the creation led to at once, so that nobody has to ask for it. */
static void tell_offer(const struct batch *batch, const struct shard_op *op,
                       const struct sid *task_sid, Taskrouter__Tasks__V1__Task *wire)
{
    const struct engine_effect *effect =
        batch->last == NULL ? batch->shard->effects.first : batch->last->next;
    for (; effect != NULL; effect = effect->next) {
        if (effect->kind == ENGINE_RESERVATION_ROW && effect->is_new &&
            strcmp(effect->reservation->task_sid.text, task_sid->text) == 0) {
            wire->_reservation_sid_case =
                TASKROUTER__TASKS__V1__TASK___RESERVATION_SID_RESERVATION_SID;
            wire->reservation_sid = arena_strdup(op->call->arena, effect->reservation->sid.text);
            return;
        }
    }
}

static void build_reply(struct batch *batch, struct shard_op *op)
{
    const struct sid *subject = &batch->shard->effects.subject;
    struct task_row task;
    struct reservation_row reservation;
    ProtobufCMessage *message = NULL;
    if (op->reply == SHARD_REPLY_TASK && engine_task_get(batch->shard->engine, subject, &task)) {
        Taskrouter__Tasks__V1__Task *wire = task_to_wire(op->call->arena, &task, batch->now_us);
        if (wire != NULL && op->command.kind == ENGINE_CREATE_TASK)
            tell_offer(batch, op, subject, wire);
        message = wire == NULL || arena_is_exhausted(op->call->arena) ? NULL : &wire->base;
    } else if (op->reply == SHARD_REPLY_RESERVATION &&
               engine_reservation_get(batch->shard->engine, subject, &reservation)) {
        Taskrouter__Tasks__V1__Reservation *wire =
            reservation_to_wire(op->call->arena, &reservation);
        message = wire == NULL ? NULL : &wire->base;
    }
    /* What was decided stays decided: the caller only cannot be told. */
    if (message == NULL && op->reply != SHARD_REPLY_NONE)
        op->code = no_room(&op->err);
    op->message = message;
}

/* The reply is kept with the key, in the transaction of the effect. */
static void store_key(struct batch *batch, struct shard_op *op)
{
    if (op->key.len == 0 || op->message == NULL)
        return;
    struct arena *arena = batch->shard->arena;
    size_t size = protobuf_c_message_get_packed_size(op->message);
    struct repeat_row *row = ARENA_NEW(arena, struct repeat_row);
    uint8_t *bytes = arena_alloc(arena, size + 1);
    if (row == NULL || bytes == NULL) {
        (void)no_room(&batch->failure);
        return;
    }
    (void)protobuf_c_message_pack(op->message, bytes);
    *row = (struct repeat_row){
        .account_sid = op->call->who.account_sid,
        .method = op->method,
        .key = op->key,
        .request_hash = op->request_hash,
        .reply = {(const char *)bytes, size},
    };
    PUSH(batch, repeat, row);
    /* Known at once, for a twin in this very batch; dropped with everything if the commit fails. */
    keys_put(&batch->shard->keys, row->account_sid, row->method, row->key, &row->request_hash,
             row->reply);
}

static unsigned unknown_by_reason(const char *reason)
{
    static const struct {
        const char *reason;
        unsigned unknown;
    } reasons[] = {
        {"WORKSPACE_NOT_FOUND", SHARD_UNKNOWN_WORKSPACE},
        {"WORKFLOW_NOT_FOUND",  SHARD_UNKNOWN_WORKFLOW },
        {"WORKFLOW_REQUIRED",   SHARD_UNKNOWN_WORKFLOW }, /* none known, or too many */
        {"QUEUE_NOT_FOUND",     SHARD_UNKNOWN_QUEUE    },
        {"CHANNEL_NOT_FOUND",   SHARD_UNKNOWN_CHANNEL  },
        {"WORKER_NOT_FOUND",    SHARD_UNKNOWN_WORKER   },
    };
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (reason != NULL && strcmp(reason, reasons[i].reason) == 0)
            return reasons[i].unknown;
    }
    return SHARD_UNKNOWN_NONE;
}

/* A document whose queues nobody told us of would strand the task: fetched first. */
static bool lacks_queues(struct batch *batch, struct shard_op *op)
{
    if (!op->may_fetch || op->command.kind != ENGINE_CREATE_TASK)
        return false;
    op->missing_queue_count =
        gaps_missing(batch->shard, &op->command.create, op->call->arena, &op->missing_queues);
    if (op->missing_queue_count == 0)
        return false;
    op->unknown = SHARD_UNKNOWN_DOCUMENT_QUEUES;
    refuse(op, ERR_SET(&op->err, ERR_NOT_FOUND, "QUEUE_NOT_FOUND",
                       "the workflow names queue %s, which does not exist",
                       op->missing_queues[0].text));
    return true;
}

/* What is due at this time was purged before by the tick that began the batch. */
static enum err_code check_limit(const struct shard *shard, struct shard_op *op)
{
    int64_t limit = shard->shell->task_limit;
    if (limit == 0 || op->command.kind != ENGINE_CREATE_TASK ||
        engine_workspace_task_count(shard->engine, &op->workspace_sid) < (size_t)limit)
        return ERR_OK;
    return ERR_SET(&op->err, ERR_FAILED_PRECONDITION, "LIMIT_REACHED",
                   "workspace %s has %lld tasks, which is the limit (TASKROUTER_LIMIT_TASKS)",
                   op->workspace_sid.text, (long long)limit);
}

/* Not ours to decide; the call goes on to who asks Twilio. */
static enum err_code refuse_mirrored(struct batch *batch, struct shard_op *op)
{
    enum err_code code = mirror_check_own(batch, op);
    return code == ERR_OK ? mirror_refuse(op->workspace_sid.text, &op->err) : code;
}

static void apply_command(struct batch *batch, struct shard_op *op, size_t index)
{
    struct shard *shard = batch->shard;
    if (engine_is_mirrored(shard->engine, &op->workspace_sid)) {
        refuse(op, refuse_mirrored(batch, op));
        return;
    }
    if (op->key.len > 0 && answer_repeat(batch, op))
        return;
    enum err_code code = check_own(shard->engine, op);
    if (code == ERR_OK)
        code = check_limit(shard, op);
    if (code != ERR_OK) {
        refuse(op, code);
        return;
    }
    if (lacks_queues(batch, op))
        return;
    op->command.tag = index + 1;
    code = engine_apply(shard->engine, &op->command, batch->now_us, &shard->effects, &op->err);
    if (code != ERR_OK) {
        refuse(op, code);
        if (op->may_fetch)
            op->unknown = unknown_by_reason(op->err.reason);
        return;
    }
    note_entry(batch, JOURNAL_APPLY, &op->command); /* a refused one changes nothing */
    build_reply(batch, op);
    store_key(batch, op);
}

void batch_apply(struct batch *batch, struct shard_op *op, size_t index)
{
    enum err_code code = call_check(op->call, &op->err);
    if (code != ERR_OK) { /* nobody waits for it any more */
        refuse(op, code);
        return;
    }
    for (size_t i = 0; i < op->change_count; i++) {
        apply_change(batch, op, index, &op->changes[i]);
        batch_collect(batch);
    }
    if (op->command.kind != ENGINE_COMMAND_NONE) {
        apply_command(batch, op, index);
    } else if (op->mirror != NULL) {
        code = mirror_apply_op(batch, op);
        if (code != ERR_OK)
            refuse(op, code);
    } else if (op->look != NULL) {
        code = op->look(op, batch->shard->engine, batch->now_us, &op->err);
        if (code != ERR_OK)
            refuse(op, code);
    }
    batch_collect(batch);
}

/* ---- durable ---- */

bool batch_is_empty(const struct batch *batch)
{
    return batch->shard->effects.count == 0 && batch->shard->packer.count == 0 &&
           batch->config_count == 0 && batch->repeat_count == 0 && !batch->shard->desk.has_news;
}

int64_t shard_row_sequence(const struct engine_effects *effects, int64_t least)
{
    for (const struct engine_effect *e = effects->first; e != NULL; e = e->next) {
        int64_t sequence = e->kind == ENGINE_TASK_ROW          ? e->task->sequence
                           : e->kind == ENGINE_RESERVATION_ROW ? e->reservation->sequence
                                                               : 0;
        if (sequence > least)
            least = sequence;
    }
    return least;
}

static bool plans_are_old(struct shard *shard, int64_t now_mono_us)
{
    if (now_mono_us < shard->replan_mono_us)
        return false;
    shard->replan_mono_us = now_mono_us + PLAN_AGE_S * US_PER_S;
    return true;
}

static enum err_code send_rows(struct batch *batch, struct err *err)
{
    struct shard *shard = batch->shard;
    /* A batch that only renews the lease is not worth a row. */
    bool is_told = batch->is_load || !batch_is_empty(batch);
    struct mirror_rows mirror;
    if (!mirror_rows_of(batch, &mirror))
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "BATCH_TOO_LARGE",
                       "the batch needs too much memory; try again");
    if (is_told)
        batch->journal = buf_str(&shard->journal.bytes);
    batch->sent_mono_us = clock_mono_us();
    bool replans = is_told && plans_are_old(shard, batch->sent_mono_us);
    enum err_code code =
        batch_store_send(shard->conn, &batch->call,
                         &(struct batch_guard){
                             .shard = shard->index,
                             .epoch = shard->epoch,
                             .ttl_ms = shard->shell->lease_ms,
                             .event_seq = shard->event_seq + (int64_t)batch->events.count,
                             .row_seq = batch->row_seq,
                         },
                         &(struct batch_rows){
                             .effects = &shard->effects,
                             .events = &batch->events,
                             .journal = batch->journal,
                             .journal_part = shard->journal_part,
                             .configs = batch->configs,
                             .config_count = batch->config_count,
                             .repeats = batch->repeats,
                             .repeat_count = batch->repeat_count,
                             .mirror = shard->desk.has_news ? &mirror : NULL,
                             .now_us = batch->now_us,
                             .is_planned_anew = replans,
                         },
                         err);
    shell_metrics_phase(SHELL_PHASE_SEND, clock_mono_us() - batch->sent_mono_us);
    return code;
}

/* It is on disk: memory follows. */
static void note_stored(struct batch *batch)
{
    struct shard *shard = batch->shard;
    if (batch->events.count > 0 && shard->shell->on_events != NULL)
        shard->shell->on_events(shard->shell->ctx, shard->index, shard->event_seq + 1,
                                &batch->events);
    shard->event_seq += (int64_t)batch->events.count;
    if (batch->events.count > 0)
        shard->journal_part = 0;
    else if (batch->journal.len > 0)
        shard->journal_part++;
    shard->row_seq = batch->row_seq;
    /* From before it was sent: the lease surely lasts so long, and looks may be answered. */
    shard->renew_mono_us = batch->sent_mono_us + shard->shell->lease_ms * US_PER_MS / 4;
    batch_remember(batch);
}

enum err_code batch_commit(struct batch *batch, struct err *err)
{
    struct shard *shard = batch->shard;
    if (batch->failure.code != ERR_OK) {
        *err = batch->failure;
        return err->code;
    }
    if (buf_failed(&shard->journal.bytes))
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "BATCH_TOO_LARGE",
                       "what the batch tells the router is too large; try again");
    batch->row_seq = shard_row_sequence(&shard->effects, batch->row_seq);
    enum err_code code = event_pack_end(&shard->packer, &batch->events, err);
    if (code == ERR_OK)
        code = send_rows(batch, err);
    int64_t sent = clock_mono_us();
    if (code == ERR_OK)
        code = batch_store_wait(shard->conn, &batch->call, err);
    if (code != ERR_OK)
        return code;
    int64_t ended = clock_mono_us();
    shell_metrics_phase(SHELL_PHASE_COMMIT, ended - sent);
    shell_metrics_batch(batch->op_count, ended - batch->sent_mono_us);
    note_stored(batch);
    return ERR_OK;
}

void batch_remember(struct batch *batch)
{
    struct shard *shard = batch->shard;
    for (size_t i = 0; i < batch->config_count; i++) {
        const struct config_row *row = batch->configs[i];
        if (row->kind == CONFIG_KIND_WORKSPACE)
            directory_put(shard->shell, &(struct known_workspace){
                                            .sid = row->sid,
                                            .account_sid = row->account_sid,
                                            .is_deleted = row->is_deleted,
                                            .is_mirrored = row->is_mirrored,
                                            .shard = shard->index,
                                        });
    }
    for (const struct engine_effect *e = shard->effects.first; e != NULL; e = e->next) {
        if (e->kind == ENGINE_EVENT)
            shell_metrics_event(e->event);
    }
}
