/* tools/replay: the log of a real run, fed to a fresh engine. */
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/parse.h"
#include "db/db.h"
#include "replay_log.h"

static void print_help(void)
{
    (void)printf("Usage: tools/replay URL [--shard N] [--schema NAME]\n"
                 "Reads the event log and the journals of a shard of tasks-svc from PostgreSQL,\n"
                 "feeds the journals to a fresh engine and compares each event with the stored\n"
                 "one: SID, type, time, subjects, data. Exit status 1 at the first difference.\n"
                 "  URL            of the database, as tasks-svc has it\n"
                 "  --shard N      default 0\n"
                 "  --schema NAME  default tasks\n");
}

static int run(const char *url, const char *schema, int shard)
{
    struct err err = {0};
    struct replay_report report;
    struct db_conn *conn =
        db_conn_open(&(struct db_options){.url = url, .name = "replay", .schema = schema});
    replay_report_init(&report);
    enum err_code code = replay_log(conn, shard, &report, &err);
    (void)printf("%lld commits, %lld loads, %lld entries, %lld events compared, %lld of other "
                 "services passed over; %lld bytes of journal, %lld of events\n",
                 (long long)report.batches, (long long)report.loads, (long long)report.entries,
                 (long long)report.events, (long long)report.foreign,
                 (long long)report.journal_bytes, (long long)report.payload_bytes);
    bool is_same = code == ERR_OK && report.difference.len == 0;
    if (code != ERR_OK)
        (void)fprintf(stderr, "replay: %s\n", err.detail);
    else
        (void)printf("%s", is_same ? "the fresh engine gives the same decisions\n"
                                   : report.difference.data);
    replay_report_fini(&report);
    db_conn_close(conn);
    return is_same ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *url = NULL;
    const char *schema = "tasks";
    int64_t shard = 0;
    for (int i = 1; i < argc; i++) {
        bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--help") == 0) {
            print_help();
            return 0;
        }
        if (strcmp(argv[i], "--schema") == 0 && has_value) {
            schema = argv[++i];
        } else if (strcmp(argv[i], "--shard") == 0 && has_value &&
                   parse_i64(str_from(argv[i + 1]), 0, 100000, &shard)) {
            i++;
        } else if (argv[i][0] != '-' && url == NULL) {
            url = argv[i];
        } else {
            (void)fprintf(stderr, "replay: what is %s? See --help\n", argv[i]);
            return 2;
        }
    }
    if (url == NULL) {
        print_help();
        return 2;
    }
    return run(url, schema, (int)shard);
}
