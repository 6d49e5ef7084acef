/* event_samples FOLDER: writes a new sample for each event whose newest one is not what is
 * published today. Samples that are there stay as they are. */
#include <stdio.h>

#include "base/macros.h"
#include "jx/jx.h"
#include "samples.h"

int main(int argc, char **argv)
{
    size_t written = 0;
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    for (size_t i = 0; i < event_kind_count(); i++) {
        struct event_kind kind = event_kind_at(i);
        char path[1024];
        struct sample_newest newest = sample_newest(argv[1], &kind);
        AUTO(jx_cleanup) json_t *kept = newest.json;
        AUTO(jx_cleanup) json_t *today = sample_today(&kind);
        if (kept != NULL && json_equal(kept, today))
            continue;
        sample_path(argv[1], &kind, newest.number + 1, path, sizeof path);
        FILE *file = fopen(path, "wb");
        bool is_ok = file != NULL && json_dumpf(today, file, JSON_INDENT(2)) == 0 &&
                     fputc('\n', file) != EOF;
        if (file == NULL || fclose(file) != 0 || !is_ok) {
            (void)fprintf(stderr, "cannot write %s\n", path);
            return 2;
        }
        (void)printf("new %s\n", path);
        written++;
    }
    (void)printf("%zu samples written\n", written);
    return 0;
}
