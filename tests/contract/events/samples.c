#include "samples.h"

#include <stdio.h>
#include <unistd.h>

#include "base/macros.h"
#include "jx/jx.h"

void sample_path(const char *folder, const struct event_kind *kind, int number, char *out,
                 size_t out_size)
{
    (void)snprintf(out, out_size, "%s/%s.%d.json", folder, kind->type, number);
}

struct sample_newest sample_newest(const char *folder, const struct event_kind *kind)
{
    char path[1024];
    struct sample_newest newest = {0};
    for (;;) {
        sample_path(folder, kind, newest.number + 1, path, sizeof path);
        if (access(path, F_OK) != 0)
            break;
        newest.number++;
    }
    if (newest.number > 0) {
        sample_path(folder, kind, newest.number, path, sizeof path);
        newest.json = json_load_file(path, 0, NULL);
    }
    return newest;
}

json_t *sample_today(const struct event_kind *kind)
{
    enum { SAMPLE_BYTES = 4 << 20 };
    struct err err = {0};
    json_t *json = NULL;
    AUTO(arena_cleanup) struct arena *arena = arena_new(SAMPLE_BYTES);
    enum err_code code = jx_parse_object(event_kind_sample(arena, kind), NULL, &json, &err);
    INVARIANT(code == ERR_OK);
    return json;
}
