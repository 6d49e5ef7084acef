#include "cli.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/macros.h"
#include "config/config.h"

enum { ANSWER_MAX = 16, OPTION_COLUMN = 26 };

/* ---- words ---- */

static const struct {
    const char *name;
    const char *value;
    const char *help;
} option_rows[OPT_COUNT] = {
#define X(name, text, value, help) [OPT_##name] = {text, value, help},
    CLI_OPTIONS(X)
#undef X
};

static unsigned options_of(const struct cli_command *command)
{
    return command->options | OPT_BIT(OPT_HELP);
}

/* The option that the word (without its dashes, up to '=') names; OPT_COUNT: none of these. */
static int option_of(const struct cli_command *command, struct str name)
{
    for (int i = 0; i < OPT_COUNT; i++) {
        if ((options_of(command) & OPT_BIT(i)) != 0 && str_eq_text(name, option_rows[i].name))
            return i;
    }
    return OPT_COUNT;
}

static bool wrong(const struct cli_command *command, const char *why, const char *word)
{
    cli_say("%s %s; taskrouter %s --help says what there is", word, why, command->name);
    return false;
}

/* *at is the word's place; it moves past a value. */
static bool option_read(const struct cli_command *command, int count, char **words, int *at,
                        struct cli_words *out)
{
    const char *word = words[*at];
    struct str rest = str_from(word + 2);
    struct str name = str_split(&rest, '=');
    int option = strcmp(word, "-h") == 0 ? OPT_HELP : option_of(command, name);
    if (option == OPT_COUNT)
        return wrong(command, "is not an option here", word);
    if (out->has[option])
        return wrong(command, "is there twice; keep one of them", word);
    out->has[option] = true;
    if (option_rows[option].value == NULL)
        return rest.ptr == NULL || wrong(command, "takes no value", word);
    if (rest.ptr != NULL) {
        out->values[option] = rest.ptr;
    } else if (*at + 1 < count) {
        (*at)++;
        out->values[option] = words[*at];
    }
    bool has_value = out->values[option] != NULL && out->values[option][0] != '\0';
    return has_value || wrong(command, "needs a value", word);
}

bool cli_words_read(const struct cli_command *command, int count, char **words,
                    struct cli_words *out)
{
    bool is_over = false;
    for (int i = 0; i < count; i++) {
        const char *word = words[i];
        if (!is_over && strcmp(word, "--") == 0) {
            is_over = true;
        } else if (!is_over && word[0] == '-' && (word[1] == '-' || strcmp(word, "-h") == 0)) {
            if (!option_read(command, count, words, &i, out))
                return false;
        } else if (!is_over && word[0] == '-' && word[1] != '\0') {
            return wrong(command, "is not an option here", word);
        } else if (out->count >= command->max_words || out->count >= CLI_WORDS_MAX) {
            return wrong(command, "is one word too many", word);
        } else {
            out->words[out->count++] = word;
        }
    }
    if (out->has[OPT_HELP] || out->count >= command->min_words)
        return true;
    return wrong(command, "is missing", command->words);
}

static void help_of_all(FILE *out)
{
    (void)fputs("taskrouter COMMAND [options]: configuration and sync of a TaskRouter suite.\n\n",
                out);
    for (size_t i = 0; i < cli_command_count; i++)
        (void)fprintf(out, "  %-12s%s\n", cli_commands[i].name, cli_commands[i].summary);
    (void)fputs(
        "\ntaskrouter COMMAND --help says more. Settings, from the environment, ./.env or\n"
        ".run/env: TASKROUTER_URL (http://127.0.0.1:8080), TASKROUTER_TOKEN (an API token),\n"
        "TASKROUTER_WORKSPACE (name or SID), TASKROUTER_PUBLIC_URL, TASKROUTER_CA_FILE.\n"
        "Exit status: 0 done, 1 failed, 3 wrong command line; others are said there.\n",
        out);
}

void cli_help(FILE *out, const struct cli_command *command)
{
    if (command == NULL) {
        help_of_all(out);
        return;
    }
    (void)fprintf(out, "taskrouter %s%s%s [options]: %s\n%s\n", command->name,
                  command->words[0] != '\0' ? " " : "", command->words, command->summary,
                  command->more);
    for (int i = 0; i < OPT_COUNT; i++) {
        char shown[64];
        if ((options_of(command) & OPT_BIT(i)) == 0)
            continue;
        (void)snprintf(shown, sizeof shown, "--%s%s%s", option_rows[i].name,
                       option_rows[i].value != NULL ? " " : "",
                       option_rows[i].value != NULL ? option_rows[i].value : "");
        (void)fprintf(out, "  %-*s%s\n", OPTION_COLUMN, shown, option_rows[i].help);
    }
}

/* ---- settings ---- */

