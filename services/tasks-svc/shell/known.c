/* What a shard keeps in memory beside the engine: used keys, gaps in documents, and the directory
 * of workspaces that handlers look into. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "shard_int.h"

/* ---- keys ---- */

void keys_init(struct known_keys *keys)
{
    *keys = (struct known_keys){.is_complete = true};
    map_init(&keys->map);
    keys->ring = xcalloc(SHARD_KEYS_MAX, sizeof(struct known_key *));
}

static void key_free(struct known_key *key)
{
    free(key->id);
    free(key->reply);
    free(key);
}

void keys_fini(struct known_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        key_free(keys->ring[(keys->head + i) % SHARD_KEYS_MAX]);
    map_fini(&keys->map);
    free(keys->ring);
    *keys = (struct known_keys){0};
}

static void write_id(struct buf *out, const char *account_sid, const char *method, struct str key)
{
    buf_text(out, account_sid);
    buf_char(out, '\1');
    buf_text(out, method);
    buf_char(out, '\1');
    buf_str_append(out, key);
}

struct known_key *keys_get(const struct known_keys *keys, const char *account_sid,
                           const char *method, struct str key)
{
    struct buf id;
    buf_init(&id, 0);
    write_id(&id, account_sid, method, key);
    struct known_key *found = map_get(&keys->map, buf_str(&id));
    buf_fini(&id);
    return found;
}

static void forget_oldest(struct known_keys *keys)
{
    struct known_key *oldest = keys->ring[keys->head];
    keys->reply_bytes -= oldest->reply_len;
    keys->bare -= keys->bare > 0;
    (void)map_remove(&keys->map, str_from(oldest->id));
    key_free(oldest);
    keys->head = (keys->head + 1) % SHARD_KEYS_MAX;
    keys->count--;
    keys->is_complete = false;
}

/* The oldest replies go first. Those of the batch under way, which the database cannot answer for
 * yet, are the newest and a small part of what fits. */
static void forget_replies(struct known_keys *keys)
{
    while (keys->reply_bytes > SHARD_REPLIES_BYTES && keys->bare < keys->count) {
        struct known_key *key = keys->ring[(keys->head + keys->bare) % SHARD_KEYS_MAX];
        keys->reply_bytes -= key->reply_len;
        keys->bare++;
        free(key->reply);
        key->reply = NULL;
        key->reply_len = 0;
    }
}

void keys_put(struct known_keys *keys, const char *account_sid, const char *method, struct str key,
              const struct sid *request_hash, struct str reply)
{
    if (keys->count == SHARD_KEYS_MAX)
        forget_oldest(keys);
    struct buf id;
    buf_init(&id, 0);
    write_id(&id, account_sid, method, key);
    struct known_key *entry = xcalloc(1, sizeof *entry);
    entry->id = buf_take(&id);
    entry->request_hash = *request_hash;
    if (reply.ptr != NULL) {
        entry->reply = xcalloc(1, reply.len + 1);
        memcpy(entry->reply, reply.ptr, reply.len);
        entry->reply_len = reply.len;
    }
    (void)map_put(&keys->map, str_from(entry->id), entry);
    keys->ring[(keys->head + keys->count) % SHARD_KEYS_MAX] = entry;
    keys->count++;
    keys->reply_bytes += entry->reply_len;
    forget_replies(keys);
}

/* ---- gaps ---- */

static void gap_free(struct workflow_gap *gap)
{
    if (gap == NULL)
        return;
    free(gap->queue_sids);
    free(gap);
}

void gaps_clear(struct shard *shard)
{
    for (size_t i = 0; i < shard->gaps.count; i++)
        gap_free(shard->gaps.entries[i].value);
    map_clear(&shard->gaps);
}

void gaps_note(struct shard *shard, const struct config_change *change)
{
    struct workflow_gap *gap = xcalloc(1, sizeof *gap);
    gap->workflow_sid = change->row.sid;
    gap->workspace_sid = change->row.workspace_sid;
    gap->queue_sids = xcalloc(change->queue_count + 1, sizeof *gap->queue_sids);
    for (size_t i = 0; i < change->queue_count; i++) {
        if (engine_config_version(shard->engine, &change->queue_sids[i]) == 0)
            gap->queue_sids[gap->queue_count++] = change->queue_sids[i];
    }
    gap_free(map_remove(&shard->gaps, str_from(gap->workflow_sid.text)));
    if (gap->queue_count > 0)
        (void)map_put(&shard->gaps, str_from(gap->workflow_sid.text), gap);
    else
        gap_free(gap);
}

