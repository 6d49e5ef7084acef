/* Between desk.c (the rows of mirrored workspaces that a batch is about) and mirror.c (what is laid
 * over them). */
#pragma once

#include "shard_int.h"

struct mirror_apply;

/* Places on the desk, by SID. */
struct desk_task {
    struct mirror_task task;
    bool is_dirty;
    const struct mirror_apply *changed_by; /* the last that did; its version grows once for each */
};

struct desk_reservation {
    struct mirror_reservation reservation;
    bool is_dirty;
};

/* Without memory the batch fails. */
void desk_list_add(struct batch *batch, struct sid_list *list, const struct sid *sid);

/* The row's place, empty when nobody has asked for it. NULL: an empty SID, or no memory. */
struct desk_task *desk_task(struct shard *shard, const struct sid *sid);
struct desk_reservation *desk_reservation(struct shard *shard, const struct sid *sid);

/* What all operations of the batch need, at the first that needs any. */
enum err_code desk_read(struct batch *batch, struct err *err) MUST_CHECK;

enum err_code desk_no_room(struct err *err);
