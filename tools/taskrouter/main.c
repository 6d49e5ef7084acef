#include <string.h>

#include "api.h"
#include "cli.h"
#include "config/config.h"

enum { ARENA_BYTES = 1 << 30 };

static const struct cli_command *command_of(const char *name)
{
    for (size_t i = 0; i < cli_command_count; i++) {
        if (strcmp(cli_commands[i].name, name) == 0)
            return &cli_commands[i];
    }
    return NULL;
}

static int run(struct cli *cli, const struct cli_command *command)
{
    struct err err = {0};
    if (cli_settings_load(cli, &err) != ERR_OK)
        return cli_fail(&err);
    cli->api = api_open(cli);
    int status = command->run(cli);
    api_close(cli->api);
    return status;
}

int main(int argc, char **argv)
{
    static const struct cli zero = {NULL};
    const char *name = argc > 1 ? argv[1] : "help";
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        cli_help(argc > 1 ? stdout : stderr, NULL);
        return argc > 1 ? CLI_OK : CLI_USAGE;
    }
    const struct cli_command *command = command_of(name);
    if (command == NULL) {
        cli_say("there is no command \"%s\"; taskrouter --help lists them", name);
        return CLI_USAGE;
    }
    struct cli cli = zero;
    if (!cli_words_read(command, argc - 2, argv + 2, &cli.given))
        return CLI_USAGE;
    if (cli.given.has[OPT_HELP]) {
        cli_help(stdout, command);
        return CLI_OK;
    }
    cli.arena = arena_new(ARENA_BYTES);
    int status = run(&cli, command);
    config_free(cli.config);
    arena_free(cli.arena);
    return status;
}