/* The gap that a create may fall into: of its workflow, or of any of its workspace. */
static struct workflow_gap *gap_of(struct shard *shard, const struct engine_create *create)
{
    if (sid_is_set(&create->workflow_sid))
        return map_get(&shard->gaps, str_from(create->workflow_sid.text));
    for (size_t i = 0; i < shard->gaps.count; i++) {
        struct workflow_gap *gap = shard->gaps.entries[i].value;
        if (strcmp(gap->workspace_sid.text, create->workspace_sid.text) == 0)
            return gap;
    }
    return NULL;
}

size_t gaps_missing(struct shard *shard, const struct engine_create *create, struct arena *arena,
                    struct sid **out_sids)
{
    struct workflow_gap *gap = shard->gaps.count == 0 ? NULL : gap_of(shard, create);
    if (gap == NULL)
        return 0;
    size_t missing = 0;
    for (size_t i = 0; i < gap->queue_count; i++) {
        if (engine_config_version(shard->engine, &gap->queue_sids[i]) == 0)
            gap->queue_sids[missing++] = gap->queue_sids[i];
    }
    gap->queue_count = missing;
    if (missing == 0) {
        gap_free(map_remove(&shard->gaps, str_from(gap->workflow_sid.text)));
        return 0;
    }
    *out_sids = ARENA_ARRAY(arena, struct sid, missing);
    if (*out_sids == NULL)
        return 0;
    memcpy(*out_sids, gap->queue_sids, missing * sizeof **out_sids);
    return missing;
}

/* ---- events heard ---- */

bool heard_before(struct heard_events *heard, const char *event_sid)
{
    if (heard->ring == NULL)
        heard->ring = xcalloc(HEARD_MAX, sizeof *heard->ring);
    if (map_get(&heard->map, str_from(event_sid)) != NULL)
        return true;
    struct sid *place = &heard->ring[heard->count % HEARD_MAX];
    if (heard->count >= HEARD_MAX)
        (void)map_remove(&heard->map, str_from(place->text));
    *place = sid_from(str_from(event_sid));
    (void)map_put(&heard->map, str_from(place->text), place);
    heard->count++;
    return false;
}

void heard_clear(struct heard_events *heard)
{
    map_fini(&heard->map);
    free(heard->ring);
    *heard = (struct heard_events){0};
    map_init(&heard->map);
}

/* ---- tombs ---- */

void tombs_clear(struct shard *shard)
{
    for (size_t i = 0; i < shard->tombs.count; i++)
        free(shard->tombs.entries[i].value);
    map_clear(&shard->tombs);
}

void tombs_put(struct shard *shard, const struct sid *sid, int64_t version)
{
    struct tomb *tomb = map_get(&shard->tombs, str_from(sid->text));
    if (tomb == NULL) {
        tomb = xcalloc(1, sizeof *tomb);
        tomb->sid = *sid;
        (void)map_put(&shard->tombs, str_from(tomb->sid.text), tomb);
    }
    if (version > tomb->version)
        tomb->version = version;
}

bool tombs_hold(const struct shard *shard, const struct sid *sid, int64_t version)
{
    const struct tomb *tomb = map_get(&shard->tombs, str_from(sid->text));
    return tomb != NULL && version <= tomb->version;
}

/* ---- directory ---- */

void directory_put(struct shell *shell, const struct known_workspace *known)
{
    lock_take(&shell->lock);
    struct known_workspace *place = map_get(&shell->workspaces, str_from(known->sid.text));
    if (place == NULL) {
        place = xcalloc(1, sizeof *place);
        place->sid = known->sid;
        (void)map_put(&shell->workspaces, str_from(place->sid.text), place);
    }
    *place = *known;
    lock_drop(&shell->lock);
}

bool directory_get(struct shell *shell, const char *sid, struct known_workspace *out)
{
    lock_take(&shell->lock);
    const struct known_workspace *known = map_get(&shell->workspaces, str_from(sid));
    if (known != NULL)
        *out = *known;
    lock_drop(&shell->lock);
    return known != NULL;
}

void directory_drop(struct shell *shell, int shard)
{
    lock_take(&shell->lock);
    for (size_t i = shell->workspaces.count; i > 0; i--) {
        struct known_workspace *known = shell->workspaces.entries[i - 1].value;
        if (shard >= 0 && known->shard != shard)
            continue;
        (void)map_remove(&shell->workspaces, str_from(known->sid.text));
        free(known);
    }
    lock_drop(&shell->lock);
}
