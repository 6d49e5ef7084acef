/* Inside writes/: one write on its way. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/lock.h"
#include "base/queue.h"
#include "intent.h"
#include "rpc/server.h"
#include "upstream.h"
#include "write_form.h"
#include "write_ops.h"
#include "writes.h"

struct app_job;

enum { WRITE_SERVICES = 4, WRITE_BUDGET_MS = 20000, BOOK_MS = 3000, LEFT_MAX = 512 };

/* A record that this process holds and does not work on any more. */
struct left_record {
    struct sid sid;
    int64_t epoch;
};

struct writes {
    struct writes_options options;
    struct app *app;
    struct sid sid; /* of this process, as the holder of intents */
    struct queue *jobs;
    pthread_t *threads;
    size_t thread_count;
    struct app_job *recovery;
    _Atomic int64_t beat_mono_us; /* when the database last heard that we live */
    struct lock lock;
    struct cond changed;               /* some write has ended */
    struct left_record left[LEFT_MAX]; /* under the lock */
    size_t left_count;
    struct rpc_method *methods;
    struct rpc_service services[WRITE_SERVICES];
};

/* One write. Everything lives in call->arena. */
struct write {
    struct writes *writes;
    struct call *call;
    const struct write_op *op;
    ProtobufCMessage *request;
    struct str packed; /* for the record: without key and secrets, defaults filled in */
    struct sid hash;   /* of the request as it came */
    const char *key;
    const char *account_sid;
    const char *workspace_sid;
    const char *parent_sid;
    const char *sid;      /* of the resource at Twilio, or its unique name; "" while it is made */
    const char *if_match; /* "" = whatever it is */
    const char *turn_sid; /* the resource that no other write may change meanwhile; "" = none */
    struct write_form form;
    struct intent intent;
    bool is_again; /* an earlier request of this record may have been carried out, or still be */
    int64_t told_at_us; /* then: when that was sent */

    /* What Twilio says. */
    ProtobufCMessage *resource; /* NULL: nothing, or it is gone */
    bool is_gone;
    const char *etag; /* of the resource that was fetched; "" = none */
    int64_t observed_at_us;
};

/* ---- prepare.c ---- */

/* What the caller may and what is to be sent: fills the write up to form. Errors: the caller's. */
enum err_code write_prepare(struct write *w, struct err *err) MUST_CHECK;

/* The same for one that is recorded already, for whoever looks what became of it. */
enum err_code write_recall(struct write *w, const struct intent *intent,
                           struct err *err) MUST_CHECK;

/* ---- expected.c: the version that the caller has seen ---- */

/* Whether the request says one. */
bool write_expects(const struct write *w);

/* Fills turn_sid: of a change of what Twilio changes without If-Match. */
enum err_code write_find_turn(struct write *w, struct err *err) MUST_CHECK;

/*
 * Whether the resource is as the caller has seen it: Twilio is asked what it has, that is stored,
 * and our row's version must be the expected one; if_match is filled. Of a recorded write that has
 * its turn, right before Twilio is told. Errors: ABORTED VERSION_MISMATCH, FAILED_PRECONDITION
 * NOT_IN_STEP, what Twilio and the owner say.
 */
enum err_code write_check_expected(struct write *w, struct err *err) MUST_CHECK;

/* The owner's row. */
enum err_code write_row(const struct write *w, ProtobufCMessage **out, struct err *err) MUST_CHECK;

/* ---- tell.c: Twilio ---- */

/* Makes the request. Unless it fails, resource or is_gone is set. *out_is_unsure: on failure,
 * whether it may have been carried out all the same; a refusal never is. */
enum err_code write_tell(struct write *w, bool *out_is_unsure, struct err *err) MUST_CHECK;

enum write_seen {
    WRITE_SEEN_NOT,  /* it was not carried out, or not yet; resource or is_gone: what is there */
    WRITE_SEEN_DONE, /* resource or is_gone */
    WRITE_SEEN_BUSY, /* a twin is under way: it cannot be told apart now */
};

/* What Twilio did about a write. */
enum err_code write_look(struct write *w, enum write_seen *out, struct err *err) MUST_CHECK;

/* Reads the resource again (is_gone when it is no more). */
enum err_code write_fetch(struct write *w, struct err *err) MUST_CHECK;

/* GET of any resource; *out NULL: it is not there. out_etag may be NULL. */
enum err_code upstream_get(struct writes *writes, struct call *call, enum twilio_resource resource,
                           const char *path, ProtobufCMessage **out, const char **out_etag,
                           struct err *err) MUST_CHECK;

/* ---- keep.c: our side ---- */

/* Puts what Twilio said into the owner's table. Errors: NOT_STORED_YET. */
enum err_code write_keep(struct write *w, struct err *err) MUST_CHECK;

/* What Twilio has, as write_fetch has seen it: in the owner's table, or refused as in
 * write_check_expected where it cannot be. is_gone and the resource may be newer then. */
enum err_code write_keep_seen(struct write *w, struct err *err) MUST_CHECK;

/* The row that went with a resource Twilio does not know any more. Best effort. */
void write_vanish(struct write *w);

/* The reply, from the owner; NULL for deletes. */
enum err_code write_reply(struct write *w, ProtobufCMessage **out, struct err *err) MUST_CHECK;

/* ---- run.c ---- */

enum err_code write_run(struct write *w, ProtobufCMessage **out_reply, struct err *err) MUST_CHECK;

/* Of an intent that is held: finds out and stores. *out_state: DONE, UNDONE, or OPEN when it has to
 * be looked at again (it is released then). *out_reply as write_reply, of one that is done. */
enum err_code write_settle(struct write *w, enum intent_state *out_state,
                           ProtobufCMessage **out_reply, struct err *err) MUST_CHECK;

/* ---- jobs.c ---- */

void writes_jobs_start(struct writes *writes);

/* Before an intent is recorded: others must know that we live. */
enum err_code writes_beat(struct writes *writes, struct call *call, struct err *err) MUST_CHECK;

/* The record could not be written back: the recovery does it, for while we live nobody else may
 * take it. Best effort. */
void writes_leave(struct writes *writes, const struct call *call, const struct intent *intent,
                  const struct err *why);

/* Counts: "done", "refused", "unknown", "found", "undone", "given_up". */
void writes_count(const char *outcome);

/* A call for the records, when the caller's time is over: same arena and identity. */
struct call write_book(const struct write *w);