#define ROW(key_, type_, member, help_, ...)                                                       \
    {                                                                                              \
        .key = (key_), .type = (type_), .help = (help_),                                           \
        CONFIG_FIELD(struct cli_settings, member), __VA_ARGS__                                     \
    }

static const struct config_setting settings_table[] = {
    ROW("TASKROUTER_URL", CONFIG_URL, url, "Where the gateway answers.", .choices = "http,https",
        .default_text = "http://127.0.0.1:8080"),
    ROW("TASKROUTER_TOKEN", CONFIG_STRING, token, "An API token.", .max = 512, .is_secret = true),
    ROW("TASKROUTER_BOOTSTRAP_TOKEN", CONFIG_STRING, bootstrap_token,
        "Stands in for TASKROUTER_TOKEN.", .max = 512, .is_secret = true),
    ROW("TASKROUTER_WORKSPACE", CONFIG_STRING, workspace, "Name or SID of the workspace.",
        .is_required = false),
    ROW("TWILIO_WORKSPACE_SID", CONFIG_SID, twilio_workspace,
        "The workspace where the account has several and none is named.", .choices = "WS"),
    ROW("TASKROUTER_PUBLIC_URL", CONFIG_URL, public_url, "Where Twilio reaches this suite.",
        .choices = "http,https"),
    ROW("TASKROUTER_CA_FILE", CONFIG_PATH, ca_file,
        "PEM certificates that the gateway's proxy is checked against.", .is_required = false),
};

static bool is_token(const char *token)
{
    for (const char *c = token; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~')
            return false;
    }
    return true;
}

enum err_code cli_settings_load(struct cli *cli, struct err *err)
{
    cli->config = config_new();
    config_set_fallback_file(cli->config, ".run/env");
    config_add(cli->config, settings_table, ARRAY_LEN(settings_table), &cli->settings);
    enum err_code code = config_load(cli->config, err);
    if (code != ERR_OK)
        return code;
    struct cli_settings *settings = &cli->settings;
    if (settings->token == NULL)
        settings->token = settings->bootstrap_token;
    if (settings->token == NULL)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "CONFIG_INVALID",
                       "TASKROUTER_TOKEN is missing: set it to an API token of the suite, in the "
                       "environment or in .env (tools/run writes one into .run/env)");
    if (!is_token(settings->token))
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "CONFIG_INVALID",
                       "TASKROUTER_TOKEN has blanks or other characters that no token has: write "
                       "the token alone");
    return ERR_OK;
}

/* ---- saying ---- */

void cli_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("taskrouter: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
}

int cli_fail(const struct err *err)
{
    cli_say("%s", err->detail);
    return CLI_FAILED;
}

const char *cli_text(struct cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *made = arena_vprintf(cli->arena, format, args);
    va_end(args);
    INVARIANT(made != NULL); /* a GiB is not enough for words */
    return made;
}

bool cli_confirm(const char *question)
{
    char answer[ANSWER_MAX] = "";
    if (isatty(STDIN_FILENO) == 0 || isatty(STDERR_FILENO) == 0)
        return false;
    (void)fprintf(stderr, "%s Type yes to go on: ", question);
    return fgets(answer, sizeof answer, stdin) != NULL && strcmp(answer, "yes\n") == 0;
}

/* ---- signals ---- */

static volatile sig_atomic_t is_interrupted;

static void on_signal(int signal)
{
    (void)signal;
    is_interrupted = 1;
}

void cli_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

bool cli_is_interrupted(void)
{
    return is_interrupted != 0;
}

void cli_pause(int ms)
{
    if (!cli_is_interrupted())
        (void)poll(NULL, 0, ms);
}

/* ---- files ---- */

enum err_code cli_file_read(struct cli *cli, const char *path, size_t max_bytes, struct str *out,
                            struct err *err)
{
    bool is_input = strcmp(path, "-") == 0;
    FILE *file = is_input ? stdin : fopen(path, "re");
    struct buf text;
    char chunk[8192];
    size_t got = 0;
    if (file == NULL)
        return ERR_SET(err, ERR_NOT_FOUND, "FILE_UNREADABLE", "%s cannot be read: %s", path,
                       errno == ENOENT ? "there is no such file" : "check its permissions");
    buf_init(&text, max_bytes);
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0)
        buf_append(&text, chunk, got);
    bool is_bad = ferror(file) != 0;
    bool is_large = buf_failed(&text);
    if (!is_input)
        (void)fclose(file);
    char *copy = arena_str_dup(cli->arena, buf_str(&text));
    INVARIANT(copy != NULL);
    *out = (struct str){copy, is_large ? 0 : text.len};
    buf_fini(&text);
    if (is_bad)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "FILE_UNREADABLE",
                       "%s cannot be read: name a file, not a directory", path);
    if (is_large)
        return ERR_SET(err, ERR_INVALID_ARGUMENT, "FILE_TOO_LARGE",
                       "%s has more than %zu bytes; make it smaller", path, max_bytes);
    return ERR_OK;
}
