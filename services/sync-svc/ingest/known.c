#include "known.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/lock.h"
#include "base/map.h"

enum { KNOWN_LOCK_RANK = 340, KNOWN_MAX = 50000 };

#define FRESH_US (300 * US_PER_S)

struct entry {
    struct sid sid;
    int64_t until_mono_us;
};

struct known {
    struct lock lock;
    struct map entries;
};

struct known *known_new(void)
{
    struct known *known = xcalloc(1, sizeof *known);
    lock_init(&known->lock, "known resources", KNOWN_LOCK_RANK);
    map_init(&known->entries);
    return known;
}

static void entries_clear(struct known *known)
{
    for (size_t i = 0; i < known->entries.count; i++)
        free(known->entries.entries[i].value);
    map_clear(&known->entries);
}

void known_free(struct known *known)
{
    if (known == NULL)
        return;
    entries_clear(known);
    map_fini(&known->entries);
    lock_fini(&known->lock);
    free(known);
}

bool known_has(struct known *known, const char *sid)
{
    lock_take(&known->lock);
    const struct entry *entry = map_get(&known->entries, str_from(sid));
    bool has = entry != NULL && entry->until_mono_us > clock_mono_us();
    lock_drop(&known->lock);
    return has;
}

void known_add(struct known *known, const char *sid)
{
    lock_take(&known->lock);
    struct entry *entry = map_get(&known->entries, str_from(sid));
    if (entry == NULL && known->entries.count >= KNOWN_MAX)
        entries_clear(known);
    if (entry == NULL) {
        entry = xcalloc(1, sizeof *entry);
        entry->sid = sid_from(str_from(sid));
        (void)map_put(&known->entries, str_from(entry->sid.text), entry);
    }
    entry->until_mono_us = clock_mono_us() + FRESH_US;
    lock_drop(&known->lock);
}
