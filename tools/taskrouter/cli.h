/*
 * What all commands of `taskrouter` share: settings, options, the words of a run, and how things
 * are said: results on standard output, everything else on standard error, each failure in one
 * sentence that says what to do.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"

struct api;
struct config;

/* Exit statuses, the same for all commands where --help does not say otherwise. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,  /* of sync: partial */
    CLI_CHANGES = 2, /* plan, drift: there are some; of sync: failed */
    CLI_USAGE = 3,   /* a wrong command line */
    CLI_INTERRUPTED = 130,
};

struct cli_settings {
    const char *url;
    const char *token;           /* NULL: none is set; so is the next */
    const char *bootstrap_token; /* stands in for token: whoever runs the suite has it */
    const char *workspace;       /* SID or name, or NULL */
    const char *twilio_workspace;
    const char *public_url;
    const char *ca_file;
};

/* Names are OPT_<first column>: option, name of its value (NULL: none), help. */
#define CLI_OPTIONS(X)                                                                             \
    X(WORKSPACE, "workspace", "NAME|SID", "the workspace, where the account has several")          \
    X(JSON, "json", NULL, "the result as JSON")                                                    \
    X(PUBLIC_URL, "public-url", "URL", "where Twilio reaches this suite, for its webhooks")        \
    X(ENV, "env", "FILE", "write the lines into this file instead of printing them")               \
    X(PROVIDER, "provider", "local|twilio", "of a workspace that has to be made (local)")          \
    X(EXAMPLE_RULES, "example-rules", NULL,                                                        \
      "with the guide's three routing rules and its keywords")                                     \
    X(SIDS, "sids", NULL, "with the SIDs, so that renaming in the file renames")                   \
    X(DELETE, "delete", NULL, "delete what is not in the file")                                    \
    X(YES, "yes", NULL, "do not ask")                                                              \
    X(RE_EVALUATE, "re-evaluate", NULL, "route waiting tasks again by a changed workflow")         \
    X(ALL, "all", NULL, "every kind; so does naming none")                                         \
    X(ACTIVITIES, "activities", NULL, "the activities")                                            \
    X(CHANNELS, "channels", NULL, "the task channels, and the workers' channels with --workers")   \
    X(QUEUES, "queues", NULL, "the task queues")                                                   \
    X(WORKFLOWS, "workflows", NULL, "the workflows")                                               \
    X(WORKERS, "workers", NULL, "the workers")                                                     \
    X(TASKS, "tasks", NULL, "the tasks")                                                           \
    X(LINKS, "links", NULL, "which user each worker is")                                           \
    X(LIGHT, "light", NULL, "only tasks that have not ended and the workers' activities")          \
    X(DRY_RUN, "dry-run", NULL, "say what would change, and change nothing")                       \
    X(IF_IDLE, "if-idle", NULL, "no failure where another run is under way: for jobs")             \
    X(FOLLOW, "follow", "RUN", "look at a run that is under way or has ended")                     \
    X(CANCEL, "cancel", "RUN", "end a run early")                                                  \
    X(REPLACE, "replace", NULL, "end the links that stand in the way")                             \
    X(HELP, "help", NULL, "this text")

enum cli_option {
#define X(name, text, value, help) OPT_##name,
    CLI_OPTIONS(X)
#undef X
        OPT_COUNT,
};

#define OPT_BIT(option) (1U << (unsigned)(option))

enum { CLI_WORDS_MAX = 4 };

struct cli_words {
    bool has[OPT_COUNT];
    const char *values[OPT_COUNT]; /* of those that take one */
    const char *words[CLI_WORDS_MAX];
    size_t count;
};

struct cli {
    struct arena *arena; /* of the whole run */
    struct config *config;
    struct cli_settings settings;
    struct cli_words given;
    struct api *api;
    const char *workspace_sid; /* by workspace_find; so are the next */
    const char *workspace_name;
    bool is_twilio; /* a mirrored workspace */
};

struct cli_command {
    const char *name;
    const char *words;   /* for help: "FILE [OTHER]" */
    const char *summary; /* one line */
    const char *more;    /* more of them, each with its end */
    unsigned options;    /* OPT_BIT */
    size_t min_words;
    size_t max_words;
    bool is_offline; /* needs neither settings nor gateway */
    int (*run)(struct cli *cli);
};

extern const struct cli_command cli_commands[];
extern const size_t cli_command_count;

/* Reads the words behind the command. False after having said what is wrong. */
bool cli_words_read(const struct cli_command *command, int count, char **words,
                    struct cli_words *out);
void cli_help(FILE *out, const struct cli_command *command); /* NULL: of all commands */

/* From environment, .env and .run/env. Errors: INVALID_ARGUMENT naming the variable. */
enum err_code cli_settings_load(struct cli *cli, struct err *err) MUST_CHECK;

/* "taskrouter: …" on standard error. */
void cli_say(const char *format, ...) PRINTF_LIKE(1, 2);

/* Says the error; the exit status of a failure. */
int cli_fail(const struct err *err);

/* Waits, or until a signal comes. */
void cli_pause(int ms);

/* SIGINT and SIGTERM set a flag from now on. */
void cli_catch_signals(void);
bool cli_is_interrupted(void);

/* A question on the terminal, answered with yes. False where there is none to ask. */
bool cli_confirm(const char *question);

/* Text from the arena; never NULL. */
const char *cli_text(struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);

/* A file whole, at most max_bytes; "-" is standard input. Errors: NOT_FOUND, INVALID_ARGUMENT. */
enum err_code cli_file_read(struct cli *cli, const char *path, size_t max_bytes, struct str *out,
                            struct err *err) MUST_CHECK;
